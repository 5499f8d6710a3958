/* surrogate.c - the contract is in surrogate.h. */
#include "mime/surrogate.h"

#include <string.h>

#include "common/base/base64.h"
#include "common/base/utf8.h"
#include "mime/address.h"
#include "mime/field.h"
#include "mime/header.h"
#include "mime/param.h"

enum { WORD_BYTES = 45 };	/* of UTF-8 in an encoded word: 75 signs at most (RFC 2047 2) */

static const char nowhere[] = " <invalid@internationalized-address.invalid>";	/* RFC 6858 2.1 */

void mime_surrogate_init(struct mime_surrogate *s)
{
	*s = (struct mime_surrogate){ .line = true, .blank = true };
	buf_init(&s->field, SURROGATE_FIELD + 1);
}

void mime_surrogate_clear(struct mime_surrogate *s)
{
	buf_clear(&s->field);
}

static bool is_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 0x80)
			return false;
	return true;
}

/* --- words and names ------------------------------------------------------- */

/* The first characters of *text that one encoded word holds. */
static struct span take_word(struct span *text)
{
	struct span rest = *text;
	size_t n = 0;
	uint32_t c;

	while (rest.n > 0) {
		utf8_take(&rest, &c);
		if (text->n - rest.n > WORD_BYTES)
			break;
		n = text->n - rest.n;
	}
	return span_take(text, n);
}

/* One after another on lines of their own: white space between them goes when they are read (RFC 2047 6.2). */
static void put_words(struct span text, struct buf *out)
{
	for (bool first = true; text.n > 0; first = false) {
		buf_put_text(out, first ? "=?utf-8?b?" : "\r\n =?utf-8?b?");
		base64_encode(out, take_word(&text));
		buf_put_text(out, "?=");
	}
}

static void put_quoted(struct span text, struct buf *out)
{
	buf_put_byte(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			buf_put_byte(out, '\\');
		buf_put_byte(out, text.p[i]);
	}
	buf_put_byte(out, '"');
}

static void put_phrase(struct span text, struct buf *out)
{
	if (is_ascii(text))
		put_quoted(text, out);
	else
		put_words(text, out);
}

/* --- the kinds of fields --------------------------------------------------- */

/* Text: from the first word that needs it to the last one. RFC 6858 2.3 */
static void put_text(struct span value, struct buf *out)
{
	struct buf line;
	struct span text;
	size_t first = 0, last;

	buf_init(&line, value.n + 1);
	mime_header_unfold(value, &line);
	text = buf_span(&line);
	last = text.n;
	while (first < text.n && text.p[first] < 0x80)
		first++;
	while (first > 0 && text.p[first - 1] != ' ')
		first--;
	while (last > first && text.p[last - 1] < 0x80)
		last--;
	while (last < text.n && text.p[last] != ' ')
		last++;
	buf_put(out, span_take(&text, first));
	put_words(span_take(&text, last - first), out);
	buf_put(out, text);
	out->failed |= line.failed;
	buf_clear(&line);
}

/* RFC 6858 2.1: an address that this client can't write is told in the name, and is none to answer to. */
static void put_stranger(const struct mime_address *a, struct buf *out)
{
	struct buf told;

	buf_init(&told, a->name.n + a->local.n + a->domain.n + 4);
	buf_put(&told, a->name);
	buf_put_text(&told, a->name.n > 0 ? " <" : "<");
	buf_put(&told, a->local);
	buf_put_text(&told, "@");
	buf_put(&told, a->domain);
	buf_put_text(&told, ">");
	put_words(buf_span(&told), out);
	out->failed |= told.failed;
	buf_clear(&told);
	buf_put_text(out, nowhere);
}

/* RFC 5322 3.2.3 */
static bool is_dot_atom(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] == 127 || strchr("()<>[]:;@\\,\"", s.p[i]) != NULL)
			return false;
	return s.n > 0;
}

static void put_mailbox(const struct mime_address *a, struct buf *out)
{
	if (!is_ascii(a->local) || !is_ascii(a->domain)) {
		put_stranger(a, out);
		return;
	}
	if (a->name.n > 0) {
		put_phrase(a->name, out);
		buf_put_byte(out, ' ');
	}
	buf_put_byte(out, '<');
	if (is_dot_atom(a->local))
		buf_put(out, a->local);
	else
		put_quoted(a->local, out);
	if (a->domain.n > 0)
		buf_put_byte(out, '@');
	buf_put(out, a->domain);
	buf_put_byte(out, '>');
}

static void put_addresses(struct span value, struct buf *out)
{
	struct mime_address_walk walk;
	struct mime_address a;
	const char *before = "";

	mime_address_walk_init(&walk, value);
	while (mime_address_next(&walk, &a)) {
		if (a.kind == MIME_ADDRESS_GROUP_END) {
			buf_put_byte(out, ';');
			before = ",\r\n ";
			continue;
		}
		buf_put_text(out, before);
		before = ",\r\n ";
		if (a.kind == MIME_ADDRESS_MAILBOX) {
			put_mailbox(&a, out);
			continue;
		}
		put_phrase(a.name, out);
		buf_put_byte(out, ':');
		before = " ";
	}
	out->failed |= walk.text.failed;
	mime_address_walk_clear(&walk);
}

/* RFC 2231 4 */
static void put_percent(struct span text, struct buf *out)
{
	buf_put_text(out, "utf-8''");
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
			     c == '-' || c == '_';

		if (plain)
			buf_put_byte(out, c);
		else
			buf_printf(out, "%%%02X", c);
	}
}

