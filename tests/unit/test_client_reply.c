/* test_client_reply.c - a server's replies, good and bad, cut at every byte.
 * link: deliverd common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "deliverd/reply.h"

static const struct {
	const char *why, *in;
	enum client_step step;
	enum reply_status end;
	unsigned lines;		/* that were told before the last */
	enum client_verdict verdict;
	const char *status, *words;
} rows[] = {
	{ "one line", "250 2.1.0 Ok\r\n", CLIENT_AT_MAIL, REPLY_END, 0, CLIENT_OK, "2.1.0", "250 2.1.0 Ok" },
	{ "a code alone", "250\r\n", CLIENT_AT_MAIL, REPLY_END, 0, CLIENT_OK, "2.0.0", "250" },
	{ "a code and a space", "250 \r\n", CLIENT_AT_MAIL, REPLY_END, 0, CLIENT_OK, "2.0.0", "250" },
	{ "no space", "250Ok\r\n", CLIENT_AT_MAIL, REPLY_END, 0, CLIENT_OK, "2.0.0", "250 Ok" },
	{ "several lines", "550-5.7.1 no\r\n550-5.7.1 never\r\n550 5.7.1 not here\r\n", CLIENT_AT_END, REPLY_END, 2,
	  CLIENT_NEVER, "5.7.1", "550 5.7.1 no never not here" },
	{ "an empty line among them", "250-\r\n250 a\r\n", CLIENT_AT_END, REPLY_END, 1, CLIENT_OK, "2.0.0", "250 a" },
	{ "two codes of a kind: the last", "550-a\r\n554 b\r\n", CLIENT_AT_END, REPLY_END, 1, CLIENT_NEVER, "5.0.0", "554 a b" },
	{ "two kinds", "250-a\r\n550 b\r\n", CLIENT_AT_END, REPLY_BAD, 1, CLIENT_TRY_LATER, "4.5.0",
	  "a reply that can't be understood (codes of several kinds in one reply): 550 b\\r" },
	{ "an LF alone ends a line", "250-a\n250 b\n", CLIENT_AT_END, REPLY_END, 1, CLIENT_OK, "2.0.0", "250 a b" },
	{ "a CR alone is text", "250 a\rb\r\n", CLIENT_AT_END, REPLY_END, 0, CLIENT_OK, "2.0.0", "250 a\\rb" },
	{ "8-bit and controls are escaped", "550 \xc3\xa4\t\x1b[0m\r\n", CLIENT_AT_END, REPLY_END, 0, CLIENT_NEVER, "5.7.1",
	  "550 \\xc3\\xa4\\t\\x1b[0m" },
	{ "quotes are escaped", "250 say \"x\\y\"\r\n", CLIENT_AT_END, REPLY_END, 0, CLIENT_OK, "2.0.0",
	  "250 say \\\"x\\\\y\\\"" },
	{ "an enhanced code without its code", "5.7.2 no\r\n", CLIENT_AT_RCPT, REPLY_BAD, 0, CLIENT_TRY_LATER, "4.5.0",
	  "a reply that can't be understood (a line without a code): 5.7.2 no\\r" },
	{ "code 99", "99 x\r\n", CLIENT_AT_RCPT, REPLY_BAD, 0, CLIENT_TRY_LATER, "4.5.0", "a reply that*" },
	{ "code 099", "099 x\r\n", CLIENT_AT_RCPT, REPLY_BAD, 0, CLIENT_TRY_LATER, "4.5.0", "a reply that*" },
	{ "code 199", "199 x\r\n", CLIENT_AT_RCPT, REPLY_BAD, 0, CLIENT_TRY_LATER, "4.5.0", "a reply that*" },
	{ "code 600", "600 x\r\n", CLIENT_AT_RCPT, REPLY_BAD, 0, CLIENT_TRY_LATER, "4.5.0", "a reply that*" },
	{ "code 2500", "2500 x\r\n", CLIENT_AT_RCPT, REPLY_BAD, 0, CLIENT_TRY_LATER, "4.5.0", "a reply that*" },
	{ "an empty line", "\r\n", CLIENT_AT_RCPT, REPLY_BAD, 0, CLIENT_TRY_LATER, "4.5.0", "a reply that*" },
	{ "another protocol", "HTTP/1.1 400 Bad Request\r\n", CLIENT_AT_RCPT, REPLY_BAD, 0, CLIENT_TRY_LATER, "4.5.0",
	  "a reply that can't be understood (a line without a code): HTTP/1.1 400 Bad Request\\r" },
	{ "unknown codes by their first digit", "299 x\r\n", CLIENT_AT_RCPT, REPLY_END, 0, CLIENT_OK, "2.0.0", "299 x" },
	{ "and later", "499 x\r\n", CLIENT_AT_RCPT, REPLY_END, 0, CLIENT_TRY_LATER, "4.0.0", "499 x" },
	{ "and never", "599 x\r\n", CLIENT_AT_RCPT, REPLY_END, 0, CLIENT_NEVER, "5.0.0", "599 x" },
	{ "a class that contradicts the code", "550 4.7.1 x\r\n", CLIENT_AT_RCPT, REPLY_END, 0, CLIENT_NEVER, "5.7.1",
	  "550 4.7.1 x" },
	{ "and the other way", "450 5.1.1 x\r\n", CLIENT_AT_RCPT, REPLY_END, 0, CLIENT_TRY_LATER, "4.1.1", "450 5.1.1 x" },
	{ "and a yes", "250 5.1.1 x\r\n", CLIENT_AT_RCPT, REPLY_END, 0, CLIENT_OK, "2.1.1", "250 5.1.1 x" },
	{ "no status: a digit too many", "550 5.1234.1 x\r\n", CLIENT_AT_RCPT, REPLY_END, 0, CLIENT_NEVER, "5.1.1",
	  "550 5.1234.1 x" },
	{ "no status: text behind", "550 5.7.2x\r\n", CLIENT_AT_RCPT, REPLY_END, 0, CLIENT_NEVER, "5.1.1", "550 5.7.2x" },
	{ "the longest status", "550 5.999.999\r\n", CLIENT_AT_RCPT, REPLY_END, 0, CLIENT_NEVER, "5.999.999",
	  "550 5.999.999" },
	{ "no status: half of one", "550 5.1\r\n", CLIENT_AT_RCPT, REPLY_END, 0, CLIENT_NEVER, "5.1.1", "550 5.1" },
	{ "552 at RCPT is 452", "552 too many\r\n", CLIENT_AT_RCPT, REPLY_END, 0, CLIENT_TRY_LATER, "4.5.3", "552 too many" },
	{ "552 at RCPT with a status", "552 5.2.2 full\r\n", CLIENT_AT_RCPT, REPLY_END, 0, CLIENT_TRY_LATER, "4.2.2",
	  "552 5.2.2 full" },
	{ "552 at the end", "552 too large\r\n", CLIENT_AT_END, REPLY_END, 0, CLIENT_NEVER, "5.3.4", "552 too large" },
	{ "452 at RCPT", "452 too many\r\n", CLIENT_AT_RCPT, REPLY_END, 0, CLIENT_TRY_LATER, "4.5.3", "452 too many" },
	{ "452 at MAIL", "452 full\r\n", CLIENT_AT_MAIL, REPLY_END, 0, CLIENT_TRY_LATER, "4.3.1", "452 full" },
	{ "421", "421 bye\r\n", CLIENT_AT_MAIL, REPLY_END, 0, CLIENT_TRY_LATER, "4.3.2", "421 bye" },
	{ "556", "556 null MX\r\n", CLIENT_AT_RCPT, REPLY_END, 0, CLIENT_NEVER, "5.1.10", "556 null MX" },
	{ "half a reply", "250-a\r\n250 b", CLIENT_AT_END, REPLY_MORE, 1, CLIENT_OK, NULL, NULL },
};

