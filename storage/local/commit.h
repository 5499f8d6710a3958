/*
 * commit.h - a change on its way: the five steps of a group commit.
 *
 *   prepare.c   bodies sealed, folders marked dirty, floors raised, sources of copies read
 *   link.c      UIDs taken, names made, all of it put into the log of redo.h, or synced
 *   apply.c     one transaction each, in the order of the UIDs
 *   flush.c     one log flush for all of them
 *   finish.c    the answer; then names that are no longer needed go
 *
 * Between the steps of accounts stands what it does in the queue (queue.h), if anything.
 * A commit that changes no folder goes from prepare to apply. At most one group is being
 * linked and one is being flushed; the next one of each gathers meanwhile. A commit that
 * fails before apply has changed nothing but holes in the UIDs; names that it made are
 * taken back.
 */
#ifndef STORAGE_LOCAL_COMMIT_H
#define STORAGE_LOCAL_COMMIT_H

#include "common/base/arena.h"
#include "storage/local/account.h"
#include "storage/local/call.h"
#include "storage/local/pool.h"

struct stage;
struct queue_work;

/* A message that a step takes into a mailbox. */
struct item {
	uint32_t from; /* UID where it comes from; 0: a stage */
	uint32_t to;
	uint8_t guid[STORE_GUID];
	enum { ITEM_UNLINKED, ITEM_LINKED, ITEM_MISSING, ITEM_TAKEN } state;
};

struct promise { /* numbers that a mailbox keeps ready */
	struct mailbox *mailbox;
	uint32_t uids, modseqs;
	bool held; /* a hold on the folder */
	struct commit *commit;
	struct after floor, mark;
};

enum step_kind { STEP_STORE, STEP_META }; /* a change of store.h, or metadata handed back */

struct step {
	struct commit *commit;
	enum step_kind kind;
	struct store_mutation m; /* all it refers to lies in the commit's arena */
	struct account *account;
	struct mailbox *mailbox, *target; /* held; target: where items go */
	struct mailbox *fresh;            /* CREATE, RENAME of INBOX: the new one, held */
	struct promise into, out;         /* of the target, and of the mailbox that is changed */
	struct span address;
	bool limited; /* DELIVER: the account's limits count */
	struct message message; /* APPEND: the record to be */
	struct item *items;
	size_t item_count, item_room;
	uint64_t derived_at;
	uint32_t collect_at; /* COPY, MOVE: the next UID to be looked at */
	int result;          /* of the pool's work */
	struct turn turn;
	struct after after;
	struct after settled; /* of what it copies */
	struct job job;

	/* where a slice ended */
	uint32_t walk_at; /* the next UID */
	size_t item_at;
	bool copied;     /* MOVE: all is in the target */
	uint64_t bits;   /* SET_FLAGS: its keywords */
	uint64_t modseq; /* of what it changes; 0: nothing yet */
	struct ranges changed;

	bool measured; /* the first of its account that adds to it; then it held, before: */
	struct store_quota held;

	/* results */
	struct store_result r;
	struct ranges from, to, skipped;
	struct ranges vanished; /* uids whose names are to go, with their GUIDs: */
	struct item *dead;
	size_t dead_count, dead_room;
	struct mailbox *removed; /* DELETE: held */
};

enum commit_kind { COMMIT_STORE, COMMIT_DELIVER, COMMIT_INNER };

struct commit {
	struct call call;
	enum commit_kind kind;
	store_commit_done commit_done;
	store_done done;     /* of the other kinds */
	struct after *inner; /* COMMIT_INNER: told at the end */

	struct arena *arena;
	struct step *steps;
	size_t step_count;
	struct store_txid txid;
	bool has_txid, owns_txid;
	struct stage *stage;      /* DELIVER: shared by the steps, and the queue */
	struct queue_work *queue; /* NULL: it does nothing there */
	struct commit *followers; /* the same txid again, while this is in hand */

	enum { PHASE_START, PHASE_READY, PHASE_READ, PHASE_FILES, PHASE_LINK, PHASE_APPLY } phase;
	unsigned waiting; /* things that this phase waits for */
	enum store_status status;
	char words[200];
	bool links;      /* some step makes names */
	bool big;        /* so many that it has the account to itself meanwhile */
	bool begun;      /* slices of it are in the index */
	bool intent_put; /* which must be ended, whatever comes */
	struct turn turn;
	struct after after, body;
	struct commit *next;
	struct account *ordered; /* it waits for those before it in the account's row */
	struct login *orderer;   /* who may be gone */
	uint64_t order;          /* its number among his, from 1 */
	struct commit *behind;   /* the next one there */
	bool parked;             /* it is ready, and not the first */
};

struct commit_list {
	struct commit *first, *last;
};
void commit_push(struct commit_list *list, struct commit *c);
struct commit *commit_shift(struct commit_list *list);

/* --- making (commit.c) ----------------------------------------------------- */

/* An empty commit with room for steps; like call_new. */
struct commit *commit_new(struct local *s, size_t steps);
/* The next step, on the account, which it holds. */
struct step *commit_step(struct commit *c, struct account *a);
/* Sets it going. */
void commit_start(struct commit *c);
/* Notes why it can't be done; the first reason counts. */
void commit_fail(struct commit *c, enum store_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The words of a negative errno of file work. */
void commit_fail_errno(struct commit *c, int error, const char *what);

/* --- one behind the other (order.c) --------------------------------------------- */

/* Numbers are taken in the order in which commits joined the account's row, and one that fails takes
 * those behind it along, and all that the login asks for later: so what an import has brought is always
 * a beginning of its source, although several of its commits are under way. */
void order_join(struct commit *c, struct login *l);
/* True: it may take its numbers. Else it goes on by itself when it is its turn. */
bool order_first(struct commit *c);
/* It has taken its numbers, or ends. */
void order_leave(struct commit *c);
/* It was not made. */
void order_fall(struct commit *c);
/* One before it was not made. */
bool order_fallen(const struct commit *c);

/* --- from step to step ----------------------------------------------------- */

/* One more, and one less, thing that the phase waits for. */
void commit_wait(struct commit *c);
void commit_go_on(struct commit *c);
/* All that must be there before its names are made is. */
void commit_prepared(struct commit *c);
/* prepare.c: begins what the phase needs. */
void prepare_read(struct commit *c);
void prepare_files(struct commit *c);
/* link.c */
void link_enter(struct commit *c);
void link_run(struct local *s);
/* Takes back the names that the step made. */
void link_undo(struct step *step);
/* Removes names, the UIDs in `to`; keeps the list. */
void unlink_items(struct mailbox *m, struct item *items, size_t count);
/* apply.c: changes index and memory, or neither. Fills status, results. True: that was
 * one slice of a long one, which goes on by itself (long.c). */
bool apply_commit(struct commit *c);
/* long.c */
void long_begin(struct commit *c);
/* flush.c */
void flush_enter(struct commit *c);
void flush_run(struct local *s);
/* A long one is applied: it goes along with the next flush. */
void flush_applied(struct commit *c);
/* Tells after what is in the index now is on disk. */
void flush_after(struct local *s, struct after *after);
/* finish.c: answers, and frees. */
void finish_commit(struct commit *c);
void commit_free(struct commit *c);

#endif
