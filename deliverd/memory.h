/*
 * memory.h - what is remembered about other servers: that they had STARTTLS, which lower version
 * of TLS they needed.
 *
 * Shape   Notes of storaged ("host/NAME:PORT"), and the hosts asked for last in memory.
 * Times   STARTTLS: 30 days. A lower version: a day, then all of them are tried again.
 * Limits  MEMORY_HOSTS in memory; more are asked for again.
 */
#ifndef DELIVERD_MEMORY_H
#define DELIVERD_MEMORY_H

#include <uv.h>

#include "storage/queue.h"

enum {
	MEMORY_HOSTS = 4096,
	MEMORY_TLS_S = 30 * 86400,
	MEMORY_VERSION_S = 86400
};

struct memory_host {
	bool had_tls;		/* a handshake succeeded within MEMORY_TLS_S */
	unsigned version;	/* TLS_1_2...: the only one that it answers; 0: all may be offered */
};
typedef void (*memory_done)(void *arg, const struct memory_host *h);

struct memory;			/* opaque */

/* store: kept by reference. */
int memory_new(struct memory **out, uv_loop_t *loop, struct store *store, struct error *err);
/* The loop must run once more. NULL is allowed. */
void memory_free(struct memory *m);

/* name: the host's, lower case, or its address; nothing is known of it if the store can't say. The
 * callback comes once, never before the call has returned; 0: no memory, and it does not come. */
uint64_t memory_ask(struct memory *m, const char *name, unsigned port, memory_done done, void *arg);
void memory_cancel(struct memory *m, uint64_t number);

/* A handshake succeeded; version: the one that was offered alone, 0: all were. */
void memory_tls(struct memory *m, const char *name, unsigned port, unsigned version);

#endif
