/* test_imap_merge.c - order in turns.
 * link: imapd */
#include "tests/unit/unit.h"

#include "imapd/merge.h"

static int by_value(const void *arg, uint32_t a, uint32_t b)
{
	const unsigned *values = arg;

	return (values[a] > values[b]) - (values[a] < values[b]);
}

/* Every size, turns of every length: ordered, and equals stay as they came. */
static void test_sizes(void **state)
{
	unsigned values[300], seed = 1;

	(void)state;
	for (size_t n = 0; n < 300; n++) {
		struct merge m;

		unit_case("n", n);
		for (size_t i = 0; i < n; i++) {
			seed = seed * 1664525 + 1013904223;
			values[i] = seed >> 27;
		}
		assert_int_equal(merge_init(&m, n, by_value, values), 0);
		while (!merge_go(&m, 1 + n % 7))
			;
		for (size_t i = 1; i < n; i++) {
			unsigned a = values[m.order[i - 1]], b = values[m.order[i]];

			assert_true(a < b || (a == b && m.order[i - 1] < m.order[i]));
		}
		merge_clear(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sizes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