static void check_words(const char *got, const char *want)
{
	size_t n = strcspn(want, "*");

	if (want[n] == '\0' || strncmp(got, want, n) != 0)
		assert_string_equal(got, want);
}

static void check(size_t i, size_t cut)
{
	struct span parts[2] = { { (const uint8_t *)rows[i].in, cut }, span_of(rows[i].in + cut) };
	enum reply_status st = REPLY_MORE;
	struct reply_reader r;
	struct client_reply got;
	unsigned lines = 0;

	unit_case(rows[i].why, cut);
	reply_reader_init(&r);
	for (size_t p = 0; p < 2; p++)
		while (parts[p].n > 0 && st != REPLY_END && st != REPLY_BAD) {
			st = reply_feed(&r, &parts[p]);
			lines += st == REPLY_LINE;
		}
	assert_int_equal(st, rows[i].end);
	assert_int_equal(lines, rows[i].lines);
	if (st == REPLY_END)
		reply_fill(&r, rows[i].step, &got);
	else if (st == REPLY_BAD)
		reply_wrong(&r, rows[i].step, &got);
	else
		return;
	assert_int_equal(got.verdict, rows[i].verdict);
	assert_int_equal(got.step, rows[i].step);
	assert_string_equal(got.status, rows[i].status);
	check_words(got.words, rows[i].words);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t cut = 0; cut <= strlen(rows[i].in); cut++)
			check(i, cut);
}

