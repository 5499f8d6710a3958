/* test_smtp_limits.c - RFC 5321 4.5.3.1, sentence by sentence, and 6.3: what must be taken is, one more is refused,
 * and the session goes on.
 * link: tests/unit/smtp_outside.o smtpd sasl mime common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "smtpd/engine.h"
#include "tests/unit/smtp_outside.h"

#define LABELS "aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa."	/* 50 */
#define HOST LABELS LABELS LABELS LABELS LABELS "abcde"			/* 255 */

enum { LINE = 2048, MESSAGE = 65536, RECIPIENTS = 100, RECEIVED = 100 };

static const struct smtp_config mx = {
	.hostname = HOST, .mechanisms = "PLAIN", .clear_mechanisms = "none", .message_limit = MESSAGE,
	.recipient_limit = RECIPIENTS, .line_limit = LINE, .output_limit = 65536, .received_limit = RECEIVED,
	.error_limit = 1000, .login_ms = 1000, .idle_ms = 5000, .data_ms = 7000, .answer_ms = 3000, .commit_ms = 9000,
};

/* Behind what the engine said before. */
static struct span say(struct outside *o, struct buf *said, struct span text)
{
	size_t before = said->n;

	for (size_t had = text.n + 1; text.n > 0 && text.n < had;) {
		had = text.n;
		outside_feed(o, &text);
		outside_pump(o, said);
	}
	assert_int_equal(text.n, 0);
	return (struct span){ said->p + before, said->n - before };
}

static void expect(struct outside *o, struct buf *said, struct span text, const char *want)
{
	struct span got = say(o, said, text);

	if (!span_starts(got, want))
		fail_msg("said %.*s, wanted %s for %.*s", (int)got.n, (const char *)got.p, want,
			 (int)(text.n < 300 ? text.n : 300), (const char *)text.p);
}

static void put_many(struct buf *b, const char *unit, size_t count)
{
	while (count-- > 0)
		buf_put_text(b, unit);
}

static void begin(struct outside *o, struct buf *said, struct buf *text)
{
	outside_start(o, &mx);
	buf_init(said, 1 << 20);
	buf_init(text, 1 << 20);
	outside_pump(o, said);
	expect(o, said, span_of("EHLO c.test\r\n"), "250-");
}

static void end(struct outside *o, struct buf *said, struct buf *text)
{
	buf_reset(said);
	expect(o, said, span_of("RSET\r\n"), "250 ");
	outside_stop(o);
	buf_clear(said);
	buf_clear(text);
}

