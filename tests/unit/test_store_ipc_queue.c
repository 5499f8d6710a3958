/* test_store_ipc_queue.c - jobs, reports and notes through the socket, and over a restart.
 * link: tests/fake storage/storaged storage/ipc storage common/ipc common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/proc/control.h"
#include "storage/ipc/client.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/proc/control.h"
#include "storage/ipc/store_ask.h"
#include "storage/ipc/store_ipc.h"
#include "tests/fake/fake_queue.h"
#include "tests/fake/rig.h"

/* What a lease brought. */
struct leased {
	unsigned count; /* of answers */
	enum store_status status;
	size_t jobs;
	char list[2000]; /* "ID/JOB " */
	char body[100];  /* of the last */
	uint64_t lease;
	unsigned order; /* the how manieth answer of the test it was */
};

static unsigned answers;

static void on_lease(void *arg, enum store_status status, const struct queue_job *jobs, size_t count)
{
	struct leased *l = arg;

	l->count++;
	l->status = status;
	l->jobs = count;
	l->order = ++answers;
	for (size_t i = 0; i < count; i++) {
		ssize_t n = pread(jobs[i].fd, l->body, sizeof(l->body) - 1, 0);

		assert_true(n >= 0);
		l->body[n] = '\0';
		close(jobs[i].fd);
		l->lease = jobs[i].lease;
		snprintf(l->list + strlen(l->list), sizeof(l->list) - strlen(l->list), "%s/%u ",
			 jobs[i].envelope.id, jobs[i].job);
	}
}

static void ask_lease(struct store *s, const char *domain, size_t max, struct leased *l)
{
	const struct queue_want want = { span_of(domain), max };

	*l = (struct leased){ 0 };
	queue_lease(s, &want, on_lease, l);
}

static void wait_lease(struct leased *l)
{
	assert_true(fake_pair_run(&rig.pair, &l->count));
	assert_int_equal(l->count, 1);
}

struct reported {
	struct got got;
	unsigned order;
};

static void on_report(void *arg, enum store_status status, const char *words)
{
	struct reported *r = arg;

	r->order = ++answers;
	rig_on_done(&r->got, status, words);
}

/* The one recipient of the entry's first job. notice may be NULL. */
static void ask_report(struct store *s, const char *id, enum queue_fate fate, struct store_stage *notice,
		       struct reported *r)
{
	const struct queue_outcome o = { 0, fate, span_of("2.0.0"), span_of("250 ok"), span_of("mx") };
	const struct store_recipient to = { span_of(USER), span_of(USER), 0 };
	const struct queue_report report = { .id = id,
					     .lease = 77, /* whichever it names */
					     .outcomes = &o,
					     .count = 1,
					     .noticed = notice != NULL,
					     .notice = { .stage = notice, .recipients = &to, .count = 1 } };
	struct store_txid txid;

	*r = (struct reported){ .got = { .fd = -1 } };
	store_txid_new(&txid);
	queue_report(s, &report, &txid, on_report, r);
}

static int setup(void **state)
{
	answers = 0;
	return rig_setup(state);
}

static void put(const char *id, const char *recipients)
{
	fake_queue_put(rig.pair.behind, id, "s@example.org", recipients, "the text", NULL);
}

static void restart(void)
{
	struct error err;

	fake_pair_stop(&rig.pair);
	fake_queue_restart(rig.pair.behind);
	fake_pair_settle(&rig.pair);
	assert_int_equal(fake_pair_start(&rig.pair, &err), 0);
}

/* --- as it should go --------------------------------------------------------------- */

static void test_leases_and_reports(void **state)
{
	struct leased l;
	struct reported r;

	(void)state;
	put("A1", "a@x.org b@y.org");
	ask_lease(rig.pair.store, NULL, QUEUE_JOBS, &l);
	wait_lease(&l);
	assert_int_equal(l.status, STORE_OK);
	assert_string_equal(l.list, "A1/0 A1/1 ");
	assert_string_equal(l.body, "the text");
	ask_report(rig.pair.store, "A1", QUEUE_DELIVERED, NULL, &r);
	rig_wait(&r.got);
	assert_int_equal(r.got.status, STORE_OK);
	assert_true(fake_store_remote(rig.pair.behind, 0)->done);
	ask_report(rig.pair.store, "A1", QUEUE_DELIVERED, NULL, &r);
	rig_wait(&r.got);
	assert_int_equal(r.got.status, STORE_NOT_FOUND);
	ask_lease(rig.pair.store, "z.org", 1, &l);
	wait_lease(&l);
	assert_int_equal(l.jobs, 0);
}

