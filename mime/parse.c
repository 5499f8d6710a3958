/* parse.c - the contract is in parse.h.
 *
 * Lines are cut here, for only their first bytes matter: a body's line that does not
 * begin with '-' is passed over by memchr. What is open is a stack of levels, one for
 * each multipart or message around the place that is read. */
#include "mime/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/swar.h"
#include "mime/blob.h"
#include "mime/collect.h"
#include "mime/lex.h"
#include "mime/meta.h"
#include "mime/param.h"

enum {
	HELD = MIME_BOUNDARY_MAX + 64,	/* bytes of a line that are looked at */
	PART_ROOM = 48,			/* bytes of a part's numbers in the blob at most */
	HEAD_ROOM = 32,			/* of what stands before the parts */
	FIELDS_ROOM = 128,		/* of the numbers between a part's fields at most */
	PART_LEAST = 2048		/* with less room than this no part is begun */
};

#define NO_PART SIZE_MAX

struct part {
	enum mime_part_kind kind;
	unsigned depth;
	uint64_t header_at, header_bytes;
	uint64_t body_bytes, body_lines;
	uint64_t lines_before;		/* line ends in the message up to its body */
	size_t fields_at, fields_n;	/* its part of parser.fields */
};

/* An open multipart or message. */
struct level {
	size_t part;
	bool message;			/* has one child, and no boundary */
	bool digest;			/* RFC 2046 5.1.5 */
	bool closed;			/* its last boundary went by */
	bool full;			/* its rest is one opaque leaf */
	size_t boundary_n;
	uint8_t boundary[MIME_BOUNDARY_MAX];
};

enum line_state {
	LINE_START,
	LINE_HELD,		/* its first bytes are gathered in held */
	LINE_FIELD,		/* its rest belongs to the field at hand */
	LINE_SKIP		/* its rest does not matter */
};

enum boundary {
	BOUNDARY_NONE,
	BOUNDARY_NEXT,
	BOUNDARY_LAST
};

struct mime_parser {
	struct mime_limits limits;
	struct mime_collect header;
	struct buf fields;		/* of all parts, encoded */
	struct part *parts;
	size_t parts_n, parts_cap;
	struct level *levels;
	size_t open, levels_cap;
	size_t part;			/* whose header or content is read; NO_PART: between parts */
	bool in_header;
	size_t left;			/* bytes of the blob that are not promised yet */
	uint64_t at;			/* bytes read */
	uint64_t line_at;		/* where the line at hand begins */
	uint64_t content_at;		/* no content that is read now ends before this */
	uint64_t lines;			/* line ends before the line at hand */
	size_t line_end;		/* bytes of the line end before it */
	enum line_state line;
	uint8_t last;			/* the byte before the piece at hand */
	size_t received;
	bool cut;
	bool utf8;			/* a header needs it */
	bool no_memory;
	size_t held_n;
	uint8_t held[HELD];
};

static size_t clamp(size_t value, size_t low, size_t high)
{
	return value < low ? low : value > high ? high : value;
}

static struct mime_limits limits_in_range(const struct mime_limits *limits)
{
	struct mime_limits out = { MIME_LIMIT_DEPTH, MIME_LIMIT_PARTS, MIME_LIMIT_FIELD, MIME_LIMIT_META };

	if (limits != NULL)
		out = *limits;
	out.meta_bytes = clamp(out.meta_bytes, MIME_META_MIN, MIME_META_MAX);
	out.field_bytes = clamp(out.field_bytes, 256, out.meta_bytes);
	out.parts = (unsigned)clamp(out.parts, 1, MIME_PARTS_MAX);
	out.depth = (unsigned)clamp(out.depth, 1, MIME_DEPTH_MAX);
	out.depth = (unsigned)clamp(out.depth, 1, out.meta_bytes / 4 / PART_ROOM);
	return out;
}

static bool full(const struct mime_parser *p)
{
	return p->parts_n >= p->limits.parts || p->left < PART_LEAST;
}

/* Room for one more thing of the given size in an array that doubles. */
static bool grow(void **array, size_t *cap, size_t used, size_t size)
{
	size_t more = *cap > 0 ? *cap * 2 : 4;
	void *bigger;

	if (used < *cap)
		return true;
	bigger = realloc(*array, more * size);
	if (bigger == NULL)
		return false;
	*array = bigger;
	*cap = more;
	return true;
}

/* A part's header begins here. One that is over a limit stands for all that its
 * multipart still holds. */
