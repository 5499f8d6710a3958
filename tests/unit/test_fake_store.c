/* test_fake_store.c - the store in memory does what storage/store.h says.
 * link: tests/fake storage common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <unistd.h>

#include "tests/fake/fake_store.h"

#define USER "mika@example.org"

/* What the last completion brought. */
static struct {
	unsigned count;
	enum store_status status;
	struct store_account *account;
	struct store_mailbox mailbox;
	struct store_result result[4];
	struct store_range to, skipped;
	struct store_record records[8];
	struct store_range vanished[8];
	struct store_page page;
	char names[512];
	size_t next;
	int fd;
	unsigned hints;
	uint64_t hint;
} got;

static void on_login(void *arg, enum store_status status, struct store_account *a)
{
	(void)arg;
	got.count++;
	got.status = status;
	got.account = a;
}

static void on_done(void *arg, enum store_status status, const char *words)
{
	(void)arg;
	assert_non_null(words);
	got.count++;
	got.status = status;
}

static void on_find(void *arg, enum store_status status, const struct store_mailbox *m)
{
	(void)arg;
	got.count++;
	got.status = status;
	if (m != NULL)
		got.mailbox = *m;
}

static void on_list(void *arg, enum store_status status, const struct store_list *list)
{
	(void)arg;
	got.count++;
	got.status = status;
	got.next = list->next;
	for (size_t i = 0; i < list->count; i++)
		snprintf(got.names + strlen(got.names), sizeof(got.names) - strlen(got.names), "%.*s%s ",
			 (int)list->mailboxes[i].name.n, (const char *)list->mailboxes[i].name.p,
			 list->mailboxes[i].id == 0 ? "(gone)" : "");
}

static void on_page(void *arg, enum store_status status, const struct store_page *page)
{
	(void)arg;
	got.count++;
	got.status = status;
	if (page == NULL)
		return;
	got.page = *page;
	for (size_t i = 0; i < page->record_count && i < 8; i++)
		got.records[i] = page->records[i];
	for (size_t i = 0; i < page->vanished_count && i < 8; i++)
		got.vanished[i] = page->vanished[i];
}

static void on_commit(void *arg, enum store_status status, const struct store_result *results, size_t count,
		      const char *words)
{
	(void)arg;
	(void)words;
	got.count++;
	got.status = status;
	for (size_t i = 0; i < count && i < 4; i++)
		got.result[i] = results[i];
	if (count > 0 && results[0].to.count > 0)
		got.to = results[0].to.ranges[0];
	if (count > 0 && results[0].skipped.count > 0)
		got.skipped = results[0].skipped.ranges[0];
}

static void on_body(void *arg, enum store_status status, int fd, uint64_t size)
{
	(void)arg;
	(void)size;
	got.count++;
	got.status = status;
	got.fd = fd;
}

static void on_hint(void *arg, uint64_t mailbox)
{
	(void)arg;
	got.hints++;
	got.hint = mailbox;
}

static struct store *store;
static struct store_account *account;

static struct store_account *login(uint32_t rights)
{
	struct store_token t;

	fake_store_token(store, &t, USER, rights);
	store_login(store, &t, on_login, NULL);
	fake_store_run(store);
	return got.account;
}

static int setup_with(const struct fake_options *o)
{
	struct error err;

	memset(&got, 0, sizeof(got));
	fake_store_new(&store, o, &err);
	account = login(STORE_RIGHT_READ);
	return account != NULL ? 0 : -1;
}

static int setup(void **state)
{
	(void)state;
	return setup_with(NULL);
}

static int teardown(void **state)
{
	(void)state;
	fake_store_free(store);
	return 0;
}

static enum store_status commit(const struct store_mutation *m, size_t count)
{
	struct store_txid txid;
	unsigned before = got.count;

	store_txid_new(&txid);
	store_commit(account, m, count, &txid, on_commit, NULL);
	assert_int_equal(got.count, before); /* never before the call returns */
	fake_store_run(store);
	assert_int_equal(got.count, before + 1);
	return got.status;
}

static enum store_status find(const char *name)
{
	store_find(account, span_of(name), on_find, NULL);
	fake_store_run(store);
	return got.status;
}

