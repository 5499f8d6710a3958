/* test_store_ipc.c - a daemon's store and storaged's dispatch, talking: each call.
 * link: tests/fake storage/storaged storage/ipc storage common/ipc common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <unistd.h>

#include "storage/ipc/store_ipc.h"
#include "tests/fake/rig.h"

/* --- each call ---------------------------------------------------------------- */

static void test_looks(void **state)
{
	struct store_look look = { .want = STORE_WANT_RECORDS, .first = 1, .last = UINT32_MAX };
	struct got g = { 0 };
	char text[16] = "";

	(void)state;
	fake_store_put(rig.pair.behind, USER, "INBOX", "hello", STORE_SEEN);
	look.mailbox = rig_inbox();
	store_sync(rig.account, &look, rig_on_page, &g);
	rig_wait(&g);
	assert_int_equal(g.records, 1);
	assert_int_equal(g.record.flags, STORE_SEEN);
	g = (struct got){ 0 };
	store_body(rig.account, look.mailbox, 1, rig_on_body, &g);
	rig_wait(&g);
	assert_int_equal(g.size, 5);
	assert_int_equal(read(g.fd, text, sizeof(text)), 5);
	assert_string_equal(text, "hello");
	close(g.fd);
	g = (struct got){ 0 };
	store_body(rig.account, look.mailbox, 2, rig_on_body, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_NOT_FOUND);
	assert_int_equal(g.fd, -1);
	g = (struct got){ 0 };
	store_meta_file(rig.account, rig_on_body, &g);
	rig_wait(&g);
	assert_true(g.fd >= 0);
	close(g.fd);
	g = (struct got){ 0 };
	store_room(rig.pair.store, 1000, NULL, 0, rig_on_room, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_OK);
	assert_int_equal(rig_find(rig.account, "no such", &g), STORE_NOT_FOUND);
}

static void test_list_in_pages(void **state)
{
	struct got g = { 0 };

	(void)state;
	do {
		g.count = 0;
		store_list(rig.account, g.next, rig_on_list, &g);
		rig_wait(&g);
	} while (g.next != 0);
	assert_int_equal(g.mailboxes, 6);
}

/* Sizes around the point where a body goes to a file. */
static void test_appends(void **state)
{
	static const size_t sizes[] = {
		0, 1, STORE_IPC_INLINE, STORE_IPC_INLINE + 1, 65536, 200000, 3000000
	};
	struct got g;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unit_case("append of so many bytes", sizes[i]);
		rig_append(rig_stage(sizes[i], (uint8_t)('a' + i)), &g);
		rig_wait(&g);
		assert_int_equal(g.status, STORE_OK);
		assert_int_equal(g.uid, i + 1);
		rig_check_body(g.uid, (uint32_t)sizes[i], (uint8_t)('a' + i));
	}
	rig_wait_stages();
}

static void test_stage_of_its_own(void **state)
{
	struct store_stage *st;
	struct error err;
	struct got g;

	(void)state;
	store_stage_free(rig_stage(10, 'x'));
	store_stage_free(rig_stage(300000, 'x'));
	assert_int_equal(store_stage_new(rig.pair.store, &st, 10, NULL, NULL, &err), 0);
	assert_int_equal(store_stage_write(st, span_of("0123456789")), 0);
	assert_int_equal(store_stage_write(st, span_of("x")), -EFBIG);
	rig_append(st, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_LIMIT);
	assert_int_equal(rig_exists("INBOX"), 0);
}

static void on_ready(void *arg)
{
	++*(unsigned *)arg;
}

/* A writer that is faster than the disk is told to wait, and to go on. */
static void test_back_pressure(void **state)
{
	static uint8_t piece[65536];
	struct store_stage *st;
	unsigned ready = 0, waits = 0;
	struct error err;

	(void)state;
	assert_int_equal(store_stage_new(rig.pair.store, &st, UINT64_MAX, on_ready, &ready, &err), 0);
	for (int i = 0; i < 40;) {
		if (store_stage_ready(st)) {
			assert_int_equal(store_stage_write(st, (struct span){ piece, sizeof(piece) }), 0);
			i++;
			continue;
		}
		waits++;
		assert_int_equal(store_stage_write(st, span_of("x")), -EAGAIN);
		ready = 0;
		assert_true(fake_pair_run(&rig.pair, &ready));
		assert_int_equal(ready, 1);
	}
	assert_true(waits > 0);
	store_stage_free(st);
}

