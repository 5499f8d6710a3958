/* test_local_queue_lost.c - the queue after a crash, with a lost index, and with files and records that are
 * damaged. Whole rooms are linked: it is no test of one module.
 * link: tests/conformance storage/local storage common/base */
#include "tests/conformance/local_queue.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/local/kv.h"
#include "storage/local/record.h"

#define CASE(f) cmocka_unit_test_setup_teardown(f, local_queue_setup, local_queue_teardown)

static struct conf *const c = &local_conf;

static char *copy_all(void)
{
	return strdup(local_all());
}

/* Mail in each state that there is. */
static void fill(void)
{
	const struct store_envelope e = { .id = "full",
					  .account = span_of("me@here.example"),
					  .envid = span_of("100%+2B"),
					  .message_id = span_of("<1%\x01@here>"),
					  .flags = STORE_MAIL_UTF8 };
	const struct store_remote to[] = {
		{ .address = span_of("\"a b\"@one.example"), .sender = span_of("me@here.example") },
		{ .address = span_of("b@two.example"),
		  .sender = span_of("me@here.example"),
		  .original = span_of("list@here.example"),
		  .orcpt = span_of("rfc822;list@here.example"),
		  .notify = STORE_NOTIFY_NEVER },
		{ .address = span_of("j\xc3\xb6rg@two.example"), .sender = span_of("me@here.example") },
		{ .address = span_of("c@[192.0.2.1]") },
	};
	struct conf_done done = { .done = false };
	struct store_txid txid;

	store_txid_new(&txid);
	store_deliver(
	    c->s,
	    &(struct store_delivery){
		.stage = conf_stage(c, "whole", 5), .envelope = &e, .remotes = to, .remote_count = 4 },
	    &txid, conf_done, &done);
	conf_wait(c, &done.done);
	assert_int_equal(done.status, STORE_OK);
	queued_simple(c, "plain", "a@one.example");
	queued_simple(c, "late", "a@three.example");
	queued_simple(c, "stays", "a@four.example");
	queued_simple(c, "gone", "a@five.example");
}

/* Reports on some of it, so that there is a past. */
static void work(void)
{
	const struct queue_outcome o[] = { { .recipient = 1, .fate = QUEUE_DELIVERED },
					   { .recipient = 2, .fate = QUEUE_DEFERRED } };
	struct queued_job *j;

	assert_int_equal(queued_lease(c, "two.example", 8, &j), 1);
	assert_int_equal(queued_report_full(c,
					    &(struct queue_report){ .id = "full",
								    .job = j->job,
								    .outcomes = o,
								    .count = 2,
								    .retry_s = local_now_s() + 60,
								    .noticed = true },
					    NULL),
			 STORE_OK);
	assert_int_equal(queued_lease(c, "three.example", 8, &j), 1);
	assert_int_equal(queued_report(c, j, QUEUE_DEFERRED, local_now_s() + 600), STORE_OK);
	assert_int_equal(queued_lease(c, "five.example", 8, &j), 1);
	assert_int_equal(queued_report(c, j, QUEUE_DELIVERED, 0), STORE_OK);
	assert_int_equal(queued_lease(c, "[192.0.2.1]", 8, &j), 1);
	assert_int_equal(queued_report(c, j, QUEUE_FAILED, 0), STORE_OK);
	local_act_id("stays", QUEUE_ACT_HOLD);
	local_act_id("plain", QUEUE_ACT_BOUNCE);
}

/* What servers said is not in the text: it is of use to people alone. */
static void cut_words(char *list)
{
	char *at;

	while ((at = strstr(list, ",mx.example.org")) != NULL) {
		char *end = strstr(at, "no answer") + strlen("no answer");

		memmove(at, end, strlen(end) + 1);
	}
}

