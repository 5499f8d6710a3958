/* test_base64.c - RFC 4648 10, and what is refused.
 * link: common/base */
#include "tests/unit/unit.h"

#include "common/base/base64.h"

static const struct {
	const char *plain, *text;
} rows[] = {
	{ "", "" },	    { "f", "Zg==" },	  { "fo", "Zm8=" },	    { "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }, { "\xff\xfe\xfd", "//79" },
};
static const char *const bad[] = { "Z", "Zg", "Zg=", "Zg===", "Zg==Zg==", "Zh==", "Zm9=", "Zm 9v", "====", "Z===",
				   "Zm9v\n", "Zm-_" };

static void test_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b;

		unit_case(rows[i].text, 0);
		buf_init(&b, 100);
		base64_encode(&b, span_of(rows[i].plain));
		unit_is(b.p, b.n, rows[i].text);
		buf_reset(&b);
		assert_true(base64_decode(&b, span_of(rows[i].text)));
		unit_is(b.p, b.n, rows[i].plain);
		buf_clear(&b);
	}
}

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf b;

		unit_case(bad[i], 0);
		buf_init(&b, 100);
		assert_false(base64_decode(&b, span_of(bad[i])));
		assert_int_equal(b.n, 0);
		buf_clear(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_both_ways), cmocka_unit_test(test_refused) };

	return unit_run(tests, 2, "base64");
}
