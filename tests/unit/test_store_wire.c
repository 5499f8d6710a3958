/* test_store_wire.c - requests to storaged and its answers, written and read again.
 * link: storage/ipc common/ipc common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "common/ipc/ipc.h"
#include "storage/ipc/store_answer.h"
#include "storage/ipc/store_ask.h"

static const struct store_range two_ranges[] = { { 1, 1 }, { 3, 4000000000u } };
static const struct store_range few_ranges[] = { { 1, 1 }, { 3999999938u, 4000000000u } };
static struct store_opened opened[] = { { .uid = 7, .fd = -1, .size = 99 }, { .uid = 4294967295u, .status = STORE_CORRUPT, .fd = -1 } };
static const struct store_range odd_ranges[] = { { 4294967295u, 4294967295u } };
static const struct store_annotation notes[] = {
	{ { (const uint8_t *)"/private/comment", 16 }, { (const uint8_t *)"a\r\nb", 4 } },
	{ { (const uint8_t *)"/shared/comment", 15 }, { NULL, 0 } },
};
static const struct span keywords[] = { { (const uint8_t *)"$Work", 5 }, { (const uint8_t *)"b", 1 } };
static const struct store_mutation mutations[] = {
	{ .change = STORE_APPEND,
	  .mailbox = 7,
	  .flags = STORE_SEEN,
	  .keywords = keywords,
	  .keyword_count = 2,
	  .meta = { (const uint8_t *)"meta", 4 },
	  .internal_s = -3600,
	  .uid = 4000000000 },
	{ .change = STORE_SET_FLAGS,
	  .mailbox = UINT64_MAX,
	  .uids = { two_ranges, 2 },
	  .how = STORE_FLAGS_REMOVE,
	  .flags = STORE_FLAGS_ALL,
	  .unchanged_since = 99 },
	{ .change = STORE_EXPUNGE, .uids = { odd_ranges, 1 }, .only_deleted = true },
	{ .change = STORE_CREATE, .name = { (const uint8_t *)"a/b", 3 }, .role = STORE_ROLE_ARCHIVE },
};
static const struct store_ask_body bodies[] = { { .where = STORE_ASK_INLINE,
						  .bytes = { (const uint8_t *)"Subject: x\r\n\r\n", 14 } },
						{ 0 },
						{ 0 },
						{ 0 } };
static const struct store_ask_body staged = { .where = STORE_ASK_STAGED, .stage = 300 };
static const struct store_recipient recipients[] = {
	{ { (const uint8_t *)"a@example.org", 13 }, { (const uint8_t *)"a+x@example.org", 15 }, STORE_QUOTA_SITE },
	{ { (const uint8_t *)"b@example.org", 13 }, { NULL, 0 }, 12345 },
};

/* One of each type. */
static const struct {
	const char *why;
	struct store_ask ask;
} asks[] = {
	{ "login", { .type = STORE_WIRE_LOGIN, .account = 5, .token = { (const uint8_t *)"token", 5 } } },
	{ "logout", { .type = STORE_WIRE_LOGOUT, .account = 5 } },
	{ "lock", { .type = STORE_WIRE_LOCK, .account = UINT64_MAX } },
	{ "list", { .type = STORE_WIRE_LIST, .account = 5, .from = 100 } },
	{ "annotations", { .type = STORE_WIRE_ANNOTATIONS, .account = 5, .mailbox = 9 } },
	{ "find", { .type = STORE_WIRE_FIND, .account = 5, .name = { (const uint8_t *)"INBOX", 5 } } },
	{ "sync",
	  { .type = STORE_WIRE_SYNC,
	    .account = 5,
	    .look = { .mailbox = 9,
		      .want = STORE_WANT_RECORDS,
		      .since = 12,
		      .first = 3,
		      .last = UINT32_MAX,
		      .claim_recent = true } } },
	{ "watch", { .type = STORE_WIRE_WATCH, .account = 5, .watch = true } },
	{ "body", { .type = STORE_WIRE_BODY, .account = 5, .mailbox = 9, .uid = UINT32_MAX } },
	{ "bodies", { .type = STORE_WIRE_BODIES, .account = 5, .mailbox = 9, .uids = { few_ranges, 2 } } },
	{ "meta file", { .type = STORE_WIRE_META_FILE, .account = 5 } },
	{ "meta put",
	  { .type = STORE_WIRE_META_PUT,
	    .account = 5,
	    .mailbox = 9,
	    .uid = 4,
	    .meta = { (const uint8_t *)"m", 1 } } },
	{ "stage", { .type = STORE_WIRE_STAGE, .stage = 77, .size = UINT64_MAX } },
	{ "seal", { .type = STORE_WIRE_SEAL, .stage = 77, .size = 50000000 } },
	{ "drop", { .type = STORE_WIRE_DROP, .stage = 77 } },
	{ "commit",
	  { .type = STORE_WIRE_COMMIT,
	    .account = 5,
	    .txid = { "0123456789abcde" },
	    .mutations = mutations,
	    .count = 4,
	    .bodies = bodies } },
	{ "deliver",
	  { .type = STORE_WIRE_DELIVER,
	    .txid = { "0123456789abcde" },
	    .bodies = &staged,
	    .delivery = { .recipients = recipients,
			  .count = 2,
			  .meta = { (const uint8_t *)"meta", 4 } } } },
	{ "room", { .type = STORE_WIRE_ROOM, .size = 123456 } },
	{ "room for some", { .type = STORE_WIRE_ROOM, .size = 1, .delivery = { .recipients = recipients, .count = 2 } } },
};
enum { ASKS = sizeof(asks) / sizeof(asks[0]) };

