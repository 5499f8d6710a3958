/*
 * inner.h - the local store as its own files see it. Nobody else includes this.
 */
#ifndef STORAGE_LOCAL_INNER_H
#define STORAGE_LOCAL_INNER_H

#include "common/base/table.h"
#include "storage/driver.h"
#include "storage/local/call.h"
#include "storage/local/commit.h"
#include "storage/local/stage.h"
#include "storage/local/kv.h"
#include "storage/local/local.h"
#include "storage/local/pool.h"
#include "storage/local/redo.h"
#include "storage/local/space.h"
#include "storage/local/turn.h"
#include "storage/local/txids.h"

enum {
	LOCAL_UID_BLOCK = 1000, /* UIDs, and mod-sequences, that a state file is ahead */
	LOCAL_MODSEQ_BLOCK = 10000,
	LOCAL_TXID_S = 600, /* how long a txid is remembered */
	LOCAL_LINK_JOBS = 4,
	LOCAL_BIG = 256 /* links of one commit; more: it does not hold the others up */
};

struct flush;
struct queue;

struct local {
	struct store base;
	struct local_options o;
	uv_loop_t *loop;
	struct kv *kv;
	int tmp_fd, proc_fd;
	struct turns *turns;
	struct buf value; /* what is being encoded for the index */

	struct call *calls[CALL_BUCKETS];
	uint64_t last_call;
	size_t call_count; /* requests in hand */
	size_t job_count;  /* jobs on the pool */

	struct table *accounts; /* by name */
	uint32_t next_account;
	uint64_t last_notes; /* see annotations_changed */
	uint64_t rebuilt;    /* messages, while a lost index is made again */
	struct txids *txids;
	struct table *in_hand; /* commits by txid */
	struct space *space;
	struct stock *stock;
	struct redo *redo; /* NULL: each file is synced at once */
	struct queue *queue;

	/* commits */
	size_t commit_count;
	struct commit_list to_link, to_apply, applied;
	size_t linking; /* groups at it, big ones apart: one at most */
	bool flushing, checkpointing;
	bool syncs_whole; /* one syncfs there is as good as an fsync of each file */
	dev_t mail_device;
	bool queue_apart; /* queue/ lies in another file system than mail/ */
	struct flush *flush;
	struct turn flush_turn, link_turn;
	struct after_list flush_waits; /* told by the flush after the next begins */
	uint64_t flushes, commits;     /* for status */

	/* small files that lag behind */
	struct account *stale_first, *stale_last;
	bool sweeping;                 /* accounts behind `swept` may lag since a crash */
	char swept[STORE_ACCOUNT_MAX]; /* looked at; empty: none */
	uv_timer_t *timer;

	bool closing, finishing, closed;
	struct turn close_turn;
	struct job close_job;
	void (*closed_done)(void *arg);
	void *closed_arg;
};

/* --- local.c --------------------------------------------------------------- */

/* Changes one key, in a transaction of its own, unflushed. A full disk is met with the
 * reserve. 0 or a negative errno. */
int local_put(struct local *s, const struct key *k, struct span value);
int local_del(struct local *s, const struct key *k);
/* Is there a key that begins so? 1 or 0, or a negative errno. */
int local_has(struct local *s, const struct key *start);
/* The buffer for a value, empty. */
struct buf *local_value(struct local *s);
/* What the index can't survive: says so and ends the process. */
void *local_alloc(size_t size); /* zeroed; without memory the process ends */
void local_die(const char *what, int error) __attribute__((noreturn));
/* Does error say that the index must not go on? Then it ends the process. */
int local_index(struct local *s, int error);
/* Called where something came to its end: local_close may be waiting for it. */
void local_rest(struct local *s);
struct local *local_of(struct store *s);

/* --- flush.c --------------------------------------------------------------- */

int flush_new(struct flush **out, struct local *s, struct error *err);
/* On a full disk the reserve is given up, and the work tried again. Any thread. */
int with_reserve(struct local *s, int (*work)(struct kv *kv));

/* --- login.c --------------------------------------------------------------- */

void login_note(struct account *a, uint64_t mailbox); /* something changed: tell the watchers */
void login_looked(struct login *l, uint64_t mailbox); /* a look was answered; 0: at the list */

/* --- settle.c -------------------------------------------------------------- */

/* The account's small files, or its marks, are to be seen to when it is quiet. */
void settle_later(struct account *a);
void settle_tick(struct local *s);
/* After a start, each second: some more of the accounts whose flags file lags are seen to. */
void settle_sweep(struct local *s);
/* Now, if anything lags. */
void settle_now(struct account *a);
/* All at once, for local_close. True: nothing is left. */
bool settle_all(struct local *s);

/* Raises floors so that the numbers are there, then runs after. False: there is enough. */
bool state_raise(struct mailbox *m, struct after *after);
/* Writes the state file soon. */
void state_save(struct mailbox *m);

/* --- annotate.c ------------------------------------------------------------ */

/* Gives the mailbox, or (m NULL) the account, another number `notes`. */
void annotations_changed(struct account *a, struct mailbox *m);
/* The file `annotations` of a mailbox, or (0) of the account, as it is in the index. 0 or a negative errno. */
int annotations_write(struct account *a, uint32_t mailbox, struct buf *out);
/* The way back, for rebuild.c; a damaged file is as none. path: its folder. */
int annotations_rebuild(struct account *a, uint32_t mailbox, const char *path);

/* --- garbage.c: folders and records of mailboxes that are gone -------------- */

/* The mark in the index has been put; removes all, then the mark, as soon as nothing
 * works in the folder. */
void garbage_remove(struct mailbox *m);
/* Something that worked in the mailbox's folder has ended. */
void mailbox_rest(struct mailbox *m);

/* --- derived.c ------------------------------------------------------------- */

/* Where the step's metadata will stand; counts in the message's record. */
void derived_take(struct step *step);
/* On the pool. */
int derived_write(int mail_fd, const char *folder, uint64_t at, const uint8_t guid[STORE_GUID],
		  struct span meta);

#endif
