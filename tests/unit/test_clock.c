/* test_clock.c - dates as IMAP and mail write them.
 * link: common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <time.h>

#include "common/base/clock.h"

static const struct {
	const char *why, *text;
	int64_t value;
	bool ok;
} rows[] = {
	{ "the example of RFC 9051", "17-Jul-1996 02:44:25 -0700", 837596665, true },
	{ "a padded day", " 1-Jan-1970 00:00:00 +0000", 0, true },
	{ "before 1970", "31-Dec-1969 23:59:59 +0000", -1, true },
	{ "a leap day", "29-Feb-2000 00:00:00 +0000", 951782400, true },
	{ "east", "21-Nov-2026 20:41:18 +0900", 1795261278, true },
	{ "no zone", "17-Jul-1996 02:44:25", 0, false },
	{ "hour 24", "17-Jul-1996 24:44:25 +0000", 0, false },
	{ "no month", "17-Foo-1996 02:44:25 +0000", 0, false },
	{ "day 0", "00-Jul-1996 02:44:25 +0000", 0, false },
	{ "more behind", "17-Jul-1996 02:44:25 +0000 ", 0, false },
	{ "a day of one digit, not padded", "1-Jul-1996 02:44:25 +0000", 0, false },
	{ "empty", "", 0, false },
};

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t v = 0;

		unit_case(rows[i].why, 0);
		assert_int_equal(clock_imap_parse(span_of(rows[i].text), &v), rows[i].ok);
		assert_true(v == rows[i].value);
	}
}

static void test_write(void **state)
{
	char out[CLOCK_TEXT];
	int64_t back;

	(void)state;
	setenv("TZ", "JST-9", 1);
	tzset();
	clock_mail_text(out, 1795261278);
	assert_string_equal(out, "Sat, 21 Nov 2026 20:41:18 +0900");
	clock_log_text(out, 1795261278123);
	assert_string_equal(out, "2026-11-21T20:41:18.123+09:00");
	clock_imap_text(out, 1795261278);
	assert_string_equal(out, "21-Nov-2026 20:41:18 +0900");
	clock_utc_text(out, 1795261278);
	assert_string_equal(out, "2026-11-21T11:41:18Z");
	setenv("TZ", "NST3:30", 1);
	tzset();
	for (int64_t t = -86400 * 365; t < 4102444800; t += 86400 * 13 + 12345) {
		clock_imap_text(out, t);
		assert_true(clock_imap_parse(span_of(out), &back) && back == t);
	}
}

static void test_monotonic(void **state)
{
	uint64_t a = clock_mono_ms();

	(void)state;
	assert_true(clock_mono_ms() >= a);
	assert_true(clock_real_ms() > 1700000000000);
	assert_int_equal(clock_month(span_of("dec")), 12);
	assert_int_equal(clock_month(span_of("Decem")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse), cmocka_unit_test(test_write),
					    cmocka_unit_test(test_monotonic) };

	return unit_run(tests, 3, "clock");
}
