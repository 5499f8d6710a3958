/* test_rest.c - memory that the beginning took is given back, and what was there still is.
 * link: common/proc/rest.o common/base */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/utf8.h"
#include "common/proc/rest.h"

enum { HELD = 4 << 20, PIECE = 1 << 10 };

/* A line of /proc/self/status, in kB. */
static long status_kb(const char *name)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[200];
	long kb = -1;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			kb = strtol(line + strlen(name), NULL, 10);
	fclose(f);
	assert_true(kb >= 0);
	return kb;
}

static void test_code(void **state)
{
	long before, after;

	(void)state;
	status_kb("RssFile:");	/* what it takes itself is there */
	before = status_kb("RssFile:");
	rest_memory();
	after = status_kb("RssFile:");
	assert_true(after < before * 3 / 4);
}

/* Constants and variables, initialized and relocated ones. */
static const char constant[3 * 4096] = "constant";
static char variable[3 * 4096] = "variable";
static const char *const relocated[1000] = { "first", [999] = "last" };

static void test_values_stay(void **state)
{
	(void)state;
	memcpy(variable, "changed.", 8);
	rest_memory();
	assert_string_equal(constant, "constant");
	assert_string_equal(variable, "changed.");
	assert_string_equal(relocated[0], "first");
	assert_string_equal(relocated[999], "last");
	assert_true(utf8_valid(span_of("\xc3\xa9")));
}

static void test_heap(void **state)
{
	static void *pieces[HELD / PIECE];
	long before, after;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip();		/* its malloc keeps what is freed */
#endif
	for (size_t i = 0; i < HELD / PIECE; i++) {
		pieces[i] = malloc(PIECE);
		assert_non_null(pieces[i]);
		memset(pieces[i], 1, PIECE);
	}
	before = status_kb("RssAnon:");
	for (size_t i = 0; i < HELD / PIECE; i++)
		if (i % 64 != 0)	/* what stays keeps the top where it is */
			free(pieces[i]);
	rest_memory();
	after = status_kb("RssAnon:");
	for (size_t i = 0; i < HELD / PIECE; i += 64)
		free(pieces[i]);
	assert_true(after < before - HELD / 1024 / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_code), cmocka_unit_test(test_values_stay),
					    cmocka_unit_test(test_heap) };

	return unit_run(tests, 3, "memory at rest");
}