/* A small notice goes along in the message, a large one is staged. */
static void test_notices(void **state)
{
	const size_t sizes[] = { 100, 300000 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char id[] = { 'A', (char)('0' + i), '\0' };
		struct reported r;
		struct leased l;

		put(id, "a@x.org");
		ask_lease(rig.pair.store, NULL, 1, &l);
		wait_lease(&l);
		ask_report(rig.pair.store, id, QUEUE_FAILED, rig_stage(sizes[i], 'n'), &r);
		rig_wait(&r.got);
		assert_int_equal(r.got.status, STORE_OK);
		assert_int_equal(rig_exists("INBOX"), i + 1);
		rig_check_body((uint32_t)i + 1, (uint32_t)sizes[i], 'n');
	}
}

static void test_a_delivery_with_remotes(void **state)
{
	const struct store_envelope e = { .id = "B7", .account = span_of(USER), .flags = STORE_MAIL_8BIT };
	const struct store_remote to = { .address = span_of("a@x.org"), .sender = span_of(USER) };
	const struct store_recipient here = { span_of(USER), span_of(USER), 0 };
	struct store_delivery d = { .stage = rig_stage(50, 'd'),
				    .recipients = &here,
				    .count = 1,
				    .envelope = &e,
				    .remotes = &to,
				    .remote_count = 1 };
	struct store_txid txid;
	struct got g = { 0 };

	(void)state;
	store_txid_new(&txid);
	store_deliver(rig.pair.store, &d, &txid, rig_on_done, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_OK);
	assert_int_equal(rig_exists("INBOX"), 1);
	assert_string_equal(fake_store_remote(rig.pair.behind, 0)->envelope.id, "B7");
	assert_int_equal(fake_store_remote(rig.pair.behind, 0)->envelope.flags, STORE_MAIL_8BIT);
	assert_true(span_is(fake_store_remote(rig.pair.behind, 0)->to.sender, USER));
	assert_int_equal(fake_store_remote(rig.pair.behind, 0)->body.n, 50);
}

static void on_note(void *arg, enum store_status status, struct span bytes)
{
	struct got *g = arg;

	snprintf(g->words, sizeof(g->words), "%.*s", (int)bytes.n, (const char *)bytes.p);
	g->status = status;
	g->count++;
}

static void on_notes(void *arg, enum store_status status, const struct queue_note *notes, size_t count,
		     bool more)
{
	struct got *g = arg;

	g->words[0] = '\0';
	for (size_t i = 0; i < count; i++)
		snprintf(g->words + strlen(g->words), sizeof(g->words) - strlen(g->words), "%.*s ",
			 (int)notes[i].name.n, (const char *)notes[i].name.p);
	g->next = more;
	g->status = status;
	g->count++;
}

static void test_notes(void **state)
{
	struct got g = { 0 };

	(void)state;
	queue_note_put(rig.pair.store, span_of("sts/x.org"), span_of("enforce"), INT64_MAX, rig_on_done, &g);
	rig_wait(&g);
	queue_note_put(rig.pair.store, span_of("sts/y.org"), span_of("testing"), INT64_MAX, NULL, NULL);
	g = (struct got){ 0 };
	queue_note_get(rig.pair.store, span_of("sts/x.org"), on_note, &g);
	rig_wait(&g);
	assert_string_equal(g.words, "enforce");
	g = (struct got){ 0 };
	queue_note_get(rig.pair.store, span_of("sts/z.org"), on_note, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_NOT_FOUND);
	g = (struct got){ 0 };
	queue_notes(rig.pair.store, span_of("sts/"), span_of(""), on_notes, &g);
	rig_wait(&g);
	assert_string_equal(g.words, "sts/x.org sts/y.org ");
	assert_int_equal(g.next, 0);
	g = (struct got){ 0 };
	queue_note_put(rig.pair.store, span_of(""), span_of("x"), 0, rig_on_done, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_INVALID);
}

