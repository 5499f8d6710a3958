/* test_buf.c - growth has an end, and a failure sticks.
 * link: common/base */
#include "tests/unit/unit.h"

#include "common/base/buf.h"

static void test_limit(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	buf_put_text(&b, "0123456789");
	assert_false(b.failed);
	buf_put_byte(&b, 'x');
	assert_true(b.failed);
	unit_is(b.p, b.n, "0123456789");
	buf_drop(&b, 4);
	buf_put_byte(&b, 'x');
	assert_int_equal(b.n, 6);	/* failed: nothing more is added */
	buf_reset(&b);
	buf_put_text(&b, "ok");
	unit_is(b.p, b.n, "ok");
	buf_clear(&b);
	assert_null(b.p);
}

static void test_printf(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	buf_printf(&b, "%s-%d", "a", 7);
	unit_is(b.p, b.n, "a-7");
	buf_reset(&b);
	buf_printf(&b, "%05000d", 1);	/* longer than the buffer on the stack */
	assert_int_equal(b.n, 5000);
	assert_int_equal(b.p[4999], '1');
	buf_clear(&b);
}

static void test_room(void **state)
{
	struct buf b;
	uint8_t *p;

	(void)state;
	buf_init(&b, 1000);
	p = buf_room(&b, 600);
	assert_non_null(p);
	memset(p, 'a', 600);
	b.n += 600;
	assert_null(buf_room(&b, 401));
	assert_true(b.failed);
	buf_drop(&b, 1000);
	assert_int_equal(b.n, 0);
	buf_clear(&b);
}

static void test_secret(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 600);
	for (size_t i = 0; i < 600; i++)
		buf_put_secret(&b, (struct span){ (const uint8_t *)"ab" + i % 2, 1 });
	assert_false(b.failed);
	assert_int_equal(b.n, 600);
	for (size_t i = 0; i < 600; i++)
		assert_int_equal(b.p[i], "ab"[i % 2]);
	buf_put_secret(&b, span_of("x"));
	assert_true(b.failed);
	buf_wipe(&b);
	assert_null(b.p);
	assert_false(b.failed);
}

/* A limit that falls below what is there refuses, whatever is to be put. */
static void test_lower_limit(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_put_text(&b, "0123456789");
	b.max = 5;
	assert_null(buf_room(&b, 300));
	assert_true(b.failed);
	buf_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_limit), cmocka_unit_test(test_printf),
					    cmocka_unit_test(test_room), cmocka_unit_test(test_secret),
					    cmocka_unit_test(test_lower_limit) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "buf");
}