static void list(const char *want)
{
	got.names[0] = '\0';
	got.next = 0;
	do {
		store_list(account, got.next, on_list, NULL);
		fake_store_run(store);
	} while (got.next != 0);
	assert_string_equal(got.names, want);
}

static uint64_t id_of(const char *name)
{
	assert_int_equal(find(name), STORE_OK);
	return got.mailbox.id;
}

static void look(uint64_t mailbox, uint64_t since, uint32_t first)
{
	struct store_look l = { .mailbox = mailbox,
				.want = STORE_WANT_RECORDS,
				.since = since,
				.first = first,
				.last = UINT32_MAX };

	store_sync(account, &l, on_page, NULL);
	fake_store_run(store);
}

static void test_first_login_makes_six(void **state)
{
	(void)state;
	list("Archive Drafts INBOX Junk Sent Trash ");
}

static void test_append_and_read_back(void **state)
{
	struct store_mutation m = { .change = STORE_APPEND, .flags = STORE_SEEN, .internal_s = 77 };
	struct span words[1] = { span_of("$Work") };
	char text[8];
	struct error err;

	(void)state;
	m.mailbox = id_of("INBOX");
	m.keywords = words;
	m.keyword_count = 1;
	assert_int_equal(store_stage_new(store, &m.stage, 100, NULL, NULL, &err), 0);
	assert_int_equal(store_stage_write(m.stage, span_of("hello")), 0);
	assert_int_equal(commit(&m, 1), STORE_OK);
	assert_int_equal(got.to.first, 1);
	assert_int_equal(fake_store_stages(store), 0);
	look(m.mailbox, 0, 1);
	assert_int_equal(got.page.record_count, 1);
	assert_int_equal(got.records[0].keywords, 1);
	assert_int_equal(got.records[0].internal_s, 77);
	assert_int_equal(got.page.mailbox.unseen, 0);
	store_body(account, m.mailbox, 1, on_body, NULL);
	fake_store_run(store);
	assert_int_equal(read(got.fd, text, sizeof(text)), 5);
	assert_memory_equal(text, "hello", 5);
	assert_int_equal(write(got.fd, "x", 1), -1);
	close(got.fd);
}

static void test_flags_expunge_and_vanished(void **state)
{
	struct store_range all = { 1, 3 }, two = { 2, 2 };
	struct store_mutation add = {
		.change = STORE_SET_FLAGS, .how = STORE_FLAGS_ADD, .flags = STORE_DELETED, .uids = { &two, 1 }
	};
	struct store_mutation expunge = { .change = STORE_EXPUNGE,
					  .uids = { &all, 1 },
					  .only_deleted = true };
	uint64_t since;

	(void)state;
	for (int i = 0; i < 3; i++)
		fake_store_put(store, USER, "INBOX", "x", 0);
	add.mailbox = expunge.mailbox = id_of("INBOX");
	since = got.mailbox.modseq;
	assert_int_equal(commit(&add, 1), STORE_OK);
	add.unchanged_since = since;
	add.how = STORE_FLAGS_REPLACE;
	assert_int_equal(commit(&add, 1), STORE_OK);
	assert_int_equal(got.skipped.first, 2);
	assert_int_equal(commit(&expunge, 1), STORE_OK);
	look(add.mailbox, since, 1);
	assert_int_equal(got.page.record_count, 0);
	assert_int_equal(got.page.vanished_count, 1);
	assert_int_equal(got.vanished[0].first, 2);
	assert_int_equal(got.vanished[0].last, 2);
	fake_store_drop(store, USER, "INBOX", 1);
	fake_store_forget(store, USER, "INBOX");
	look(add.mailbox, since, 1);
	assert_int_equal(got.vanished[0].first, 1);
	assert_int_equal(got.vanished[0].last, 2);
}

static void test_all_or_nothing(void **state)
{
	struct store_mutation m[2] = { { .change = STORE_CREATE, .name = span_of("New") },
				       { .change = STORE_CREATE, .name = span_of("INBOX") } };

	(void)state;
	assert_int_equal(commit(m, 2), STORE_EXISTS);
	assert_int_equal(find("New"), STORE_NOT_FOUND);
	m[1].name = span_of("a/../b");
	assert_int_equal(commit(m, 2), STORE_INVALID);
	assert_int_equal(find("New"), STORE_NOT_FOUND);
	assert_int_equal(commit(m, 1), STORE_OK);
	assert_int_equal(find("New"), STORE_OK);
}

