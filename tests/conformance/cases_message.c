/* cases_message.c - messages come, are read, flagged, copied, moved, and go. */
#include "tests/conformance/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/meta.h"

static const char hello[] = "Subject: hello\r\n\r\nHello.\r\n";

static void test_append(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX");
	const struct span words[] = { span_of("$Forwarded"), span_of("work") };
	const struct store_mutation m = { .change = STORE_APPEND,
					  .mailbox = inbox,
					  .flags = STORE_SEEN | STORE_DRAFT,
					  .keywords = words,
					  .keyword_count = 2,
					  .internal_s = 1234567890,
					  .stage = conf_stage(c, hello, strlen(hello)) };
	struct conf_result *r = conf_commit(c, a, &m, 1, NULL);
	uint32_t uidvalidity = r->r[0].uidvalidity;
	struct conf_sync *s;

	assert_int_equal(r->status, STORE_OK);
	assert_string_equal(conf_ranges(r->r[0].to.ranges, r->r[0].to.count), "1");
	assert_int_equal(conf_append(c, a, inbox, "second", 0), 2);
	s = conf_all(c, a, inbox);
	assert_int_equal(s->mailbox.uidvalidity, uidvalidity);
	assert_int_equal(s->mailbox.uidnext, 3);
	assert_int_equal(s->mailbox.exists, 2);
	assert_int_equal(s->mailbox.unseen, 1);
	assert_int_equal(s->mailbox.size, strlen(hello) + 6);
	assert_int_equal(s->first_unseen, 2);
	assert_string_equal(conf_uids(s), "1:2");
	assert_int_equal(s->records[0].flags, STORE_SEEN | STORE_DRAFT);
	assert_int_equal(s->records[0].keywords, 3);
	assert_string_equal(s->keywords[0], "$Forwarded");
	assert_string_equal(s->keywords[1], "work");
	assert_int_equal(s->records[0].size, strlen(hello));
	assert_int_equal(s->records[0].internal_s, 1234567890);
	assert_true(s->records[0].saved_s > 1700000000);
	assert_int_equal(s->records[0].meta_length, 0);
	assert_true(s->records[1].modseq > s->records[0].modseq);
	assert_int_equal(s->mailbox.modseq, s->records[1].modseq);
	assert_memory_not_equal(s->records[0].guid, s->records[1].guid, STORE_GUID);
	assert_string_equal(conf_body(c, a, inbox, 1), hello);
	assert_string_equal(conf_body(c, a, inbox, 2), "second");
	assert_int_equal(conf_body_status(c, a, inbox, 3), STORE_NOT_FOUND);
	assert_int_equal(conf_body_status(c, a, 999999, 1), STORE_NOT_FOUND);
	store_logout(a);
}

/* Sizes around those at which a store may change its ways. */
static void test_sizes(void **state)
{
	static const size_t sizes[] = { 0, 1, 4095, 49151, 49152, 49153, 65536, 300000, 1000000 };
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX");
	char *text = malloc(1000001);

	for (size_t i = 0; i < 1000000; i++)
		text[i] = (char)('a' + i * 7 % 26);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct store_mutation m = { .change = STORE_APPEND,
						  .mailbox = inbox,
						  .internal_s = 5,
						  .stage = conf_stage(c, text, sizes[i]) };
		const char *back;

		unit_case("size", sizes[i]);
		assert_int_equal(conf_change(c, a, &m), STORE_OK);
		back = conf_body(c, a, inbox, (uint32_t)i + 1);
		assert_int_equal(strlen(back), sizes[i]);
		assert_memory_equal(back, text, sizes[i]);
	}
	free(text);
	store_logout(a);
}

static void never(void *arg)
{
	(void)arg;
	fail_msg("a stage that was ready became ready");
}

static void test_stage(void **state)
{
	struct conf *c = conf_of(state);
	struct store_stage *st;
	struct error err;

	assert_int_equal(store_stage_new(c->s, &st, 10, never, NULL, &err), 0);
	assert_true(store_stage_ready(st));
	assert_int_equal(store_stage_write(st, span_of("0123456789")), 0);
	assert_int_equal(store_stage_size(st), 10);
	assert_int_equal(store_stage_write(st, span_of("x")), -EFBIG);
	store_stage_free(st);
	store_stage_free(NULL);
}

