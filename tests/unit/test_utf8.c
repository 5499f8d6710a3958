/* test_utf8.c - RFC 3629: shortest form, no surrogates, at most U+10FFFF.
 * link: common/base */
#include "tests/unit/unit.h"

#include "common/base/utf8.h"

static const struct {
	const char *text;
	bool valid;
} rows[] = {
	{ "", true },		{ "a", true },		   { "\xc3\xa9", true },	 { "\xe2\x82\xac", true },
	{ "\xf0\x9f\x93\xae", true }, { "\xf4\x8f\xbf\xbf", true }, { "\xc0\x80", false }, { "\xe0\x80\x80", false },
	{ "\xed\xa0\x80", false }, { "\xf4\x90\x80\x80", false }, { "\xff", false },	 { "\xc3", false },
	{ "\xe2\x82", false },	{ "\x80", false },	   { "\xc3(", false },
};

static void test_valid(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].text, i);
		assert_int_equal(utf8_valid(span_of(rows[i].text)), rows[i].valid);
	}
}

/* What is written is read back, for every character. */
static void test_all(void **state)
{
	(void)state;
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		uint8_t out[4];
		size_t n = utf8_write(out, c);
		struct span in = { out, n };
		uint32_t back;

		if (c >= 0xd800 && c <= 0xdfff) {
			assert_int_equal(n, 0);
			continue;
		}
		assert_true(utf8_take(&in, &back) && back == c && in.n == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_valid), cmocka_unit_test(test_all) };

	return unit_run(tests, 2, "utf8");
}
