/* test_smtp_chunk.c - messages in chunks (RFC 3030), the input cut at every byte.
 * link: tests/unit/smtp_outside.o smtpd sasl mime common/base */
#include "tests/unit/unit.h"

#include "tests/unit/smtp_outside.h"

static const struct smtp_config mx = {
	.hostname = "mx.test", .mechanisms = "PLAIN", .clear_mechanisms = "none", .message_limit = 100,
	.recipient_limit = 3, .line_limit = 100, .output_limit = 65536, .received_limit = 3, .error_limit = 4,
	.login_ms = 1000, .idle_ms = 5000, .data_ms = 7000, .answer_ms = 3000, .commit_ms = 9000,
};
static const struct smtp_config submission = {
	.hostname = "mx.test", .mechanisms = "PLAIN", .clear_mechanisms = "none", .submission = true, .tls = true,
	.message_limit = 200, .recipient_limit = 3, .line_limit = 100, .output_limit = 65536, .received_limit = 3,
	.error_limit = 50, .login_ms = 1000, .idle_ms = 5000, .data_ms = 7000, .answer_ms = 3000, .commit_ms = 9000,
};

#define FROM "MAIL FROM:<a@b.test>\r\n"
#define BINARY "MAIL FROM:<a@b.test> BODY=BINARYMIME\r\n"
#define TO "RCPT TO:<user@here.test>\r\n"
#define LOGIN "AUTH PLAIN AHVzZXIAc2VjcmV0\r\nMAIL FROM:<user@here.test>\r\n" TO
#define END "QUIT\r\n"
#define S(text) { (const uint8_t *)(text), sizeof(text) - 1 }
#define NONE { NULL, 0 }