static void test_domains_and_times(void **state)
{
	const struct queue_domain d = { span_of("x.org"), 7, 1234, span_of("no host answers") };
	const struct queue_times t = { 14400, 432000 };

	(void)state;
	queue_domain(rig.pair.store, &d);
	queue_times(rig.pair.store, &t);
	fake_pair_settle(&rig.pair);
	assert_int_equal(fake_queue_domain(rig.pair.behind, "x.org")->allowed, 7);
	assert_true(fake_queue_domain(rig.pair.behind, "x.org")->not_before_s == 1234);
	assert_true(span_is(fake_queue_domain(rig.pair.behind, "x.org")->words, "no host answers"));
	assert_true(fake_queue_times(rig.pair.behind).lifetime_s == 432000);
}

static void on_ready(void *arg)
{
	++*(unsigned *)arg;
}

static void test_hints(void **state)
{
	unsigned hints = 0;
	struct leased l;

	(void)state;
	queue_watch(rig.pair.store, on_ready, &hints);
	fake_pair_settle(&rig.pair);
	assert_int_equal(hints, 1); /* something may be there since long */
	put("A1", "a@x.org");
	fake_pair_settle(&rig.pair);
	assert_int_equal(hints, 1);
	ask_lease(rig.pair.store, NULL, 1, &l);
	wait_lease(&l);
	assert_int_equal(l.jobs, 1);
	put("A2", "a@y.org");
	fake_pair_settle(&rig.pair);
	assert_int_equal(hints, 2);
	restart();
	fake_pair_settle(&rig.pair);
	assert_int_equal(hints, 2); /* it was told, and has not asked since */
	ask_lease(rig.pair.store, NULL, 1, &l);
	wait_lease(&l);
	fake_pair_settle(&rig.pair);
	assert_int_equal(hints, 3);
	queue_watch(rig.pair.store, NULL, NULL);
	ask_lease(rig.pair.store, NULL, 1, &l);
	wait_lease(&l);
	put("A3", "a@z.org");
	fake_pair_settle(&rig.pair);
	assert_int_equal(hints, 3);
}

/* --- who may not ------------------------------------------------------------------- */

static void test_rights(void **state)
{
	const struct queue_domain d = { .domain = span_of("x.org"), .allowed = 9 };
	struct store *smtpd, *deliverd;
	struct store_txid txid;
	struct reported r;
	struct leased l;
	struct error err;
	struct got g = { 0 };

	(void)state;
	put("A1", "a@x.org");
	assert_int_equal(
	    fake_pair_client(&rig.pair, CONTROL_RIGHT_DELIVER | CONTROL_RIGHT_READ, &smtpd, &err), 0);
	assert_int_equal(fake_pair_client(&rig.pair, CONTROL_RIGHT_QUEUE, &deliverd, &err), 0);
	ask_lease(smtpd, NULL, 1, &l);
	wait_lease(&l);
	assert_int_equal(l.status, STORE_REFUSED);
	ask_report(smtpd, "A1", QUEUE_FAILED, NULL, &r);
	rig_wait(&r.got);
	assert_int_equal(r.got.status, STORE_REFUSED);
	queue_note_put(smtpd, span_of("n"), span_of("x"), INT64_MAX, rig_on_done, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_REFUSED);
	queue_domain(smtpd, &d);
	fake_pair_settle(&rig.pair);
	assert_null(fake_queue_domain(rig.pair.behind, "x.org"));
	store_txid_new(&txid);
	rig_deliver(deliverd, rig_stage(10, 'x'), &txid, &g);
	rig_wait(&g);
	assert_int_equal(g.status, STORE_REFUSED);
	assert_null(rig_login(deliverd, USER, STORE_RIGHT_READ));
	ask_lease(deliverd, NULL, 1, &l);
	wait_lease(&l);
	assert_int_equal(l.status, STORE_OK);
	assert_int_equal(l.jobs, 1);
	store_ipc_free(smtpd);
	store_ipc_free(deliverd);
}

/* --- leases that end ----------------------------------------------------------------- */

