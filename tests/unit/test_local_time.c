/* test_local_time.c - what happens by the clock: small files when it is quiet, accounts that
 * leave memory, txids and tombstones that get old, UIDVALIDITY when time runs backwards.
 * The clock is this test's own.
 * link: tests/conformance storage/local storage common/base */
#include "tests/conformance/folders.h"
#include "tests/conformance/suite.h"

#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"

/* --- the clock ------------------------------------------------------------- */

static int64_t ahead_ms; /* of the real time, on both clocks */

uint64_t clock_mono_ms(void)
{
	return uv_hrtime() / 1000000 + 1000000000000 + (uint64_t)ahead_ms;
}

int64_t clock_real_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + ahead_ms;
}

void clock_log_text(char out[CLOCK_TEXT], int64_t real_ms)
{
	snprintf(out, CLOCK_TEXT, "%lld", (long long)real_ms);
}

/* --- a store --------------------------------------------------------------- */

static struct folders folders;

static const struct conformance_driver driver = {
	.name = "time", .arg = &folders, .open = folders_driver_open, .close = folders_driver_close, .token = folders_driver_token
};

static struct conf conf = { .driver = &driver };

static int setup(void **state)
{
	(void)state;
	ahead_ms = 0;
	folders_init(&folders);
	folders.options.quiet_ms = 60 * 1000;
	uv_loop_init(&conf.loop);
	conf.s = folders_open(&folders, &conf.loop);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folders_close(&conf.loop, conf.s);
	uv_run(&conf.loop, UV_RUN_DEFAULT);
	uv_loop_close(&conf.loop);
	folders_remove(&folders);
	return 0;
}

static unsigned long status(const char *key)
{
	unsigned long value = 0;
	struct buf out;
	const char *at;

	buf_init(&out, 4096);
	local_status(conf.s, &out);
	buf_put_byte(&out, 0);
	at = strstr((char *)out.p, key);
	assert_non_null(at);
	assert_int_equal(sscanf(at + strlen(key), " %lu", &value), 1);
	buf_clear(&out);
	return value;
}

/* Runs the loop until the store's clock has ticked and what follows is done. */
static void tick_until(const char *key, unsigned long want)
{
	uint64_t until = uv_hrtime() + 5000000000;

	while (status(key) != want && uv_hrtime() < until)
		conf_idle(&conf);
	assert_int_equal(status(key), want);
}

static bool file_is_there(uint64_t id, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/mail/x.example/a/%08x/%s", folders.path, (unsigned)id, name);
	return access(path, F_OK) == 0;
}

/* --- cases ----------------------------------------------------------------- */

/* Nothing is written while an account is busy, all when it is quiet; then it leaves memory. */
static void test_quiet(void **state)
{
	struct store_account *a = conf_login(&conf, "a@x.example");
	uint64_t inbox = conf_mailbox(&conf, a, "INBOX");

	(void)state;
	conf_append(&conf, a, inbox, "x", STORE_SEEN);
	for (int i = 0; i < 60; i++)
		conf_idle(&conf);
	assert_false(file_is_there(inbox, "flags"));
	assert_int_equal(status("accounts_in_memory"), 1);
	store_logout(a);
	ahead_ms += 61 * 1000;
	tick_until("accounts_in_memory", 0);
	assert_true(file_is_there(inbox, "flags"));
	a = conf_login(&conf, "a@x.example");
	assert_int_equal(conf_all(&conf, a, inbox)->record_count, 1);
	store_logout(a);
	conf_idle(&conf);
	assert_int_equal(status("accounts_in_memory"), 0); /* it only looked */
}

/* At most five minutes behind, however busy. */
static void test_busy(void **state)
{
	struct store_account *a = conf_login(&conf, "a@x.example");
	uint64_t inbox = conf_mailbox(&conf, a, "INBOX");

	(void)state;
	conf_append(&conf, a, inbox, "x", STORE_SEEN);
	for (int minute = 0; minute < 5; minute++) {
		for (int i = 0; i < 60; i++)
			conf_idle(&conf);
		ahead_ms += 59 * 1000;
		conf_flags(&conf, a, inbox, 1, 1, minute % 2 ? STORE_FLAGS_ADD : STORE_FLAGS_REMOVE,
			   STORE_SEEN, NULL);
	}
	for (int i = 0; i < 60; i++)
		conf_idle(&conf);
	assert_true(file_is_there(inbox, "flags"));
	store_logout(a);
}

