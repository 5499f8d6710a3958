/* test_imap_late.c - what the IMAP engine says when authd or storaged is late: try again, or look what became of it.
 * link: imapd storage sasl mime common/base */
#include "tests/unit/unit.h"

#include "common/base/buf.h"
#include "imapd/server.h"

enum { ANSWER_MS = 3000, COMMIT_MS = 9000, BEGAN_MS = 1000 };

struct world {
	struct imap_server *e;
	enum imap_kind stuck;		/* is not answered */
	uint64_t number;		/* of it */
	unsigned cancelled;
	enum imap_kind late;
	struct buf out;
};

static const struct store_mailbox inbox = { .id = 1, .uidvalidity = 7, .uidnext = 4, .modseq = 3, .exists = 3 };

static void answer(struct world *w, const struct imap_action *a)
{
	static const struct store_record records[] = { { .uid = 1, .size = 10, .modseq = 1, .meta_length = 5 },
						       { .uid = 2, .size = 10, .modseq = 1 } };
	static const struct store_range range = { 1, 3 };
	const struct store_page page = { .mailbox = inbox, .ranges = &range, .range_count = 1, .records = records,
					 .record_count = a->look.since == 0 && a->look.want == STORE_WANT_RECORDS ? 2 : 0 };
	const struct store_list list = { .mailboxes = &inbox, .count = 0 };
	struct imap_result r = { .status = STORE_OK };

	if (a->kind == IMAP_LOGIN)
		r.login = IMAP_LOGIN_OK;
	else if (a->kind == IMAP_FIND)
		r.mailbox = &inbox;
	else if (a->kind == IMAP_SYNC)
		r.page = &page;
	else if (a->kind == IMAP_LIST)
		r.list = &list;
	else if (a->kind == IMAP_BODY_OPEN)
		r.size = 10;
	else if (a->kind == IMAP_META)
		r.status = STORE_NOT_FOUND;
	imap_server_done(w->e, a->number, &r);
}

static void run(struct world *w)
{
	struct imap_action a;

	for (;;) {
		enum imap_kind kind = imap_server_next(w->e, &a);

		if (kind == IMAP_WANT_INPUT || kind == IMAP_CLOSE)
			break;
		if (a.kind == IMAP_REPLY) {
			buf_put(&w->out, a.bytes);
		} else if (a.kind == IMAP_CANCEL) {
			w->cancelled++;
			w->late = a.late;
		} else if (a.kind == w->stuck) {
			w->number = a.number;
		} else if (a.number != 0) {
			answer(w, &a);
		}
	}
}

static void feed(struct world *w, const char *text)
{
	struct span in = span_of(text);

	while (in.n > 0) {
		size_t before = in.n;

		imap_server_feed(w->e, &in);
		run(w);
		if (in.n == before)
			break;
	}
}

static void want(struct world *w, const char *text)
{
	buf_put_byte(&w->out, 0);
	assert_string_equal((const char *)w->out.p, text);
	buf_reset(&w->out);
}

static const struct {
	const char *why;
	enum imap_kind stuck;
	unsigned ms;
	const char *before, *command, *reply;
} rows[] = {
	{ "the password", IMAP_LOGIN, ANSWER_MS, "", "a LOGIN u p\r\n",
	  "a NO [UNAVAILABLE] The login can't be checked now, try again later\r\n" },
	{ "the password of AUTHENTICATE", IMAP_LOGIN, ANSWER_MS, "", "a AUTHENTICATE PLAIN AHUAcA==\r\n",
	  "a NO [UNAVAILABLE] The login can't be checked now, try again later\r\n" },
#define LATER "a NO [UNAVAILABLE] The mail store can't do that now, try again later\r\n"
#define LOGIN "l LOGIN u p\r\n"
#define SELECT LOGIN "s SELECT x\r\n"
	{ "the mailboxes", IMAP_LIST, ANSWER_MS, LOGIN, "a LIST \"\" *\r\n", LATER },
	{ "a mailbox", IMAP_FIND, ANSWER_MS, LOGIN, "a STATUS x (MESSAGES)\r\n", LATER },
	{ "the messages of one that is opened", IMAP_SYNC, ANSWER_MS, LOGIN, "a SELECT x\r\n", LATER },
	{ "annotations", IMAP_ANNOTATIONS, ANSWER_MS, LOGIN, "a GETMETADATA x /private/comment\r\n", LATER },
	{ "the records of a FETCH", IMAP_SYNC, ANSWER_MS, SELECT, "a FETCH 1:2 UID\r\n", LATER },
	{ "a body", IMAP_BODY_OPEN, ANSWER_MS, SELECT, "a FETCH 2 BODY.PEEK[]\r\n", LATER },
	{ "news: the command has nothing else to tell", IMAP_SYNC, ANSWER_MS, SELECT, "a NOOP\r\n", "a OK NOOP completed\r\n" },
	{ "room in the stage: the rest is read and thrown away", IMAP_STAGE_WRITE, ANSWER_MS, LOGIN, "a APPEND x {3+}\r\nabc", "" },
#define LOST "a NO [UNAVAILABLE] The mail store has not answered: it may be done all the same, look before you try again\r\n"
	{ "flags", IMAP_COMMIT, COMMIT_MS, SELECT, "a STORE 1 +FLAGS (\\Seen)\r\n", LOST },
	{ "a copy", IMAP_COMMIT, COMMIT_MS, SELECT, "a COPY 1 y\r\n", LOST },
	{ "a move", IMAP_COMMIT, COMMIT_MS, SELECT, "a MOVE 1 y\r\n", LOST },
	{ "an append", IMAP_COMMIT, COMMIT_MS, LOGIN, "a APPEND x {3+}\r\nabc\r\n", LOST },
	{ "a new mailbox", IMAP_COMMIT, COMMIT_MS, LOGIN, "a CREATE y\r\n", LOST },
	{ "an expunge", IMAP_COMMIT, COMMIT_MS, SELECT, "a EXPUNGE\r\n", LOST },
};