static void test_rename_moves_children(void **state)
{
	struct store_mutation make[3] = { { .change = STORE_CREATE, .name = span_of("a") },
					  { .change = STORE_CREATE, .name = span_of("a/b") },
					  { .change = STORE_CREATE, .name = span_of("ab") } };
	struct store_mutation move = { .change = STORE_RENAME, .name = span_of("z") };

	(void)state;
	assert_int_equal(commit(make, 3), STORE_OK);
	move.mailbox = id_of("a");
	assert_int_equal(commit(&move, 1), STORE_OK);
	list("Archive Drafts INBOX Junk Sent Trash ab z z/b ");
	fake_store_put(store, USER, "INBOX", "x", 0);
	move.mailbox = id_of("INBOX");
	move.name = span_of("old");
	assert_int_equal(commit(&move, 1), STORE_OK);
	assert_int_equal(find("INBOX"), STORE_OK);
	assert_int_equal(got.mailbox.exists, 0);
	assert_int_equal(find("old"), STORE_OK);
	assert_int_equal(got.mailbox.exists, 1);
}

static void test_subscriptions(void **state)
{
	struct store_mutation sub = { .change = STORE_SUBSCRIBE, .name = span_of("later") };
	struct store_mutation drop = { .change = STORE_DELETE };

	(void)state;
	assert_int_equal(commit(&sub, 1), STORE_OK);
	drop.mailbox = id_of("Junk");
	assert_int_equal(commit(&drop, 1), STORE_OK);
	list("Archive Drafts INBOX Junk(gone) Sent Trash later(gone) ");
	sub.change = STORE_UNSUBSCRIBE;
	assert_int_equal(commit(&sub, 1), STORE_OK);
	list("Archive Drafts INBOX Junk(gone) Sent Trash ");
}

static void test_move_gives_new_uids(void **state)
{
	struct store_range range = { 2, 3 };
	struct store_mutation move = { .change = STORE_MOVE, .uids = { &range, 1 } };

	(void)state;
	for (int i = 0; i < 3; i++)
		fake_store_put(store, USER, "INBOX", "x", 0);
	move.target = id_of("Trash");
	move.mailbox = id_of("INBOX");
	assert_int_equal(commit(&move, 1), STORE_OK);
	assert_int_equal(got.to.first, 1);
	assert_int_equal(got.to.last, 2);
	assert_int_equal(find("INBOX"), STORE_OK);
	assert_int_equal(got.mailbox.exists, 1);
	assert_int_equal(find("Trash"), STORE_OK);
	assert_int_equal(got.mailbox.exists, 2);
}

static void test_txid_once(void **state)
{
	struct store_recipient to[2] = { { span_of(USER), span_of("mika+a@example.org"), 0 },
					 { span_of(USER), span_of("mika+b@example.org"), 0 } };
	struct store_txid txid;
	struct error err;

	(void)state;
	store_txid_new(&txid);
	for (int i = 0; i < 2; i++) {
		struct store_stage *st;

		assert_int_equal(store_stage_new(store, &st, 100, NULL, NULL, &err), 0);
		assert_int_equal(store_stage_write(st, span_of("hi")), 0);
		store_deliver(store, &(struct store_delivery){ .stage = st, .recipients = to, .count = 2 }, &txid,
			      on_done, NULL);
		fake_store_run(store);
		assert_int_equal(got.status, STORE_OK);
	}
	assert_int_equal(find("INBOX"), STORE_OK);
	assert_int_equal(got.mailbox.exists, 1);
	assert_string_equal(fake_store_address(store, USER, "INBOX", 1), "mika+a@example.org");
	assert_int_equal(fake_store_stages(store), 0);
}