static void test_flags(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX"), before;
	struct conf_sync *s;

	for (int i = 0; i < 5; i++)
		conf_append(c, a, inbox, hello, 0);
	assert_int_equal(conf_flags(c, a, inbox, 2, 4, STORE_FLAGS_ADD, STORE_SEEN | STORE_DELETED, NULL),
			 STORE_OK);
	s = conf_all(c, a, inbox);
	assert_int_equal(s->mailbox.unseen, 2);
	assert_int_equal(s->mailbox.deleted, 3);
	assert_int_equal(s->first_unseen, 1);
	assert_int_equal(s->records[1].flags, STORE_SEEN | STORE_DELETED);
	assert_int_equal(s->records[1].modseq, s->records[3].modseq);
	assert_int_equal(s->mailbox.modseq, s->records[3].modseq);
	assert_true(s->records[4].modseq < s->records[3].modseq);
	conf_flags(c, a, inbox, 3, 3, STORE_FLAGS_REMOVE, STORE_DELETED, NULL);
	conf_flags(c, a, inbox, 4, UINT32_MAX, STORE_FLAGS_REPLACE, STORE_FLAGGED, NULL);
	conf_flags(c, a, inbox, 1, 1, STORE_FLAGS_ADD, STORE_SEEN, NULL);
	s = conf_all(c, a, inbox);
	assert_int_equal(s->records[2].flags, STORE_SEEN);
	assert_int_equal(s->records[3].flags, STORE_FLAGGED);
	assert_int_equal(s->records[4].flags, STORE_FLAGGED);
	assert_int_equal(s->first_unseen, 4);
	assert_int_equal(s->mailbox.unseen, 2);
	assert_int_equal(s->mailbox.deleted, 1);
	/* What changes nothing is no change. */
	before = s->mailbox.modseq;
	conf_flags(c, a, inbox, 1, 1, STORE_FLAGS_ADD, STORE_SEEN, NULL);
	assert_int_equal(conf_all(c, a, inbox)->mailbox.modseq, before);
	assert_int_equal(conf_flags(c, a, inbox, 100, 200, STORE_FLAGS_ADD, STORE_SEEN, NULL), STORE_OK);
	assert_int_equal(conf_flags(c, a, 999999, 1, 1, STORE_FLAGS_ADD, STORE_SEEN, NULL), STORE_NOT_FOUND);
	assert_int_equal(conf_flags(c, a, inbox, 1, 1, STORE_FLAGS_ADD, 64, NULL), STORE_INVALID);
	store_logout(a);
}

/* RFC 9051 2.3.2: keywords without regard to case; 64 of a mailbox. */
static void test_keywords(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX");
	char word[STORE_KEYWORD_MAX + 2];
	struct conf_sync *s;

	conf_append(c, a, inbox, hello, 0);
	assert_int_equal(conf_flags(c, a, inbox, 1, 1, STORE_FLAGS_ADD, 0, "Work"), STORE_OK);
	assert_int_equal(conf_flags(c, a, inbox, 1, 1, STORE_FLAGS_ADD, 0, "WORK"), STORE_OK);
	assert_int_equal(conf_flags(c, a, inbox, 1, 1, STORE_FLAGS_REMOVE, 0, "unknown"), STORE_OK);
	s = conf_all(c, a, inbox);
	assert_int_equal(s->keyword_count, 1);
	assert_string_equal(s->keywords[0], "Work");
	assert_int_equal(s->records[0].keywords, 1);
	conf_flags(c, a, inbox, 1, 1, STORE_FLAGS_REMOVE, 0, "work");
	assert_int_equal(conf_all(c, a, inbox)->records[0].keywords, 0);
	for (int i = 1; i < STORE_KEYWORDS; i++) {
		snprintf(word, sizeof(word), "k%d", i);
		assert_int_equal(conf_flags(c, a, inbox, 1, 1, STORE_FLAGS_ADD, 0, word), STORE_OK);
	}
	assert_int_equal(conf_flags(c, a, inbox, 1, 1, STORE_FLAGS_ADD, STORE_FLAGGED, "onemore"),
			 STORE_LIMIT);
	s = conf_all(c, a, inbox);
	assert_int_equal(s->records[0].flags, 0);
	assert_int_equal(s->records[0].keywords, UINT64_MAX - 1);
	assert_int_equal(conf_flags(c, a, inbox, 1, 1, STORE_FLAGS_ADD, 0, "two words"), STORE_INVALID);
	assert_int_equal(conf_flags(c, a, inbox, 1, 1, STORE_FLAGS_ADD, 0, ""), STORE_INVALID);
	memset(word, 'w', sizeof(word));
	word[STORE_KEYWORD_MAX + 1] = '\0';
	assert_int_equal(conf_flags(c, a, inbox, 1, 1, STORE_FLAGS_ADD, 0, word), STORE_INVALID);
	conf_reopen(c);
	a = conf_login(c, "a@x.example");
	s = conf_all(c, a, inbox);
	assert_int_equal(s->records[0].keywords, UINT64_MAX - 1);
	assert_string_equal(s->keywords[63], "k63");
	store_logout(a);
}