static struct arena *memory;
static struct buf out;

static int setup(void **state)
{
	struct error err;

	(void)state;
	buf_init(&out, 64 << 20);
	return arena_new(&memory, STORE_WIRE_MEMORY, ARENA_PLAIN, &err);
}

static int teardown(void **state)
{
	(void)state;
	arena_free(memory);
	buf_clear(&out);
	return 0;
}

static void same_span(struct span a, struct span b)
{
	assert_true(span_equal(a, b));
}

static void same_set(struct store_set a, struct store_set b)
{
	assert_int_equal(a.count, b.count);
	for (size_t i = 0; i < a.count; i++) {
		assert_int_equal(a.ranges[i].first, b.ranges[i].first);
		assert_int_equal(a.ranges[i].last, b.ranges[i].last);
	}
}

static void same_mutation(const struct store_mutation *a, const struct store_mutation *b)
{
	assert_int_equal(a->change, b->change);
	assert_true(a->mailbox == b->mailbox && a->target == b->target);
	same_span(a->name, b->name);
	assert_int_equal(a->role, b->role);
	same_set(a->uids, b->uids);
	assert_int_equal(a->only_deleted, b->only_deleted);
	assert_int_equal(a->how, b->how);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->keyword_count, b->keyword_count);
	for (size_t i = 0; i < a->keyword_count; i++)
		same_span(a->keywords[i], b->keywords[i]);
	assert_true(a->unchanged_since == b->unchanged_since);
	same_span(a->meta, b->meta);
	assert_true(a->internal_s == b->internal_s);
	assert_true(a->uid == b->uid && a->uidvalidity == b->uidvalidity && a->no_value == b->no_value);
}

static void same_body(const struct store_ask_body *a, const struct store_ask_body *b)
{
	assert_int_equal(a->where, b->where);
	assert_true(a->stage == b->stage);
	same_span(a->bytes, b->bytes);
}

