/* test_header_watch.c - what a header holds, seen as it streams by, cut anywhere.
 * link: smtpd common/base */
#include "tests/unit/unit.h"

#include "smtpd/header_watch.h"

static const struct {
	const char *why, *text;
	unsigned received;
	bool date, id, over;
	size_t header;
} rows[] = {
	{ "all of it", "Received: a\r\nFrom: b\r\nDate: c\r\nMessage-ID: d\r\n\r\nbody", 1, true, true, true, 46 },
	{ "names in any case, a blank before the colon", "received : a\r\nFROM:b\r\n\r\n", 1, false, false, true, 22 },
	{ "a folded line is no field", "Subject: x\r\n Received: y\r\n\tDate: z\r\n\r\n", 0, false, false, true, 36 },
	{ "what is in the body does not count", "A: b\r\n\r\nFrom: x\r\n", 0, false, false, true, 6 },
	{ "a name that begins like one", "Dates: x\r\nReceived-SPF: y\r\n\r\n", 0, false, false, true, 27 },
	{ "two From", "From: a\r\nFrom: b\r\n\r\n", 0, false, false, true, 18 },
	{ "no empty line", "From: a\r\n", 0, false, false, false, 9 },
	{ "no header", "\r\nFrom: x\r\n", 0, false, false, true, 0 },
	{ "no colon", "From\r\nDate: x\r\n\r\n", 0, true, false, true, 15 },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t cut = 0; cut <= strlen(rows[i].text); cut++) {
			struct header_watch w;
			size_t n;

			unit_case(rows[i].why, cut);
			header_watch_init(&w);
			n = header_watch_feed(&w, (struct span){ (const uint8_t *)rows[i].text, cut });
			n += header_watch_feed(&w, span_of(rows[i].text + cut));
			assert_int_equal(n, rows[i].header);
			assert_int_equal(w.received, rows[i].received);
			assert_int_equal(w.date, rows[i].date);
			assert_int_equal(w.has_message_id, rows[i].id);
			assert_int_equal(w.over, rows[i].over);
			header_watch_clear(&w);
		}
}

static const struct {
	const char *why, *text, *message_id, *delivered;
	bool tls_optional, eight_bit;
} values[] = {
	{ "a Message-ID", "Message-ID: <a@b>\r\n\r\n", "<a@b>", "", false, false },
	{ "folded, with blanks around", "Message-ID :\r\n \t<a@b> \r\nX: y\r\n\r\n", "<a@b>", "", false, false },
	{ "the first of two", "Message-ID: <a>\r\nMessage-ID: <b>\r\n\r\n", "<a>", "", false, false },
	{ "at the end, without an empty line", "message-id: <a>", "<a>", "", false, false },
	{ "an empty one", "Message-ID:\r\n\r\n", "", "", false, false },
	{ "whom it was delivered to", "Delivered-To: a@b\r\nX: y\r\ndelivered-to:\r\n c@d\r\n\r\nDelivered-To: e@f\r\n", "",
	  "a@b\nc@d\n", false, false },
	{ "TLS is not required", "TLS-Required: No\r\n\r\n", "", "", true, false },
	{ "in any case, folded", "tls-required:\r\n nO\r\n\r\n", "", "", true, false },
	{ "TLS-Required without a meaning", "TLS-Required: Yes\r\n\r\n", "", "", false, false },
	{ "one in the body", "A: b\r\n\r\nTLS-Required: No\r\n", "", "", false, false },
	{ "8-bit in the header", "Subject: \xc3\xa4\r\n\r\n", "", "", false, true },
	{ "8-bit in the body", "Subject: x\r\n\r\n\xc3\xa4\r\n", "", "", false, false },
};

static void test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		for (size_t cut = 0; cut <= strlen(values[i].text); cut++) {
			struct header_watch w;

			unit_case(values[i].why, cut);
			header_watch_init(&w);
			header_watch_feed(&w, (struct span){ (const uint8_t *)values[i].text, cut });
			header_watch_feed(&w, span_of(values[i].text + cut));
			header_watch_end(&w);
			assert_string_equal(w.message_id, values[i].message_id);
			unit_is(w.delivered.p, w.delivered.n, values[i].delivered);
			assert_int_equal(w.tls_optional, values[i].tls_optional);
			assert_int_equal(w.eight_bit, values[i].eight_bit);
			header_watch_clear(&w);
		}
}

/* Values that are too long are none; too many of them are told. */
static void test_limits(void **state)
{
	struct header_watch w;
	char line[2048];

	(void)state;
	header_watch_init(&w);
	snprintf(line, sizeof(line), "Message-ID: %0400d\r\nDelivered-To: %0400d\r\nTLS-Required: No%400s\r\n\r\n", 1, 2, "");
	header_watch_feed(&w, span_of(line));
	assert_true(w.has_message_id);
	assert_string_equal(w.message_id, "");
	assert_int_equal(w.delivered.n, 0);
	assert_false(w.tls_optional);
	header_watch_clear(&w);
	header_watch_init(&w);
	snprintf(line, sizeof(line), "Delivered-To: %0300d\r\n", 1);
	for (int i = 0; i < 60; i++)
		header_watch_feed(&w, span_of(line));
	header_watch_end(&w);
	assert_true(w.delivered.failed);
	header_watch_clear(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_values),
					    cmocka_unit_test(test_limits) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "header_watch");
}
