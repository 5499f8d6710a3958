/* cases_queue.c - mail that waits for other servers: accepted, leased, reported (storage/queue.h). */
#include "tests/conformance/queued.h"

#include <time.h>
#include <unistd.h>

static const char text[] = "Subject: hello\r\n\r\nHow are you?\r\n";

static int64_t now_s(void)
{
	return time(NULL);
}

/* --- accepting ----------------------------------------------------------------------- */

/* Everything that was handed in comes out again. */
static void test_whole(void **state)
{
	const struct store_envelope e = { .id = "a1B2",
					  .account = span_of("s@here.example"),
					  .envid = span_of("QQ314159"),
					  .message_id = span_of("<x@here.example>"),
					  .flags = STORE_MAIL_8BIT | STORE_MAIL_RET_HEADERS | STORE_MAIL_BINARY };
	const struct store_remote to = { .address = span_of("Bob@There.Example"),
					 .sender = span_of("s@here.example"),
					 .original = span_of("alias@here.example"),
					 .orcpt = span_of("rfc822;alias@here.example"),
					 .notify = STORE_NOTIFY_SUCCESS | STORE_NOTIFY_DELAY };
	struct conf *c = conf_of(state);
	struct conf_done done = { 0 };
	struct store_txid txid;
	struct queued_job *j;

	queued_needed(c);
	store_txid_new(&txid);
	store_deliver(c->s,
		      &(struct store_delivery){ .stage = conf_stage(c, text, strlen(text)),
						.envelope = &e,
						.remotes = &to,
						.remote_count = 1 },
		      &txid, conf_done, &done);
	conf_wait(c, &done.done);
	assert_int_equal(done.status, STORE_OK);
	j = queued_one(c);
	assert_int_equal(j->why, QUEUE_DUE);
	assert_string_equal(j->id, "a1B2");
	assert_string_equal(j->account, "s@here.example");
	assert_string_equal(j->envid, "QQ314159");
	assert_string_equal(j->message_id, "<x@here.example>");
	assert_int_equal(j->flags, e.flags);
	assert_true(j->created_s >= now_s() - 60 && j->created_s <= now_s());
	assert_int_equal(j->size, strlen(text));
	assert_int_equal(j->attempts, 0);
	assert_string_equal(j->domain, "there.example");
	assert_string_equal(j->sender, "s@here.example");
	assert_string_equal(j->route, "");
	assert_string_equal(j->to[0].address, "Bob@There.Example");
	assert_string_equal(j->to[0].original, "alias@here.example");
	assert_string_equal(j->to[0].orcpt, "rfc822;alias@here.example");
	assert_int_equal(j->to[0].notify, to.notify);
	assert_string_equal(j->body, text);
	queued_none(c);
}

/* Recipients with the same domain and sender are one job; local ones are not queued. */
static void test_jobs(void **state)
{
	const struct store_recipient local = { span_of("me@here.example"), span_of("me@here.example"), 0 };
	const struct store_envelope e = { .id = "jobs" };
	const struct store_remote to[] = {
		{ .address = span_of("a@one.example"), .sender = span_of("s@here.example") },
		{ .address = span_of("b@two.example"), .sender = span_of("s@here.example") },
		{ .address = span_of("c@ONE.example"), .sender = span_of("s@here.example") },
		{ .address = span_of("d@one.example"), .sender = span_of("srs@here.example") },
		{ .address = span_of("e@two.example") },
	};
	struct conf *c = conf_of(state);
	struct conf_done done = { 0 };
	struct store_txid txid;
	struct queued_job *j;
	bool numbers[5] = { false };

	queued_needed(c);
	store_txid_new(&txid);
	store_deliver(c->s,
		      &(struct store_delivery){ .stage = conf_stage(c, text, strlen(text)),
						.recipients = &local,
						.count = 1,
						.envelope = &e,
						.remotes = to,
						.remote_count = 5 },
		      &txid, conf_done, &done);
	conf_wait(c, &done.done);
	assert_int_equal(done.status, STORE_OK);
	assert_int_equal(queued_inbox(c, "me@here.example"), 1);
	assert_int_equal(queued_lease(c, "one.example", 8, &j), 2);
	assert_int_equal(j[0].count + j[1].count, 3);
	for (int i = 0; i < 2; i++) {
		bool srs = strcmp(j[i].sender, "srs@here.example") == 0;

		assert_int_equal(j[i].count, srs ? 1 : 2);
		assert_string_equal(j[i].domain, "one.example");
		for (size_t k = 0; k < j[i].count; k++) {
			uint32_t n = j[i].to[k].number;

			assert_true(n < 5 && !numbers[n]);
			numbers[n] = true;
			unit_is(to[n].address.p, to[n].address.n, j[i].to[k].address);
		}
	}
	assert_int_not_equal(j[0].job, j[1].job);
	assert_int_equal(queued_lease(c, "two.example", 8, &j), 2);
}