static void same_ask(const struct store_ask *a, const struct store_ask *b)
{
	assert_int_equal(a->type, b->type);
	assert_true(a->account == b->account && a->from == b->from && a->mailbox == b->mailbox);
	assert_true(a->stage == b->stage && a->size == b->size && a->uid == b->uid && a->watch == b->watch);
	same_span(a->token, b->token);
	same_span(a->name, b->name);
	same_span(a->meta, b->meta);
	same_set(a->uids, b->uids);
	assert_true(a->look.mailbox == b->look.mailbox && a->look.want == b->look.want);
	assert_true(a->look.since == b->look.since && a->look.first == b->look.first);
	assert_true(a->look.last == b->look.last && a->look.claim_recent == b->look.claim_recent);
	assert_memory_equal(a->txid.bytes, b->txid.bytes, sizeof(a->txid.bytes));
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; a->mutations != NULL && i < a->count; i++) {
		same_mutation(&a->mutations[i], &b->mutations[i]);
		same_body(&a->bodies[i], &b->bodies[i]);
	}
	assert_int_equal(a->delivery.count, b->delivery.count);
	same_span(a->delivery.meta, b->delivery.meta);
	for (size_t i = 0; i < a->delivery.count; i++) {
		if (a->bodies != NULL)
			same_body(a->bodies, b->bodies);
		same_span(a->delivery.recipients[i].account, b->delivery.recipients[i].account);
		same_span(a->delivery.recipients[i].address, b->delivery.recipients[i].address);
		assert_int_equal(a->delivery.recipients[i].quota, b->delivery.recipients[i].quota);
	}
}

static void test_asks_come_back(void **state)
{
	struct store_ask got;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ASKS; i++) {
		unit_case(asks[i].why, 0);
		buf_reset(&out);
		assert_int_equal(store_ask_write(&out, &asks[i].ask), STORE_OK);
		assert_int_equal(
		    store_ask_read(&got, (uint16_t)asks[i].ask.type, buf_span(&out), memory, &err), 0);
		same_ask(&asks[i].ask, &got);
	}
}

/* Neither a body cut short nor one with a byte too many is a request. */
static void test_asks_cut_anywhere(void **state)
{
	struct store_ask got;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ASKS; i++) {
		buf_reset(&out);
		store_ask_write(&out, &asks[i].ask);
		buf_put_byte(&out, 0);
		for (size_t cut = 0; cut <= out.n; cut++) {
			/* a heap copy, so that a read past the end is seen */
			uint8_t *copy = malloc(cut + 1);

			unit_case(asks[i].why, cut);
			memcpy(copy, out.p, cut);
			assert_int_equal(store_ask_read(&got, (uint16_t)asks[i].ask.type,
							(struct span){ copy, cut }, memory, &err),
					 cut == out.n - 1 ? 0 : -EPROTO);
			free(copy);
		}
	}
}

static void test_types_that_are_none(void **state)
{
	struct store_ask got;
	struct error err;

	(void)state;
	assert_int_equal(store_ask_read(&got, 0, span_of(""), memory, &err), -EPROTO);
	assert_int_equal(store_ask_read(&got, STORE_WIRE_TYPES, span_of(""), memory, &err), -EPROTO);
	assert_int_equal(store_ask_read(&got, UINT16_MAX, span_of(""), memory, &err), -EPROTO);
}

/* A mutation that asks for something that can't be, and what it is told. */
static const struct {
	const char *why;
	struct store_mutation mutation;
	enum store_status status;
} refused[] = {
	{ "no such change", { .change = STORE_ANNOTATE + 1 }, STORE_INVALID },
	{ "no such role", { .change = STORE_CREATE, .role = STORE_ROLE_ARCHIVE + 1 }, STORE_INVALID },
	{ "a flag that is none", { .change = STORE_SET_FLAGS, .flags = 32 }, STORE_INVALID },
	{ "an append without a body", { .change = STORE_APPEND }, STORE_INVALID },
	{ "UID 0",
	  { .change = STORE_EXPUNGE, .uids = { (struct store_range[]){ { 0, 1 } }, 1 } },
	  STORE_INVALID },
	{ "a range backwards",
	  { .change = STORE_EXPUNGE, .uids = { (struct store_range[]){ { 4, 3 } }, 1 } },
	  STORE_INVALID },
	{ "ranges that overlap",
	  { .change = STORE_EXPUNGE, .uids = { (struct store_range[]){ { 1, 5 }, { 5, 6 } }, 2 } },
	  STORE_INVALID },
	{ "too many ranges",
	  { .change = STORE_EXPUNGE, .uids = { two_ranges, STORE_SET_RANGES + 1 } },
	  STORE_LIMIT },
	{ "a long name", { .change = STORE_CREATE, .name = { NULL, STORE_NAME_MAX + 1 } }, STORE_INVALID },
	{ "too many keywords",
	  { .change = STORE_SET_FLAGS, .keyword_count = STORE_KEYWORDS + 1 },
	  STORE_LIMIT },
	{ "a long keyword",
	  { .change = STORE_SET_FLAGS,
	    .keywords = &(struct span){ NULL, STORE_KEYWORD_MAX + 1 },
	    .keyword_count = 1 },
	  STORE_INVALID },
	{ "long metadata", { .change = STORE_EXPUNGE, .meta = { NULL, STORE_META_MAX + 1 } }, STORE_LIMIT },
};

