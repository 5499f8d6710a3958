/*
 * walk.h - look at the messages of a set, page by page.
 *
 * Ranges that lie close together go into one look; what a page holds beside the set is
 * the caller's to pass over (imap_set_has).
 */
#ifndef IMAPD_WALK_H
#define IMAPD_WALK_H

#include "storage/store.h"

struct imap_walk {
	struct store_set uids;
	size_t at;		/* the range that is looked at */
	uint32_t next, last;	/* of the look in hand */
};

void imap_walk_init(struct imap_walk *w, const struct store_set *uids);

/* Fills the next look for records. False: the set is done. */
bool imap_walk_look(struct imap_walk *w, uint64_t mailbox, struct store_look *look);

/* The answer's next_uid. */
void imap_walk_took(struct imap_walk *w, uint32_t next_uid);

#endif
