/* test_store_wire_queue.c - the requests and answers of storage/queue.h, written and read again.
 * link: storage/ipc common/ipc common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "common/ipc/ipc.h"
#include "storage/ipc/store_answer.h"
#include "storage/ipc/store_ask.h"

#define S(text)                                                                                              \
	{                                                                                                    \
		(const uint8_t *)(text), sizeof(text) - 1                                                    \
	}

static const struct store_recipient recipients[] = { { S("a@example.org"), S("a+x@example.org"), 77 } };
static const struct store_remote remotes[] = {
	{ .address = S("b@far.example"), .sender = S("s@example.org"), .notify = STORE_NOTIFY_FAILURE },
	{ .address = S("c@far.example"), .sender = S("s@example.org"), .orcpt = S("rfc822;c@x") },
	{ .address = S("d@far.example"), .original = S("d@example.org") },
	{ .address = S("e@far.example"), .sender = S("SRS0=x=y=z=s@example.org") },
};
static const struct store_envelope envelope = { "A7z", S("s@example.org"), S("env"), S("<1@x>"),
						STORE_MAIL_8BIT | STORE_MAIL_RET_FULL };
static const struct store_ask_body staged = { .where = STORE_ASK_STAGED, .stage = 300 };
static const struct store_ask_body in_line = { .where = STORE_ASK_INLINE, .bytes = S("text") };
static const struct store_ask_body none;
static const struct queue_outcome outcomes[] = {
	{ 0, QUEUE_DELIVERED, S("2.0.0"), S("250 2.0.0 Ok"), S("mx.example.org[192.0.2.7]:25") },
	{ 7, QUEUE_DEFERRED, S("4.4.1"), S("no answer"), { NULL, 0 } },
};
static const struct store_delivery all = { .recipients = recipients,
					   .count = 1,
					   .meta = S("meta"),
					   .envelope = &envelope,
					   .remotes = remotes,
					   .remote_count = 4 };

static const struct {
	const char *why;
	struct store_ask ask;
} asks[] = {
	{ "remotes and a mailbox",
	  { .type = STORE_WIRE_DELIVER, .txid = { "0123456789abcde" }, .bodies = &staged, .delivery = all } },
	{ "remotes alone",
	  { .type = STORE_WIRE_DELIVER,
	    .bodies = &in_line,
	    .delivery = { .envelope = &envelope, .remotes = remotes, .remote_count = 1 } } },
	{ "lease by turns", { .type = STORE_WIRE_LEASE, .want = { .max = QUEUE_JOBS } } },
	{ "lease of a domain", { .type = STORE_WIRE_LEASE, .want = { S("far.example"), 1 } } },
	{ "release", { .type = STORE_WIRE_RELEASE, .report = { .id = "A7z", .job = UINT32_MAX } } },
	{ "watch", { .type = STORE_WIRE_QUEUE_WATCH, .watch = true } },
	{ "report",
	  { .type = STORE_WIRE_REPORT,
	    .txid = { "0123456789abcde" },
	    .bodies = &none,
	    .report = { .id = "A7z",
			.job = 3,
			.lease = UINT64_MAX,
			.outcomes = outcomes,
			.count = 2,
			.retry_s = -1 } } },
	{ "report with a notice",
	  { .type = STORE_WIRE_REPORT,
	    .bodies = &in_line,
	    .delivery = all,
	    .report = { .id = "A", .outcomes = outcomes, .count = 1, .noticed = true } } },
	{ "domain",
	  { .type = STORE_WIRE_QUEUE_DOMAIN,
	    .domain = { S("far.example"), 20, 1700000000, S("no host answers") } } },
	{ "times", { .type = STORE_WIRE_QUEUE_TIMES, .times = { 14400, 432000 } } },
	{ "note get", { .type = STORE_WIRE_NOTE_GET, .name = S("sts/far.example") } },
	{ "note put",
	  { .type = STORE_WIRE_NOTE_PUT, .name = S("sts/x"), .bytes = S("mode: enforce"), .expires_s = 99 } },
	{ "notes", { .type = STORE_WIRE_NOTES, .name = S("sts/"), .bytes = S("sts/x") } },
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

/* What was read, written once more, is what was written. */
static void test_asks_come_back(void **state)
{
	struct store_ask got;
	struct error err;
	struct buf again;

	(void)state;
	buf_init(&again, 1 << 20);
	for (size_t i = 0; i < ASKS; i++) {
		unit_case(asks[i].why, 0);
		buf_reset(&out);
		buf_reset(&again);
		assert_int_equal(store_ask_write(&out, &asks[i].ask), STORE_OK);
		assert_int_equal(
		    store_ask_read(&got, (uint16_t)asks[i].ask.type, buf_span(&out), memory, &err), 0);
		assert_int_equal(store_ask_write(&again, &got), STORE_OK);
		assert_true(span_equal(buf_span(&out), buf_span(&again)));
	}
	buf_clear(&again);
}