/* Ten minutes, not less and not for ever. */
static void test_txids(void **state)
{
	static const char *const to[] = { "a@x.example" };
	struct store_account *a;
	struct store_txid txid;
	uint64_t inbox;

	(void)state;
	store_txid_new(&txid);
	assert_int_equal(conf_deliver(&conf, to, 1, "x", &txid), STORE_OK);
	for (int i = 0; i < 200; i++)
		conf_deliver(&conf, to, 1, "y", NULL);
	ahead_ms += 540 * 1000; /* the minute that is left is for a slow machine */
	for (int i = 0; i < 60; i++)
		conf_idle(&conf);
	assert_int_equal(status("txids"), 201);
	assert_int_equal(conf_deliver(&conf, to, 1, "x", &txid), STORE_OK);
	a = conf_login(&conf, "a@x.example");
	inbox = conf_mailbox(&conf, a, "INBOX");
	assert_int_equal(conf_all(&conf, a, inbox)->record_count, 201);
	ahead_ms += 61 * 1000;
	tick_until("txids", 0);
	assert_int_equal(conf_deliver(&conf, to, 1, "x", &txid), STORE_OK);
	assert_int_equal(conf_all(&conf, a, inbox)->record_count, 202);
	assert_int_equal(status("txids"), 1);
	store_logout(a);
}

/* Tombstones are kept deleted_log_s; behind that all that is not there counts as vanished. */
static void test_tombstones(void **state)
{
	struct store_account *a = conf_login(&conf, "a@x.example");
	uint64_t inbox = conf_mailbox(&conf, a, "INBOX"), old, recent;
	struct conf_sync *s;

	(void)state;
	for (int i = 0; i < 6; i++)
		conf_append(&conf, a, inbox, "x", 0);
	conf_expunge(&conf, a, inbox, 1, 1);
	old = conf_all(&conf, a, inbox)->mailbox.modseq;
	conf_expunge(&conf, a, inbox, 2, 2);
	ahead_ms += 2 * 86400 * 1000LL;
	recent = conf_all(&conf, a, inbox)->mailbox.modseq;
	conf_expunge(&conf, a, inbox, 3, 3);
	for (int i = 0; i < 60; i++)
		conf_idle(&conf);
	ahead_ms += 61 * 1000;
	for (int i = 0; i < 60; i++)
		conf_idle(&conf);
	s = conf_since(&conf, a, inbox, recent);
	assert_string_equal(conf_ranges(s->vanished, s->vanished_count), "3");
	s = conf_since(&conf, a, inbox, old);
	assert_string_equal(conf_ranges(s->vanished, s->vanished_count), "1:3");
	store_logout(a);
}

/* RFC 9051 2.3.1.1: it rises, whatever the clock does. */
static void test_uidvalidity(void **state)
{
	struct store_account *a = conf_login(&conf, "a@x.example");
	uint32_t last = 0;

	(void)state;
	for (int i = 0; i < 6; i++) {
		struct store_mailbox m;
		struct store_mutation d = { .change = STORE_DELETE };

		unit_case("round", (size_t)i);
		assert_int_equal(conf_create(&conf, a, "Again"), STORE_OK);
		assert_int_equal(conf_find(&conf, a, "Again", &m), STORE_OK);
		assert_true(m.uidvalidity > last);
		last = m.uidvalidity;
		d.mailbox = m.id;
		assert_int_equal(conf_change(&conf, a, &d), STORE_OK);
		ahead_ms -= 3600 * 1000;
		if (i == 3) {
			store_logout(a);
			folders_close(&conf.loop, conf.s);
			folders_wipe_index(&folders);
			conf.s = folders_open(&folders, &conf.loop);
			a = conf_login(&conf, "a@x.example");
		}
	}
	store_logout(a);
}

static void quiet_log(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_quiet),      CASE(test_busy),        CASE(test_txids),
		CASE(test_tombstones), CASE(test_uidvalidity),
	};

	if (sodium_init() < 0)
		return 1;
	log_to_function(quiet_log, NULL);
	return unit_run(tests, 5, "local time");
}