static const struct row {
	const char *why;
	const struct smtp_config *config;
	struct span said;	/* by the client, behind EHLO */
	const char *codes;	/* of the replies behind that to EHLO */
	struct span body;	/* of the last message that was committed */
	unsigned committed, flags;
} rows[] = {
	{ "one chunk", &mx, S(FROM TO "BDAT 9 LAST\r\nA: b\r\n\r\nx" END), "250 250 250 221", S("A: b\r\n\r\nx"), 1, 0 },
	{ "three, pipelined", &mx, S(FROM TO "BDAT 4\r\na\r\nbBDAT 3\r\nc\r\nBDAT 3 last\r\nd\r\n" END),
	  "250 250 250 250 250 221", S("a\r\nbc\r\nd\r\n"), 1, 0 },
	{ "an empty last one", &mx, S(FROM TO "BDAT 3\r\na\r\nBDAT 0 LAST\r\n" END), "250 250 250 250 221", S("a\r\n"), 1, 0 },
	{ "an empty one before, and between", &mx, S(FROM TO "BDAT 0\r\nBDAT 3\r\na\r\nBDAT 0\r\nBDAT 3 LAST\r\nb\r\n" END),
	  "250 250 250 250 250 250 221", S("a\r\nb\r\n"), 1, 0 },
	{ "nothing at all", &mx, S(FROM TO "BDAT 0 LAST\r\n" END), "250 250 250 221", S(""), 1, 0 },
	{ "a dot alone is text", &mx, S(FROM TO "BDAT 12 LAST\r\na\r\n.\r\nMAIL\r\n" END), "250 250 250 221",
	  S("a\r\n.\r\nMAIL\r\n"), 1, 0 },
	{ "leading zeros and spaces", &mx, S(FROM TO "bdat  0003   LAST \r\na\r\n" END), "250 250 250 221", S("a\r\n"), 1, 0 },
	{ "two messages", &mx, S(FROM TO "BDAT 3 LAST\r\na\r\n" FROM TO "BDAT 3 LAST\r\nb\r\n" END),
	  "250 250 250 250 250 250 221", S("b\r\n"), 2, 0 },
	{ "commands that only talk may stand between", &mx, S(FROM TO "BDAT 3\r\na\r\nNOOP\r\nBDAT 0 LAST\r\n" END),
	  "250 250 250 250 250 221", S("a\r\n"), 1, 0 },
	{ "8-bit bytes", &mx, S(FROM TO "BDAT 3 LAST\r\n\xff\r\n" END), "250 250 250 221", S("\xff\r\n"), 1, STORE_MAIL_8BIT },
	{ "CRLF cut by chunks", &mx, S(FROM TO "BDAT 2\r\na\rBDAT 1 LAST\r\n\n" END), "250 250 250 250 221", S("a\r\n"), 1, 0 },
	{ "a lone LF", &mx, S(FROM TO "BDAT 2 LAST\r\na\n" END), "250 250 550 221", NONE, 0, 0 },
	{ "a lone CR at the end", &mx, S(FROM TO "BDAT 2 LAST\r\na\r" END), "250 250 550 221", NONE, 0, 0 },
	{ "a lone CR, cut", &mx, S(FROM TO "BDAT 2\r\na\rBDAT 1 LAST\r\nb" END), "250 250 250 550 221", NONE, 0, 0 },
	{ "binary", &mx, S(BINARY TO "BDAT 15 LAST\r\nA: b\r\n\r\n\0\n\r\r\n.\r" END), "250 250 250 221",
	  S("A: b\r\n\r\n\0\n\r\r\n.\r"), 1, STORE_MAIL_BINARY },
	{ "binary in a header", &mx, S(BINARY TO "BDAT 9 LAST\r\nA: b\nC: d" END), "250 250 550 221", NONE, 0, 0 },
	{ "binary and DATA", &mx, S(BINARY TO "DATA\r\nBDAT 3 LAST\r\na\r\n" END), "250 250 503 250 221", S("a\r\n"), 1,
	  STORE_MAIL_BINARY },
	{ "DATA, RCPT and MAIL between chunks", &mx, S(FROM TO "BDAT 3\r\na\r\nDATA\r\n" TO FROM "BDAT 0 LAST\r\n" END),
	  "250 250 250 503 503 503 250 221", S("a\r\n"), 1, 0 },
	{ "RSET between chunks", &mx, S(FROM TO "BDAT 3\r\na\r\nRSET\r\n" FROM TO "BDAT 3 LAST\r\nb\r\n" END),
	  "250 250 250 250 250 250 250 221", S("b\r\n"), 1, 0 },
	{ "RSET, then DATA", &mx, S(FROM TO "BDAT 3\r\na\r\nRSET\r\n" FROM TO "DATA\r\nb\r\n.\r\n" END),
	  "250 250 250 250 250 250 354 250 221", S("b\r\n"), 1, 0 },
	{ "EHLO between chunks", &mx, S(FROM TO "BDAT 3\r\na\r\nHELO c\r\nDATA\r\n" END), "250 250 250 250 503 221", NONE, 0, 0 },
	{ "QUIT between chunks", &mx, S(FROM TO "BDAT 3\r\na\r\n" END), "250 250 250 221", NONE, 0, 0 },
	{ "without MAIL the bytes are no commands", &mx, S("BDAT 6 LAST\r\nNOOP\r\n" END), "503 221", NONE, 0, 0 },
	{ "without RCPT", &mx, S(FROM "BDAT 6 LAST\r\nNOOP\r\n" FROM END), "250 554 250 221", NONE, 0, 0 },
	{ "no recipient was good", &mx, S(FROM "RCPT TO:<x@here.test>\r\nBDAT 6\r\nNOOP\r\nBDAT 6 LAST\r\nNOOP\r\n" END),
	  "250 550 554 503 221", NONE, 0, 0 },
	{ "behind HELO", &mx, S("HELO c\r\n" FROM TO "BDAT 6 LAST\r\nNOOP\r\n" END), "250 250 250 503 221", NONE, 0, 0 },
	{ "before the login", &submission, S("BDAT 6 LAST\r\nNOOP\r\n" END), "530 221", NONE, 0, 0 },
	{ "over the limit in one", &mx, S(FROM TO "BDAT 101 LAST\r\n0123456789012345678901234567890123456789012345678901234567890123456789"
					 "01234567890123456789012345678\r\n" END), "250 250 552 221", NONE, 0, 0 },
	{ "at the limit", &mx, S(FROM TO "BDAT 100 LAST\r\n0123456789012345678901234567890123456789012345678901234567890123456789"
				"0123456789012345678901234567\r\n" END), "250 250 250 221",
	  S("0123456789012345678901234567890123456789012345678901234567890123456789" "0123456789012345678901234567\r\n"), 1, 0 },
	{ "over the limit in the third of many, pipelined", &mx,
	  S(FROM TO "BDAT 48\r\n0123456789012345678901234567890123456789012345\r\n"
		    "BDAT 48\r\n0123456789012345678901234567890123456789012345\r\n"
		    "BDAT 6\r\nNOOP\r\nBDAT 6\r\nNOOP\r\nBDAT 6\r\nNOOP\r\nBDAT 6\r\nNOOP\r\nBDAT 6\r\nNOOP\r\nBDAT 0 LAST\r\n"
		    FROM TO "BDAT 3 LAST\r\nb\r\n" END),
	  "250 250 250 250 552 503 503 503 503 503 250 250 250 221", S("b\r\n"), 1, 0 },
	{ "refused chunk after chunk counts where nothing was before it", &mx,
	  S("BDAT 1\r\naNOOP\r\nBDAT 1\r\naNOOP\r\nBDAT 1\r\naNOOP\r\nBDAT 1\r\naNOOP\r\n"), "503 250 503 250 503 250 503 421", NONE,
	  0, 0 },
	{ "2^32 bytes, thrown away as they come", &mx, S(FROM TO "BDAT 4294967296 LAST\r\n" END END), "250 250", NONE, 0, 0 },
	{ "2^64 - 1", &mx, S(FROM TO "BDAT 18446744073709551615\r\n" END END), "250 250", NONE, 0, 0 },
	{ "2^64", &mx, S(FROM TO "BDAT 18446744073709551616\r\n" END), "250 250 501", NONE, 0, 0 },
	{ "a sum over 2^64", &mx, S(FROM TO "BDAT 3\r\na\r\nBDAT 18446744073709551615\r\n" END END), "250 250 250", NONE, 0, 0 },
	{ "-1", &mx, S(FROM TO "BDAT -1\r\n" END), "250 250 501", NONE, 0, 0 },
	{ "no size", &mx, S(FROM TO "BDAT\r\n" END), "250 250 501", NONE, 0, 0 },
	{ "LAST without one", &mx, S(FROM TO "BDAT LAST\r\n" END), "250 250 501", NONE, 0, 0 },
	{ "something behind LAST", &mx, S(FROM TO "BDAT 6 LAST x\r\nNOOP\r\n" END), "250 250 501", NONE, 0, 0 },
	{ "another word", &mx, S("BDAT 6 FIRST\r\nNOOP\r\n" END), "501", NONE, 0, 0 },
	{ "a loop", &mx, S(FROM TO "BDAT 48 LAST\r\nReceived: 1\r\nReceived: 2\r\nReceived: 3\r\nReceived:" END), "250 250 554 221",
	  NONE, 0, 0 },
	{ "submitted, with what it lacks", &submission, S(LOGIN "BDAT 10\r\nFrom: userBDAT 14 LAST\r\n@here.test\r\n\r\n" END),
	  "235 250 250 250 250 221", S("Date: now\r\nMessage-ID: <new>\r\nFrom: user@here.test\r\n\r\n"), 1, 0 },
	{ "submitted, all header", &submission, S(LOGIN "BDAT 22 LAST\r\nFrom: user@here.test\r\n" END),
	  "235 250 250 250 221", S("Date: now\r\nMessage-ID: <new>\r\nFrom: user@here.test\r\n"), 1, 0 },
	{ "submitted from somebody else", &submission, S(LOGIN "BDAT 22\r\nFrom: boss@here.test\r\nBDAT 0 LAST\r\n" END),
	  "235 250 250 250 550 221", NONE, 0, 0 },
};

