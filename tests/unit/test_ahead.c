/* test_ahead.c - messages opened ahead: how many, which are taken, and that none stays open.
 * link: service/ahead.o storage common/base */
#include "service/ahead.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static int spare_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* As storaged would: those from uid on, but for one that is not there. */
static void answer(struct ahead *a, uint32_t uid, uint32_t count, uint32_t missing, int *fds)
{
	struct store_opened all[AHEAD_MOST];
	size_t n = 0;

	for (uint32_t i = uid; i < uid + count; i++) {
		if (i == missing)
			continue;
		all[n] = (struct store_opened){ .uid = i, .status = STORE_OK, .fd = spare_fd(), .size = i };
		fds[i] = all[n++].fd;
	}
	ahead_fill(a, all, n);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* One behind the other: 1, 2, 4, 8, 8 questions' worth. */
static void test_grows(void **state)
{
	static const struct { uint32_t uid, count; } rows[] = { { 10, 1 }, { 11, 2 }, { 13, 4 }, { 17, 8 }, { 25, 8 } };
	struct ahead *a = ahead_new();
	int fds[64];

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct store_opened one;

		assert_false(ahead_take(a, 7, rows[i].uid, &one));
		assert_int_equal(ahead_count(a, 7, rows[i].uid), rows[i].count);
		answer(a, rows[i].uid, rows[i].count, 0, fds);
		for (uint32_t uid = rows[i].uid; uid < rows[i].uid + rows[i].count; uid++) {
			assert_true(ahead_take(a, 7, uid, &one));
			assert_int_equal(one.size, uid);
			close(one.fd);
		}
	}
	ahead_free(a);
}

/* What is passed over is closed, and so is what nobody took. */
static void test_leaves_nothing(void **state)
{
	struct ahead *a = ahead_new();
	struct store_opened one;
	int fds[64];

	(void)state;
	assert_non_null(a);
	ahead_count(a, 7, 1);
	assert_int_equal(ahead_count(a, 7, 2), 2);
	assert_int_equal(ahead_count(a, 7, 4), 4);
	answer(a, 4, 4, 6, fds);
	assert_true(ahead_take(a, 7, 5, &one));
	assert_int_equal(one.fd, fds[5]);
	assert_false(is_open(fds[4]));
	assert_false(ahead_take(a, 7, 6, &one));	/* it is not there */
	assert_int_equal(ahead_count(a, 7, 6), 1);	/* and the others stay */
	assert_true(is_open(fds[7]));
	assert_false(ahead_take(a, 8, 7, &one));	/* another mailbox */
	assert_int_equal(ahead_count(a, 8, 7), 1);
	assert_false(is_open(fds[7]));
	close(fds[5]);
	assert_int_equal(ahead_count(a, 8, 8), 2);
	answer(a, 8, 2, 0, fds);
	ahead_free(a);
	assert_false(is_open(fds[8]));
	assert_false(is_open(fds[9]));
}

/* Who jumps about asks for one at a time; the last numbers have none behind them. */
static void test_jumps(void **state)
{
	struct ahead *a = ahead_new();

	(void)state;
	assert_non_null(a);
	assert_int_equal(ahead_count(a, 7, 100), 1);
	assert_int_equal(ahead_count(a, 7, 50), 1);
	assert_int_equal(ahead_count(a, 7, 50 + AHEAD_MOST), 1);
	assert_int_equal(ahead_count(a, 7, UINT32_MAX - 2), 1);
	assert_int_equal(ahead_count(a, 7, UINT32_MAX - 1), 1);
	assert_int_equal(ahead_count(a, 7, UINT32_MAX), 1);
	ahead_free(a);
	ahead_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows), cmocka_unit_test(test_leaves_nothing), cmocka_unit_test(test_jumps),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "ahead");
}
