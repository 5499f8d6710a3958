/*
 * fake_store.h - the whole store in memory, for the tests of those who use one.
 *
 * Shape   A driver of storage/driver.h with the meaning of storage/store.h: UIDs,
 *         mod-sequences, tombstones, keywords, rename with children, locks, watches,
 *         txids. A call only queues its work; fake_store_run (or step) does it and
 *         calls back. fake_loop.h does that from a libuv loop.
 * Bodies  store_body gives a fresh read-only memfd each time.
 * Logout  store_logout forgets the callbacks of the account's open calls, as
 *         store_cancel does; their work is done all the same.
 * Memory  A failed malloc ends the test.
 * Queue   fake_queue.h.
 * Link    tests/fake/fake_store.o fake_run.o fake_op.o fake_box.o fake_change.o fake_look.o fake_stage.o
 *         fake_queue.o fake_lease.o fake_note.o, storage/store.o, and from common/base: arena.o buf.o clock.o error.o span.o table.o
 *         utf8.o
 */
#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include "storage/store.h"

/* Each may be 0. */
struct fake_options {
	size_t page_mailboxes; /* of one answer to store_list; 0: 100 */
	size_t page_records;   /* 0: store.h's */
	size_t page_ranges;    /* vanished too; 0: store.h's */
	size_t stage_window; /* bytes after which a stage is not ready until the next run; 0: always ready */
	uint64_t quota;      /* bytes by account; 0: none */
	unsigned mailbox_limit; /* 0: 5000 */
	unsigned keyword_limit; /* 0: STORE_KEYWORDS */
	int64_t now_s;          /* 0: the real clock */
	/* store_meta_header; NULL: metadata are taken and forgotten. */
	void (*meta_header)(uint8_t *out, const uint8_t guid[STORE_GUID], struct span meta);
	void (*wake)(void *arg); /* something waits for fake_store_run, and nothing did before */
	void *wake_arg;
};

/* Gives the store in *out; o is copied and may be NULL. */
int fake_store_new(struct store **out, const struct fake_options *o, struct error *err);
/* Takes the place of o->wake. */
void fake_store_on_wake(struct store *s, void (*wake)(void *arg), void *arg);
/* What still waits is forgotten without a callback; accounts and stages too. */
void fake_store_free(struct store *s);

/* A token that this store believes. rights: enum store_right. */
void fake_store_token(struct store *s, struct store_token *t, const char *account, uint32_t rights);
/* Tokens of the account made before now are void, and its logins get STORE_REFUSED. */
void fake_store_revoke(struct store *s, const char *account);

/* Does what waits until nothing does, or one thing; gives how many were done. */
size_t fake_store_run(struct store *s);
size_t fake_store_step(struct store *s);
/* Calls, hints and stages that wait. */
size_t fake_store_waiting(const struct store *s);

enum fake_call {
	FAKE_LOGIN,
	FAKE_LOCK,
	FAKE_LIST,
	FAKE_FIND,
	FAKE_SYNC,
	FAKE_BODY,
	FAKE_BODIES,
	FAKE_META_FILE,
	FAKE_META_PUT,
	FAKE_COMMIT,
	FAKE_DELIVER,
	FAKE_ROOM,
	FAKE_ANNOTATIONS,
	FAKE_SEAL,
	FAKE_LEASE,
	FAKE_REPORT,
	FAKE_NOTE_GET,
	FAKE_NOTE_PUT,
	FAKE_NOTES,
	FAKE_CALLS
};

/* The next `times` calls of that kind do nothing and give status. */
void fake_store_fail(struct store *s, enum fake_call call, enum store_status status, unsigned times);
/* The next `times` calls of that kind do their work and give status all the same: an answer that got lost. */
void fake_store_lose(struct store *s, enum fake_call call, enum store_status status, unsigned times);
/* How many calls of that kind were worked on, replays by txid left out. */
size_t fake_store_calls(const struct store *s, enum fake_call call);
size_t fake_store_accounts(const struct store *s); /* logins open */
size_t fake_store_stages(const struct store *s);   /* stages alive */

/* At once, without a call: a message in a mailbox (made if it is not there) of an account
 * (made with its six mailboxes if it is not there); gives its UID. text is the body. */
uint32_t fake_store_put(struct store *s, const char *account, const char *mailbox, const char *text,
			uint32_t flags);
/* The same with NUL in it. */
uint32_t fake_store_put_bytes(struct store *s, const char *account, const char *mailbox, struct span bytes,
			      uint32_t flags);
/* At once: the message is gone, as after an expunge. False: there was none. */
bool fake_store_drop(struct store *s, const char *account, const char *mailbox, uint32_t uid);
/* What vanished from the mailbox up to now is no longer known. */
void fake_store_forget(struct store *s, const char *account, const char *mailbox);
/* The next UID of the mailbox. */
void fake_store_uidnext(struct store *s, const char *account, const char *mailbox, uint32_t uid);
/* Lends the envelope recipient of a delivered message, NULL if there is none. */
const char *fake_store_address(struct store *s, const char *account, const char *mailbox, uint32_t uid);

/* What local_stage_file and local_stage_seal are in storage/local/local.h, with a memfd. */
int fake_stage_file(struct store *s, struct store_stage **out, uint64_t max, int *fd, struct error *err);
uint64_t fake_stage_seal(struct store_stage *st, uint64_t size, store_done done, void *arg);

#endif