/* The code of each reply's last line, a space between. */
static void codes_of(struct span said, char *out, size_t room)
{
	size_t n = 0;

	out[0] = '\0';
	while (said.n > 0) {
		struct span line = span_take_until(&said, '\n');

		if (line.n > 3 && line.p[3] == ' ')
			n += (size_t)snprintf(out + n, room - n, "%s%.3s", n > 0 ? " " : "", (const char *)line.p);
	}
}

/* Feeds pieces that end at each multiple of step, or once at cut. */
static void play(struct outside *o, struct span in, size_t step, size_t cut, struct buf *said)
{
	size_t left = in.n, at = 0;

	outside_pump(o, said);
	while (at < in.n) {
		size_t end = step > 0 ? at + step : at < cut ? cut : in.n;
		struct span piece = { in.p + at, (end < in.n ? end : in.n) - at };

		outside_feed(o, &piece);
		outside_pump(o, said);
		at = (size_t)(piece.p - in.p);
		if (o->closed || (step == 0 && in.n - at == left))
			break;
		left = in.n - at;
	}
}

static void play_row(const struct row *r, size_t step, size_t cut)
{
	struct outside o;
	struct buf text, said;
	char codes[200], want[200];

	unit_case(r->why, step > 0 ? step : cut);
	outside_start(&o, r->config);
	buf_init(&text, 1 << 16);
	buf_init(&said, 1 << 16);
	buf_put_text(&text, "EHLO c\r\n");
	buf_put(&text, r->said);
	play(&o, buf_span(&text), step, cut, &said);
	codes_of(buf_span(&said), codes, sizeof(codes));
	snprintf(want, sizeof(want), "220 250 %s", r->codes);
	assert_string_equal(codes, want);
	assert_int_equal(o.committed, r->committed);
	if (r->committed > 0) {
		assert_int_equal(o.body.n, r->body.n);
		assert_memory_equal(o.body.n > 0 ? o.body.p : (const uint8_t *)"", r->body.p, r->body.n);
		assert_int_equal(o.flags, r->flags);
	}
	buf_clear(&text);
	buf_clear(&said);
	outside_stop(&o);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t step = 1; step <= 7; step++)
			play_row(&rows[i], step, 0);
		for (size_t cut = 0; cut < rows[i].said.n + 8; cut++)
			play_row(&rows[i], 0, cut);
	}
}

