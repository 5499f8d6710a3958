/*
 * fake_inner.h - the fake store's own insides. Only the files of tests/fake include it.
 */
#ifndef FAKE_INNER_H
#define FAKE_INNER_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/table.h"
#include "storage/driver.h"
#include "tests/fake/fake_box.h"
#include "tests/fake/fake_store.h"

struct fake_account {
	struct store_account base;
	struct fake_user *user;
	struct fake_account *next; /* of the same user */
	uint32_t rights;
	bool revoked;
	store_changed changed; /* NULL: not watched */
	void *arg;
	bool armed;               /* a change may be told */
	struct fake_touched news; /* not told yet */
};

struct fake_stage {
	struct store_stage base;
	struct fake_stage *next, **back; /* in the store's list */
	struct buf bytes;
	int fd;        /* of fake_stage_file until it is sealed; else -1 */
	bool failed;   /* over its max */
	size_t unread; /* bytes since it was ready the last time */
	store_ready ready;
	void *arg;
};

/* A call that waits; the one of `done` that fits call is set, or none. */
struct fake_op {
	struct fake_op *next;
	uint64_t number;
	enum fake_call call;
	struct fake_account *account; /* NULL after a logout */
	struct fake_user *user;       /* NULL: a call of the whole store */
	uint32_t rights;              /* of the account */
	union {
		store_login_done login;
		store_done plain;
		store_list_done list;
		store_find_done find;
		store_page_done page;
		store_body_done body;
		store_bodies_done bodies;
		store_commit_done commit;
		store_room_done room;
		store_annotations_done annotations;
		queue_lease_done lease;
		queue_note_done note;
		queue_notes_done notes;
	} done;
	void *arg;
	struct arena *memory; /* everything below that is pointed to */
	struct store_token token;
	uint64_t mailbox, size;
	uint32_t uid;
	struct store_set uids;
	size_t from, count;
	struct span name, meta;
	struct store_look look;
	struct store_mutation *mutations;
	struct store_delivery delivery; /* DELIVER, REPORT: what is told; its stage is `stage`. ROOM: recipients */
	struct fake_stage *stage;
	struct store_txid txid;
	struct queue_want want;
	struct queue_report report;
	struct span bytes; /* NOTE_PUT; NOTES: the name before the first */
	int64_t expires_s;
};

/* What a commit or a delivery gave, kept under its txid. */
struct fake_outcome {
	struct arena *memory;
	struct store_result *results;
	size_t count;
};

struct fake_failure {
	enum store_status status;
	unsigned times;
};

struct fake_store {
	struct store base;
	struct fake_options options;
	struct table *users, *outcomes;
	struct fake_op *first, **last;
	struct fake_stage *stages;
	uint64_t last_number, last_serial, last_guid;
	struct fake_failure fail[FAKE_CALLS], lose[FAKE_CALLS];
	size_t calls[FAKE_CALLS];
	struct fake_queue *queue;
};

/* fake_store.c */
bool fake_user_next(struct fake_store *s, size_t *at, struct fake_user **u);
int64_t fake_now_s(const struct fake_store *s);
void fake_wake(struct fake_store *s);
struct fake_user *fake_user_of(struct fake_store *s, struct span name);

/* fake_run.c */
/* Notes for the account's watchers what was touched. */
void fake_tell(struct fake_store *s, struct fake_user *u);
/* The account looked: it may be told of changes again. mailbox: 0, or the one looked at. */
void fake_looked(struct fake_store *s, struct fake_account *a, uint64_t mailbox);
/* The account that a token names; rights 0: none. */
struct fake_user *fake_token_user(struct fake_store *s, const struct store_token *t, uint32_t *rights);

/* The failure that was ordered, or STORE_OK. */
enum store_status fake_ordered(struct fake_failure *f);
/* Completes an op that gives nothing but a status. */
void fake_give_nothing(struct fake_op *op, enum store_status status, const char *words);
struct span fake_txid_key(const struct fake_op *op);
void fake_keep_outcome(struct fake_store *s, struct fake_op *op, struct arena *memory,
		       struct store_result *results, size_t count);
/* Into the mailboxes and into the queue, or nothing; the stage is left as it is. */
enum store_status fake_deliver_all(struct fake_store *s, const struct store_delivery *d);

/* fake_op.c: the driver's calls, queued. */
extern const struct store_driver fake_driver;
uint64_t fake_op_add(struct fake_store *s, struct fake_op *op);
struct fake_op *fake_op_new(enum fake_call call, struct fake_account *a, void *arg);
void fake_op_free(struct fake_op *op);

