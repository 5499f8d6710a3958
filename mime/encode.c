/* encode.c - the contract is in encode.h. */
#include "mime/encode.h"

#include "common/base/base64.h"

enum { LINE = 76, GROUP = 4 };

void mime_encoder_init(struct mime_encoder *e, enum mime_encode_kind kind)
{
	*e = (struct mime_encoder){ .kind = kind };
}

/* --- quoted-printable (RFC 2045 6.7) ---------------------------------------- */

static bool is_plain(uint8_t c)
{
	return (c >= 33 && c <= 126 && c != '=') || c == ' ' || c == '\t';
}

/* Room for n signs and the '=' of a soft line break. */
static void soft_break(struct mime_encoder *e, size_t n, struct buf *out)
{
	if (e->column + n < LINE)
		return;
	buf_put_text(out, "=\r\n");
	e->column = 0;
}

static void put_hex(struct mime_encoder *e, uint8_t c, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";
	uint8_t three[3] = { '=', (uint8_t)digits[c >> 4], (uint8_t)digits[c & 15] };

	soft_break(e, 3, out);
	buf_put(out, (struct span){ three, 3 });
	e->column += 3;
}

static void put_plain(struct mime_encoder *e, uint8_t c, struct buf *out)
{
	soft_break(e, 1, out);
	buf_put_byte(out, c);
	e->column++;
}

static void put_line_end(struct mime_encoder *e, struct buf *out)
{
	if (e->space != 0)	/* rule 3: white space does not end a line */
		put_hex(e, e->space, out);
	e->space = 0;
	e->after_cr = false;
	buf_put_text(out, "\r\n");
	e->column = 0;
}

/* What was held turns out to be inside a line. */
static void put_held(struct mime_encoder *e, struct buf *out)
{
	if (e->space != 0)
		put_plain(e, e->space, out);
	e->space = 0;
	if (e->after_cr)
		put_hex(e, '\r', out);
	e->after_cr = false;
}

static void quoted_byte(struct mime_encoder *e, uint8_t c, struct buf *out)
{
	if (c == '\n') {
		put_line_end(e, out);
		return;
	}
	put_held(e, out);
	if (c == '\r')
		e->after_cr = true;
	else if (c == ' ' || c == '\t')
		e->space = c;
	else if (is_plain(c))
		put_plain(e, c, out);
	else
		put_hex(e, c, out);
}

/* A space before a CR waits with it: the two together may end the line. */
static void quoted_feed(struct mime_encoder *e, struct span in, struct buf *out)
{
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] == '\r' && !e->after_cr)
			e->after_cr = true;
		else
			quoted_byte(e, in.p[i], out);
}

/* --- base64 (RFC 2045 6.8) -------------------------------------------------- */

static void put_group(struct mime_encoder *e, struct buf *out)
{
	if (e->column + GROUP > LINE) {
		buf_put_text(out, "\r\n");
		e->column = 0;
	}
	base64_encode(out, (struct span){ e->held, e->held_n });
	e->column += GROUP;
	e->held_n = 0;
}

static void base64_byte(struct mime_encoder *e, uint8_t c, struct buf *out)
{
	e->held[e->held_n++] = c;
	if (e->held_n == sizeof(e->held))
		put_group(e, out);
}

static void base64_feed(struct mime_encoder *e, struct span in, struct buf *out)
{
	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (e->kind == MIME_ENCODE_BASE64_TEXT && c == '\n' && !e->after_cr)
			base64_byte(e, '\r', out);
		e->after_cr = c == '\r';
		base64_byte(e, c, out);
	}
}

/* --- either ----------------------------------------------------------------- */

void mime_encode(struct mime_encoder *e, struct span in, struct buf *out)
{
	if (e->kind == MIME_ENCODE_QUOTED_PRINTABLE)
		quoted_feed(e, in, out);
	else
		base64_feed(e, in, out);
}

void mime_encode_end(struct mime_encoder *e, struct buf *out)
{
	if (e->kind != MIME_ENCODE_QUOTED_PRINTABLE) {
		if (e->held_n > 0)
			put_group(e, out);
		return;
	}
	if (e->space != 0 && !e->after_cr) {
		put_hex(e, e->space, out);
		e->space = 0;
	}
	put_held(e, out);
}

void mime_encode_close(struct mime_encoder *e, struct buf *out)
{
	if (e->column > 0)
		buf_put_text(out, e->kind == MIME_ENCODE_QUOTED_PRINTABLE ? "=\r\n" : "\r\n");
	e->column = 0;
}

bool mime_encode_base64_is_shorter(struct span in)
{
	size_t quoted = 0;

	for (size_t i = 0; i < in.n; i++)
		quoted += !is_plain(in.p[i]) && in.p[i] != '\r' && in.p[i] != '\n';
	return quoted > in.n / 6;	/* two signs more for each; a third more for all */
}
