/* test_imap_thread.c - a forest of messages as THREAD writes it (RFC 5256 4).
 * link: imapd common/base */
#include "tests/unit/unit.h"

#include "imapd/thread.h"

/* Node i hangs on parents[i] (-1: a root); those without a UID are marked 0. */
static const struct {
	const char *why;
	int parents[10];
	unsigned uids[10];
	size_t n;
	const char *want;
} rows[] = {
	{ "nothing", { 0 }, { 0 }, 0, "" },
	{ "one", { -1 }, { 2 }, 1, "(2)" },
	{ "the RFC's first", { -1, -1, 1, 2, 3, 2, 5, 6 }, { 2, 3, 6, 4, 23, 44, 7, 96 }, 8, "(2)(3 6 (4 23)(44 7 96))" },
	{ "the RFC's second", { -1, 0, 0 }, { 0, 3, 5 }, 3, "((3)(5))" },
	{ "a chain", { -1, 0, 1, 2 }, { 1, 2, 3, 4 }, 4, "(1 2 3 4)" },
	{ "two under one, and deeper", { -1, 0, 0, 2, 2 }, { 1, 2, 3, 4, 5 }, 5, "(1 (2)(3 (4)(5)))" },
	{ "none, then a pair of threads", { -1, 0, 1, 0, 3 }, { 0, 1, 2, 3, 4 }, 5, "((1 2)(3 4))" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct thread_forest f;
		struct thread_writer w;
		struct buf out;
		uint32_t uid;

		unit_case(rows[i].why, i);
		thread_init(&f);
		buf_init(&out, 1000);
		for (size_t k = 0; k < rows[i].n; k++) {
			assert_int_equal(thread_add(&f, rows[i].uids[k]), k);
			thread_hang(&f, rows[i].parents[k] < 0 ? THREAD_NONE : (uint32_t)rows[i].parents[k], (uint32_t)k);
		}
		thread_writer_init(&w, &f);
		do {
			uid = thread_writer_uid(&w);
		} while (thread_write(&w, uid, &out));
		assert_int_equal(out.n, strlen(rows[i].want));
		if (out.n > 0)
			assert_memory_equal(out.p, rows[i].want, out.n);
		buf_clear(&out);
		thread_clear(&f);
	}
}

/* As deep as there are messages: no recursion. */
static void test_deep(void **state)
{
	enum { DEEP = 200000 };
	struct thread_forest f;
	struct thread_writer w;
	struct buf out;

	(void)state;
	thread_init(&f);
	buf_init(&out, 4 << 20);
	for (uint32_t i = 0; i < DEEP; i++) {
		uint32_t added = thread_add(&f, 1);

		assert_int_not_equal(added, THREAD_NONE);
		thread_hang(&f, i == 0 ? THREAD_NONE : i - 1, added);
	}
	thread_writer_init(&w, &f);
	while (thread_write(&w, 1, &out))
		;
	assert_int_equal(out.n, 2 * DEEP + 1);
	buf_clear(&out);
	thread_clear(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_deep) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
