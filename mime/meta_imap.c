/* meta_imap.c - ENVELOPE, BODYSTRUCTURE and BODY; the contract is in meta.h. */
#include <string.h>

#include "common/base/swar.h"
#include "mime/address.h"
#include "mime/meta.h"
#include "mime/param.h"

enum form {
	FORM_BODY,		/* without extension data */
	FORM_BODYSTRUCTURE
};

/* The walk that writes a structure: next is the part that comes after those written. */
struct writer {
	const struct mime_meta *meta;
	struct buf *out;
	enum form form;
	size_t addresses;	/* that may still be written */
	size_t at;
	bool more;
	struct mime_part next;
};

/* Some of the eight bytes needs a backslash or fits into no quotes. */
static bool eight_odd(const uint8_t *p)
{
	uint64_t word = swar_load(p);

	return (swar_high(word) | swar_has(word, '\r') | swar_has(word, '\n') | swar_has(word, '\0') | swar_has(word, '"') |
		swar_has(word, '\\')) != 0;
}

/* Counts the bytes that need a backslash. False: it fits into no quotes. */
static bool fits_in_quotes(struct span s, size_t *escapes)
{
	size_t i = 0;

	*escapes = 0;
	while (i < s.n) {
		uint8_t c = s.p[i];

		if (s.n - i >= SWAR_BYTES && !eight_odd(s.p + i)) {
			i += SWAR_BYTES;
			continue;
		}
		if (c >= 0x80 || c == '\r' || c == '\n' || c == '\0')
			return false;
		*escapes += c == '"' || c == '\\';
		i++;
	}
	return true;
}

/* RFC 9051 4.3: 7-bit text in quotes, anything else as a literal. */
static void put_string(struct buf *out, struct span s)
{
	size_t escapes;
	uint8_t *to;

	if (!fits_in_quotes(s, &escapes)) {
		buf_printf(out, "{%zu}\r\n", s.n);
		buf_put(out, s);
		return;
	}
	to = buf_room(out, s.n + escapes + 2);
	if (to == NULL)
		return;
	out->n += s.n + escapes + 2;
	*to++ = '"';
	if (escapes == 0 && s.n > 0) {
		memcpy(to, s.p, s.n);
		to += s.n;
		s.n = 0;
	}
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			*to++ = '\\';
		*to++ = s.p[i];
	}
	*to = '"';
}

/* NIL for what is empty. */
static void put_nstring(struct buf *out, struct span s)
{
	if (s.n == 0)
		buf_put_text(out, "NIL");
	else
		put_string(out, s);
}

/* --- ENVELOPE --------------------------------------------------------------- */

/* The field's value; NIL if it is missing, "" if it is empty (RFC 9051 7.5.2). */
static void put_field(struct buf *out, struct span value)
{
	if (value.p != NULL)
		put_string(out, value);
	else
		buf_put_text(out, "NIL");
}

/* A NIL host means a group (RFC 9051 7.5.2), so a missing one is "". */
static void put_address(struct buf *out, const struct mime_address *a)
{
	if (a->kind == MIME_ADDRESS_GROUP_END) {
		buf_put_text(out, "(NIL NIL NIL NIL)");
		return;
	}
	if (a->kind == MIME_ADDRESS_GROUP) {
		buf_put_text(out, "(NIL NIL ");
		put_string(out, a->name);
		buf_put_text(out, " NIL)");
		return;
	}
	buf_put_byte(out, '(');
	put_nstring(out, a->name);
	buf_put_byte(out, ' ');
	put_nstring(out, a->route);
	buf_put_byte(out, ' ');
	put_string(out, a->local);
	buf_put_byte(out, ' ');
	put_string(out, a->domain);
	buf_put_byte(out, ')');
}

/* False, and nothing written, if the field holds no address. */
static bool put_addresses(struct writer *w, struct span value)
{
	static const struct mime_address group_end = { .kind = MIME_ADDRESS_GROUP_END };
	struct mime_address_walk walk;
	struct mime_address address;
	bool any = false, in_group = false;

	mime_address_walk_init(&walk, value);
	while (w->addresses > 0 && mime_address_next(&walk, &address)) {
		if (!any)
			buf_put_byte(w->out, '(');
		any = true;
		in_group = walk.in_group;
		put_address(w->out, &address);
		w->addresses--;
	}
	if (in_group)
		put_address(w->out, &group_end);
	if (any)
		buf_put_byte(w->out, ')');
	w->out->failed |= walk.text.failed;
	mime_address_walk_clear(&walk);
	return any;
}

/* A list of addresses that was written: where, and how many it holds. */
struct written {
	size_t at, n, addresses;
};

