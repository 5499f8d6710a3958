/* test_fake_queue.c - the queue in memory does what storage/queue.h says.
 * link: tests/fake storage common/base */
#include "tests/unit/unit.h"

#include <unistd.h>

#include "tests/fake/fake_queue.h"

static struct store *s;
static struct {
	unsigned done, leases, hints;
	enum store_status status;
	size_t count;
	uint64_t lease[QUEUE_JOBS];
	unsigned why;
	char body[32], first[64], domains[200], names[200], note[32];
	size_t recipients;
	bool more;
} got;

static void on_done(void *arg, enum store_status status, const char *words)
{
	(void)arg;
	assert_non_null(words);
	got.done++;
	got.status = status;
}

static void on_lease(void *arg, enum store_status status, const struct queue_job *jobs, size_t count)
{
	(void)arg;
	got.leases++;
	got.status = status;
	got.count = count;
	got.domains[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		ssize_t n = read(jobs[i].fd, got.body, sizeof(got.body) - 1);

		assert_true(n >= 0);
		got.body[n] = '\0';
		close(jobs[i].fd);
		got.lease[i] = jobs[i].lease;
		got.why = jobs[i].why;
		got.recipients = jobs[i].count;
		snprintf(got.first, sizeof(got.first), "%.*s", (int)jobs[i].recipients[0].to.address.n,
			 (const char *)jobs[i].recipients[0].to.address.p);
		snprintf(got.domains + strlen(got.domains), sizeof(got.domains) - strlen(got.domains),
			 "%s/%.*s ", jobs[i].envelope.id, (int)jobs[i].domain.n,
			 (const char *)jobs[i].domain.p);
	}
}

static void on_ready(void *arg)
{
	(void)arg;
	got.hints++;
}

static void on_note(void *arg, enum store_status status, struct span bytes)
{
	(void)arg;
	got.done++;
	got.status = status;
	snprintf(got.note, sizeof(got.note), "%.*s", (int)bytes.n, (const char *)bytes.p);
}

static void on_notes(void *arg, enum store_status status, const struct queue_note *notes, size_t count,
		     bool more)
{
	(void)arg;
	got.done++;
	got.status = status;
	got.more = more;
	got.names[0] = '\0';
	for (size_t i = 0; i < count; i++)
		snprintf(got.names + strlen(got.names), sizeof(got.names) - strlen(got.names), "%.*s ",
			 (int)notes[i].name.n, (const char *)notes[i].name.p);
}

static int setup(void **state)
{
	struct fake_options o = { .now_s = 1000 };
	struct error err;

	(void)state;
	memset(&got, 0, sizeof(got));
	return fake_store_new(&s, &o, &err);
}

static int teardown(void **state)
{
	(void)state;
	fake_store_free(s);
	return 0;
}

static void lease(const char *domain, size_t max)
{
	const struct queue_want want = { span_of(domain), max };

	queue_lease(s, &want, on_lease, NULL);
	fake_store_run(s);
}

static enum store_status report(const char *id, uint32_t job, const struct queue_outcome *outcomes,
				size_t count, struct store_stage *notice)
{
	const struct store_recipient to = { span_of("a@example.org"), span_of("a@example.org"), 0 };
	struct queue_report r = { .id = id, .job = job, .outcomes = outcomes, .count = count };
	struct store_txid txid;

	r.retry_s = 1600;
	r.noticed = notice != NULL;
	r.notice = (struct store_delivery){ .stage = notice, .recipients = &to, .count = 1 };
	store_txid_new(&txid);
	queue_report(s, &r, &txid, on_done, NULL);
	fake_store_run(s);
	return got.status;
}

/* Jobs are by domain and sender; domains have their turns; one each until more are allowed. */
static void test_lease(void **state)
{
	struct queue_domain d = { .domain = span_of("x.org"), .allowed = 5 };

	(void)state;
	fake_queue_put(s, "A1", "s@h.org", "a@X.org b@x.org c@y.org", "text", NULL);
	fake_queue_put(s, "A2", "s@h.org", "d@x.org", "more", NULL);
	assert_int_equal(fake_store_remotes(s), 4);
	lease(NULL, 10);
	assert_string_equal(got.domains, "A1/x.org A1/y.org ");
	assert_string_equal(got.body, "text");
	assert_int_equal(fake_queue_leases(s), 2);
	lease(NULL, 10);
	assert_int_equal(got.count, 0);
	queue_domain(s, &d);
	lease(NULL, 10);
	assert_string_equal(got.domains, "A2/x.org ");
	fake_queue_release(s, got.lease[0]);
	lease(NULL, 10);
	assert_string_equal(got.domains, "A2/x.org ");
	fake_queue_restart(s);
	assert_int_equal(fake_queue_leases(s), 0);
	assert_null(fake_queue_domain(s, "x.org"));
}

static void test_report(void **state)
{
	const struct queue_outcome outcomes[] = {
		{ 0, QUEUE_DELIVERED, span_of("2.0.0"), span_of("250 ok"), span_of("mx") },
		{ 1, QUEUE_DEFERRED, span_of("4.2.1"), span_of("451 later"), span_of("mx") },
	};

	(void)state;
	fake_queue_put(s, "A1", "s@h.org", "a@x.org b@x.org", "text", NULL);
	lease(NULL, 1);
	assert_int_equal(report("A1", 0, outcomes, 1, NULL), STORE_INVALID);
	assert_int_equal(report("A2", 0, outcomes, 2, NULL), STORE_NOT_FOUND);
	assert_int_equal(report("A1", 0, outcomes, 2, NULL), STORE_OK);
	assert_true(fake_store_remote(s, 0)->done);
	assert_false(fake_store_remote(s, 1)->done);
	assert_true(span_is(fake_store_remote(s, 1)->words, "451 later"));
	assert_int_equal(fake_store_remote(s, 1)->attempts, 1);
	lease(NULL, 1);
	assert_int_equal(got.count, 0);
	fake_queue_set_now(s, 1600);
	lease(NULL, 1);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.recipients, 1);
	assert_string_equal(got.first, "b@x.org");
	assert_true(fake_queue_delete(s, "A1"));
	assert_int_equal(report("A1", 0, outcomes + 1, 1, NULL), STORE_NOT_FOUND);
}