static void test_bad(void **state)
{
	static const struct {
		const char *why;
		struct queued_mail m;
	} rows[] = {
		{ "no id", { .id = "", .sender = "s@x.example", .remotes = "a@b.example" } },
		{ "an id that leaves the folder", { .id = "../x", .sender = "", .remotes = "a@b.example" } },
		{ "an id that is too long",
		  { .id = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", .sender = "", .remotes = "a@b.example" } },
		{ "no domain", { .id = "x", .sender = "", .remotes = "nobody" } },
		{ "an empty domain", { .id = "x", .sender = "", .remotes = "a@" } },
		{ "a line end", { .id = "x", .sender = "s@x\r\nDATA", .remotes = "a@b.example" } },
		{ "one bad recipient of two", { .id = "x", .sender = "", .remotes = "a@b.example c" } },
	};
	struct conf *c = conf_of(state);

	queued_needed(c);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct queued_mail m = rows[i].m;

		unit_case(rows[i].why, 0);
		m.text = text;
		m.local = "me@here.example";
		assert_int_equal(queued_put(c, &m), STORE_INVALID);
	}
	queued_none(c);
	assert_int_equal(queued_inbox(c, "me@here.example"), 0);
}

static void test_twice(void **state)
{
	struct queued_mail m = { .id = "once",
				 .sender = "s@x.example",
				 .remotes = "a@b.example",
				 .local = "me@here.example",
				 .text = text };
	struct conf *c = conf_of(state);
	struct store_txid txid;

	queued_needed(c);
	store_txid_new(&txid);
	m.txid = &txid;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(queued_put(c, &m), STORE_OK);
		if (i == 1)
			conf_reopen(c);
	}
	m.txid = NULL;
	assert_int_equal(queued_put(c, &m), STORE_EXISTS);
	assert_int_equal(queued_inbox(c, "me@here.example"), 1);
	queued_one(c);
	queued_none(c);
}

/* --- reporting ------------------------------------------------------------------------- */

static void test_delivered(void **state)
{
	struct conf *c = conf_of(state);
	struct queued_job *j;

	queued_needed(c);
	queued_simple(c, "x1", "a@b.example");
	j = queued_one(c);
	assert_int_equal(queued_report(c, j, QUEUE_DELIVERED, 0), STORE_OK);
	queued_none(c);
	assert_int_equal(queued_report(c, j, QUEUE_DELIVERED, 0), STORE_NOT_FOUND);
	conf_reopen(c);
	queued_none(c);
	queued_simple(c, "x1", "a@b.example"); /* the name is free again */
	queued_one(c);
}

static void test_deferred(void **state)
{
	struct conf *c = conf_of(state);
	struct queued_job *j;

	queued_needed(c);
	queued_simple(c, "x1", "a@b.example");
	j = queued_one(c);
	assert_int_equal(queued_report(c, j, QUEUE_DEFERRED, now_s() - 1), STORE_OK);
	j = queued_one(c);
	assert_int_equal(j->attempts, 1);
	assert_int_equal(queued_report(c, j, QUEUE_UNTRIED, 0), STORE_OK);
	j = queued_one(c);
	assert_int_equal(j->attempts, 1);
	assert_int_equal(queued_report(c, j, QUEUE_DEFERRED, now_s() + 3600), STORE_OK);
	queued_none(c);
	conf_reopen(c);
	queued_none(c); /* when it is due is remembered */
}

/* Some of a job's recipients are done; the others keep their numbers. */
static void test_partial(void **state)
{
	const struct queue_outcome o[] = { { .recipient = 0, .fate = QUEUE_DELIVERED },
					   { .recipient = 1, .fate = QUEUE_DEFERRED },
					   { .recipient = 2, .fate = QUEUE_FAILED } };
	const struct queued_mail m = { .id = "part",
				       .sender = "s@x.example",
				       .remotes = "a@b.example b@b.example c@b.example",
				       .text = text };
	struct conf *c = conf_of(state);
	struct queued_job *j;
	struct queue_report r;

	queued_needed(c);
	assert_int_equal(queued_put(c, &m), STORE_OK);
	j = queued_one(c);
	assert_int_equal(j->count, 3);
	r = (struct queue_report){
		.id = "part", .job = j->job, .lease = j->lease, .outcomes = o, .count = 3, .retry_s = 1
	};
	assert_int_equal(queued_report_full(c, &r, NULL), STORE_OK);
	conf_reopen(c);
	j = queued_one(c);
	assert_int_equal(j->count, 1);
	assert_int_equal(j->to[0].number, 1);
	assert_string_equal(j->to[0].address, "b@b.example");
	assert_int_equal(j->attempts, 1);
}

