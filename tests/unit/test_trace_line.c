/* test_trace_line.c - a line of the log, taken apart.
 * link: admin common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "admin/trace_line.h"

#define HEAD "2026-11-22T04:03:23.664+00:00 info smtpd[1] "

static const struct {
	const char *why, *line, *connection, *phrase, *name, *value; /* value NULL: there is no such pair */
} rows[] = {
	{ "a connection's", HEAD "ICID 7 message accepted id=A1 size=812", "ICID 7", "message accepted",
	  "size", "812" },
	{ "another's", HEAD "DCID 9 delivered id=A1 to=<b@x>", "DCID 9", "delivered", "to", "b@x" },
	{ "without one", HEAD "queue entry held id=A1 recipients=2", "", "queue entry held", "id", "A1" },
	{ "no pairs", HEAD "DCID 3 TLS off", "DCID 3", "TLS off", "id", NULL },
	{ "a quoted value", HEAD "failed reason=\"550 \\\"no\\\" id=X\" id=A2", "", "failed", "id", "A2" },
	{ "the quoted value itself", HEAD "failed reason=\"550 \\\"no\\\" id=X\" id=A2", "", "failed",
	  "reason", "550 \\\"no\\\" id=X" },
	{ "a quote that does not end", HEAD "failed reason=\"550 no", "", "failed", "reason", "550 no" },
	{ "a backslash at the end", HEAD "failed reason=\"550\\", "", "failed", "reason", "550\\" },
	{ "an address with a space", HEAD "deferred to=<\\\"a id=Z b\\\"@x> id=A3", "", "deferred", "id",
	  "A3" },
	{ "an address with a bracket in it", HEAD "deferred to=<\\\"a>b\\\"@x> id=A3", "", "deferred", "to",
	  "\\\"a>b\\\"@x" },
	{ "a null sender", HEAD "deferred from=<> id=A3", "", "deferred", "from", "" },
	{ "an empty value", HEAD "deferred host= id=A3", "", "deferred", "host", "" },
	{ "a name that ends like another", HEAD "x message-id=<1@x> id=A4", "", "x", "id", "A4" },
	{ "words between pairs", HEAD "x a=1 then b=2", "", "x", "b", "2" },
	{ "a TLS line", HEAD "DCID 9 TLS success protocol TLSv1.3 cipher X group=x25519", "DCID 9",
	  "TLS success protocol TLSv1.3 cipher X", "group", "x25519" },
	{ "a number that is none", HEAD "ICID x closed by=client", "", "ICID x closed", "by", "client" },
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span value;
		struct trace_line l;

		unit_case(rows[i].why, i);
		assert_true(trace_line_read(&l, span_of(rows[i].line)));
		assert_true(span_is(l.connection, rows[i].connection));
		assert_true(span_is(l.phrase, rows[i].phrase));
		assert_true(span_is(l.daemon, "smtpd[1]"));
		assert_int_equal(trace_line_value(&l, rows[i].name, &value), rows[i].value != NULL);
		assert_true(span_is(value, rows[i].value != NULL ? rows[i].value : ""));
	}
}

/* Nothing is read past the end, wherever the line is cut. */
static void test_cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t cut = 0; cut <= strlen(rows[i].line); cut++) {
			uint8_t *copy = malloc(cut > 0 ? cut : 1);
			struct span value;
			struct trace_line l;

			memcpy(copy, rows[i].line, cut);
			if (trace_line_read(&l, (struct span){ copy, cut }))
				trace_line_value(&l, rows[i].name, &value);
			free(copy);
		}
}

static const struct {
	const char *time;
	int64_t real_s; /* -1: it is none */
} times[] = {
	{ "1970-01-01T00:00:00.000+00:00", 0 },
	{ "2026-11-22T04:03:23.664+00:00", 1795320203 },
	{ "2026-11-22T13:03:23.664+09:00", 1795320203 },
	{ "2026-11-21T23:03:23-05:00", 1795320203 },
	{ "2026-11-22T04:03:23Z", 1795320203 },
	{ "2026-11-22T04:03:23", -1 },
	{ "2026-11-22 04:03:23Z", -1 },
	{ "2026-00-22T04:03:23Z", -1 },
	{ "2026-11-22T04:03:23+0900", -1 },
	{ "", -1 },
};

static void test_times(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int64_t real_s = -2;

		unit_case(times[i].time, i);
		assert_int_equal(trace_line_time(span_of(times[i].time), &real_s), times[i].real_s >= 0);
		if (times[i].real_s >= 0)
			assert_true(real_s == times[i].real_s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