/* fake_change.c: one mutation, whole or not at all. */
enum store_status fake_change(struct fake_store *s, struct fake_user *u, const struct store_mutation *m,
			      struct store_result *result, struct arena *memory);
void fake_meta_open(struct fake_user *u);
void fake_meta_keep(struct fake_store *s, struct fake_user *u, struct store_record *r, struct span meta);
/* Puts a body into INBOX. */
void fake_deliver(struct fake_store *s, struct fake_user *u, struct fake_body *body, struct span meta,
		  struct span address);

/* fake_annotate.c */
enum store_status fake_annotate(struct fake_user *u, const struct store_mutation *m);
/* to is the newest mailbox. */
void fake_annotations_copy(struct fake_user *u, const struct fake_mailbox *from, struct fake_mailbox *to);
void fake_run_annotations(struct fake_op *op);

/* What the user may have, and whether so much more fits; what is told of it holds from then on. */
uint64_t fake_quota(const struct fake_store *s, const struct fake_user *u);
bool fake_over_quota(const struct fake_store *s, const struct fake_user *u, uint64_t more);
void fake_tell_quota(struct fake_user *u, uint64_t quota);

/* fake_look.c: each completes the op. */
void fake_run_list(struct fake_store *s, struct fake_op *op);
void fake_run_find(struct fake_store *s, struct fake_op *op);
void fake_run_sync(struct fake_store *s, struct fake_op *op);
void fake_run_body(struct fake_store *s, struct fake_op *op);
void fake_run_bodies(struct fake_store *s, struct fake_op *op);
void fake_run_meta_file(struct fake_store *s, struct fake_op *op);
void fake_run_meta_put(struct fake_store *s, struct fake_op *op);

/* fake_look.c: a fresh read-only descriptor. */
int fake_body_fd(const struct fake_body *body);

/* fake_queue.c: what waits */
struct fake_queue *fake_queue_new(void);
void fake_queue_free(struct fake_queue *q);
/* Remotes and their envelope can be; an entry of that id waits. */
bool fake_queue_valid(const struct store_delivery *d);
bool fake_queue_has(const struct fake_store *s, const char *id);
void fake_queue_add(struct fake_store *s, const struct store_delivery *d, struct fake_body *body);
/* fake_lease.c: the calls of queue.h */
uint64_t fake_call_lease(struct store *s, const struct queue_want *want, queue_lease_done done, void *arg);
void fake_call_queue_watch(struct store *s, queue_ready ready, void *arg);
uint64_t fake_call_report(struct store *s, const struct queue_report *r, const struct store_txid *txid,
			  store_done done, void *arg);
void fake_run_lease(struct fake_store *s, struct fake_op *op);
void fake_run_report(struct fake_store *s, struct fake_op *op);
/* Tells the watcher that something is ready; false: there is nothing to tell. */
bool fake_queue_hint(struct fake_store *s);
bool fake_queue_hints(const struct fake_store *s);
/* fake_note.c */
void fake_call_queue_domain(struct store *s, const struct queue_domain *d);
void fake_call_queue_times(struct store *s, const struct queue_times *t);
uint64_t fake_call_note_get(struct store *s, struct span name, queue_note_done done, void *arg);
uint64_t fake_call_note_put(struct store *s, struct span name, struct span bytes, int64_t expires_s,
			    store_done done, void *arg);
uint64_t fake_call_notes(struct store *s, struct span prefix, struct span after, queue_notes_done done,
			 void *arg);
void fake_run_note_get(struct fake_store *s, struct fake_op *op);
void fake_run_note_put(struct fake_store *s, struct fake_op *op);
void fake_run_notes(struct fake_store *s, struct fake_op *op);

/* fake_op.c */
struct store_delivery fake_copy_delivery(struct arena *memory, const struct store_delivery *d);

/* fake_stage.c */
int fake_stage_new(struct store *base, struct store_stage **out, uint64_t max, store_ready ready, void *arg,
		   struct error *err);
int fake_stage_write(struct store_stage *base, struct span in);
bool fake_stage_ready(const struct store_stage *base);
uint64_t fake_stage_size(const struct store_stage *base);
void fake_stage_free(struct store_stage *base);
void fake_run_seal(struct fake_store *s, struct fake_op *op);
/* Wakes one stage that was not ready; false: there is none. */
bool fake_stage_step(struct fake_store *s);

#endif