static void test_a_client_that_goes(void **state)
{
	struct store *deliverd;
	struct leased l;
	struct error err;

	(void)state;
	put("A1", "a@x.org b@y.org c@z.org");
	assert_int_equal(fake_pair_client(&rig.pair, CONTROL_RIGHT_QUEUE, &deliverd, &err), 0);
	ask_lease(deliverd, NULL, 2, &l);
	wait_lease(&l);
	assert_int_equal(fake_queue_leases(rig.pair.behind), 2);
	ask_lease(deliverd, NULL, 2, &l); /* it goes while this one is in hand */
	fake_loop_hold(rig.pair.drive);
	fake_pair_settle(&rig.pair);
	store_ipc_free(deliverd);
	fake_pair_settle(&rig.pair);
	fake_loop_go(rig.pair.drive);
	fake_pair_settle(&rig.pair);
	assert_int_equal(l.count, 0);
	assert_int_equal(fake_queue_leases(rig.pair.behind), 0);
}

/* Its report was taken: nobody else gets the job meanwhile. */
static void test_a_client_that_goes_with_a_report_in_hand(void **state)
{
	struct store *deliverd;
	struct reported r;
	struct leased l;
	struct error err;

	(void)state;
	for (int i = 0; i < 2; i++) {
		char id[] = { 'A', (char)('0' + i), '\0' };

		put(id, "a@x.org");
		assert_int_equal(fake_pair_client(&rig.pair, CONTROL_RIGHT_QUEUE, &deliverd, &err), 0);
		ask_lease(deliverd, NULL, 2, &l);
		wait_lease(&l);
		assert_int_equal(l.jobs, 1);
		fake_loop_hold(rig.pair.drive);
		if (i == 1)
			fake_store_fail(rig.pair.behind, FAKE_REPORT, STORE_TRY_LATER, 1);
		ask_report(deliverd, id, QUEUE_DELIVERED, NULL, &r);
		fake_pair_settle(&rig.pair);
		store_ipc_free(deliverd);
		fake_pair_settle(&rig.pair);
		assert_int_equal(fake_queue_leases(rig.pair.behind), 1);
		fake_loop_go(rig.pair.drive);
		fake_pair_settle(&rig.pair);
		assert_int_equal(fake_queue_leases(rig.pair.behind), 0);
		assert_int_equal(fake_store_remote(rig.pair.behind, (size_t)i)->done, i == 0);
	}
}

static void test_a_lease_that_nobody_wants(void **state)
{
	struct leased l = { 0 };
	const struct queue_want want = { .max = 2 };
	uint64_t op;

	(void)state;
	put("A1", "a@x.org b@y.org");
	op = queue_lease(rig.pair.store, &want, on_lease, &l);
	store_cancel(rig.pair.store, op);
	fake_pair_settle(&rig.pair);
	assert_int_equal(l.count, 0);
	assert_int_equal(fake_queue_leases(rig.pair.behind), 0);
	assert_int_equal(fake_store_calls(rig.pair.behind, FAKE_LEASE), 1);
}

static void no_message(void *arg, struct ipc_message *m)
{
	(void)arg;
	(void)m;
}

static void no_news(void *arg, const struct error *why)
{
	(void)arg;
	(void)why;
}

/* A client that does not take its descriptors gets no more of them than may be on their way; the jobs of
 * the others are given back at once. */
static void test_answers_that_cannot_be_sent(void **state)
{
	const struct queue_domain d = { .domain = span_of("x.org"), .allowed = 10000 };
	struct store_ask ask = { .type = STORE_WIRE_LEASE, .want = { .max = QUEUE_JOBS } };
	struct ipc_handlers h = { no_message, no_news, NULL };
	struct error err;
	struct ipc *raw;
	struct buf body;
	char id[16];
	int ends[2];

	(void)state;
	queue_domain(rig.pair.store, &d);
	fake_pair_settle(&rig.pair);
	for (int i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "A%d", i);
		put(id, "a@x.org");
	}
	assert_int_equal(ipc_pair(ends, &err), 0);
	assert_int_equal(dispatch_client(rig.pair.dispatch, CONTROL_RIGHT_QUEUE, "raw", ends[0], &err), 0);
	assert_int_equal(ipc_new(&raw, &rig.loop, ends[1], 1 << 20, &h, &err), 0);
	ipc_pause(raw);
	buf_init(&body, 100);
	assert_int_equal(store_ask_write(&body, &ask), STORE_OK);
	for (uint64_t i = 1; i <= 30; i++)
		assert_int_equal(ipc_send(raw, STORE_WIRE_LEASE, i, buf_span(&body), NULL, 0), 0);
	fake_pair_settle(&rig.pair);
	assert_int_equal(fake_store_calls(rig.pair.behind, FAKE_LEASE), 30);
	assert_true(fake_queue_leases(rig.pair.behind) >= QUEUE_JOBS);
	assert_true(fake_queue_leases(rig.pair.behind) < 960);
	buf_clear(&body);
	ipc_free(raw);
	fake_pair_settle(&rig.pair);
	assert_int_equal(fake_queue_leases(rig.pair.behind), 0);
}

