/* dot.c - the contract is in dot.h. */
#include "common/base/dot.h"

#include <string.h>

enum { DOT_WINDOW = 256 };	/* bytes that are searched at once: a line end is never looked for behind another one for long */

enum {
	DOT_LINE,		/* at the start of a line */
	DOT_TEXT,		/* inside one */
	DOT_CR,			/* behind a CR inside one */
	DOT_DOT,		/* behind a dot that starts a line */
	DOT_DOT_CR		/* behind that dot and a CR */
};

void dot_decoder_init(struct dot_decoder *d)
{
	*d = (struct dot_decoder){ DOT_LINE, false };
}

/* A byte inside a line, or its start; gives the next state. */
static int dot_text(struct dot_decoder *d, uint8_t c, struct buf *out)
{
	if (c == '\n')
		d->bare = true;		/* RFC 5321 2.3.8 */
	buf_put_byte(out, c);
	return c == '\r' ? DOT_CR : DOT_TEXT;
}

static int dot_after_cr(struct dot_decoder *d, uint8_t c, struct buf *out)
{
	if (c == '\n') {
		buf_put_byte(out, c);
		return DOT_LINE;
	}
	d->bare = true;
	return dot_text(d, c, out);
}

/* Behind ". CR" there was no LF: neither the dot nor the CR ended anything. */
static int dot_after_dot_cr(struct dot_decoder *d, uint8_t c, struct buf *out)
{
	d->bare = true;
	buf_put_byte(out, '\r');
	return dot_text(d, c, out);
}

/* The plain run at *in, up to the next CR or LF. */
static void dot_run(struct span *in, struct buf *out)
{
	size_t n = in->n < DOT_WINDOW ? in->n : DOT_WINDOW;
	const uint8_t *end = memchr(in->p, '\r', n);

	if (end != NULL)
		n = (size_t)(end - in->p);
	end = memchr(in->p, '\n', n);
	if (end != NULL)
		n = (size_t)(end - in->p);
	buf_put(out, span_take(in, n));
}

bool dot_decode(struct dot_decoder *d, struct span *in, struct buf *out)
{
	while (in->n > 0) {
		if (d->state == DOT_TEXT)
			dot_run(in, out);
		if (in->n == 0)
			break;
		uint8_t c = span_take(in, 1).p[0];

		if (d->state == DOT_DOT_CR && c == '\n') {
			d->state = DOT_LINE;
			return true;
		}
		switch (d->state) {
		case DOT_LINE:
			d->state = c == '.' ? DOT_DOT : dot_text(d, c, out);
			break;
		case DOT_CR:
			d->state = dot_after_cr(d, c, out);
			break;
		case DOT_DOT:
			d->state = c == '\r' ? DOT_DOT_CR : dot_text(d, c, out);
			break;
		case DOT_DOT_CR:
			d->state = dot_after_dot_cr(d, c, out);
			break;
		default:
			d->state = dot_text(d, c, out);
		}
	}
	return false;
}

void dot_encoder_init(struct dot_encoder *d)
{
	d->state = DOT_LINE;
}

/* Bytes before a dot that starts a line, or all. */
static size_t dot_plain(struct dot_encoder *d, struct span in)
{
	size_t at = 0;

	while (at < in.n && (d->state != DOT_LINE || in.p[at] != '.')) {
		const uint8_t *lf = memchr(in.p + at, '\n', in.n - at);
		size_t end = lf != NULL ? (size_t)(lf - in.p) : in.n;
		bool cr = end > at ? in.p[end - 1] == '\r' : d->state == DOT_CR;

		if (lf == NULL) {
			d->state = cr ? DOT_CR : DOT_TEXT;
			return in.n;
		}
		d->state = cr ? DOT_LINE : DOT_TEXT;
		at = end + 1;
	}
	return at;
}

void dot_encode(struct dot_encoder *d, struct span in, struct buf *out)
{
	while (in.n > 0) {
		buf_put(out, span_take(&in, dot_plain(d, in)));
		if (in.n == 0)
			return;
		buf_put_text(out, "..");
		span_take(&in, 1);
		d->state = DOT_TEXT;
	}
}

void dot_encode_end(struct dot_encoder *d, struct buf *out)
{
	if (d->state != DOT_LINE)
		buf_put_text(out, d->state == DOT_CR ? "\n" : "\r\n");
	buf_put_text(out, ".\r\n");
	d->state = DOT_LINE;
}