static void jobs_are_as_before(void)
{
	struct queued_job *j;

	assert_int_equal(queued_lease(c, "one.example", 8, &j), 2);
	for (int i = 0; i < 2; i++) {
		bool full = strcmp(j[i].id, "full") == 0;

		assert_string_equal(j[i].to[0].address, full ? "\"a b\"@one.example" : "a@one.example");
		assert_string_equal(j[i].body, full ? "whole" : "Subject: x\r\n\r\n");
		assert_int_equal(j[i].why, full ? QUEUE_DUE : QUEUE_BOUNCE);
		if (!full)
			continue;
		assert_string_equal(j[i].account, "me@here.example");
		assert_string_equal(j[i].envid, "100%+2B");
		assert_string_equal(j[i].message_id, "<1%\x01@here>");
		assert_int_equal(j[i].flags, STORE_MAIL_UTF8);
	}
	local_ahead_s = 100;
	assert_int_equal(queued_lease(c, "two.example", 8, &j), 1);
	assert_int_equal(j->count, 1);
	assert_int_equal(j->attempts, 1);
	assert_int_equal(j->to[0].number, 2);
	assert_string_equal(j->to[0].address, "j\xc3\xb6rg@two.example");
}

static void test_restart(void **state)
{
	char *before;

	(void)state;
	fill();
	work();
	before = copy_all();
	local_again();
	assert_string_equal(local_all(), before);
	jobs_are_as_before();
	free(before);
}

static void test_lost(void **state)
{
	char *before;

	(void)state;
	fill();
	work();
	before = copy_all();
	cut_words(before);
	local_lost();
	assert_string_equal(local_all(), before);
	assert_int_equal(local_logged("store queue is made again from its folder entries=4"), 1);
	local_again(); /* and so it stays */
	assert_string_equal(local_all(), before);
	jobs_are_as_before();
	free(before);
}

/* Files that the index does not know were never promised. */
static void test_leftovers(void **state)
{
	(void)state;
	queued_simple(c, "x1", "a@x.example");
	local_write("never.mail", "x");
	local_write("never.envelope", "x");
	local_write("readme.txt", "not ours");
	local_again();
	assert_false(local_file("never.mail") || local_file("never.envelope"));
	assert_true(local_file("readme.txt") && local_file("x1.mail") && local_file("x1.envelope"));
	assert_int_equal(local_logged("files of the queue that nothing knows count=2"), 1);
	queued_one(c);
}

/* An envelope file that is lost is made again; the index has all. */
static void test_envelope_again(void **state)
{
	char *before;

	(void)state;
	fill();
	work();
	local_remove("full.envelope");
	local_write("late.envelope", "");
	before = copy_all();
	cut_words(before);
	local_again();
	assert_true(local_file("full.envelope"));
	local_lost();
	assert_string_equal(local_all(), before);
	jobs_are_as_before();
	free(before);
}

/* One that is damaged is set aside, listed, leased to nobody, and blocks nothing. */
static void aside_is(const char *id, const char *reason)
{
	const struct queue_filter f = { .states = QUEUE_ASIDE };
	char want[200], line[200];

	snprintf(want, sizeof(want), "%s aside(%s)", id, reason);
	assert_non_null(strstr(local_list(&f), want));
	snprintf(line, sizeof(line), "queue entry set aside id=%s reason=\"%s\"", id, reason);
	assert_true(local_logged(line) > 0);
	assert_int_equal(local_figure("queue_aside"), 1);
	assert_string_equal(queued_one(c)->id, "good");
	queued_none(c);
	/* Nothing but DELETE has an effect on it. */
	assert_int_equal(local_act_id(id, QUEUE_ACT_FLUSH), 0);
	assert_int_equal(local_act_id(id, QUEUE_ACT_BOUNCE), 0);
	queued_none(c);
}

static void aside_goes(const char *id)
{
	char name[40];

	local_act_id(id, QUEUE_ACT_DELETE);
	assert_int_equal(local_figure("queue_aside"), 0);
	assert_int_equal(local_figure("queue_entries"), 1);
	snprintf(name, sizeof(name), "%s.mail", id);
	for (int i = 0; i < 200 && local_file(name); i++)
		conf_idle(c);
	assert_false(local_file(name));
	local_again();
	assert_int_equal(local_figure("queue_aside"), 0);
	assert_string_equal(queued_one(c)->id, "good");
}

