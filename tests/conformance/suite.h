/*
 * suite.h - what storage/store.h promises, as cases that every driver must pass.
 *
 * A driver's test fills struct conformance_driver and calls conformance_run. The cases
 * call the store only through store.h, and wait for each answer by running the loop.
 */
#ifndef TESTS_CONFORMANCE_SUITE_H
#define TESTS_CONFORMANCE_SUITE_H

#include <uv.h>

#include "storage/store.h"
#include "tests/unit/unit.h"

/* Each driver is opened with this limit by account (RFC 9208), and none for the number of messages. */
#define CONFORMANCE_QUOTA ((uint64_t)1 << 30)

struct conformance_driver {
	const char *name;
	void *arg;
	/* Empty folders. */
	void (*wipe)(void *arg);
	/* A store on what the folders hold. Fails the test if it can't. */
	struct store *(*open)(void *arg, uv_loop_t *loop);
	/* Ends it in order; runs the loop until that is done. */
	void (*close)(void *arg, uv_loop_t *loop, struct store *s);
	/* A token that this store believes. */
	void (*token)(void *arg, const struct store_grant *g, struct store_token *out);
	/* Voids the account's tokens. */
	void (*revoke)(void *arg, struct store *s, const char *account);
	bool queue; /* it keeps what storage/queue.h promises, too */
};

/* Runs all cases. Returns main's exit code. */
int conformance_run(const struct conformance_driver *d);

/* --- for the cases --------------------------------------------------------- */

struct conf {
	const struct conformance_driver *driver;
	uv_loop_t loop;
	struct store *s;
	int64_t made_ms; /* of tokens; 0: now */
};

struct conf *conf_of(void **state);
/* Closes and opens the store. */
void conf_reopen(struct conf *c);
/* Runs the loop until *done, a few seconds at most. */
void conf_wait(struct conf *c, const bool *done);
/* Runs what stands ready, without waiting. */
void conf_idle(struct conf *c);

struct store_account *conf_login(struct conf *c, const char *account);
enum store_status conf_try_login(struct conf *c, const struct store_token *t, struct store_account **out);
void conf_token(struct conf *c, const char *account, uint32_t rights, struct store_token *out);

/* Copies, in static memory until the next call of the same function. */
enum store_status conf_find(struct conf *c, struct store_account *a, const char *name,
			    struct store_mailbox *out);
/* The id; fails the test if it is not there. */
uint64_t conf_mailbox(struct conf *c, struct store_account *a, const char *name);
/* What the first page of the list says. */
void conf_quota(struct conf *c, struct store_account *a, struct store_quota *out);
enum store_status conf_list(struct conf *c, struct store_account *a, struct store_mailbox *out, size_t room,
			    size_t *count);

/* All pages of a look, put together. */
enum { CONF_RECORDS = 4096, CONF_RANGES = 4096 };
struct conf_sync {
	enum store_status status;
	struct store_mailbox mailbox; /* of the first page */
	uint32_t first_unseen;
	unsigned pages;
	size_t record_count, range_count, vanished_count, keyword_count;
	struct store_record records[CONF_RECORDS];
	struct store_range ranges[CONF_RANGES], vanished[CONF_RANGES];
	char keywords[STORE_KEYWORDS][STORE_KEYWORD_MAX + 1];
};
struct conf_sync *conf_sync(struct conf *c, struct store_account *a, const struct store_look *look);
/* Records, everything. */
struct conf_sync *conf_all(struct conf *c, struct store_account *a, uint64_t mailbox);
struct conf_sync *conf_since(struct conf *c, struct store_account *a, uint64_t mailbox, uint64_t since);
/* "1:3,7" */
const char *conf_ranges(const struct store_range *r, size_t count);
const char *conf_uids(const struct conf_sync *s);

struct conf_result {
	enum store_status status;
	size_t count;
	struct store_result r[8]; /* sets point into the arrays below */
	struct store_range sets[8][3][64];
	char words[256];
};
struct conf_result *conf_commit(struct conf *c, struct store_account *a, const struct store_mutation *m,
				size_t count, const struct store_txid *txid);
enum store_status conf_change(struct conf *c, struct store_account *a, const struct store_mutation *m);

struct store_stage *conf_stage(struct conf *c, const char *text, size_t size);
/* Appends the text and gives the UID. */
uint32_t conf_append(struct conf *c, struct store_account *a, uint64_t mailbox, const char *text,
		     uint32_t flags);
/* The places that have no room, "1,3:4"; "" : all have. quotas: of each, or NULL. */
const char *conf_room(struct conf *c, uint64_t size, const char *const accounts[], const uint64_t *quotas, size_t count);
/* With a quota for each, or NULL. */
enum store_status conf_deliver_limited(struct conf *c, const char *const accounts[], const uint64_t *quotas,
				       size_t count, const char *text);
enum store_status conf_deliver(struct conf *c, const char *const accounts[], size_t count, const char *text,
			       const struct store_txid *txid);
enum store_status conf_flags(struct conf *c, struct store_account *a, uint64_t mailbox, uint32_t first,
			     uint32_t last, enum store_how how, uint32_t flags, const char *keyword);
enum store_status conf_expunge(struct conf *c, struct store_account *a, uint64_t mailbox, uint32_t first,
			       uint32_t last);
enum store_status conf_create(struct conf *c, struct store_account *a, const char *name);
/* The bytes of a message; fails the test if they can't be had. */
const char *conf_body(struct conf *c, struct store_account *a, uint64_t mailbox, uint32_t uid);
enum store_status conf_body_status(struct conf *c, struct store_account *a, uint64_t mailbox, uint32_t uid);

/* Annotations: "entry=value " of each, or the status as "!1"; and setting one (value NULL: it goes). */
const char *conf_notes(struct conf *c, struct store_account *a, uint64_t mailbox);
enum store_status conf_annotate(struct conf *c, struct store_account *a, uint64_t mailbox, const char *entry,
				const char *value);

/* A callback of kind store_done. */
struct conf_done {
	bool done;
	unsigned calls;
	enum store_status status;
};
void conf_done(void *arg, enum store_status status, const char *words);

/* The groups of cases. */
struct conf_group {
	const struct CMUnitTest *tests;
	size_t count;
};
struct conf_group conf_mailbox_cases(void), conf_message_cases(void), conf_change_cases(void),
    conf_deliver_cases(void), conf_access_cases(void), conf_queue_cases(void), conf_note_cases(void), conf_annotation_cases(void);
int conf_setup(void **state);
int conf_teardown(void **state);
#define CONF_CASE(f) cmocka_unit_test_setup_teardown(f, conf_setup, conf_teardown)

#endif
