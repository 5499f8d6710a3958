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

	assert_int_equal(conf_deliver(c, to, 2, "x", NULL), STORE_INVALID);
	assert_int_equal(count_of(c, "a@x.example"), 0);
	assert_int_equal(conf_deliver(c, up, 1, "x", NULL), STORE_INVALID);
	assert_int_equal(conf_deliver(c, to, 0, "x", NULL), STORE_INVALID);
	assert_string_equal(conf_room(c, 1000, NULL, NULL, 0), "");
	assert_string_equal(conf_room(c, UINT64_MAX, NULL, NULL, 0), "later");
}

/* --- quotas (RFC 9208) ------------------------------------------------------ */

/* Who has how much, and who has room for 10 bytes then. */
static const struct {
	const char *why;
	uint64_t quotas[3]; /* of a, b, c, who hold 20 bytes each */
	uint64_t size;
	const char *over;
} rooms[] = {
	{ "nobody is limited", { STORE_QUOTA_NONE, STORE_QUOTA_NONE, STORE_QUOTA_NONE }, 10, "" },
	{ "just as much as there is room for", { 30, 30, STORE_QUOTA_SITE }, 10, "" },
	{ "one has a byte too little", { 30, 29, 30 }, 10, "2" },
	{ "all are full", { 20, 5, 1 }, 10, "1:3" },
	{ "two of them", { 20, STORE_QUOTA_NONE, 20 }, 10, "1,3" },
	{ "a size that is not known, and a byte is left", { 21, 20, 21 }, 0, "2" },
	{ "what holds for all is not too little", { STORE_QUOTA_SITE, STORE_QUOTA_SITE, 29 }, 10, "3" },
	{ "over what holds for all", { STORE_QUOTA_SITE, STORE_QUOTA_NONE, CONFORMANCE_QUOTA + 20 }, CONFORMANCE_QUOTA, "1" },
	{ "who must have it is not asked", { STORE_QUOTA_UNTOLD, STORE_QUOTA_UNTOLD, 1 }, CONFORMANCE_QUOTA, "3" },
};

static void test_room(void **state)
{
	static const char *const to[] = { "a@x.example", "b@x.example", "c@y.example" };
	struct conf *c = conf_of(state);

	assert_int_equal(conf_deliver(c, to, 3, "12345678901234567890", NULL), STORE_OK);
	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		unit_case(rooms[i].why, i);
		assert_string_equal(conf_room(c, rooms[i].size, to, rooms[i].quotas, 3), rooms[i].over);
	}
	conf_reopen(c);
	assert_string_equal(conf_room(c, 10, to, rooms[3].quotas, 3), rooms[3].over);
}

static const struct {
	const char *why;
	uint64_t quotas[2];
	enum store_status status;
	size_t held[2]; /* messages, then */
} limits[] = {
	{ "neither is limited", { STORE_QUOTA_NONE, STORE_QUOTA_NONE }, STORE_OK, { 1, 1 } },
	{ "both may have as much", { 20, 20 }, STORE_OK, { 2, 2 } },
	{ "neither may", { 29, 29 }, STORE_OVER_QUOTA, { 2, 2 } },
	{ "one has room, so both get it", { 29, 30 }, STORE_OK, { 3, 3 } },
	{ "both are full now", { 29, 30 }, STORE_OVER_QUOTA, { 3, 3 } },
	{ "a report comes in any case", { STORE_QUOTA_UNTOLD, STORE_QUOTA_UNTOLD }, STORE_OK, { 4, 4 } },
	{ "who is full is told more", { 50, 5 }, STORE_OK, { 5, 5 } },
	{ "what holds for all is enough", { STORE_QUOTA_SITE, STORE_QUOTA_SITE }, STORE_OK, { 6, 6 } },
};

static void test_deliver_limited(void **state)
{
	static const char *const to[] = { "a@x.example", "b@x.example" };
	struct conf *c = conf_of(state);

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		unit_case(limits[i].why, i);
		assert_int_equal(conf_deliver_limited(c, to, limits[i].quotas, 2, "1234567890"), limits[i].status);
		assert_int_equal(count_of(c, to[0]), limits[i].held[0]);
		assert_int_equal(count_of(c, to[1]), limits[i].held[1]);
	}
}

/* What was told with a recipient holds for the sessions of the account. */
static void test_quota_told(void **state)
{
	static const char *const to[] = { "a@x.example" };
	static const uint64_t little[] = { 25 }, none[] = { STORE_QUOTA_NONE }, all[] = { STORE_QUOTA_SITE };
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, to[0]);
	uint64_t inbox = conf_mailbox(c, a, "INBOX");
	struct store_mutation m = { .change = STORE_APPEND, .mailbox = inbox };
	struct store_quota q;

	assert_int_equal(conf_deliver_limited(c, to, little, 1, "1234567890"), STORE_OK);
	conf_quota(c, a, &q);
	assert_int_equal(q.bytes_limit, 25);
	m.stage = conf_stage(c, "1234567890", 10);
	assert_int_equal(conf_change(c, a, &m), STORE_OK);
	m.stage = conf_stage(c, "1234567890", 10);
	assert_int_equal(conf_change(c, a, &m), STORE_OVER_QUOTA);
	conf_room(c, 1, to, none, 1);
	m.stage = conf_stage(c, "1234567890", 10);
	assert_int_equal(conf_change(c, a, &m), STORE_OK);
	conf_quota(c, a, &q);
	assert_int_equal(q.bytes_limit, 0);
	conf_room(c, 1, to, all, 1);
	conf_quota(c, a, &q);
	assert_int_equal(q.bytes_limit, CONFORMANCE_QUOTA);
	store_logout(a);
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
	const struct store_recipient to = { span_of("a@x.example"), span_of("a@x.example"), 0 };
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
	const struct store_recipient to = { span_of("a@x.example"), span_of("a@x.example"), 0 };
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
		CONF_CASE(test_room),        CONF_CASE(test_deliver_limited), CONF_CASE(test_quota_told),
		CONF_CASE(test_txid_commit), CONF_CASE(test_txid_at_once),  CONF_CASE(test_txid_failed),
		CONF_CASE(test_many),        CONF_CASE(test_together),
	};

	return (struct conf_group){ tests, sizeof(tests) / sizeof(tests[0]) };
}