/* first, unit so many times, last. */
static const struct {
	const char *why, *first, *unit;
	size_t count;
	const char *last, *want;
} lines[] = {
	{ "4.5.3.1.1 a local part of 64", "MAIL FROM:<", "u", 64, "@b.test>", "250 " },
	{ "4.5.3.1.1 quoted, of 64", "MAIL FROM:<\"", "u", 62, "\"@b.test>", "250 " },
	{ "of 65", "MAIL FROM:<", "u", 65, "@b.test>", "501 5.1.7" },
	{ "4.5.3.1.2 a domain of 255", "MAIL FROM:<a@", LABELS, 5, "abcde>", "250 " },
	{ "of 256", "MAIL FROM:<a@", LABELS, 5, "abcdef>", "501 5.1.7" },
	{ "a name of 255 at EHLO", "EHLO ", LABELS, 5, "abcde", "250-" },
	{ "4.5.3.1.3 a path of 256", "MAIL FROM:<uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu@", "aaaaaaaaa.", 18,
	  "abcdefghi>", "250 " },
	{ "of 321", "MAIL FROM:<uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu@", LABELS, 5, "abcd>",
	  "250 " },
	{ "of 322", "MAIL FROM:<uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu@", LABELS, 5, "abcde>",
	  "501 5.1.7" },
	{ "a route in front is no part of it", "MAIL FROM:<@", LABELS, 5, "abcde:a@b.test>", "250 " },
	{ "4.5.3.1.4 a line of 512", "NOOP ", "x", 505, "", "250 " },
	{ "4.5.3.1.4 the longest", "NOOP ", "x", LINE - 5, "", "250 " },
	{ "4.5.3.1.9 one more", "NOOP ", "x", LINE - 4, "", "500 5.5.2 line too long" },
	{ "and very many more", "NOOP ", "x", 100000, "", "500 5.5.2 line too long" },
	{ "SIZE of 20 digits (RFC 1870 4)", "MAIL FROM:<a@b.test> SIZE=", "9", 20, "", "552 5.3.4" },
	{ "SIZE of many", "MAIL FROM:<a@b.test> SIZE=", "9", 1000, "", "552 5.3.4" },
	{ "SIZE of many that is small", "MAIL FROM:<a@b.test> SIZE=", "0", 19, "", "250 " },
	{ "ENVID of 100 (RFC 3461 5.4)", "MAIL FROM:<a@b.test> ENVID=", "e", 100, "", "250 " },
	{ "of 101", "MAIL FROM:<a@b.test> ENVID=", "e", 101, "", "501 5.5.4" },
	{ "parameters that are none", "MAIL FROM:<a@b.test>", " X=y", 100, "", "555 5.5.4" },
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct outside o;
		struct buf said, text;

		unit_case(lines[i].why, 0);
		begin(&o, &said, &text);
		buf_put_text(&text, lines[i].first);
		put_many(&text, lines[i].unit, lines[i].count);
		buf_put_text(&text, lines[i].last);
		buf_put_text(&text, "\r\n");
		expect(&o, &said, buf_span(&text), lines[i].want);
		end(&o, &said, &text);
	}
}

/* 4.5.3.1.5: whatever the names of both sides, and for each command. */
static void test_replies(void **state)
{
	static const char *const asked[] = { "EHLO " HOST, "HELO " HOST, "HELP", "HELP MAIL", "HELP RCPT", "VRFY " HOST,
					     "MAIL FROM:<a@" HOST ">", "RCPT TO:<a@" HOST ">", "GET / HTTP/1.1" };
	struct outside o;
	struct buf said, text;

	(void)state;
	begin(&o, &said, &text);
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		buf_reset(&text);
		buf_put_text(&text, asked[i]);
		buf_put_text(&text, "\r\n");
		say(&o, &said, buf_span(&text));
	}
	for (struct span left = buf_span(&said); left.n > 0;) {
		struct span line = span_take_until(&left, '\n');

		assert_in_range(line.n + 1, 6, 512);
		assert_int_equal(line.p[line.n - 1], '\r');
	}
	outside_stop(&o);
	buf_clear(&said);
	buf_clear(&text);
}

/* A message of so many bytes, in lines so long. */
static void put_message(struct buf *b, size_t size, size_t line)
{
	size_t end = b->n + size;

	while (b->n + line + 2 < end) {
		put_many(b, "x", line);
		buf_put_text(b, "\r\n");
	}
	put_many(b, "y", end - b->n - 2);
	buf_put_text(b, "\r\n");
}