/* RFC 7162 3.1.3 */
static void test_unchanged_since(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX"), known;
	const struct store_range range = { 1, 4 };
	struct store_mutation m = { .change = STORE_SET_FLAGS,
				    .mailbox = inbox,
				    .uids = { &range, 1 },
				    .how = STORE_FLAGS_ADD,
				    .flags = STORE_ANSWERED };
	struct conf_result *r;
	struct conf_sync *s;

	for (int i = 0; i < 4; i++)
		conf_append(c, a, inbox, hello, 0);
	known = conf_all(c, a, inbox)->mailbox.modseq;
	conf_flags(c, a, inbox, 2, 3, STORE_FLAGS_ADD, STORE_SEEN, NULL);
	m.unchanged_since = known;
	r = conf_commit(c, a, &m, 1, NULL);
	assert_int_equal(r->status, STORE_OK);
	assert_string_equal(conf_ranges(r->r[0].skipped.ranges, r->r[0].skipped.count), "2:3");
	s = conf_all(c, a, inbox);
	assert_int_equal(s->records[0].flags, STORE_ANSWERED);
	assert_int_equal(s->records[1].flags, STORE_SEEN);
	assert_int_equal(s->records[3].flags, STORE_ANSWERED);
	assert_int_equal(s->records[3].modseq, r->r[0].modseq);
	store_logout(a);
}

static void test_expunge(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX");
	const struct store_range all = { 1, UINT32_MAX };
	const struct store_mutation deleted = {
		.change = STORE_EXPUNGE, .mailbox = inbox, .uids = { &all, 1 }, .only_deleted = true
	};
	struct conf_sync *s;

	for (int i = 0; i < 6; i++)
		conf_append(c, a, inbox, hello, 0);
	conf_flags(c, a, inbox, 2, 3, STORE_FLAGS_ADD, STORE_DELETED, NULL);
	assert_int_equal(conf_change(c, a, &deleted), STORE_OK);
	s = conf_all(c, a, inbox);
	assert_string_equal(conf_uids(s), "1,4:6");
	assert_int_equal(s->mailbox.exists, 4);
	assert_int_equal(s->mailbox.deleted, 0);
	assert_int_equal(s->mailbox.size, 4 * strlen(hello));
	assert_int_equal(conf_expunge(c, a, inbox, 5, 9), STORE_OK);
	assert_string_equal(conf_uids(conf_all(c, a, inbox)), "1,4");
	assert_int_equal(conf_body_status(c, a, inbox, 5), STORE_NOT_FOUND);
	assert_int_equal(conf_append(c, a, inbox, hello, 0), 7);
	assert_int_equal(conf_expunge(c, a, inbox, 1, UINT32_MAX), STORE_OK);
	s = conf_all(c, a, inbox);
	assert_int_equal(s->mailbox.exists, 0);
	assert_int_equal(s->mailbox.size, 0);
	assert_int_equal(s->mailbox.uidnext, 8);
	assert_int_equal(s->first_unseen, 0);
	store_logout(a);
}

