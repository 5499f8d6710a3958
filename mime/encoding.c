/* encoding.c - the contract is in encoding.h. */
#include "mime/encoding.h"

#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "mime/param.h"

enum mime_encoding mime_encoding_of(struct span value)
{
	static const struct {
		const char *name;
		enum mime_encoding encoding;
	} names[] = {
		{ "7bit", MIME_ENCODING_IDENTITY },
		{ "8bit", MIME_ENCODING_IDENTITY },
		{ "binary", MIME_ENCODING_IDENTITY },
		{ "quoted-printable", MIME_ENCODING_QUOTED_PRINTABLE },
		{ "base64", MIME_ENCODING_BASE64 },
	};
	enum mime_encoding out = MIME_ENCODING_UNKNOWN;
	struct buf word;

	buf_init(&word, 64);
	if (!mime_param_word(&value, &word))
		out = MIME_ENCODING_IDENTITY;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_is_nocase(buf_span(&word), names[i].name))
			out = names[i].encoding;
	buf_clear(&word);
	return out;
}

void mime_decoder_init(struct mime_decoder *d, enum mime_encoding encoding)
{
	*d = (struct mime_decoder){ .encoding = encoding };
}

/* The bytes of n signs, 1 to 4: one fewer. */
static void base64_put(struct mime_decoder *d, struct buf *out)
{
	uint32_t bits = d->bits << (6 * (4 - d->held_n));

	for (size_t i = 0; i + 1 < d->held_n; i++)
		buf_put_byte(out, (uint8_t)(bits >> (16 - 8 * i)));
	d->bits = 0;
	d->held_n = 0;
}

/* Whole groups from there on; gives how many bytes they are. */
static size_t base64_run(struct span in, size_t from, struct buf *out)
{
	struct span rest = { in.p + from, in.n - from };
	uint8_t *room = rest.n >= 4 ? buf_room(out, rest.n / 4 * 3) : NULL;
	size_t n = room != NULL ? base64_groups(rest, room) : 0;

	out->n += n / 4 * 3;
	return n;
}

static void base64_feed(struct mime_decoder *d, struct span in, struct buf *out)
{
	for (size_t i = 0; i < in.n; i++) {
		int v;

		if (d->held_n == 0)
			i += base64_run(in, i, out);
		if (i == in.n)
			break;
		v = base64_value(in.p[i]);

		if (v < 0 && in.p[i] != '=')
			continue;	/* RFC 2045 6.8: line ends and noise are passed over */
		if (v >= 0) {
			d->bits = d->bits << 6 | (uint32_t)v;
			d->held_n++;
		}
		if (v < 0 || d->held_n == 4)
			base64_put(d, out);
	}
}

static void held_flush(struct mime_decoder *d, struct buf *out)
{
	buf_put(out, (struct span){ d->held, d->held_n });
	d->held_n = 0;
}

static void held_put(struct mime_decoder *d, uint8_t c, struct buf *out)
{
	if (d->held_n == sizeof(d->held))
		held_flush(d, out);
	d->held[d->held_n++] = c;
}

/* White space is held: it goes if a line end follows (RFC 2045 6.7 rule 3). */
static void plain_byte(struct mime_decoder *d, uint8_t c, struct buf *out)
{
	if (c == ' ' || c == '\t' || c == '\r') {
		held_put(d, c, out);
		return;
	}
	if (c == '\n') {
		if (d->held_n > 0 && d->held[d->held_n - 1] == '\r')
			buf_put_byte(out, '\r');
		d->held_n = 0;
	}
	held_flush(d, out);
	if (c == '=')
		held_put(d, c, out);
	else
		buf_put_byte(out, c);
}

/* Held is '=' and perhaps more: a byte in hexadecimal, or a soft line break with
 * white space before its line end (RFC 2045 6.7 rule 5), or nothing that means
 * anything, which is passed on. */
static void escape_byte(struct mime_decoder *d, uint8_t c, struct buf *out)
{
	int high = d->held_n == 2 ? ascii_hex(d->held[1]) : -1;
	bool space = c == ' ' || c == '\t' || c == '\r';

	if (high < 0 && c == '\n') {
		d->held_n = 0;
	} else if (high >= 0 && ascii_hex(c) >= 0) {
		d->held_n = 0;
		buf_put_byte(out, (uint8_t)(high << 4 | ascii_hex(c)));
	} else if ((d->held_n == 1 && ascii_hex(c) >= 0) ||
		   (high < 0 && space && d->held_n < sizeof(d->held))) {
		held_put(d, c, out);
	} else {
		held_flush(d, out);
		plain_byte(d, c, out);
	}
}

/* Bytes that stand for themselves, with white space inside and whole line ends. */
static size_t quoted_run(struct span in)
{
	size_t i = 0;

	while (i < in.n && in.p[i] != '=') {
		bool more = i + 1 < in.n;

		if (in.p[i] > ' ' || ((in.p[i] == ' ' || in.p[i] == '\t') && more && in.p[i + 1] > ' '))
			i++;
		else if (in.p[i] == '\r' && more && in.p[i + 1] == '\n')
			i += 2;
		else
			break;
	}
	return i;
}

static void quoted_feed(struct mime_decoder *d, struct span in, struct buf *out)
{
	while (in.n > 0) {
		buf_put(out, span_take(&in, d->held_n == 0 ? quoted_run(in) : 0));
		if (in.n == 0)
			break;
		if (d->held_n > 0 && d->held[0] == '=')
			escape_byte(d, span_take(&in, 1).p[0], out);
		else
			plain_byte(d, span_take(&in, 1).p[0], out);
	}
}

void mime_decode(struct mime_decoder *d, struct span in, struct buf *out)
{
	if (d->encoding == MIME_ENCODING_BASE64)
		base64_feed(d, in, out);
	else if (d->encoding == MIME_ENCODING_QUOTED_PRINTABLE)
		quoted_feed(d, in, out);
	else
		buf_put(out, in);
}

void mime_decode_end(struct mime_decoder *d, struct buf *out)
{
	if (d->encoding == MIME_ENCODING_BASE64)
		base64_put(d, out);
	else if (d->held_n > 0 && d->held[0] != '=')
		d->held_n = 0;	/* white space at the end of the last line */
	held_flush(d, out);
}
