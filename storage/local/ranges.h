/*
 * ranges.h - a set of UIDs as sorted ranges: ascending, disjoint, not touching.
 *
 * A mailbox of 100,000 messages that nobody has expunged from is one range.
 * Shape   Plain value; ranges_init, changes, ranges_clear.
 * Memory  8 bytes a range, doubling. A change that finds no memory marks the set as
 *         failed; it is asked once, at the end.
 */
#ifndef STORAGE_LOCAL_RANGES_H
#define STORAGE_LOCAL_RANGES_H

#include "storage/store.h"

struct ranges {
	struct store_range *at;
	size_t count, room;
	bool failed;
};

void ranges_init(struct ranges *r);
void ranges_clear(struct ranges *r);
/* Forgets the ranges, keeps the memory. */
void ranges_reset(struct ranges *r);

/* Adds; cheap if first is over all that is in the set, O(ranges) otherwise. */
void ranges_add(struct ranges *r, uint32_t first, uint32_t last);
/* Like ranges_add, behind the last one, but never merged: for lists that keep an order. */
void ranges_push(struct ranges *r, uint32_t first, uint32_t last);
/* Takes out what is in `less`. O(both). */
void ranges_subtract(struct ranges *r, const struct ranges *less);

/* Sorts and merges ranges that were pushed in any order. */
void ranges_normalize(struct ranges *r);

/* The place of the first range that ends at or behind uid; r->count if none. */
size_t ranges_find(const struct ranges *r, uint32_t uid);
bool ranges_has(const struct ranges *r, uint32_t uid);

/* Appends to out what [first, last] holds and r does not. */
void ranges_complement(const struct ranges *r, uint32_t first, uint32_t last, struct ranges *out);

struct store_set ranges_set(const struct ranges *r);
/* UIDs in the set. */
uint64_t ranges_size(struct store_set s);
/* Ascending, disjoint, no 0. */
bool ranges_valid(struct store_set s);

#endif
