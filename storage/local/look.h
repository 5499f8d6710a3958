/*
 * look.h - requests that only read: they wait until nothing of the account is unflushed,
 * then answer in one turn.
 */
#ifndef STORAGE_LOCAL_LOOK_H
#define STORAGE_LOCAL_LOOK_H

#include "storage/local/account.h"
#include "storage/local/call.h"
#include "storage/local/pool.h"

struct look;

/* One try: answers and frees the look, or waits for something and is tried again. */
typedef enum turn_more (*look_try)(struct look *l);

struct look { /* first in the struct of each kind */
	struct call call;
	struct account *account; /* held */
	struct login *login;     /* only to be compared with those that are there */
	look_try try;
	enum store_status status; /* found out before the first try */
	struct turn turn;
	struct after after;
};

/* Gives a look of so many bytes for a's login. need: rights of which it must have one. */
struct look *look_new(struct store_account *a, size_t size, uint32_t need);
uint64_t look_start(struct look *l, look_try try, void *arg);
/* Tries again when `after` (l->after) is told. */
void look_wait(struct look *l);
/* The login, if it is still there: it has looked at the mailbox (0: at names). */
void look_done(struct look *l, uint64_t mailbox);
void look_free(struct look *l);
/* May a login with only the right POP see this mailbox? */
bool look_may_see(const struct look *l, const struct mailbox *m);

/* The driver's functions. */
uint64_t look_list(struct store_account *a, size_t from, store_list_done done, void *arg);
uint64_t look_find(struct store_account *a, struct span name, store_find_done done, void *arg);
uint64_t look_body(struct store_account *a, uint64_t mailbox, uint32_t uid, store_body_done done, void *arg);
uint64_t look_bodies(struct store_account *a, uint64_t mailbox, const struct store_set *uids, store_bodies_done done,
		     void *arg);
uint64_t look_meta_file(struct store_account *a, store_body_done done, void *arg);
/* annotate.c */
uint64_t look_annotations(struct store_account *a, uint64_t mailbox, store_annotations_done done, void *arg);
/* room.c */
uint64_t look_room(struct store *s, uint64_t size, const struct store_recipient *recipients, size_t count,
		   store_room_done done, void *arg);
/* sync.c */
uint64_t look_sync(struct store_account *a, const struct store_look *look, store_page_done done, void *arg);

#endif