static void test_message(void **state)
{
	static const struct {
		const char *why;
		size_t size, line;
		const char *want;
	} rows[] = {
		{ "4.5.3.1.6 lines of 1000", 50000, 998, "250 " },
		{ "4.5.3.1.6 longer ones", 50000, 20000, "250 " },
		{ "4.5.3.1.7 64 kB", MESSAGE, 70, "250 " },
		{ "4.5.3.1.9 one byte more", MESSAGE + 1, 70, "552 5.3.4" },
		{ "very many more", 10 * MESSAGE, 998, "552 5.3.4" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct outside o;
		struct buf said, text;

		unit_case(rows[i].why, 0);
		begin(&o, &said, &text);
		expect(&o, &said, span_of("MAIL FROM:<a@b.test>\r\n"), "250 ");
		expect(&o, &said, span_of("RCPT TO:<user@here.test>\r\n"), "250 ");
		expect(&o, &said, span_of("DATA\r\n"), "354 ");
		put_message(&text, rows[i].size, rows[i].line);
		if (rows[i].want[0] == '2') {
			say(&o, &said, buf_span(&text));
			assert_int_equal(o.body.n, rows[i].size);
			assert_memory_equal(o.body.p, text.p, text.n);
			expect(&o, &said, span_of(".\r\n"), rows[i].want);
		} else {
			buf_put_text(&text, ".\r\n");
			expect(&o, &said, buf_span(&text), rows[i].want);
			assert_int_equal(o.committed, 0);
		}
		end(&o, &said, &text);
	}
}

/* 4.5.3.1.8 and 4.5.3.1.10: 100 are taken; the next is told to come later, and those before it get the message. */
static void test_recipients(void **state)
{
	struct outside o;
	struct buf said, text;

	(void)state;
	begin(&o, &said, &text);
	expect(&o, &said, span_of("MAIL FROM:<a@b.test>\r\n"), "250 ");
	for (size_t i = 0; i < RECIPIENTS; i++)
		expect(&o, &said, span_of("RCPT TO:<user@here.test>\r\n"), "250 ");
	for (size_t i = 0; i < 10; i++)
		expect(&o, &said, span_of("RCPT TO:<user@here.test>\r\n"), "452 4.5.3");
	expect(&o, &said, span_of("DATA\r\n"), "354 ");
	assert_int_equal(smtp_server_recipients(o.engine), RECIPIENTS);
	expect(&o, &said, span_of("\r\nx\r\n.\r\n"), "250 ");
	assert_int_equal(o.committed, 1);
	end(&o, &said, &text);
}

/* RFC 5321 6.3: 100 servers are a long way, 101 a loop; what stands in the body, or in a folded line, is no server. */
static void test_received(void **state)
{
	static const struct {
		const char *why;
		size_t count;
		const char *behind, *want;
	} rows[] = {
		{ "100", RECEIVED, "\r\nbody\r\n.\r\n", "250 " },
		{ "101", RECEIVED + 1, "\r\nbody\r\n.\r\n", "554 5.4.6" },
		{ "100, and one in the body", RECEIVED, "\r\nReceived: x\r\n.\r\n", "250 " },
		{ "100, and one that is folded", RECEIVED, " Received: x\r\n\r\n.\r\n", "250 " },
		{ "100, and one of old", RECEIVED, "RECEIVED : x\r\n\r\n.\r\n", "554 5.4.6" },
		{ "100, and one like it", RECEIVED, "Received-SPF: x\r\nX-Received: x\r\n\r\n.\r\n", "250 " },
		{ "100, the last without a body", RECEIVED, "Received: x\r\n.\r\n", "554 5.4.6" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct outside o;
		struct buf said, text;

		unit_case(rows[i].why, 0);
		begin(&o, &said, &text);
		expect(&o, &said, span_of("MAIL FROM:<a@b.test>\r\n"), "250 ");
		expect(&o, &said, span_of("RCPT TO:<user@here.test>\r\n"), "250 ");
		expect(&o, &said, span_of("DATA\r\n"), "354 ");
		put_many(&text, "Received: from a by b;\r\n Sat, 21 Nov 2026 10:00:00 +0000\r\n", rows[i].count);
		buf_put_text(&text, rows[i].behind);
		expect(&o, &said, buf_span(&text), rows[i].want);
		assert_int_equal(o.committed, rows[i].want[0] == '2');
		end(&o, &said, &text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines), cmocka_unit_test(test_replies),
					    cmocka_unit_test(test_message), cmocka_unit_test(test_recipients),
					    cmocka_unit_test(test_received) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "smtp_limits");
}
