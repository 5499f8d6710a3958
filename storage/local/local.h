/*
 * local.h - the store on this machine's disk: Maildir-like folders and Berkeley DB.
 *
 * Owns the folders mail/, queue/ and db/, which come as descriptors; everything is
 * reached from those. Work that blocks is done on libuv's pool; the index on the loop thread,
 * at most 1 ms or 256 records for one request before the next has its turn.
 */
#ifndef STORAGE_LOCAL_H
#define STORAGE_LOCAL_H

#include <uv.h>

#include "common/base/buf.h"
#include "storage/store.h"

struct local_options {
	int mail_fd, queue_fd, db_fd; /* folders; kept */
	uint8_t key[STORE_TOKEN_KEY]; /* of tokens */
	uint64_t index_cache;         /* bytes */
	uint64_t min_free;            /* bytes; below it no new mail */
	uint64_t queue_limit;         /* entries that wait; beyond them no new ones, reports apart. 0: no limit */
	uint64_t quiet_ms;            /* state files are written after so long without a change */
	uint64_t deleted_log_s;       /* how long tombstones are kept */
	unsigned mailbox_limit, keyword_limit;
	uint64_t quota;               /* bytes of an account's messages; 0: no limit */
	uint64_t quota_messages;      /* 0: no limit */
	/* While a lost index is made again: messages so far. NULL: nobody asks. */
	void (*rebuilt)(void *arg, uint64_t messages);
	void *rebuilt_arg;
};

/* Opens, recovers, and where the index is lost rebuilds it from the folders. Blocks. */
int local_new(struct store **out, uv_loop_t *loop, const struct local_options *o, struct error *err);

/* Settings that change while it runs (min_free, queue_limit, quiet_ms, deleted_log_s, limits). */
void local_settings(struct store *s, const struct local_options *o);

/* Tokens of the account made before now are void; its logins end. */
void local_revoke(struct store *s, const char *account);

/* For storaged: gives a file under mail/tmp that a daemon may write a body to, and takes it
 * back sealed. -1 and words if there is no room. */
int local_stage_file(struct store *s, struct store_stage **out, uint64_t max, int *fd, struct error *err);
/* The writer is done: its own device, regular, nlink 0 or 1, of this size, no writer left
 * (read lease). Completes like a store call. */
uint64_t local_stage_seal(struct store_stage *st, uint64_t size, store_done done, void *arg);

/* The holder of a lease (storage/queue.h) has gone: its job is due again. Nothing if the lease has
 * ended. For queue_admin.h the store must be a local one, too. */
void local_queue_release(struct store *s, uint64_t lease);

/* Begins to write the account's small files, if they lag behind the index or may; it is loaded for that. One that there
 * is not is not made. True: it is under way, and local_settling says for how long: false once all is written. */
bool local_settle(struct store *s, const char *account);
bool local_settling(struct store *s, const char *account);

/* Lines `key value` for `yubin status`. */
void local_status(struct store *s, struct buf *out);

/* Finishes what is in hand, writes state files, takes a checkpoint, then calls done. */
void local_close(struct store *s, void (*done)(void *arg), void *arg);

/* Frees at once what local_close has finished, or what never ran. */
void local_free(struct store *s);

#endif
