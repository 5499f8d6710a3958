/*
 * check.h - looks through a store for damage, and mends it: `yubin store check|repair`.
 *
 * Order   The folders, then the index by itself, then each mailbox's folder against the index, then
 *         the queue. Each finding is told through `found`, with the stable word of its kind.
 * Modes   CHECK_LIVE: a server runs and owns the index; only what a single file or folder tells is
 *         looked at. CHECK_LOOK: no server runs; after a crash the index is recovered, and the messages
 *         of its last seconds (redo.h); nothing else changes. CHECK_MEND: as CHECK_LOOK, and each
 *         finding is mended.
 * Mending Nothing that is there is removed: what has no place goes to .lost in its folder, under
 *         its old path. A message keeps its UID unless other bytes stand under it now; then it
 *         gets a new one, so that no client takes them for the old ones. UIDVALIDITY stays.
 * Memory  32 bytes for each message of the largest mailbox, 60 or so for each mailbox.
 * Process The current directory becomes the folder of the index. Blocks.
 */
#ifndef STORAGE_LOCAL_CHECK_H
#define STORAGE_LOCAL_CHECK_H

#include "common/base/error.h"
#include "storage/local/local.h"

enum check_kind {
	/* folders */
	CHECK_WRONG_TYPE,
	CHECK_WRONG_OWNER,
	CHECK_WRONG_MODE,
	CHECK_STRANGE_NAME,
	CHECK_UNREADABLE,
	CHECK_LEFTOVER,
	CHECK_STATE_UNREADABLE,
	CHECK_FLAGS_UNREADABLE,
	CHECK_ACCOUNT_UNREADABLE,
	CHECK_NOTES_UNREADABLE,
	/* the index */
	CHECK_INDEX_DAMAGED,
	CHECK_INDEX_KEY,
	CHECK_INDEX_VALUE,
	CHECK_INDEX_ORPHAN,
	/* accounts and mailboxes */
	CHECK_ACCOUNT_WITHOUT_RECORD,
	CHECK_ACCOUNT_WITHOUT_FOLDER,
	CHECK_FOLDER_WITHOUT_MAILBOX,
	CHECK_MAILBOX_WITHOUT_FOLDER,
	CHECK_STATE_OLD,
	CHECK_WRONG_COUNTS,
	CHECK_UID_LIST,
	/* messages */
	CHECK_FILE_WITHOUT_RECORD,
	CHECK_RECORD_WITHOUT_FILE,
	CHECK_WRONG_SIZE,
	CHECK_WRONG_GUID,
	CHECK_TWO_FILES,
	CHECK_ABOVE_UIDNEXT,
	CHECK_DERIVED,
	CHECK_UNPROMISED,
	/* the queue */
	CHECK_QUEUE_RECORD,
	CHECK_QUEUE_NO_MAIL,
	CHECK_QUEUE_SIZE,
	CHECK_QUEUE_NO_ENVELOPE,
	CHECK_QUEUE_ENVELOPE,
	CHECK_QUEUE_FILE,
	CHECK_KINDS
};

struct check_row {
	const char *word;  /* stable: scripts know it */
	bool note;         /* no damage: what a crash may leave; a start sees to it */
	const char *means; /* one sentence without its full stop */
	const char *mend;  /* what repair does */
};
extern const struct check_row check_rows[CHECK_KINDS];

enum check_mode { CHECK_LIVE, CHECK_LOOK, CHECK_MEND };

struct check_found {
	enum check_kind kind;
	const char *where; /* a path from the site's folders on, or "db: ..." */
	const char *words; /* more about it, or "" */
	bool mended;
	int error; /* why it could not be: a negative errno */
};

struct check_counts {
	uint64_t accounts, mailboxes, messages, bytes, queued, damaged, notes, mended;
};

struct check_options {
	struct local_options store; /* the folders and index_cache count */
	enum check_mode mode;
	char *const *accounts; /* names; none: all of them, and the queue */
	size_t account_count;
	void (*found)(void *arg, const struct check_found *f);
	void (*progress)(void *arg, const struct check_counts *c); /* every 256 messages or so */
	/* Gives a file or folder (no symlink is followed) the store's owner. 0 or a negative errno. */
	int (*own)(void *arg, int at, const char *path);
	void *arg;
};

/* 0, also with findings; or a negative errno: it could not be looked through. */
int check_run(const struct check_options *o, struct check_counts *out, struct error *err);

/* 1: there is an index, whole or not; 0: none was ever made, or somebody has removed it; or a negative errno. */
int check_has_index(const struct local_options *o, struct error *err);

/* The index is thrown away and made again from the folders, as a start without one does. */
int check_rebuild(const struct local_options *o, struct error *err);

#endif
