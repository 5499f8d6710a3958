/*
 * result.h - what came of a commit, for its caller, and kept with its txid.
 */
#ifndef STORAGE_LOCAL_RESULT_H
#define STORAGE_LOCAL_RESULT_H

#include "storage/local/commit.h"

/* Appends the results of all steps. */
void result_encode(const struct commit *c, struct buf *out);
/* Fills the steps of a commit that was sent again from those of the first. */
bool result_decode(struct commit *c, struct span in);

#endif
