/* test_local_queue.c - the local queue by the clock, and for administrators. Whole rooms are linked: it
 * is no test of one module.
 * link: tests/conformance storage/local storage common/base */
#include "tests/conformance/local_queue.h"

#include <stdlib.h>

#include "common/base/clock.h"

#define CASE(f) cmocka_unit_test_setup_teardown(f, local_queue_setup, local_queue_teardown)

enum { HOUR = 3600, DAY = 24 * HOUR };

static struct conf *const c = &local_conf;

static void times(int64_t notice_s, int64_t lifetime_s)
{
	queue_times(c->s, &(struct queue_times){ notice_s, lifetime_s });
}

static enum store_status report_noticed(const struct queued_job *j, enum queue_fate fate, int64_t retry_s)
{
	const struct queue_outcome o = { .recipient = j->to[0].number, .fate = fate };

	return queued_report_full(c,
				  &(struct queue_report){ .id = j->id,
							  .job = j->job,
							  .lease = j->lease,
							  .outcomes = &o,
							  .count = 1,
							  .retry_s = retry_s,
							  .noticed = true },
				  NULL);
}

/* --- the clock ------------------------------------------------------------------------------ */

/* Told of the delay and expired in time, though its domain is held off and it is not due. */
static void test_ages(void **state)
{
	struct queued_job *j;

	(void)state;
	times(4 * HOUR, 5 * DAY);
	queued_simple(c, "x1", "a@dead.example");
	j = queued_one(c);
	assert_int_equal(queued_report(c, j, QUEUE_DEFERRED, local_now_s() + 30 * DAY), STORE_OK);
	queued_domain(c, "dead.example", 1, local_now_s() + 30 * DAY);
	queued_none(c);
	local_ahead_s = 4 * HOUR - 5;
	local_tick();
	queued_none(c);
	local_ahead_s = 4 * HOUR + 5;
	local_tick();
	j = queued_one(c);
	assert_int_equal(j->why, QUEUE_NOTICE);
	assert_int_equal(report_noticed(j, QUEUE_DEFERRED, local_now_s() + 30 * DAY), STORE_OK);
	queued_none(c);
	local_ahead_s = 5 * DAY + 5;
	local_tick();
	j = queued_one(c);
	assert_int_equal(j->why, QUEUE_EXPIRED);
	assert_int_equal(j->attempts, 2);
	assert_int_equal(queued_report(c, j, QUEUE_FAILED, 0), STORE_OK);
	assert_int_equal(local_figure("queue_entries"), 0);
}

/* What is due and old is both; what was tried in vain is not urgent before it is due, but expires. */
static void test_urgent_and_due(void **state)
{
	struct queued_job *j;

	(void)state;
	times(4 * HOUR, 5 * DAY);
	queued_simple(c, "x1", "a@slow.example");
	local_ahead_s = 4 * HOUR + 5;
	j = queued_one(c);
	assert_int_equal(j->why, QUEUE_DUE | QUEUE_NOTICE);
	assert_int_equal(queued_report(c, j, QUEUE_DEFERRED, local_now_s() + HOUR), STORE_OK);
	queued_none(c);
	local_ahead_s += HOUR;
	local_tick();
	j = queued_one(c);
	assert_int_equal(j->why, QUEUE_DUE | QUEUE_NOTICE);
	assert_int_equal(queued_report(c, j, QUEUE_DEFERRED, local_now_s() + 20 * DAY), STORE_OK);
	local_ahead_s = 5 * DAY + 5;
	local_again(); /* the times are told anew */
	times(4 * HOUR, 5 * DAY);
	j = queued_one(c);
	assert_int_equal(j->why, QUEUE_EXPIRED);
}

/* A domain that is held off comes back by itself, and its watcher hears of it. */
static void count_hint(void *arg)
{
	++*(unsigned *)arg;
}

static void test_wakes(void **state)
{
	unsigned hints = 0;

	(void)state;
	queued_simple(c, "x1", "a@x.example");
	queued_domain(c, "x.example", 1, local_now_s() + 600);
	queued_none(c);
	queue_watch(c->s, count_hint, &hints);
	local_tick();
	assert_int_equal(hints, 0);
	local_ahead_s = 605;
	local_tick();
	assert_int_equal(hints, 1);
	queued_one(c);
}

