/* uidlist.c - the contract is in uidlist.h. */
#include "formats/uidlist.h"

#include <stddef.h>

static bool number_behind(struct span word, uint8_t letter, uint32_t *out)
{
	uint64_t number;

	if (word.n == 0 || word.p[0] != letter || !span_number((struct span){ word.p + 1, word.n - 1 }, UINT32_MAX, &number))
		return false;
	*out = (uint32_t)number;
	return true;
}

static bool number(struct span word, uint32_t *out)
{
	uint64_t n;

	if (!span_number(word, UINT32_MAX, &n))
		return false;
	*out = (uint32_t)n;
	return true;
}

bool uidlist_begin(struct uidlist *l, struct span text)
{
	struct span line = span_take_until(&text, '\n'), version = span_take_until(&line, ' ');

	*l = (struct uidlist){ .version = 0 };
	if (span_is(version, "1")) {
		if (!number(span_take_until(&line, ' '), &l->uidvalidity) || !number(span_take_until(&line, ' '), &l->uidnext))
			return false;
		l->version = 1;
	} else if (span_is(version, "3")) {
		while (line.n > 0) {
			struct span word = span_take_until(&line, ' ');

			if (!number_behind(word, 'V', &l->uidvalidity))
				number_behind(word, 'N', &l->uidnext);
		}
		l->version = 3;
	}
	if (l->version == 0 || l->uidvalidity == 0 || l->uidnext == 0) {
		*l = (struct uidlist){ .version = 0 };
		return false;
	}
	l->rest = text;
	return true;
}

/* What stands behind the UID: in version 3, words up to one that begins with a colon. */
static bool file_read(unsigned version, struct span line, struct span *file)
{
	while (version == 3 && line.n > 0 && line.p[0] != ':')
		span_take_until(&line, ' ');
	if (version == 3)
		span_take(&line, 1);
	*file = span_take_until(&line, ':');
	return file->n > 0 && span_find(*file, '/') < 0;
}

bool uidlist_next(struct uidlist *l, uint32_t *uid, struct span *file)
{
	struct span rest = l->rest, line = span_take_until(&rest, '\n');

	if (l->rest.n == 0 || !number(span_take_until(&line, ' '), uid) || *uid <= l->last || *uid == UINT32_MAX ||
	    !file_read(l->version, line, file))
		return false;
	l->last = *uid;
	l->rest = rest;
	return true;
}

bool uidlist_whole(const struct uidlist *l)
{
	return l->version != 0 && l->rest.n == 0;
}

void uidlist_write_begin(struct buf *out, uint32_t uidvalidity, uint32_t uidnext, const uint8_t guid[16])
{
	buf_printf(out, "3 V%u N%u G", uidvalidity, uidnext);
	for (size_t i = 0; i < 16; i++)
		buf_printf(out, "%02x", guid[i]);
	buf_put_byte(out, '\n');
}

void uidlist_write(struct buf *out, uint32_t uid, struct span file)
{
	buf_printf(out, "%u :", uid);
	buf_put(out, file);
	buf_put_byte(out, '\n');
}
