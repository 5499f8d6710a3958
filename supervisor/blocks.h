/*
 * blocks.h - blocks of connection ids (ICID): a number is given once in the life of a site.
 *
 * Shape   The file holds the first number that nobody may have used. It is moved on
 *         by BLOCKS_STEP, durably, before a number of that step is given; a crash
 *         skips what is left of a step and repeats nothing.
 */
#ifndef SUPERVISOR_BLOCKS_H
#define SUPERVISOR_BLOCKS_H

#include "common/base/error.h"

#include <stdint.h>

enum { BLOCKS_SIZE = 1000, BLOCKS_STEP = 100000 };

struct blocks;			/* opaque */

/* Reads the file at path (copied); one that is not there starts at 1, one that makes no
 * sense far above all that can have been given (told in *warning, "" otherwise). */
int blocks_open(struct blocks **out, const char *path, struct error *warning, struct error *err);

/* Writes back what was not given. */
void blocks_close(struct blocks *i);

/* A fresh block of BLOCKS_SIZE numbers. */
int blocks_take(struct blocks *i, uint64_t *first, struct error *err);

#endif
