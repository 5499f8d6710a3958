/* test_transaction.c - who gets a message, here and elsewhere, and what the store is told.
 * link: smtpd common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "smtpd/transaction.h"

/* The store's side, played: what was handed over. */
static char handed[4000];
static int stage;

uint64_t store_deliver(struct store *s, const struct store_delivery *d, const struct store_txid *txid, store_done done, void *arg)
{
	size_t n = 0;

	(void)s, (void)txid, (void)done, (void)arg;
	assert_ptr_equal(d->stage, &stage);
	handed[0] = '\0';
	for (size_t i = 0; i < d->count; i++)
		n += (size_t)snprintf(handed + n, sizeof(handed) - n, "%.*s(%.*s) ", (int)d->recipients[i].account.n,
				      (const char *)d->recipients[i].account.p, (int)d->recipients[i].address.n,
				      (const char *)d->recipients[i].address.p);
	for (size_t i = 0; i < d->remote_count; i++) {
		const struct store_remote *r = &d->remotes[i];

		n += (size_t)snprintf(handed + n, sizeof(handed) - n, "%.*s<%.*s|%.*s|%.*s|%u ", (int)r->address.n,
				      (const char *)r->address.p, (int)r->sender.n, (const char *)r->sender.p,
				      (int)r->original.n, (const char *)r->original.p, (int)r->orcpt.n,
				      (const char *)r->orcpt.p, r->notify);
	}
	assert_int_equal(d->envelope != NULL, d->remote_count > 0);
	if (d->envelope != NULL)
		snprintf(handed + n, sizeof(handed) - n, "%s %u", d->envelope->id, d->envelope->flags);
	return 7;
}

void store_txid_new(struct store_txid *t)
{
	memset(t, 0, sizeof(*t));
}

void store_stage_free(struct store_stage *st)
{
	(void)st;
}

int store_stage_write(struct store_stage *st, struct span in)
{
	(void)st, (void)in;
	return 0;
}

int mime_parser_new(struct mime_parser **out, const struct mime_limits *limits, struct error *err)
{
	(void)limits, (void)err;
	*out = NULL;
	return 0;
}

void mime_parser_free(struct mime_parser *p)
{
	(void)p;
}

void mime_parser_feed(struct mime_parser *p, struct span in)
{
	(void)p, (void)in;
}

int mime_parser_finish(struct mime_parser *p, struct buf *out, struct error *err)
{
	(void)p, (void)out, (void)err;
	return 0;
}

static const struct auth_target alice = { "alice@here.test", 10 }, bob = { "bob@here.test", STORE_QUOTA_NONE };
static const struct auth_remote far = { "x@far.test", "SRS0=a@here.test", "alice@here.test" };

static void check(struct transaction *t, const char *want)
{
	const struct store_envelope envelope = { .flags = 5 };

	t->stage = (struct store_stage *)&stage;
	memcpy(t->id, "ID", 3);
	assert_int_equal(transaction_deliver(t, NULL, &envelope, NULL, NULL), 7);
	assert_null(t->stage);
	assert_string_equal(handed, want);
	transaction_clear(t);
	assert_int_equal(transaction_count(t), 0);
}

static void test_all(void **state)
{
	const struct transaction_recipient one = { .address = "team@here.test", .notify = 0, .orcpt = "" }, two = { .address = "Y@far.test", .notify = 5, .orcpt = "rfc822;y" };
	const struct auth_target both[] = { alice, bob };
	const struct auth_resolved r = { both, 2, &far, 1 }, local = { &bob, 1, NULL, 0 };
	struct transaction t = { 0 };

	(void)state;
	assert_int_equal(transaction_add(&t, &one, "s@far.test", &local), 0);
	check(&t, "bob@here.test(team@here.test) ");
	assert_int_equal(transaction_add(&t, &one, "s@far.test", &r), 0);
	assert_int_equal(transaction_add(&t, &one, "s@far.test", &r), 0);	/* each once */
	assert_int_equal(transaction_add_remote(&t, &two, "s@here.test"), 0);
	assert_int_equal(transaction_add_remote(&t, &two, "s@here.test"), 0);
	assert_int_equal(transaction_count(&t), 4);
	check(&t, "alice@here.test(team@here.test) bob@here.test(team@here.test) "
		  "x@far.test<SRS0=a@here.test|alice@here.test||0 Y@far.test<s@here.test||rfc822;y|5 ID 5");
	assert_int_equal(transaction_add_remote(&t, &two, ""), 0);
	check(&t, "Y@far.test<||rfc822;y|5 ID 5");
}

