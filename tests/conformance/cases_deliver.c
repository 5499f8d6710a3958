/* cases_deliver.c - delivery, transactions that are sent again, many at once. */
#include "tests/conformance/suite.h"

#include <stdlib.h>

static size_t count_of(struct conf *c, const char *account)
{
	struct store_account *a = conf_login(c, account);
	size_t n = conf_all(c, a, conf_mailbox(c, a, "INBOX"))->record_count;

	store_logout(a);
	return n;
}

static void test_deliver(void **state)
{
	static const char *const to[] = { "a@x.example", "b@x.example", "c@y.example", "b@x.example" };
	struct conf *c = conf_of(state);
	struct store_account *a;
	struct conf_sync *s;

	assert_int_equal(conf_deliver(c, to, 4, "Subject: all\r\n\r\n", NULL), STORE_OK);
	a = conf_login(c, "b@x.example");
	s = conf_all(c, a, conf_mailbox(c, a, "INBOX"));
	assert_int_equal(s->record_count, 1);
	assert_int_equal(s->records[0].flags, 0);
	assert_int_equal(s->mailbox.unseen, 1);
	assert_true(s->records[0].internal_s > 1700000000);
	assert_string_equal(conf_body(c, a, s->mailbox.id, 1), "Subject: all\r\n\r\n");
	store_logout(a);
	assert_int_equal(count_of(c, "a@x.example"), 1);
	assert_int_equal(count_of(c, "c@y.example"), 1);
}

static void test_deliver_badly(void **state)
{
	static const char *const to[] = { "a@x.example", "no account" };
	static const char *const up[] = { "../../etc@x.example" };
	struct conf *c = conf_of(state);
	struct conf_done d = { 0 };

	assert_int_equal(conf_deliver(c, to, 2, "x", NULL), STORE_INVALID);
	assert_int_equal(count_of(c, "a@x.example"), 0);
	assert_int_equal(conf_deliver(c, up, 1, "x", NULL), STORE_INVALID);
	assert_int_equal(conf_deliver(c, to, 0, "x", NULL), STORE_INVALID);
	store_room(c->s, 1000, conf_done, &d);
	assert_false(d.done);
	conf_wait(c, &d.done);
	assert_int_equal(d.status, STORE_OK);
	d.done = false;
	store_room(c->s, UINT64_MAX, conf_done, &d);
	conf_wait(c, &d.done);
	assert_int_equal(d.status, STORE_TRY_LATER);
}

/* --- the same transaction again -------------------------------------------- */

static void test_txid_deliver(void **state)
{
	static const char *const to[] = { "a@x.example" };
	struct conf *c = conf_of(state);
	struct store_txid txid;

	store_txid_new(&txid);
	assert_int_equal(conf_deliver(c, to, 1, "x", &txid), STORE_OK);
	assert_int_equal(conf_deliver(c, to, 1, "x", &txid), STORE_OK);
	assert_int_equal(count_of(c, "a@x.example"), 1);
	conf_reopen(c);
	assert_int_equal(conf_deliver(c, to, 1, "x", &txid), STORE_OK);
	assert_int_equal(count_of(c, "a@x.example"), 1);
}

static void test_txid_commit(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX"), sent = conf_mailbox(c, a, "Sent"), modseq;
	const struct store_range set[] = { { 1, 1 }, { 3, 3 } };
	const struct store_mutation m = {
		.change = STORE_COPY, .mailbox = inbox, .target = sent, .uids = { set, 2 }
	};
	struct store_txid txid, other;
	struct conf_result *r;

	for (int i = 0; i < 3; i++)
		conf_append(c, a, inbox, "x", 0);
	store_txid_new(&txid);
	other = txid;
	other.bytes[15] ^= 1;
	modseq = conf_commit(c, a, &m, 1, &txid)->r[0].modseq;
	for (int i = 0; i < 2; i++) {
		r = conf_commit(c, a, &m, 1, &txid);
		assert_int_equal(r->status, STORE_OK);
		assert_int_equal(r->count, 1);
		assert_int_equal(r->r[0].modseq, modseq);
		assert_string_equal(conf_ranges(r->r[0].from.ranges, r->r[0].from.count), "1,3");
		assert_string_equal(conf_ranges(r->r[0].to.ranges, r->r[0].to.count), "1:2");
		assert_int_equal(conf_all(c, a, sent)->record_count, 2);
		conf_reopen(c);
		a = conf_login(c, "a@x.example");
	}
	assert_int_equal(conf_commit(c, a, &m, 1, &other)->status, STORE_OK);
	assert_int_equal(conf_all(c, a, sent)->record_count, 4);
	store_logout(a);
}

/* While the first is still under way. */
static void test_txid_at_once(void **state)
{
	const struct store_recipient to = { span_of("a@x.example"), span_of("a@x.example") };
	struct conf *c = conf_of(state);
	struct conf_done d[5] = { { 0 } };
	struct store_txid txid;

	store_txid_new(&txid);
	for (int i = 0; i < 5; i++)
		store_deliver(c->s,
			      &(struct store_delivery){
				  .stage = conf_stage(c, "x", 1), .recipients = &to, .count = 1 },
			      &txid, conf_done, &d[i]);
	for (int i = 0; i < 5; i++) {
		conf_wait(c, &d[i].done);
		assert_int_equal(d[i].status, STORE_OK);
	}
	assert_int_equal(count_of(c, "a@x.example"), 1);
}

