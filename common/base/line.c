/* line.c - the contract is in line.h. */
#include "common/base/line.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"

enum { LINE_KEEP = 512 };	/* bytes that are kept between lines */

struct line_reader {
	struct buf line;
	bool given;		/* the line was given: start a new one */
	bool cr;		/* the last byte was a CR: half a line end, or bare */
	bool bare;		/* this line holds a lone CR or LF */
	uint8_t tail_n;
	uint8_t tail[LINE_TAIL];	/* the end of a line that does not fit */
};

int line_reader_new(struct line_reader **out, size_t max, struct error *err)
{
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return error_set(err, -ENOMEM, "no memory for lines of %zu bytes", max);
	buf_init(&(*out)->line, max);
	return 0;
}

void line_reader_free(struct line_reader *r)
{
	if (r == NULL)
		return;
	buf_wipe(&r->line);
	explicit_bzero(r, sizeof(*r));
	free(r);
}

void line_reader_limit(struct line_reader *r, size_t max)
{
	r->line.max = max;
}

static void line_start(struct line_reader *r)
{
	if (r->line.cap > LINE_KEEP)
		buf_wipe(&r->line);
	if (r->line.n > 0)
		explicit_bzero(r->line.p, r->line.n);
	buf_reset(&r->line);
	r->given = r->cr = r->bare = false;
	r->tail_n = 0;
}

void line_reader_wipe(struct line_reader *r)
{
	if (r->given)
		line_start(r);
}

struct span line_reader_tail(const struct line_reader *r)
{
	struct span all = buf_span(&r->line);

	if (r->line.failed)
		return (struct span){ r->tail, r->tail_n };
	if (all.n > LINE_TAIL)	/* the limit fell behind it */
		span_take(&all, all.n - LINE_TAIL);
	return all;
}

static enum line_status line_end(struct line_reader *r, struct span *out)
{
	r->given = true;
	if (r->line.failed || r->line.n > r->line.max)
		return LINE_TOO_LONG;
	*out = buf_span(&r->line);
	return r->bare ? LINE_BARE : LINE_OK;
}

static void tail_add(struct line_reader *r, struct span s)
{
	size_t keep;

	if (s.n > LINE_TAIL)
		span_take(&s, s.n - LINE_TAIL);
	keep = r->tail_n < LINE_TAIL - s.n ? r->tail_n : LINE_TAIL - s.n;
	memmove(r->tail, r->tail + r->tail_n - keep, keep);
	if (s.n > 0)
		memcpy(r->tail + keep, s.p, s.n);
	r->tail_n = (uint8_t)(keep + s.n);
}

static void line_put(struct line_reader *r, struct span s)
{
	bool failed = r->line.failed;
	struct span had = buf_span(&r->line);

	if (!failed)
		buf_put_secret(&r->line, s);
	if (!failed && r->line.failed && r->line.p == had.p)
		tail_add(r, had);
	if (r->line.failed)
		tail_add(r, s);
}

/* Takes in what holds neither CR nor LF, in one copy. */
static void line_run(struct line_reader *r, struct span *in)
{
	size_t n = 0;

	while (n < in->n && in->p[n] != '\r' && in->p[n] != '\n')
		n++;
	line_put(r, span_take(in, n));
}

static void line_byte(struct line_reader *r, uint8_t c)
{
	line_put(r, (struct span){ &c, 1 });
}

enum line_status line_feed(struct line_reader *r, struct span *in, struct span *out)
{
	*out = (struct span){ NULL, 0 };
	if (r->given)
		line_start(r);
	while (in->n > 0) {
		if (!r->cr)
			line_run(r, in);
		if (in->n == 0)
			break;
		uint8_t c = span_take(in, 1).p[0];

		if (r->cr && c == '\n')
			return line_end(r, out);
		r->bare |= r->cr || c == '\n';	/* RFC 5321 2.3.8: neither ends a line */
		if (r->cr)
			line_byte(r, '\r');
		r->cr = c == '\r';
		if (!r->cr)
			line_byte(r, c);
	}
	return LINE_MORE;
}
