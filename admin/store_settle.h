/*
 * store_settle.h - the running server's small files, brought up to date before they are copied: flags, annotations and
 * subscriptions are written when their mailbox is quiet, and of an account that nobody has used since a crash not before
 * somebody does.
 */
#ifndef ADMIN_STORE_SETTLE_H
#define ADMIN_STORE_SETTLE_H

#include "admin/site.h"

enum store_settle_state { STORE_SETTLE_CAN, STORE_SETTLE_NO_SERVER, STORE_SETTLE_CANNOT };

/* Waits for it, a second at most: an account that never rests is as good as it can be then. *state: STORE_SETTLE_CAN at
 * first; the caller keeps it from one account to the next. */
void store_settle(const struct site *s, const char *account, enum store_settle_state *state);

#endif
