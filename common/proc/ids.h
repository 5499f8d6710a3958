/*
 * ids.h - numbers out of blocks that somebody else hands out.
 *
 * yubind keeps the count of a site's connections; each worker takes from blocks of
 * its own, so that no number is given twice.
 * Limits  IDS_BLOCKS blocks; a further one is not kept.
 */
#ifndef PROC_IDS_H
#define PROC_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IDS_BLOCKS = 4 };

struct ids {
	struct ids_block {
		uint64_t next, left;
	} block[IDS_BLOCKS];
	size_t count; /* blocks in use; the first is taken from */
	uint64_t low; /* ask for more below this: half of the last block */
	bool asked;
};

/* The numbers first .. first + count - 1. */
void ids_add(struct ids *i, uint64_t first, uint64_t count);

/* The next number; 0 if there is none. */
uint64_t ids_take(struct ids *i);

/* True once each time that a new block should be asked for. */
bool ids_want(struct ids *i);

#endif