/* Nothing is kept of a domain that nothing waits for, but for a while. */
static void test_domains_go(void **state)
{
	struct queued_job *j;

	(void)state;
	queued_domain(c, "never.example", 9, local_now_s() + 600);
	assert_int_equal(local_figure("queue_domains"), 0);
	queued_simple(c, "x1", "a@x.example");
	queued_domain(c, "x.example", 2, 0);
	j = queued_one(c);
	assert_int_equal(queued_report(c, j, QUEUE_DELIVERED, 0), STORE_OK);
	assert_int_equal(local_figure("queue_domains"), 1);
	queued_simple(c, "x2", "a@x.example");
	queued_simple(c, "x3", "a@x.example");
	assert_int_equal(queued_lease(c, NULL, 8, &j), 2); /* two are allowed, as it was told */
	assert_int_equal(queued_report(c, &j[0], QUEUE_DELIVERED, 0), STORE_OK);
	assert_int_equal(queued_report(c, &j[1], QUEUE_DELIVERED, 0), STORE_OK);
	local_ahead_s = 700;
	local_tick();
	assert_int_equal(local_figure("queue_domains"), 0);
}

/* A holder that goes leaves its jobs due. */
static void test_release(void **state)
{
	struct queued_job first;

	(void)state;
	queued_simple(c, "x1", "a@x.example");
	first = *queued_one(c);
	queued_none(c);
	assert_int_equal(local_figure("queue_leased"), 1);
	local_queue_release(c->s, first.lease + 1);
	queued_none(c);
	local_queue_release(c->s, first.lease);
	local_queue_release(c->s, first.lease);
	assert_int_equal(local_figure("queue_leased"), 0);
	assert_int_not_equal(queued_one(c)->lease, first.lease);
	assert_int_equal(queued_report(c, &first, QUEUE_DELIVERED, 0), STORE_OK);
	assert_int_equal(local_figure("queue_leased"), 0);
	assert_int_equal(local_figure("queue_entries"), 0);
}

/* While a report is on its way to the disk, its job is not leased again, though its holder has gone. */
static void test_report_in_hand(void **state)
{
	const struct queue_outcome o = { .recipient = 0, .fate = QUEUE_DELIVERED };
	struct conf_done done = { .done = false };
	struct store_txid txid;
	struct queued_job j;

	(void)state;
	queued_simple(c, "x1", "a@x.example");
	j = *queued_one(c);
	store_txid_new(&txid);
	queue_report(
	    c->s,
	    &(struct queue_report){ .id = j.id, .job = j.job, .lease = j.lease, .outcomes = &o, .count = 1 },
	    &txid, conf_done, &done);
	local_queue_release(c->s, j.lease);
	queued_none(c);
	conf_wait(c, &done.done);
	assert_int_equal(done.status, STORE_OK);
	queued_none(c);
	assert_int_equal(local_figure("queue_entries"), 0);
}

/* Old notes are swept up. */
static void test_notes(void **state)
{
	struct conf_done done = { .done = false };
	unsigned long before;

	(void)state;
	before = local_figure("queue_note_bytes");
	queue_note_put(c->s, span_of("sts/x"), span_of("0123456789"), local_now_s() + 60, conf_done, &done);
	conf_wait(c, &done.done);
	assert_true(local_figure("queue_note_bytes") > before);
	local_ahead_s = 1300;
	local_tick();
	assert_int_equal(local_figure("queue_note_bytes"), 0);
}

/* --- administrators ---------------------------------------------------------------------------- */

static void fill(void)
{
	const struct store_envelope e = { .id = "e1", .account = span_of("me@here.example") };

	assert_int_equal(queued_put(c, &(struct queued_mail){ .sender = "me@here.example",
							      .remotes = "a@one.example b@two.example",
							      .text = "x",
							      .envelope = &e }),
			 STORE_OK);
	assert_int_equal(queued_put(c, &(struct queued_mail){ .id = "e2",
							      .sender = "",
							      .remotes = "A@ONE.example c@one.example",
							      .text = "x" }),
			 STORE_OK);
	queued_simple(c, "e3", "d@three.example");
}