/* The field's addresses; if it has none, once more what is in *instead. */
static struct written put_address_field(struct writer *w, struct span value, const struct written *instead)
{
	struct written here = { .at = w->out->n, .addresses = w->addresses };
	uint8_t *to;

	if (!put_addresses(w, value)) {
		if (instead == NULL || instead->n == 0 || instead->addresses > w->addresses) {
			buf_put_text(w->out, "NIL ");
			return (struct written){ 0 };
		}
		to = buf_room(w->out, instead->n);
		if (to != NULL)
			memcpy(to, w->out->p + instead->at, instead->n);
		w->out->n += to != NULL ? instead->n : 0;
		w->addresses -= instead->addresses;
	}
	here.n = w->out->n - here.at;
	here.addresses -= w->addresses;
	buf_put_byte(w->out, ' ');
	return here;
}

/* The envelope of the message whose root the part is. */
static void put_envelope(struct writer *w, const struct mime_part *root)
{
	struct span values[MIME_FIELD_COUNT];
	struct written from;

	mime_part_fields(root, values);
	buf_put_byte(w->out, '(');
	put_field(w->out, values[MIME_FIELD_DATE]);
	buf_put_byte(w->out, ' ');
	put_field(w->out, values[MIME_FIELD_SUBJECT]);
	buf_put_byte(w->out, ' ');
	from = put_address_field(w, values[MIME_FIELD_FROM], NULL);
	put_address_field(w, values[MIME_FIELD_SENDER], &from);
	put_address_field(w, values[MIME_FIELD_REPLY_TO], &from);
	put_address_field(w, values[MIME_FIELD_TO], NULL);
	put_address_field(w, values[MIME_FIELD_CC], NULL);
	put_address_field(w, values[MIME_FIELD_BCC], NULL);
	put_field(w->out, values[MIME_FIELD_IN_REPLY_TO]);
	buf_put_byte(w->out, ' ');
	put_field(w->out, values[MIME_FIELD_MESSAGE_ID]);
	buf_put_byte(w->out, ')');
}

void mime_meta_envelope(const struct mime_meta *m, struct buf *out)
{
	struct writer w = { .meta = m, .out = out, .addresses = MIME_META_ADDRESSES };
	struct mime_part root;

	if (m->envelope.n > 0) {
		buf_put(out, m->envelope);
		return;
	}
	mime_meta_root(m, &root);
	put_envelope(&w, &root);
}

/* --- BODYSTRUCTURE ---------------------------------------------------------- */

/* NIL if it is missing or empty. */
static void put_nfield(struct buf *out, const struct mime_part *part, enum mime_field field)
{
	struct span value;

	mime_part_field(part, field, &value);
	put_nstring(out, value);
}

static void put_params(struct buf *out, const struct mime_params *params)
{
	if (params->n == 0) {
		buf_put_text(out, "NIL");
		return;
	}
	for (size_t i = 0; i < params->n; i++) {
		buf_put_byte(out, i == 0 ? '(' : ' ');
		put_string(out, params->at[i].name);
		buf_put_byte(out, ' ');
		put_string(out, params->at[i].value);
	}
	buf_put_byte(out, ')');
}

static void put_type_params(struct buf *out, const struct mime_part *part, const struct mime_content *content)
{
	struct mime_params params;
	struct span value;

	if (!content->stated || !mime_part_field(part, MIME_FIELD_TYPE, &value)) {
		/* RFC 2045 5.2 */
		buf_put_text(out, span_is(content->type, "text") ? "(\"charset\" \"us-ascii\")" : "NIL");
		return;
	}
	mime_params_type(&params, value);
	out->failed |= params.text.failed;
	put_params(out, &params);
	mime_params_clear(&params);
}

static void put_disposition(struct buf *out, const struct mime_part *part)
{
	struct mime_params params;
	struct span value;

	if (!mime_part_field(part, MIME_FIELD_DISPOSITION, &value)) {
		buf_put_text(out, "NIL");
		return;
	}
	if (mime_params_disposition(&params, value)) {
		buf_put_byte(out, '(');
		put_string(out, params.type);
		buf_put_byte(out, ' ');
		put_params(out, &params);
		buf_put_byte(out, ')');
	} else {
		buf_put_text(out, "NIL");
	}
	out->failed |= params.text.failed;
	mime_params_clear(&params);
}

/* RFC 3282: one tag, or several between commas. */
static void put_language(struct buf *out, const struct mime_part *part)
{
	struct span value, tag, next;
	size_t n = 0;

	mime_part_field(part, MIME_FIELD_LANGUAGE, &value);
	tag = mime_param_token(&value);
	while (tag.n > 0) {
		span_take_until(&value, ',');
		next = mime_param_token(&value);
		if (n > 0 || next.n > 0)
			buf_put_byte(out, n == 0 ? '(' : ' ');
		put_string(out, tag);
		n++;
		tag = next;
	}
	if (n == 0)
		buf_put_text(out, "NIL");
	else if (n > 1)
		buf_put_byte(out, ')');
}