/* One that failed is no obstacle. */
static void test_txid_failed(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	const struct store_mutation m = { .change = STORE_CREATE, .name = span_of("X") };
	const struct store_mutation d = { .change = STORE_RENAME,
					  .mailbox = conf_mailbox(c, a, "Trash"),
					  .name = span_of("Sent") };
	struct store_txid txid;

	store_txid_new(&txid);
	assert_int_equal(conf_commit(c, a, &d, 1, &txid)->status, STORE_EXISTS);
	assert_int_equal(conf_commit(c, a, &m, 1, &txid)->status, STORE_OK);
	store_logout(a);
}

/* --- many at once ---------------------------------------------------------- */

/* UIDs are given once each, whatever comes together. */
static void test_many(void **state)
{
	enum { MANY = 300 };
	const struct store_recipient to = { span_of("a@x.example"), span_of("a@x.example") };
	struct conf *c = conf_of(state);
	struct conf_done *d = calloc(MANY, sizeof(*d));
	struct store_account *a;
	struct conf_sync *s;

	for (int i = 0; i < MANY; i++) {
		struct store_txid txid;

		store_txid_new(&txid);
		store_deliver(c->s,
			      &(struct store_delivery){ .stage = conf_stage(c, "Subject: x\r\n\r\n", 14),
							.recipients = &to,
							.count = 1 },
			      &txid, conf_done, &d[i]);
	}
	for (int i = 0; i < MANY; i++) {
		conf_wait(c, &d[i].done);
		assert_int_equal(d[i].status, STORE_OK);
		assert_int_equal(d[i].calls, 1);
	}
	a = conf_login(c, "a@x.example");
	s = conf_all(c, a, conf_mailbox(c, a, "INBOX"));
	assert_int_equal(s->record_count, MANY);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(s->records[i].uid, i + 1);
	store_logout(a);
	free(d);
}

static void commit_noted(void *arg, enum store_status status, const struct store_result *results,
			 size_t count, const char *words)
{
	(void)results;
	(void)count;
	conf_done(arg, status, words);
}

/* Changes of one account that meet each other: counters and messages agree in the end. */
static void test_together(void **state)
{
	enum { ROUNDS = 40 };
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX"), trash = conf_mailbox(c, a, "Trash");
	struct conf_done d[ROUNDS * 3] = { { 0 } };
	size_t n = 0, seen = 0;
	struct conf_sync *s;

	for (int i = 0; i < ROUNDS; i++)
		conf_append(c, a, inbox, "x", 0);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		const struct store_range one = { i + 1, i + 1 }, some = { 1, i + 1 };
		const struct store_mutation m[] = {
			{ .change = STORE_SET_FLAGS,
			  .mailbox = inbox,
			  .uids = { &some, 1 },
			  .how = i % 2 ? STORE_FLAGS_ADD : STORE_FLAGS_REMOVE,
			  .flags = STORE_SEEN },
			{ .change = i % 3 ? STORE_COPY : STORE_MOVE,
			  .mailbox = inbox,
			  .target = trash,
			  .uids = { &one, 1 } },
			{ .change = STORE_EXPUNGE, .mailbox = inbox, .uids = { &one, i % 4 == 0 } },
		};

		for (int j = 0; j < 3; j++) {
			struct store_txid txid;

			store_txid_new(&txid);
			store_commit(a, &m[j], 1, &txid, commit_noted, &d[n++]);
		}
	}
	for (size_t i = 0; i < n; i++) {
		conf_wait(c, &d[i].done);
		assert_int_equal(d[i].status, STORE_OK);
	}
	s = conf_all(c, a, inbox);
	assert_int_equal(s->mailbox.exists, s->record_count);
	for (size_t i = 0; i < s->record_count; i++)
		seen += (s->records[i].flags & STORE_SEEN) != 0;
	assert_int_equal(s->mailbox.unseen, s->record_count - seen);
	s = conf_all(c, a, trash);
	assert_int_equal(s->mailbox.exists, s->record_count);
	for (size_t i = 0; i < s->record_count; i++)
		assert_string_equal(conf_body(c, a, trash, s->records[i].uid), "x");
	store_logout(a);
}

struct conf_group conf_deliver_cases(void)
{
	static const struct CMUnitTest tests[] = {
		CONF_CASE(test_deliver),     CONF_CASE(test_deliver_badly), CONF_CASE(test_txid_deliver),
		CONF_CASE(test_txid_commit), CONF_CASE(test_txid_at_once),  CONF_CASE(test_txid_failed),
		CONF_CASE(test_many),        CONF_CASE(test_together),
	};

	return (struct conf_group){ tests, sizeof(tests) / sizeof(tests[0]) };
}
