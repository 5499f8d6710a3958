/*
 * table.h - from a short key to a pointer.
 *
 * Open addressing over SipHash with a key of the process's own, so that no peer
 * can choose keys that collide.
 * Units   Keys of 1 to 320 bytes, copied. Values are the caller's.
 * Cost    O(1) on average; grows by doubling, shrinks never.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "common/base/error.h"
#include "common/base/span.h"

struct table;			/* opaque; defined in table.c */

int table_new(struct table **out, struct error *err);
void table_free(struct table *t);

/* Puts value (not NULL) under key, over what was there. Returns 0 or -ENOMEM. */
int table_put(struct table *t, struct span key, void *value);

/* What lies under key, or NULL. */
void *table_get(const struct table *t, struct span key);

/* Removes and gives what lies under key, or NULL. */
void *table_remove(struct table *t, struct span key);

size_t table_count(const struct table *t);

/* Walks all entries in no order: start with *at = 0; false at the end. The
 * table must not change meanwhile, except that the entry just given may be
 * removed. key may be NULL. */
bool table_next(const struct table *t, size_t *at, struct span *key, void **value);

/* A number as a key; it lends from *number. */
static inline struct span table_number(const uint64_t *number)
{
	return (struct span){ (const uint8_t *)number, sizeof(*number) };
}

#endif
