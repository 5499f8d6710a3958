/*
 * sockets.h - the listening sockets: bound once, handed to all workers of a daemon.
 *
 * Shape   A set by daemon, address and port. sockets_open opens what new settings want
 *         and is not open yet; sockets_commit then closes what they no longer want, or
 *         sockets_revert what was newly opened: a reload is all or nothing.
 * IPv6    Where the kernel has none, * is IPv4 alone and a Listen on [::1] is left out,
 *         with a warning; any other address that can't be bound is an error.
 */
#ifndef SUPERVISOR_SOCKETS_H
#define SUPERVISOR_SOCKETS_H

#include "setup/setup.h"

enum { SOCKETS_BACKLOG = 1024 };

struct sockets;			/* opaque */

int sockets_new(struct sockets **out, struct error *err);
void sockets_free(struct sockets *s);

/* Which daemons a call is about. */
struct sockets_of {
	bool daemon[DAEMON_COUNT];
};

/* patience_ms: how long a port that is taken may still become free (processes of a
 * yubind that was killed leave within a second). Errors are reported; -EADDRINUSE and
 * the like then come back, and nothing new is open. */
int sockets_open(struct sockets *s, const struct setup *setup, const struct sockets_of *of, unsigned patience_ms,
		 struct report *r);
void sockets_commit(struct sockets *s, const struct setup *setup, const struct sockets_of *of);
void sockets_revert(struct sockets *s);

/* The socket of d's i-th Listen, lent; -1: not open. */
int sockets_find(const struct sockets *s, const struct setup *setup, enum daemon d, size_t i);

#endif