static void test_what_cannot_be_asked(void **state)
{
	struct store_ask_body none = { .where = STORE_ASK_NONE };
	struct store_ask ask = { .type = STORE_WIRE_COMMIT, .count = 1, .bodies = &none };

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		unit_case(refused[i].why, 0);
		ask.mutations = &refused[i].mutation;
		buf_reset(&out);
		assert_int_equal(store_ask_write(&out, &ask), refused[i].status);
	}
	ask.count = 0;
	assert_int_equal(store_ask_write(&out, &ask), STORE_INVALID);
	ask.count = STORE_MUTATIONS + 1;
	assert_int_equal(store_ask_write(&out, &ask), STORE_LIMIT);
}

/* What the writer refuses, the reader refuses too: bodies that are patched behind its back. */
static void test_limits_hold_on_the_other_side(void **state)
{
	struct store_ask got;
	struct error err;

	(void)state;
	buf_reset(&out);
	wire_put_varint(&out, 1);
	wire_put_varint(&out, STORE_NAME_MAX + 1);
	memset(buf_room(&out, STORE_NAME_MAX + 1), 'a', STORE_NAME_MAX + 1);
	out.n += STORE_NAME_MAX + 1;
	assert_int_equal(store_ask_read(&got, STORE_WIRE_FIND, buf_span(&out), memory, &err), -EPROTO);
	buf_reset(&out);
	wire_put_varint(&out, 1);
	wire_put_span(&out, (struct span){ out.p, 0 });
	assert_int_equal(store_ask_read(&got, STORE_WIRE_LOGIN, buf_span(&out), memory, &err), 0);
	buf_reset(&out);
	wire_put_varint(&out, 1);
	memset(buf_room(&out, 16), 'x', 16);
	out.n += 16;
	wire_put_varint(&out, STORE_MUTATIONS + 1);
	assert_int_equal(store_ask_read(&got, STORE_WIRE_COMMIT, buf_span(&out), memory, &err), -EPROTO);
}

static void test_sets(void **state)
{
	struct wire w;
	struct store_set set;

	(void)state;
	buf_reset(&out);
	store_wire_put_set(&out, two_ranges, 2);
	w = (struct wire){ .in = buf_span(&out) };
	set = store_wire_set(&w, 2, memory);
	assert_true(wire_done(&w));
	same_set(set, (struct store_set){ two_ranges, 2 });
	w = (struct wire){ .in = buf_span(&out) };
	store_wire_set(&w, 1, memory);
	assert_true(w.failed);
	buf_reset(&out);
	wire_put_varint(&out, 1);
	wire_put_varint(&out, UINT32_MAX); /* starts behind the last UID */
	wire_put_varint(&out, 0);
	w = (struct wire){ .in = buf_span(&out) };
	store_wire_set(&w, 9, memory);
	assert_true(w.failed);
}

static void test_signed(void **state)
{
	static const int64_t values[] = { 0, -1, 1, 63, -64, INT64_MAX, INT64_MIN };

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct wire w;

		buf_reset(&out);
		store_wire_put_signed(&out, values[i]);
		w = (struct wire){ .in = buf_span(&out) };
		assert_true(store_wire_signed(&w) == values[i] && wire_done(&w));
	}
}

/* --- answers ------------------------------------------------------------------ */

