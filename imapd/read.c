/* read.c - the contract is in read.h. */
#include "imapd/read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/line.h"

enum reading {
	READING_LINE,
	READING_LITERAL,	/* into text */
	READING_STREAM,		/* the caller takes it */
	READING_SKIP,		/* dropped */
	READING_SKIP_LINE	/* the rest of a refused command */
};

struct imap_reader {
	struct line_reader *lines;
	enum reading reading;
	size_t line_limit;
	size_t line_bytes;	/* of this command, outside literals */
	size_t literal_bytes;	/* of this command */
	struct imap_literal literal;
	uint64_t left;		/* of the literal */
	uint64_t may_skip;
	struct buf text;	/* empty while a command is one line without literals */
	bool given;		/* text was given: a new command begins */
};

int imap_reader_new(struct imap_reader **out, size_t line_limit, struct error *err)
{
	struct imap_reader *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (r == NULL || line_reader_new(&r->lines, line_limit, err) != 0) {
		free(r);
		return error_set(err, -ENOMEM, "no memory for a session");
	}
	r->line_limit = line_limit;
	buf_init(&r->text, SIZE_MAX / 4);
	*out = r;
	return 0;
}

void imap_reader_free(struct imap_reader *r)
{
	if (r == NULL)
		return;
	line_reader_free(r->lines);
	buf_wipe(&r->text);
	free(r);
}

static void begin(struct imap_reader *r)
{
	buf_wipe(&r->text);	/* LOGIN's arguments may come as literals */
	r->line_bytes = r->literal_bytes = 0;
	r->given = false;
	line_reader_limit(r->lines, r->line_limit);
}

void imap_reader_rest(struct imap_reader *r)
{
	begin(r);
	line_reader_wipe(r->lines);
}

void imap_reader_limit(struct imap_reader *r, size_t line_limit)
{
	r->line_limit = line_limit;
	line_reader_limit(r->lines, line_limit);
}

struct imap_literal imap_reader_literal(const struct imap_reader *r)
{
	return r->literal;
}

size_t imap_reader_literals(const struct imap_reader *r)
{
	return r->literal_bytes;
}

uint64_t imap_reader_left(const struct imap_reader *r)
{
	return r->reading == READING_STREAM ? r->left : 0;
}

/* A literal announced at the end of the line: *at is where its { stands. */
static bool announced(struct span line, struct imap_literal *l, size_t *at)
{
	size_t end = line.n, i;

	if (end < 3 || line.p[end - 1] != '}')
		return false;
	end--;
	l->sync = line.p[end - 1] != '+';
	if (!l->sync)
		end--;
	for (i = end; i > 0 && line.p[i - 1] >= '0' && line.p[i - 1] <= '9'; i--)
		;
	if (i == end || i == 0 || line.p[i - 1] != '{')
		return false;
	if (!span_number((struct span){ line.p + i, end - i }, INT64_MAX, &l->size))
		l->size = UINT64_MAX;
	*at = i - 1;
	return true;
}

static enum imap_read take_line(struct imap_reader *r, struct span line, struct span *text)
{
	size_t at, before = r->text.n;

	r->line_bytes += line.n;
	if (announced(line, &r->literal, &at)) {
		buf_put_secret(&r->text, line);
		buf_put_secret(&r->text, span_of("\r\n"));
		*text = (struct span){ r->text.p, before + at };
		return r->text.failed ? IMAP_READ_LOST : IMAP_READ_LITERAL;
	}
	r->given = true;
	*text = line;
	if (before == 0)
		return IMAP_READ_COMMAND;
	buf_put_secret(&r->text, line);
	*text = buf_span(&r->text);
	return r->text.failed ? IMAP_READ_LOST : IMAP_READ_COMMAND;
}

/* The end of a line, whatever else is wrong with it. */
static struct span line_tail(const struct imap_reader *r, enum line_status st, struct span line)
{
	return st == LINE_TOO_LONG ? line_reader_tail(r->lines) : line;
}

