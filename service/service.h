/*
 * service.h - what every daemon that serves mailboxes has: ports, the store, authd.
 *
 * smtpd, pop3d and imapd differ in their protocol; how they are started, fed with
 * settings, reconnected, drained and stopped is the same and stands here, once.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "auth/auth.h"
#include "common/net/server.h"
#include "storage/store.h"

enum { SERVICE_SEARCHES = 2 };	/* at once in a process: half of libuv's threads */

struct seats;

struct service {		/* conn_daemon gives it */
	struct worker *worker;
	struct server *server;
	struct store *store;
	struct auth *auth;
	struct seats *searches;	/* searches that are worked on (common/proc/seats.h) */
	uint64_t done;		/* counted by the protocol: messages, sessions */
	unsigned serial;	/* for the protocol's own numbering */
	uint64_t room_bytes, room_until_ms;	/* smtpd: the disk had room for so much, which counts until then */
	uint8_t piece[32768];	/* scratch for one read of a body; void when the loop turns */
};

struct service_kind {
	const char *name;		/* "imapd" */
	enum config_file which;
	const struct conn_protocol *protocol;
	const char *refusal;		/* to a client over the limit by address: a whole line */
	const char *done_name;		/* of `done` in `yubin status`: "accepted" */
	int (*prepare)(struct error *err);	/* before the sandbox: load what can't be loaded later; or NULL */
};

/* The whole life of the process; returns main's exit code. One kind in a process. */
int service_main(const struct service_kind *kind);

#endif