/* NOTIFY=SUCCESS: mail that stays here leaves a note in the queue, one for the recipient; where it goes on
 * nobody else tells of success. */
static void test_told(void **state)
{
	const struct transaction_recipient ask = { .address = "team@here.test", .notify = 1, .orcpt = "rfc822;t" }, more = { .address = "alice@here.test", .notify = 3, .orcpt = "" };
	const struct auth_target both[] = { alice, bob };
	const struct auth_resolved r = { both, 2, &far, 1 }, local = { both, 1, NULL, 0 }, away = { NULL, 0, &far, 1 };
	struct transaction t = { 0 };

	(void)state;
	assert_int_equal(transaction_add(&t, &ask, "s@far.test", &r), 0);
	assert_int_equal(transaction_away(&t), 1);
	check(&t, "alice@here.test(team@here.test) bob@here.test(team@here.test) "
		  "x@far.test<SRS0=a@here.test|alice@here.test|rfc822;t|8 "
		  "team@here.test<s@far.test|team@here.test|rfc822;t|1 ID 5");
	assert_int_equal(transaction_add(&t, &more, "s@far.test", &local), 0);
	assert_int_equal(transaction_away(&t), 0);
	assert_false(transaction_forwards(&t));
	assert_false(transaction_loops(&t, span_of("alice@here.test\n")));
	check(&t, "alice@here.test(alice@here.test) alice@here.test<s@far.test|alice@here.test||3 ID 5");
	assert_int_equal(transaction_add(&t, &more, "", &local), 0);	/* nobody to tell */
	check(&t, "alice@here.test(alice@here.test) ");
	assert_int_equal(transaction_add(&t, &ask, "s@far.test", &away), 0);	/* the next server's to tell */
	assert_true(transaction_forwards(&t));
	check(&t, "x@far.test<SRS0=a@here.test|alice@here.test|rfc822;t|1 ID 5");
}

/* Accounts and remotes count together; what does not fit is not added by half. */
static void test_limit(void **state)
{
	struct auth_remote remotes[3] = { far, far, far };
	const struct auth_target both[] = { alice, bob };
	struct transaction t = { 0 };
	struct transaction_recipient to = { .address = "x", .notify = 0, .orcpt = "" };
	const struct auth_resolved r = { both, 2, remotes, 3 };

	(void)state;
	for (int i = 0; i < STORE_RECIPIENTS - 4; i++) {
		char address[32];

		snprintf(address, sizeof(address), "u%d@far.test", i);
		to.address = address;
		assert_int_equal(transaction_add_remote(&t, &to, "s@here.test"), 0);
	}
	to.address = "x";
	remotes[1].address[0] = 'y';
	remotes[2].address[0] = 'z';
	assert_int_equal(transaction_add(&t, &to, "s@far.test", &r), -ENOSPC);
	assert_int_equal(t.count, 0);
	assert_int_equal(transaction_count(&t), STORE_RECIPIENTS - 4);
	remotes[2].address[0] = 'y';
	assert_int_equal(transaction_add(&t, &to, "s@far.test", &r), 0);
	to.address = "one@far.test";
	assert_int_equal(transaction_add_remote(&t, &to, ""), -ENOSPC);
	transaction_clear(&t);
}

static const struct {
	const char *why, *delivered;
	bool loops;
} loops[] = {
	{ "nothing was said", "", false },
	{ "somebody else", "bob@here.test\nx@far.test\n", false },
	{ "the one that forwards", "bob@here.test\nAlice@HERE.test\n", true },
	{ "a part of it", "alice@here.tes\nalice@here.test.x\n", false },
};