static void test_a_delivery_keeps_all(void **state)
{
	struct store_ask got;
	struct error err;

	(void)state;
	buf_reset(&out);
	store_ask_write(&out, &asks[0].ask);
	assert_int_equal(store_ask_read(&got, STORE_WIRE_DELIVER, buf_span(&out), memory, &err), 0);
	assert_string_equal(got.delivery.envelope->id, "A7z");
	assert_true(span_is(got.delivery.envelope->message_id, "<1@x>"));
	assert_int_equal(got.delivery.envelope->flags, STORE_MAIL_8BIT | STORE_MAIL_RET_FULL);
	assert_int_equal(got.delivery.remote_count, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct store_remote *r = &got.delivery.remotes[i];

		assert_true(span_equal(r->address, remotes[i].address));
		assert_true(span_equal(r->sender, remotes[i].sender));
		assert_true(span_equal(r->original, remotes[i].original));
		assert_true(span_equal(r->orcpt, remotes[i].orcpt));
		assert_int_equal(r->notify, remotes[i].notify);
	}
}

/* A message-id with a tab in it is left out: mail is not refused for it. */
static void test_a_message_id_that_cannot_be(void **state)
{
	struct store_envelope odd = envelope;
	struct store_ask ask = asks[1].ask, got;
	struct error err;

	(void)state;
	odd.message_id = span_of("<1\t@x>");
	ask.delivery.envelope = &odd;
	buf_reset(&out);
	assert_int_equal(store_ask_write(&out, &ask), STORE_OK);
	assert_int_equal(store_ask_read(&got, STORE_WIRE_DELIVER, buf_span(&out), memory, &err), 0);
	assert_int_equal(got.delivery.envelope->message_id.n, 0);
}

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

static struct store_delivery with_remote(const struct store_remote *r, const struct store_envelope *e)
{
	return (struct store_delivery){ .envelope = e, .remotes = r, .remote_count = 1 };
}

