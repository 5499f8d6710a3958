/* test_imap_progress.c - INPROGRESS (RFC 9585 4) while a command takes its time.
 * link: imapd storage sasl mime common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/base/buf.h"
#include "imapd/server.h"

struct world {
	struct imap_server *e;
	struct imap_action a;		/* the open one; number 0: none */
	struct buf out;
	uint64_t now_ms;
};

/* Up to an action that needs an answer, or input. */
static void run(struct world *w)
{
	struct imap_action a;

	for (;;) {
		enum imap_kind kind = imap_server_next(w->e, &a);

		if (kind == IMAP_WANT_INPUT || kind == IMAP_CLOSE)
			break;
		if (a.kind == IMAP_REPLY)
			buf_put(&w->out, a.bytes);
		else if (a.number != 0)
			w->a = a;
	}
}

static void feed(struct world *w, const char *text)
{
	struct span in = span_of(text);

	imap_server_feed(w->e, &in);
	run(w);
}

static void wait_ms(struct world *w, uint64_t ms)
{
	w->now_ms += ms;
	imap_server_tick(w->e, w->now_ms);
	run(w);
}

static void answer(struct world *w, struct imap_result r)
{
	uint64_t number = w->a.number;

	assert_true(number != 0);
	w->a.number = 0;
	imap_server_done(w->e, number, &r);
	run(w);
}

static void want(struct world *w, const char *text)
{
	buf_put_byte(&w->out, 0);
	assert_string_equal((const char *)w->out.p, text);
	buf_reset(&w->out);
}

static const struct store_mailbox inbox = { .id = 1, .uidvalidity = 7, .uidnext = 1001, .modseq = 3, .exists = 1000 };

/* Logged in, a mailbox of 1000 messages is selected. */
static struct world world_new(void)
{
	static const struct imap_settings settings = { .line_limit = 4096, .message_limit = 4096, .error_limit = 20,
						       .login_ms = 60000, .idle_ms = 1800000, .answer_ms = 600000, .commit_ms = 600000, .hostname = "h",
						       .mechanisms = "PLAIN,LOGIN", .without_tls = "PLAIN,LOGIN" };
	static const struct store_range range = { 1, 1000 };
	static const struct store_page page = { .ranges = &range, .range_count = 1, .mailbox = { .id = 1, .uidvalidity = 7, .uidnext = 1001,
						.modseq = 3, .exists = 1000 } };
	struct world w = { .now_ms = 1000 };

	assert_int_equal(imap_server_new(&w.e, &settings, w.now_ms, NULL), 0);
	buf_init(&w.out, 1 << 20);
	feed(&w, "l LOGIN a b\r\n");
	answer(&w, (struct imap_result){ .login = IMAP_LOGIN_OK });
	feed(&w, "s SELECT x\r\n");
	answer(&w, (struct imap_result){ .status = STORE_OK, .mailbox = &inbox });
	answer(&w, (struct imap_result){ .status = STORE_OK, .page = &page });
	buf_reset(&w.out);
	return w;
}

static void world_free(struct world *w)
{
	imap_server_free(w->e);
	buf_clear(&w->out);
}

/* n records behind the first; next: of the next page. */
static void answer_page(struct world *w, uint32_t first, uint32_t n, uint32_t next)
{
	struct store_record *r = calloc(n, sizeof(*r));
	struct store_page page = { .records = r, .record_count = n, .next_uid = next, .mailbox = inbox };

	assert_non_null(r);
	for (uint32_t i = 0; i < n; i++)
		r[i] = (struct store_record){ .uid = first + i, .modseq = 1, .size = 10 };
	answer(w, (struct imap_result){ .status = STORE_OK, .page = &page });
	free(r);
}

static void test_one_commit(void **state)
{
	struct store_result result = { .uidvalidity = 9, .modseq = 4 };
	struct world w = world_new();

	(void)state;
	feed(&w, "a.\"1 COPY 1:10 Sent\r\n");	/* no tag */
	buf_reset(&w.out);
	feed(&w, "a1 COPY 1:10,900 Sent\r\n");
	answer(&w, (struct imap_result){ .status = STORE_OK, .mailbox = &inbox });
	assert_int_equal(imap_server_deadline(w.e), w.now_ms + IMAP_PROGRESS_MS);
	wait_ms(&w, IMAP_PROGRESS_MS - 1);
	want(&w, "");
	wait_ms(&w, 1);
	want(&w, "* OK [INPROGRESS (\"a1\" 0 11)] Still at it\r\n");
	wait_ms(&w, IMAP_PROGRESS_MS - 1);
	want(&w, "");
	wait_ms(&w, 3 * IMAP_PROGRESS_MS);
	want(&w, "* OK [INPROGRESS (\"a1\" 0 11)] Still at it\r\n");
	answer(&w, (struct imap_result){ .status = STORE_OK, .commit = { &result, 1 } });
	answer_page(&w, 1, 0, 0);
	want(&w, "a1 OK COPY completed, there was nothing\r\n");
	wait_ms(&w, IMAP_PROGRESS_MS);
	want(&w, "");
	world_free(&w);
}

