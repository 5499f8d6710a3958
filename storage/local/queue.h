/*
 * queue.h - the queue as the local store's own files see it; storage/queue.h is its contract.
 *
 *   queue_accept.c   a delivery's remotes become an entry, in the delivery's commit
 *   queue_index.c    entries and jobs in memory: by id, by lease
 *   queue_dest.c     domains: which of them is ready, which job is next
 *   queue_lease.c    jobs are handed out · queue_report.c  what came of them
 *   queue_load.c     the start · queue_files.c  queue/ID.mail and queue/ID.envelope
 *   queue_note.c     notes · queue_admin.c, queue_act.c  for administrators
 *
 * Memory has of each job what is needed to find the next one; all else is read from the index when
 * it is leased. Where memory and index differ, a commit is in hand: the job is busy.
 */
#ifndef STORAGE_LOCAL_QUEUE_H
#define STORAGE_LOCAL_QUEUE_H

#include <sys/stat.h>

#include "storage/local/inner.h"
#include "storage/local/queue_heap.h"
#include "storage/local/queue_record.h"

struct queue_dest;

struct queue_slot {                /* a job */
	struct queue_dest *dest;   /* NULL: done */
	uint64_t lease;            /* 0: none */
	struct heap_node due;      /* its key says when, in any case */
	struct heap_node deadline; /* when it is leased although it is not due; QUEUE_NEVER */
	uint16_t number, recipients;
	uint8_t bits; /* enum queue_bit */
	uint8_t busy; /* commits in hand: not leased meanwhile */
};

struct queue_entry {
	struct queue_entry *next; /* in its bucket */
	const char *aside;        /* why it is set aside, or NULL */
	uint32_t created_s;
	uint16_t slots, left; /* jobs at first, jobs that are not done */
	uint8_t files;        /* at the start: which of its files were seen */
	struct queue_slot slot[];
	/* behind them: the id and its NUL */
};

struct queue_dest {                /* a domain */
	struct heap due, deadline; /* of its jobs that wait */
	uint32_t jobs, leased, allowed;
	int64_t not_before_s;
	uint64_t flushed_ms;   /* clock_mono_ms of queue_dest_release; 0: never */
	int64_t forget_s;      /* it has no jobs, and may go then */
	struct heap_node wake; /* in queue.wakes: when it is to be looked at again */
	bool ready;            /* in the ring */
	struct queue_dest *next, *before;
	char *words;
	char name[];
};

#define QUEUE_NEVER UINT64_MAX

struct queue {
	struct local *s;
	struct queue_entry **bucket; /* buckets: a power of two */
	size_t buckets, entries;
	uint8_t hash_key[16];
	struct table *dests, *leases;
	struct heap wakes;
	struct queue_dest *ready_first, *ready_last; /* whose turn is next */
	uint64_t last_lease;
	uint32_t sequence; /* orders what is due in the same second */
	struct queue_times times;
	queue_ready ready;
	void *ready_arg;
	bool told; /* and nothing was leased since */
	struct turn hint_turn, sweep_turn;
	size_t recipients, leased, held, aside;
	uint64_t note_bytes; /* of all notes, about */
	int64_t sweep_s;     /* the next sweep of the notes */
	struct key sweep_at;
	uint64_t sweep_bytes;
};

/* --- queue_load.c ----------------------------------------------------------- */

/* Reads what the index has, and compares it with the files. Blocks. */
int queue_new(struct queue **out, struct local *s, struct error *err);
void queue_free(struct queue *q);
/* The index was lost: makes its records from the files, before queue_new. Blocks. */
int queue_rebuild(struct local *s, struct error *err);
/* The same for one entry; st: of its body. */
int queue_rebuild_entry(struct local *s, const char *id, const struct stat *st, struct arena *memory);

/* --- queue_index.c ---------------------------------------------------------- */

int queue_index_new(struct queue *q, struct error *err);
void queue_index_free(struct queue *q);

int64_t queue_now_s(void);
struct queue_entry *queue_find(const struct queue *q, const char *id);
const char *queue_entry_id(const struct queue_entry *e);
struct queue_entry *queue_slot_entry(const struct queue_slot *slot);
/* One with so many jobs, none of them filled. The id is new. */
struct queue_entry *queue_entry_add(struct queue *q, const char *id, int64_t created_s, uint32_t slots);
/* Fills a job, which is busy once: queue_slot_rest makes it wait. */
void queue_slot_fill(struct queue *q, struct queue_entry *e, const struct queue_try *t);
/* The job, or NULL if it is done or never was. */
struct queue_slot *queue_slot_at(struct queue_entry *e, uint32_t number);
/* The job is done; the entry goes with its last one, which gives true. */
bool queue_slot_end(struct queue *q, struct queue_slot *slot);
/* Not in the heaps, and busy once more; and the way back. */
void queue_slot_busy(struct queue *q, struct queue_slot *slot);
void queue_slot_rest(struct queue *q, struct queue_slot *slot);
/* Something of the job has changed: it gets its place anew. not_urgent_s: a deadline that has
 * passed counts as if it came then; 0: as it is. */
