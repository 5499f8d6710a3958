/*
 * redo.h - small bodies are promised before their files are synced.
 *
 * What a group of commits takes in is written into the files of its messages, and all of it once more into a log,
 * mail/tmp/redo.0 or redo.1 (redo_frame.h). Only the log is synced before the index is. Later one syncfs takes all those
 * files to disk, while the other log is written; then the first one is empty. After a crash what the index knows is
 * written again from the logs.
 *
 * Where   In file systems whose syncfs is known to be worth an fsync of each file (files_syncs_whole). Elsewhere, and
 *         when both logs are full, each file and its folder are synced at once.
 * Bounds  Two logs of REDO_LOG bytes. What is in them waits REDO_LATEST_MS for its sync, or until a log is half full.
 * Errors  When the files can't be synced the process ends: the next start writes them again.
 * Threads The loop's, where nothing else is said.
 */
#ifndef STORAGE_LOCAL_REDO_H
#define STORAGE_LOCAL_REDO_H

#include "storage/local/redo_frame.h"
#include "storage/local/turn.h"

struct local;
struct redo; /* opaque; defined in redo.c */

enum {
	REDO_FULL = REDO_LOG / 2, /* bytes from which on a log is synced */
	REDO_LITTLE = REDO_LOG / 8, /* one that held no more gives its room back */
	REDO_LATEST_MS = 5000
};

/* Empty logs; redo_play has come before. *out is NULL where there are none, or none can be
 * made. Blocks. */
int redo_new(struct redo **out, struct local *s, struct error *err);
void redo_free(struct redo *r);

/* Begins the frame of a group, with so many bytes of entries at most. False: there is no room now, another frame is in
 * hand, or (r NULL) there is no log. */
bool redo_begin(struct redo *r, size_t entries);
/* On any thread: where to put them; then writes and syncs it, 0 or a negative errno. */
struct buf *redo_frame(struct redo *r);
int redo_write(struct redo *r);
/* result: of redo_write. A frame that failed is as if it never was. */
void redo_end(struct redo *r, int result);

/* Tells after when the files of all that was promised before now are on disk. False: they are. r may be NULL. */
bool redo_settle(struct redo *r, struct after *after);
/* Once a second. r may be NULL. */
void redo_tick(struct redo *r);
/* On the pool, at the end: the files are on disk, the logs gone. r may be NULL. */
void redo_finish(struct redo *r);

/* --- after a crash (redo_play.c); both block --------------------------------------- */

/* Writes again what the index knows. */
int redo_play(struct local *s, struct error *err);
/* The index was lost: writes again all that has a folder, before the index is made from the folders. */
int redo_play_all(struct local *s, struct error *err);

/* The logs' names in mail/tmp. */
bool redo_is_log(const char *name);
void redo_log_name(char out[16], unsigned which);

#endif