static void test_deliveries_that_cannot_be(void **state)
{
	static const struct store_remote newline = { .address = S("b@far.example\r\nDATA") },
					 empty = { .sender = S("s@example.org") },
					 bits = { .address = S("b@x"), .notify = 16 },
					 bad_sender = { .address = S("b@x"), .sender = S("s\n") };
	static const struct store_envelope no_id = { .id = "" }, slash = { .id = "a/b" },
					   flag = { .id = "A", .flags = STORE_MAIL_FLAGS + 1 },
					   long_id = { .id = "abcdefghijklmnopqrstuvwxyz012345" };
	const struct {
		const char *why;
		struct store_delivery d;
		enum store_status status;
	} rows[] = {
		{ "nobody", { .count = 0 }, STORE_INVALID },
		{ "remotes without an envelope", with_remote(remotes, NULL), STORE_INVALID },
		{ "no id", with_remote(remotes, &no_id), STORE_INVALID },
		{ "an id that is a path", with_remote(remotes, &slash), STORE_INVALID },
		{ "an id too long", with_remote(remotes, &long_id), STORE_INVALID },
		{ "a flag that is none", with_remote(remotes, &flag), STORE_INVALID },
		{ "a line end in an address", with_remote(&newline, &envelope), STORE_INVALID },
		{ "a line end in a sender", with_remote(&bad_sender, &envelope), STORE_INVALID },
		{ "no address", with_remote(&empty, &envelope), STORE_INVALID },
		{ "a notify that is none", with_remote(&bits, &envelope), STORE_INVALID },
		{ "too many",
		  { .recipients = recipients,
		    .count = 1,
		    .remotes = remotes,
		    .remote_count = STORE_RECIPIENTS,
		    .envelope = &envelope },
		  STORE_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct store_ask ask = { .type = STORE_WIRE_DELIVER,
					 .bodies = &in_line,
					 .delivery = rows[i].d };

		unit_case(rows[i].why, 0);
		buf_reset(&out);
		assert_int_equal(store_ask_write(&out, &ask), rows[i].status);
	}
}

static void test_queue_asks_that_cannot_be(void **state)
{
	static const struct queue_outcome words = { .words = S("two\nlines") }, fate = { .fate = 4 };
	const struct {
		const char *why;
		struct store_ask ask;
		enum store_status status;
	} rows[] = {
		{ "no jobs", { .type = STORE_WIRE_LEASE }, STORE_INVALID },
		{ "too many jobs",
		  { .type = STORE_WIRE_LEASE, .want = { .max = QUEUE_JOBS + 1 } },
		  STORE_INVALID },
		{ "a report without an id",
		  { .type = STORE_WIRE_REPORT,
		    .bodies = &none,
		    .report = { .outcomes = outcomes, .count = 1 } },
		  STORE_INVALID },
		{ "words of two lines",
		  { .type = STORE_WIRE_REPORT,
		    .bodies = &none,
		    .report = { .id = "A", .outcomes = &words, .count = 1 } },
		  STORE_INVALID },
		{ "a fate that is none",
		  { .type = STORE_WIRE_REPORT,
		    .bodies = &none,
		    .report = { .id = "A", .outcomes = &fate, .count = 1 } },
		  STORE_INVALID },
		{ "too many outcomes",
		  { .type = STORE_WIRE_REPORT,
		    .bodies = &none,
		    .report = { .id = "A", .outcomes = outcomes, .count = STORE_RECIPIENTS + 1 } },
		  STORE_LIMIT },
		{ "a notice to nobody",
		  { .type = STORE_WIRE_REPORT,
		    .bodies = &in_line,
		    .report = { .id = "A", .outcomes = outcomes, .count = 1 } },
		  STORE_INVALID },
		{ "a domain without a name", { .type = STORE_WIRE_QUEUE_DOMAIN }, STORE_INVALID },
		{ "a note without a name", { .type = STORE_WIRE_NOTE_GET }, STORE_INVALID },
		{ "a long note",
		  { .type = STORE_WIRE_NOTE_PUT, .name = S("n"), .bytes = { NULL, QUEUE_NOTE_MAX + 1 } },
		  STORE_LIMIT },
		{ "a long name",
		  { .type = STORE_WIRE_NOTE_PUT, .name = { NULL, QUEUE_NOTE_KEY + 1 } },
		  STORE_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, 0);
		buf_reset(&out);
		assert_int_equal(store_ask_write(&out, &rows[i].ask), rows[i].status);
	}
}

static void test_long_words_are_cut(void **state)
{
	static char words[3000];
	struct queue_outcome o = { .words = { (const uint8_t *)words, sizeof(words) } };
	struct store_ask ask = { .type = STORE_WIRE_REPORT,
				 .bodies = &none,
				 .report = { .id = "A", .outcomes = &o, .count = 1 } },
			 got;
	struct error err;

	(void)state;
	memset(words, 'w', sizeof(words));
	o.host = o.status = o.words;
	buf_reset(&out);
	assert_int_equal(store_ask_write(&out, &ask), STORE_OK);
	assert_int_equal(store_ask_read(&got, STORE_WIRE_REPORT, buf_span(&out), memory, &err), 0);
	assert_int_equal(got.report.outcomes[0].words.n, QUEUE_WORDS_MAX - 1);
	assert_int_equal(got.report.outcomes[0].status.n, QUEUE_STATUS_MAX - 1);
	assert_int_equal(got.report.outcomes[0].host.n, STORE_WIRE_HOST_MAX);
}

/* What the writer refuses, the reader refuses too. */
static void test_limits_hold_on_the_other_side(void **state)
{
	struct store_ask got;
	struct error err;

	(void)state;
	for (uint64_t max = 0; max <= QUEUE_JOBS + 1; max++) {
		buf_reset(&out);
		wire_put_span(&out, (struct span){ NULL, 0 });
		wire_put_varint(&out, max);
		assert_int_equal(store_ask_read(&got, STORE_WIRE_LEASE, buf_span(&out), memory, &err),
				 max > 0 && max <= QUEUE_JOBS ? 0 : -EPROTO);
	}
	for (int c = 1; c < 256; c++) { /* an id of one byte */
		bool good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

		buf_reset(&out);
		wire_put_u8(&out, 1);
		wire_put_u8(&out, (uint8_t)c);
		wire_put_varint(&out, 0);
		assert_int_equal(store_ask_read(&got, STORE_WIRE_RELEASE, buf_span(&out), memory, &err),
				 good ? 0 : -EPROTO);
	}
}

/* --- answers --------------------------------------------------------------------- */

static const struct queue_recipient two[] = {
	{ 4, { .address = S("b@far.example"), .sender = S("s@example.org"), .notify = 2 } },
	{ 9, { .address = S("c@far.example"), .sender = S("s@example.org") } },
};
static struct queue_job jobs[] = {
	{ .lease = UINT64_MAX,
	  .job = 2,
	  .why = QUEUE_DUE | QUEUE_EXPIRED,
	  .envelope = { "A7z", S("s@example.org"), S("env"), S("<1@x>"), STORE_MAIL_UTF8 },
	  .created_s = 1700000000,
	  .size = 5000000000,
	  .attempts = 12,
	  .flushed_ms = UINT64_MAX,
	  .domain = S("far.example"),
	  .sender = S("s@example.org"),
	  .route = S("relay.example:587"),
	  .recipients = two,
	  .count = 2,
	  .fd = -1 },
};
static const struct queue_note notes[] = { { S("a"), S("1") }, { S("b"), { NULL, 0 } } };

static const struct {
	const char *why;
	enum store_wire_type type;
	struct store_answer answer;
} answers[] = {
	{ "nothing is ready", STORE_WIRE_LEASE, { .status = STORE_OK, .jobs = jobs } },
	{ "a job", STORE_WIRE_LEASE, { .status = STORE_OK, .jobs = jobs, .job_count = 1 } },
	{ "later", STORE_WIRE_LEASE, { .status = STORE_TRY_LATER, .words = "no memory" } },
	{ "reported", STORE_WIRE_REPORT, { .status = STORE_OK } },
	{ "note", STORE_WIRE_NOTE_GET, { .status = STORE_OK, .bytes = S("mode: enforce") } },
	{ "notes", STORE_WIRE_NOTES, { .status = STORE_OK, .notes = notes, .note_count = 2, .more = true } },
};

static void test_answers(void **state)
{
	struct store_answer got;

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct buf again;

		buf_init(&again, 1 << 20);
		buf_reset(&out);
		store_answer_write(&out, answers[i].type, &answers[i].answer);
		for (size_t cut = 0; cut <= out.n; cut++) {
			unit_case(answers[i].why, cut);
			assert_int_equal(
			    store_answer_read(&got, answers[i].type, (struct span){ out.p, cut }, memory),
			    cut == out.n);
		}
		store_answer_write(&again, answers[i].type, &got);
		assert_true(span_equal(buf_span(&out), buf_span(&again)));
		buf_clear(&again);
	}
}

