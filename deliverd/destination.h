/*
 * destination.h - where mail goes next: a domain by its MX records, or a route's hosts.
 *
 * Way     Searched when mail first needs it, and kept for its time to live.
 * Start   Slowly: one connection; each message that was delivered allows one more, up to
 *         DestinationConnections; one that can't be made while others are up takes that back.
 * Fails   As a whole, when no host can be used and no connection is up: what waits is deferred,
 *         the domain held off by RetryTimes, and then one job is leased as a probe. The
 *         first success forgives.
 * Kinds   Mail that must have TLS (REQUIRETLS) and mail that need not (TLS-Required: No) have
 *         destinations of their own beside that of ordinary mail: no connection serves two.
 */
#ifndef DELIVERD_DESTINATION_H
#define DELIVERD_DESTINATION_H

#include "deliverd/deliverd.h"
#include "deliverd/job.h"
#include "deliverd/sts_policy.h"

enum {
	DESTINATION_KEY = 300,
	DESTINATION_LOW = 32,		/* fewer jobs that wait: more are leased */
	DESTINATION_WAY_S = 10,		/* a way is kept so long at least, and an hour at most */
	DESTINATION_BAD_MS = 60000,	/* a host that failed is tried behind the others */
	DESTINATION_SETTLE_MS = 500,	/* jobs that come so soon behind a failure were leased before it */
	DESTINATION_SHY_MS = 15000	/* no further connection behind one that was refused */
};

enum destination_kind { DESTINATION_PLAIN, DESTINATION_REQUIRE_TLS, DESTINATION_TLS_OPTIONAL };

struct destination_host {
	struct way_host host;
	uint64_t bad_until_ms;
};

struct destination {
	struct link link;		/* of those that rest, or wait for a free connection */
	struct deliverd *d;
	struct conf *conf;		/* held */
	struct conf_route *route;	/* of conf; NULL: none, or an administrator's */
	char key[DESTINATION_KEY];
	char *domain;			/* A-labels: of the job that was first; whose MX records are asked */
	enum destination_kind kind;
	enum word word;
	bool hosts_given;		/* no search: a route's */
	bool whole;			/* what it does is true of its jobs' domains: they may be held off */
	bool retired;			/* of older settings: in no table */
	bool resting, queued;		/* which list it is in */
	bool crowded;			/* its waiting jobs are counted as a crowd */
	bool running, run_again;

	struct link waiting;		/* jobs */
	size_t waiting_count;
	struct link connections;
	size_t connection_count, opening, up;
	size_t window;			/* connections that it may have */
	uint64_t shy_until_ms;

	struct way *search;
	uint64_t sts_number;
	bool way_known, sts_known;
	struct destination_host *hosts;
	size_t host_count;
	bool mx;
	uint64_t way_until_ms;
	struct sts_policy *sts;
	const char *sts_cause;		/* why there is no good policy; static; NULL: nothing is wrong */

	unsigned failures;		/* one behind the other, as a whole */
	int64_t until_s;		/* held off */
	uint64_t failed_ms;		/* clock_mono_ms of the last failure */
	char *status, *words;		/* of the last failure */

	uint64_t refill;		/* the lease that was asked for; 0: none */
	bool dry;			/* the last one brought less than was asked for */
};

/* Where a job goes. Puts its key into out. */
void destination_key(const struct conf *c, const struct job *j, struct conf_route **route, char out[DESTINATION_KEY]);
/* For that key; j is the first that goes there. NULL: no memory. */
struct destination *destination_new(struct deliverd *d, const char *key, struct conf_route *route, const struct job *j);
/* Its jobs and connections must be gone. */
void destination_free(struct destination *dest);
/* It has neither jobs nor connections. */
bool destination_idle(const struct destination *dest);

/* Takes j, which is due. */
void destination_add(struct destination *dest, struct job *j);
/* Puts a job back that was taken: in front of the others. */
void destination_return(struct destination *dest, struct job *j);
/* The next job for a connection that is free; NULL: none. */
struct job *destination_take(struct destination *dest);
/* What waits goes back untried. */
void destination_give_back(struct destination *dest);

/* Something has changed: connections are begun, jobs handed to those that are idle. */
void destination_run(struct destination *dest);

/* destination_way.c: its hosts and its owner's policy are known. False: they are looked for, and
 * destination_run comes. */
bool destination_look(struct destination *dest);
bool destination_looks(const struct destination *dest);
void destination_forget_way(struct destination *dest);

/* It fails as a whole: what waits is deferred, or fails for good. */
void destination_fail(struct destination *dest, struct span status, struct span words, struct span host);
void destination_refuse(struct destination *dest, struct span status, struct span words, struct span host);

/* What connections tell. */
struct connection;
void destination_up(struct destination *dest, struct connection *c);
/* All hosts were tried; fate: DEFERRED, or FAILED if no later attempt can help. */
void destination_no_connection(struct destination *dest, struct connection *c, enum queue_fate fate,
			       struct span status, struct span words, struct span host);
void destination_gone(struct destination *dest, struct connection *c);
/* The far side took a message of this domain. */
void destination_success(struct destination *dest, struct span domain);

#endif