struct bodies_wait {
	bool done;
	enum store_status status;
	size_t count;
	struct store_opened opened[STORE_BODIES];
};

static void bodies_done(void *arg, enum store_status status, const struct store_opened *opened, size_t count)
{
	struct bodies_wait *w = arg;

	w->done = true;
	w->status = status;
	w->count = count;
	for (size_t i = 0; i < count; i++)
		w->opened[i] = opened[i];
}

static enum store_status bodies(struct conf *c, struct store_account *a, uint64_t mailbox, const struct store_range *r,
				size_t n, struct bodies_wait *w)
{
	const struct store_set set = { r, n };

	w->done = false;
	assert_int_not_equal(store_bodies(a, mailbox, &set, bodies_done, w), 0);
	conf_wait(c, &w->done);
	return w->status;
}

/* Those that are there, in order, each with its own bytes. */
static void test_bodies(void **state)
{
	static const struct store_range some[] = { { 2, 4 }, { 6, 6 }, { 9, 40 } }, many = { 1, STORE_BODIES + 1 },
					wrong[] = { { 4, 5 }, { 2, 2 } };
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX");
	static const uint32_t uids[] = { 2, 4, 6, 9 };
	struct bodies_wait w;
	char text[20];

	for (int i = 1; i < 10; i++) {
		snprintf(text, sizeof(text), "body %d", i);
		conf_append(c, a, inbox, text, 0);
	}
	assert_int_equal(conf_expunge(c, a, inbox, 3, 3), STORE_OK);
	assert_int_equal(bodies(c, a, inbox, some, 3, &w), STORE_OK);
	assert_int_equal(w.count, 4);
	for (size_t i = 0; i < w.count; i++) {
		char got[20] = "";

		snprintf(text, sizeof(text), "body %u", uids[i]);
		assert_int_equal(w.opened[i].uid, uids[i]);
		assert_int_equal(w.opened[i].status, STORE_OK);
		assert_int_equal(w.opened[i].size, strlen(text));
		assert_int_equal(pread(w.opened[i].fd, got, sizeof(got) - 1, 0), strlen(text));
		assert_string_equal(got, text);
		assert_int_equal(write(w.opened[i].fd, "x", 1), -1); /* read-only */
		close(w.opened[i].fd);
	}
	assert_int_equal(bodies(c, a, inbox, some, 0, &w), STORE_OK);
	assert_int_equal(w.count, 0);
	assert_int_equal(bodies(c, a, inbox, &some[2], 1, &w), STORE_OK);
	assert_int_equal(w.count, 1);
	close(w.opened[0].fd);
	assert_int_equal(bodies(c, a, 999999, some, 3, &w), STORE_NOT_FOUND);
	assert_int_equal(bodies(c, a, inbox, &many, 1, &w), STORE_INVALID);
	assert_int_equal(bodies(c, a, inbox, wrong, 2, &w), STORE_INVALID);
	store_logout(a);
}

static void test_body_outlives_expunge(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX");
	const struct store_mutation m[] = {
		{ .change = STORE_COPY,
		  .mailbox = inbox,
		  .target = conf_mailbox(c, a, "Trash"),
		  .uids = { &(struct store_range){ 1, 1 }, 1 } },
		{ .change = STORE_EXPUNGE, .mailbox = inbox, .uids = { &(struct store_range){ 1, 1 }, 1 } },
	};

	conf_append(c, a, inbox, hello, 0);
	assert_int_equal(conf_commit(c, a, m, 2, NULL)->status, STORE_OK);
	conf_idle(c);
	assert_string_equal(conf_body(c, a, conf_mailbox(c, a, "Trash"), 1), hello);
	assert_int_equal(conf_all(c, a, inbox)->record_count, 0);
	store_logout(a);
}