static void test_a_job_keeps_all(void **state)
{
	struct store_answer got;

	(void)state;
	buf_reset(&out);
	store_answer_write(&out, STORE_WIRE_LEASE, &answers[1].answer);
	assert_true(store_answer_read(&got, STORE_WIRE_LEASE, buf_span(&out), memory));
	assert_true(got.jobs[0].lease == UINT64_MAX && got.jobs[0].size == 5000000000);
	assert_int_equal(got.jobs[0].job, 2);
	assert_int_equal(got.jobs[0].why, QUEUE_DUE | QUEUE_EXPIRED);
	assert_int_equal(got.jobs[0].attempts, 12);
	assert_true(got.jobs[0].flushed_ms == UINT64_MAX);
	assert_true(span_is(got.jobs[0].domain, "far.example") &&
		    span_is(got.jobs[0].route, "relay.example:587"));
	assert_int_equal(got.jobs[0].fd, -1);
	assert_int_equal(got.jobs[0].recipients[0].number, 4);
	assert_true(span_is(got.jobs[0].recipients[1].to.sender, "s@example.org"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asks_come_back),
		cmocka_unit_test(test_a_delivery_keeps_all),
		cmocka_unit_test(test_a_message_id_that_cannot_be),
		cmocka_unit_test(test_asks_cut_anywhere),
		cmocka_unit_test(test_deliveries_that_cannot_be),
		cmocka_unit_test(test_queue_asks_that_cannot_be),
		cmocka_unit_test(test_long_words_are_cut),
		cmocka_unit_test(test_limits_hold_on_the_other_side),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_a_job_keeps_all),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
