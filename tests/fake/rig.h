/*
 * rig.h - what tests of the ipc store share: a loop, a fake pair, one login, and callbacks
 * that note what they are told.
 */
#ifndef FAKE_RIG_H
#define FAKE_RIG_H

#include "tests/fake/fake_pair.h"
#include "tests/unit/unit.h"

#define USER "mika@example.org"

struct rig {
	uv_loop_t loop;
	struct fake_pair pair;
	struct store_account *account; /* USER's */
};

extern struct rig rig;

/* What a call brought; `count` above 1 would be a call that completed twice. */
struct got {
	unsigned count;
	enum store_status status;
	struct store_account *account;
	struct store_mailbox mailbox;
	struct store_record record; /* the first */
	size_t records, mailboxes;
	uint32_t next_uid, uid, uidvalidity;
	size_t next;
	uint64_t made; /* CREATE: the mailbox; a hint: which one */
	int fd;
	uint64_t size;
	char words[100];
};

void rig_on_login(void *arg, enum store_status status, struct store_account *a);
void rig_on_room(void *arg, enum store_status status, struct store_set over);
void rig_on_done(void *arg, enum store_status status, const char *words);
void rig_on_find(void *arg, enum store_status status, const struct store_mailbox *m);
void rig_on_list(void *arg, enum store_status status, const struct store_list *list);
void rig_on_page(void *arg, enum store_status status, const struct store_page *page);
void rig_on_body(void *arg, enum store_status status, int fd, uint64_t size);
void rig_on_commit(void *arg, enum store_status status, const struct store_result *results, size_t count,
		   const char *words);
void rig_on_hint(void *arg, uint64_t mailbox);

/* cmocka's: teardown fails if a login, a stage or a handle is left. */
int rig_setup(void **state);
int rig_setup_with(const struct fake_options *o);
int rig_teardown(void **state);

/* Until no stage is left at storaged; the pool may still write. */
void rig_wait_stages(void);
/* Until the call has completed, once. */
void rig_wait(const struct got *g);
struct store_account *rig_login(struct store *s, const char *name, uint32_t rights);
enum store_status rig_find(struct store_account *a, const char *name, struct got *g);
uint64_t rig_inbox(void);
uint32_t rig_exists(const char *name);

/* A body of size bytes that are all `fill`. */
struct store_stage *rig_stage(size_t size, uint8_t fill);
/* Starts an append to INBOX, a delivery to USER and one other. */
void rig_append(struct store_stage *st, struct got *g);
void rig_deliver(struct store *s, struct store_stage *st, const struct store_txid *txid, struct got *g);
/* The message in INBOX is what rig_stage made. */
void rig_check_body(uint32_t uid, uint32_t size, uint8_t fill);

#endif