static void test_deliveries(void **state)
{
	struct store_txid txid;
	struct got g;

	(void)state;
	for (int i = 0; i < 2; i++) {
		store_txid_new(&txid);
		rig_deliver(rig.pair.store, rig_stage(i == 0 ? 100 : 100000, 'd'), &txid, &g);
		rig_wait(&g);
		assert_int_equal(g.status, STORE_OK);
	}
	assert_int_equal(rig_exists("INBOX"), 2);
	assert_string_equal(fake_store_address(rig.pair.behind, USER, "INBOX", 1), "mika+a@example.org");
	rig_check_body(2, 100000, 'd');
	fake_store_fail(rig.pair.behind, FAKE_DELIVER, STORE_TRY_LATER, 1);
	rig_deliver(rig.pair.store, rig_stage(100, 'd'), &txid, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_TRY_LATER);
	assert_true(g.words[0] != '\0');
}

static void test_mutations(void **state)
{
	struct store_mutation m[2] = { { .change = STORE_CREATE, .name = span_of("x") },
				       { .change = STORE_CREATE, .name = span_of("x/y") } };
	struct store_txid txid;
	struct got g = { 0 };

	(void)state;
	store_txid_new(&txid);
	store_commit(rig.account, m, 2, &txid, rig_on_commit, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_OK);
	assert_int_equal(rig_exists("x/y"), 0);
	g = (struct got){ 0 };
	m[0].name = span_of("new");
	store_txid_new(&txid);
	store_commit(rig.account, m, 2, &txid, rig_on_commit, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_EXISTS);
	assert_int_equal(rig_find(rig.account, "new", &g), STORE_NOT_FOUND);
	g = (struct got){ 0 };
	m[0].change = 99;
	store_commit(rig.account, m, 2, &txid, rig_on_commit, &g);
	assert_int_equal(g.count, 0);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_INVALID);
}

/* Many small bodies in one commit: what is too much for a message goes through files. */
static void test_many_appends_in_one_commit(void **state)
{
	struct store_mutation m[STORE_MUTATIONS];
	uint64_t mailbox = rig_inbox();
	struct store_txid txid;
	struct got g = { 0 };

	(void)state;
	for (size_t i = 0; i < STORE_MUTATIONS; i++)
		m[i] = (struct store_mutation){ .change = STORE_APPEND,
						.mailbox = mailbox,
						.stage = rig_stage(40000, (uint8_t)i) };
	store_txid_new(&txid);
	store_commit(rig.account, m, STORE_MUTATIONS, &txid, rig_on_commit, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_OK);
	assert_int_equal(rig_exists("INBOX"), STORE_MUTATIONS);
	rig_check_body(STORE_MUTATIONS, 40000, STORE_MUTATIONS - 1);
}

/* Several such commits at once: together they need more files than there are for one client. */
static void test_many_commits_of_many(void **state)
{
	struct store_mutation m[STORE_MUTATIONS];
	struct got g[12] = { { 0 } };
	uint64_t mailbox = rig_inbox();
	struct store_txid txid;

	(void)state;
	for (size_t n = 0; n < 12; n++) {
		for (size_t i = 0; i < STORE_MUTATIONS; i++)
			m[i] = (struct store_mutation){ .change = STORE_APPEND,
							.mailbox = mailbox,
							.stage = rig_stage(40000, (uint8_t)i) };
		store_txid_new(&txid);
		store_commit(rig.account, m, STORE_MUTATIONS, &txid, rig_on_commit, &g[n]);
	}
	for (size_t n = 0; n < 12; n++) {
		rig_wait(&g[n]);
		assert_int_equal(g[n].status, STORE_OK);
	}
	assert_int_equal(rig_exists("INBOX"), 12 * STORE_MUTATIONS);
	rig_check_body(12 * STORE_MUTATIONS, 40000, STORE_MUTATIONS - 1);
	rig_wait_stages();
}

/* Many are asked for at once, more than the socket takes: each comes. */
static void test_many_files(void **state)
{
	struct got g[700] = { { 0 } };
	uint64_t mailbox = rig_inbox();

	(void)state;
	fake_store_put(rig.pair.behind, USER, "INBOX", "hello", 0);
	for (size_t n = 0; n < 700; n++)
		store_body(rig.account, mailbox, 1, rig_on_body, &g[n]);
	for (size_t n = 0; n < 700; n++) {
		rig_wait(&g[n]);
		assert_int_equal(g[n].status, STORE_OK);
		close(g[n].fd);
	}
}

/* --- many at once ---------------------------------------------------------------- */

enum { MANY = 3000 };
static unsigned many_done;
static uint32_t many_last;

static void on_one_of_many(void *arg, enum store_status status, const struct store_result *results,
			   size_t count, const char *words)
{
	(void)arg;
	(void)words;
	assert_int_equal(status, STORE_OK);
	assert_int_equal(count, 1);
	assert_int_equal(results[0].to.ranges[0].first, ++many_last); /* in the order of the calls */
	many_done += many_last == MANY;
}

