/* downgrade.c - the contract is in downgrade.h.
 *
 * Lines are told apart as mime/parse.c does it, for boundaries; a line's end is kept back until
 * the next line is known, since it belongs to a boundary that follows (RFC 2046 5.1.1). */
#include "mime/downgrade.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mime/encode.h"
#include "mime/encoding.h"
#include "mime/header.h"
#include "mime/lex.h"
#include "mime/param.h"
#include "mime/parse.h"

enum {
	LINE_HELD = MIME_BOUNDARY_MAX + 64,	/* bytes of a line that are looked at */
	LINE_MAX_BYTES = 998			/* RFC 5322 2.1.1 */
};

struct level {			/* an open multipart or message */
	bool message, digest, closed;
	size_t boundary_n;
	uint8_t boundary[MIME_BOUNDARY_MAX];
};

enum mode {			/* what becomes of the bytes that are read */
	MODE_HEADER,		/* gathered */
	MODE_UNDECIDED,		/* the start of a body, held */
	MODE_ENCODE,
	MODE_COPY,		/* 8-bit bytes are an error: d->why */
	MODE_QUOTED,		/* it is quoted-printable already */
	MODE_BASE64,
	MODE_BETWEEN		/* belongs to no part */
};

struct mime_downgrade {
	enum mode mode;
	struct buf header, hold;
	struct mime_encoder encoder;
	const char *why;	/* no 8-bit byte may come */
	bool whole;		/* the header ended with its blank line */
	bool text;		/* the part is text, in lines */
	bool binary;		/* it says that it is not in lines */
	bool identity;		/* "7bit", or nothing said */
	struct level *levels;
	size_t open, room;
	/* the line at hand */
	bool in_line, is_held, cr;
	size_t held_n;
	uint8_t held[LINE_HELD];
	uint8_t end[2];		/* the line end that is kept back */
	size_t end_n;
	struct buf *out;	/* the caller's, during a call */
	struct error error;	/* it failed: for good */
};

int mime_downgrade_new(struct mime_downgrade **out, struct error *err)
{
	struct mime_downgrade *d = *out = calloc(1, sizeof(*d));

	if (d == NULL)
		return error_set(err, -ENOMEM, "no memory to convert a message");
	buf_init(&d->header, DOWNGRADE_HEADER);
	buf_init(&d->hold, DOWNGRADE_HOLD + LINE_HELD);
	return 0;
}

void mime_downgrade_free(struct mime_downgrade *d)
{
	if (d == NULL)
		return;
	buf_clear(&d->header);
	buf_clear(&d->hold);
	free(d->levels);
	free(d);
}

static void fail(struct mime_downgrade *d, const char *why)
{
	if (d->error.code == 0)
		error_set(&d->error, -EINVAL, "the message has 8-bit bytes that can't be converted: %s", why);
}

static size_t count_8bit(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] >= 0x80;
	return n;
}

/* RFC 2045 2.9: what is binary, for no line of a protocol can hold it: NUL, a lone CR or LF, a long line. */
static bool holds_binary(struct span s)
{
	size_t start = 0;

	for (size_t i = 0; i < s.n; i++) {
		bool lf = s.p[i] == '\n';

		if (s.p[i] == 0 || lf != (i > 0 && s.p[i - 1] == '\r') || i - start > LINE_MAX_BYTES + 1)
			return true;
		if (lf)
			start = i + 1;
	}
	return s.n > 0 && s.p[s.n - 1] == '\r';
}

/* --- the header, written ---------------------------------------------------- */

/* Which encoding the header names from now on; NULL: as it stands. */
static void write_fields(struct mime_downgrade *d, const char *encoding)
{
	struct span rest = buf_span(&d->header);
	struct mime_header_field f;

	while (mime_header_next(&rest, &f))
		if (encoding == NULL || !span_is_nocase(f.name, "Content-Transfer-Encoding"))
			buf_put(d->out, f.raw);
	if (encoding == NULL) {
		buf_put(d->out, rest);
		return;
	}
	if (d->header.n > rest.n && d->header.p[d->header.n - rest.n - 1] != '\n')
		buf_put_text(d->out, "\r\n");
	buf_put_text(d->out, "Content-Transfer-Encoding: ");
	buf_put_text(d->out, encoding);
	buf_put_text(d->out, "\r\n");
}

