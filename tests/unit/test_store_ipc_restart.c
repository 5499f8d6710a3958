/* test_store_ipc_restart.c - storaged dies with requests in hand, and comes back: each is done once.
 * link: tests/fake storage/storaged storage/ipc storage common/ipc common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/proc/control.h"
#include "storage/ipc/client.h"
#include "tests/fake/rig.h"

static void restart(void)
{
	struct error err;

	fake_pair_stop(&rig.pair);
	fake_pair_settle(&rig.pair);
	assert_int_equal(fake_pair_start(&rig.pair, &err), 0);
}

static void test_looks_are_asked_again(void **state)
{
	struct got found = { 0 }, missing = { 0 };

	(void)state;
	fake_loop_hold(rig.pair.drive);
	store_find(rig.account, span_of("INBOX"), rig_on_find, &found);
	fake_pair_settle(&rig.pair); /* storaged has it in hand */
	restart();
	store_find(rig.account, span_of("nowhere"), rig_on_find, &missing);
	fake_loop_go(rig.pair.drive);
	rig_wait(&found);
	rig_wait(&missing);
	assert_int_equal(found.status, STORE_OK);
	assert_int_equal(missing.status, STORE_NOT_FOUND);
	fake_pair_settle(&rig.pair);
	assert_int_equal(found.count, 1);
}

/* Where storaged is when it dies. */
enum when {
	NOT_THERE_YET, /* the call is made while storaged is away */
	NOT_RECEIVED,  /* the request is in the socket */
	IN_HAND,       /* the work will be done, and nobody hears of it */
	WHENS
};

static void die(enum when when)
{
	if (when == IN_HAND)
		fake_pair_settle(&rig.pair);
	restart();
	fake_loop_go(rig.pair.drive);
}

static void test_changes_happen_once(void **state)
{
	(void)state;
	for (enum when when = NOT_THERE_YET; when < WHENS; when++) {
		struct store_txid txid;
		struct got a, b;

		unit_case("storaged dies", when);
		store_txid_new(&txid);
		rig_inbox();
		fake_loop_hold(rig.pair.drive);
		if (when == NOT_THERE_YET) {
			fake_pair_stop(&rig.pair);
			fake_pair_settle(&rig.pair);
		}
		rig_deliver(rig.pair.store, rig_stage(200, 'd'), &txid, &a);
		b = (struct got){ 0 };
		store_find(rig.account, span_of("INBOX"), rig_on_find, &b);
		die(when);
		rig_wait(&a);
		rig_wait(&b);
		assert_int_equal(a.status, STORE_OK);
		assert_int_equal(rig_exists("INBOX"), when + 1);
	}
	assert_int_equal(fake_store_calls(rig.pair.behind, FAKE_DELIVER), WHENS);
}

/* The work was done and the answer is lost: the second asking gives the first one's result. */
static void test_commit_keeps_its_result(void **state)
{
	struct store_mutation m = { .change = STORE_CREATE, .name = span_of("once") };
	struct store_txid txid;
	struct got g = { 0 }, found;

	(void)state;
	store_txid_new(&txid);
	fake_loop_hold(rig.pair.drive);
	store_commit(rig.account, &m, 1, &txid, rig_on_commit, &g);
	fake_pair_settle(&rig.pair);
	fake_pair_stop(&rig.pair);
	fake_loop_go(rig.pair.drive);
	fake_pair_settle(&rig.pair);
	assert_int_equal(fake_store_calls(rig.pair.behind, FAKE_COMMIT), 1);
	assert_int_equal(g.count, 0);
	restart();
	rig_wait(&g);
	assert_int_equal(g.status, STORE_OK); /* and not STORE_EXISTS */
	assert_int_equal(rig_find(rig.account, "once", &found), STORE_OK);
	assert_true(found.mailbox.id == g.made);
	assert_int_equal(fake_store_calls(rig.pair.behind, FAKE_COMMIT), 1);
}

/* --- bodies in files ------------------------------------------------------------- */

enum { LARGE = 700000 };

static void write_some(struct store_stage *st, size_t size, uint8_t fill)
{
	uint8_t *piece = malloc(10000);

	memset(piece, fill, 10000);
	while (size > 0) {
		size_t n = size < 10000 ? size : 10000;

		while (!store_stage_ready(st))
			uv_run(&rig.loop, UV_RUN_NOWAIT);
		assert_int_equal(store_stage_write(st, (struct span){ piece, n }), 0);
		size -= n;
	}
	free(piece);
}