void queue_slot_place(struct queue *q, struct queue_slot *slot, int64_t not_urgent_s);
void queue_slot_bits(struct queue *q, struct queue_slot *slot, unsigned bits);
void queue_slot_due(struct queue *q, struct queue_slot *slot, int64_t due_s);
int64_t queue_slot_due_s(const struct queue_slot *slot);
/* Why it is leased now; bits of enum queue_why. */
unsigned queue_slot_why(const struct queue *q, const struct queue_slot *slot);
void queue_slot_lease(struct queue *q, struct queue_slot *slot);
/* The lease ends; the job is placed anew if it is not busy. */
void queue_slot_unlease(struct queue *q, struct queue_slot *slot);
/* Sets the entry aside, with a line in the log. reason is never freed. */
void queue_set_aside(struct queue *q, struct queue_entry *e, const char *reason);
void queue_entry_drop(struct queue *q, struct queue_entry *e);
/* All entries, in no order. */
struct queue_entry *queue_entry_next(const struct queue *q, size_t *at, const struct queue_entry *e);

/* --- queue_dest.c ----------------------------------------------------------- */

struct queue_dest *queue_dest_find(const struct queue *q, struct span domain);
struct queue_dest *queue_dest_get(struct queue *q, struct span domain); /* made where there is none */
/* Something of it has changed: ready, or when? */
void queue_dest_place(struct queue *q, struct queue_dest *d);
void queue_dest_free(struct queue *q, struct queue_dest *d);
/* Its hold-off is forgotten, for an administrator; and how long ago that was (queue_job.flushed_ms). */
void queue_dest_release(struct queue *q, struct queue_dest *d);
uint64_t queue_dest_flushed_ms(const struct queue_dest *d);
/* The domain whose turn it is goes to the end of the ring. NULL: none is ready. */
struct queue_dest *queue_dest_turn(struct queue *q);
/* Its job that is next now, or NULL. */
struct queue_slot *queue_dest_pick(const struct queue_dest *d, int64_t now_s);
void queue_hint(struct queue *q);
/* Once a second. */
void queue_tick(struct queue *q);
void queue_status(const struct queue *q, struct buf *out);

/* The driver's. */
void queue_dest_watch(struct store *base, queue_ready ready, void *arg);
void queue_dest_set(struct store *base, const struct queue_domain *d);
void queue_dest_times(struct store *base, const struct queue_times *t);

/* --- what a commit does in the queue (queue_accept.c, queue_report.c) -------- */

struct queue_outcomes { /* a report, copied */
	char id[STORE_ID_MAX];
	uint32_t job;
	struct queue_outcome *at;
	size_t count;
	int64_t retry_s;
	bool noticed;
	bool busy; /* it has marked its job so */
	/* what came of it: */
	size_t left; /* recipients of the job */
	bool deferred, changed;
	uint32_t attempts;
	int64_t due_s;
	struct buf lines; /* for the envelope file */
};

struct queue_work {
	struct queue_letter *letter;   /* NULL: no new entry */
	struct span text;              /* its envelope file */
	bool has_mail, has_text;       /* names that it has made */
	int result;                    /* of the pool's work */
	struct queue_outcomes *report; /* NULL: none */
};

/* Checks and copies the remotes of a delivery; fails the commit if they can't be. */
void queue_accept(struct commit *c, const struct store_delivery *d);
/* Before the names are made: size and date of the body are known. */
void queue_prepare(struct commit *c);
/* On the pool: the names of an entry. */
int queue_link(const struct local *s, struct commit *c);
/* In the commit's transaction. 0, a negative errno, or -ECANCELED after commit_fail. */
int queue_apply(struct commit *c);
/* The commit ends, well or not. */
void queue_end(struct commit *c, bool done);

uint64_t queue_report_start(struct store *base, const struct queue_report *r, const struct store_txid *txid,
			    store_done done, void *arg);
int queue_report_apply(struct commit *c);
void queue_report_end(struct commit *c, bool done);

/* --- queue_files.c ---------------------------------------------------------- */

enum { QUEUE_NAME_MAX = STORE_ID_MAX + 16 };

void queue_name_mail(char out[QUEUE_NAME_MAX], const char *id);
void queue_name_text(char out[QUEUE_NAME_MAX], const char *id);
/* "ID.mail" or "ID.envelope"; false: another file. */
bool queue_name_parse(const char *name, char id[STORE_ID_MAX], bool *mail);
/* The whole file anew, for the start. */
int queue_write_text(const struct local *s, const char *id, struct span text);

/* What is done to files when the index is on disk. */
struct queue_chores {
	struct after after;
	struct job job;
	struct local *s;
	struct queue_chore *first;
};
struct queue_chores *queue_chores_new(struct local *s);
/* The entry's names go. */
void queue_chore_unlink(struct queue_chores *k, const char *id);
/* Lines go behind its envelope file. */
void queue_chore_append(struct queue_chores *k, const char *id, struct span lines);
/* Does them on the pool, and frees k: now, or after the next flush. */
void queue_chores_run(struct queue_chores *k);
void queue_chores_run_later(struct queue_chores *k);

/* --- queue_lease.c, queue_note.c: the driver's ------------------------------- */

uint64_t queue_lease_start(struct store *base, const struct queue_want *want, queue_lease_done done,
			   void *arg);
uint64_t note_get(struct store *base, struct span name, queue_note_done done, void *arg);
uint64_t note_put(struct store *base, struct span name, struct span bytes, int64_t expires_s, store_done done,
		  void *arg);
uint64_t note_list(struct store *base, struct span prefix, struct span after, queue_notes_done done,
		   void *arg);
/* Forgets notes that are old, in turns. */
void note_sweep(struct queue *q);

#endif
