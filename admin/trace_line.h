/*
 * trace_line.h - one line of the log, taken apart: TIME LEVEL DAEMON [ICID n|DCID n] PHRASE key=value...
 *
 * Values  As they stand there, escaped; quotes and angle brackets around them removed. A value with
 *         spaces stands in quotes or in <>.
 * Pure    No I/O. All that is given is lent from the line.
 */
#ifndef ADMIN_TRACE_LINE_H
#define ADMIN_TRACE_LINE_H

#include "common/base/span.h"

struct trace_line {
	struct span time, level, daemon;
	struct span connection; /* "ICID 7", "DCID 9"; empty: none */
	struct span phrase;     /* "message accepted" */
	struct span pairs;
};

/* False: it is no line of ours. */
bool trace_line_read(struct trace_line *l, struct span line);

/* The value of the first pair of that name. False: there is none. */
bool trace_line_value(const struct trace_line *l, const char *name, struct span *value);

/* The same for one that may be there more than once: *at begins as l->pairs and goes on behind it. */
bool trace_line_next(struct span *at, const char *name, struct span *value);

/* Seconds since 1970 of "2026-11-21T20:41:18.123+09:00". False: it is none. */
bool trace_line_time(struct span time, int64_t *real_s);

#endif
