/*
 * merge.h - order many things in turns, so that nobody else waits (merge sort).
 *
 * Stable. Things are numbers from 0; what they stand for is the caller's.
 * Memory  8 bytes for each.
 */
#ifndef IMAPD_MERGE_H
#define IMAPD_MERGE_H

#include "common/base/span.h"

typedef int (*merge_compare)(const void *arg, uint32_t a, uint32_t b);

struct merge {
	uint32_t *order;	/* the numbers, ordered once merge_go has said so */
	uint32_t *spare;
	size_t n, width;	/* runs of width are ordered */
	size_t low, i, j, k;	/* the pair of runs at hand: its begin, next of each, next to write */
	merge_compare compare;
	const void *arg;
};

/* Numbers 0 to n - 1 as they are. -ENOMEM. */
int merge_init(struct merge *m, size_t n, merge_compare compare, const void *arg);
/* Compares at most so many times. True: all is ordered. */
bool merge_go(struct merge *m, size_t steps);
void merge_clear(struct merge *m);

#endif
