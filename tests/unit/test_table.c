/* test_table.c - put, get, remove, walk, through growth.
 * link: common/base */
#include "tests/unit/unit.h"

#include "common/base/table.h"

enum { MANY = 10000 };
static char values[MANY];

static void fill(struct table *t)
{
	for (uint64_t i = 0; i < MANY; i++)
		assert_int_equal(table_put(t, table_number(&i), &values[i]), 0);
}

static void test_many(void **state)
{
	struct table *t;
	size_t at = 0, seen = 0;
	void *value;

	(void)state;
	assert_int_equal(table_new(&t, NULL), 0);
	fill(t);
	for (uint64_t i = 0; i < MANY; i += 2)
		assert_ptr_equal(table_remove(t, table_number(&i)), &values[i]);
	assert_int_equal(table_count(t), MANY / 2);
	for (uint64_t i = 0; i < MANY; i++)
		assert_ptr_equal(table_get(t, table_number(&i)), i % 2 ? &values[i] : NULL);
	while (table_next(t, &at, NULL, &value))
		seen++;
	assert_int_equal(seen, MANY / 2);
	fill(t);
	assert_int_equal(table_count(t), MANY);
	table_free(t);
}

/* Put and remove of ever new keys must not fill the table with what is gone. */
static void test_churn(void **state)
{
	struct table *t;

	(void)state;
	assert_int_equal(table_new(&t, NULL), 0);
	for (uint64_t i = 0; i < 200000; i++) {
		assert_int_equal(table_put(t, table_number(&i), values), 0);
		assert_ptr_equal(table_remove(t, table_number(&i)), values);
	}
	assert_int_equal(table_count(t), 0);
	assert_null(table_get(t, span_of("nothing")));
	table_free(t);
	table_free(NULL);
}

static void test_over(void **state)
{
	struct table *t;

	(void)state;
	assert_int_equal(table_new(&t, NULL), 0);
	table_put(t, span_of("a"), &values[1]);
	table_put(t, span_of("a"), &values[2]);
	assert_ptr_equal(table_get(t, span_of("a")), &values[2]);
	assert_int_equal(table_count(t), 1);
	table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_many), cmocka_unit_test(test_churn),
					    cmocka_unit_test(test_over) };

	return unit_run(tests, 3, "table");
}
