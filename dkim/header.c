/* header.c - the contract is in header.h. */
#include "dkim/header.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/ascii.h"
#include "mime/header.h"

static uint32_t hash_name(struct span name)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < name.n; i++)
		hash = (hash ^ ascii_lower(name.p[i])) * 16777619U;
	return hash;
}

static size_t count_fields(struct span header)
{
	struct mime_header_field field;
	size_t count = 0;

	while (mime_header_next(&header, &field))
		count++;
	return count;
}

int dkim_fields_read(struct dkim_fields *f, struct span header, size_t most)
{
	struct mime_header_field field;
	size_t count = count_fields(header);

	*f = (struct dkim_fields){ .round = 0 };
	if (count > most)
		return -E2BIG;
	f->all = calloc(count + 1, sizeof(f->all[0]));
	if (f->all == NULL)
		return -ENOMEM;
	while (mime_header_next(&header, &field))
		f->all[f->count++] = (struct dkim_field){ field.name, field.raw, hash_name(field.name), 0 };
	return 0;
}

void dkim_fields_clear(struct dkim_fields *f)
{
	free(f->all);
	*f = (struct dkim_fields){ .count = 0 };
}

const struct dkim_field *dkim_fields_above(const struct dkim_fields *f, struct span name, size_t *at)
{
	uint32_t hash = hash_name(name);

	while (*at > 0) {
		const struct dkim_field *one = &f->all[--*at];

		if (one->hash == hash && span_equal_nocase(one->name, name))
			return one;
	}
	return NULL;
}

void dkim_fields_begin(struct dkim_fields *f)
{
	f->round++;
}

const struct dkim_field *dkim_fields_take(struct dkim_fields *f, struct span name)
{
	uint32_t hash = hash_name(name);

	for (size_t i = f->count; i > 0; i--) {
		struct dkim_field *one = &f->all[i - 1];

		if (one->hash != hash || one->used == f->round || !span_equal_nocase(one->name, name))
			continue;
		one->used = f->round;
		return one;
	}
	return NULL;
}

/* --- canonical form -------------------------------------------------------- */

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* RFC 6376 3.4.2: the name in lower case, one line, white space one SP, none around the value. */
static void put_relaxed(struct span raw, struct buf *out)
{
	struct span name = span_trim(span_take_until(&raw, ':'));
	bool space = false, any = false;

	for (size_t i = 0; i < name.n; i++)
		buf_put_byte(out, ascii_lower(name.p[i]));
	buf_put_byte(out, ':');
	for (size_t i = 0; i < raw.n; i++) {
		if (is_space(raw.p[i])) {
			space = any;
			continue;
		}
		if (space)
			buf_put_byte(out, ' ');
		buf_put_byte(out, raw.p[i]);
		space = false;
		any = true;
	}
	buf_put_text(out, "\r\n");
}

void dkim_field_put(enum dkim_canon canon, struct span raw, struct buf *out)
{
	if (canon == DKIM_SIMPLE)
		buf_put(out, raw);
	else
		put_relaxed(raw, out);
}
