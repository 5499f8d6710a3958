/*
 * ids.h - connection ids (ICID): a number is given once in the life of a site.
 *
 * Shape   The file holds the first number that nobody may have used. It is moved on
 *         by IDS_STEP, durably, before a number of that step is given; a crash
 *         skips what is left of a step and repeats nothing.
 */
#ifndef SUPERVISOR_IDS_H
#define SUPERVISOR_IDS_H

#include "common/base/error.h"

#include <stdint.h>

enum { IDS_BLOCK = 1000, IDS_STEP = 100000 };

struct ids;			/* opaque */

/* Reads the file at path (copied); one that is not there starts at 1, one that makes no
 * sense far above all that can have been given (told in *warning, "" otherwise). */
int ids_open(struct ids **out, const char *path, struct error *warning, struct error *err);

/* Writes back what was not given. */
void ids_close(struct ids *i);

/* A fresh block of IDS_BLOCK numbers. */
int ids_take(struct ids *i, uint64_t *first, struct error *err);

#endif