/* A message that knew nothing of MIME has to, now that it is encoded. */
static void write_mime(struct mime_downgrade *d)
{
	struct span header = buf_span(&d->header);
	struct mime_header_field f;
	bool message = d->open == 0 || d->levels[d->open - 1].message;

	if (message && !mime_header_find(header, "MIME-Version", &f))
		buf_put_text(d->out, "MIME-Version: 1.0\r\n");
	if (d->text && !mime_header_find(header, "Content-Type", &f))
		buf_put_text(d->out, "Content-Type: text/plain; charset=unknown-8bit\r\n");
}

static void write_header(struct mime_downgrade *d, const char *encoding)
{
	bool coded = encoding != NULL && strcmp(encoding, "7bit") != 0;

	write_fields(d, encoding);
	if (coded)
		write_mime(d);
	if (encoding != NULL && (d->whole || coded))
		buf_put_text(d->out, "\r\n");
	buf_clear(&d->header);
}

/* --- a part's body ---------------------------------------------------------- */

/* What is held is all of the body, or as much as is held at most. */
static void decide(struct mime_downgrade *d, bool all)
{
	struct span held = buf_span(&d->hold);
	size_t eight = count_8bit(held);
	bool lines = d->text && !d->binary, base64 = !lines || mime_encode_base64_is_shorter(held);

	if (eight == 0 && all && !holds_binary(held)) {
		d->mode = MODE_COPY;
		d->why = "";
		write_header(d, d->identity ? NULL : "7bit");
		buf_put(d->out, held);
	} else {
		d->mode = MODE_ENCODE;
		mime_encoder_init(&d->encoder, !base64	  ? MIME_ENCODE_QUOTED_PRINTABLE :
						 lines ? MIME_ENCODE_BASE64_TEXT : MIME_ENCODE_BASE64);
		write_header(d, base64 ? "base64" : "quoted-printable");
		mime_encode(&d->encoder, held, d->out);
	}
	buf_clear(&d->hold);
}

/* RFC 2045 6.7: a byte that should not have been there, as it should have been. */
static void put_mended(struct mime_downgrade *d, struct span s)
{
	while (s.n > 0) {
		size_t n = 0;

		while (n < s.n && s.p[n] < 0x80)
			n++;
		buf_put(d->out, span_take(&s, n));
		if (s.n == 0)
			break;
		uint8_t c = span_take(&s, 1).p[0];

		if (d->mode == MODE_QUOTED)
			buf_printf(d->out, "=%02X", c);
		else if (d->mode == MODE_BETWEEN)
			buf_put_byte(d->out, '?');
	}
}

/* s is a line end, or bytes inside a line. */
static bool has_lone_cr(struct span s)
{
	return span_find(s, '\r') >= 0 && s.p[s.n - 1] != '\n';
}

/* Bytes of what is read, line ends among them. */
static void put(struct mime_downgrade *d, struct span s)
{
	switch (d->mode) {
	case MODE_HEADER:
		buf_put(&d->header, s);
		if (d->header.failed)
			fail(d, "a header is too large");
		break;
	case MODE_UNDECIDED:
		while (s.n > 0 && d->mode == MODE_UNDECIDED) {
			buf_put(&d->hold, span_take(&s, DOWNGRADE_HOLD - d->hold.n));
			if (d->hold.n == DOWNGRADE_HOLD)
				decide(d, false);
		}
		if (s.n > 0)
			put(d, s);
		break;
	case MODE_ENCODE:
		mime_encode(&d->encoder, s, d->out);
		break;
	case MODE_COPY:
		if (count_8bit(s) > 0 || span_find(s, 0) >= 0 || has_lone_cr(s))
			fail(d, d->why);
		buf_put(d->out, s);
		break;
	default:
		put_mended(d, s);
	}
}