static void start_many(void)
{
	uint64_t mailbox = rig_inbox();

	many_done = many_last = 0;
	for (int i = 0; i < MANY; i++) {
		struct store_mutation m = { .change = STORE_APPEND,
					    .mailbox = mailbox,
					    .stage = rig_stage(10, 'm') };
		struct store_txid txid;

		store_txid_new(&txid);
		store_commit(rig.account, &m, 1, &txid, on_one_of_many, NULL);
	}
}

static void test_more_than_the_window(void **state)
{
	(void)state;
	start_many();
	assert_true(fake_pair_run(&rig.pair, &many_done));
	assert_int_equal(many_last, MANY);
}

/* A change behind a large body waits for it, though it could be sent earlier. */
static void test_order_of_changes(void **state)
{
	struct store_range first = { 1, 1 };
	struct store_mutation flag = { .change = STORE_SET_FLAGS,
				       .flags = STORE_FLAGGED,
				       .how = STORE_FLAGS_ADD,
				       .uids = { &first, 1 } };
	struct store_look look = { .want = STORE_WANT_RECORDS, .first = 1, .last = UINT32_MAX };
	struct store_txid txid;
	struct got a, b = { 0 }, c = { 0 };

	(void)state;
	flag.mailbox = look.mailbox = rig_inbox();
	rig_append(rig_stage(500000, 'b'), &a);
	store_txid_new(&txid);
	store_commit(rig.account, &flag, 1, &txid, rig_on_commit, &b);
	store_sync(rig.account, &look, rig_on_page, &c);
	rig_wait(&c);
	assert_int_equal(a.count + b.count, 2);
	assert_int_equal(c.record.flags, STORE_FLAGGED);
}

static void test_cancel_and_logout(void **state)
{
	struct store_account *other = rig_login(rig.pair.store, USER, STORE_RIGHT_READ);
	struct got g = { 0 }, kept = { 0 };
	struct store_mutation m = { .change = STORE_CREATE, .name = span_of("made") };
	struct store_txid txid;

	(void)state;
	store_cancel(rig.pair.store, store_find(rig.account, span_of("INBOX"), rig_on_find, &g));
	store_find(rig.account, span_of("INBOX"), rig_on_find, &kept);
	rig_wait(&kept);
	assert_int_equal(g.count, 0);
	store_txid_new(&txid);
	store_commit(other, &m, 1, &txid, rig_on_commit, &g);
	store_logout(other); /* the work is done, nobody is told */
	fake_pair_settle(&rig.pair);
	assert_int_equal(g.count, 0);
	assert_int_equal(rig_exists("made"), 0);
	assert_int_equal(fake_store_accounts(rig.pair.behind), 1);
}

/* A login that nobody waits for any more leaves nothing behind. */
static void test_cancelled_login(void **state)
{
	struct store_token t;
	struct got g = { 0 };

	(void)state;
	fake_store_token(rig.pair.behind, &t, USER, STORE_RIGHT_READ);
	store_cancel(rig.pair.store, store_login(rig.pair.store, &t, rig_on_login, &g));
	fake_pair_settle(&rig.pair);
	assert_int_equal(g.count, 0);
	assert_int_equal(fake_store_accounts(rig.pair.behind), 1);
}

static void test_hints(void **state)
{
	struct got hint = { 0 }, g;

	(void)state;
	store_watch(rig.account, rig_on_hint, &hint);
	fake_pair_settle(&rig.pair);
	fake_store_put(rig.pair.behind, USER, "INBOX", "x", 0);
	fake_store_put(rig.pair.behind, USER, "INBOX", "x", 0);
	rig_wait(&hint);
	fake_pair_settle(&rig.pair);
	assert_int_equal(hint.count, 1);
	assert_true(hint.made == rig_inbox()); /* the look arms it again */
	hint.count = 0;
	fake_store_put(rig.pair.behind, USER, "Junk", "x", 0);
	rig_wait(&hint);
	store_watch(rig.account, NULL, NULL);
	rig_find(rig.account, "INBOX", &g);
	fake_store_put(rig.pair.behind, USER, "INBOX", "x", 0);
	fake_pair_settle(&rig.pair);
	assert_int_equal(hint.count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_looks, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_list_in_pages, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_appends, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_stage_of_its_own, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_back_pressure, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_deliveries, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_mutations, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_many_appends_in_one_commit, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_many_commits_of_many, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_many_files, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_more_than_the_window, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_order_of_changes, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_cancel_and_logout, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_cancelled_login, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_hints, rig_setup, rig_teardown),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "store_ipc");
}
