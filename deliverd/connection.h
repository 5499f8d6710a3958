/*
 * connection.h - one connection to another server: the remote shell, the engine, the transactions that
 * go down it one after another.
 *
 * Life    OPENING: host after host is tried (opening.h). UP: it takes jobs of its destination, and
 *         waits ConnectionIdle for further ones. LEAVING: it belongs to no destination any more, says
 *         QUIT and goes.
 */
#ifndef DELIVERD_CONNECTION_H
#define DELIVERD_CONNECTION_H

#include "common/net/remote.h"
#include "deliverd/destination.h"
#include "deliverd/engine.h"

enum connection_state { CONNECTION_OPENING, CONNECTION_UP, CONNECTION_LEAVING };

struct delivery;
struct opening;

struct connection {
	struct link link;		/* of its destination, or of those that leave */
	struct deliverd *d;
	struct destination *destination;	/* NULL when LEAVING */
	struct conf *conf;		/* held */
	struct conf_route *route;
	enum connection_state state;
	uint64_t id;			/* DCID; 0: nothing was reached yet */
	struct opening *opening;	/* while OPENING */
	struct remote *remote;
	struct smtp_client *engine;	/* from connected on */
	size_t at;			/* its host, among the destination's */
	bool start_tls;			/* the engine may use STARTTLS */
	bool secured;
	char host[DNS_NAME_MAX + 64];	/* "mx.example.org[192.0.2.7]:25" */
	char tls[16];			/* "TLSv1.3", "none" */
	struct delivery *current;	/* in the engine; next: begun with the end of the one before */
	struct delivery *next;
	struct delivery *ready;		/* being prepared */
	bool may_begin;			/* the engine is READY */
	bool wants_body;		/* and the message has not come from the disk yet */
	size_t sent;			/* messages */
	struct link idle;		/* of those that wait for work */
	uint64_t idle_until_ms;		/* UINT64_MAX: it is not idle */
	unsigned depth;			/* callbacks that are running */
	bool over;			/* to be freed behind the last of them */
};

/* Begins one for dest, which counts it. NULL: no memory. */
struct connection *connection_open(struct destination *dest);
/* Ends it at once; jobs go back. Without a word to its destination. */
void connection_free(struct connection *c);
bool connection_idle(const struct connection *c);
/* There is a job for an idle one. */
void connection_work(struct connection *c);
/* An idle one ends. */
void connection_quit(struct connection *c);

/* The callbacks for the shell. */
extern const struct remote_protocol connection_protocol;

/* opening.c: a host is about to be tried; the remote of the one before goes. */
void connection_reset(struct connection *c);
/* The host can be used. */
void connection_up(struct connection *c);
/* c says QUIT and leaves; what it opened goes on with another. NULL: no memory. */
struct connection *connection_replace(struct connection *c);
/* It is over. */
void connection_end(struct connection *c);

/* delivery.c: what it waited for is there. */
void connection_prepared(struct connection *c);
void connection_body(struct connection *c);

#endif
