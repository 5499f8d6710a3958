/* dot.c - the contract is in dot.h. */
#include "common/base/dot.h"

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
	size_t n = 0;

	while (n < in->n && in->p[n] != '\r' && in->p[n] != '\n')
		n++;
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

void dot_encode(struct dot_encoder *d, struct span in, struct buf *out)
{
	while (in.n > 0) {
		size_t n = 0;

		if (d->state == DOT_LINE && in.p[0] == '.')
			buf_put_byte(out, '.');
		while (n < in.n && in.p[n] != '\n')
			n++;
		n += n < in.n;
		if (n > 1 || in.p[0] != '\n')
			d->state = in.p[n - 1] == '\r' ? DOT_CR : DOT_TEXT;
		if (in.p[n - 1] == '\n')
			d->state = (n > 1 ? in.p[n - 2] == '\r' : d->state == DOT_CR) ? DOT_LINE : DOT_TEXT;
		buf_put(out, span_take(&in, n));
	}
}

void dot_encode_end(struct dot_encoder *d, struct buf *out)
{
	if (d->state != DOT_LINE)
		buf_put_text(out, d->state == DOT_CR ? "\n" : "\r\n");
	buf_put_text(out, ".\r\n");
	d->state = DOT_LINE;
}
