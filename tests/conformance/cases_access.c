/* cases_access.c - tokens, rights, the POP lock, revocation, cancelled calls. */
#include "tests/conformance/suite.h"

static void test_tokens(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a;
	struct store_token t, bad;

	conf_token(c, "a@x.example", STORE_RIGHT_READ, &t);
	assert_int_equal(conf_try_login(c, &t, &a), STORE_OK);
	store_logout(a);
	bad = t;
	bad.bytes[10] ^= 1;
	assert_int_equal(conf_try_login(c, &bad, &a), STORE_REFUSED);
	assert_null(a);
	bad.n = 0;
	assert_int_equal(conf_try_login(c, &bad, &a), STORE_REFUSED);
	conf_token(c, "a@x.example", 0, &t);
	assert_int_equal(conf_try_login(c, &t, &a), STORE_REFUSED);
}

static void test_revoke(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a, *b;
	struct store_token t, old;
	struct store_mailbox m;

	conf_token(c, "a@x.example", STORE_RIGHT_READ, &t);
	c->made_ms = 1700000000000;
	conf_token(c, "a@x.example", STORE_RIGHT_READ, &old);
	c->made_ms = 0;
	assert_int_equal(conf_try_login(c, &old, &a), STORE_OK);
	assert_int_equal(conf_find(c, a, "INBOX", &m), STORE_OK);
	c->driver->revoke(c->driver->arg, c->s, "a@x.example");
	conf_idle(c);
	assert_int_equal(conf_find(c, a, "INBOX", &m), STORE_REFUSED);
	assert_int_equal(conf_create(c, a, "X"), STORE_REFUSED);
	assert_int_equal(conf_all(c, a, m.id)->status, STORE_REFUSED);
	store_logout(a);
	assert_int_equal(conf_try_login(c, &old, &a), STORE_REFUSED);
	a = conf_login(c, "a@x.example");
	b = conf_login(c, "b@x.example");
	store_logout(a);
	store_logout(b);
	conf_reopen(c);
	assert_int_equal(conf_try_login(c, &old, &a), STORE_REFUSED);
}

/* token.h: STORE_RIGHT_POP is INBOX alone: look, fetch, mark as seen, expunge. */
static void test_pop_right(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *full = conf_login(c, "a@x.example"), *pop;
	uint64_t inbox = conf_mailbox(c, full, "INBOX"), sent = conf_mailbox(c, full, "Sent");
	struct store_mailbox list[8], m;
	struct store_token t;
	size_t count;

	conf_append(c, full, inbox, "one", 0);
	conf_append(c, full, inbox, "two", 0);
	conf_append(c, full, sent, "three", 0);
	conf_token(c, "a@x.example", STORE_RIGHT_POP, &t);
	assert_int_equal(conf_try_login(c, &t, &pop), STORE_OK);
	assert_int_equal(conf_find(c, pop, "INBOX", &m), STORE_OK);
	assert_int_equal(conf_find(c, pop, "Sent", &m), STORE_REFUSED);
	assert_int_equal(conf_list(c, pop, list, 8, &count), STORE_OK);
	assert_int_equal(count, 1);
	assert_int_equal(conf_all(c, pop, inbox)->record_count, 2);
	assert_int_equal(conf_all(c, pop, sent)->status, STORE_REFUSED);
	assert_string_equal(conf_body(c, pop, inbox, 2), "two");
	assert_int_equal(conf_body_status(c, pop, sent, 1), STORE_REFUSED);
	assert_int_equal(conf_expunge(c, pop, sent, 1, 1), STORE_REFUSED);
	assert_int_equal(conf_flags(c, pop, inbox, 1, 1, STORE_FLAGS_ADD, STORE_FLAGGED, NULL),
			 STORE_REFUSED);
	assert_int_equal(conf_flags(c, pop, inbox, 1, 1, STORE_FLAGS_REMOVE, STORE_SEEN, NULL),
			 STORE_REFUSED);
	assert_int_equal(conf_flags(c, pop, inbox, 1, 1, STORE_FLAGS_ADD, STORE_SEEN, "word"), STORE_REFUSED);
	assert_int_equal(conf_flags(c, pop, inbox, 1, 1, STORE_FLAGS_ADD, STORE_SEEN, NULL), STORE_OK);
	assert_int_equal(conf_create(c, pop, "X"), STORE_REFUSED);
	assert_int_equal(conf_expunge(c, pop, inbox, 1, 1), STORE_OK);
	assert_string_equal(conf_uids(conf_all(c, full, inbox)), "2");
	store_logout(pop);
	store_logout(full);
}

