/* test_imap_behind.c - STORE and APPEND tell with the commit which look they will ask for; an answer that does not
 * show the change is asked for again.
 * link: imapd storage sasl mime common/base */
#include "tests/unit/unit.h"

#include "common/base/buf.h"
#include "imapd/server.h"

struct world {
	struct imap_server *e;
	bool stale;		/* a look ahead shows what was before the change */
	unsigned commits, then, ahead, again;
	struct store_look look;	/* that was told */
	struct buf out;
};

static const struct store_mailbox before = { .id = 1, .uidvalidity = 7, .uidnext = 3, .modseq = 3, .exists = 2 };

static void look_answer(struct world *w, const struct imap_action *a)
{
	bool old = w->commits == 0 || (w->stale && a->ahead);
	struct store_record records[] = { { .uid = 1, .modseq = 1, .flags = old ? 0 : STORE_SEEN }, { .uid = 3, .modseq = 4 } };
	const struct store_range range = { 1, 2 };
	struct store_page page = { .mailbox = before, .ranges = &range, .range_count = 1, .records = records };
	struct imap_result r = { .status = STORE_OK, .page = &page };

	if (!old)
		page.mailbox.modseq = 4;
	if (a->look.want == STORE_WANT_RECORDS && a->look.since == 0)
		page.record_count = 1;
	if (a->look.since > 0 && !old) {
		page.records = &records[1];
		page.record_count = 1;
	}
	imap_server_done(w->e, a->number, &r);
}

static void answer(struct world *w, const struct imap_action *a)
{
	const struct store_range uid = { 3, 3 };
	const struct store_result result = { .mailbox = 1, .uidvalidity = 7, .modseq = 4, .to = { &uid, 1 } };
	struct imap_result r = { .status = STORE_OK };

	if (a->kind == IMAP_SYNC) {
		look_answer(w, a);
		return;
	}
	if (a->kind == IMAP_LOGIN)
		r.login = IMAP_LOGIN_OK;
	else if (a->kind == IMAP_FIND)
		r.mailbox = &before;
	else if (a->kind == IMAP_COMMIT)
		r.commit.results = &result;
	r.commit.count = a->kind == IMAP_COMMIT;
	imap_server_done(w->e, a->number, &r);
}

static void note(struct world *w, const struct imap_action *a)
{
	if (a->kind == IMAP_COMMIT) {
		w->commits++;
		w->then += a->commit.then != NULL;
		if (a->commit.then != NULL)
			w->look = *a->commit.then;
	}
	if (a->kind != IMAP_SYNC || w->commits == 0)
		return;
	w->ahead += a->ahead;
	w->again += !a->ahead;
	if (a->ahead)
		assert_memory_equal(&a->look, &w->look, sizeof(w->look));
}

static void run(struct world *w)
{
	struct imap_action a;

	for (;;) {
		enum imap_kind kind = imap_server_next(w->e, &a);

		if (kind == IMAP_WANT_INPUT || kind == IMAP_CLOSE)
			return;
		if (a.kind == IMAP_REPLY) {
			buf_put(&w->out, a.bytes);
		} else if (a.number != 0) {
			note(w, &a);
			answer(w, &a);
		}
	}
}

static void feed(struct world *w, const char *text)
{
	struct span in = span_of(text);

	while (in.n > 0) {
		size_t n = in.n;

		imap_server_feed(w->e, &in);
		run(w);
		assert_true(in.n < n);
	}
}

static const struct {
	const char *why, *command, *tells;
	unsigned then;
} rows[] = {
	{ "flags", "a STORE 1 +FLAGS (\\Seen)\r\n", "* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n", 1 },
	{ "flags that nobody wants to hear of", "a STORE 1 +FLAGS.SILENT (\\Seen)\r\n", "", 0 },
	{ "a message into the selected mailbox", "a APPEND x {3+}\r\nabc\r\n", "* 3 EXISTS\r\n", 1 },
};

static void test_behind(void **state)
{
	static const struct imap_settings settings = { .line_limit = 4096, .message_limit = 4096, .error_limit = 20,
						       .login_ms = 60000, .idle_ms = 1800000, .hostname = "h",
						       .answer_ms = 3000, .commit_ms = 9000,
						       .mechanisms = "PLAIN,LOGIN", .without_tls = "PLAIN,LOGIN" };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w = { .stale = i % 2 == 1 };

		unit_case(rows[i / 2].why, i % 2);
		assert_int_equal(imap_server_new(&w.e, &settings, 1000, NULL), 0);
		buf_init(&w.out, 1 << 20);
		run(&w);
		feed(&w, "l LOGIN u p\r\ns SELECT x\r\n");
		buf_reset(&w.out);
		feed(&w, rows[i / 2].command);
		assert_int_equal(w.commits, 1);
		assert_int_equal(w.then, rows[i / 2].then);
		assert_int_equal(w.ahead, rows[i / 2].then);
		assert_int_equal(w.again > 0, rows[i / 2].then == 0 || w.stale);
		buf_put_byte(&w.out, 0);
		assert_non_null(strstr((const char *)w.out.p, rows[i / 2].tells));
		assert_non_null(strstr((const char *)w.out.p, "a OK"));
		imap_server_free(w.e);
		buf_clear(&w.out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_behind) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "imap_behind");
}