static void test_loops(void **state)
{
	const struct transaction_recipient to = { .address = "alice@here.test", .notify = 0, .orcpt = "" }, direct = { .address = "bob@far.test", .notify = 0, .orcpt = "" };
	const struct auth_resolved r = { NULL, 0, &far, 1 };
	struct transaction t = { 0 };

	(void)state;
	assert_int_equal(transaction_add_remote(&t, &direct, "s@here.test"), 0);
	assert_false(transaction_loops(&t, span_of("\nalice@here.test\n")));
	assert_int_equal(transaction_add(&t, &to, "s@far.test", &r), 0);
	for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
		unit_case(loops[i].why, i);
		assert_int_equal(transaction_loops(&t, span_of(loops[i].delivered)), loops[i].loops);
	}
	transaction_clear(&t);
}

static void test_names(void **state)
{
	struct transaction a = { 0 }, b = { 0 };

	(void)state;
	transaction_name(&a, 1795261278123, 1, 5);
	transaction_name(&b, 1795261278123, 2, 5);
	assert_int_equal(strlen(a.id), 13);
	assert_string_not_equal(a.id, b.id);
	transaction_name(&b, 1795261278124, 1, 5);
	assert_true(strcmp(a.id, b.id) < 0);
}

/* RFC 2033 4.2: who has no room is refused for himself, and whoever else the same recipient led to goes with him. */
static const struct {
	const char *why;
	struct store_range over;	/* 1 alice, 2 bob, 3 carol */
	const char *refused, *left;
} rows[] = {
	{ "alice, who is behind three of them", { 1, 1 }, "a team away", "bob@here.test(b@here.test) " },
	{ "bob, whom a team has too", { 2, 2 }, "b team",
	  "alice@here.test(a@here.test) carol@here.test(away@here.test) x@far.test<SRS0=a@here.test|alice@here.test||0 ID 5" },
	{ "carol, whose mail goes on elsewhere too", { 3, 3 }, "away", "alice@here.test(a@here.test) bob@here.test(b@here.test) " },
	{ "all of them", { 1, 3 }, "a b team away", "" },
};

static void test_refused(void **state)
{
	static const char *const names[] = { "a", "b", "team", "away" };
	static const struct auth_target carol = { "carol@here.test", 5 };
	const struct auth_target both[] = { alice, bob }, pair[] = { alice, carol };
	const struct auth_resolved to[] = { { both, 1, NULL, 0 }, { both + 1, 1, NULL, 0 }, { both, 2, NULL, 0 }, { pair, 2, &far, 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct store_set over = { &rows[i].over, 1 };
		bool refused[5] = { false };
		struct transaction t = { 0 };
		char said[100] = "";

		unit_case(rows[i].why, i);
		for (unsigned k = 0; k < 4; k++) {
			char address[40];
			const struct transaction_recipient one = { .address = address, .orcpt = "", .seated = true, .number = k };

			snprintf(address, sizeof(address), "%s@here.test", names[k]);
			assert_int_equal(transaction_add(&t, &one, "s@far.test", &to[k]), 0);
		}
		transaction_refuse(&t, over, refused, 4);
		for (size_t k = 0; k < 4; k++)
			if (refused[k])
				snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s%s", *said != '\0' ? " " : "",
					 names[k]);
		assert_string_equal(said, rows[i].refused);
		check(&t, rows[i].left);
	}
}

/* What came behind a mark goes; what was there stays. */
static void test_cut(void **state)
{
	const struct transaction_recipient one = { .address = "a@here.test", .orcpt = "" };
	const struct auth_resolved first = { &bob, 1, NULL, 0 }, second = { &alice, 1, &far, 1 };
	struct transaction t = { 0 };
	struct transaction_mark mark;
	struct store_recipient *to;

	(void)state;
	assert_int_equal(transaction_add(&t, &one, "s@far.test", &first), 0);
	mark = transaction_mark(&t);
	assert_int_equal(transaction_add(&t, &one, "s@far.test", &second), 0);
	to = transaction_recipients(&t, mark.count);
	assert_non_null(to);
	assert_true(span_is(to[0].account, "alice@here.test"));
	assert_int_equal(to[0].quota, 10);
	free(to);
	transaction_cut(&t, &mark);
	check(&t, "bob@here.test(a@here.test) ");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all), cmocka_unit_test(test_told), cmocka_unit_test(test_limit),
					    cmocka_unit_test(test_refused), cmocka_unit_test(test_cut),
					    cmocka_unit_test(test_loops), cmocka_unit_test(test_names) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "transaction");
}