/* The rest of a refused command: only another literal without sync keeps it going. */
static enum imap_read skip_line(struct imap_reader *r, struct span line)
{
	struct imap_literal l;
	size_t at;

	r->reading = READING_LINE;
	if (!announced(line, &l, &at) || l.sync)
		return IMAP_READ_MORE;
	if (l.size > r->may_skip)
		return IMAP_READ_LOST;
	r->may_skip -= l.size;
	r->left = l.size;
	r->reading = READING_SKIP;
	return IMAP_READ_MORE;
}

static enum imap_read one_line(struct imap_reader *r, struct span *in, struct span *text)
{
	struct span line;
	enum line_status st;
	size_t at;

	line_reader_limit(r->lines, r->line_limit - (r->line_bytes < r->line_limit ? r->line_bytes : r->line_limit));
	st = line_feed(r->lines, in, &line);
	if (st == LINE_MORE)
		return IMAP_READ_MORE;
	if (r->reading == READING_SKIP_LINE)
		return skip_line(r, line_tail(r, st, line));
	if (st == LINE_OK)
		return take_line(r, line, text);
	r->given = true;
	*text = line;
	if (!announced(line_tail(r, st, line), &r->literal, &at))
		r->literal = (struct imap_literal){ .sync = true };
	return st == LINE_BARE ? IMAP_READ_BARE : IMAP_READ_LONG;
}

static void take_literal(struct imap_reader *r, struct span *in)
{
	struct span piece = span_take(in, r->left < in->n ? (size_t)r->left : in->n);

	r->left -= piece.n;
	if (r->reading == READING_LITERAL)
		buf_put_secret(&r->text, piece);
	if (r->left == 0)
		r->reading = r->reading == READING_SKIP ? READING_SKIP_LINE : READING_LINE;
}

enum imap_read imap_reader_feed(struct imap_reader *r, struct span *in, struct span *text)
{
	enum imap_read status = IMAP_READ_MORE;

	*text = (struct span){ NULL, 0 };
	if (r->given)
		begin(r);
	while (in->n > 0 && status == IMAP_READ_MORE) {
		if (r->reading == READING_LITERAL || r->reading == READING_SKIP)
			take_literal(r, in);
		else if (r->reading == READING_STREAM)
			break;
		else
			status = one_line(r, in, text);
	}
	return r->text.failed ? IMAP_READ_LOST : status;
}

void imap_reader_accept(struct imap_reader *r)
{
	r->literal_bytes += (size_t)r->literal.size;
	r->left = r->literal.size;
	r->reading = r->left > 0 ? READING_LITERAL : READING_LINE;
}

void imap_reader_stream(struct imap_reader *r)
{
	begin(r);
	r->left = r->literal.size;
	r->reading = r->left > 0 ? READING_STREAM : READING_LINE;
}

void imap_reader_refuse(struct imap_reader *r, uint64_t bound)
{
	begin(r);
	r->reading = READING_LINE;
	if (r->literal.sync)
		return;
	r->left = r->literal.size;
	r->may_skip = bound > r->left ? bound - r->left : 0;
	r->reading = r->left > 0 ? READING_SKIP : READING_SKIP_LINE;
}

struct span imap_reader_take(struct imap_reader *r, struct span *in, size_t max)
{
	struct span piece = { NULL, 0 };

	if (r->reading != READING_STREAM)
		return piece;
	piece = span_take(in, r->left < max ? (size_t)r->left : max);
	r->left -= piece.n;
	if (r->left == 0)
		r->reading = READING_LINE;
	return piece;
}

enum imap_read imap_reader_line(struct imap_reader *r, struct span *in, struct span *text)
{
	enum line_status st = line_feed(r->lines, in, text);

	return st == LINE_MORE ? IMAP_READ_MORE :
	       st == LINE_OK   ? IMAP_READ_COMMAND :
	       st == LINE_BARE ? IMAP_READ_BARE :
				 IMAP_READ_LONG;
}