/* --- a restart ---------------------------------------------------------------------- */

/* Where storaged is when it dies. */
enum when { NOT_THERE_YET, NOT_RECEIVED, IN_HAND, ANSWER_LOST, WHENS };

/* The lease was asked for before the report: it comes behind it all the same, or the job would be
 * done twice. */
static void test_reports_come_before_leases(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 2 * WHENS; round++) {
		enum when when = round % WHENS;
		size_t size = round < WHENS ? 100 : 300000; /* inline, staged */
		char id[] = { 'A', (char)('0' + round), '\0' };
		struct store_stage *notice = rig_stage(size, 'n');
		struct leased first, second;
		struct reported r;

		unit_case("storaged dies", round);
		put(id, "a@x.org");
		ask_lease(rig.pair.store, NULL, 1, &first);
		wait_lease(&first);
		assert_int_equal(first.jobs, 1);
		if (when == NOT_THERE_YET)
			fake_pair_stop(&rig.pair);
		if (when == NOT_THERE_YET)
			fake_pair_settle(&rig.pair);
		if (when != ANSWER_LOST)
			fake_loop_hold(rig.pair.drive);
		ask_lease(rig.pair.store, NULL, 1, &second);
		ask_report(rig.pair.store, id, QUEUE_DELIVERED, notice, &r);
		if (when == IN_HAND)
			fake_pair_settle(&rig.pair);
		if (when == ANSWER_LOST) /* the work is done; nothing has read the answer */
			uv_run(&rig.loop, UV_RUN_NOWAIT);
		restart();
		fake_loop_go(rig.pair.drive);
		rig_wait(&r.got);
		wait_lease(&second);
		assert_int_equal(r.got.status, STORE_OK);
		assert_int_equal(second.jobs, 0);
		assert_true(fake_store_remote(rig.pair.behind, round)->done);
		assert_int_equal(rig_exists("INBOX"), round + 1);
	}
}

/* A lease that was in hand is asked for again. */
static void test_leases_are_asked_again(void **state)
{
	struct leased l;

	(void)state;
	put("A1", "a@x.org");
	fake_loop_hold(rig.pair.drive);
	ask_lease(rig.pair.store, NULL, 1, &l);
	fake_pair_settle(&rig.pair);
	restart();
	fake_loop_go(rig.pair.drive);
	wait_lease(&l);
	assert_int_equal(l.jobs, 1);
	assert_int_equal(fake_queue_leases(rig.pair.behind), 1);
}

static void test_times_are_renewed(void **state)
{
	const struct queue_times t = { 10, 20 }, other = { 1, 2 };

	(void)state;
	queue_times(rig.pair.store, &t);
	fake_pair_settle(&rig.pair);
	queue_times(rig.pair.behind, &other);
	restart();
	fake_pair_settle(&rig.pair);
	assert_true(fake_queue_times(rig.pair.behind).lifetime_s == 20);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_leases_and_reports),
		CASE(test_notices),
		CASE(test_a_delivery_with_remotes),
		CASE(test_notes),
		CASE(test_domains_and_times),
		CASE(test_hints),
		CASE(test_rights),
		CASE(test_a_client_that_goes),
		CASE(test_a_client_that_goes_with_a_report_in_hand),
		CASE(test_a_lease_that_nobody_wants),
		CASE(test_answers_that_cannot_be_sent),
		CASE(test_reports_come_before_leases),
		CASE(test_leases_are_asked_again),
		CASE(test_times_are_renewed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