static void part_begin(struct mime_parser *p, uint64_t at)
{
	bool opaque = p->parts_n > 0 && full(p);
	bool message = p->open == 0 || p->levels[p->open - 1].message;

	p->part = NO_PART;
	p->in_header = false;
	p->content_at = at;
	if (!grow((void **)&p->parts, &p->parts_cap, p->parts_n, sizeof(*p->parts))) {
		p->no_memory = true;
		return;
	}
	p->part = p->parts_n++;
	p->parts[p->part] = (struct part){ .depth = (unsigned)p->open, .header_at = at };
	p->in_header = true;
	if (opaque) {
		p->cut = p->levels[p->open - 1].full = true;
		p->parts[p->part].kind = MIME_PART_OPAQUE;
		mime_collect_begin(&p->header, MIME_COLLECT_PART, 0);
		return;
	}
	p->parts[p->part].kind = MIME_PART_LEAF;
	p->left -= PART_ROOM;
	mime_collect_begin(&p->header, message ? MIME_COLLECT_MESSAGE : MIME_COLLECT_PART,
			   p->left - FIELDS_ROOM);
}

int mime_parser_new(struct mime_parser **out, const struct mime_limits *limits, struct error *err)
{
	struct mime_parser *p = *out = calloc(1, sizeof(*p));

	if (p == NULL)
		return error_set(err, -ENOMEM, "no memory for a message parser");
	p->limits = limits_in_range(limits);
	p->left = p->limits.meta_bytes - HEAD_ROOM - ((size_t)p->limits.depth + 1) * PART_ROOM;
	mime_collect_init(&p->header, p->limits.field_bytes);
	buf_init(&p->fields, p->limits.meta_bytes);
	part_begin(p, 0);
	return 0;
}

void mime_parser_free(struct mime_parser *p)
{
	if (p == NULL)
		return;
	mime_collect_clear(&p->header);
	buf_clear(&p->fields);
	free(p->parts);
	free(p->levels);
	free(p);
}

/* --- the tree --------------------------------------------------------------- */

static void part_end(struct mime_parser *p, size_t index, uint64_t end, uint64_t lines)
{
	struct part *part = &p->parts[index];
	uint64_t body_at = part->header_at + part->header_bytes;

	part->body_bytes = end > body_at ? end - body_at : 0;
	part->body_lines = lines > part->lines_before && part->body_bytes > 0 ? lines - part->lines_before : 0;
}

/* Ends what is read and all levels but the first `open`. lines stand before end. */
static void close_to(struct mime_parser *p, size_t open, uint64_t end, uint64_t lines)
{
	if (p->part != NO_PART)
		part_end(p, p->part, end, lines);
	p->part = NO_PART;
	while (p->open > open)
		part_end(p, p->levels[--p->open].part, end, lines);
}

/* The part at hand turns out to have parts of its own. NULL if a limit forbids it. */
static struct level *level_push(struct mime_parser *p, enum mime_part_kind kind)
{
	struct part *part = &p->parts[p->part];
	struct level *level;

	if (p->open >= p->limits.depth || full(p)) {
		p->cut = true;
		part->kind = MIME_PART_OPAQUE;
		return NULL;
	}
	if (!grow((void **)&p->levels, &p->levels_cap, p->open, sizeof(*p->levels))) {
		p->no_memory = true;
		return NULL;
	}
	part->kind = kind;
	level = &p->levels[p->open++];
	*level = (struct level){ .part = p->part };
	p->part = NO_PART;
	return level;
}

/* RFC 2046 5.1.1: a boundary does not end in white space. False: it is none. */
static bool boundary_of(const struct mime_params *type, struct span *boundary)
{
	const struct mime_param *param = mime_params_find(type, "boundary");

	if (param == NULL)
		return false;
	*boundary = param->value;
	while (boundary->n > 0 && (boundary->p[boundary->n - 1] == ' ' || boundary->p[boundary->n - 1] == '\t'))
		boundary->n--;
	return boundary->n > 0 && boundary->n <= MIME_BOUNDARY_MAX;
}

static void open_multipart(struct mime_parser *p, const struct mime_params *type)
{
	struct span boundary;
	struct level *level;

	if (!boundary_of(type, &boundary)) {
		/* RFC 2045 5.2: it stays a leaf, shown as text/plain; but not if we lost it */
		if (p->header.short_of[MIME_FIELD_TYPE])
			p->parts[p->part].kind = MIME_PART_OPAQUE;
		return;
	}
	level = level_push(p, MIME_PART_MULTIPART);
	if (level == NULL)
		return;
	level->digest = span_is_nocase(type->subtype, "digest");
	level->boundary_n = boundary.n;
	memcpy(level->boundary, boundary.p, boundary.n);
}

/* RFC 2046 5.2.1, whatever transfer encoding it claims to have: none is allowed. */
static void open_message(struct mime_parser *p)
{
	struct level *level = level_push(p, MIME_PART_MESSAGE);

	if (level == NULL)
		return;
	level->message = true;
	part_begin(p, p->content_at);
}