static void test_copy(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX"), sent = conf_mailbox(c, a, "Sent");
	const struct store_range set[] = { { 1, 1 }, { 3, 4 }, { 9, 20 } };
	const struct store_mutation m = {
		.change = STORE_COPY, .mailbox = inbox, .target = sent, .uids = { set, 3 }
	};
	struct conf_result *r;
	struct conf_sync *s;

	for (int i = 0; i < 4; i++)
		conf_append(c, a, inbox, i == 2 ? "three" : hello, STORE_SEEN);
	conf_append(c, a, sent, "there before", 0);
	conf_flags(c, a, sent, 1, 1, STORE_FLAGS_ADD, 0, "other");
	conf_flags(c, a, inbox, 3, 3, STORE_FLAGS_ADD, STORE_FLAGGED, "mine");
	r = conf_commit(c, a, &m, 1, NULL);
	assert_int_equal(r->status, STORE_OK);
	assert_string_equal(conf_ranges(r->r[0].from.ranges, r->r[0].from.count), "1,3:4");
	assert_string_equal(conf_ranges(r->r[0].to.ranges, r->r[0].to.count), "2:4");
	s = conf_all(c, a, sent);
	assert_int_equal(s->mailbox.uidvalidity, r->r[0].uidvalidity);
	assert_string_equal(conf_uids(s), "1:4");
	assert_int_equal(s->records[2].flags, STORE_SEEN | STORE_FLAGGED);
	assert_string_equal(s->keywords[1], "mine");
	assert_int_equal(s->records[2].keywords, 2);
	assert_int_equal(s->records[2].internal_s, 1700000000);
	assert_string_equal(conf_body(c, a, sent, 3), "three");
	assert_string_equal(conf_uids(conf_all(c, a, inbox)), "1:4");
	const struct store_mutation nothing = {
		.change = STORE_COPY, .mailbox = inbox, .target = sent, .uids = { set + 2, 1 }
	};

	r = conf_commit(c, a, &nothing, 1, NULL);
	assert_int_equal(r->status, STORE_OK);
	assert_int_equal(r->r[0].to.count, 0);
	const struct store_mutation nowhere = {
		.change = STORE_COPY, .mailbox = inbox, .target = 999999, .uids = { set, 1 }
	};

	assert_int_equal(conf_change(c, a, &nowhere), STORE_NOT_FOUND);
	store_logout(a);
}

static void test_move(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX"), trash = conf_mailbox(c, a, "Trash");
	const struct store_range set[] = { { 2, 2 }, { 4, UINT32_MAX } };
	const struct store_mutation m = {
		.change = STORE_MOVE, .mailbox = inbox, .target = trash, .uids = { set, 2 }
	};
	const struct store_mutation same = { .change = STORE_MOVE,
					     .mailbox = inbox,
					     .target = inbox,
					     .uids = { &(struct store_range){ 1, 1 }, 1 } };
	struct conf_result *r;

	for (int i = 0; i < 5; i++)
		conf_append(c, a, inbox, i == 3 ? "four" : hello, 0);
	r = conf_commit(c, a, &m, 1, NULL);
	assert_int_equal(r->status, STORE_OK);
	assert_string_equal(conf_ranges(r->r[0].from.ranges, r->r[0].from.count), "2,4:5");
	assert_string_equal(conf_ranges(r->r[0].to.ranges, r->r[0].to.count), "1:3");
	assert_string_equal(conf_uids(conf_all(c, a, inbox)), "1,3");
	assert_string_equal(conf_uids(conf_all(c, a, trash)), "1:3");
	conf_idle(c);
	assert_string_equal(conf_body(c, a, trash, 2), "four");
	assert_int_equal(conf_body_status(c, a, inbox, 4), STORE_NOT_FOUND);
	assert_int_equal(conf_change(c, a, &same), STORE_OK);
	assert_string_equal(conf_uids(conf_all(c, a, inbox)), "3,6");
	conf_idle(c);
	assert_string_equal(conf_body(c, a, inbox, 6), hello);
	store_logout(a);
}

/* --- metadata -------------------------------------------------------------- */

struct file_wait {
	bool done;
	enum store_status status;
	int fd;
};

static void file_done(void *arg, enum store_status status, int fd, uint64_t size)
{
	struct file_wait *w = arg;

	(void)size;
	*w = (struct file_wait){ true, status, fd };
}

