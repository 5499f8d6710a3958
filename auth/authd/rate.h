/*
 * rate.h - how much mail an account may send by hour and by day.
 *
 * Windows are fixed: one begins with the first message in it and ends an hour or a day
 * later. A message that is refused counts for nothing.
 * Memory  An entry for each account that sent within a day; no file: a restart of authd begins anew.
 * Pure, but for the key of its table.
 */
#ifndef AUTHD_RATE_H
#define AUTHD_RATE_H

#include "common/base/error.h"
#include "common/base/span.h"

struct rate;			/* opaque */

/* Each with its enumerator's place in struct rate_limits. */
enum rate_window { RATE_HOUR, RATE_DAY, RATE_WINDOWS };

struct rate_limits {		/* 0: no limit */
	uint64_t messages[RATE_WINDOWS], recipients[RATE_WINDOWS];
};

struct rate_over {
	enum rate_window window;
	const char *what;	/* "messages", "recipients" */
	uint64_t limit;
	uint64_t ends_ms;	/* when the window does; 0: the message alone is over the limit */
};

enum rate_status {
	RATE_OK,		/* counted */
	RATE_OVER,
	RATE_NO_MEMORY
};

int rate_new(struct rate **out, struct error *err);
/* NULL is allowed. */
void rate_free(struct rate *r);

/* One more message to so many recipients. *over is filled for RATE_OVER: of several limits that
 * which lasts longest. now_ms: monotonic. */
enum rate_status rate_take(struct rate *r, const struct rate_limits *limits, const char *account,
			   uint64_t recipients, uint64_t now_ms, struct rate_over *over);

/* "300 messages an hour are this account's limit; again from 2026-11-22 04:20 UTC". real_s: when the
 * window ends. */
void rate_words(char *out, size_t size, const struct rate_over *over, int64_t real_s);

#endif