/* RFC 6858 2.2 lets the parameter go; a file's name is worth more than that. */
static void put_param(const struct mime_param *p, struct buf *out)
{
	if (!is_ascii(p->name))
		return;
	buf_printf(out, ";\r\n %.*s", (int)p->name.n, (const char *)p->name.p);
	if (p->name.n > 0 && p->name.p[p->name.n - 1] == '*' && is_ascii(p->value)) {
		buf_put_byte(out, '=');
		buf_put(out, p->value);
	} else if (is_ascii(p->value)) {
		buf_put_byte(out, '=');
		put_quoted(p->value, out);
	} else {
		buf_put_text(out, p->name.p[p->name.n - 1] == '*' ? "=" : "*=");
		put_percent(p->value, out);
	}
}

static void put_params(enum mime_field field, struct span value, struct buf *out)
{
	struct mime_params p;

	if (field == MIME_FIELD_TYPE)
		mime_params_type(&p, value);
	else
		mime_params_disposition(&p, value);
	if (is_ascii(p.type) && is_ascii(p.subtype)) {
		buf_put(out, p.type);
		if (p.subtype.n > 0)
			buf_put_byte(out, '/');
		buf_put(out, p.subtype);
	}
	for (size_t i = 0; i < p.n; i++)
		put_param(&p.at[i], out);
	out->failed |= p.text.failed;
	mime_params_clear(&p);
}

/* --- a field --------------------------------------------------------------- */

enum kind {
	KIND_OTHER,
	KIND_TEXT,
	KIND_ADDRESSES,
	KIND_PARAMS
};

static enum kind kind_of(struct span name)
{
	struct span plain = name;

	enum mime_field field;

	if (span_starts_nocase(name, "Resent-"))
		span_take(&plain, strlen("Resent-"));
	field = mime_field_of(plain);
	if (field != MIME_FIELD_COUNT && mime_field_of_addresses(field))
		return KIND_ADDRESSES;
	switch (mime_field_of(name)) {
	case MIME_FIELD_TYPE:
	case MIME_FIELD_DISPOSITION:
		return KIND_PARAMS;
	case MIME_FIELD_SUBJECT:
	case MIME_FIELD_DESCRIPTION:
		return KIND_TEXT;
	default:
		return span_is_nocase(name, "Comments") || span_starts_nocase(name, "X-") ? KIND_TEXT : KIND_OTHER;
	}
}

static void put_value(const struct mime_header_field *f, struct buf *out)
{
	switch (kind_of(f->name)) {
	case KIND_TEXT:
		put_text(f->value, out);
		break;
	case KIND_ADDRESSES:
		put_addresses(f->value, out);
		break;
	case KIND_PARAMS:
		put_params(mime_field_of(f->name), f->value, out);
		break;
	case KIND_OTHER:		/* RFC 6858 2.4 */
		out->failed = true;
		break;
	}
}

/* Nothing where the field can't be told, or only in more room than it is worth. */
static void rewrite(struct span header, struct buf *out)
{
	struct mime_header_field f;
	struct buf fresh;

	if (!mime_header_next(&header, &f) || f.name.n == 0 || !is_ascii(f.name))
		return;
	buf_init(&fresh, 6 * f.raw.n + 256);
	buf_put(&fresh, f.name);
	buf_put_text(&fresh, ": ");
	put_value(&f, &fresh);
	buf_put_text(&fresh, "\r\n");
	if (!fresh.failed)
		buf_put(out, buf_span(&fresh));
	buf_clear(&fresh);
}

/* The field, or a piece of one that is too long to be looked at whole. */
static void put_cut(struct mime_surrogate *s, struct buf *out)
{
	for (size_t i = 0; i < s->field.n; i++)
		if (s->field.p[i] >= 0x80)
			s->field.p[i] = '?';
	buf_put(out, buf_span(&s->field));
	buf_reset(&s->field);
}

static void field_ends(struct mime_surrogate *s, struct buf *out)
{
	struct span field = buf_span(&s->field);

	if (s->cut)
		put_cut(s, out);
	else if (s->eight && utf8_valid(field))
		rewrite(field, out);
	else
		buf_put(out, field);
	buf_reset(&s->field);
	s->eight = s->cut = false;
}

/* --- the header ------------------------------------------------------------ */

static void take_byte(struct mime_surrogate *s, uint8_t c, struct buf *out)
{
	if (s->line && c != ' ' && c != '\t')
		field_ends(s, out);
	s->line = c == '\n';
	s->eight |= c >= 0x80;
	buf_put_byte(&s->field, c);
	if (s->line) {
		s->over = s->blank;
		s->blank = true;
	} else if (c != '\r') {
		s->blank = false;
	}
	if (s->field.n < SURROGATE_FIELD && !s->over)
		return;
	s->cut |= s->field.n >= SURROGATE_FIELD;
	if (s->over)
		field_ends(s, out);
	else
		put_cut(s, out);
}

/* Nearly all headers are ASCII and come whole. */
static void take_plain(struct mime_surrogate *s, struct span *in, struct buf *out)
{
	struct span header = { in->p, mime_header_end(*in) };

	if (!s->line || !s->blank || s->field.n > 0 || header.n == in->n || !is_ascii(header))
		return;
	buf_put(out, span_take(in, header.n));
	s->over = true;
}

void mime_surrogate_feed(struct mime_surrogate *s, struct span *in, struct buf *out)
{
	if (!s->over)
		take_plain(s, in, out);
	while (in->n > 0 && !s->over)
		take_byte(s, *span_take(in, 1).p, out);
	out->failed |= s->field.failed;
	if (s->over)
		buf_clear(&s->field);
}

void mime_surrogate_end(struct mime_surrogate *s, struct buf *out)
{
	if (!s->over)
		field_ends(s, out);
	s->over = true;
	buf_clear(&s->field);
}
