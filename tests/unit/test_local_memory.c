/* test_local_memory.c - what a start has read of the index does not stay in memory; and what stands there for each
 * transaction of the last minutes is little.
 * link: tests/conformance storage/local storage common/base */
#include "tests/conformance/folders.h"
#include "tests/unit/unit.h"

#include <malloc.h>
#include <sodium.h>
#include <time.h>

#include "common/base/buf.h"
#include "common/base/log.h"
#include "storage/local/kv.h"
#include "storage/local/record.h"

enum { CACHE = 8 << 20, TXIDS = 5000, RESULT = 900 };

static struct folders folders;
static uv_loop_t loop;

static size_t in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static unsigned long txids_in(struct store *s)
{
	static const char word[] = "\ntxids ";
	unsigned long count = 0;
	const char *at;
	struct buf out;

	buf_init(&out, 4096);
	local_status(s, &out);
	buf_put_byte(&out, 0);
	at = strstr((char *)out.p, word);
	assert_non_null(at);
	assert_int_equal(sscanf(at + strlen(word), "%lu", &count), 1);
	buf_clear(&out);
	return count;
}

/* What an open store holds that finds so many transactions. */
static size_t held(unsigned long txids)
{
	size_t before = in_use(), after;
	struct store *s = folders_open(&folders, &loop);

	after = in_use();
	assert_int_equal(txids_in(s), txids);
	folders_close(&loop, s);
	return after - before;
}

/* As if so many APPENDs of many messages each had just been; the current folder is the index's. */
static void put_txids(void)
{
	uint64_t now_s = (uint64_t)time(NULL);
	struct error err;
	struct buf value;
	struct kv *kv;

	assert_int_equal(kv_open(&kv, CACHE, &err), 0);
	assert_int_equal(kv_begin(kv), 0);
	buf_init(&value, 4096);
	for (uint64_t i = 1; i <= TXIDS; i++) {
		uint8_t bytes[sizeof(struct store_txid) + RESULT];
		struct key k;

		randombytes_buf(bytes, sizeof(bytes));
		buf_reset(&value);
		value_put(&value, now_s);
		buf_put(&value, (struct span){ bytes, sizeof(bytes) });
		key_txid(&k, i);
		assert_int_equal(kv_put(kv, key_span(&k), buf_span(&value)), 0);
	}
	buf_clear(&value);
	assert_int_equal(kv_commit(kv), 0);
	kv_close(kv);
}

static void test_start(void **state)
{
	size_t none = held(0), some;

	(void)state;
	assert_true(none < 700 * 1024);	/* Berkeley's log has a buffer of 256 kB */
	put_txids();
	some = held(TXIDS);
	if (some > none + TXIDS * 32 + 30 * 1024)	/* they are 5 MB in the index */
		fail_msg("%zu bytes, %zu without transactions", some, none);
}

static void quiet_log(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static int setup(void **state)
{
	(void)state;
	folders_init(&folders);
	folders.options.index_cache = CACHE;
	return uv_loop_init(&loop);
}

static int teardown(void **state)
{
	(void)state;
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	folders_remove(&folders);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(test_start, setup, teardown) };

	if (sodium_init() < 0)
		return 1;
	log_to_function(quiet_log, NULL);
	return unit_run(tests, 1, "local memory");
}
