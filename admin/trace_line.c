/* trace_line.c - the contract is in trace_line.h. */
#include "admin/trace_line.h"

#include "common/base/ascii.h"
#include "common/base/clock.h"

/* --- the parts ----------------------------------------------------------------- */

static bool take_connection(struct trace_line *l, struct span *rest)
{
	struct span in = *rest, kind = span_take_until(&in, ' '), number = span_take_until(&in, ' ');
	uint64_t n;

	if ((!span_is(kind, "ICID") && !span_is(kind, "DCID")) || !span_number(number, UINT64_MAX, &n))
		return false;
	l->connection = (struct span){ kind.p, (size_t)(number.p + number.n - kind.p) };
	*rest = in;
	return true;
}

/* Words up to the first that has a '='. */
static void take_phrase(struct trace_line *l, struct span rest)
{
	struct span in = rest;

	l->phrase = (struct span){ rest.p, 0 };
	while (in.n > 0) {
		struct span before = in, word = span_take_until(&in, ' ');

		if (word.n > 0 && word.p[0] != '=' && span_find(word, '=') > 0) {
			l->pairs = before;
			return;
		}
		l->phrase.n = (size_t)(word.p + word.n - rest.p);
	}
}

bool trace_line_read(struct trace_line *l, struct span line)
{
	*l = (struct trace_line){ .time = span_take_until(&line, ' ') };
	l->level = span_take_until(&line, ' ');
	l->daemon = span_take_until(&line, ' ');
	if (l->time.n < 19 || l->time.p[10] != 'T' || l->daemon.n == 0)
		return false;
	take_connection(l, &line);
	take_phrase(l, line);
	return true;
}

/* --- pairs ----------------------------------------------------------------------- */

/* Up to the quote that ends it: a backslash stands before one that does not. */
static struct span take_quoted(struct span *in)
{
	struct span value = { in->p + 1, 0 };
	size_t at = 1;

	while (at < in->n && in->p[at] != '"')
		at += in->p[at] == '\\' && at + 1 < in->n ? 2 : 1;
	value.n = at - 1;
	span_take(in, at < in->n ? at + 1 : in->n);
	return value;
}

/* Up to a '>' that a space follows, or the end. */
static struct span take_bracketed(struct span *in)
{
	struct span value = { in->p + 1, 0 };
	size_t at = 1;

	while (at < in->n && !(in->p[at] == '>' && (at + 1 == in->n || in->p[at + 1] == ' ')))
		at++;
	value.n = at - 1;
	span_take(in, at < in->n ? at + 1 : in->n);
	return value;
}

static struct span take_value(struct span *in)
{
	if (in->n > 0 && in->p[0] == '"')
		return take_quoted(in);
	if (in->n > 0 && in->p[0] == '<')
		return take_bracketed(in);
	for (size_t i = 0; i < in->n; i++)
		if (in->p[i] == ' ')
			return span_take(in, i);
	return span_take(in, in->n);
}

/* The next pair; a word without '=' is passed over. */
static bool next_pair(struct span *in, struct span *name, struct span *value)
{
	while (in->n > 0) {
		size_t n = 0;

		while (n < in->n && in->p[n] != '=' && in->p[n] != ' ')
			n++;
		*name = span_take(in, n);
		if (in->n == 0)
			return false;
		if (span_take(in, 1).p[0] == ' ')
			continue;
		*value = take_value(in);
		return true;
	}
	return false;
}

bool trace_line_next(struct span *at, const char *name, struct span *value)
{
	struct span key;

	while (next_pair(at, &key, value))
		if (span_is(key, name))
			return true;
	*value = (struct span){ NULL, 0 };
	return false;
}

bool trace_line_value(const struct trace_line *l, const char *name, struct span *value)
{
	struct span in = l->pairs;

	return trace_line_next(&in, name, value);
}

/* --- time ------------------------------------------------------------------------ */

/* Digits, and the byte that stands behind them; 0: the end. */
static bool take_number(struct span *in, size_t digits, uint8_t behind, uint64_t max, uint64_t *out)
{
	if (!span_number(span_take(in, digits), max, out))
		return false;
	return behind == 0 || (in->n > 0 && span_take(in, 1).p[0] == behind);
}

static bool take_zone(struct span *in, int64_t *offset_s)
{
	struct span sign = span_take(in, 1);
	uint64_t hours, minutes;

	*offset_s = 0;
	if (span_is(sign, "Z"))
		return in->n == 0;
	if ((!span_is(sign, "+") && !span_is(sign, "-")) || !take_number(in, 2, ':', 23, &hours) ||
	    !take_number(in, 2, 0, 59, &minutes) || in->n > 0)
		return false;
	*offset_s = (int64_t)(hours * 3600 + minutes * 60);
	if (span_is(sign, "-"))
		*offset_s = -*offset_s;
	return true;
}

bool trace_line_time(struct span time, int64_t *real_s)
{
	uint64_t year, month, day, hour, minute, second;
	int64_t offset_s;

	if (!take_number(&time, 4, '-', 9999, &year) || !take_number(&time, 2, '-', 12, &month) ||
	    !take_number(&time, 2, 'T', 31, &day) || !take_number(&time, 2, ':', 23, &hour) ||
	    !take_number(&time, 2, ':', 59, &minute) || !take_number(&time, 2, 0, 60, &second) ||
	    month == 0 || day == 0)
		return false;
	if (time.n > 0 && time.p[0] == '.')
		do
			span_take(&time, 1);
		while (time.n > 0 && ascii_digit(time.p[0]));
	if (!take_zone(&time, &offset_s))
		return false;
	*real_s = clock_days((int64_t)year, (unsigned)month, (unsigned)day) * 86400 +
		  (int64_t)(hour * 3600 + minute * 60 + second) - offset_s;
	return true;
}
