/*
 * maildir.h - what the names in a Maildir say: flags, sizes, keywords, mailboxes.
 *
 * File    UNIQUE[,S=BYTES][,W=BYTES][:2,FLAGS]; the letters of FLAGS are D F P R S T, and a-z for
 *         the keywords that the file dovecot-keywords of the folder names.
 * Folder  Maildir++: INBOX is the Maildir itself, "Sent/2025" its folder ".Sent.2025"; modified UTF-7
 *         (RFC 3501 5.1.3) or UTF-8. A dot or a backslash inside a level stands
 *         as "\2e", "\5c". Dovecot's LAYOUT=fs: folders in folders, "Sent/2025".
 * Pure    No I/O; what is read lends from what was handed in.
 */
#ifndef FORMATS_MAILDIR_H
#define FORMATS_MAILDIR_H

#include "common/base/buf.h"

enum maildir_flag {
	MAILDIR_DRAFT = 1,   /* D */
	MAILDIR_FLAGGED = 2, /* F */
	MAILDIR_PASSED = 4,  /* P: forwarded */
	MAILDIR_REPLIED = 8, /* R */
	MAILDIR_SEEN = 16,   /* S */
	MAILDIR_TRASHED = 32 /* T: deleted */
};

enum { MAILDIR_KEYWORDS = 26 };

struct maildir_name {
	struct span unique; /* what stands before the colon: never changes, unlike the flags */
	unsigned flags;     /* bits of enum maildir_flag */
	uint32_t keywords;  /* bit 0: a */
	uint64_t size;      /* S=; 0: not said */
	int64_t time_s;     /* when it was delivered, as the name begins; 0: not said */
};

/* False for what is no message: empty, or hidden. A suffix of another kind than ":2," is passed over. */
bool maildir_name_read(struct span file, struct maildir_name *out);

/* Appends ":2," and the letters, sorted as other programs expect. */
void maildir_flags_write(struct buf *out, unsigned flags, uint32_t keywords);

/* Fills words from dovecot-keywords, "NUMBER WORD" a line; empty spans where there is none. */
void maildir_keywords_read(struct span text, struct span words[MAILDIR_KEYWORDS]);
void maildir_keywords_write(struct buf *out, const struct span *words, size_t count);

/* Appends the mailbox of a folder ".Sent.2025". False: it is no folder of Maildir++, or its name can't be. */
bool maildir_folder_read(struct span folder, struct buf *mailbox);
/* Appends the level of one folder of LAYOUT=fs, behind those above it. False: no mailbox's level can be named so. */
bool maildir_level_read(struct span folder, struct buf *mailbox);
/* Appends the folder of a mailbox (not INBOX), in modified UTF-7. */
void maildir_folder_write(struct buf *out, struct span mailbox);

/* Takes the next mailbox off the file `subscriptions`, appends it to *mailbox. False at the end. The file's
 * first line says how it separates levels: *version is 0 before the first call, and the reader's own. */
bool maildir_subscribed_next(struct span *text, unsigned *version, struct buf *mailbox);
/* The whole file has this first, then a line for each. */
void maildir_subscribed_begin(struct buf *out);
void maildir_subscribed_write(struct buf *out, struct span mailbox);

#endif
