/* test_local_order.c - commits of an import: several under way, made in their order, and none behind one that fails.
 * link: tests/conformance storage/local storage common/base */
#include "tests/conformance/folders.h"
#include "tests/conformance/suite.h"

#include <sodium.h>

#include "common/base/log.h"

enum { COMMITS = 12, EACH = 20 };

static struct folders folders;

static const struct conformance_driver driver = { .name = "order",
						  .arg = &folders,
						  .wipe = folders_driver_wipe,
						  .open = folders_driver_open,
						  .close = folders_driver_close,
						  .token = folders_driver_token };
static struct conf conf = { .driver = &driver };
static struct store_account *account;
static uint64_t inbox;

static void login(void)
{
	struct store_token t;

	store_logout(account);
	conf_token(&conf, "a@x.example", STORE_RIGHT_READ | STORE_RIGHT_NUMBERS, &t);
	assert_int_equal(conf_try_login(&conf, &t, &account), STORE_OK);
}

static int setup(void **state)
{
	(void)state;
	folders_wipe(&folders);
	uv_loop_init(&conf.loop);
	conf.s = folders_open(&folders, &conf.loop);
	account = NULL;
	login();
	inbox = conf_mailbox(&conf, account, "INBOX");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_logout(account);
	folders_close(&conf.loop, conf.s);
	uv_run(&conf.loop, UV_RUN_DEFAULT);
	uv_loop_close(&conf.loop);
	return 0;
}

struct flight {
	enum store_status status[COMMITS];
	unsigned landed[COMMITS]; /* in which order they ended, from 1 */
	unsigned ended;
	bool done;
};

static struct flight flight;

static void landed(void *arg, enum store_status status, const struct store_result *r, size_t count, const char *words)
{
	size_t i = (size_t)(uintptr_t)arg;

	(void)r;
	(void)count;
	(void)words;
	flight.status[i] = status;
	flight.landed[i] = ++flight.ended;
	flight.done = flight.ended == COMMITS;
}

/* The i-th of them: the bodies of every second are large, so that it is ready long after the next. */
static void begin(size_t i, uint32_t first_uid)
{
	static char large[40000];
	struct store_mutation m[EACH];
	struct store_txid txid;

	memset(large, 'x', sizeof(large));
	for (size_t k = 0; k < EACH; k++)
		m[k] = (struct store_mutation){ .change = STORE_APPEND,
						.mailbox = inbox,
						.uid = first_uid > 0 ? first_uid + (uint32_t)k : 0,
						.internal_s = (int64_t)(1000 * i + k),
						.stage = conf_stage(&conf, large, i % 2 ? 10 : sizeof(large)) };
	store_txid_new(&txid);
	store_commit(account, m, EACH, &txid, landed, (void *)(uintptr_t)i);
}

static void test_order(void **state)
{
	struct conf_sync *s;

	(void)state;
	flight = (struct flight){ .done = false };
	for (size_t i = 0; i < COMMITS; i++)
		begin(i, i % 3 ? 0 : 1 + (uint32_t)(1000 * i));
	conf_wait(&conf, &flight.done);
	s = conf_all(&conf, account, inbox);
	assert_int_equal(s->record_count, COMMITS * EACH);
	for (size_t i = 0; i < s->record_count; i++) {
		unit_case("message", i);
		assert_int_equal(s->records[i].internal_s, 1000 * (i / EACH) + i % EACH);
	}
}

/* The fifth brings a UID that is given already. */
static void test_failure(void **state)
{
	enum { BAD = 4 };

	(void)state;
	flight = (struct flight){ .done = false };
	for (size_t i = 0; i < COMMITS; i++)
		begin(i, i == BAD ? 3 : 0);
	conf_wait(&conf, &flight.done);
	for (size_t i = 0; i < COMMITS; i++) {
		unit_case("commit", i);
		assert_int_equal(flight.status[i], i < BAD ? STORE_OK : i == BAD ? STORE_INVALID : STORE_TRY_LATER);
		assert_int_equal(i > BAD ? flight.landed[i] > flight.landed[BAD] : 1, 1); /* the reason is told first */
	}
	assert_string_equal(conf_uids(conf_all(&conf, account, inbox)), "1:80");
	/* What was on its way when the failure was told is not made either. */
	flight = (struct flight){ .done = false };
	for (size_t i = 0; i < COMMITS; i++)
		begin(i, 0);
	conf_wait(&conf, &flight.done);
	assert_string_equal(conf_uids(conf_all(&conf, account, inbox)), "1:80");
	login();
	flight = (struct flight){ .done = false };
	for (size_t i = 0; i < COMMITS; i++)
		begin(i, 0);
	conf_wait(&conf, &flight.done);
	assert_int_equal(conf_all(&conf, account, inbox)->record_count, 80 + COMMITS * EACH);
}

static void quiet_log(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failure, setup, teardown),
	};
	int failed;

	if (sodium_init() < 0)
		return 1;
	log_to_function(quiet_log, NULL);
	folders_init(&folders);
	failed = unit_run(tests, 2, "local order");
	folders_remove(&folders);
	return failed;
}
