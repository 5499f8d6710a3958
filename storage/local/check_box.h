/*
 * check_box.h - a mailbox while check.h looks at it, and what is changed in it. check_mailbox.c's own.
 *
 * Records are changed at once; what clients must learn of it (mod-sequence, log of changes, counts,
 * UIDNEXT) and new UIDs come in box_end, when all of the mailbox is known.
 */
#ifndef STORAGE_LOCAL_CHECK_BOX_H
#define STORAGE_LOCAL_CHECK_BOX_H

#include "storage/local/check_inside.h"
#include "storage/meta.h"

struct box_file { /* a message in the folder */
	uint64_t size;
	uint32_t uid;
	uint8_t guid[STORE_GUID];
};

struct box_later { /* one that gets a new UID */
	struct box_file file;
	bool known; /* and these are what it had */
	uint32_t flags;
	uint64_t keywords;
	int64_t internal_s, saved_s;
};

struct box_sums {
	uint64_t size;
	uint32_t exists, unseen, deleted, uid_max;
};

struct box {
	struct check *c;
	struct mailbox *m;
	uint32_t number; /* of the account */
	bool dirty;      /* a crash may have left in it what was never promised */
	bool changed_head;
	struct box_file *files;
	size_t count, room, at;
	struct box_later *later;
	size_t later_count, later_room;
	struct box_sums seen, now; /* of the records as they were, and as they are */
	struct ranges uids, changed, vanished;
	uint64_t modseq; /* of what is changed */
	char where[CHECK_WHERE_MAX];
};

void box_count(struct box_sums *s, const struct message *m);
/* Puts the record. */
int box_put(struct box *b, const struct message *m);
/* A record for the file, under the file's UID. */
int box_put_file(struct box *b, const struct box_file *f);
/* The record goes, and clients learn it. */
int box_vanish(struct box *b, uint32_t uid);
/* The file gets a new UID; was: its record, whose GUID other bytes had, or NULL. */
int box_later(struct box *b, const struct box_file *f, const struct message *was);
/* Counts and the list of UIDs are compared; what was changed becomes whole. */
int box_end(struct box *b);
void box_clear(struct box *b);

#endif