static const struct store_mailbox mailbox = { .id = 4,
					      .name = { (const uint8_t *)"INBOX", 5 },
					      .role = STORE_ROLE_INBOX,
					      .subscribed = true,
					      .uidvalidity = 1700000000,
					      .uidnext = UINT32_MAX,
					      .modseq = UINT64_MAX,
					      .exists = 3,
					      .unseen = 2,
					      .deleted = 1,
					      .size = 1ull << 40,
					      .recent_uid = 17,
					      .notes = UINT64_MAX - 1 };
static const struct store_record records[] = {
	{ .uid = 3,
	  .flags = STORE_SEEN,
	  .keywords = UINT64_MAX,
	  .modseq = 9,
	  .guid = "0123456789abcde",
	  .size = 1234,
	  .internal_s = -1,
	  .saved_s = INT64_MAX,
	  .meta_offset = 1ull << 33,
	  .meta_length = 900 },
	{ .uid = UINT32_MAX, .modseq = 1 },
};
static const struct store_result results[] = {
	{ .mailbox = 9,
	  .uidvalidity = 77,
	  .from = { two_ranges, 2 },
	  .to = { odd_ranges, 1 },
	  .skipped = { odd_ranges, 1 },
	  .modseq = 12 },
	{ 0 },
};

static const struct {
	const char *why;
	enum store_wire_type type;
	struct store_answer answer;
} answers[] = {
	{ "a plain one", STORE_WIRE_ROOM, { .status = STORE_OK, .words = "fine" } },
	{ "a failure", STORE_WIRE_SYNC, { .status = STORE_NOT_FOUND, .words = "no such mailbox" } },
	{ "find", STORE_WIRE_FIND, { .status = STORE_OK, .words = "", .mailbox = mailbox } },
	{ "no annotations", STORE_WIRE_ANNOTATIONS, { .status = STORE_OK, .words = "" } },
	{ "annotations", STORE_WIRE_ANNOTATIONS,
	  { .status = STORE_OK, .words = "", .annotations = notes, .annotation_count = 2 } },
	{ "room for all", STORE_WIRE_ROOM, { .status = STORE_OK, .words = "" } },
	{ "room for some", STORE_WIRE_ROOM, { .status = STORE_OK, .words = "", .over = { two_ranges, 2 } } },
	{ "list", STORE_WIRE_LIST, { .status = STORE_OK, .words = "", .list = { &mailbox, 1, 55, { 1, 2, 3, 4, 5, 6 }, UINT64_MAX } } },
	{ "sync",
	  STORE_WIRE_SYNC,
	  { .status = STORE_OK,
	    .words = "",
	    .page = { .mailbox = mailbox,
		      .keywords = keywords,
		      .keyword_count = 2,
		      .first_unseen = 4,
		      .records = records,
		      .record_count = 2,
		      .ranges = two_ranges,
		      .range_count = 2,
		      .vanished = odd_ranges,
		      .vanished_count = 1,
		      .next_uid = 88 } } },
	{ "body", STORE_WIRE_BODY, { .status = STORE_OK, .words = "", .size = UINT64_MAX } },
	{ "bodies", STORE_WIRE_BODIES, { .status = STORE_OK, .words = "", .opened = opened, .opened_count = 2 } },
	{ "commit", STORE_WIRE_COMMIT, { .status = STORE_OK, .words = "", .results = results, .count = 2 } },
};
enum { ANSWERS = sizeof(answers) / sizeof(answers[0]) };

static void same_mailbox(const struct store_mailbox *a, const struct store_mailbox *b)
{
	assert_true(a->id == b->id && a->role == b->role && a->subscribed == b->subscribed);
	same_span(a->name, b->name);
	assert_true(a->uidvalidity == b->uidvalidity && a->uidnext == b->uidnext && a->modseq == b->modseq);
	assert_true(a->exists == b->exists && a->unseen == b->unseen && a->deleted == b->deleted);
	assert_true(a->size == b->size && a->recent_uid == b->recent_uid && a->notes == b->notes);
}

