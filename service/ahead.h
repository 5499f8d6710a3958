/*
 * ahead.h - messages that are opened ahead: who has read one, and now wants the next, will want those behind it.
 *
 * Shape   ahead_take gives a message that is open already; else ahead_count says how many numbers, from that one on, are to
 *         be asked for: 1 by store_body, more by store_bodies, whose answer goes into ahead_fill and is taken from there.
 * Memory  AHEAD_MOST descriptors, until ahead_free.
 */
#ifndef SERVICE_AHEAD_H
#define SERVICE_AHEAD_H

#include "storage/store.h"

enum { AHEAD_MOST = 8 };

struct ahead;		/* opaque; of one session */

/* NULL: no memory; all but ahead_free want one. */
struct ahead *ahead_new(void);
/* Closes what nobody took. NULL is allowed. */
void ahead_free(struct ahead *a);

/* That message, if it is open: its descriptor is the caller's. */
bool ahead_take(struct ahead *a, uint64_t mailbox, uint32_t uid, struct store_opened *out);
/* It grows as long as one message behind the other is asked for. At least 1; uid is in it. */
uint32_t ahead_count(struct ahead *a, uint64_t mailbox, uint32_t uid);
/* Keeps all of them, AHEAD_MOST at most. */
void ahead_fill(struct ahead *a, const struct store_opened *opened, size_t count);

#endif