/* What the sender is told stands in the same commit, and once. */
static void test_notice(void **state)
{
	const struct store_recipient local = { span_of("s@here.example"), span_of("s@here.example"), 0 };
	const struct store_remote remote = { .address = span_of("postmaster@far.example") };
	const struct store_envelope e = { .id = "report", .flags = STORE_MAIL_REPORT };
	const struct queue_outcome o = { .recipient = 0, .fate = QUEUE_FAILED };
	struct conf *c = conf_of(state);
	struct store_txid txid;
	struct queued_job *j;

	queued_needed(c);
	queued_simple(c, "x1", "a@b.example");
	j = queued_one(c);
	store_txid_new(&txid);
	for (int i = 0; i < 2; i++) {
		const struct queue_report r = { .id = "x1",
						.job = j->job,
						.lease = j->lease,
						.outcomes = &o,
						.count = 1,
						.notice = { .stage = conf_stage(c, text, strlen(text)),
							    .recipients = &local,
							    .count = 1,
							    .envelope = &e,
							    .remotes = &remote,
							    .remote_count = 1 } };

		assert_int_equal(queued_report_full(c, &r, &txid), STORE_OK);
	}
	assert_int_equal(queued_inbox(c, "s@here.example"), 1);
	j = queued_one(c);
	assert_string_equal(j->id, "report");
	assert_string_equal(j->sender, "");
	assert_int_equal(j->flags, STORE_MAIL_REPORT);
	assert_string_equal(j->body, text);
}

/* All or nothing: a notice that can't be leaves the job as it was, and a job that is not there leaves no notice. */
static void test_notice_refused(void **state)
{
	const struct store_recipient nobody = { span_of("no account"), span_of("x"), 0 };
	const struct store_recipient local = { span_of("s@here.example"), span_of("s@here.example"), 0 };
	const struct queue_outcome o = { .recipient = 0, .fate = QUEUE_FAILED };
	struct conf *c = conf_of(state);
	struct queued_job *j;
	struct queue_report r;

	queued_needed(c);
	queued_simple(c, "x1", "a@b.example");
	j = queued_one(c);
	r = (struct queue_report){
		.id = "x1",
		.job = j->job,
		.lease = j->lease,
		.outcomes = &o,
		.count = 1,
		.notice = { .stage = conf_stage(c, text, strlen(text)), .recipients = &nobody, .count = 1 }
	};
	assert_int_equal(queued_report_full(c, &r, NULL), STORE_INVALID);
	queued_none(c); /* it is still leased */
	r.id = "gone";
	r.notice.stage = conf_stage(c, text, strlen(text));
	r.notice.recipients = &local;
	assert_int_equal(queued_report_full(c, &r, NULL), STORE_NOT_FOUND);
	assert_int_equal(queued_inbox(c, "s@here.example"), 0);
	conf_reopen(c);
	j = queued_one(c);
	assert_string_equal(j->id, "x1");
	assert_int_equal(j->attempts, 0);
}

/* After a restart the job is due again, and the report of who was at it counts. */
static void test_restart(void **state)
{
	struct conf *c = conf_of(state);
	struct queued_job old, *j;

	queued_needed(c);
	queued_simple(c, "x1", "a@b.example");
	old = *queued_one(c);
	conf_reopen(c);
	j = queued_one(c);
	assert_string_equal(j->id, old.id);
	assert_int_equal(j->job, old.job);
	assert_int_equal(queued_report(c, &old, QUEUE_DELIVERED, 0), STORE_OK);
	conf_reopen(c);
	queued_none(c);
}

static void never(void *arg, enum store_status status, const struct queue_job *jobs, size_t count)
{
	(void)arg;
	(void)status;
	(void)jobs;
	(void)count;
	fail_msg("a callback that was forgotten");
}

enum { CANCELLED_ASKED = 500 }; /* 20 ms apart */

/* A lease that nobody waits for any more is none. */
static void test_cancelled(void **state)
{
	struct conf *c = conf_of(state);
	const struct queue_want want = { .max = 1 };
	struct queued_job *j;

	queued_needed(c);
	queued_simple(c, "x1", "a@b.example");
	store_cancel(c->s, queue_lease(c->s, &want, never, NULL));
	/* Nobody says when it is given back: it is asked for until it is there. */
	for (int asked = 0; queued_lease(c, NULL, 1, &j) == 0; asked++) {
		assert_true(asked < CANCELLED_ASKED);
		conf_idle(c);
	}
}

/* --- turns ------------------------------------------------------------------------------ */