static void world_start(struct world *w)
{
	static const struct imap_settings settings = { .line_limit = 4096, .message_limit = 4096, .error_limit = 20,
						       .login_ms = 60000, .idle_ms = 1800000, .hostname = "h",
						       .answer_ms = ANSWER_MS, .commit_ms = COMMIT_MS,
						       .mechanisms = "PLAIN,LOGIN", .without_tls = "PLAIN,LOGIN" };

	*w = (struct world){ .stuck = IMAP_WANT_INPUT };
	assert_int_equal(imap_server_new(&w->e, &settings, BEGAN_MS, NULL), 0);
	buf_init(&w->out, 1 << 20);
	run(w);
}

static void world_stop(struct world *w)
{
	imap_server_free(w->e);
	buf_clear(&w->out);
}

/* Not a moment too early; then the client hears of it, the answer may not come any more, and the session goes on. */
static void test_late(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct imap_result strange = { .status = STORE_OK };
		uint64_t due = BEGAN_MS + rows[i].ms;
		struct world w;

		unit_case(rows[i].why, 0);
		world_start(&w);
		feed(&w, rows[i].before);
		buf_reset(&w.out);
		w.stuck = rows[i].stuck;
		feed(&w, rows[i].command);
		assert_true(w.number != 0);
		assert_true(imap_server_deadline(w.e) <= due);
		imap_server_tick(w.e, due - 1);
		run(&w);
		want(&w, "");
		assert_int_equal(imap_server_deadline(w.e), due);
		w.stuck = IMAP_WANT_INPUT;
		imap_server_tick(w.e, due);
		imap_server_done(w.e, w.number, &strange);
		run(&w);
		want(&w, rows[i].reply);
		assert_int_equal(w.cancelled, 1);
		assert_int_equal(w.late, rows[i].stuck);
		feed(&w, rows[i].stuck == IMAP_STAGE_WRITE ? "\r\n" : "b NOOP\r\n");
		want(&w, rows[i].stuck == IMAP_STAGE_WRITE ? LATER : "b OK NOOP completed\r\n");
		assert_int_equal(w.cancelled, 1);
		world_stop(&w);
	}
}

/* Metadata that are late are looked for in the body, and an IDLE that is late looks again. */
static void test_instead(void **state)
{
	struct world w;

	(void)state;
	world_start(&w);
	feed(&w, SELECT);
	buf_reset(&w.out);
	w.stuck = IMAP_META;
	feed(&w, "a FETCH 1 ENVELOPE\r\n");
	assert_true(w.number != 0);
	w.stuck = IMAP_READ;
	w.number = 0;
	imap_server_tick(w.e, BEGAN_MS + ANSWER_MS);
	run(&w);
	assert_true(w.number != 0 && w.late == IMAP_META);
	imap_server_tick(w.e, BEGAN_MS + 3 * ANSWER_MS);	/* the disk may take its time */
	run(&w);
	want(&w, "");
	world_stop(&w);

	world_start(&w);
	feed(&w, SELECT "i IDLE\r\n");
	buf_reset(&w.out);
	w.stuck = IMAP_SYNC;
	imap_server_changed(w.e, 1);
	run(&w);
	assert_true(w.number != 0);
	imap_server_tick(w.e, BEGAN_MS + ANSWER_MS);
	w.number = 0;
	run(&w);
	assert_int_equal(w.number, 0);
	w.stuck = IMAP_WANT_INPUT;
	imap_server_tick(w.e, imap_server_deadline(w.e));
	run(&w);
	feed(&w, "DONE\r\n");
	want(&w, "i OK IDLE completed\r\n");
	assert_int_equal(w.cancelled, 1);
	world_stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_late), cmocka_unit_test(test_instead) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "imap_late");
}
