/* test_local_kv.c - sorted keys and values: transactions, walks, a new start.
 * link: storage/local common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"
#include "storage/local/kv.h"

static char folder[] = "/tmp/yubin-kv-XXXXXX";

static struct kv *open_kv(void)
{
	struct error err;
	struct kv *kv;

	if (kv_open(&kv, 1 << 20, &err) < 0)
		fail_msg("%s", err.words);
	return kv;
}

static int wipe(void **state)
{
	struct error err;

	(void)state;
	return kv_wipe(&err);
}

static void put(struct kv *kv, const char *key, const char *value)
{
	assert_int_equal(kv_put(kv, span_of(key), span_of(value)), 0);
}

static bool is(struct kv *kv, const char *key, const char *want)
{
	struct span value;
	int r = kv_get(kv, span_of(key), &value);

	assert_true(r == 0 || r == -ENOENT);
	return want == NULL ? r == -ENOENT : r == 0 && span_is(value, want);
}

static void test_transactions(void **state)
{
	struct kv *kv = open_kv();

	(void)state;
	kv_begin(kv);
	put(kv, "a", "1");
	put(kv, "b", "2");
	assert_true(is(kv, "a", "1"));
	assert_int_equal(kv_commit(kv), 0);
	kv_begin(kv);
	put(kv, "a", "3");
	assert_int_equal(kv_del(kv, span_of("b")), 0);
	assert_int_equal(kv_del(kv, span_of("never there")), 0);
	assert_true(is(kv, "b", NULL));
	kv_abort(kv);
	assert_true(is(kv, "a", "1"));
	assert_true(is(kv, "b", "2"));
	assert_int_equal(kv_flush(kv), 0);
	kv_close(kv);
	kv = open_kv();
	assert_true(is(kv, "b", "2"));
	kv_close(kv);
	kv_close(NULL);
}

/* Walks of all sizes, changed while they run. */
static void test_scan(void **state)
{
	enum { MANY = 5000 };
	struct kv *kv = open_kv();
	struct span key, value;
	struct kv_scan *scan;
	char text[16], big[100000];
	int n = 0, r;

	(void)state;
	memset(big, 'x', sizeof(big));
	kv_begin(kv);
	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "k%05d", i);
		if (i % 1000 == 500) /* larger than what is read ahead */
			kv_put(kv, span_of(text), (struct span){ (uint8_t *)big, sizeof(big) });
		else
			put(kv, text, text);
	}
	put(kv, "l", "behind the end");
	kv_commit(kv);
	scan = kv_scan_open(kv, span_of("k00010"), span_of("k04990"));
	assert_non_null(scan);
	while ((r = kv_scan_next(scan, &key, &value)) > 0) {
		snprintf(text, sizeof(text), "k%05d", 10 + n);
		unit_case("walk", (size_t)n);
		unit_is(key.p, key.n, text);
		if ((10 + n) % 1000 == 500)
			assert_int_equal(value.n, sizeof(big));
		else
			unit_is(value.p, value.n, text);
		kv_begin(kv);
		kv_del(kv, span_of(text));
		kv_commit(kv);
		n++;
	}
	assert_int_equal(r, 0);
	assert_int_equal(n, 4980);
	kv_scan_close(scan);
	scan = kv_scan_open(kv, span_of("k00010"), span_of("k04990"));
	assert_non_null(scan);
	assert_int_equal(kv_scan_next(scan, &key, &value), 0);
	kv_scan_close(scan);
	scan = kv_scan_open(kv, span_of("m"), span_of("n"));
	assert_non_null(scan);
	assert_int_equal(kv_scan_next(scan, &key, &value), 0);
	kv_scan_close(scan);
	kv_close(kv);
}

static void test_checkpoint(void **state)
{
	struct kv *kv = open_kv();
	char text[16], value[1000];
	int n = 0;

	(void)state;
	memset(value, 'v', sizeof(value));
	assert_false(kv_checkpoint_due(kv));
	while (!kv_checkpoint_due(kv)) {
		snprintf(text, sizeof(text), "%d", n++ % 500);
		kv_begin(kv);
		kv_put(kv, span_of(text), (struct span){ (uint8_t *)value, sizeof(value) });
		assert_int_equal(kv_commit(kv), 0);
		assert_true(n < 100000);
	}
	assert_int_equal(kv_checkpoint(kv), 0);
	assert_false(kv_checkpoint_due(kv));
	assert_int_equal(access("log.0000000001", F_OK), -1); /* old logs are gone */
	kv_close(kv);
}

static void test_damage(void **state)
{
	struct error err;
	struct kv *kv = open_kv();
	FILE *f;

	(void)state;
	kv_begin(kv);
	put(kv, "a", "1");
	kv_commit(kv);
	kv_close(kv);
	assert_int_equal(kv_verify(&err), 0);
	f = fopen("index", "r+");
	assert_non_null(f);
	fseek(f, 4096 + 2000, SEEK_SET);
	fputs("damage", f);
	fclose(f);
	assert_int_equal(kv_verify(&err), -EBADMSG);
	f = fopen("index", "w");
	fputs("no index at all, but text that is long enough to be looked at", f);
	fclose(f);
	assert_int_equal(kv_open(&kv, 1 << 20, &err), -EBADMSG);
	assert_int_equal(kv_wipe(&err), 0);
	kv_close(open_kv());
}

static void quiet_log(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, wipe, wipe)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_transactions),
		CASE(test_scan),
		CASE(test_checkpoint),
		CASE(test_damage),
	};
	int failed;

	if (mkdtemp(folder) == NULL || chdir(folder) < 0)
		return 1;
	log_to_function(quiet_log, NULL);
	failed = unit_run(tests, 4, "local kv");
	return failed | (rmdir(folder) < 0);
}
