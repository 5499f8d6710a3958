/*
 * deliver_world.h - deliverd without a network, for tests of its schedule: hosts, DNS, authd and
 * TLS are played here; the queue is the fake store's.
 */
#ifndef TESTS_DELIVER_WORLD_H
#define TESTS_DELIVER_WORLD_H

#include "deliverd/deliverd.h"
#include "tests/fake/fake_queue.h"

enum { WORLD_HOSTS = 1100, WORLD_DOMAINS = 1100 };

/* A host that is played. */
struct world_host {
	char name[64];
	bool refuses;		/* nobody listens */
	bool silent;		/* takes the connection, and says nothing */
	const char *greeting;	/* NULL: 220 */
	const char *rcpt, *end;	/* replies to RCPT and to a message; NULL: 250. "" : none, it hangs up */
	unsigned end_first;	/* `end` holds only for so many; 0: for all */
	bool holds;		/* messages are not answered until world_release */
	bool once;		/* it hangs up at the second MAIL of a connection */
	unsigned connections, at_once, most, messages;
};

struct world_domain {
	char name[64];
	enum way_fate fate;
	const char *status;
	unsigned hosts[4], count;	/* places in world.hosts */
};

struct world {
	struct deliverd d;
	struct conf conf;
	uv_loop_t loop;
	struct world_host hosts[WORLD_HOSTS];
	struct world_domain domains[WORLD_DOMAINS];
	unsigned host_count, domain_count;
	bool left;		/* worker_leave was called */
	unsigned searches;
};
extern struct world world;

void world_open(void);
void world_close(void);
/* NAME has one host, mx.NAME; more are added to the last domain by world_host. */
struct world_host *world_domain(const char *name);
struct world_host *world_host(const char *name);
/* A message to all of them, with a space between. */
void world_put(const char *id, const char *recipients);
/* Until nothing happens any more. */
void world_run(void);
/* The held messages of a host, that many, are answered. */
void world_release(struct world_host *h, unsigned count);
/* What became of the i-th remote recipient. */
const struct fake_remote *world_remote(size_t i);

#endif
