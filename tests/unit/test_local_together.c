/* test_local_together.c - what several have written is synced once.
 * link: tests/conformance tests/fake storage/local storage common/base */
#include "tests/conformance/folders.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <sodium.h>

#include "storage/local/inner.h"

enum { MOST = 100 };

struct thing {
	struct together t;
	_Atomic unsigned ran, synced;
	unsigned done;
	int result;
};

static struct folders folders;
static uv_loop_t loop;
static struct store *store;
static struct thing things[MOST];

static struct thing *thing_of(struct together *t)
{
	return (struct thing *)t;
}

static void run(struct together *t)
{
	thing_of(t)->ran++;
}

static int sync_one(struct together *t)
{
	assert_int_equal(thing_of(t)->ran, 1);
	thing_of(t)->synced++;
	return thing_of(t)->result;
}

static void done(struct together *t, int result)
{
	assert_int_equal(thing_of(t)->ran, 1);
	thing_of(t)->done++;
	thing_of(t)->result = result;
}

static void prepare(size_t i, size_t files, int result)
{
	things[i] = (struct thing){ .t = { .files = files, .run = run, .sync = sync_one, .done = done },
				    .result = result };
}

static unsigned all_done(size_t count)
{
	unsigned n = 0;

	for (size_t i = 0; i < count; i++)
		n += things[i].done;
	return n;
}

static unsigned all_synced(size_t count)
{
	unsigned n = 0;

	for (size_t i = 0; i < count; i++)
		n += things[i].synced;
	return n;
}

static void wait_for(size_t count)
{
	for (int i = 0; i < 5000 && all_done(count) < count; i++)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(all_done(count), count);
}

static const struct {
	const char *why;
	size_t count, files;
	unsigned synced; /* one by one */
	int result;	 /* of those */
} rows[] = {
	{ "one is synced by itself", 1, 1, 1, 0 },
	{ "and told what came of it", 1, 1, 1, -EIO },
	{ "two, too", 2, 1, 2, 0 },
	{ "three share a sync", 3, 1, 0, 0 },
	{ "one with many files is a round", 1, 3, 0, 0 },
	{ "more than a round waits for", MOST, 1, 0, 0 },
};

static void test_rounds(void **state)
{
	struct local *s = (struct local *)store;

	(void)state;
	s->syncs_whole = true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, 0);
		for (size_t k = 0; k < rows[i].count; k++)
			prepare(k, rows[i].files, rows[i].result);
		for (size_t k = 0; k < rows[i].count; k++)
			together_add(s, &things[k].t);
		assert_int_equal(all_done(MOST), 0);
		wait_for(rows[i].count);
		assert_int_equal(all_synced(rows[i].count), rows[i].synced);
		for (size_t k = 0; k < rows[i].count; k++)
			assert_int_equal(things[k].result, rows[i].result);
		memset(things, 0, sizeof(things));
	}
}

/* A file system that may only say so. */
static void test_elsewhere(void **state)
{
	struct local *s = (struct local *)store;

	(void)state;
	s->syncs_whole = false;
	for (size_t k = 0; k < 8; k++) {
		prepare(k, 1, 0);
		together_add(s, &things[k].t);
	}
	wait_for(8);
	assert_int_equal(all_synced(8), 8);
	memset(things, 0, sizeof(things));
	assert_false(files_syncs_whole(s->proc_fd));
}

static void test_alone(void **state)
{
	struct local *s = (struct local *)store;

	(void)state;
	for (size_t k = 0; k < 4; k++) {
		prepare(k, 1, -ENOSPC);
		together_alone(s, &things[k].t);
	}
	wait_for(4);
	assert_int_equal(all_synced(4), 4);
	assert_int_equal(things[3].result, -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_alone),
	};
	int failed;

	if (sodium_init() < 0)
		return 1;
	uv_loop_init(&loop);
	folders_init(&folders);
	store = folders_open(&folders, &loop);
	failed = unit_run(tests, sizeof(tests) / sizeof(tests[0]), "local_together");
	folders_close(&loop, store);
	folders_remove(&folders);
	return failed;
}
