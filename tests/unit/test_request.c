/* test_request.c - a number is found once, and never given twice.
 * link: common/ipc common/base */
#include "tests/unit/unit.h"

#include "common/ipc/request.h"

static int a, b, c;

static void test_once(void **state)
{
	struct requests *r;

	(void)state;
	assert_int_equal(requests_new(&r, 2, NULL), 0);
	uint64_t first = request_add(r, &a), second = request_add(r, &b);

	assert_true(first != 0 && second != 0 && first != second);
	assert_int_equal(request_add(r, &c), 0); /* max */
	assert_ptr_equal(request_peek(r, first), &a);
	assert_ptr_equal(request_take(r, first), &a);
	assert_null(request_take(r, first));
	assert_null(request_peek(r, first));
	assert_int_equal(requests_count(r), 1);
	uint64_t third = request_add(r, &c);

	assert_true(third != 0 && third != first && third != second);
	assert_null(request_take(r, 0));
	assert_null(request_take(r, UINT64_MAX));
	requests_free(r);
}

static void test_walk(void **state)
{
	struct requests *r;
	size_t at = 0, seen = 0;
	uint64_t number;
	void *value;

	(void)state;
	assert_int_equal(requests_new(&r, 100, NULL), 0);
	for (int i = 0; i < 100; i++)
		assert_true(request_add(r, &a) != 0);
	while (request_next(r, &at, &number, &value)) {
		assert_ptr_equal(value, &a);
		assert_ptr_equal(request_take(r, number), &a); /* allowed while walking */
		seen++;
	}
	assert_int_equal(seen, 100);
	assert_int_equal(requests_count(r), 0);
	requests_free(r);
	requests_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_once), cmocka_unit_test(test_walk) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "request");
}