/* storaged dies after so many turns of the loop, wherever the body is then. */
static void test_large_body_survives(void **state)
{
	uint32_t uid = 0;

	(void)state;
	for (int turns = 0; turns < 40; turns++) {
		struct store_stage *st;
		struct error err;
		struct got g;

		unit_case("turns until storaged dies", (size_t)turns);
		assert_int_equal(store_stage_new(rig.pair.store, &st, LARGE, NULL, NULL, &err), 0);
		write_some(st, LARGE, (uint8_t)turns);
		rig_append(st, &g);
		for (int i = 0; i < turns; i++)
			uv_run(&rig.loop, UV_RUN_NOWAIT);
		restart();
		if (!fake_pair_run(&rig.pair, &g.count))
			fail_msg("the append did not complete");
		assert_int_equal(g.count, 1);
		assert_int_equal(g.status, STORE_OK);
		assert_int_equal(g.uid, ++uid);
		rig_check_body(uid, LARGE, (uint8_t)turns);
	}
	rig_wait_stages();
}

/* The same in the middle of the writing, several times for one body. */
static void test_half_a_body_survives(void **state)
{
	struct store_stage *st;
	struct store_txid txid;
	struct error err;
	struct got g;

	(void)state;
	assert_int_equal(store_stage_new(rig.pair.store, &st, LARGE, NULL, NULL, &err), 0);
	for (int i = 0; i < 10; i++) {
		write_some(st, LARGE / 10, 'h');
		for (int turns = 0; turns < i; turns++)
			uv_run(&rig.loop, UV_RUN_NOWAIT);
		restart();
	}
	assert_int_equal(store_stage_size(st), LARGE);
	store_txid_new(&txid);
	rig_deliver(rig.pair.store, st, &txid, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_OK);
	rig_check_body(1, LARGE, 'h');
}

/* A stage that is freed while storaged is away, or on its way, is gone everywhere. */
static void test_stage_freed_at_any_time(void **state)
{
	(void)state;
	for (int turns = 0; turns < 12; turns++) {
		struct store_stage *st = rig_stage(100000, 'f');

		for (int i = 0; i < turns; i++)
			uv_run(&rig.loop, UV_RUN_NOWAIT);
		if (turns % 2 == 0)
			restart();
		store_stage_free(st);
	}
	rig_wait_stages();
}

/* --- order and number --------------------------------------------------------------- */

enum { MANY = 1000 };
static unsigned many_done, many_last;

static void on_one_of_many(void *arg, enum store_status status, const struct store_result *results,
			   size_t count, const char *words)
{
	(void)arg;
	(void)words;
	assert_int_equal(status, STORE_OK);
	assert_int_equal(count, 1);
	assert_int_equal(results[0].to.ranges[0].first, ++many_last);
	many_done += many_last == MANY;
}

/* More than a window, small and large, with a restart every few turns: in order, once each. */
static void test_many_changes_and_restarts(void **state)
{
	uint64_t mailbox = rig_inbox();

	(void)state;
	many_done = many_last = 0;
	for (int i = 0; i < MANY; i++) {
		struct store_mutation m = { .change = STORE_APPEND, .mailbox = mailbox };
		struct store_txid txid;

		m.stage = rig_stage(i % 100 == 50 ? 100000 : 10, (uint8_t)i);
		store_txid_new(&txid);
		store_commit(rig.account, &m, 1, &txid, on_one_of_many, NULL);
	}
	for (int i = 0; i < 25; i++) {
		for (int turns = 0; turns < i % 5 + 1; turns++)
			uv_run(&rig.loop, UV_RUN_NOWAIT);
		restart();
	}
	assert_true(fake_pair_run(&rig.pair, &many_done));
	assert_int_equal(rig_exists("INBOX"), MANY);
	for (uint32_t uid = 1; uid <= MANY; uid += 51)
		rig_check_body(uid, (uid - 1) % 100 == 50 ? 100000 : 10, (uint8_t)(uid - 1));
	assert_int_equal(fake_store_calls(rig.pair.behind, FAKE_COMMIT), MANY);
}

/* --- what a login holds ---------------------------------------------------------------- */

static void test_login_waits(void **state)
{
	struct got g = { 0 };
	struct store_token t;

	(void)state;
	fake_pair_stop(&rig.pair);
	fake_pair_settle(&rig.pair);
	fake_store_token(rig.pair.behind, &t, USER, STORE_RIGHT_READ);
	store_login(rig.pair.store, &t, rig_on_login, &g);
	fake_pair_settle(&rig.pair);
	assert_int_equal(g.count, 0);
	restart();
	rig_wait(&g);
	assert_int_equal(g.status, STORE_OK);
	store_logout(g.account);
}

