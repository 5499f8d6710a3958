/* clock.c - the contract is in clock.h. */
#include "common/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
				    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

uint64_t clock_mono_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int64_t clock_real_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Broken-down local time, and the zone's offset in minutes. */
static struct tm clock_local(int64_t real_s, int *minutes)
{
	time_t t = (time_t)real_s;
	struct tm tm = { 0 };

	localtime_r(&t, &tm);
	*minutes = (int)(tm.tm_gmtoff / 60);
	return tm;
}

void clock_log_text(char out[CLOCK_TEXT], int64_t real_ms)
{
	int off;
	struct tm tm = clock_local(real_ms / 1000, &off);

	snprintf(out, CLOCK_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d.%03d%c%02d:%02d", tm.tm_year + 1900,
		 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(real_ms % 1000),
		 off < 0 ? '-' : '+', abs(off) / 60, abs(off) % 60);
}

void clock_mail_text(char out[CLOCK_TEXT], int64_t real_s)
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	int off;
	struct tm tm = clock_local(real_s, &off);

	snprintf(out, CLOCK_TEXT, "%s, %d %s %04d %02d:%02d:%02d %c%02d%02d", days[tm.tm_wday], tm.tm_mday,
		 months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec, off < 0 ? '-' : '+',
		 abs(off) / 60, abs(off) % 60);
}

void clock_imap_text(char out[CLOCK_TEXT], int64_t real_s)
{
	int off;
	struct tm tm = clock_local(real_s, &off);

	snprintf(out, CLOCK_TEXT, "%2d-%s-%04d %02d:%02d:%02d %c%02d%02d", tm.tm_mday, months[tm.tm_mon],
		 tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec, off < 0 ? '-' : '+', abs(off) / 60,
		 abs(off) % 60);
}

void clock_utc_text(char out[CLOCK_TEXT], int64_t real_s)
{
	time_t t = (time_t)real_s;
	struct tm tm = { 0 };

	gmtime_r(&t, &tm);
	snprintf(out, CLOCK_TEXT, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		 tm.tm_hour, tm.tm_min, tm.tm_sec);
}

unsigned clock_month(struct span name)
{
	for (unsigned i = 0; i < 12; i++)
		if (span_is_nocase(name, months[i]))
			return i + 1;
	return 0;
}

/* Counts from 1 March of the year 0, so that the leap day ends a year. */
int64_t clock_days(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t in_era = y - era * 400;
	int64_t in_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;

	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

/* A number of exactly `digits` digits at *in, and the sign behind it if end is not 0. */
static bool take_number(struct span *in, size_t digits, uint8_t end, uint64_t max, uint64_t *out)
{
	struct span text = span_take(in, digits);

	if (text.n != digits || !span_number(text, max, out))
		return false;
	if (end == 0)
		return true;
	struct span sign = span_take(in, 1);

	return sign.n == 1 && sign.p[0] == end;
}

/* RFC 9051 9: date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE */
bool clock_imap_parse(struct span in, int64_t *real_s)
{
	uint64_t day, year, hour, minute, second, zone_h, zone_m;
	unsigned month;
	struct span sign;
	int64_t offset;

	if (in.n > 0 && in.p[0] == ' ') {
		span_take(&in, 1);
		if (!take_number(&in, 1, '-', 9, &day))
			return false;
	} else if (!take_number(&in, 2, '-', 31, &day)) {
		return false;
	}
	month = clock_month(span_take(&in, 3));
	if (day == 0 || month == 0 || !span_is(span_take(&in, 1), "-") || !take_number(&in, 4, ' ', 9999, &year) ||
	    !take_number(&in, 2, ':', 23, &hour) || !take_number(&in, 2, ':', 59, &minute) ||
	    !take_number(&in, 2, ' ', 60, &second))
		return false;
	sign = span_take(&in, 1);
	if ((!span_is(sign, "+") && !span_is(sign, "-")) || !take_number(&in, 2, 0, 23, &zone_h) ||
	    !take_number(&in, 2, 0, 59, &zone_m) || in.n != 0)
		return false;
	offset = (int64_t)(zone_h * 60 + zone_m) * (sign.p[0] == '-' ? -60 : 60);
	*real_s = clock_days((int64_t)year, month, (unsigned)day) * 86400 + (int64_t)(hour * 3600 + minute * 60 + second) -
		  offset;
	return true;
}
