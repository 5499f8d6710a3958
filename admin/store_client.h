/*
 * store_client.h - the store of one account, for a command that does one thing after the other.
 *
 * Each call waits for its end, running a loop of its own. yubind gives the command a socket to storaged and a token
 * for the account (common/config/order.h); where no server runs, a process of the command's own is storaged
 * (store_serve.h).
 * Errors  0, or a negative errno with words: -EDQUOT over quota, -EAGAIN full disk or a storaged that has
 *         gone, -ENOENT, -EEXIST, -EINVAL, -E2BIG (STORE_LIMIT), -EIO.
 */
#ifndef ADMIN_STORE_CLIENT_H
#define ADMIN_STORE_CLIENT_H

#include "admin/site.h"
#include "common/base/buf.h"
#include "storage/store.h"

struct store_client;	/* opaque */

int store_client_open(struct store_client **out, const struct site *s, const char *account, struct error *err);
/* NULL is allowed. */
void store_client_close(struct store_client *c);

/* Told of each mailbox; what it points to holds until it returns. Other than 0 ends it, and is returned. */
typedef int (*store_client_mailbox)(void *arg, const struct store_mailbox *m);
int store_client_list(struct store_client *c, store_client_mailbox each, void *arg, struct error *err);

/* Told of a page of records, in order, keywords and all. */
typedef int (*store_client_page)(void *arg, const struct store_page *page);
int store_client_records(struct store_client *c, uint64_t mailbox, store_client_page each, void *arg, struct error *err);

/* Fills *m, but for its name; -ENOENT without words where there is none. */
int store_client_find(struct store_client *c, struct span name, struct store_mailbox *m, struct error *err);

/* Appends the whole message to out. */
int store_client_body(struct store_client *c, uint64_t mailbox, uint32_t uid, struct buf *out, struct error *err);

/* Reads many, STORE_BODIES of them asked for ahead. records: by UID, lent; those that are gone meanwhile are passed over.
 * one: gets each whole; other than 0 ends it, and is returned. bad: what is damaged on disk. */
enum { STORE_CLIENT_BODY = 1 << 30 }; /* bytes of one message */
struct store_client_reader {
	uint64_t mailbox;
	const struct store_record *const *records;
	size_t count;
	int (*one)(void *arg, const struct store_record *record, struct span body, struct error *err);
	void (*bad)(void *arg, const struct store_record *record, const struct error *why);
	void *arg;
};
int store_client_read(struct store_client *c, const struct store_client_reader *r, struct error *err);

/* A stage with all of the body in it, the caller's until a commit takes it. */
int store_client_stage(struct store_client *c, struct span body, struct store_stage **out, struct error *err);

/* Commits that need not be waited for: up to STORE_CLIENT_FLIGHT are under way, in their order, and one that fails
 * takes those behind it along. */
enum { STORE_CLIENT_FLIGHT = 4 };
struct store_client_tally {
	uint64_t messages, bytes; /* of those that were done */
};
/* Waits for a place; then as store_commit. what: counted in `done` when it is done. An error is that of the first that
 * failed, or of this; the stages are taken in any case. */
int store_client_send(struct store_client *c, const struct store_mutation *m, size_t count,
		      const struct store_client_tally *what, struct store_client_tally *done, struct error *err);
/* Waits for all of them; the error of the first that failed, which is forgotten then. */
int store_client_land(struct store_client *c, struct error *err);

/* All or nothing. *id, if not NULL: the mailbox of the last change's result. */
int store_client_commit(struct store_client *c, const struct store_mutation *m, size_t count, uint64_t *id,
			struct error *err);

#endif