static void test_lock_is_renewed(void **state)
{
	struct store_account *first = rig_login(rig.pair.store, USER, STORE_RIGHT_POP), *second;
	struct got g = { 0 };

	(void)state;
	store_lock(first, rig_on_done, &g);
	rig_wait(&g);
	restart();
	fake_pair_settle(&rig.pair);
	second = rig_login(rig.pair.store, USER, STORE_RIGHT_POP);
	g = (struct got){ 0 };
	store_lock(second, rig_on_done, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_IN_USE);
	assert_int_equal(rig_find(first, "INBOX", &g), STORE_OK);
	store_logout(first);
	store_logout(second);
}

/* Another session was quicker: the first one's must not go on. */
static void test_lock_is_lost(void **state)
{
	struct store_account *mine = rig_login(rig.pair.store, USER, STORE_RIGHT_POP), *theirs;
	struct got g = { 0 };
	struct store *other;
	struct error err;

	(void)state;
	store_lock(mine, rig_on_done, &g);
	rig_wait(&g);
	fake_pair_stop(&rig.pair);
	fake_pair_settle(&rig.pair);
	assert_int_equal(dispatch_new(&rig.pair.dispatch, &rig.loop, &rig.pair.backend, &err), 0);
	assert_int_equal(fake_pair_client(&rig.pair, CONTROL_RIGHT_READ, &other, &err), 0);
	theirs = rig_login(other, USER, STORE_RIGHT_POP);
	g = (struct got){ 0 };
	store_lock(theirs, rig_on_done, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_OK);
	assert_int_equal(fake_pair_attach(&rig.pair, &err), 0);
	assert_int_equal(rig_find(mine, "INBOX", &g), STORE_REFUSED);
	store_logout(mine);
	store_logout(theirs);
	fake_pair_settle(&rig.pair);
	store_ipc_free(other);
}

static void test_watch_is_renewed(void **state)
{
	struct got hint = { 0 }, g;

	(void)state;
	store_watch(rig.account, rig_on_hint, &hint);
	fake_pair_settle(&rig.pair);
	fake_pair_stop(&rig.pair);
	fake_pair_settle(&rig.pair);
	fake_store_put(rig.pair.behind, USER, "INBOX", "x", 0); /* nobody hears of it */
	fake_pair_settle(&rig.pair);
	assert_int_equal(hint.count, 0);
	restart();
	rig_wait(&hint);
	fake_pair_settle(&rig.pair);
	assert_int_equal(hint.count, 1);
	hint.count = 0;
	assert_int_equal(rig_find(rig.account, "INBOX", &g), STORE_OK);
	fake_store_put(rig.pair.behind, USER, "INBOX", "x", 0);
	rig_wait(&hint);
}

/* A token that was revoked while storaged was away: the watcher learns of it by looking. */
static void test_void_token(void **state)
{
	struct got hint = { 0 }, g = { 0 };

	(void)state;
	store_watch(rig.account, rig_on_hint, &hint);
	fake_pair_settle(&rig.pair);
	fake_pair_stop(&rig.pair);
	fake_pair_settle(&rig.pair);
	fake_store_revoke(rig.pair.behind, USER);
	store_find(rig.account, span_of("INBOX"), rig_on_find, &g);
	restart();
	rig_wait(&g);
	assert_int_equal(g.status, STORE_REFUSED);
	rig_wait(&hint);
	assert_int_equal(rig_find(rig.account, "INBOX", &g), STORE_REFUSED);
}

static void test_logout_while_away(void **state)
{
	struct store_account *other = rig_login(rig.pair.store, USER, STORE_RIGHT_READ);
	struct store_mutation m = { .change = STORE_CREATE, .name = span_of("late") };
	struct store_txid txid;
	struct got g = { 0 };

	(void)state;
	fake_pair_stop(&rig.pair);
	fake_pair_settle(&rig.pair);
	store_txid_new(&txid);
	store_commit(other, &m, 1, &txid, rig_on_commit, &g);
	store_logout(other);
	restart();
	fake_pair_settle(&rig.pair);
	assert_int_equal(rig_exists("late"), 0);
	assert_int_equal(g.count, 0);
	assert_int_equal(fake_store_accounts(rig.pair.behind), 1);
}