static void two(void)
{
	queued_simple(c, "bad", "a@x.example");
	queued_simple(c, "good", "a@x.example");
	queued_domain(c, "x.example", 5, 0);
}

static void test_no_body(void **state)
{
	(void)state;
	two();
	local_remove("bad.mail");
	local_again();
	aside_is("bad", "its body is missing");
	aside_goes("bad");
}

/* It is found out when it is to be leased: only the other one is handed out. */
static void find_out(void)
{
	struct queued_job *j;

	queued_domain(c, "x.example", 5, 0);
	j = queued_one(c);
	assert_string_equal(j->id, "good");
	assert_int_equal(queued_report(c, j, QUEUE_UNTRIED, 0), STORE_OK);
}

static void test_no_body_while_it_runs(void **state)
{
	(void)state;
	two();
	local_remove("bad.mail");
	find_out();
	aside_is("bad", "its body is missing");
	aside_goes("bad");
}

static void test_other_body(void **state)
{
	(void)state;
	two();
	local_write("bad.mail", "another");
	find_out();
	aside_is("bad", "its body has another size");
	local_again();
	find_out();
	aside_is("bad", "its body has another size");
	aside_goes("bad");
}

static void test_torn_envelope(void **state)
{
	(void)state;
	two();
	local_write("bad.envelope", "yubin-queue 1\nid bad\ncreated 17");
	local_lost();
	aside_is("bad", "its envelope can't be read");
	local_again(); /* it is not taken for a leftover */
	aside_is("bad", "its envelope can't be read");
	aside_goes("bad");
}

/* The envelope of another one is no envelope. */
static void test_swapped_envelope(void **state)
{
	char path[200], to[200];

	(void)state;
	two();
	snprintf(path, sizeof(path), "%s/queue/good.envelope", local_folders.path);
	snprintf(to, sizeof(to), "%s/queue/bad.envelope", local_folders.path);
	assert_int_equal(unlink(to), 0);
	assert_int_equal(link(path, to), 0);
	local_lost();
	aside_is("bad", "its envelope can't be read");
}

static void damage_record(const char *id, const char *value)
{
	struct error err;
	struct kv *kv;
	struct key k;

	folders_close(&c->loop, c->s);
	key_queue(&k, span_of(id), 0);
	assert_int_equal(kv_open(&kv, 1 << 20, &err), 0); /* the store's folder is the current one */
	assert_int_equal(kv_begin(kv), 0);
	assert_int_equal(kv_put(kv, key_span(&k), span_of(value)), 0);
	assert_int_equal(kv_commit(kv), 0);
	kv_close(kv);
	c->s = folders_open(&local_folders, &c->loop);
}

static void test_damaged_record(void **state)
{
	(void)state;
	two();
	damage_record("bad", "\x01 no record");
	aside_is("bad", "its record can't be read");
	assert_true(local_file("bad.mail"));
	aside_goes("bad");
}

/* A lost index makes good what only the index had wrong. */
static void test_damaged_then_lost(void **state)
{
	struct queued_job *j;

	(void)state;
	two();
	damage_record("bad", "");
	assert_int_equal(local_figure("queue_aside"), 1);
	local_lost();
	assert_int_equal(local_figure("queue_aside"), 0);
	assert_int_equal(queued_lease(c, "x.example", 5, &j), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_restart),           CASE(test_lost),
		CASE(test_leftovers),         CASE(test_envelope_again),
		CASE(test_no_body),           CASE(test_no_body_while_it_runs),
		CASE(test_other_body),        CASE(test_torn_envelope),
		CASE(test_swapped_envelope),  CASE(test_damaged_record),
		CASE(test_damaged_then_lost),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "local_queue_lost");
}