static bool meta_is(struct conf *c, struct store_account *a, const struct store_record *r, const char *want)
{
	struct file_wait w = { .fd = -1 };
	struct buf out;
	bool ok;

	buf_init(&out, STORE_META_MAX);
	store_meta_file(a, file_done, &w);
	conf_wait(c, &w.done);
	assert_int_equal(w.status, STORE_OK);
	ok = store_meta_read(w.fd, r, &out) && span_is(buf_span(&out), want);
	buf_clear(&out);
	close(w.fd);
	return ok;
}

static void test_meta(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX"), modseq;
	const struct store_mutation m = { .change = STORE_APPEND,
					  .mailbox = inbox,
					  .meta = span_of("derived at once"),
					  .stage = conf_stage(c, hello, strlen(hello)) };
	struct conf_done d = { 0 };
	struct conf_sync *s;

	assert_int_equal(conf_change(c, a, &m), STORE_OK);
	conf_append(c, a, inbox, "later", 0);
	s = conf_all(c, a, inbox);
	assert_true(meta_is(c, a, &s->records[0], "derived at once"));
	assert_false(meta_is(c, a, &s->records[1], ""));
	modseq = s->mailbox.modseq;
	store_meta_put(a, inbox, 2, span_of("derived later"), conf_done, &d);
	assert_false(d.done);
	conf_wait(c, &d.done);
	assert_int_equal(d.status, STORE_OK);
	s = conf_all(c, a, inbox);
	assert_int_equal(s->mailbox.modseq, modseq);
	assert_true(meta_is(c, a, &s->records[0], "derived at once"));
	assert_true(meta_is(c, a, &s->records[1], "derived later"));
	store_meta_put(a, inbox, 2, span_of("derived again"), NULL, NULL);
	d.done = false;
	store_meta_put(a, inbox, 77, span_of("of nothing"), conf_done, &d);
	conf_wait(c, &d.done);
	assert_int_equal(d.status, STORE_NOT_FOUND);
	conf_reopen(c);
	a = conf_login(c, "a@x.example");
	s = conf_all(c, a, inbox);
	assert_true(meta_is(c, a, &s->records[0], "derived at once"));
	store_logout(a);
}

/* Everything is there after a restart. */
static void test_reopen(void **state)
{
	struct conf *c = conf_of(state);
	struct store_account *a = conf_login(c, "a@x.example");
	uint64_t inbox = conf_mailbox(c, a, "INBOX");
	static struct conf_sync before;
	struct conf_sync *after;

	for (int i = 0; i < 5; i++)
		conf_append(c, a, inbox, hello, i % 2 ? STORE_SEEN : 0);
	conf_flags(c, a, inbox, 2, 3, STORE_FLAGS_ADD, STORE_FLAGGED, "kw");
	conf_expunge(c, a, inbox, 4, 4);
	before = *conf_all(c, a, inbox);
	conf_reopen(c);
	a = conf_login(c, "a@x.example");
	after = conf_all(c, a, conf_mailbox(c, a, "INBOX"));
	assert_int_equal(after->mailbox.id, inbox);
	assert_int_equal(after->mailbox.uidvalidity, before.mailbox.uidvalidity);
	assert_true(after->mailbox.uidnext >= before.mailbox.uidnext);
	assert_true(after->mailbox.modseq >= before.mailbox.modseq);
	assert_int_equal(after->record_count, 4);
	assert_memory_equal(after->records, before.records, 4 * sizeof(before.records[0]));
	assert_true(conf_append(c, a, inbox, hello, 0) >= before.mailbox.uidnext);
	store_logout(a);
}

struct conf_group conf_message_cases(void)
{
	static const struct CMUnitTest tests[] = {
		CONF_CASE(test_append),   CONF_CASE(test_sizes),
		CONF_CASE(test_stage),    CONF_CASE(test_flags),
		CONF_CASE(test_keywords), CONF_CASE(test_unchanged_since),
		CONF_CASE(test_expunge),  CONF_CASE(test_bodies), CONF_CASE(test_body_outlives_expunge),
		CONF_CASE(test_copy),     CONF_CASE(test_move),
		CONF_CASE(test_meta),     CONF_CASE(test_reopen),
	};

	return (struct conf_group){ tests, sizeof(tests) / sizeof(tests[0]) };
}
