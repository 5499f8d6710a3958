/*
 * set.h - sets of message numbers: "1:4,7,9:*" (RFC 3501 9, sequence-set).
 *
 * A parsed set keeps what the client wrote, 0 for "*". Resolved it is a store_set:
 * ascending, disjoint, neighbours joined.
 */
#ifndef IMAPD_SET_H
#define IMAPD_SET_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "storage/store.h"

struct imap_set {
	struct store_range *ranges;	/* 0: the largest number; first may be over last */
	size_t n;
	bool saved;			/* "$": what a search has kept (RFC 5182 2.1) */
};

/* Puts largest in for "*", orders and joins. ranges come from the arena. False: no memory. */
bool imap_set_resolve(const struct imap_set *s, uint32_t largest, struct arena *a, struct store_set *out);

/* Orders and joins r[n] in place; gives how many are left. */
size_t imap_ranges_sort(struct store_range *r, size_t n);

/* O(log n). */
bool imap_set_has(const struct store_set *s, uint32_t number);
/* The highest number in it, 0 if it is empty. */
uint32_t imap_set_last(const struct store_set *s);
/* How many numbers. */
uint64_t imap_set_count(const struct store_set *s);

/* "1:4,7". */
void imap_set_write(const struct store_set *s, struct buf *out);

#endif