static void same_page(const struct store_page *a, const struct store_page *b)
{
	same_mailbox(&a->mailbox, &b->mailbox);
	assert_int_equal(a->keyword_count, b->keyword_count);
	for (size_t i = 0; i < a->keyword_count; i++)
		same_span(a->keywords[i], b->keywords[i]);
	assert_int_equal(a->first_unseen, b->first_unseen);
	assert_int_equal(a->record_count, b->record_count);
	for (size_t i = 0; i < a->record_count; i++)
		assert_memory_equal(&a->records[i], &b->records[i], sizeof(a->records[i]));
	same_set((struct store_set){ a->ranges, a->range_count },
		 (struct store_set){ b->ranges, b->range_count });
	same_set((struct store_set){ a->vanished, a->vanished_count },
		 (struct store_set){ b->vanished, b->vanished_count });
	assert_int_equal(a->next_uid, b->next_uid);
}

static void same_answer(const struct store_answer *a, const struct store_answer *b)
{
	assert_int_equal(a->status, b->status);
	assert_string_equal(a->words, b->words);
	assert_true(a->size == b->size);
	same_mailbox(&a->mailbox, &b->mailbox);
	assert_int_equal(a->list.count, b->list.count);
	assert_int_equal(a->list.next, b->list.next);
	assert_memory_equal(&a->list.quota, &b->list.quota, sizeof(a->list.quota));
	assert_true(a->list.notes == b->list.notes);
	for (size_t i = 0; i < a->list.count; i++)
		same_mailbox(&a->list.mailboxes[i], &b->list.mailboxes[i]);
	same_page(&a->page, &b->page);
	assert_int_equal(a->opened_count, b->opened_count);
	for (size_t i = 0; i < a->opened_count; i++) {
		assert_true(a->opened[i].uid == b->opened[i].uid && a->opened[i].size == b->opened[i].size);
		assert_int_equal(a->opened[i].status, b->opened[i].status);
		assert_int_equal(b->opened[i].fd, -1);
	}
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_true(a->results[i].mailbox == b->results[i].mailbox);
		assert_true(a->results[i].modseq == b->results[i].modseq);
		assert_int_equal(a->results[i].uidvalidity, b->results[i].uidvalidity);
		same_set(a->results[i].from, b->results[i].from);
		same_set(a->results[i].to, b->results[i].to);
		same_set(a->results[i].skipped, b->results[i].skipped);
	}
	same_set(a->over, b->over);
	assert_int_equal(a->annotation_count, b->annotation_count);
	for (size_t i = 0; i < a->annotation_count; i++) {
		same_span(a->annotations[i].entry, b->annotations[i].entry);
		same_span(a->annotations[i].value, b->annotations[i].value);
	}
}

static void test_answers_come_back(void **state)
{
	struct store_answer got;

	(void)state;
	for (size_t i = 0; i < ANSWERS; i++) {
		buf_reset(&out);
		store_answer_write(&out, answers[i].type, &answers[i].answer);
		buf_put_byte(&out, 0);
		for (size_t cut = 0; cut <= out.n; cut++) {
			uint8_t *copy = malloc(cut + 1);
			bool whole;

			unit_case(answers[i].why, cut);
			memcpy(copy, out.p, cut);
			whole = store_answer_read(&got, answers[i].type, (struct span){ copy, cut }, memory);
			assert_int_equal(whole, cut == out.n - 1);
			if (whole)
				same_answer(&answers[i].answer, &got);
			free(copy);
		}
	}
}

static void test_login_tells_the_version(void **state)
{
	static const struct {
		const char *why, *body;
		size_t n;
		uint64_t version;
	} rows[] = {
		{ "from before versions were told", "\0\0", 2, 0 },
		{ "a later one", "\0\0\x83\1", 4, 131 },
		{ "a later one that tells more", "\0\0\x83\1more", 8, 131 },
	};
	struct store_answer got, ok = { .status = STORE_OK, .words = "" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, 0);
		assert_true(store_answer_read(&got, STORE_WIRE_LOGIN, (struct span){ (const uint8_t *)rows[i].body, rows[i].n }, memory));
		assert_true(got.version == rows[i].version);
	}
	buf_reset(&out);
	store_answer_write(&out, STORE_WIRE_LOGIN, &ok);
	assert_true(store_answer_read(&got, STORE_WIRE_LOGIN, buf_span(&out), memory));
	assert_true(got.version == STORE_WIRE_VERSION);
}