static bool is_message_type(const struct mime_params *type)
{
	return span_is_nocase(type->type, "message") &&
	       (span_is_nocase(type->subtype, "rfc822") || span_is_nocase(type->subtype, "global"));
}

/* The type decides whether more headers are to be looked for in the body. */
static void open_part(struct mime_parser *p)
{
	bool in_digest = p->open > 0 && p->levels[p->open - 1].digest;
	struct mime_params type;
	struct span value;

	if (!mime_collect_value(&p->header, MIME_FIELD_TYPE, &value)) {
		if (in_digest)
			open_message(p);	/* RFC 2046 5.1.5 */
		return;
	}
	if (mime_params_type(&type, value)) {
		if (is_message_type(&type))
			open_message(p);
		else if (span_is_nocase(type.type, "multipart"))
			open_multipart(p, &type);
	}
	p->no_memory |= type.text.failed;
	mime_params_clear(&type);
}

/* The header at hand ends at end, before which there are that many line ends. */
static void header_end(struct mime_parser *p, uint64_t end, uint64_t lines)
{
	struct part *part = &p->parts[p->part];
	size_t used = p->fields.n;

	p->in_header = false;
	p->content_at = end;
	part->header_bytes = end - part->header_at;
	part->lines_before = lines;
	if (p->part == 0)
		p->received = p->header.received;
	if (part->kind == MIME_PART_OPAQUE)
		return;
	mime_collect_encode(&p->header, &p->fields);
	part->fields_at = used;
	part->fields_n = p->fields.n - used;
	p->left -= part->fields_n < p->left ? part->fields_n : p->left;
	open_part(p);
}

/* --- lines ------------------------------------------------------------------ */

/* RFC 2046 5.1.1 lets any line be a boundary that begins with one; agents write and
 * read whole lines, white space behind them allowed, and so do we: the boundary "A"
 * must not end at a line of the boundary "AB". */
static enum boundary boundary_in(const struct level *level, struct span line)
{
	if (level->message || level->closed || line.n < 2 + level->boundary_n)
		return BOUNDARY_NONE;
	if (memcmp(line.p + 2, level->boundary, level->boundary_n) != 0)
		return BOUNDARY_NONE;
	span_take(&line, 2 + level->boundary_n);
	if (line.n == 0)
		return level->full ? BOUNDARY_NONE : BOUNDARY_NEXT;
	return span_is(line, "--") ? BOUNDARY_LAST : BOUNDARY_NONE;
}

/* A boundary of level `at` ends what is read inside it. The line end before it belongs
 * to it (RFC 2046 5.1.1), unless that one ends a header. */
static void take_boundary(struct mime_parser *p, size_t at, enum boundary boundary)
{
	uint64_t end = p->line_at, lines = p->lines;

	if (!p->in_header && end - p->content_at >= p->line_end && p->line_end > 0) {
		end -= p->line_end;
		lines--;
	}
	while (p->in_header)
		header_end(p, p->line_at, p->lines);
	close_to(p, at + 1, end, lines);
	if (boundary == BOUNDARY_NEXT) {
		part_begin(p, p->at);
		return;
	}
	p->levels[at].closed = true;
	p->content_at = p->line_at;	/* this line's end may belong to the next boundary */
}

/* The held line, all of it, is a boundary of an open level: then it is taken. */
static bool boundary_line(struct mime_parser *p)
{
	struct span line = { p->held, p->held_n };

	while (line.n > 0 && mime_lex_is_space(line.p[line.n - 1]))
		line.n--;
	if (!span_starts(line, "--"))
		return false;
	for (size_t i = p->open; i-- > 0;) {
		enum boundary boundary = boundary_in(&p->levels[i], line);

		if (boundary == BOUNDARY_NONE)
			continue;
		take_boundary(p, i, boundary);
		return true;
	}
	return false;
}

/* Enough of the line is held, or all of it, to know what it is. */
static void line_known(struct mime_parser *p, bool whole)
{
	struct span line = { p->held, p->held_n };

	p->line = LINE_SKIP;
	if ((whole && boundary_line(p)) || !p->in_header)
		return;
	if (whole && (span_is(line, "\r\n") || span_is(line, "\n"))) {
		header_end(p, p->at, p->lines + 1);
		return;
	}
	mime_collect_line(&p->header, line);
	p->line = LINE_FIELD;
}

static void hold(struct mime_parser *p, struct span *piece)
{
	struct span some = span_take(piece, HELD - p->held_n);

	memcpy(p->held + p->held_n, some.p, some.n);
	p->held_n += some.n;
}

static bool holds_eight_bit(struct span s)
{
	uint64_t high = 0;

	while (s.n >= SWAR_BYTES)
		high |= swar_high(swar_load(span_take(&s, SWAR_BYTES).p));
	for (size_t i = 0; i < s.n; i++)
		high |= s.p[i] & 0x80;
	return high != 0;
}