static void test_filters(void **state)
{
	static const struct {
		const char *why, *id, *sender, *recipient, *domain, *account;
		unsigned states;
		int64_t older_s;
		const char *want;
	} rows[] = {
		{ "all", .want = "e1 0 1;e2 0 1;e3 0;" },
		{ "an id", .id = "e2", .want = "e2 0 1;" },
		{ "an id that is not there", .id = "e4", .want = "" },
		{ "an id that can't be", .id = "../e1", .want = "" },
		{ "a sender", .sender = "ME@here.example", .want = "e1 0 1;" },
		{ "a sender's domain", .sender = "@here.example", .want = "e1 0 1;e3 0;" },
		{ "no sender", .sender = "<>", .want = "e2 0 1;" },
		{ "a recipient", .recipient = "a@one.example", .want = "e1 0;e2 0;" },
		{ "a recipient's domain", .recipient = "@one.example", .want = "e1 0;e2 0 1;" },
		{ "a domain", .domain = "ONE.example", .want = "e1 0;e2 0 1;" },
		{ "an account", .account = "me@here.example", .want = "e1 0 1;" },
		{ "waiting", .states = QUEUE_WAITING, .want = "e1 0 1;e2 0 1;" },
		{ "held", .states = QUEUE_HELD, .want = "e3 0;" },
		{ "leased or aside", .states = QUEUE_LEASED | QUEUE_ASIDE, .want = "" },
		{ "older than an hour", .older_s = HOUR, .want = "e1 0 1;e2 0 1;e3 0;" },
		{ "older than a day", .older_s = DAY, .want = "" },
		{ "two that must fit", .sender = "<>", .recipient = "c@one.example", .want = "e2 1;" },
	};

	(void)state;
	fill();
	assert_int_equal(local_act_id("e3", QUEUE_ACT_HOLD), 1);
	local_ahead_s = 2 * HOUR;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct queue_filter f = { .id = span_of(rows[i].id),
						.sender = span_of(rows[i].sender),
						.recipient = span_of(rows[i].recipient),
						.domain = span_of(rows[i].domain),
						.account = span_of(rows[i].account),
						.states = rows[i].states,
						.older_s = rows[i].older_s };
		char got[400] = "";
		size_t n = 0;

		unit_case(rows[i].why, 0);
		/* Ids and numbers alone. */
		for (const char *at = local_list(&f); *at != '\0' && n < sizeof(got) - 2; at++) {
			if (*at == ':')
				at += strcspn(at, " \n");
			got[n++] = *at == '\n' ? ';' : *at;
		}
		assert_string_equal(got, rows[i].want);
	}
}

/* Hundreds are listed in pages, each once, and changed in pages. */
static void test_pages(void **state)
{
	enum { MANY = 700 };
	struct conf_done *d = calloc(MANY, sizeof(*d));
	const char *at;
	char id[8];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		const struct store_envelope e = { .id = id };
		const struct store_remote to = { .address = span_of("a@x.example") };
		struct store_txid txid;

		snprintf(id, sizeof(id), "m%04d", i);
		store_txid_new(&txid);
		store_deliver(
		    c->s,
		    &(struct store_delivery){
			.stage = conf_stage(c, "x", 1), .envelope = &e, .remotes = &to, .remote_count = 1 },
		    &txid, conf_done, &d[i]);
	}
	for (int i = 0; i < MANY; i++)
		conf_wait(c, &d[i].done);
	free(d);
	at = local_all();
	for (int i = 0; i < MANY; i++) {
		snprintf(id, sizeof(id), "m%04d", i);
		assert_memory_equal(at, id, 5);
		at = strchr(at, '\n') + 1;
	}
	assert_int_equal(*at, '\0');
	assert_int_equal(local_act(&(struct queue_filter){ .older_s = 0 }, QUEUE_ACT_HOLD, NULL), MANY);
	assert_int_equal(local_figure("queue_held"), MANY);
	assert_int_equal(local_act(&(struct queue_filter){ .older_s = 0 }, QUEUE_ACT_HOLD, NULL), 0);
	assert_int_equal(local_act(&(struct queue_filter){ .older_s = 0 }, QUEUE_ACT_DELETE, NULL), MANY);
	assert_int_equal(local_figure("queue_entries"), 0);
	assert_int_equal(local_figure("queue_held"), 0);
	assert_string_equal(local_all(), "");
}

