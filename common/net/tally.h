/*
 * tally.h - how many there are of each key: connections by address, sessions by account.
 */
#ifndef NET_TALLY_H
#define NET_TALLY_H

#include "common/base/error.h"
#include "common/base/span.h"

struct tally; /* opaque */

int tally_new(struct tally **out, struct error *err);
void tally_free(struct tally *t);

/* One more of key (1 to 320 bytes), unless there are max already. False: not counted. */
bool tally_add(struct tally *t, struct span key, size_t max);

/* One less; key was added before. */
void tally_drop(struct tally *t, struct span key);

/* How many there are of key. */
size_t tally_count(const struct tally *t, struct span key);

/* Different keys. */
size_t tally_keys(const struct tally *t);

#endif
