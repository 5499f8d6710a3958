/* test_trace_book.c - the story of a message, out of a log.
 * link: admin common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "admin/trace_parts.h"

#define T(s) "2026-11-22T04:0" s ".000+00:00 info "
#define PEER "192.0.2.7:25"
#define HOST "mx.far.example[192.0.2.7]:25"

static const char *const log_lines[] = {
	T("1:00") "smtpd[1] ICID 7 connected peer=203.0.113.9:50112 local=192.0.2.1:587 mode=explicit",
	T("1:01") "smtpd[1] ICID 7 TLS success protocol TLSv1.3 cipher X group=x25519",
	T("1:02") "smtpd[1] ICID 7 login user=mika@h.test mechanism=PLAIN",
	T("1:02") "smtpd[1] ICID 8 connected peer=203.0.113.10:1 local=192.0.2.1:25 mode=explicit",
	T("1:03") "smtpd[1] ICID 8 recipient refused to=<b@far.example> reason=relay",
	T("1:04") "smtpd[1] ICID 7 message accepted id=A1 from=<mika@h.test> recipients=4 accounts=1 "
		  "remotes=3 "
		  "message-id=<1@h.test> size=812 to=<hana@h.test> to=<b@far.example> more=2",
	T("1:05") "smtpd[2] ICID 9 message accepted id=B1 from=<ken@h.test> recipients=1 accounts=0 "
		  "remotes=1 "
		  "message-id=<2@h.test> size=9",
	T("2:00") "deliverd[1] DCID 9 connected host=mx.far.example peer=" PEER,
	T("2:01") "deliverd[1] DCID 9 TLS success protocol TLSv1.3 cipher Y group=x25519",
	T("2:02") "deliverd[1] DCID 9 delivered id=A1 from=<mika@h.test> to=<b@far.example> host=" HOST
		  " status=2.0.0 tls=TLSv1.3 reply=\"250 id=B1 \\\"ok\\\"\"",
	T("2:03") "deliverd[1] DCID 9 deferred id=A1 from=<mika@h.test> to=<c@far.example> host=" HOST
		  " status=4.7.1 tls=TLSv1.3 next=2026-11-22T04:07:00.000+00:00 reason=\"451 later\"",
	"no line of ours",
	T("2:04") "deliverd[1] failed id=A1 from=<mika@h.test> to=<d@dead.example> host=none status=5.1.10 "
		  "tls=none reason=\"null MX\"",
	T("2:05") "deliverd[1] report sent id=R1 about=A1 to=<mika@h.test> kind=failure",
	T("3:00") "storaged[1] queue entry held id=A1 recipients=1",
	T("3:01") "deliverd[1] DCID 10 delivered id=B1 from=<ken@h.test> to=<z@far.example> host=" HOST
		  " status=2.0.0 tls=none reply=\"250 ok\"",
};
enum { LINES = sizeof(log_lines) / sizeof(log_lines[0]) };

static struct trace_book *book;

static void read_log(const char *query, int64_t since_s)
{
	struct error err;

	assert_int_equal(trace_book_new(&book, query, since_s, &err), 0);
	for (enum trace_pass pass = TRACE_FIND; pass <= TRACE_MEET; pass++)
		for (size_t i = 0; i < LINES; i++)
			trace_book_take(book, pass, span_of(log_lines[i]));
}

static const struct {
	const char *why, *query, *ids;
	size_t strays;
} rows[] = {
	{ "an id", "A1", "A1 ", 0 },
	{ "a message-id", "<1@h.test>", "A1 ", 0 },
	{ "a message-id without brackets", "2@h.test", "B1 ", 0 },
	{ "a sender", "MIKA@h.test", "A1 ", 0 },
	{ "a recipient, who was refused too", "b@far.example", "A1 ", 1 },
	{ "a recipient here", "hana@h.test", "A1 ", 0 },
	{ "a report of ours: where it is told", "R1", "R1 ", 0 },
	{ "an id inside of a reply", "B1", "B1 ", 0 },
	{ "nothing", "nobody@h.test", "", 0 },
	{ "half an address", "h.test", "", 0 },
};

static void test_queries(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char ids[100] = "";
		size_t strays = 0;

		unit_case(rows[i].why, i);
		read_log(rows[i].query, 0);
		for (size_t k = 0; k < trace_book_count(book); k++)
			snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "%s ",
				 trace_book_at(book, k)->id);
		assert_string_equal(ids, rows[i].ids);
		for (const struct trace_event *e = trace_book_strays(book); e != NULL; e = e->next)
			strays++;
		assert_int_equal(strays, rows[i].strays);
		trace_book_free(book);
	}
}

static const char story[] =
    "message A1  <1@h.test>\n"
    "    2026-11-22 04:01:04  accepted from mika@h.test for hana@h.test, b@far.example and 2 more, 812 bytes, "
    "into 1 mailbox here, for 3 recipients elsewhere\n"
    "                         by ICID 7 from 203.0.113.9:50112, user mika@h.test, TLS success protocol "
    "TLSv1.3 cipher X group=x25519\n"
    "    2026-11-22 04:02:02  b@far.example: delivered to mx.far.example[192.0.2.7]:25, TLSv1.3: 2.0.0 \"250 "
    "id=B1 \\\"ok\\\"\"\n"
    "                         by DCID 9 to 192.0.2.7:25, TLS success protocol TLSv1.3 cipher Y "
    "group=x25519\n"
    "    2026-11-22 04:02:03  c@far.example: deferred by mx.far.example[192.0.2.7]:25, TLSv1.3: 4.7.1 \"451 "
    "later\"; next try 2026-11-22 04:07:00\n"
    "    2026-11-22 04:02:04  d@dead.example: failed: 5.1.10 \"null MX\"\n"
    "    2026-11-22 04:02:05  report of failure sent to mika@h.test as R1\n"
    "    2026-11-22 04:03:00  queue entry held\n"
    "  now\n"
    "    1 mailbox here: delivered\n"
    "    b@far.example: delivered 2026-11-22 04:02:02, 2.0.0\n"
    "    c@far.example: waits, held\n"
    "    d@dead.example: failed 2026-11-22 04:02:04, 5.1.10\n";

static void test_story(void **state)
{
	struct trace_state *s;
	struct buf out;

	(void)state;
	read_log("A1", 0);
	s = trace_book_state(book, trace_book_at(book, 0), span_of("c@far.example"));
	s->waits = true;
	s->waits_words = span_of("held");
	buf_init(&out, 65536);
	trace_text_write(&out, book, TRACE_QUEUE_ASKED);
	buf_put_byte(&out, '\0');
	assert_string_equal((const char *)out.p, story);
	buf_clear(&out);
	trace_book_free(book);
}

/* What the queue does not have any more is gone; without a server nothing is known. */
static void test_what_is_not_known(void **state)
{
	static const struct {
		enum trace_queue queue;
		const char *text, *json;
	} cases[] = { { TRACE_QUEUE_ASKED, "c@far.example: gone from the queue", "\"state\":\"gone\"" },
		      { TRACE_QUEUE_AWAY, "c@far.example: not known", "\"state\":\"unknown\"" } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct buf out;

		read_log("A1", 0);
		buf_init(&out, 65536);
		trace_text_write(&out, book, cases[i].queue);
		buf_put_byte(&out, '\0');
		assert_non_null(strstr((const char *)out.p, cases[i].text));
		buf_reset(&out);
		trace_json_write(&out, book, cases[i].queue);
		buf_put_byte(&out, '\0');
		assert_non_null(strstr((const char *)out.p, cases[i].json));
		assert_non_null(strstr((const char *)out.p, "\"message_id\":\"<1@h.test>\""));
		assert_non_null(strstr((const char *)out.p, "\"to\":[\"hana@h.test\",\"b@far.example\"],\"more_to\":2"));
		buf_clear(&out);
		trace_book_free(book);
	}
}