/* Is this a header, or something that may hold some? */
static bool is_header(const struct mime_parser *p)
{
	return p->in_header || (p->part != NO_PART && p->parts[p->part].kind == MIME_PART_OPAQUE);
}

/* A piece of one line; ended: its last byte is the line's LF. */
static void take_piece(struct mime_parser *p, struct span piece, bool ended)
{
	uint8_t before = piece.n > 1 ? piece.p[piece.n - 2] : p->last;

	p->utf8 = p->utf8 || (is_header(p) && holds_eight_bit(piece));
	p->last = piece.p[piece.n - 1];
	p->at += piece.n;
	if (p->line == LINE_START) {
		p->held_n = 0;
		p->line = p->in_header || piece.p[0] == '-' ? LINE_HELD : LINE_SKIP;
	}
	if (p->line == LINE_HELD) {
		hold(p, &piece);
		if (ended || p->held_n == HELD)
			line_known(p, ended && piece.n == 0);
	}
	if (p->line == LINE_FIELD)
		mime_collect_more(&p->header, piece);
	if (!ended)
		return;
	p->line_end = before == '\r' ? 2 : 1;
	p->line_at = p->at;
	p->line = LINE_START;
	p->lines++;
}

void mime_parser_feed(struct mime_parser *p, struct span in)
{
	while (in.n > 0) {
		ptrdiff_t lf = span_find(in, '\n');

		take_piece(p, span_take(&in, lf < 0 ? in.n : (size_t)lf + 1), lf >= 0);
	}
}

bool mime_parser_is_utf8(const struct mime_parser *p)
{
	return p->utf8;
}

size_t mime_parser_received(const struct mime_parser *p)
{
	return p->in_header && p->part == 0 ? p->header.received : p->received;
}

/* --- the blob --------------------------------------------------------------- */

static void write_part(const struct mime_parser *p, const struct part *part, struct buf *meta)
{
	buf_put_byte(meta, (uint8_t)part->kind);
	buf_put_byte(meta, (uint8_t)part->depth);
	mime_blob_put(meta, part->header_at);
	mime_blob_put(meta, part->header_bytes);
	mime_blob_put(meta, part->body_bytes);
	mime_blob_put(meta, part->body_lines);
	mime_blob_put(meta, part->fields_n);
	if (part->fields_n > 0)
		buf_put(meta, (struct span){ p->fields.p + part->fields_at, part->fields_n });
}

/* The ENVELOPE as FETCH tells it, where it is short and without literals: what a client asks of each message it
 * shows. Empty otherwise. */
static void make_envelope(const struct mime_parser *p, struct span parts, struct buf *envelope)
{
	const struct mime_meta m = { .blob = parts, .size = p->at, .parts = (uint32_t)p->parts_n };

	mime_meta_envelope(&m, envelope);
	if (envelope->failed || span_find(buf_span(envelope), '\n') >= 0 ||
	    parts.n + envelope->n + HEAD_ROOM + MIME_BLOB_NUMBER > p->limits.meta_bytes)
		buf_reset(envelope);
}

static void write_blob(const struct mime_parser *p, struct span parts, struct span envelope, struct buf *meta)
{
	unsigned cut = p->cut || p->header.cut ? MIME_META_FLAG_CUT : 0;

	buf_put_byte(meta, MIME_META_VERSION);
	buf_put_byte(meta, (uint8_t)(cut | (envelope.n > 0 ? MIME_META_FLAG_ENVELOPE : 0)));
	mime_blob_put(meta, p->at);
	mime_blob_put(meta, p->parts_n);
	if (envelope.n > 0)
		mime_blob_put_bytes(meta, envelope);
	buf_put(meta, parts);
}

int mime_parser_finish(struct mime_parser *p, struct buf *meta, struct error *err)
{
	struct buf parts, envelope;
	bool failed;

	if (p->line == LINE_HELD)
		line_known(p, true);
	while (p->in_header)
		header_end(p, p->at, p->lines);
	close_to(p, 0, p->at, p->lines);
	if (p->no_memory || p->header.no_memory || p->fields.failed)
		return error_set(err, -ENOMEM, "no memory for a message's structure");
	buf_init(&parts, p->limits.meta_bytes);
	buf_init(&envelope, MIME_META_ENVELOPE);
	for (size_t i = 0; i < p->parts_n; i++)
		write_part(p, &p->parts[i], &parts);
	if (!parts.failed)
		make_envelope(p, buf_span(&parts), &envelope);
	write_blob(p, buf_span(&parts), buf_span(&envelope), meta);
	failed = meta->failed || parts.failed;
	buf_clear(&parts);
	buf_clear(&envelope);
	return failed ? error_set(err, -ENOMEM, "no room for a message's structure") : 0;
}