static enum store_status lock(struct conf *c, struct store_account *a)
{
	struct conf_done d = { 0 };

	store_lock(a, conf_done, &d);
	assert_false(d.done);
	conf_wait(c, &d.done);
	return d.status;
}

static void test_lock(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example"), *b = conf_login(c, "a@x.example"),
			     *other = conf_login(c, "b@x.example");

	assert_int_equal(lock(c, a), STORE_OK);
	assert_int_equal(lock(c, a), STORE_OK);
	assert_int_equal(lock(c, b), STORE_IN_USE);
	assert_int_equal(lock(c, other), STORE_OK);
	/* The lock is POP's: IMAP may come in and change things. */
	assert_int_equal(conf_create(c, b, "X"), STORE_OK);
	store_logout(a);
	assert_int_equal(lock(c, b), STORE_OK);
	store_logout(b);
	a = conf_login(c, "a@x.example");
	assert_int_equal(lock(c, a), STORE_OK);
	store_logout(a);
	store_logout(other);
}

static void fail_find(void *arg, enum store_status status, const struct store_mailbox *m)
{
	(void)arg;
	(void)status;
	(void)m;
	fail_msg("a call that was cancelled was answered");
}

static void fail_commit(void *arg, enum store_status status, const struct store_result *r, size_t n,
			const char *words)
{
	(void)arg;
	(void)status;
	(void)r;
	(void)n;
	(void)words;
	fail_msg("a call that was cancelled was answered");
}

static void fail_login(void *arg, enum store_status status, struct store_account *a)
{
	(void)arg;
	(void)status;
	(void)a;
	fail_msg("a call that was cancelled was answered");
}

static void fail_body(void *arg, enum store_status status, int fd, uint64_t size)
{
	(void)arg;
	(void)status;
	(void)fd;
	(void)size;
	fail_msg("a call that was cancelled was answered");
}

enum { CANCEL_WAITS = 500 }; /* of 20 ms */

/* The callback is forgotten, the work is done. */
static void test_cancel(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX"), op;
	const struct store_mutation m = { .change = STORE_CREATE, .name = span_of("New") };
	struct store_mailbox found;
	struct store_txid txid;
	struct store_token t;

	conf_append(c, a, inbox, "x", 0);
	store_txid_new(&txid);
	op = store_commit(a, &m, 1, &txid, fail_commit, NULL);
	store_cancel(c->s, op);
	store_cancel(c->s, store_find(a, span_of("INBOX"), fail_find, NULL));
	store_cancel(c->s, store_body(a, inbox, 1, fail_body, NULL));
	conf_token(c, "a@x.example", STORE_RIGHT_READ, &t);
	store_cancel(c->s, store_login(c->s, &t, fail_login, NULL));
	store_cancel(c->s, 0);
	store_cancel(c->s, 123456789);
	conf_idle(c);
	store_cancel(c->s, op);
	/* Nobody says when it is done: it is looked for until it is there. */
	for (int waits = 0; conf_find(c, a, "New", &found) != STORE_OK; waits++) {
		assert_true(waits < CANCEL_WAITS);
		conf_idle(c);
	}
	store_logout(a);
}

/* --- STORE_RIGHT_NUMBERS: messages bring their UIDs along --------------------------- */

static struct store_account *login_with(struct conf *c, uint32_t rights)
{
	struct store_account *a;
	struct store_token t;

	conf_token(c, "a@x.example", rights, &t);
	assert_int_equal(conf_try_login(c, &t, &a), STORE_OK);
	return a;
}

/* After a change that was not made: none behind it need be. */
static struct store_account *login_again(struct conf *c, struct store_account *a)
{
	store_logout(a);
	return login_with(c, STORE_RIGHT_READ | STORE_RIGHT_NUMBERS);
}

static enum store_status append_as(struct conf *c, struct store_account *a, uint64_t mailbox, uint32_t uid)
{
	const struct store_mutation m = {
		.change = STORE_APPEND, .mailbox = mailbox, .stage = conf_stage(c, "x", 1), .internal_s = 5, .uid = uid
	};

	return conf_change(c, a, &m);
}

