/*
 * header.h - the fields of a header, found from the bottom up, and their canonical form
 * (RFC 6376 3.4.1, 3.4.2, 5.4.2).
 *
 * For the files of dkim/ alone.
 */
#ifndef DKIM_HEADER_H
#define DKIM_HEADER_H

#include "dkim/inside.h"

enum { DKIM_FIELDS = 4096 };	/* of a header that is checked: its signatures say how often they are looked through */

struct dkim_field {
	struct span name, raw;	/* raw: all of it, with its CRLF */
	uint32_t hash;		/* of the name without regard to case */
	unsigned used;		/* in which round */
};

struct dkim_fields {
	struct dkim_field *all;
	size_t count;
	unsigned round;
};

/* Lends from header. -E2BIG: more than most; -ENOMEM. */
int dkim_fields_read(struct dkim_fields *f, struct span header, size_t most);
void dkim_fields_clear(struct dkim_fields *f);

/* The next field called name above *at, which begins as f->count; NULL: none. */
const struct dkim_field *dkim_fields_above(const struct dkim_fields *f, struct span name, size_t *at);

/* A new signature begins: every field may be taken again. */
void dkim_fields_begin(struct dkim_fields *f);
/* Takes the lowest field called name that was not yet; NULL: none is left, which
 * counts as an empty one. */
const struct dkim_field *dkim_fields_take(struct dkim_fields *f, struct span name);

/* Appends the canonical form of a raw field, with CRLF. */
void dkim_field_put(enum dkim_canon canon, struct span raw, struct buf *out);

#endif
