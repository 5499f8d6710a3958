/* meta.c - the contract is in meta.h.
 *
 * The blob: version (1 byte), flags (1 byte: 1 = cut, 2 = a ready ENVELOPE), size, number of parts; with
 * flag 2 the ENVELOPE as counted bytes, in one line without literals; then for each part kind (1 byte), depth (1 byte), header_at, header_bytes, body_bytes,
 * body_lines, and its fields as counted bytes: field number (1 byte), counted bytes...
 * in rising order. Numbers and counts as mime/blob.h has them. */
#include "mime/meta.h"

#include <errno.h>

#include "common/base/swar.h"
#include "mime/blob.h"
#include "mime/lex.h"
#include "mime/param.h"
#include "mime/parse.h"

/* An open multipart or message while the tree is checked. */
struct branch {
	enum mime_part_kind kind;
	uint64_t next;			/* no child begins before this */
	uint64_t end;			/* none ends behind this */
};

/* Takes one part off *in. False if it is malformed by itself. */
static bool take_part(struct span *in, struct mime_part *part)
{
	struct span two = span_take(in, 2);

	if (two.n < 2 || two.p[0] > MIME_PART_OPAQUE)
		return false;
	part->kind = (enum mime_part_kind)two.p[0];
	part->depth = two.p[1];
	if (!mime_blob_take(in, &part->header_at) || !mime_blob_take(in, &part->header_bytes) ||
	    !mime_blob_take(in, &part->body_bytes) || !mime_blob_take(in, &part->body_lines))
		return false;
	part->body_at = part->header_at + part->header_bytes;	/* each is under 2^63 */
	return mime_blob_take_bytes(in, &part->fields);
}

/* Takes one field off *fields. */
static bool take_field(struct span *fields, uint8_t *number, struct span *value)
{
	struct span one = span_take(fields, 1);

	if (one.n == 0)
		return false;
	*number = one.p[0];
	return mime_blob_take_bytes(fields, value);
}

static bool one_line(struct span value)
{
	for (; value.n >= SWAR_BYTES; span_take(&value, SWAR_BYTES)) {
		uint64_t word = swar_load(value.p);

		if (swar_has(word, '\r') | swar_has(word, '\n') | swar_has(word, '\0'))
			return false;
	}
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] == '\r' || value.p[i] == '\n' || value.p[i] == '\0')
			return false;
	return true;
}

static bool fields_good(struct span fields)
{
	int before = -1;
	struct span value;
	uint8_t number;

	while (fields.n > 0) {
		if (!take_field(&fields, &number, &value) || number >= MIME_FIELD_COUNT || number <= before ||
		    !one_line(value))
			return false;
		before = number;
	}
	return true;
}

/* Its place lies in the message, and its fields are whole. */
static bool part_good(const struct mime_part *part, uint64_t size)
{
	return part->header_at <= size && part->header_bytes <= size - part->header_at &&
	       part->body_bytes <= size - part->body_at && part->body_lines <= part->body_bytes &&
	       part->depth <= MIME_DEPTH_MAX && fields_good(part->fields);
}

/* The part stands inside its parent and behind its elder brothers. before is the part
 * in front of it. */
static bool place_good(struct branch open[], const struct mime_part *part, const struct mime_part *before)
{
	uint64_t end = part->body_at + part->body_bytes;
	bool has_children = before->kind == MIME_PART_MULTIPART || before->kind == MIME_PART_MESSAGE;
	struct branch *parent;

	if (part->depth == 0 || part->depth > before->depth + has_children)
		return false;
	if (before->kind == MIME_PART_MESSAGE && part->depth != before->depth + 1)
		return false;
	parent = &open[part->depth - 1];
	if (parent->kind == MIME_PART_MESSAGE && part->depth <= before->depth)
		return false;	/* a message holds one message */
	if (part->header_at < parent->next || end > parent->end)
		return false;
	parent->next = end;
	return true;
}

/* What hangs on the root, and nothing behind it. */
static bool branches_good(const struct mime_meta *m, struct span in, struct mime_part *before)
{
	struct branch open[MIME_DEPTH_MAX + 1];
	struct mime_part part;

	open[0] = (struct branch){ before->kind, before->body_at, before->body_at + before->body_bytes };
	for (uint32_t i = 1; i < m->parts; i++) {
		if (!take_part(&in, &part) || !part_good(&part, m->size) || !place_good(open, &part, before))
			return false;
		open[part.depth] = (struct branch){ part.kind, part.body_at, part.body_at + part.body_bytes };
		*before = part;
	}
	return in.n == 0;
}

/* Most messages are one part. */
static bool tree_good(struct mime_meta *m, struct span in)
{
	struct mime_part last;

	if (!take_part(&in, &last) || !part_good(&last, m->size) || last.depth != 0 || last.header_at != 0 ||
	    last.header_bytes + last.body_bytes != m->size)
		return false;
	m->header_bytes = last.header_bytes;
	if (m->parts == 1 ? in.n > 0 : !branches_good(m, in, &last))
		return false;
	return last.kind != MIME_PART_MESSAGE;
}

/* What stands in front of the parts; *in is moved behind it. */
static bool take_head(struct mime_meta *m, struct span *in)
{
	struct span head = span_take(in, 2);
	uint64_t parts;

	if (!mime_blob_take(in, &m->size) || !mime_blob_take(in, &parts) || parts == 0 || parts > UINT32_MAX)
		return false;
	if ((head.p[1] & MIME_META_FLAG_ENVELOPE) != 0 && !mime_blob_take_bytes(in, &m->envelope))
		return false;
	m->cut = (head.p[1] & MIME_META_FLAG_CUT) != 0;
	m->parts = (uint32_t)parts;
	m->first = m->blob.n - in->n;
	return true;
}