/* What BODYSTRUCTURE has and BODY has not, behind what is peculiar to the kind. */
static void put_extension(struct buf *out, const struct mime_part *part)
{
	buf_put_byte(out, ' ');
	put_disposition(out, part);
	buf_put_byte(out, ' ');
	put_language(out, part);
	buf_put_byte(out, ' ');
	put_nfield(out, part, MIME_FIELD_LOCATION);
}

/* The token itself, so that a client sees x-uuencode as such. */
static void put_encoding(struct buf *out, const struct mime_part *part)
{
	struct span value, token;

	mime_part_field(part, MIME_FIELD_ENCODING, &value);
	token = mime_param_token(&value);
	put_string(out, token.n > 0 ? token : span_of("7bit"));
}

/* Type, subtype and body-fields of RFC 9051 9. */
static void put_basic(struct buf *out, const struct mime_part *part, const struct mime_content *content)
{
	put_string(out, content->type);
	buf_put_byte(out, ' ');
	put_string(out, content->subtype);
	buf_put_byte(out, ' ');
	put_type_params(out, part, content);
	buf_put_byte(out, ' ');
	put_nfield(out, part, MIME_FIELD_CONTENT_ID);
	buf_put_byte(out, ' ');
	put_nfield(out, part, MIME_FIELD_DESCRIPTION);
	buf_put_byte(out, ' ');
	put_encoding(out, part);
	buf_printf(out, " %llu", (unsigned long long)part->body_bytes);
}

static void advance(struct writer *w)
{
	w->more = mime_meta_next(w->meta, &w->at, &w->next);
}

static void write_part(struct writer *w);

/* A multipart without a part is no IMAP: it is told to have an empty one. */
static void write_multipart(struct writer *w, const struct mime_part *part, const struct mime_content *content)
{
	static const char nothing[] = "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0";

	if (!w->more || w->next.depth <= part->depth) {
		buf_put_text(w->out, nothing);
		buf_put_text(w->out, w->form == FORM_BODYSTRUCTURE ? " NIL NIL NIL NIL)" : ")");
	}
	while (w->more && w->next.depth > part->depth)
		write_part(w);
	buf_put_byte(w->out, ' ');
	put_string(w->out, content->subtype);
	if (w->form == FORM_BODY)
		return;
	buf_put_byte(w->out, ' ');
	put_type_params(w->out, part, content);
	put_extension(w->out, part);
}

/* Passes over the message inside part, writing nothing. */
static void skip_inside(struct writer *w, const struct mime_part *part)
{
	while (w->more && w->next.depth > part->depth)
		advance(w);
}

static void write_single(struct writer *w, const struct mime_part *part, const struct mime_content *content)
{
	put_basic(w->out, part, content);
	/* message/global is a plain leaf for RFC 3501 clients */
	if (part->kind == MIME_PART_MESSAGE && (w->meta->rev2 || span_is_nocase(content->subtype, "rfc822"))) {
		buf_put_byte(w->out, ' ');
		put_envelope(w, &w->next);
		buf_put_byte(w->out, ' ');
		write_part(w);
		buf_printf(w->out, " %llu", (unsigned long long)part->body_lines);
	} else if (span_is_nocase(content->type, "text")) {
		buf_printf(w->out, " %llu", (unsigned long long)part->body_lines);
	}
	skip_inside(w, part);
	if (w->form == FORM_BODY)
		return;
	buf_put_byte(w->out, ' ');
	put_nfield(w->out, part, MIME_FIELD_MD5);
	put_extension(w->out, part);
}

/* Writes the next part and all inside it. It calls itself, as deep as MIME_DEPTH_MAX. */
static void write_part(struct writer *w)
{
	struct mime_part part = w->next;
	struct mime_content content;

	advance(w);
	mime_part_content(&part, &content);
	buf_put_byte(w->out, '(');
	if (part.kind == MIME_PART_MULTIPART)
		write_multipart(w, &part, &content);
	else
		write_single(w, &part, &content);
	buf_put_byte(w->out, ')');
}

static void write_structure(const struct mime_meta *m, struct buf *out, enum form form)
{
	struct writer w = { .meta = m, .out = out, .form = form, .addresses = MIME_META_ADDRESSES };

	advance(&w);
	write_part(&w);
}

void mime_meta_bodystructure(const struct mime_meta *m, struct buf *out)
{
	write_structure(m, out, FORM_BODYSTRUCTURE);
}

void mime_meta_body(const struct mime_meta *m, struct buf *out)
{
	write_structure(m, out, FORM_BODY);
}
