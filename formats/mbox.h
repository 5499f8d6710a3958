/*
 * mbox.h - mailboxes in one file: messages one behind the other, each after a line "From SENDER DATE".
 *
 * Lines    End in LF or CRLF. A message ends before a line that begins with "From ", holds a date, and has
 *          an empty line (or the start of the file) before it; that empty line is not the message's.
 *          Content-Length is not believed.
 * Quoting  mboxrd: lines of the message that begin with "From " behind any number of ">" have one ">" more
 *          than they had. mboxo: only ">From " had none.
 * Fields   Status, X-Status, X-Keywords, X-UID and X-IMAP(base) are the mailbox's words about a message, not
 *          the message's own: they are read and left out. mbox_write puts them first, in one order: where
 *          they stand so, what follows them is the message's own.
 * Pure     No I/O; what is read lends from the bytes.
 */
#ifndef FORMATS_MBOX_H
#define FORMATS_MBOX_H

#include "common/base/buf.h"

enum mbox_quoting { MBOX_RD, MBOX_O };

enum mbox_flag {
	MBOX_SEEN = 1,     /* Status: R */
	MBOX_OLD = 2,      /* Status: O */
	MBOX_ANSWERED = 4, /* X-Status: A */
	MBOX_FLAGGED = 8,  /* F */
	MBOX_DRAFT = 16,   /* T */
	MBOX_DELETED = 32  /* D */
};

/* One as it lies in the file. */
struct mbox_item {
	struct span from;  /* the line "From ...", without its end */
	int64_t time_s;    /* the line's; 0: none */
	struct span bytes; /* all behind it, quoted, without the empty line at the end */
};

/* Behind what no "From " line stands above, and how much of it: a file that is no mbox from its start. */
struct span mbox_skip(struct span *in);
/* Takes the next one off *in, which begins with a "From " line, or is empty: false. */
bool mbox_next(struct span *in, struct mbox_item *item);

/* Sender and date of such a line. False if it is none. *time_s is 0 if its date can't be. */
bool mbox_from_read(struct span line, int64_t *time_s);

struct mbox_words {
	unsigned flags;       /* bits of enum mbox_flag */
	uint32_t uid;         /* 0: not said */
	uint32_t uidvalidity; /* of X-IMAP(base); 0: not said */
	uint32_t uid_last;    /* the last UID that was given */
	struct span keywords; /* words with white space between them; lent from the bytes */
};

/* Appends the message as it was sent, but for its line ends, and fills *words. False: out is full. */
bool mbox_read(struct span bytes, enum mbox_quoting quoting, struct mbox_words *words, struct buf *out);

/* Appends "From " line, words and message, lines ending in LF, and an empty line. keywords: with spaces. */
void mbox_write(struct buf *out, struct span message, int64_t time_s, const struct mbox_words *words);

#endif