/* What the sender is told comes in the same call; then it is not asked for again. */
static void test_notice(void **state)
{
	const struct queue_times times = { 100, 1000 };
	struct queue_outcome untried = { .recipient = 0, .fate = QUEUE_UNTRIED };
	struct store_stage *st;
	struct error err;

	(void)state;
	queue_times(s, &times);
	fake_queue_put(s, "A1", "s@h.org", "a@x.org", "text", NULL);
	lease(NULL, 1);
	assert_int_equal(got.why, QUEUE_DUE);
	fake_queue_release(s, got.lease[0]);
	fake_queue_set_now(s, 1100);
	lease(NULL, 1);
	assert_int_equal(got.why, QUEUE_DUE | QUEUE_NOTICE);
	assert_int_equal(store_stage_new(s, &st, 100, NULL, NULL, &err), 0);
	store_stage_write(st, span_of("it waits"));
	assert_int_equal(report("A1", 0, &untried, 1, st), STORE_OK);
	assert_int_equal(fake_store_stages(s), 0);
	assert_non_null(fake_store_address(s, "a@example.org", "INBOX", 1));
	lease(NULL, 1);
	assert_int_equal(got.why, QUEUE_DUE);
	fake_queue_release(s, got.lease[0]);
	fake_queue_set_now(s, 2000);
	lease(NULL, 1);
	assert_int_equal(got.why, QUEUE_DUE | QUEUE_EXPIRED);
}

static void test_hint(void **state)
{
	struct queue_domain d = { .domain = span_of("x.org"), .allowed = 1, .not_before_s = 2000 };

	(void)state;
	queue_domain(s, &d);
	queue_watch(s, on_ready, NULL);
	fake_store_run(s);
	assert_int_equal(got.hints, 0);
	fake_queue_put(s, "A1", "s@h.org", "a@x.org", "text", NULL);
	fake_store_run(s);
	assert_int_equal(got.hints, 0);
	fake_queue_set_now(s, 2000);
	fake_store_run(s);
	fake_queue_put(s, "A2", "s@h.org", "a@y.org", "text", NULL);
	fake_store_run(s);
	assert_int_equal(got.hints, 1); /* no second one before a lease */
	lease(NULL, 1);
	assert_int_equal(got.hints, 2);
}

static void test_notes(void **state)
{
	static const char *const names[] = { "sts/b", "tls/a", "sts/a", "sts" };

	(void)state;
	for (size_t i = 0; i < 4; i++)
		queue_note_put(s, span_of(names[i]), span_of(names[i]), 2000, on_done, NULL);
	queue_note_get(s, span_of("sts/a"), on_note, NULL);
	fake_store_run(s);
	assert_string_equal(got.note, "sts/a");
	queue_notes(s, span_of("sts/"), span_of(""), on_notes, NULL);
	fake_store_run(s);
	assert_string_equal(got.names, "sts/a sts/b ");
	queue_notes(s, span_of("sts/"), span_of("sts/a"), on_notes, NULL);
	queue_note_put(s, span_of("tls/a"), span_of(""), 0, NULL, NULL);
	fake_store_run(s);
	assert_string_equal(got.names, "sts/b ");
	assert_false(got.more);
	assert_null(fake_queue_note(s, "tls/a").p);
	assert_true(span_is(fake_queue_note(s, "sts"), "sts"));
	fake_queue_set_now(s, 2000);
	queue_note_get(s, span_of("sts/a"), on_note, NULL);
	fake_store_run(s);
	assert_int_equal(got.status, STORE_NOT_FOUND);
}

/* A delivery with remotes alone is one, and without an envelope it is none. */
static void test_deliver(void **state)
{
	const struct store_envelope e = { .id = "B7", .account = span_of("mika@example.org") };
	const struct store_remote r = { .address = span_of("a@x.org"), .sender = span_of("s@h.org") };
	struct store_delivery d = { .remotes = &r, .remote_count = 1 };
	struct store_txid txid;
	struct error err;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_stage_new(s, &d.stage, 100, NULL, NULL, &err), 0);
		store_stage_write(d.stage, span_of("text"));
		store_txid_new(&txid);
		store_deliver(s, &d, &txid, on_done, NULL);
		fake_store_run(s);
		assert_int_equal(got.status, i == 0 ? STORE_INVALID : STORE_OK);
		d.envelope = &e;
	}
	assert_int_equal(fake_store_remotes(s), 1);
	assert_string_equal(fake_store_remote(s, 0)->envelope.id, "B7");
	assert_true(span_is(fake_store_remote(s, 0)->to.address, "a@x.org"));
	assert_true(span_is(fake_store_remote(s, 0)->body, "text"));
	assert_null(fake_store_remote(s, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lease, setup, teardown),
		cmocka_unit_test_setup_teardown(test_report, setup, teardown),
		cmocka_unit_test_setup_teardown(test_notice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hint, setup, teardown),
		cmocka_unit_test_setup_teardown(test_notes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deliver, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