static bool is_of_this_version(struct span blob)
{
	return blob.n >= 2 && blob.p[0] == MIME_META_VERSION;
}

int mime_meta_open(struct mime_meta *m, struct span blob, struct error *err)
{
	struct span in = blob;

	*m = (struct mime_meta){ .blob = blob };
	if (!is_of_this_version(blob))
		return error_set(err, -EBADMSG, "a message's structure is of another version");
	if (!take_head(m, &in) || !one_line(m->envelope))
		return error_set(err, -EBADMSG, "a message's structure is damaged at its start");
	if (!tree_good(m, in))
		return error_set(err, -EBADMSG, "a message's structure is damaged");
	return 0;
}

bool mime_meta_open_envelope(struct mime_meta *m, struct span blob)
{
	struct span in = blob;

	*m = (struct mime_meta){ .blob = blob };
	return is_of_this_version(blob) && take_head(m, &in) && one_line(m->envelope) && m->envelope.n > 0;
}

bool mime_meta_open_fields(struct mime_meta *m, struct span blob)
{
	struct span in = blob;

	*m = (struct mime_meta){ .blob = blob };
	return is_of_this_version(blob) && take_head(m, &in);
}

bool mime_meta_next(const struct mime_meta *m, size_t *at, struct mime_part *part)
{
	size_t from = *at > 0 ? *at : m->first;
	struct span in = m->blob;

	span_take(&in, from);
	if (in.n == 0 || !take_part(&in, part))
		return false;
	*at = m->blob.n - in.n;
	return true;
}

void mime_meta_root(const struct mime_meta *m, struct mime_part *part)
{
	size_t at = 0;

	*part = (struct mime_part){ 0 };	/* mime_meta_open_fields has not looked at it */
	mime_meta_next(m, &at, part);
}

bool mime_part_field(const struct mime_part *part, enum mime_field field, struct span *value)
{
	struct span fields = part->fields;
	uint8_t number;

	while (take_field(&fields, &number, value))
		if (number == field)
			return true;
	*value = (struct span){ 0 };
	return false;
}

void mime_part_fields(const struct mime_part *part, struct span values[MIME_FIELD_COUNT])
{
	struct span fields = part->fields, value;
	uint8_t number;

	memset(values, 0, MIME_FIELD_COUNT * sizeof(*values));
	while (take_field(&fields, &number, &value))
		if (number < MIME_FIELD_COUNT)
			values[number] = value;
}

bool mime_meta_field(const struct mime_meta *m, enum mime_field field, struct span *value)
{
	struct mime_part root;

	mime_meta_root(m, &root);
	return mime_part_field(&root, field, value);
}

bool mime_meta_sent(const struct mime_meta *m, struct mime_date *date)
{
	struct span value;

	return mime_meta_field(m, MIME_FIELD_DATE, &value) && mime_date_parse(value, date);
}

/* --- what a part holds ------------------------------------------------------ */

/* The type that the header states. False if it states none. */
static bool stated_type(const struct mime_part *part, struct mime_content *content)
{
	struct span value;

	if (!mime_part_field(part, MIME_FIELD_TYPE, &value))
		return false;
	content->type = mime_param_token(&value);
	mime_lex_skip(&value);
	if (content->type.n == 0 || !span_starts(value, "/"))
		return false;
	span_take(&value, 1);
	content->subtype = mime_param_token(&value);
	return content->subtype.n > 0;
}

static void put_charset(const struct mime_part *part, struct mime_content *content)
{
	const struct mime_param *charset;
	struct mime_params type;
	struct span value;

	if (!mime_part_field(part, MIME_FIELD_TYPE, &value))
		return;
	mime_params_type(&type, value);
	charset = mime_params_find(&type, "charset");
	for (size_t i = 0; charset != NULL && i < charset->value.n && i < sizeof(content->charset); i++)
		content->charset[content->charset_n++] = charset->value.p[i];
	mime_params_clear(&type);
}

/* The header's type can't be, or is not what the part was taken for. */
static void assume_type(struct mime_content *content, const char *type, const char *subtype)
{
	content->type = span_of(type);
	content->subtype = span_of(subtype);
	content->stated = false;
}

static bool is_message_type(const struct mime_content *content)
{
	return content->stated && span_is_nocase(content->type, "message") &&
	       (span_is_nocase(content->subtype, "rfc822") || span_is_nocase(content->subtype, "global"));
}

static bool is_multipart_type(const struct mime_content *content)
{
	return content->stated && span_is_nocase(content->type, "multipart");
}

void mime_part_content(const struct mime_part *part, struct mime_content *content)
{
	struct span value;

	*content = (struct mime_content){ .encoding = MIME_ENCODING_IDENTITY };
	if (mime_part_field(part, MIME_FIELD_ENCODING, &value))
		content->encoding = mime_encoding_of(value);
	content->stated = stated_type(part, content);
	if (part->kind == MIME_PART_MULTIPART && !is_multipart_type(content))
		assume_type(content, "multipart", "mixed");
	if (part->kind == MIME_PART_MESSAGE && !is_message_type(content))
		assume_type(content, "message", "rfc822");	/* RFC 2046 5.1.5 */
	if (part->kind == MIME_PART_LEAF && (!content->stated || is_multipart_type(content)))
		assume_type(content, "text", "plain");		/* RFC 2045 5.2 */
	if (part->kind == MIME_PART_OPAQUE || (part->kind == MIME_PART_LEAF && is_message_type(content)))
		assume_type(content, "application", "octet-stream");
	if (content->stated)
		put_charset(part, content);
}