/* What was logged before it was accepted comes behind. */
static void test_order(void **state)
{
	static const char *const lines[] = {
		T("1:00") "deliverd[1] deferred id=A1 from=<s@h> to=<b@x> reason=\"no\"",
		T("1:00") "smtpd[1] ICID 7 message accepted id=A1 from=<s@h> size=1",
		T("1:01") "deliverd[1] delivered id=A1 from=<s@h> to=<b@x> reply=\"250\"",
	};
	static const enum trace_kind want[] = { TRACE_ACCEPTED, TRACE_DEFERRED, TRACE_DELIVERED };
	const struct trace_event *e;
	struct error err;

	(void)state;
	assert_int_equal(trace_book_new(&book, "A1", 0, &err), 0);
	for (enum trace_pass pass = TRACE_FIND; pass <= TRACE_GATHER; pass++)
		for (size_t i = 0; i < 3; i++)
			trace_book_take(book, pass, span_of(lines[i]));
	e = trace_book_at(book, 0)->first;
	for (size_t i = 0; i < 3; i++, e = e->next)
		assert_int_equal(e->kind, want[i]);
	assert_null(e);
	trace_book_free(book);
}

/* 04:02:03 and later. */
static void test_since(void **state)
{
	(void)state;
	read_log("A1", 1795320123);
	assert_int_equal(trace_book_count(book), 1);
	assert_null(trace_book_at(book, 0)->accepted);
	assert_true(span_is(trace_book_at(book, 0)->first->phrase, "deferred"));
	trace_book_free(book);
}

/* More messages than are kept: the newest stay, the others are counted. */
static void test_too_many(void **state)
{
	struct error err;
	char line[300];

	(void)state;
	assert_int_equal(trace_book_new(&book, "mika@h.test", 0, &err), 0);
	for (enum trace_pass pass = TRACE_FIND; pass <= TRACE_GATHER; pass++)
		for (unsigned i = 0; i < TRACE_MESSAGES + 7; i++) {
			snprintf(
			    line, sizeof(line),
			    T("1:04") "smtpd[1] ICID %u message accepted id=M%u from=<mika@h.test> size=1", i,
			    i);
			trace_book_take(book, pass, span_of(line));
		}
	assert_int_equal(trace_book_count(book), TRACE_MESSAGES);
	assert_int_equal(trace_book_left_out(book), 7);
	assert_string_equal(trace_book_at(book, 0)->id, "M7");
	assert_string_equal(trace_book_at(book, TRACE_MESSAGES - 1)->id, "M506");
	assert_non_null(trace_book_at(book, TRACE_MESSAGES - 1)->accepted);
	trace_book_free(book);
}

/* Memory has its bound: a message with attempts without end. */
static void test_too_much(void **state)
{
	struct error err;
	char line[300];

	(void)state;
	assert_int_equal(trace_book_new(&book, "M1", 0, &err), 0);
	for (enum trace_pass pass = TRACE_FIND; pass <= TRACE_GATHER; pass++)
		for (unsigned i = 0; i < 200000 && !trace_book_full(book); i++) {
			snprintf(line, sizeof(line),
				 T("1:04") "deliverd[1] DCID %u deferred id=M1 from=<s@h> to=<%u@x> "
					   "reason=\"451\"",
				 i, i);
			trace_book_take(book, pass, span_of(line));
		}
	assert_true(trace_book_full(book));
	trace_book_free(book);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queries),  cmocka_unit_test(test_story),
		cmocka_unit_test(test_order),    cmocka_unit_test(test_what_is_not_known),
		cmocka_unit_test(test_since),    cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
