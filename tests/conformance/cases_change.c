/* cases_change.c - what changed since: CHANGEDSINCE, QRESYNC, \Recent, pages, watching. */
#include "tests/conformance/suite.h"

#include <stdlib.h>

static void test_since(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX"), start, middle;
	struct conf_sync *s;

	for (int i = 0; i < 10; i++)
		conf_append(c, a, inbox, "x", 0);
	start = conf_all(c, a, inbox)->mailbox.modseq;
	s = conf_since(c, a, inbox, start);
	assert_int_equal(s->record_count, 0);
	assert_int_equal(s->vanished_count, 0);
	conf_flags(c, a, inbox, 3, 4, STORE_FLAGS_ADD, STORE_SEEN, NULL);
	conf_expunge(c, a, inbox, 6, 7);
	middle = conf_all(c, a, inbox)->mailbox.modseq;
	conf_append(c, a, inbox, "y", 0);
	conf_flags(c, a, inbox, 4, 4, STORE_FLAGS_ADD, STORE_FLAGGED, NULL);
	conf_expunge(c, a, inbox, 1, 1);
	s = conf_since(c, a, inbox, start);
	assert_string_equal(conf_uids(s), "3:4,11");
	assert_string_equal(conf_ranges(s->vanished, s->vanished_count), "1,6:7");
	assert_int_equal(s->records[1].flags, STORE_SEEN | STORE_FLAGGED);
	s = conf_since(c, a, inbox, middle);
	assert_string_equal(conf_uids(s), "4,11");
	assert_string_equal(conf_ranges(s->vanished, s->vanished_count), "1");
	s = conf_since(c, a, inbox, s->mailbox.modseq);
	assert_int_equal(s->record_count + s->vanished_count, 0);
	store_logout(a);
}

/* Moved away is vanished here and new there. */
static void test_since_move(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX"), junk = conf_mailbox(c, a, "Junk"), here, there;
	const struct store_range set = { 2, 3 };
	const struct store_mutation m = {
		.change = STORE_MOVE, .mailbox = inbox, .target = junk, .uids = { &set, 1 }
	};
	struct conf_sync *s;

	for (int i = 0; i < 4; i++)
		conf_append(c, a, inbox, "x", 0);
	here = conf_all(c, a, inbox)->mailbox.modseq;
	there = conf_all(c, a, junk)->mailbox.modseq;
	assert_int_equal(conf_change(c, a, &m), STORE_OK);
	s = conf_since(c, a, inbox, here);
	assert_int_equal(s->record_count, 0);
	assert_string_equal(conf_ranges(s->vanished, s->vanished_count), "2:3");
	s = conf_since(c, a, junk, there);
	assert_string_equal(conf_uids(s), "1:2");
	store_logout(a);
}

/* A part of the UIDs, as ranges or as records. */
static void test_parts(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX"), before;
	struct store_look look = {
		.mailbox = inbox, .want = STORE_WANT_RANGES, .first = 1, .last = UINT32_MAX
	};
	struct conf_sync *s;

	for (int i = 0; i < 9; i++)
		conf_append(c, a, inbox, "x", 0);
	before = conf_all(c, a, inbox)->mailbox.modseq;
	conf_expunge(c, a, inbox, 3, 3);
	conf_expunge(c, a, inbox, 7, 8);
	s = conf_sync(c, a, &look);
	assert_string_equal(conf_ranges(s->ranges, s->range_count), "1:2,4:6,9");
	assert_int_equal(s->record_count, 0);
	look.first = 2;
	look.last = 5;
	s = conf_sync(c, a, &look);
	assert_string_equal(conf_ranges(s->ranges, s->range_count), "2,4:5");
	look.want = STORE_WANT_RECORDS;
	s = conf_sync(c, a, &look);
	assert_string_equal(conf_uids(s), "2,4:5");
	assert_int_equal(s->range_count, 0);
	look.since = before;
	s = conf_sync(c, a, &look);
	assert_int_equal(s->record_count, 0);
	assert_string_equal(conf_ranges(s->vanished, s->vanished_count), "3");
	look.want = STORE_WANT_RANGES;
	conf_flags(c, a, inbox, 4, 9, STORE_FLAGS_ADD, STORE_SEEN, NULL);
	s = conf_sync(c, a, &look);
	assert_string_equal(conf_ranges(s->ranges, s->range_count), "4:5");
	look.mailbox = 999999;
	assert_int_equal(conf_sync(c, a, &look)->status, STORE_NOT_FOUND);
	store_logout(a);
}

