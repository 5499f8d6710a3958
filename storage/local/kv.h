/*
 * kv.h - sorted keys and values on disk, changed in transactions. The one file that
 * knows Berkeley DB is kv.c; it could be replaced.
 *
 * Place   Files in the current directory, which must stay it while the kv is open.
 * Threads Everything on one thread but kv_flush and kv_checkpoint, which may run on
 *         any, beside it.
 * Changes One transaction at a time; without the lock subsystem it must not outlive a
 *         turn of the loop. What is committed is seen at once and is on disk after the
 *         next kv_flush.
 * Errors  0 or a negative errno. -ENOSPC leaves everything usable. -ENOTRECOVERABLE: the
 *         process must end; the next kv_open recovers, or says -EBADMSG.
 */
#ifndef STORAGE_LOCAL_KV_H
#define STORAGE_LOCAL_KV_H

#include "common/base/error.h"
#include "common/base/span.h"

struct kv; /* opaque; defined in kv.c */
struct kv_scan;

enum {
	KV_LOG = 1024 * 1024,            /* bytes of a log file */
	KV_CHECKPOINT = 16 * 1024 * 1024 /* bytes of log between checkpoints */
};

/* Opens, or makes, and recovers. Gives it in *out. -EBADMSG: damaged beyond recovery;
 * then kv_wipe and a new start. */
int kv_open(struct kv **out, uint64_t cache, struct error *err);
/* With a checkpoint, so that the next start has nothing to recover. NULL is allowed. */
void kv_close(struct kv *kv);

/* There is one in the current directory, whole or not. */
bool kv_is_there(void);
/* Reads all of it and checks each page; none may be open. 0 or -EBADMSG. */
int kv_verify(struct error *err);
/* Removes all files of a kv in the current directory; none may be open. */
int kv_wipe(struct error *err);

int kv_begin(struct kv *kv);
/* Either way the transaction is over; on failure nothing of it has happened. */
int kv_commit(struct kv *kv);
void kv_abort(struct kv *kv);

int kv_put(struct kv *kv, struct span key, struct span value);
/* 0 also if it is not there. */
int kv_del(struct kv *kv, struct span key);
/* Lends the value until the next kv_get. -ENOENT. */
int kv_get(struct kv *kv, struct span key, struct span *value);

/* Walks the keys from `from` on, up to and without `end`. Changes made meanwhile may be
 * seen or not. NULL: no memory. */
struct kv_scan *kv_scan_open(struct kv *kv, struct span from, struct span end);
/* 1 and the pair, lent until the next call; 0 at the end; or a negative errno. */
int kv_scan_next(struct kv_scan *scan, struct span *key, struct span *value);
void kv_scan_close(struct kv_scan *scan);

/* All that was committed before is on disk when it returns 0. */
int kv_flush(struct kv *kv);
/* So much log has come since the last one that it is time. */
bool kv_checkpoint_due(struct kv *kv);
/* Writes the pages out and removes old logs. */
int kv_checkpoint(struct kv *kv);

#endif