static enum store_status validity(struct conf *c, struct store_account *a, uint64_t mailbox, uint32_t uidvalidity)
{
	const struct store_mutation m = {
		.change = STORE_SET_UIDVALIDITY, .mailbox = mailbox, .uidvalidity = uidvalidity
	};

	return conf_change(c, a, &m);
}

static void test_numbers(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = login_with(c, STORE_RIGHT_READ | STORE_RIGHT_NUMBERS);
	uint64_t inbox = conf_mailbox(c, a, "INBOX");
	struct conf_sync *s;

	assert_int_equal(validity(c, a, inbox, 0), STORE_INVALID);
	a = login_again(c, a);
	assert_int_equal(validity(c, a, inbox, 1234567), STORE_OK);
	assert_int_equal(append_as(c, a, inbox, 7), STORE_OK);
	assert_int_equal(append_as(c, a, inbox, 7), STORE_INVALID);
	a = login_again(c, a);
	assert_int_equal(append_as(c, a, inbox, 3), STORE_INVALID);
	a = login_again(c, a);
	assert_int_equal(append_as(c, a, inbox, 8), STORE_OK); /* what was refused has taken no number */
	assert_int_equal(append_as(c, a, inbox, 5000), STORE_OK);
	assert_int_equal(append_as(c, a, inbox, 0), STORE_OK);
	assert_int_equal(append_as(c, a, inbox, 3000000000), STORE_OK);
	assert_int_equal(append_as(c, a, inbox, UINT32_MAX), STORE_LIMIT);
	a = login_again(c, a);
	assert_int_equal(validity(c, a, inbox, 99), STORE_EXISTS);
	s = conf_all(c, a, inbox);
	assert_string_equal(conf_uids(s), "7:8,5000:5001,3000000000");
	assert_int_equal(s->mailbox.uidvalidity, 1234567);
	assert_int_equal(s->mailbox.uidnext, 3000000001);
	assert_string_equal(conf_body(c, a, inbox, 3000000000), "x");
	store_logout(a);
	conf_reopen(c);
	a = login_with(c, STORE_RIGHT_READ);
	s = conf_all(c, a, inbox);
	assert_string_equal(conf_uids(s), "7:8,5000:5001,3000000000");
	assert_int_equal(s->mailbox.uidvalidity, 1234567);
	assert_true(conf_append(c, a, inbox, "y", 0) > 3000000000);
	store_logout(a);
}

static void test_numbers_need_a_right(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = login_with(c, STORE_RIGHT_READ);
	uint64_t inbox = conf_mailbox(c, a, "INBOX");

	assert_int_equal(validity(c, a, inbox, 99), STORE_REFUSED);
	assert_int_equal(append_as(c, a, inbox, 7), STORE_REFUSED);
	assert_int_equal(append_as(c, a, inbox, 0), STORE_OK);
	assert_string_equal(conf_uids(conf_all(c, a, inbox)), "1");
	store_logout(a);
}

/* Several in one commit, with holes between them. */
static void test_numbers_together(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = login_with(c, STORE_RIGHT_READ | STORE_RIGHT_NUMBERS);
	uint64_t sent = conf_mailbox(c, a, "Sent");
	struct store_mutation m[4] = { { .change = STORE_SET_UIDVALIDITY, .mailbox = sent, .uidvalidity = 77 } };
	static const uint32_t uids[] = { 2000000000, 2000000001, 3900000000 };

	for (size_t i = 0; i < 3; i++)
		m[i + 1] = (struct store_mutation){
			.change = STORE_APPEND, .mailbox = sent, .stage = conf_stage(c, "x", 1), .uid = uids[i]
		};
	assert_int_equal(conf_commit(c, a, m, 4, NULL)->status, STORE_OK);
	assert_string_equal(conf_uids(conf_all(c, a, sent)), "2000000000:2000000001,3900000000");
	store_logout(a);
}

struct conf_group conf_access_cases(void)
{
	static const struct CMUnitTest tests[] = {
		CONF_CASE(test_tokens), CONF_CASE(test_revoke), CONF_CASE(test_pop_right),
		CONF_CASE(test_numbers), CONF_CASE(test_numbers_need_a_right), CONF_CASE(test_numbers_together),
		CONF_CASE(test_lock),   CONF_CASE(test_cancel),
	};

	return (struct conf_group){ tests, sizeof(tests) / sizeof(tests[0]) };
}
