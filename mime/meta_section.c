/* meta_section.c - where a section lies; the contract is in meta.h. */
#include "mime/meta.h"

/* A part, and where its first child stands in the blob. */
struct place {
	struct mime_part part;
	size_t behind;
};

/* Child number n, from 1, of a multipart or message. */
static bool find_child(const struct mime_meta *m, struct place *at, uint32_t n)
{
	unsigned depth = at->part.depth + 1;

	while (mime_meta_next(m, &at->behind, &at->part) && at->part.depth >= depth)
		if (at->part.depth == depth && --n == 0)
			return true;
	return false;
}

/* Part n of a message whose root is *at: one of its parts, or, where it is no
 * multipart, the one that it is (RFC 9051 6.4.5.1). */
static bool find_in_message(const struct mime_meta *m, struct place *at, uint32_t n)
{
	return at->part.kind == MIME_PART_MULTIPART ? find_child(m, at, n) : n == 1;
}

static bool find_part(const struct mime_meta *m, const uint32_t path[], size_t n, struct place *at)
{
	bool found;

	at->behind = 0;
	found = n > 0 && mime_meta_next(m, &at->behind, &at->part) && path[0] > 0 &&
		find_in_message(m, at, path[0]);
	for (size_t i = 1; found && i < n; i++) {
		if (path[i] == 0 || at->part.kind == MIME_PART_LEAF || at->part.kind == MIME_PART_OPAQUE)
			return false;
		if (at->part.kind == MIME_PART_MULTIPART)
			found = find_child(m, at, path[i]);
		else
			found = find_child(m, at, 1) && find_in_message(m, at, path[i]);
	}
	return found;
}

bool mime_meta_part(const struct mime_meta *m, const uint32_t path[], size_t n, struct mime_part *part)
{
	struct place at;
	bool found = find_part(m, path, n, &at);

	if (found)
		*part = at.part;
	return found;
}

static bool give(uint64_t at, uint64_t n, uint64_t *offset, uint64_t *length)
{
	*offset = at;
	*length = n;
	return true;
}

/* HEADER or TEXT of the message whose root the part is. */
static bool give_of_message(const struct mime_part *root, enum mime_section kind, uint64_t *offset,
			    uint64_t *length)
{
	if (kind == MIME_SECTION_HEADER)
		return give(root->header_at, root->header_bytes, offset, length);
	return give(root->body_at, root->body_bytes, offset, length);
}

bool mime_meta_section(const struct mime_meta *m, const uint32_t path[], size_t n, enum mime_section kind,
		       uint64_t *offset, uint64_t *length)
{
	bool of_message = kind == MIME_SECTION_HEADER || kind == MIME_SECTION_TEXT;
	struct place at;

	if (n == 0 && kind == MIME_SECTION_BODY)
		return give(0, m->size, offset, length);
	if (n == 0 && of_message) {
		mime_meta_root(m, &at.part);
		return give_of_message(&at.part, kind, offset, length);
	}
	if (!find_part(m, path, n, &at))
		return false;
	if (kind == MIME_SECTION_BODY)
		return give(at.part.body_at, at.part.body_bytes, offset, length);
	if (kind == MIME_SECTION_MIME)
		return give(at.part.header_at, at.part.header_bytes, offset, length);
	return at.part.kind == MIME_PART_MESSAGE && find_child(m, &at, 1) &&
	       give_of_message(&at.part, kind, offset, length);
}
