/* test_span.c - cutting, comparing and reading numbers out of borrowed bytes.
 * link: common/base */
#include "tests/unit/unit.h"

#include "common/base/span.h"

static void test_compare(void **state)
{
	(void)state;
	assert_true(span_is(span_of("abc"), "abc"));
	assert_false(span_is(span_of("abc"), "ab"));
	assert_true(span_is_nocase(span_of("InBoX"), "INBOX"));
	assert_false(span_is_nocase(span_of("\xc3\xa9"), "\xc3\x89"));	/* ASCII only */
	assert_true(span_equal(span_of(NULL), span_of("")));
	assert_true(span_starts(span_of("MAIL FROM"), "MAIL"));
	assert_false(span_starts(span_of("MAI"), "MAIL"));
	assert_true(span_starts_nocase(span_of("mail from"), "MAIL"));
}

static void test_take(void **state)
{
	struct span in = span_of("one two  three");
	struct span out;

	(void)state;
	out = span_take_until(&in, ' ');
	unit_is(out.p, out.n, "one");
	out = span_take(&in, 3);
	unit_is(out.p, out.n, "two");
	in = span_trim(in);
	unit_is(in.p, in.n, "three");
	out = span_take_until(&in, ' ');
	unit_is(out.p, out.n, "three");
	assert_int_equal(in.n, 0);
	out = span_take(&in, 5);
	assert_int_equal(out.n, 0);
	assert_int_equal(span_find(span_of("abc"), 'c'), 2);
	assert_int_equal(span_find(span_of("abc"), 'x'), -1);
}

static const struct {
	const char *why, *text;
	uint64_t max, value;
	bool ok;
} numbers[] = {
	{ "zero", "0", 10, 0, true },
	{ "leading zeros", "007", 10, 7, true },
	{ "at the limit", "10", 10, 10, true },
	{ "over it", "11", 10, 0, false },
	{ "the largest", "18446744073709551615", UINT64_MAX, UINT64_MAX, true },
	{ "2^64", "18446744073709551616", UINT64_MAX, 0, false },
	{ "far over", "99999999999999999999999", UINT64_MAX, 0, false },
	{ "empty", "", 10, 0, false },
	{ "a sign", "-1", 10, 0, false },
	{ "a letter", "1x", 10, 0, false },
	{ "one digit over a limit of one digit", "9", 3, 0, false },
};

static void test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint64_t v = 0;

		unit_case(numbers[i].why, 0);
		assert_int_equal(span_number(span_of(numbers[i].text), numbers[i].max, &v), numbers[i].ok);
		assert_true(v == numbers[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_compare), cmocka_unit_test(test_take),
					    cmocka_unit_test(test_numbers) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "span");
}