/* --- storaged does not come back ---------------------------------------------------------- */

static void test_waiting_has_an_end(void **state)
{
	struct client *c = (struct client *)rig.pair.store;
	struct got look = { 0 }, sent = { 0 }, unsent = { 0 }, large = { 0 }, login = { 0 };
	struct store_txid txid;
	struct store_token t;
	struct error err;

	(void)state;
	c->wait_ms = 20;
	store_txid_new(&txid);
	fake_loop_hold(rig.pair.drive);
	rig_deliver(rig.pair.store, rig_stage(10, 's'), &txid, &sent);
	fake_pair_settle(&rig.pair);
	fake_pair_stop(&rig.pair);
	fake_pair_settle(&rig.pair);
	rig_deliver(rig.pair.store, rig_stage(10, 'u'), &txid, &unsent);
	rig_deliver(rig.pair.store, rig_stage(60000, 'l'), &txid, &large);
	store_find(rig.account, span_of("INBOX"), rig_on_find, &look);
	fake_store_token(rig.pair.behind, &t, USER, STORE_RIGHT_READ);
	store_login(rig.pair.store, &t, rig_on_login, &login);
	rig_wait(&look);
	rig_wait(&sent);
	rig_wait(&unsent);
	rig_wait(&large);
	rig_wait(&login);
	assert_int_equal(look.status, STORE_TRY_LATER);
	assert_int_equal(sent.status, STORE_UNKNOWN); /* it may have happened */
	assert_int_equal(unsent.status, STORE_TRY_LATER);
	assert_int_equal(large.status, STORE_TRY_LATER);
	assert_int_equal(login.status, STORE_TRY_LATER);
	assert_int_equal(rig_find(rig.account, "INBOX", &look), STORE_TRY_LATER); /* at once from now on */
	assert_int_equal(fake_pair_start(&rig.pair, &err), 0);
	fake_loop_go(rig.pair.drive);
	assert_int_equal(rig_find(rig.account, "INBOX", &look), STORE_OK);
}

static void on_ready(void *arg)
{
	++*(unsigned *)arg;
}

/* Who waits to write on is told, and learns that the body can't be stored. */
static void test_writer_does_not_wait_for_ever(void **state)
{
	static const uint8_t piece[65536];
	struct client *c = (struct client *)rig.pair.store;
	struct store_stage *st;
	unsigned ready = 0;
	struct error err;
	struct got g;

	(void)state;
	c->wait_ms = 20;
	fake_pair_stop(&rig.pair);
	fake_pair_settle(&rig.pair);
	assert_int_equal(store_stage_new(rig.pair.store, &st, UINT64_MAX, on_ready, &ready, &err), 0);
	while (store_stage_ready(st))
		assert_int_equal(store_stage_write(st, (struct span){ piece, sizeof(piece) }), 0);
	assert_true(fake_pair_run(&rig.pair, &ready));
	assert_true(store_stage_write(st, (struct span){ piece, 1 }) < 0);
	assert_int_equal(fake_pair_start(&rig.pair, &err), 0);
	rig_append(st, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_TRY_LATER);
}

/* What the daemon frees before its sessions: they get an answer still. */
static void test_store_freed_first(void **state)
{
	struct got g = { 0 }, late = { 0 };
	struct error err;

	(void)state;
	store_find(rig.account, span_of("INBOX"), rig_on_find, &g);
	store_ipc_free(rig.pair.store);
	store_find(rig.account, span_of("INBOX"), rig_on_find, &late);
	rig_wait(&late);
	assert_int_equal(late.status, STORE_REFUSED);
	assert_int_equal(g.count, 0);
	store_logout(rig.account);
	fake_pair_settle(&rig.pair);
	assert_int_equal(store_ipc_new(&rig.pair.store, &rig.loop, &err), 0);
	restart();
	rig.account = rig_login(rig.pair.store, USER, STORE_RIGHT_READ);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_looks_are_asked_again, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_changes_happen_once, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_commit_keeps_its_result, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_large_body_survives, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_half_a_body_survives, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_stage_freed_at_any_time, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_many_changes_and_restarts, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_login_waits, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_lock_is_renewed, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_lock_is_lost, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_watch_is_renewed, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_void_token, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_logout_while_away, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_waiting_has_an_end, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_writer_does_not_wait_for_ever, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_store_freed_first, rig_setup, rig_teardown),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "store_ipc_restart");
}