static void test_pages(void **state)
{
	struct world w = world_new();

	(void)state;
	feed(&w, "a1 FETCH 1:400 UID\r\n");
	answer_page(&w, 1, 100, 101);
	buf_reset(&w.out);
	wait_ms(&w, IMAP_PROGRESS_MS);
	want(&w, "* OK [INPROGRESS (\"a1\" 100 400)] Still at it\r\n");
	answer_page(&w, 101, 300, 401);
	assert_true(w.out.n > 25 && span_is((struct span){ w.out.p + w.out.n - 25, 25 }, "\r\na1 OK FETCH completed\r\n"));
	buf_reset(&w.out);

	feed(&w, "a2 SEARCH LARGER 5 SMALLER 5\r\n");
	answer_page(&w, 1, 250, 251);
	wait_ms(&w, IMAP_PROGRESS_MS);
	want(&w, "* OK [INPROGRESS (\"a2\" 250 1000)] Still at it\r\n");
	answer_page(&w, 251, 250, 501);
	wait_ms(&w, IMAP_PROGRESS_MS);
	want(&w, "* OK [INPROGRESS (\"a2\" 500 1000)] Still at it\r\n");
	answer_page(&w, 501, 500, 0);
	want(&w, "* SEARCH\r\na2 OK SEARCH completed\r\n");
	world_free(&w);
}

/* Nothing may stand inside a line, or a literal. */
static void test_half_out(void **state)
{
	struct world w = world_new();

	(void)state;
	feed(&w, "a1 SEARCH UID 1:300 LARGER 5\r\n");
	answer_page(&w, 1, 1, 2);
	want(&w, "* SEARCH 1");
	wait_ms(&w, IMAP_PROGRESS_MS);
	want(&w, "");
	answer_page(&w, 2, 2, 0);
	want(&w, " 2 3\r\na1 OK SEARCH completed\r\n");

	feed(&w, "a2 FETCH 1 BODY.PEEK[]\r\n");
	answer_page(&w, 1, 1, 0);
	answer(&w, (struct imap_result){ .status = STORE_OK, .size = 10 });
	want(&w, "* 1 FETCH (UID 1 BODY[] {10}\r\n");
	wait_ms(&w, IMAP_PROGRESS_MS);
	want(&w, "");
	answer(&w, (struct imap_result){ .status = STORE_OK, .bytes = span_of("0123456789") });
	want(&w, "0123456789)\r\n* OK [INPROGRESS (\"a2\" 0 1)] Still at it\r\na2 OK FETCH completed\r\n");
	world_free(&w);
}

/* IDLE, and who is awaited himself, need no word; nor who has not logged in. */
static void test_not_busy(void **state)
{
	struct world w = world_new();

	(void)state;
	feed(&w, "a1 IDLE\r\n");
	want(&w, "+ idling\r\n");
	wait_ms(&w, IMAP_PROGRESS_MS);
	want(&w, "");
	feed(&w, "DONE\r\n");
	want(&w, "a1 OK IDLE completed\r\n");
	feed(&w, "a2 APPEND x {3}\r\n");
	answer(&w, (struct imap_result){ .status = STORE_OK, .mailbox = &inbox });
	answer(&w, (struct imap_result){ .status = STORE_OK });
	want(&w, "+ Go ahead\r\n");
	wait_ms(&w, IMAP_PROGRESS_MS);
	want(&w, "");
	feed(&w, "abc");
	answer(&w, (struct imap_result){ .status = STORE_OK });
	feed(&w, "\r\n");
	wait_ms(&w, IMAP_PROGRESS_MS);
	want(&w, "* OK [INPROGRESS (\"a2\" NIL NIL)] Still at it\r\n");
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_one_commit), cmocka_unit_test(test_pages),
					    cmocka_unit_test(test_half_out), cmocka_unit_test(test_not_busy) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
