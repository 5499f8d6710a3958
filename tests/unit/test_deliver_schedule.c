/* test_deliver_schedule.c - leases, destinations, connections: who has a turn, who waits, who is told.
 * link: tests/unit/deliver_world.o tests/fake deliverd storage sasl mime common/proc common/config common/base */
#include "tests/unit/unit.h"

#include <unistd.h>

#include "deliverd/schedule.h"
#include "tests/unit/deliver_world.h"

static int open_world(void **state)
{
	(void)state;
	world_open();
	return 0;
}

static int close_world(void **state)
{
	(void)state;
	world_close();
	return 0;
}

static void put_many(const char *domain, unsigned count)
{
	char id[32], to[80];

	for (unsigned i = 0; i < count; i++) {
		snprintf(id, sizeof(id), "m%.12s%u", domain, i);
		for (char *c = id; *c != '\0'; c++)
			if (*c == '.')
				*c = 'x';
		snprintf(to, sizeof(to), "u%u@%s", i, domain);
		world_put(id, to);
	}
}

static size_t count_fate(enum queue_fate fate)
{
	size_t n = 0;

	for (size_t i = 0; i < fake_store_remotes(world.d.store); i++) {
		const struct fake_remote *r = world_remote(i);

		n += r->reported && r->fate == fate;
	}
	return n;
}

static void test_delivered(void **state)
{
	struct world_host *h = world_domain("far.test");

	(void)state;
	world_put("one", "a@far.test b@far.test");
	world_run();
	assert_int_equal(h->messages, 1);
	assert_int_equal(count_fate(QUEUE_DELIVERED), 2);
	unit_is(world_remote(0)->status.p, world_remote(0)->status.n, "2.0.0");
	assert_int_equal(world.d.delivered, 2);
	assert_int_equal(schedule_held(world.d.schedule), 0);
	/* the connection is kept: the next message goes down it */
	world_put("two", "c@far.test");
	world_run();
	assert_int_equal(h->messages, 2);
	assert_int_equal(h->connections, 1);
	assert_int_equal(world.searches, 1);
}

static void test_slow_start(void **state)
{
	struct world_host *h = world_domain("far.test");

	(void)state;
	h->holds = true;
	put_many("far.test", 100);
	world_run();
	assert_int_equal(h->connections, 1);	/* however much waits */
	world_release(h, 1);
	world_run();
	assert_int_equal(h->at_once, 2);
	world_release(h, 2);
	world_run();
	assert_int_equal(h->at_once, 4);
	for (unsigned n = 0; n < 1000 && count_fate(QUEUE_DELIVERED) < 100; n++) {
		world_release(h, 1);
		world_run();
	}
	assert_int_equal(h->most, 20);
	assert_int_equal(fake_queue_domain(world.d.store, "far.test")->allowed, 20);
}

static void test_held_off(void **state)
{
	struct world_host *h = world_domain("far.test");
	const struct queue_domain *d;
	int64_t now = deliverd_now_s();

	(void)state;
	h->refuses = true;
	put_many("far.test", 10);
	world_run();
	assert_int_equal(count_fate(QUEUE_DEFERRED), 1);	/* one is enough to know */
	unit_is(world_remote(0)->status.p, world_remote(0)->status.n, "4.4.1");
	d = fake_queue_domain(world.d.store, "far.test");
	assert_int_equal(d->allowed, 1);
	assert_true(d->not_before_s >= now + 300 && d->not_before_s < now + 310);
}

/* One after the other by RetryTimes; the last one repeats. */
static void test_held_off_longer(void **state)
{
	struct world_host *h = world_domain("far.test");
	int64_t now = deliverd_now_s();

	(void)state;
	h->refuses = true;
	world.conf.retry_ms[0] = 0;	/* at once */
	put_many("far.test", 10);
	world_run();
	assert_int_equal(h->connections, 2);
	assert_true(fake_queue_domain(world.d.store, "far.test")->not_before_s >= now + 900);
}

static void test_forgiven(void **state)
{
	struct world_host *h = world_domain("far.test");

	(void)state;
	world.conf.retry_ms[0] = 1000;
	h->greeting = "421 4.3.2 busy";
	put_many("far.test", 10);
	world_run();
	assert_int_equal(count_fate(QUEUE_DEFERRED), 1);
	unit_is(world_remote(0)->status.p, world_remote(0)->status.n, "4.3.2");
	h->greeting = NULL;
	for (unsigned i = 0; i < 100 && h->messages < 10; i++) {
		usleep(50000);
		world_run();
	}
	assert_int_equal(h->messages, 10);
	assert_int_equal(fake_queue_domain(world.d.store, "far.test")->not_before_s, 0);
}

