/* date.c - the contract is in date.h. */
#include "mime/date.h"

#include "common/base/ascii.h"
#include "common/base/clock.h"
#include "mime/lex.h"

/* What was found so far; -1 is nothing. */
struct date_parts {
	int day, month, hour, minute, second, zone_minutes;
	int64_t year;
	bool zone;
};

/* RFC 5322 4.3; any other name of letters is -0000. */
static const struct {
	const char *name;
	int minutes;
} zones[] = {
	{ "EST", -300 }, { "EDT", -240 }, { "CST", -360 }, { "CDT", -300 },
	{ "MST", -420 }, { "MDT", -360 }, { "PST", -480 }, { "PDT", -420 },
};

static const char *const day_names[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

/* Digits, and what white space and comments stand around them (RFC 5322 4.3). */
static struct span take_digits(struct span *in)
{
	struct span digits;
	size_t n = 0;

	mime_lex_skip(in);
	while (n < in->n && ascii_digit(in->p[n]))
		n++;
	digits = span_take(in, n);
	mime_lex_skip(in);
	return digits;
}

static struct span take_letters(struct span *in)
{
	size_t n = 0;

	while (n < in->n && ascii_alpha(in->p[n]))
		n++;
	return span_take(in, n);
}

/* The number in digits, or -1 if it is longer than 4 digits. */
static int small_number(struct span digits)
{
	uint64_t n;

	return digits.n <= 4 && span_number(digits, 9999, &n) ? (int)n : -1;
}

/* RFC 5322 4.3: two digits are 1950 to 2049, three count from 1900. */
static int64_t year_of(struct span digits)
{
	int64_t year = small_number(digits);

	if (digits.n == 3 || (digits.n == 2 && year >= 50))
		return year + 1900;
	return digits.n <= 2 ? year + 2000 : year;
}

/* ":MM" or ":MM:SS" behind the hour. False if it is no time. */
static bool take_time(struct span *in, int hour, struct date_parts *d)
{
	d->hour = hour;
	span_take(in, 1);
	d->minute = small_number(take_digits(in));
	d->second = 0;
	if (span_starts(*in, ":")) {
		span_take(in, 1);
		d->second = small_number(take_digits(in));
	}
	/* RFC 5322 3.3: 60 is a leap second */
	return d->hour >= 0 && d->hour < 24 && d->minute >= 0 && d->minute < 60 && d->second >= 0 &&
	       d->second <= 60;
}

static bool take_number(struct span *in, struct date_parts *d)
{
	struct span digits = take_digits(in);
	int n = small_number(digits);

	if (n < 0)
		return false;
	if (d->hour < 0 && span_starts(*in, ":"))
		return take_time(in, n, d);
	if (d->day < 0 && digits.n <= 2)
		d->day = n;
	else if (d->year < 0)
		d->year = year_of(digits);
	return true;
}

static void take_zone(struct span *in, int sign, struct date_parts *d)
{
	int n = small_number(take_digits(in));

	if (n < 0 || n % 100 > 59 || n > 2400)
		n = 0;
	d->zone_minutes = sign * (n / 100 * 60 + n % 100);
	d->zone = true;
}

static bool is_day_name(struct span word)
{
	for (size_t i = 0; i < sizeof(day_names) / sizeof(day_names[0]); i++)
		if (span_starts_nocase(word, day_names[i]))
			return true;
	return false;
}

static void take_word(struct span *in, struct date_parts *d)
{
	struct span word = take_letters(in), three = { word.p, word.n < 3 ? word.n : 3 };

	if (d->month <= 0 && clock_month(three) > 0) {
		d->month = (int)clock_month(three);
		return;
	}
	if (d->hour < 0 || d->zone || is_day_name(word))
		return;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (span_is_nocase(word, zones[i].name))
			d->zone_minutes = zones[i].minutes;
}

static bool take_all(struct span in, struct date_parts *d)
{
	while (in.n > 0) {
		uint8_t c = in.p[0];

		if (ascii_digit(c)) {
			if (!take_number(&in, d))
				return false;
		} else if (ascii_alpha(c)) {
			take_word(&in, d);
		} else if (c == '(') {
			mime_lex_comment(&in);
		} else if ((c == '+' || c == '-') && d->hour >= 0 && !d->zone) {
			span_take(&in, 1);
			take_zone(&in, c == '-' ? -1 : 1, d);
		} else {
			span_take(&in, 1);
		}
	}
	return true;
}

static int days_in_month(int64_t year, int month)
{
	int64_t next_year = month == 12 ? year + 1 : year;
	unsigned next = month == 12 ? 1 : (unsigned)month + 1;

	return (int)(clock_days(next_year, next, 1) - clock_days(year, (unsigned)month, 1));
}

bool mime_date_parse(struct span value, struct mime_date *date)
{
	struct date_parts d = { .day = -1, .hour = -1, .year = -1 };
	int64_t seconds;

	*date = (struct mime_date){ 0 };
	if (!take_all(value, &d) || d.day < 1 || d.month < 1 || d.year < 0)
		return false;
	if (d.day > days_in_month(d.year, d.month))
		return false;
	seconds = d.hour < 0 ? 0 : d.hour * 3600 + d.minute * 60 + d.second;
	date->day = clock_days(d.year, (unsigned)d.month, (unsigned)d.day);
	date->zone_minutes = d.zone_minutes;
	date->real_s = date->day * 86400 + seconds - (int64_t)d.zone_minutes * 60;
	return true;
}