static void put_end(struct mime_downgrade *d)
{
	struct span end = { d->end, d->end_n };

	d->end_n = 0;
	if (end.n == 1 && d->mode == MODE_COPY)
		fail(d, d->why);	/* it would go out as CRLF */
	put(d, end);
}

/* The part that is read ends here; the line end that is kept back is not its own any more. */
static void body_end(struct mime_downgrade *d)
{
	if (d->mode == MODE_UNDECIDED)
		decide(d, true);
	if (d->mode == MODE_ENCODE)
		mime_encode_end(&d->encoder, d->out);
}

/* --- the header, read ------------------------------------------------------- */

static void header_begin(struct mime_downgrade *d)
{
	d->mode = MODE_HEADER;
	d->whole = false;
}

static struct level *level_push(struct mime_downgrade *d)
{
	struct level *levels = d->levels;

	if (d->open >= d->room) {
		size_t room = d->room > 0 ? d->room * 2 : 4;

		levels = realloc(levels, room * sizeof(*levels));
		if (levels == NULL) {
			error_set(&d->error, -ENOMEM, "no memory to convert a message");
			return NULL;
		}
		d->levels = levels;
		d->room = room;
	}
	levels[d->open] = (struct level){ 0 };
	return &levels[d->open++];
}

static void copy_only(struct mime_downgrade *d, const char *why)
{
	d->why = why;
	write_header(d, d->identity ? NULL : "7bit");
	d->mode = MODE_COPY;
}

static bool is_sealed(const struct mime_params *type)
{
	return span_is_nocase(type->subtype, "signed") || span_is_nocase(type->subtype, "encrypted");
}

/* RFC 2046 5.1.1 */
static bool boundary_of(const struct mime_params *type, struct span *boundary)
{
	const struct mime_param *param = mime_params_find(type, "boundary");

	if (param == NULL)
		return false;
	*boundary = param->value;
	while (boundary->n > 0 && mime_lex_is_space(boundary->p[boundary->n - 1]))
		boundary->n--;
	return boundary->n > 0 && boundary->n <= MIME_BOUNDARY_MAX;
}

static void open_multipart(struct mime_downgrade *d, const struct mime_params *type)
{
	struct span boundary;
	struct level *level;

	if (is_sealed(type)) {		/* RFC 1847 2.1 */
		copy_only(d, "they are in what is signed or encrypted, which must not be changed");
		return;
	}
	if (!boundary_of(type, &boundary) || d->open >= MIME_LIMIT_DEPTH) {
		copy_only(d, "they are in a multipart whose parts can't be told apart");
		return;
	}
	write_header(d, d->identity ? NULL : "7bit");
	level = level_push(d);
	if (level == NULL)
		return;
	level->digest = span_is_nocase(type->subtype, "digest");
	level->boundary_n = boundary.n;
	memcpy(level->boundary, boundary.p, boundary.n);
	d->mode = MODE_BETWEEN;
}

static void open_message(struct mime_downgrade *d)
{
	struct level *level;

	if (d->open >= MIME_LIMIT_DEPTH) {
		copy_only(d, "they are in a message too deep inside others");
		return;
	}
	write_header(d, d->identity ? NULL : "7bit");
	level = level_push(d);
	if (level == NULL)
		return;
	level->message = true;
	header_begin(d);
}

/* RFC 2046 5.2: only message/global (RFC 6532 3.7) and its kin may be encoded. */
static void open_message_type(struct mime_downgrade *d, struct span subtype)
{
	if (span_is_nocase(subtype, "rfc822"))
		open_message(d);
	else if (span_starts_nocase(subtype, "global"))
		d->mode = MODE_UNDECIDED;
	else
		copy_only(d, "they are in a part of a message type that may not be encoded");
}