/* Who flushes gets a try, however short the time since the failure is. */
static void test_flushed(void **state)
{
	struct world_host *h = world_domain("far.test");

	(void)state;
	h->refuses = true;
	world_put("one", "a@far.test");
	for (unsigned tries = 1; tries <= 3; tries++) {
		world_run();
		assert_int_equal(h->connections, tries);
		world_run();
		assert_int_equal(h->connections, tries);
		fake_queue_flush(world.d.store, "one");
	}
	h->refuses = false;
	world_run();
	assert_int_equal(h->messages, 1);
	assert_int_equal(fake_queue_domain(world.d.store, "far.test")->not_before_s, 0);
}

/* One try for all of them that were flushed before it failed, also where each one is leased to be told so. */
static void test_flushed_together(void **state)
{
	enum { MANY = 500 };
	struct world_host *h = world_domain("far.test");
	char id[32];

	(void)state;
	h->refuses = true;
	world.conf.sender_routes = true;
	put_many("far.test", MANY);
	world_run();
	assert_int_equal(count_fate(QUEUE_DEFERRED), MANY);
	h->connections = 0;
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(id, sizeof(id), "mfarxtest%u", i);
		fake_queue_flush(world.d.store, id);
	}
	world_run();
	assert_true(h->connections > 0 && h->connections < MANY / 2);	/* those of one millisecond count as later */
}

/* A thousand that take connections and say nothing, and one that lives. */
static void test_dead_ones(void **state)
{
	struct world_host *live;
	char name[32];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "dead%u.test", i);
		world_domain(name)->silent = true;
		put_many(name, 1);
	}
	world_run();
	assert_int_equal(world.d.opening, 1000);
	live = world_domain("live.test");
	put_many("live.test", 3);
	world_run();
	assert_int_equal(live->messages, 3);
	assert_int_equal(world.d.opening, 1000);
	assert_true(world.d.up <= 3);
}

static void test_max_deliveries(void **state)
{
	struct world_host *a = world_domain("a.test"), *b = world_domain("b.test"), *c = world_domain("c.test");

	(void)state;
	world.conf.max_deliveries = 2;
	a->holds = b->holds = true;
	put_many("a.test", 1);
	put_many("b.test", 1);
	world_run();
	put_many("c.test", 1);
	world_run();
	assert_int_equal(c->connections, 0);	/* both places are taken */
	world_release(a, 1);
	world_run();
	assert_int_equal(c->messages, 1);	/* a's connection had no work any more: it made room */
	assert_true(world.d.up <= 2);
	world_release(b, 1);
	world_run();
	assert_int_equal(count_fate(QUEUE_DELIVERED), 3);
}

static void test_next_host(void **state)
{
	struct world_host *first = world_domain("far.test"), *second = world_host("mx2.far.test");
	struct world_host *third = world_host("mx3.far.test");

	(void)state;
	first->refuses = true;
	second->greeting = "554 5.3.2 not here";
	put_many("far.test", 2);
	world_run();
	assert_int_equal(third->messages, 2);
	assert_int_equal(count_fate(QUEUE_DELIVERED), 2);
}

static void test_for_good(void **state)
{
	struct world_host *h = world_domain("far.test");

	(void)state;
	h->rcpt = "550 5.1.1 nobody";
	world_put("refused", "a@far.test");
	world_put("nodomain", "a@nowhere.test");
	world_domain("self.test");
	world_put("loop", "a@self.test");
	world_run();
	assert_int_equal(count_fate(QUEUE_FAILED), 3);
	unit_is(world_remote(0)->status.p, world_remote(0)->status.n, "5.1.1");
	unit_is(world_remote(1)->status.p, world_remote(1)->status.n, "5.1.2");
	unit_is(world_remote(2)->status.p, world_remote(2)->status.n, "5.4.6");
	assert_int_equal(world.d.telling, 0);
	assert_non_null(fake_store_address(world.d.store, "alice@here.test", "INBOX", 3));	/* three reports */
	assert_null(fake_store_address(world.d.store, "alice@here.test", "INBOX", 4));
}

static void test_bounce(void **state)
{
	struct world_host *h = world_domain("far.test");

	(void)state;
	world_put("one", "a@far.test");
	fake_queue_bounce(world.d.store, "one");
	world_run();
	assert_int_equal(h->connections, 0);
	assert_int_equal(count_fate(QUEUE_FAILED), 1);
	assert_non_null(fake_store_address(world.d.store, "alice@here.test", "INBOX", 1));
}

static void test_expired(void **state)
{
	struct world_host *h = world_domain("far.test");

	(void)state;
	h->rcpt = "450 4.2.1 later";
	world_put("one", "a@far.test");
	world_run();
	assert_int_equal(count_fate(QUEUE_DEFERRED), 1);
	fake_queue_set_now(world.d.store, deliverd_now_s() + 86401);
	world_run();
	assert_int_equal(count_fate(QUEUE_FAILED), 1);
	unit_is(world_remote(0)->status.p, world_remote(0)->status.n, "5.4.7");
}

