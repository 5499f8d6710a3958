/* test_store_ipc_behind.c - a look that is asked for behind a change, before that is answered, shows it.
 * Whole rooms are linked: it is no test of one module.
 * link: tests/conformance tests/fake storage/storaged storage/local storage/ipc storage common/ipc common/base */
#include "tests/conformance/folders.h"
#include "tests/fake/fake_pair.h"
#include "tests/unit/unit.h"

#include <sodium.h>

#include "common/base/clock.h"
#include "storage/storaged/backend.h"
#include "storage/token.h"

enum { ROUNDS = 20 };

struct answers {
	unsigned login, find, commits, looks;
	struct store_account *account;
	uint64_t mailbox, modseq;
	size_t exists;
};

static struct folders folders;
static struct backend backend;
static struct fake_pair pair;
static uv_loop_t loop;
static struct answers got;

static void on_login(void *arg, enum store_status status, struct store_account *a)
{
	(void)arg;
	assert_int_equal(status, STORE_OK);
	got.account = a;
	got.login = 1;
}

static void on_find(void *arg, enum store_status status, const struct store_mailbox *m)
{
	(void)arg;
	assert_int_equal(status, STORE_OK);
	got.mailbox = m->id;
	got.find = 1;
}

static void on_commit(void *arg, enum store_status status, const struct store_result *r, size_t count, const char *words)
{
	(void)arg;
	(void)words;
	assert_int_equal(status, STORE_OK);
	assert_int_equal(count, 1);
	got.modseq = r->modseq;
	got.commits++;
}

static void on_page(void *arg, enum store_status status, const struct store_page *page)
{
	(void)arg;
	assert_int_equal(status, STORE_OK);
	assert_true(page->mailbox.modseq >= got.modseq);
	assert_int_equal(page->record_count, ++got.exists);
	got.looks++;
}

static struct store_stage *body(const char *text)
{
	struct store_stage *st;

	assert_int_equal(store_stage_new(pair.store, &st, 100, NULL, NULL, NULL), 0);
	assert_int_equal(store_stage_write(st, span_of(text)), 0);
	return st;
}

static void enter(void)
{
	struct store_grant g = { .account = "mika@example.org", .rights = STORE_RIGHT_READ };
	struct store_token t;

	g.made_ms = clock_real_ms();
	g.ends_s = g.made_ms / 1000 + 600;
	store_token_make(&t, folders.options.key, &g);
	store_login(pair.store, &t, on_login, NULL);
	assert_true(fake_pair_run(&pair, &got.login));
	store_find(got.account, span_of("INBOX"), on_find, NULL);
	assert_true(fake_pair_run(&pair, &got.find));
}

static void test_behind(void **state)
{
	(void)state;
	enter();
	for (unsigned i = 1; i <= ROUNDS; i++) {
		struct store_look look = { .mailbox = got.mailbox, .want = STORE_WANT_RECORDS, .first = 1, .last = UINT32_MAX };
		struct store_mutation m = { .change = STORE_APPEND, .mailbox = got.mailbox, .stage = body("hello") };
		struct store_txid txid;

		got.looks = 0;
		store_txid_new(&txid);
		store_commit(got.account, &m, 1, &txid, on_commit, NULL);
		store_sync(got.account, &look, on_page, NULL);
		assert_true(fake_pair_run(&pair, &got.looks));
		assert_int_equal(got.commits, i);
	}
}

/* A look that waits goes with a session that ends. */
static void test_session_ends(void **state)
{
	struct store_look look = { .mailbox = got.mailbox, .want = STORE_WANT_RECORDS, .first = 1, .last = UINT32_MAX };
	struct store_mutation m = { .change = STORE_APPEND, .mailbox = got.mailbox, .stage = body("bye") };
	struct store_txid txid;

	(void)state;
	got.looks = 0;
	store_txid_new(&txid);
	store_commit(got.account, &m, 1, &txid, on_commit, NULL);
	store_sync(got.account, &look, on_page, NULL);
	store_logout(got.account);
	fake_pair_settle(&pair);
	assert_int_equal(got.looks, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_behind), cmocka_unit_test(test_session_ends) };
	struct dispatch_backend d;
	struct error err;
	struct store *local;
	int failed;

	if (sodium_init() < 0)
		return 1;
	uv_loop_init(&loop);
	folders_init(&folders);
	local = folders_open(&folders, &loop);
	if (backend_init(&backend, local, folders.options.key, &err) < 0)
		return 1;
	d = backend_dispatch(&backend);
	if (fake_pair_over(&pair, &loop, &d, &err) < 0)
		return 1;
	failed = unit_run(tests, sizeof(tests) / sizeof(tests[0]), "store_ipc_behind");
	fake_pair_clear(&pair);
	folders_close(&loop, local);
	backend_clear(&backend);
	folders_remove(&folders);
	return failed;
}
