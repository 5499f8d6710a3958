/* test_header_watch.c - what a header holds, seen as it streams by, cut anywhere.
 * link: smtpd/header_watch.o common/base/span.o */
#include "tests/unit/unit.h"

#include "smtpd/header_watch.h"

static const struct {
	const char *why, *text;
	unsigned received, from;
	bool date, id, over;
	size_t header;
} rows[] = {
	{ "all of it", "Received: a\r\nFrom: b\r\nDate: c\r\nMessage-ID: d\r\n\r\nbody", 1, 1, true, true, true, 46 },
	{ "names in any case, a blank before the colon", "received : a\r\nFROM:b\r\n\r\n", 1, 1, false, false, true, 22 },
	{ "a folded line is no field", "Subject: x\r\n Received: y\r\n\tDate: z\r\n\r\n", 0, 0, false, false, true, 36 },
	{ "what is in the body does not count", "A: b\r\n\r\nFrom: x\r\n", 0, 0, false, false, true, 6 },
	{ "a name that begins like one", "Dates: x\r\nReceived-SPF: y\r\n\r\n", 0, 0, false, false, true, 27 },
	{ "two From", "From: a\r\nFrom: b\r\n\r\n", 0, 2, false, false, true, 18 },
	{ "no empty line", "From: a\r\n", 0, 1, false, false, false, 9 },
	{ "no header", "\r\nFrom: x\r\n", 0, 0, false, false, true, 0 },
	{ "no colon", "From\r\nDate: x\r\n\r\n", 0, 0, true, false, true, 15 },
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
			assert_int_equal(w.from, rows[i].from);
			assert_int_equal(w.date, rows[i].date);
			assert_int_equal(w.message_id, rows[i].id);
			assert_int_equal(w.over, rows[i].over);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return unit_run(tests, 1, "header_watch");
}
