/*
 * date.h - the date and time of a message (RFC 5322 3.3 and 4.3).
 *
 * Takes the obsolete forms (two-digit years, named zones, comments and white space
 * anywhere, no day of the week) and what senders get wrong (no seconds, no zone,
 * single digits, "GMT+0900", a wrong day of the week).
 */
#ifndef MIME_DATE_H
#define MIME_DATE_H

#include "common/base/span.h"

struct mime_date {
	int64_t real_s;		/* seconds since 1970, UTC */
	int64_t day;		/* days since 1970 of the date as it is written, whatever its time
				 * and zone: what SENTSINCE compares (RFC 9051 6.4.4) */
	int zone_minutes;	/* east of UTC */
};

/* Reads the value of a Date field, folded or not. False if it is no date. */
bool mime_date_parse(struct span value, struct mime_date *date);

#endif
