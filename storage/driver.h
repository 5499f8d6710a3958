/*
 * driver.h - what a driver of the store fills. Only drivers and storage/store.c
 * include it; the functions are those of store.h and queue.h, without a change.
 *
 * A driver's struct begins with struct store, its account with struct store_account,
 * its stage with struct store_stage.
 */
#ifndef STORAGE_DRIVER_H
#define STORAGE_DRIVER_H

#include "storage/queue.h"

struct store_driver {
	uint64_t (*login)(struct store *s, const struct store_token *t, store_login_done done, void *arg);
	void (*logout)(struct store_account *a);
	uint64_t (*lock)(struct store_account *a, store_done done, void *arg);
	uint64_t (*list)(struct store_account *a, size_t from, store_list_done done, void *arg);
	uint64_t (*find)(struct store_account *a, struct span name, store_find_done done, void *arg);
	uint64_t (*sync)(struct store_account *a, const struct store_look *look, store_page_done done, void *arg);
	void (*watch)(struct store_account *a, store_changed changed, void *arg);
	uint64_t (*body)(struct store_account *a, uint64_t mailbox, uint32_t uid, store_body_done done, void *arg);
	uint64_t (*bodies)(struct store_account *a, uint64_t mailbox, const struct store_set *uids,
			   store_bodies_done done, void *arg);
	uint64_t (*annotations)(struct store_account *a, uint64_t mailbox, store_annotations_done done, void *arg);
	uint64_t (*meta_file)(struct store_account *a, store_body_done done, void *arg);
	uint64_t (*meta_put)(struct store_account *a, uint64_t mailbox, uint32_t uid, struct span meta,
			     store_done done, void *arg);
	int (*stage_new)(struct store *s, struct store_stage **out, uint64_t max, store_ready ready, void *arg,
			 struct error *err);
	int (*stage_write)(struct store_stage *st, struct span in);
	bool (*stage_ready)(const struct store_stage *st);
	uint64_t (*stage_size)(const struct store_stage *st);
	void (*stage_free)(struct store_stage *st);
	uint64_t (*commit)(struct store_account *a, const struct store_mutation *mutations, size_t count,
			   const struct store_txid *txid, store_commit_done done, void *arg);
	uint64_t (*deliver)(struct store *s, const struct store_delivery *d, const struct store_txid *txid,
			    store_done done, void *arg);
	uint64_t (*room)(struct store *s, uint64_t size, const struct store_recipient *recipients, size_t count,
			 store_room_done done, void *arg);
	void (*cancel)(struct store *s, uint64_t op);

	/* queue.h; a driver without a queue leaves them NULL */
	uint64_t (*lease)(struct store *s, const struct queue_want *want, queue_lease_done done, void *arg);
	void (*queue_watch)(struct store *s, queue_ready ready, void *arg);
	uint64_t (*report)(struct store *s, const struct queue_report *r, const struct store_txid *txid,
			   store_done done, void *arg);
	void (*queue_domain)(struct store *s, const struct queue_domain *d);
	void (*queue_times)(struct store *s, const struct queue_times *t);
	uint64_t (*note_get)(struct store *s, struct span name, queue_note_done done, void *arg);
	uint64_t (*note_put)(struct store *s, struct span name, struct span bytes, int64_t expires_s,
			     store_done done, void *arg);
	uint64_t (*notes)(struct store *s, struct span prefix, struct span after, queue_notes_done done,
			  void *arg);
};

struct store {
	const struct store_driver *driver;
};

struct store_account {
	struct store *store;
};

struct store_stage {
	struct store *store;
};

#endif