/* One reply behind another, in one go. */
static void test_two(void **state)
{
	struct span in = span_of("550 5.1.1 a\r\n250-b\r\n250 c\r\n");
	struct reply_reader r;
	struct client_reply got;

	(void)state;
	reply_reader_init(&r);
	assert_int_equal(reply_feed(&r, &in), REPLY_END);
	assert_int_equal(reply_feed(&r, &in), REPLY_LINE);
	unit_is(r.line_text.p, r.line_text.n, "b");
	assert_int_equal(reply_feed(&r, &in), REPLY_END);
	unit_is(r.line_text.p, r.line_text.n, "c");
	assert_int_equal(r.lines, 2);
	reply_fill(&r, CLIENT_AT_END, &got);
	assert_string_equal(got.words, "250 b c");
	assert_string_equal(got.status, "2.0.0");
}

/* NULs, and what is longer than the room for it. */
static void test_bytes(void **state)
{
	static const char nul[] = "250 a\0b\r\n";
	struct span in = { (const uint8_t *)nul, sizeof(nul) - 1 };
	static char line[2000];
	struct reply_reader r;
	struct client_reply got;

	(void)state;
	reply_reader_init(&r);
	assert_int_equal(reply_feed(&r, &in), REPLY_END);
	reply_fill(&r, CLIENT_AT_END, &got);
	assert_string_equal(got.words, "250 a\\x00b");

	memset(line, '\x80', sizeof(line));
	memcpy(line, "250 ", 4);
	memcpy(line + sizeof(line) - 3, "\r\n", 3);
	in = span_of(line);
	assert_int_equal(reply_feed(&r, &in), REPLY_END);
	assert_int_equal(r.line_text.n, CLIENT_REPLY_LINE - 4);
	reply_fill(&r, CLIENT_AT_END, &got);
	assert_true(strlen(got.words) < CLIENT_WORDS && strlen(got.words) > CLIENT_WORDS - 8);
	assert_string_equal(got.words + strlen(got.words) - 3, "...");
}

/* A million lines, and a line without an end: the same memory, and an end. */
static void test_endless(void **state)
{
	static const char *const pieces[] = { "250-x\r\n", "aaaaaaaaaaaaaaaa", "250-\n" };

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		enum reply_status st = REPLY_MORE;
		struct reply_reader r;
		size_t bytes = 0;

		unit_case(pieces[k], 0);
		reply_reader_init(&r);
		for (size_t i = 0; i < 1000000 && st != REPLY_BAD; i++) {
			struct span in = span_of(pieces[k]);

			bytes += in.n;
			st = reply_feed(&r, &in);
		}
		assert_int_equal(st, REPLY_BAD);
		assert_true(bytes <= CLIENT_REPLY_BYTES + 16);
		assert_string_equal(r.wrong, "a reply without an end");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_two),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_endless),
	};

	return unit_run(tests, 4, "replies");
}
