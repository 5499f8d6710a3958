/*
 * garbage.h - folders and records of mailboxes that were deleted, or never came to be.
 */
#ifndef STORAGE_LOCAL_GARBAGE_H
#define STORAGE_LOCAL_GARBAGE_H

#include "common/base/error.h"

struct local;

/* At the start: all that a crash has left. Blocks. */
int garbage_sweep(struct local *s, struct error *err);

#endif