/* Held mail is not leased, over a restart and a lost index too; it expires. */
static void test_hold(void **state)
{
	struct queued_job *j;

	(void)state;
	times(4 * HOUR, 5 * DAY);
	queued_simple(c, "x1", "a@x.example");
	assert_int_equal(local_act_id("x1", QUEUE_ACT_HOLD), 1);
	queued_none(c);
	local_again();
	queued_none(c);
	local_lost();
	queued_none(c);
	assert_int_equal(local_figure("queue_held"), 1);
	times(4 * HOUR, 5 * DAY);
	local_ahead_s = DAY;
	local_tick();
	queued_none(c);
	assert_int_equal(local_act_id("x1", QUEUE_ACT_RELEASE), 1);
	j = queued_one(c);
	assert_int_equal(j->why, QUEUE_DUE | QUEUE_NOTICE);
	assert_int_equal(local_act_id("x1", QUEUE_ACT_HOLD), 1); /* while it is leased */
	assert_int_equal(queued_report(c, j, QUEUE_DEFERRED, 0), STORE_OK);
	queued_none(c);
	local_ahead_s = 5 * DAY + 5;
	local_tick();
	assert_int_equal(queued_one(c)->why, QUEUE_EXPIRED);
	assert_int_equal(local_logged("queue entry held id=x1"), 2);
	assert_int_equal(local_logged("queue entry released id=x1"), 1);
}

static void test_bounce(void **state)
{
	struct queued_job *j;

	(void)state;
	queued_simple(c, "x1", "a@x.example");
	assert_int_equal(queued_report(c, queued_one(c), QUEUE_DEFERRED, local_now_s() + DAY), STORE_OK);
	queued_domain(c, "x.example", 1, local_now_s() + DAY);
	assert_int_equal(local_act_id("x1", QUEUE_ACT_BOUNCE), 1);
	j = queued_one(c);
	assert_int_equal(j->why, QUEUE_BOUNCE);
	local_lost();
	assert_int_equal(queued_one(c)->why, QUEUE_BOUNCE);
}

static void test_route(void **state)
{
	const struct queue_filter f = { .domain = span_of("one.example") };
	char long_route[QUEUE_DOMAIN_MAX + 2];
	struct queue_cursor at = { .end = false };
	struct queue_acted done = { .entries = 0 };
	struct queued_job *j;

	(void)state;
	fill();
	assert_int_equal(local_act(&f, QUEUE_ACT_ROUTE, "relay.example:2525"), 3);
	local_again();
	local_lost();
	assert_int_equal(queued_lease(c, NULL, 8, &j), 3);
	for (int i = 0; i < 3; i++)
		assert_string_equal(j[i].route,
				    strcmp(j[i].domain, "one.example") == 0 ? "relay.example:2525" : "");
	assert_int_equal(local_act(&f, QUEUE_ACT_ROUTE, ""), 3);
	assert_null(strstr(local_all(), "route"));
	memset(long_route, 'x', sizeof(long_route) - 1);
	long_route[sizeof(long_route) - 1] = '\0';
	assert_int_equal(queue_admin_act(c->s, &f, QUEUE_ACT_ROUTE, span_of(long_route), &at, &done),
			 STORE_INVALID);
	assert_int_equal(queue_admin_act(c->s, &f, QUEUE_ACT_ROUTE, span_of("a\nb"), &at, &done),
			 STORE_INVALID);
}

