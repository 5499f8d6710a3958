/*
 * walk.h - the messages of a mailbox that are in a set, in the order of their UIDs.
 */
#ifndef STORAGE_LOCAL_WALK_H
#define STORAGE_LOCAL_WALK_H

#include "storage/local/account.h"
#include "storage/local/kv.h"

struct walk {
	struct mailbox *mailbox;
	struct store_set set;
	size_t range;  /* the one that is being walked */
	uint32_t at;   /* the next UID that may be given; 0: the end */
	uint32_t read; /* the last UID that the scan gave */
	struct kv_scan *scan;
};

/* From the UID `from` on. The mailbox and the set must outlive the walk. */
void walk_open(struct walk *w, struct mailbox *m, struct store_set set, uint32_t from);
/* 1 and a message, whose address is lent until the next call; 0 at the end; or a negative
 * errno, -EBADMSG with a line in the log for a record that is damaged. */
int walk_next(struct walk *w, struct message *out);
void walk_close(struct walk *w);

/* All UIDs. */
struct store_set walk_all(void);

/* One message. 0, -ENOENT, or as above. */
int message_get(const struct mailbox *m, uint32_t uid, struct message *out);

#endif
