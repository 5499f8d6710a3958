/* test_local_ranges.c - sets of UIDs, compared with a plain bitmap.
 * link: storage/local */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "storage/local/ranges.h"

enum { TOP = 200 };

static void check(const struct ranges *r, const bool map[TOP + 2])
{
	size_t n = 0;

	assert_false(r->failed);
	for (size_t i = 0; i < r->count; i++) {
		assert_true(r->at[i].first > 0 && r->at[i].first <= r->at[i].last);
		if (i > 0)
			assert_true(r->at[i].first > r->at[i - 1].last + 1);
	}
	for (uint32_t uid = 1; uid <= TOP; uid++) {
		assert_int_equal(ranges_has(r, uid), map[uid]);
		n += map[uid];
	}
	assert_int_equal(ranges_size(ranges_set(r)), n);
	assert_true(ranges_valid(ranges_set(r)));
}

static void test_random(void **state)
{
	(void)state;
	srand(7);
	for (int round = 0; round < 300; round++) {
		bool map[TOP + 2] = { false }, less_map[TOP + 2] = { false };
		struct ranges r, less, out;

		unit_case("round", (size_t)round);
		ranges_init(&r);
		ranges_init(&less);
		ranges_init(&out);
		for (int i = 0; i < 40; i++) {
			uint32_t first = 1 + (uint32_t)rand() % TOP, last = first + (uint32_t)rand() % 8;

			last = last > TOP ? TOP : last;
			ranges_add(&r, first, last);
			for (uint32_t uid = first; uid <= last; uid++)
				map[uid] = true;
			check(&r, map);
			if (i % 4 == 0) {
				ranges_push(&less, first, last);
				for (uint32_t uid = first; uid <= last; uid++)
					less_map[uid] = true;
			}
		}
		ranges_normalize(&less);
		check(&less, less_map);
		ranges_complement(&r, 10, 150, &out);
		for (uint32_t uid = 1; uid <= TOP; uid++)
			assert_int_equal(ranges_has(&out, uid), uid >= 10 && uid <= 150 && !map[uid]);
		ranges_subtract(&r, &less);
		for (uint32_t uid = 1; uid <= TOP; uid++)
			map[uid] = map[uid] && !less_map[uid];
		check(&r, map);
		ranges_clear(&r);
		ranges_clear(&less);
		ranges_clear(&out);
	}
}

static void test_ends(void **state)
{
	struct ranges r, out;

	(void)state;
	ranges_init(&r);
	ranges_init(&out);
	ranges_add(&r, UINT32_MAX, UINT32_MAX);
	ranges_add(&r, 1, 1);
	ranges_complement(&r, 1, UINT32_MAX, &out);
	assert_int_equal(out.count, 1);
	assert_int_equal(out.at[0].first, 2);
	assert_int_equal(out.at[0].last, UINT32_MAX - 1);
	ranges_add(&r, 2, UINT32_MAX - 1);
	assert_int_equal(r.count, 1);
	assert_int_equal(ranges_size(ranges_set(&r)), UINT32_MAX);
	ranges_subtract(&r, &out);
	assert_int_equal(r.count, 2);
	ranges_clear(&r);
	ranges_clear(&out);
}

static void test_valid(void **state)
{
	static const struct {
		const char *why;
		struct store_range at[3];
		size_t count;
		bool valid;
	} cases[] = {
		{ "none", { { 0, 0 } }, 0, true },
		{ "one", { { 1, 1 } }, 1, true },
		{ "touching", { { 1, 2 }, { 3, 4 } }, 2, true },
		{ "zero", { { 0, 4 } }, 1, false },
		{ "backwards", { { 4, 3 } }, 1, false },
		{ "overlapping", { { 1, 4 }, { 4, 5 } }, 2, false },
		{ "out of order", { { 7, 8 }, { 1, 2 } }, 2, false },
		{ "to the end", { { 1, UINT32_MAX } }, 1, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unit_case(cases[i].why, i);
		assert_int_equal(ranges_valid((struct store_set){ cases[i].at, cases[i].count }),
				 cases[i].valid);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_valid),
	};

	return unit_run(tests, 3, "local ranges");
}