static void test_turns(void **state)
{
	struct conf *c = conf_of(state);
	struct queued_job *j;
	char id[8];

	queued_needed(c);
	for (int i = 0; i < 6; i++) {
		snprintf(id, sizeof(id), "slow%d", i);
		queued_simple(c, id, "a@slow.example");
	}
	queued_simple(c, "quick", "a@quick.example");
	assert_int_equal(queued_lease(c, NULL, QUEUE_JOBS, &j), 2); /* one of each, until it is told */
	assert_string_not_equal(j[0].domain, j[1].domain);
	queued_domain(c, "slow.example", 3, 0);
	assert_int_equal(queued_lease(c, NULL, QUEUE_JOBS, &j), 2);
	assert_string_equal(j[0].domain, "slow.example");
	queued_none(c);
	assert_int_equal(queued_lease(c, "slow.example", 2, &j), 2); /* whatever it is allowed */
	assert_int_equal(queued_lease(c, "other.example", 2, &j), 0);
	queued_domain(c, "slow.example", 8, now_s() + 3600);
	queued_none(c);
	queued_domain(c, "slow.example", 8, 0);
	assert_string_equal(queued_one(c)->id, "slow5");
}

/* Those that were due first come first. */
static void test_order(void **state)
{
	struct conf *c = conf_of(state);
	struct queued_job *j;

	queued_needed(c);
	queued_simple(c, "b1", "a@x.example");
	queued_simple(c, "a2", "a@x.example");
	queued_simple(c, "c3", "a@x.example");
	assert_int_equal(queued_lease(c, "x.example", 3, &j), 3);
	assert_string_equal(j[0].id, "b1");
	assert_string_equal(j[1].id, "a2");
	assert_string_equal(j[2].id, "c3");
}

static void told(void *arg)
{
	++*(unsigned *)arg;
}

static void test_watch(void **state)
{
	struct conf *c = conf_of(state);
	unsigned hints = 0;
	struct queued_job *j;

	queued_needed(c);
	queue_watch(c->s, told, &hints);
	conf_idle(c);
	queued_none(c);
	conf_idle(c);
	hints = 0; /* whatever there was: something may be ready */
	queued_simple(c, "x1", "a@x.example");
	conf_idle(c);
	assert_int_equal(hints, 1);
	queued_simple(c, "x2", "a@y.example");
	conf_idle(c);
	assert_int_equal(hints, 1); /* once until the next lease */
	assert_int_equal(queued_lease(c, NULL, 1, &j), 1);
	conf_idle(c);
	assert_int_equal(hints, 2); /* there is more */
	assert_int_equal(queued_lease(c, NULL, 8, &j), 1);
	conf_idle(c);
	assert_int_equal(hints, 2);
	assert_int_equal(queued_report(c, &j[0], QUEUE_UNTRIED, 0), STORE_OK);
	conf_idle(c);
	assert_int_equal(hints, 3);
	queue_watch(c->s, NULL, NULL);
	queued_one(c);
	queued_simple(c, "x3", "a@z.example");
	conf_idle(c);
	assert_int_equal(hints, 3);
}

/* A job that is given back comes back at once, however many there are. */
static void test_many(void **state)
{
	enum { MANY = 120 };
	struct conf *c = conf_of(state);
	struct queued_job mine[QUEUE_JOBS], *j;
	size_t n, all = 0;
	char id[8], to[32];

	queued_needed(c);
	for (int i = 0; i < MANY; i++) {
		snprintf(id, sizeof(id), "m%d", i);
		snprintf(to, sizeof(to), "a@d%d.example", i % 40);
		queued_simple(c, id, to);
	}
	while ((n = queued_lease(c, NULL, QUEUE_JOBS, &j)) > 0) {
		memcpy(mine, j, n * sizeof(*j));
		for (size_t i = 0; i < n; i++)
			assert_int_equal(queued_report(c, &mine[i], QUEUE_DELIVERED, 0), STORE_OK);
		all += n;
	}
	assert_int_equal(all, MANY);
}

struct conf_group conf_queue_cases(void)
{
	static const struct CMUnitTest tests[] = {
		CONF_CASE(test_whole),   CONF_CASE(test_jobs),      CONF_CASE(test_bad),
		CONF_CASE(test_twice),   CONF_CASE(test_delivered), CONF_CASE(test_deferred),
		CONF_CASE(test_partial), CONF_CASE(test_notice),    CONF_CASE(test_notice_refused),
		CONF_CASE(test_restart), CONF_CASE(test_cancelled), CONF_CASE(test_turns),
		CONF_CASE(test_order),   CONF_CASE(test_watch),     CONF_CASE(test_many),
	};

	return (struct conf_group){ tests, sizeof(tests) / sizeof(tests[0]) };
}
