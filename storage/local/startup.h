/*
 * startup.h - what the store does before it serves anybody. Blocks.
 */
#ifndef STORAGE_LOCAL_STARTUP_H
#define STORAGE_LOCAL_STARTUP_H

#include "common/base/error.h"
#include "storage/local/record.h"

struct account;
struct local;

/* Removes bodies that were on their way; logs stay (redo.h). */
int startup_clean_tmp(struct local *s, struct error *err);

/* After a crash: looks through the folders that the index calls dirty, and removes what
 * it does not know. */
int dirty_sweep(struct local *s, struct error *err);

/* Has the index that message? 1 or 0, or a negative errno: it can't tell. -EBADMSG: its record is damaged. */
int startup_knows(struct local *s, uint32_t account, uint32_t mailbox, uint32_t uid, const uint8_t guid[STORE_GUID]);

/* Makes the whole index from the folders. */
int rebuild_index(struct local *s, struct error *err);
/* One account that the index does not know; one mailbox, which a then has, or no folder of it. */
int rebuild_account(struct local *s, const char *name);
int rebuild_mailbox(struct local *s, struct account *a, uint32_t id);

/* Calls fn with folder and number of each account, if there is any key of that kind. */
int accounts_walk(struct local *s, enum key_kind kind,
		  int (*fn)(struct local *s, const char *folder, uint32_t account));

#endif