static void open_type(struct mime_downgrade *d, const struct mime_params *type)
{
	d->text = span_is_nocase(type->type, "text");
	if (span_is_nocase(type->type, "multipart"))
		open_multipart(d, type);
	else if (span_is_nocase(type->type, "message"))
		open_message_type(d, type->subtype);
	else
		d->mode = MODE_UNDECIDED;
}

/* What is not encoded yet. */
static void open_identity(struct mime_downgrade *d)
{
	bool in_digest = d->open > 0 && d->levels[d->open - 1].digest;
	struct mime_header_field f;
	struct mime_params type;

	if (!mime_header_find(buf_span(&d->header), "Content-Type", &f)) {
		d->text = true;
		d->mode = MODE_UNDECIDED;
		if (in_digest)
			open_message(d);	/* RFC 2046 5.1.5 */
		return;
	}
	d->text = true;		/* RFC 2045 5.2 */
	d->mode = MODE_UNDECIDED;
	if (mime_params_type(&type, f.value))
		open_type(d, &type);
	if (type.text.failed)
		error_set(&d->error, -ENOMEM, "no memory to convert a message");
	mime_params_clear(&type);
}

static void header_end(struct mime_downgrade *d, bool whole)
{
	struct span header = buf_span(&d->header);
	enum mime_encoding encoding = MIME_ENCODING_IDENTITY;
	struct mime_header_field f;
	bool named = mime_header_find(header, "Content-Transfer-Encoding", &f);

	d->whole = whole;
	if (named)
		encoding = mime_encoding_of(f.value);
	d->identity = !named || span_is_nocase(span_trim(f.value), "7bit");
	d->binary = named && span_is_nocase(span_trim(f.value), "binary");
	if (count_8bit(header) > 0)
		fail(d, "they are in a header, which needs SMTPUTF8");	/* RFC 6532 3 */
	if (encoding == MIME_ENCODING_IDENTITY) {
		open_identity(d);
		return;
	}
	d->why = "they are in a part of an unknown encoding";
	d->mode = encoding == MIME_ENCODING_BASE64	      ? MODE_BASE64 :
		  encoding == MIME_ENCODING_QUOTED_PRINTABLE ? MODE_QUOTED : MODE_COPY;
	write_header(d, NULL);
}

/* --- lines ------------------------------------------------------------------ */

enum boundary { BOUNDARY_NONE, BOUNDARY_NEXT, BOUNDARY_LAST };

/* As mime/parse.c reads them: whole lines. */
static enum boundary boundary_in(const struct level *level, struct span line)
{
	if (level->message || level->closed || line.n < 2 + level->boundary_n)
		return BOUNDARY_NONE;
	if (memcmp(line.p + 2, level->boundary, level->boundary_n) != 0)
		return BOUNDARY_NONE;
	span_take(&line, 2 + level->boundary_n);
	return line.n == 0 ? BOUNDARY_NEXT : span_is(line, "--") ? BOUNDARY_LAST : BOUNDARY_NONE;
}

static void take_boundary(struct mime_downgrade *d, size_t at, enum boundary boundary)
{
	while (d->mode == MODE_HEADER && d->error.code == 0)
		header_end(d, false);
	body_end(d);
	buf_put(d->out, (struct span){ d->end, d->end_n });
	d->end_n = 0;
	buf_put(d->out, (struct span){ d->held, d->held_n });
	d->open = at + 1;
	d->levels[at].closed = boundary == BOUNDARY_LAST;
	d->mode = MODE_BETWEEN;
}

/* The held line is a boundary of an open level: then it is taken. */
static enum boundary boundary_line(struct mime_downgrade *d)
{
	struct span line = { d->held, d->held_n };

	while (line.n > 0 && mime_lex_is_space(line.p[line.n - 1]))
		line.n--;
	if (!span_starts(line, "--"))
		return BOUNDARY_NONE;
	for (size_t i = d->open; i-- > 0;) {
		enum boundary boundary = boundary_in(&d->levels[i], line);

		if (boundary == BOUNDARY_NONE)
			continue;
		take_boundary(d, i, boundary);
		return boundary;
	}
	return BOUNDARY_NONE;
}

