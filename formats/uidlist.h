/*
 * uidlist.h - dovecot-uidlist: which UID each file of a Maildir has.
 *
 *   3 V1795261278 N41 G0123456789abcdef0123456789abcdef
 *   40 S1200 W1230 :1795261278.M20P3.host,S=1200,W=1230
 *
 * The first line has the version, UIDVALIDITY, the next UID and the mailbox's GUID; each other a UID, words
 * that we pass over, and the file's name without its flags. Version 1 ("1 UIDVALIDITY NEXT", "UID FILE")
 * is read, too.
 * Pure    No I/O; what is read lends from the text.
 */
#ifndef FORMATS_UIDLIST_H
#define FORMATS_UIDLIST_H

#include "common/base/buf.h"

struct uidlist {
	unsigned version;
	uint32_t uidvalidity, uidnext;
	struct span rest; /* lines that were not read */
	uint32_t last;    /* UID of the last */
};

/* Reads the first line. False: it is no such file; *l has no lines then. */
bool uidlist_begin(struct uidlist *l, struct span text);
/* The next file. False at the end, and at the first line that is damaged or whose UID does not rise: what
 * follows it can't be trusted. uidlist_whole then tells which. */
bool uidlist_next(struct uidlist *l, uint32_t *uid, struct span *file);
bool uidlist_whole(const struct uidlist *l);

void uidlist_write_begin(struct buf *out, uint32_t uidvalidity, uint32_t uidnext, const uint8_t guid[16]);
void uidlist_write(struct buf *out, uint32_t uid, struct span file);

#endif