/* What the outside answers to the first chunk is said when its bytes are gone. */
static void test_no_room(void **state)
{
	static const struct {
		enum smtp_action_kind kind;
		enum smtp_result result;
		const char *codes;
	} cases[] = {
		{ SMTP_CHECK_RATE, SMTP_OVER_RATE, "450" }, { SMTP_CHECK_RATE, SMTP_TRY_LATER, "451" },
		{ SMTP_BODY_BEGIN, SMTP_FULL, "452" },	    { SMTP_BODY_BEGIN, SMTP_TRY_LATER, "451" },
		{ SMTP_BODY, SMTP_FULL, "452" },	    { SMTP_COMMIT, SMTP_OVER_QUOTA, "452" },
	};
	struct span in = span_of("EHLO c\r\n" LOGIN "BDAT 24\r\nFrom: user@here.test\r\n\r\nBDAT 6\r\nNOOP\r\nBDAT 6 LAST\r\nNOOP\r\n");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct outside o;
		struct smtp_action a;
		struct span rest = in;
		struct buf said;
		char codes[200];

		unit_case(cases[i].codes, i);
		outside_start(&o, &submission);
		buf_init(&said, 1 << 16);
		do {
			smtp_server_feed(o.engine, &rest);
			smtp_server_next(o.engine, &a);
			if (a.kind == SMTP_REPLY)
				buf_put(&said, a.bytes);
			if (a.number != 0)
				smtp_server_done(o.engine, a.number, a.kind == cases[i].kind ? cases[i].result : SMTP_DONE, "x");
		} while (rest.n > 0 || a.kind != SMTP_NONE);
		codes_of(buf_span(&said), codes, sizeof(codes));
		assert_int_equal(memcmp(codes, "220 250 235 250 250 ", 20), 0);
		assert_non_null(strstr(codes + 20, cases[i].codes));
		assert_int_equal(strlen(codes + 20), 3 * 4 - 1);
		assert_int_equal(smtp_server_accepted(o.engine), 0);
		buf_clear(&said);
		outside_stop(&o);
	}
}

/* Behind a chunk that is refused a hundred may have been pipelined; whoever sends more does not listen. */
static void test_flood(void **state)
{
	static const char *const begins[] = { "EHLO c\r\n", "EHLO c\r\n" FROM "RCPT TO:<x@here.test>\r\n", "EHLO c\r\n" FROM TO "BDAT 101\r\n" };
	static const unsigned refused[] = { 104, 103, 104 };	/* error_limit is 4, and a recipient that is not there is one */

	(void)state;
	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		struct outside o;
		struct buf text, said;
		char codes[4000];
		unsigned n = 0;

		unit_case("a flood of chunks", i);
		outside_start(&o, &mx);
		buf_init(&text, 1 << 16);
		buf_init(&said, 1 << 16);
		buf_put_text(&text, begins[i]);
		for (int k = 0; k < 101 + 10 * 1000; k++)
			buf_put_text(&text, i == 2 && k < 101 ? "x" : "BDAT 0\r\n");
		play(&o, buf_span(&text), 1000, 0, &said);
		codes_of(buf_span(&said), codes, sizeof(codes));
		for (size_t at = 0; at < strlen(codes); at += 4)
			n += codes[at] == '5' && memcmp(codes + at, "550", 3) != 0;
		assert_int_equal(n, refused[i]);
		assert_string_equal(codes + strlen(codes) - 4, " 421");
		assert_true(o.closed);
		buf_clear(&text);
		buf_clear(&said);
		outside_stop(&o);
	}
}

/* Between two chunks a message is under way: who ends the session waits for it. */
static void test_end_between_chunks(void **state)
{
	struct span in = span_of("EHLO c\r\n" FROM TO "BDAT 3\r\na\r\n"), rest = span_of("BDAT 0 LAST\r\n");
	struct outside o;
	struct buf said;

	(void)state;
	outside_start(&o, &mx);
	buf_init(&said, 1 << 16);
	play(&o, in, 1, 0, &said);
	assert_false(smtp_server_idle(o.engine));
	smtp_server_end(o.engine, "bye");
	outside_pump(&o, &said);
	assert_false(o.closed);
	play(&o, rest, 1, 0, &said);
	assert_int_equal(o.committed, 1);
	assert_true(o.closed);
	buf_clear(&said);
	outside_stop(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_end_between_chunks),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "smtp_chunk");
}
