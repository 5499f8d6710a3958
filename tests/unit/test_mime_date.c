/* test_mime_date.c - RFC 5322 3.3, 4.3 and appendix A. Figures from `date -d`.
 * link: mime common/base */
#include "tests/unit/unit.h"

#include "mime/date.h"

static const struct {
	const char *why, *in;
	int64_t real_s;
	int64_t day;
	int zone_minutes;
} good[] = {
	{ "RFC 5322 A.1.1", "Fri, 21 Nov 1997 09:55:06 -0600", 880127706, 10186, -360 },
	{ "RFC 5322 A.1.2", "Tue, 1 Jul 2003 10:52:37 +0200", 1057049557, 12234, 120 },
	{ "RFC 5322 A.5", "Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 "
			  "(Newfoundland Time)", -27723480, -322, -210 },
	{ "RFC 5322 A.6.2", "21 Nov 97 09:55:06 GMT", 880106106, 10186, 0 },
	{ "RFC 5322 A.6.3", "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, 10186, -360 },
	{ "no day of the week", "21 Nov 2026 20:41:18 +0900", 1795261278, 20778, 540 },
	{ "the date as written, not in UTC", "1 Jan 2026 00:30:00 +0900", 1767195000, 20454, 540 },
	{ "a named zone", "Wed, 2 Oct 2002 08:00:00 EST", 1033563600, 11962, -300 },
	{ "daylight time", "Wed, 2 Oct 2002 08:00:00 PDT", 1033570800, 11962, -420 },
	{ "a military zone is -0000", "Wed, 2 Oct 2002 08:00:00 J", 1033545600, 11962, 0 },
	{ "an unknown zone is -0000", "Wed, 2 Oct 2002 08:00:00 CEST", 1033545600, 11962, 0 },
	{ "no zone", "Wed, 2 Oct 2002 08:00:00", 1033545600, 11962, 0 },
	{ "GMT and a number", "Wed, 2 Oct 2002 08:00:00 GMT+0100", 1033542000, 11962, 60 },
	{ "three digits", "21 Nov 126 20:41:18 +0900", 1795261278, 20778, 540 },
	{ "two digits, this century", "21 Nov 26 20:41:18 +0900", 1795261278, 20778, 540 },
	{ "asctime", "Sat Nov 21 20:41:18 2026", 1795293678, 20778, 0 },
	{ "dashes", "21-Nov-2026 20:41:18 +0900", 1795261278, 20778, 540 },
	{ "a leap second", "31 Dec 2016 23:59:60 +0000", 1483228800, 17166, 0 },
	{ "a leap day", "29 Feb 2024 12:00 Z", 1709208000, 19782, 0 },
	{ "no time at all", "21 Nov 2026", 1795219200, 20778, 0 },
	{ "small letters", "fri, 21 nov 1997 09:55:06 gmt", 880106106, 10186, 0 },
	{ "a whole month's name", "21 November 1997 09:55:06 GMT", 880106106, 10186, 0 },
};

static const char *const bad[] = { "", "yesterday", "21 Nov", "Nov 2026", "32 Jan 2026 00:00:00 +0000",
	"29 Feb 2023 12:00:00 +0000", "0 Jan 2026 00:00:00 +0000", "1 Jan 2026 24:00:00 +0000",
	"1 Jan 2026 10:60:00 +0000", "1 Jan 2026 10:10:61 +0000", "1 Jan 99999 10:10:10 +0000", "(21 Nov 2026)",
	"21 Xyz 2026 10:00:00 +0000" };

static void test_good(void **state)
{
	struct mime_date date;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		unit_case(good[i].why, 0);
		assert_true(mime_date_parse(span_of(good[i].in), &date));
		assert_int_equal(date.real_s, good[i].real_s);
		assert_int_equal(date.day, good[i].day);
		assert_int_equal(date.zone_minutes, good[i].zone_minutes);
	}
}

static void test_bad(void **state)
{
	struct mime_date date;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unit_case(bad[i], 0);
		assert_false(mime_date_parse(span_of(bad[i]), &date));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_good), cmocka_unit_test(test_bad) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "mime_date");
}