/* Bytes of a line that are known to be no boundary. */
static void line_put(struct mime_downgrade *d, struct span s)
{
	if (s.n == 0)
		return;
	put_end(d);
	put(d, s);
}

static void line_release(struct mime_downgrade *d)
{
	d->is_held = false;
	line_put(d, (struct span){ d->held, d->held_n });
	d->held_n = 0;
}

/* Bytes inside a line. */
static void line_bytes(struct mime_downgrade *d, struct span s)
{
	if (s.n == 0)
		return;
	if (!d->in_line)
		d->is_held = s.p[0] == '-';
	d->in_line = true;
	if (d->is_held) {
		struct span some = span_take(&s, LINE_HELD - d->held_n);

		memcpy(d->held + d->held_n, some.p, some.n);
		d->held_n += some.n;
		if (s.n > 0)
			line_release(d);
	}
	line_put(d, s);
}

static void keep_end(struct mime_downgrade *d, struct span end)
{
	put_end(d);
	memcpy(d->end, end.p, end.n);
	d->end_n = end.n;
}

static void line_end(struct mime_downgrade *d, struct span end)
{
	bool blank = !d->in_line;
	enum boundary boundary = d->is_held ? boundary_line(d) : BOUNDARY_NONE;

	d->in_line = false;
	if (boundary != BOUNDARY_NONE) {
		d->is_held = false;
		d->held_n = 0;
		buf_put(d->out, end);
		if (boundary == BOUNDARY_NEXT)
			header_begin(d);
		return;
	}
	if (d->is_held)
		line_release(d);
	if (d->mode != MODE_HEADER) {
		keep_end(d, end);
		return;
	}
	put(d, end);
	if (blank)
		header_end(d, true);
}

/* --- the calls -------------------------------------------------------------- */

static void take_piece(struct mime_downgrade *d, struct span piece, bool ended)
{
	static const uint8_t crlf[2] = "\r\n";
	bool cr = d->cr;

	piece.n -= ended;
	if (cr && piece.n > 0) {
		line_bytes(d, (struct span){ crlf, 1 });
		cr = false;
	}
	if (piece.n > 0 && piece.p[piece.n - 1] == '\r') {
		piece.n--;
		cr = true;
	}
	line_bytes(d, piece);
	d->cr = cr && !ended;
	if (ended)
		line_end(d, (struct span){ cr ? crlf : crlf + 1, cr ? 2 : 1 });
}

static int result(struct mime_downgrade *d, struct error *err)
{
	if (d->error.code == 0 && (d->out->failed || (d->hold.failed && d->mode == MODE_UNDECIDED)))
		error_set(&d->error, -ENOMEM, "no memory to convert a message");
	if (d->error.code == 0)
		return 0;
	return error_set(err, d->error.code, "%s", d->error.words);
}

int mime_downgrade_feed(struct mime_downgrade *d, struct span in, struct buf *out, struct error *err)
{
	d->out = out;
	while (in.n > 0 && d->error.code == 0) {
		ptrdiff_t lf = span_find(in, '\n');

		take_piece(d, span_take(&in, lf < 0 ? in.n : (size_t)lf + 1), lf >= 0);
	}
	return result(d, err);
}

int mime_downgrade_end(struct mime_downgrade *d, struct buf *out, struct error *err)
{
	d->out = out;
	if (d->cr && d->error.code == 0)
		line_bytes(d, (struct span){ (const uint8_t *)"\r", 1 });
	if (d->is_held && d->error.code == 0 && boundary_line(d) == BOUNDARY_NONE)
		line_release(d);
	while (d->mode == MODE_HEADER && d->error.code == 0)
		header_end(d, false);
	if (d->error.code == 0)
		put_end(d);
	if (d->error.code == 0)
		body_end(d);
	if (d->mode == MODE_ENCODE)
		mime_encode_close(&d->encoder, out);
	return result(d, err);
}