/* A delay is told once; where nobody is to be told, it is not asked for again either. */
static void test_notice(void **state)
{
	struct world_host *h = world_domain("far.test");

	(void)state;
	world.conf.notice_s = 3600;
	world.conf.retry_ms[0] = 7200000;
	schedule_renew(world.d.schedule);
	h->refuses = true;
	world_put("one", "a@far.test");
	fake_queue_put(world.d.store, "two", "", "b@far.test", "Subject: x\r\n\r\n", NULL);
	world_run();
	assert_int_equal(h->connections, 1);
	fake_queue_set_now(world.d.store, deliverd_now_s() + 3700);
	world_run();	/* it comes to an end */
	assert_int_equal(h->connections, 1);
	assert_non_null(fake_store_address(world.d.store, "alice@here.test", "INBOX", 1));
	assert_null(fake_store_address(world.d.store, "alice@here.test", "INBOX", 2));
}

/* It goes away before it has the message: another host gets it at once. */
static void test_gone_in_between(void **state)
{
	struct world_host *first = world_domain("far.test"), *second = world_host("mx2.far.test");

	(void)state;
	first->rcpt = "421 4.3.2 shutting down";
	put_many("far.test", 2);
	world_run();
	assert_int_equal(second->messages, 2);
	assert_int_equal(count_fate(QUEUE_DEFERRED), 0);
}

/* It says nothing wrong, and is gone when the next message begins. */
static void test_gone_meanwhile(void **state)
{
	struct world_host *h = world_domain("far.test");

	(void)state;
	h->once = true;
	put_many("far.test", 1);
	world_run();
	put_many("far.test", 0);
	world_put("second", "x@far.test");
	world_run();
	assert_int_equal(h->messages, 2);
	assert_int_equal(h->connections, 2);
	assert_int_equal(count_fate(QUEUE_DEFERRED), 0);
}

/* The message was said to its end, and no answer came: it may have arrived, so not at once again. */
static void test_cut_at_the_end(void **state)
{
	struct world_host *h = world_domain("far.test");

	(void)state;
	h->end = "";
	put_many("far.test", 1);
	world_run();
	assert_int_equal(h->connections, 1);
	assert_int_equal(count_fate(QUEUE_DEFERRED), 1);
	unit_is(world_remote(0)->status.p, world_remote(0)->status.n, "4.4.2");
}

/* storaged was restarted while mail was on its way: what is leased again goes on, once. */
static void test_leased_again(void **state)
{
	struct world_host *h = world_domain("far.test");

	(void)state;
	h->holds = true;
	put_many("far.test", 1);
	world_run();
	fake_queue_restart(world.d.store);
	schedule_renew(world.d.schedule);
	world_run();
	assert_int_equal(schedule_held(world.d.schedule), 1);
	h->holds = false;
	world_release(h, 1);
	world_run();
	assert_int_equal(h->messages, 1);
	assert_int_equal(count_fate(QUEUE_DELIVERED), 1);
	assert_int_equal(schedule_held(world.d.schedule), 0);
}

static void test_stop(void **state)
{
	struct world_host *h = world_domain("far.test");

	(void)state;
	h->holds = true;
	put_many("far.test", 10);
	world_domain("dead.test")->silent = true;
	put_many("dead.test", 1);
	world_run();
	world.d.stopping = true;
	schedule_stop(world.d.schedule);
	world_run();
	assert_false(world.left);	/* one is on its way, and the next was said with its end */
	h->holds = false;
	world_release(h, 1);
	world_run();
	assert_true(world.left);
	assert_true(h->messages <= 2);
	assert_int_equal(count_fate(QUEUE_DELIVERED), h->messages);
	assert_int_equal(count_fate(QUEUE_DEFERRED), 0);
}

/* What storaged can't take now is reported again, and the mail is not sent again. */
static void test_report_fails(void **state)
{
	struct world_host *h = world_domain("far.test");

	(void)state;
	fake_store_fail(world.d.store, FAKE_REPORT, STORE_TRY_LATER, 1);
	put_many("far.test", 1);
	world_run();
	assert_int_equal(schedule_held(world.d.schedule), 1);
	while (schedule_held(world.d.schedule) > 0) {	/* SCHEDULE_AGAIN_MS */
		uv_run(&world.loop, UV_RUN_ONCE);
		world_run();
	}
	assert_int_equal(h->messages, 1);
	assert_int_equal(count_fate(QUEUE_DELIVERED), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_delivered),	   TEST(test_slow_start),     TEST(test_held_off),
		TEST(test_held_off_longer), TEST(test_forgiven),   TEST(test_flushed), TEST(test_flushed_together),
		TEST(test_dead_ones),	   TEST(test_max_deliveries), TEST(test_next_host), TEST(test_for_good),
		TEST(test_bounce),	   TEST(test_expired),	      TEST(test_notice), TEST(test_gone_in_between), TEST(test_gone_meanwhile),
		TEST(test_cut_at_the_end), TEST(test_leased_again),   TEST(test_stop),	    TEST(test_report_fails),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "deliver_schedule");
}
