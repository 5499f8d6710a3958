/*
 * clock.h - what time it is, and how it is written.
 *
 * Deadlines are monotonic milliseconds; what people and files see is the real
 * time in seconds or milliseconds since 1970.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "common/base/span.h"

/* Milliseconds of a clock that never jumps; its start means nothing. */
uint64_t clock_mono_ms(void);

/* Milliseconds since 1970. */
int64_t clock_real_ms(void);

enum { CLOCK_TEXT = 64 };	/* bytes that every text here fits in, NUL too */

/* "2026-11-21T20:41:18.123+09:00", local time (RFC 3339). */
void clock_log_text(char out[CLOCK_TEXT], int64_t real_ms);

/* "Sat, 21 Nov 2026 20:41:18 +0900", local time (RFC 5322 3.3). */
void clock_mail_text(char out[CLOCK_TEXT], int64_t real_s);

/* "21-Nov-2026 20:41:18 +0900", day padded by a space, local time (RFC 9051 date-time). */
void clock_imap_text(char out[CLOCK_TEXT], int64_t real_s);

/* "2026-11-21T11:41:18Z" (RFC 3339). */
void clock_utc_text(char out[CLOCK_TEXT], int64_t real_s);

/* Reads the form of clock_imap_text, any zone. False if it is none. */
bool clock_imap_parse(struct span in, int64_t *real_s);

/* Days since 1970 of a date of the Gregorian calendar, month 1-12. */
int64_t clock_days(int64_t year, unsigned month, unsigned day);

/* 1-12 for "Jan".."Dec" without regard to case, 0 for what is no month. */
unsigned clock_month(struct span name);

#endif
