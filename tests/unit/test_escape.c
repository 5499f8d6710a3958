/* test_escape.c - what a peer sent can't start a line or end a string.
 * link: common/base */
#include "tests/unit/unit.h"

#include "common/base/escape.h"

static const struct {
	const char *why, *input, *text, *json;
} rows[] = {
	{ "plain", "abc", "abc", "abc" },
	{ "line ends", "a\r\nb", "a\\r\\nb", "a\\u000d\\u000ab" },
	{ "quotes and backslash", "\"\\", "\\\"\\\\", "\\\"\\\\" },
	{ "a terminal's escape", "\x1b[2J", "\\x1b[2J", "\\u001b[2J" },
	{ "UTF-8", "\xc3\xa9", "\\xc3\\xa9", "\xc3\xa9" },
	{ "no UTF-8", "\xff", "\\xff", "\xef\xbf\xbd" },
	{ "DEL", "\x7f", "\\x7f", "\\u007f" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[64];
		struct buf b;

		unit_case(rows[i].why, 0);
		assert_string_equal(escape_text(out, sizeof(out), span_of(rows[i].input)), rows[i].text);
		buf_init(&b, 100);
		escape_json(&b, span_of(rows[i].input));
		unit_is(b.p, b.n, rows[i].json);
		buf_clear(&b);
	}
}

static void test_cut(void **state)
{
	char out[8];

	(void)state;
	assert_string_equal(escape_text(out, sizeof(out), span_of("1234567")), "1234567");
	assert_string_equal(escape_text(out, sizeof(out), span_of("12345678")), "1234...");
	assert_string_equal(escape_text(out, sizeof(out), span_of("\x01\x01\x01")), "\\x01...");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_cut) };

	return unit_run(tests, 2, "escape");
}
