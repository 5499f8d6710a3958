/*
 * store_source.h - mail as it lies in a Maildir or in mbox files: what an import reads.
 *
 * Shape   source_open finds the mailboxes; then, for one after the other, source_begin and source_next. Nothing
 *         in the source is changed.
 * Errors  One message that can't be read is SOURCE_BAD with words, and the next one can be asked for.
 */
#ifndef ADMIN_STORE_SOURCE_H
#define ADMIN_STORE_SOURCE_H

#include "common/base/buf.h"
#include "common/base/error.h"
#include "storage/store.h"

enum source_format { SOURCE_AUTO, SOURCE_MAILDIR, SOURCE_MBOX, SOURCE_MBOXO };
enum source_status { SOURCE_OK, SOURCE_END, SOURCE_BAD };
enum { SOURCE_BODY_MAX = 1 << 30 };	/* bytes of one message */

struct source;		/* opaque */

struct source_box {
	const char *name;	/* as store.h has them */
	bool subscribed;
	uint32_t uidvalidity;	/* 0: it has no UIDs to keep */
	uint32_t uidnext;
	size_t messages;	/* Maildir: files; mbox: 0, not known */
	uint64_t bytes;		/* mbox: of the file */
	uint64_t units;		/* for source_whole */
};

struct source_message {
	const char *what;	/* names it for a person */
	uint32_t uid;		/* 0: none; else they rise */
	uint32_t flags;		/* enum store_flag */
	const struct span *keywords;
	size_t keyword_count;
	int64_t internal_s;
	uint64_t bare;		/* lone LFs that became CRLF */
};

/* single: the name of the mailbox where path is one mbox file; NULL: INBOX. */
int source_open(struct source **out, const char *path, enum source_format format, const char *single, struct error *err);
/* NULL is allowed. */
void source_free(struct source *s);

bool source_is_maildir(const struct source *s);
size_t source_count(const struct source *s);
/* Lends; sorted by name, INBOX first. Several may have one name: they are one mailbox. */
const struct source_box *source_box(const struct source *s, size_t i);
/* Those that were left out and named: no mailbox can have their name, or they can't be read. */
size_t source_skipped(const struct source *s);
/* Where it lies; lends. */
const char *source_path(const struct source *s, size_t i);
/* Appends a name as store.h has it: composed, INBOX in capitals. False: no memory, or that can't be. */
bool source_name(struct span name, struct buf *out);

/* How much of all mailboxes has been read, in files or, of mbox, in bytes. */
uint64_t source_part(const struct source *s);
uint64_t source_whole(const struct source *s);

/* This mailbox won't be read. */
void source_leave_out(struct source *s, size_t i);

/* Goes to the start of a mailbox. -EINVAL with words: it, or what numbers its messages, can't be read; others may. */
int source_begin(struct source *s, size_t i, struct error *err);
/* The next message: its bytes, lines ending in CRLF, in *body. What m points to holds until the next call. */
enum source_status source_next(struct source *s, struct source_message *m, struct buf *body, struct error *err);

#endif