static void test_hints_are_level_triggered(void **state)
{
	uint64_t inbox = id_of("INBOX");

	(void)state;
	store_watch(account, on_hint, NULL);
	fake_store_put(store, USER, "INBOX", "x", 0);
	fake_store_put(store, USER, "INBOX", "x", 0);
	fake_store_run(store);
	fake_store_put(store, USER, "INBOX", "x", 0);
	fake_store_run(store);
	assert_int_equal(got.hints, 1);
	assert_true(got.hint == inbox);
	look(inbox, 0, 1);
	assert_int_equal(got.hints, 1); /* the look told it */
	fake_store_put(store, USER, "Junk", "x", 0);
	fake_store_run(store);
	assert_int_equal(got.hints, 2);
	fake_store_put(store, USER, "INBOX", "x", 0);
	look(id_of("Junk"), 0, 1);
	assert_int_equal(got.hints, 3); /* another mailbox's change is not lost */
}

static void test_locks_rights_and_revocation(void **state)
{
	struct store_account *pop = login(STORE_RIGHT_POP), *other = login(STORE_RIGHT_POP);

	(void)state;
	store_lock(pop, on_done, NULL);
	fake_store_run(store);
	assert_int_equal(got.status, STORE_OK);
	store_lock(other, on_done, NULL);
	fake_store_run(store);
	assert_int_equal(got.status, STORE_IN_USE);
	store_logout(pop);
	store_lock(other, on_done, NULL);
	fake_store_run(store);
	assert_int_equal(got.status, STORE_OK);
	store_find(other, span_of("Junk"), on_find, NULL);
	fake_store_run(store);
	assert_int_equal(got.status, STORE_REFUSED);
	fake_store_revoke(store, USER);
	assert_int_equal(find("INBOX"), STORE_REFUSED);
}

static void test_pages_and_recent(void **state)
{
	struct fake_options o = { .page_records = 2, .page_mailboxes = 2 };
	struct store_look claim = {
		.want = STORE_WANT_RECORDS, .first = 1, .last = UINT32_MAX, .claim_recent = true
	};

	(void)state;
	fake_store_free(store);
	assert_int_equal(setup_with(&o), 0);
	list("Archive Drafts INBOX Junk Sent Trash ");
	for (int i = 0; i < 3; i++)
		fake_store_put(store, USER, "INBOX", "x", 0);
	claim.mailbox = id_of("INBOX");
	store_sync(account, &claim, on_page, NULL);
	fake_store_run(store);
	assert_int_equal(got.page.record_count, 2);
	assert_int_equal(got.page.next_uid, 3);
	assert_int_equal(got.page.mailbox.recent_uid, 1);
	look(claim.mailbox, 0, 3);
	assert_int_equal(got.page.next_uid, 0);
	assert_int_equal(got.page.mailbox.recent_uid, 4);
}

static void test_orders(void **state)
{
	struct fake_options o = { .stage_window = 4 };
	struct store_stage *st;
	struct error err;
	uint64_t op;

	(void)state;
	fake_store_free(store);
	assert_int_equal(setup_with(&o), 0);
	fake_store_fail(store, FAKE_FIND, STORE_TRY_LATER, 1);
	assert_int_equal(find("INBOX"), STORE_TRY_LATER);
	assert_int_equal(find("INBOX"), STORE_OK);
	assert_int_equal(store_stage_new(store, &st, 6, NULL, NULL, &err), 0);
	assert_int_equal(store_stage_write(st, span_of("1234")), 0);
	assert_int_equal(store_stage_write(st, span_of("5")), -EAGAIN);
	fake_store_run(store);
	assert_int_equal(store_stage_write(st, span_of("567")), -EFBIG);
	store_stage_free(st);
	op = store_find(account, span_of("INBOX"), on_find, NULL);
	store_cancel(store, op);
	got.count = 0;
	fake_store_run(store);
	assert_int_equal(got.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_first_login_makes_six, setup, teardown),
		cmocka_unit_test_setup_teardown(test_append_and_read_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flags_expunge_and_vanished, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_or_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rename_moves_children, setup, teardown),
		cmocka_unit_test_setup_teardown(test_subscriptions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_move_gives_new_uids, setup, teardown),
		cmocka_unit_test_setup_teardown(test_txid_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hints_are_level_triggered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_locks_rights_and_revocation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pages_and_recent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_orders, setup, teardown),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "fake_store");
}