static void test_flush(void **state)
{
	int64_t later_s = local_now_s() + DAY;
	uint64_t before_ms;
	struct queued_job *j;
	char want[300];

	(void)state;
	queued_simple(c, "x1", "a@x.example");
	j = queued_one(c);
	assert_int_equal(j->flushed_ms, 0);
	assert_int_equal(queued_report(c, j, QUEUE_DEFERRED, later_s), STORE_OK);
	queued_domain(c, "x.example", 1, later_s + 1);
	snprintf(want, sizeof(want),
		 "x1 0:a@x.example<s@here.example,waiting,1,%lld,until=%lld(told so),"
		 "mx.example.org[192.0.2.7]:25 4.4.1 no answer\n",
		 (long long)later_s, (long long)later_s + 1);
	assert_string_equal(local_all(), want);
	queued_none(c);
	before_ms = clock_mono_ms();
	assert_int_equal(
	    local_act(&(struct queue_filter){ .domain = span_of("x.example") }, QUEUE_ACT_FLUSH, NULL), 1);
	j = queued_one(c);
	assert_int_equal(j->attempts, 1);
	assert_true(j->flushed_ms > 0 && j->flushed_ms <= clock_mono_ms() - before_ms + 1);
	assert_int_equal(local_act_id("x1", QUEUE_ACT_FLUSH), 0); /* it is being tried */
	local_lost();
	queued_one(c);
}

static bool files_left(const char *a, const char *b)
{
	static const char *const ends[] = { "mail", "envelope" };
	bool left = false;
	char name[40];

	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s.%s", i < 2 ? a : b, ends[i % 2]);
		left |= local_file(name);
	}
	return left;
}

static void test_delete(void **state)
{
	struct queued_job *j;

	(void)state;
	fill();
	assert_int_equal(local_act(&(struct queue_filter){ .recipient = span_of("a@one.example") },
				   QUEUE_ACT_DELETE, NULL),
			 2);
	assert_int_equal(local_figure("queue_recipients"), 3);
	local_again();
	local_lost(); /* nothing comes back */
	assert_int_equal(local_figure("queue_recipients"), 3);
	assert_int_equal(local_figure("queue_entries"), 3);
	assert_int_equal(queued_lease(c, "three.example", 1, &j), 1);
	assert_int_equal(local_act_id("e3", QUEUE_ACT_DELETE), 1);
	assert_int_equal(queued_report(c, j, QUEUE_DEFERRED, 0), STORE_NOT_FOUND);
	assert_int_equal(local_figure("queue_leased"), 0);
	assert_int_equal(local_act(&(struct queue_filter){ .older_s = 0 }, QUEUE_ACT_DELETE, NULL), 2);
	for (int i = 0; i < 500 && files_left("e1", "e3"); i++)
		conf_idle(c);
	assert_false(files_left("e1", "e3"));
	local_again();
	assert_int_equal(local_figure("queue_entries"), 0);
	assert_int_equal(local_logged("queue entry deleted id=e3 recipients=1"), 1);
}

static void test_figures(void **state)
{
	struct queued_job *j;

	(void)state;
	assert_int_equal(local_figure("queue_oldest_s"), 0);
	fill();
	local_ahead_s = 100;
	assert_int_equal(queued_lease(c, NULL, 2, &j), 2);
	assert_int_equal(local_figure("queue_entries"), 3);
	assert_int_equal(local_figure("queue_recipients"), 5);
	assert_int_equal(local_figure("queue_leased"), 2);
	assert_int_equal(local_figure("queue_domains"), 3);
	assert_true(local_figure("queue_oldest_s") >= 99 && local_figure("queue_oldest_s") < 120);
	local_again();
	assert_int_equal(local_figure("queue_recipients"), 5);
	assert_int_equal(local_figure("queue_leased"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_ages),    CASE(test_urgent_and_due), CASE(test_wakes),   CASE(test_domains_go),
		CASE(test_release), CASE(test_report_in_hand), CASE(test_notes),   CASE(test_filters),
		CASE(test_pages),   CASE(test_hold),           CASE(test_bounce),  CASE(test_route),
		CASE(test_flush),   CASE(test_delete),         CASE(test_figures),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "local_queue");
}
