/* test_arena.c - a limit in all, blocks large and small, reset.
 * link: common/base */
#include "tests/unit/unit.h"

#include <stdalign.h>

#include "common/base/arena.h"

static void test_arena(void **state)
{
	struct arena *a;
	char *text;

	(void)state;
	assert_int_equal(arena_new(&a, 10000, ARENA_WIPING, NULL), 0);
	for (int i = 0; i < 100; i++) {
		uint8_t *p = arena_alloc(a, (size_t)i);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		memset(p, 0xff, (size_t)i);
	}
	text = arena_text(a, span_of("hello"));
	assert_string_equal(text, "hello");
	assert_non_null(arena_alloc(a, 3000));
	assert_null(arena_alloc(a, 3000));
	assert_null(arena_array(a, SIZE_MAX / 2, 4));
	assert_null(arena_alloc(a, SIZE_MAX));
	arena_reset(a);
	assert_non_null(arena_alloc(a, 9000));
	assert_int_equal(arena_copy(a, span_of("")).n, 0);
	arena_free(a);
	arena_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_arena) };

	return unit_run(tests, 1, "arena");
}
