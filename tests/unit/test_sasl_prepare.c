/* test_sasl_prepare.c - SASLprep: RFC 4013's own examples, and what is left as it is.
 * link: sasl common/base */
#include "tests/unit/unit.h"

#include "sasl/prepare.h"

static const struct {
	const char *why, *text, *want;
} rows[] = {
	{ "ASCII stands for itself", "correct horse", "correct horse" },
	{ "nothing", "", "" },
	{ "a soft hyphen is mapped to nothing (RFC 4013 3)", "I\xc2\xadX", "IX" },
	{ "case is kept", "USER", "USER" },
	{ "NFKC: a feminine ordinal", "\xc2\xaa", "a" },
	{ "NFKC: a roman numeral", "\xe2\x85\xa8", "IX" },
	{ "a space that does not break is a space", "a\xc2\xa0" "b", "a b" },
	{ "composed from parts", "e\xcc\x81", "\xc3\xa9" },
	{ "a control is forbidden: left as it is", "\x07\xc2\xaa", "\x07\xc2\xaa" },
	{ "left and right mixed: left as it is", "\xd8\xa7" "1", "\xd8\xa7" "1" },
	{ "no UTF-8: left as it is", "\xff\xfe", "\xff\xfe" },
	{ "half a character: left as it is", "a\xc3", "a\xc3" },
	{ "nothing would be left: left as it is", "\xc2\xad", "\xc2\xad" },
	{ "a name that Unicode 3.2 does not know", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b;

		unit_case(rows[i].why, i);
		buf_init(&b, 1000);
		sasl_prepare(&b, span_of(rows[i].text));
		assert_false(b.failed);
		assert_int_equal(b.n, strlen(rows[i].want));
		if (b.n > 0)
			assert_memory_equal(b.p, rows[i].want, b.n);
		buf_wipe(&b);
	}
}

/* Longer than is looked at: as it is, and never more than the buffer's bound. */
static void test_long(void **state)
{
	static char text[5001];
	struct buf b;

	(void)state;
	for (size_t i = 0; i < 2500; i++)
		memcpy(text + 2 * i, "\xc2\xaa", 2);
	buf_init(&b, 6000);
	sasl_prepare(&b, span_of(text));
	assert_int_equal(b.n, 5000);
	assert_memory_equal(b.p, text, 5000);
	buf_wipe(&b);
	buf_init(&b, 100);
	sasl_prepare(&b, span_of(text));
	assert_true(b.failed);
	buf_wipe(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_long) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "sasl_prepare");
}
