/* test_rate.c - how often from each address.
 * link: common/net common/base */
#include "tests/unit/unit.h"

#include "common/net/rate.h"

enum { WINDOW = 1000 };

static struct rate *new_rate(void)
{
	struct rate *r;

	assert_int_equal(rate_new(&r, WINDOW, NULL), 0);
	return r;
}

/* So many are taken at once. */
static size_t burst(struct rate *r, const char *host, size_t max, uint64_t now_ms)
{
	size_t n = 0;

	while (n < 100 && rate_take(r, host, max, now_ms))
		n++;
	return n;
}

static void test_windows(void **state)
{
	static const struct {
		const char *why;
		uint64_t at_ms;
		size_t taken;
	} rows[] = {
		{ "at first all of them", 0, 10 },
		{ "then none", 1, 0 },
		{ "none at the end of the window", 999, 0 },
		{ "none as the next one begins", 1000, 0 },
		{ "half of them when half of it is over", 1500, 5 },
		{ "what was taken counts", 1999, 5 },
		{ "two windows later all", 4000, 10 },
		{ "after a long time all", 1000000000, 10 },
	};
	struct rate *r = new_rate();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, i);
		assert_int_equal(rate_is_over(r, "192.0.2.7", 10, rows[i].at_ms), rows[i].taken == 0);
		assert_int_equal(burst(r, "192.0.2.7", 10, rows[i].at_ms), rows[i].taken);
		assert_true(rate_is_over(r, "192.0.2.7", 10, rows[i].at_ms));
	}
	rate_free(r);
}

static void test_keys(void **state)
{
	static const struct {
		const char *why, *host;
		size_t taken;
	} rows[] = {
		{ "an address", "192.0.2.7", 3 },	  { "the same", "192.0.2.7", 0 },
		{ "its neighbour", "192.0.2.8", 3 },	  { "IPv6", "2001:db8::1", 3 },
		{ "in the same /64", "2001:db8::2", 0 },  { "in another", "2001:db8:0:1::1", 3 },
		{ "what is no address", "?", 3 },
	};
	struct rate *r = new_rate();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, i);
		assert_int_equal(burst(r, rows[i].host, 3, 5), rows[i].taken);
	}
	assert_int_equal(burst(r, "192.0.2.7", 0, 5), 100); /* no limit */
	assert_false(rate_is_over(r, "192.0.2.7", 0, 5));
	rate_free(r);
}

/* However many come, those that were counted stay so. */
static void test_many(void **state)
{
	struct rate *r = new_rate();
	char host[32];

	(void)state;
	assert_int_equal(burst(r, "192.0.2.7", 3, 5), 3);
	for (unsigned i = 0; i < RATE_KEYS + 1000; i++) {
		snprintf(host, sizeof(host), "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
		assert_true(rate_take(r, host, 3, 5));
	}
	assert_false(rate_take(r, "192.0.2.7", 3, 5));
	assert_int_equal(burst(r, "192.0.2.8", 3, 5), 100); /* is not counted */
	rate_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_many),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "rate");
}
