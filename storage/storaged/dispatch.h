/*
 * dispatch.h - storaged's front: requests of the daemons, put to a store and answered.
 *
 * Shape   One client for each socket, with the rights that yubind gave it. A request without
 *         the right for it, or for a login that is not the client's, is answered
 *         STORE_REFUSED; one that is malformed costs the client its connection.
 * Limits  A client has DISPATCH_OPEN requests open at most, answers of DISPATCH_QUEUE bytes
 *         unsent, DISPATCH_LOGINS logins, DISPATCH_STAGES bodies on their way in, DISPATCH_LEASES
 *         jobs leased; where one of the first two is reached it is not read until it has come down.
 * Leases  Those of a client that goes, or whose answer could not be sent, are given back, but not while
 *         its report of the job is in hand.
 * Order   A look that comes behind a commit of the same login is made when that has ended, and shows it: a client
 *         that will look need not wait for the commit's answer.
 * Store   Any driver: what only a local one can do (a file to write a body to) comes as functions.
 */
#ifndef STORAGED_DISPATCH_H
#define STORAGED_DISPATCH_H

#include <uv.h>

#include "common/base/buf.h"
#include "storage/store.h"

enum { DISPATCH_OPEN = 512, DISPATCH_QUEUE = 1 << 20, DISPATCH_LOGINS = 65536, DISPATCH_STAGES = 2048, DISPATCH_LEASES = 16384 };

struct dispatch_backend {
	struct store *store;
	void *arg;
	/* A file for a body of at most max bytes: fds[0] to write to, fds[1] to read from (-1: none),
	 * both the caller's. */
	int (*stage_file)(void *arg, struct store_stage **out, uint64_t max, int fds[2], struct error *err);
	/* As local_stage_seal. */
	uint64_t (*stage_seal)(struct store_stage *st, uint64_t size, store_done done, void *arg);
	/* Whose token it is; false: it is void. */
	bool (*account_of)(void *arg, const struct store_token *t, char account[STORE_ACCOUNT_MAX]);
	/* As local_queue_release. */
	void (*queue_release)(struct store *s, uint64_t lease);
};

struct dispatch; /* opaque */

int dispatch_new(struct dispatch **out, uv_loop_t *loop, const struct dispatch_backend *b, struct error *err);

/* Serves a client from now on. Keeps fd, on an error too. rights: enum control_right. */
int dispatch_client(struct dispatch *d, unsigned rights, const char *name, int fd, struct error *err);

/* Ends the account's logins: later requests of theirs are refused. */
void dispatch_revoke(struct dispatch *d, const char *account);

/* No request is taken any more; those in hand are still answered. */
void dispatch_close(struct dispatch *d);

/* Lines `key value` for `yubin status`. */
void dispatch_status(const struct dispatch *d, struct buf *out);

/* Closes all sockets; requests in hand are done and not answered. NULL is allowed. The
 * loop must run once more to let its handles go. */
void dispatch_free(struct dispatch *d);

#endif