static uint64_t sum(uint64_t so_far)
{
	for (size_t i = 0; i < out.n; i++)
		so_far = (so_far ^ out.p[i]) * 1099511628211u; /* FNV-1a */
	return so_far;
}

/* What is asked and answered in this version. Where this fails the form has changed: then STORE_WIRE_VERSION goes up by one, so
 * that a yubin and a storaged of different builds don't misread each other, and the sum follows. New rows change the sum alone. */
static void test_form_of_this_version(void **state)
{
	static const struct {
		int version;
		uint64_t sum;
	} form = { 2, 11499168452266619703u };
	uint64_t is = 14695981039346656037u;

	(void)state;
	for (size_t i = 0; i < ASKS; i++) {
		buf_reset(&out);
		store_ask_write(&out, &asks[i].ask);
		is = sum(is);
	}
	for (size_t i = 0; i < ANSWERS; i++) {
		buf_reset(&out);
		store_answer_write(&out, answers[i].type, &answers[i].answer);
		is = sum(is);
	}
	assert_int_equal(STORE_WIRE_VERSION, form.version);
	assert_true(is == form.sum || (print_error("the sum is %lluu\n", (unsigned long long)is), false));
}

/* More mailboxes than a page holds: the caller goes on where the page ends. */
static void test_long_list_is_cut(void **state)
{
	enum { MANY = 2000 };
	static struct store_mailbox many[MANY];
	static char name[STORE_NAME_MAX];
	struct store_answer a = { .status = STORE_OK, .words = "", .from = 40, .list = { .mailboxes = many, .count = MANY } },
			    got;

	(void)state;
	memset(name, 'n', sizeof(name));
	for (size_t i = 0; i < MANY; i++)
		many[i].name = (struct span){ (uint8_t *)name, sizeof(name) };
	buf_reset(&out);
	store_answer_write(&out, STORE_WIRE_LIST, &a);
	assert_true(out.n <= STORE_WIRE_LIST_BYTES);
	assert_true(store_answer_read(&got, STORE_WIRE_LIST, buf_span(&out), memory));
	assert_true(got.list.count > 0 && got.list.count < MANY);
	assert_int_equal(got.list.next, 40 + got.list.count);
}

/* The largest delivery that store.h allows in usual lengths fits into a message. */
static void test_largest_delivery_fits(void **state)
{
	static struct store_recipient many[STORE_RECIPIENTS];
	static uint8_t bytes[STORE_META_MAX];
	struct store_ask_body body = { .where = STORE_ASK_INLINE, .bytes = { bytes, 48 * 1024 } };
	struct store_ask ask = { .type = STORE_WIRE_DELIVER,
				 .bodies = &body,
				 .delivery = { .recipients = many,
					       .count = STORE_RECIPIENTS,
					       .meta = { bytes, sizeof(bytes) } } };

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	for (size_t i = 0; i < STORE_RECIPIENTS; i++)
		many[i] = (struct store_recipient){ { bytes, STORE_ACCOUNT_MAX - 1 }, { bytes, 400 }, STORE_QUOTA_NONE };
	buf_reset(&out);
	assert_int_equal(store_ask_write(&out, &ask), STORE_OK);
	assert_true(out.n <= IPC_MESSAGE_MAX);
	ask.delivery.count = STORE_RECIPIENTS + 1;
	buf_reset(&out);
	assert_int_equal(store_ask_write(&out, &ask), STORE_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_asks_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_asks_cut_anywhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_types_that_are_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limits_hold_on_the_other_side, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_login_tells_the_version, setup, teardown),
		cmocka_unit_test_setup_teardown(test_form_of_this_version, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_list_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_largest_delivery_fits, setup, teardown),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "store_wire");
}
