/*
 * statefile.h - the small text files from which a lost index is made again.
 *
 *   MAILBOX-ID/state    name, role, subscription, UIDVALIDITY, floors
 *   MAILBOX-ID/flags    keywords, and flags and keywords by UID
 *   MAILBOX-ID/annotations, annotations   entries and values, of a mailbox and of the account
 *   account             numbers of the account; subscriptions of names that are not there
 *
 * Two files for a mailbox, for a floor is raised every 1000 messages, and a large
 * mailbox's flags are not to be written each time.
 * Shape   `key value` lines for people to read; the last is `sum` and a BLAKE2b of what
 *         stands above it: a file that is torn or edited in part does not parse.
 */
#ifndef STORAGE_LOCAL_STATEFILE_H
#define STORAGE_LOCAL_STATEFILE_H

#include "common/base/buf.h"
#include "storage/local/record.h"

enum { STATEFILE_MAX = 256 * 1024 * 1024 }; /* bytes of the largest one */

/* Fields of the head that a state file holds: role, subscribed, uidvalidity, floors. */
void statefile_mailbox(struct buf *out, const struct head *h, struct span name);
/* Fills those fields; appends the name to *name. */
bool statefile_mailbox_parse(struct span text, struct head *h, struct buf *name);

struct flags_writer {
	struct buf *out;
	uint32_t first, last, flags; /* messages of one kind, not yet written */
	uint64_t keywords;
};
void statefile_flags_begin(struct flags_writer *w, struct buf *out, const struct span *keywords,
			   size_t count);
/* Each message, in the order of their UIDs: those without a flag end a run. */
void statefile_flags_add(struct flags_writer *w, uint32_t uid, uint32_t flags, uint64_t keywords);
void statefile_flags_end(struct flags_writer *w);

struct flags_reader {
	struct span text;                     /* what is left */
	struct span keywords[STORE_KEYWORDS]; /* lent from the text */
	size_t keyword_count;
	uint32_t first, last, flags; /* the run that statefile_flags_next has found */
	uint64_t bits;
};
bool statefile_flags_parse(struct flags_reader *r, struct span text);
/* False at the end. */
bool statefile_flags_next(struct flags_reader *r);

void statefile_notes_begin(struct buf *out);
void statefile_note(struct buf *out, struct span entry, struct span value);
void statefile_notes_end(struct buf *out);
/* *rest then gives them one by one, into the buffers. */
bool statefile_notes_parse(struct span text, struct span *rest);
bool statefile_note_next(struct span *rest, struct buf *entry, struct buf *value);

/* The account: numbers, and each absent name through statefile_absent. */
void statefile_account(struct buf *out, const struct account_record *a);
void statefile_absent(struct buf *out, struct span name);
void statefile_account_end(struct buf *out);
/* Fills next_mailbox and uidvalidity; *rest then gives the absent names one by one. */
bool statefile_account_parse(struct span text, struct account_record *a, struct span *rest);
bool statefile_absent_next(struct span *rest, struct buf *name);

#endif
