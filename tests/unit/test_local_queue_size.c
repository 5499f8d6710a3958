/* test_local_queue_size.c - 100,000 messages for 1,000 domains: what they cost in memory, and that a lease
 * does not get slower.
 * Whole rooms are linked: it is no test of one module.
 * link: tests/conformance storage/local storage common/base */
#include "tests/conformance/folders.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <malloc.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "storage/local/kv.h"
#include "storage/local/queue_record.h"
#include "storage/local/record.h"

enum {
	MANY = 100000,
	FEW = 100,
	DOMAINS = 1000,
	SHARED = 10000,            /* messages that share a file */
	BATCH = 1000,              /* of one transaction */
	MEMORY = 25 * 1000 * 1000, /* bytes that they may cost */
	LEASES = 3000,
	SLOWER = 20 /* times, that a lease may take of many than of few: it is O(log n) */
};

static struct folders folders;
static uv_loop_t loop;
static struct store *store;

static void put_file(const char *name)
{
	int fd = openat(folders.options.queue_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "mail", 4), 4);
	close(fd);
}

/* Names of a few files, for they cost less time: nobody reads them as long as the index is there. */
static void put_names(int i)
{
	static const char *const ends[] = { "mail", "envelope" };
	char first[40], name[40];

	for (int j = 0; j < 2; j++) {
		snprintf(first, sizeof(first), "1kq8%09d.%s", i - i % SHARED, ends[j]);
		snprintf(name, sizeof(name), "1kq8%09d.%s", i, ends[j]);
		if (i % SHARED == 0)
			put_file(name);
		else
			assert_int_equal(
			    linkat(folders.options.queue_fd, first, folders.options.queue_fd, name, 0), 0);
	}
}

static void put_record(struct kv *kv, int i)
{
	struct queue_head h = { .created_s = clock_real_ms() / 1000, .size = 4, .tries = 1 };
	char address[80], domain[40], sender[40];
	struct queue_try t = { .count = 1, .due_s = h.created_s };
	struct queue_to to = { .r = { .number = 0 } };
	struct buf value;
	struct key k;

	snprintf(h.id, sizeof(h.id), "1kq8%09d", i);
	snprintf(domain, sizeof(domain), "domain%d.example", i % DOMAINS);
	snprintf(address, sizeof(address), "recipient%d@%s", i, domain);
	snprintf(sender, sizeof(sender), "sender%d@here.example", i % 50);
	t.domain = span_of(domain);
	t.sender = span_of(sender);
	to.r.to.address = span_of(address);
	buf_init(&value, 4096);
	queue_record_encode(&value, &h, &t, &to);
	key_queue(&k, span_of(h.id), 0);
	assert_int_equal(kv_put(kv, key_span(&k), buf_span(&value)), 0);
	buf_clear(&value);
}

/* While the store is closed; its folder is the current one. */
static void put_entries(int first, int last)
{
	struct error err;
	struct kv *kv;

	assert_int_equal(kv_open(&kv, 1 << 20, &err), 0);
	for (int i = first; i < last; i++) {
		if (i == first || i % BATCH == 0)
			assert_int_equal(kv_begin(kv), 0);
		put_record(kv, i);
		put_names(i);
		if (i + 1 == last || (i + 1) % BATCH == 0)
			assert_int_equal(kv_commit(kv), 0);
	}
	kv_close(kv);
}

static size_t memory_used(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

struct wait {
	bool done;
	size_t count;
};

static void leased(void *arg, enum store_status status, const struct queue_job *jobs, size_t count)
{
	struct wait *w = arg;

	assert_int_equal(status, STORE_OK);
	*w = (struct wait){ true, count };
	for (size_t i = 0; i < count; i++) {
		close(jobs[i].fd);
		local_queue_release(store, jobs[i].lease);
	}
}

/* Microseconds that a lease of one job takes. */
static double lease_us(void)
{
	const struct queue_want want = { .max = 1 };
	uint64_t begun = uv_hrtime();

	for (int i = 0; i < LEASES; i++) {
		struct wait w = { .done = false };

		queue_lease(store, &want, leased, &w);
		while (!w.done)
			uv_run(&loop, UV_RUN_ONCE);
		assert_int_equal(w.count, 1);
	}
	return (double)(uv_hrtime() - begun) / 1000 / LEASES;
}

static int setup(void **state)
{
	(void)state;
	folders_init(&folders);
	folders.options.index_cache = 1024 * 1024; /* of which nothing is counted here */
	uv_loop_init(&loop);
	store = folders_open(&folders, &loop);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folders_close(&loop, store);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	folders_remove(&folders);
	return 0;
}

/* Closes the store, puts entries in, and opens it. */
static void grow(int first, int last)
{
	uint64_t begun;

	folders_close(&loop, store);
	put_entries(first, last);
	begun = uv_hrtime();
	store = folders_open(&folders, &loop);
	queue_times(store, &(struct queue_times){ 4 * 3600, 5 * 86400 });
	print_message("a start with %d entries takes %.1f s\n", last, (double)(uv_hrtime() - begun) / 1e9);
}

static void test_size(void **state)
{
	size_t before, after;
	double few, many;

	(void)state;
	grow(0, FEW);
	before = memory_used();
	few = lease_us();
	grow(FEW, MANY);
	after = memory_used();
	many = lease_us();
	print_message("%d entries: %zu bytes, %zu each; a lease takes %.1f us, of %d entries %.1f us\n", MANY,
		      after - before, (after - before) / (MANY - FEW), many, FEW, few);
	assert_true(after - before < MEMORY);
	assert_true(many < few * SLOWER);
}

static void quiet_log(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_size, setup, teardown),
	};

	if (sodium_init() < 0)
		return 1;
	log_to_function(quiet_log, NULL);
	return unit_run(tests, 1, "queue_size");
}