/* More than fit a page: records, ranges and vanished come whole and once. */
static void test_pages(void **state)
{
	enum { MANY = 1500 };
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX"), archive = conf_mailbox(c, a, "Archive"), before;
	const struct store_range all = { 1, UINT32_MAX };
	struct store_mutation copy = {
		.change = STORE_COPY, .mailbox = inbox, .target = archive, .uids = { &all, 1 }
	};
	struct store_range *odd = calloc(MANY / 2, sizeof(*odd));
	struct conf_sync *s;

	for (int i = 0; i < 50; i++)
		conf_append(c, a, inbox, "x", 0);
	for (int i = 0; i < MANY / 50; i++)
		assert_int_equal(conf_change(c, a, &copy), STORE_OK);
	before = conf_all(c, a, archive)->mailbox.modseq;
	s = conf_all(c, a, archive);
	assert_int_equal(s->record_count, MANY);
	assert_true(s->pages >= 3);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(s->records[i].uid, i + 1);
	for (uint32_t i = 0; i < MANY / 2; i++)
		odd[i] = (struct store_range){ 2 * i + 1, 2 * i + 1 };
	const struct store_mutation expunge = { .change = STORE_EXPUNGE,
						.mailbox = archive,
						.uids = { odd, MANY / 2 } };

	assert_int_equal(conf_change(c, a, &expunge), STORE_OK);
	conf_flags(c, a, archive, 1, UINT32_MAX, STORE_FLAGS_ADD, STORE_SEEN, NULL);
	s = conf_since(c, a, archive, before);
	assert_int_equal(s->record_count, MANY / 2);
	assert_int_equal(s->vanished_count, MANY / 2);
	for (uint32_t i = 0; i < MANY / 2; i++) {
		assert_int_equal(s->records[i].uid, 2 * i + 2);
		assert_int_equal(s->vanished[i].first, 2 * i + 1);
		assert_int_equal(s->vanished[i].last, 2 * i + 1);
	}
	free(odd);
	store_logout(a);
}

/* Behind a mod-sequence from before the first change: everything that is there, and all
 * that is not may count as vanished. */
static void test_since_long_ago(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX");
	struct conf_sync *s;

	for (int i = 0; i < 1200; i++)
		conf_append(c, a, inbox, "x", 0);
	conf_expunge(c, a, inbox, 10, 20);
	s = conf_since(c, a, inbox, 1);
	assert_int_equal(s->record_count, 1189);
	assert_string_equal(conf_ranges(s->vanished, s->vanished_count), "10:20");
	store_logout(a);
}

/* RFC 3501 2.3.2: one session is told of each message that it is recent. */
static void test_recent(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example"), *b = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX");
	struct store_look look = {
		.mailbox = inbox, .want = STORE_WANT_RANGES, .first = 1, .last = UINT32_MAX
	};

	conf_append(c, a, inbox, "x", 0);
	conf_append(c, a, inbox, "x", 0);
	assert_int_equal(conf_sync(c, a, &look)->mailbox.recent_uid, 1);
	look.claim_recent = true;
	assert_int_equal(conf_sync(c, a, &look)->mailbox.recent_uid, 1);
	assert_int_equal(conf_sync(c, b, &look)->mailbox.recent_uid, 3);
	conf_append(c, a, inbox, "x", 0);
	assert_int_equal(conf_sync(c, b, &look)->mailbox.recent_uid, 3);
	assert_int_equal(conf_sync(c, a, &look)->mailbox.recent_uid, 4);
	store_logout(a);
	store_logout(b);
}

