/* test_line.c - RFC 5321 2.3.8: CRLF and nothing else ends a line.
 * link: common/base */
#include "tests/unit/unit.h"

#include "common/base/line.h"

static const struct {
	const char *why, *input, *line;
	enum line_status want;
} cases[] = {
	{ "a plain command", "NOOP\r\n", "NOOP", LINE_OK },
	{ "an empty line", "\r\n", "", LINE_OK },
	{ "exactly at the limit", "12345678\r\n", "12345678", LINE_OK },
	{ "one byte over it", "123456789\r\n", "", LINE_TOO_LONG },
	{ "a bare LF does not end it", "a\n.\r\n", "a\n.", LINE_BARE },
	{ "CR CR LF keeps one CR", "a\r\r\n", "a\r", LINE_BARE },
	{ "half a line end is none", "NOOP\r", "", LINE_MORE },
};

/* Each case, cut in two at each place, gives the same answer. */
static void check_cut(size_t i, size_t cut)
{
	struct span a = { (const uint8_t *)cases[i].input, cut };
	struct span b = { a.p + cut, strlen(cases[i].input) - cut }, out;
	struct line_reader *r;
	struct error err;

	unit_case(cases[i].why, cut);
	assert_int_equal(line_reader_new(&r, 8, &err), 0);
	enum line_status st = line_feed(r, &a, &out);

	if (st == LINE_MORE)
		st = line_feed(r, &b, &out);
	assert_int_equal(st, cases[i].want);
	unit_is(out.p, out.n, cases[i].line);
	line_reader_free(r);
}

static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t cut = 0; cut <= strlen(cases[i].input); cut++)
			check_cut(i, cut);
}

static void test_next_line_after_a_long_one(void **state)
{
	struct span in = span_of("123456789\r\nQUIT\r\n"), out;
	struct line_reader *r;

	(void)state;
	assert_int_equal(line_reader_new(&r, 8, NULL), 0);
	assert_int_equal(line_feed(r, &in, &out), LINE_TOO_LONG);
	unit_is(line_reader_tail(r).p, line_reader_tail(r).n, "123456789");
	assert_int_equal(line_feed(r, &in, &out), LINE_OK);
	unit_is(out.p, out.n, "QUIT");
	line_reader_free(r);
}

/* The end of a long line is known, wherever it is cut. */
static void test_tail(void **state)
{
	static const char text[] = "0123456789012345678901234567890123456789abcdefghijklmnopqrstuvwxyz\r\n";

	(void)state;
	for (size_t cut = 0; cut < sizeof(text) - 1; cut++) {
		struct span in = span_of(text), first = span_take(&in, cut), out;
		struct line_reader *r;

		unit_case("a cut", cut);
		assert_int_equal(line_reader_new(&r, 50, NULL), 0);
		assert_int_equal(line_feed(r, &first, &out), LINE_MORE);
		assert_int_equal(line_feed(r, &in, &out), LINE_TOO_LONG);
		out = line_reader_tail(r);
		unit_is(out.p, out.n, "456789abcdefghijklmnopqrstuvwxyz");
		line_reader_free(r);
	}
}

/* A password is not to be found where its line was. */
static void test_wipe(void **state)
{
	static const uint8_t zeros[11];
	struct span in = span_of("PASS secret\r\nQUIT\r\n"), out;
	struct line_reader *r;

	(void)state;
	assert_int_equal(line_reader_new(&r, 100, NULL), 0);
	line_reader_wipe(r);
	assert_int_equal(line_feed(r, &in, &out), LINE_OK);
	assert_int_equal(out.n, sizeof(zeros));
	line_reader_wipe(r);
	assert_memory_equal(out.p, zeros, sizeof(zeros));
	assert_int_equal(line_feed(r, &in, &out), LINE_OK);
	unit_is(out.p, out.n, "QUIT");
	in = span_of("half");
	line_feed(r, &in, &out);
	line_reader_wipe(r);	/* a line that has not ended stays */
	in = span_of("\r\n");
	assert_int_equal(line_feed(r, &in, &out), LINE_OK);
	unit_is(out.p, out.n, "half");
	line_reader_free(r);
}

/* The limit may fall while a line is on its way. */
static void test_lower_limit(void **state)
{
	struct span in = span_of("0123456789"), out;
	struct line_reader *r;

	(void)state;
	assert_int_equal(line_reader_new(&r, 100, NULL), 0);
	assert_int_equal(line_feed(r, &in, &out), LINE_MORE);
	line_reader_limit(r, 5);
	in = span_of("0123456789\r\nQUIT\r\n");
	assert_int_equal(line_feed(r, &in, &out), LINE_TOO_LONG);
	assert_int_equal(line_feed(r, &in, &out), LINE_OK);
	unit_is(out.p, out.n, "QUIT");
	line_reader_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cut),
					    cmocka_unit_test(test_next_line_after_a_long_one),
					    cmocka_unit_test(test_tail),
					    cmocka_unit_test(test_wipe),
					    cmocka_unit_test(test_lower_limit) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "line");
}