/* --- watching -------------------------------------------------------------- */

struct watcher {
	bool told;
	unsigned times;
	uint64_t mailbox;
};

static void changed(void *arg, uint64_t mailbox)
{
	struct watcher *w = arg;

	w->told = true;
	w->times++;
	w->mailbox = mailbox;
}

static void test_watch(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example"), *b = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX"), sent = conf_mailbox(c, a, "Sent");
	struct watcher w = { 0 };

	conf_all(c, b, inbox);
	store_watch(b, changed, &w);
	conf_idle(c);
	assert_int_equal(w.times, 0);
	conf_append(c, a, inbox, "x", 0);
	conf_wait(c, &w.told);
	assert_int_equal(w.mailbox, inbox);
	/* Not again before the next look. */
	conf_append(c, a, inbox, "x", 0);
	conf_append(c, a, inbox, "x", 0);
	conf_idle(c);
	assert_int_equal(w.times, 1);
	assert_int_equal(conf_all(c, b, inbox)->record_count, 3);
	conf_idle(c);
	assert_int_equal(w.times, 1);
	/* What came between the hint and the look at something else is not lost. */
	w.told = false;
	conf_append(c, a, inbox, "x", 0);
	conf_wait(c, &w.told);
	conf_append(c, a, sent, "x", 0);
	w.told = false;
	conf_all(c, b, inbox);
	conf_wait(c, &w.told);
	assert_true(w.mailbox == sent || w.mailbox == 0);
	conf_all(c, b, sent);
	/* Names. */
	w.told = false;
	conf_create(c, a, "New");
	conf_wait(c, &w.told);
	assert_int_equal(w.mailbox, 0);
	conf_mailbox(c, b, "New");
	/* The end of it. */
	store_watch(b, NULL, NULL);
	conf_idle(c);
	w.times = 0;
	conf_append(c, a, inbox, "x", 0);
	conf_idle(c);
	assert_int_equal(w.times, 0);
	store_logout(a);
	store_logout(b);
}

/* What changed between the look and the watch is told. */
static void test_watch_late(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example"), *b = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX");
	struct watcher w = { 0 };

	conf_all(c, b, inbox);
	conf_append(c, a, inbox, "x", 0);
	conf_idle(c);
	store_watch(b, changed, &w);
	assert_false(w.told);
	conf_wait(c, &w.told);
	assert_int_equal(conf_all(c, b, inbox)->record_count, 1);
	store_logout(b);
	conf_append(c, a, inbox, "x", 0);
	conf_idle(c);
	assert_int_equal(w.times, 1);
	store_logout(a);
}

static void test_watch_delivery(void **state)
{
	static const char *const to[] = { "a@x.example" };
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX");
	struct watcher w = { 0 };

	conf_all(c, a, inbox);
	store_watch(a, changed, &w);
	assert_int_equal(conf_deliver(c, to, 1, "x", NULL), STORE_OK);
	conf_wait(c, &w.told);
	assert_int_equal(w.mailbox, inbox);
	store_logout(a);
}

struct conf_group conf_change_cases(void)
{
	static const struct CMUnitTest tests[] = {
		CONF_CASE(test_since), CONF_CASE(test_since_move),     CONF_CASE(test_parts),
		CONF_CASE(test_pages), CONF_CASE(test_since_long_ago), CONF_CASE(test_recent),
		CONF_CASE(test_watch), CONF_CASE(test_watch_late),     CONF_CASE(test_watch_delivery),
	};

	return (struct conf_group){ tests, sizeof(tests) / sizeof(tests[0]) };
}
