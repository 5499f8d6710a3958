/*
 * server.h - the accept loop and the set of connections of one process.
 *
 * Shape   One for a daemon; its functions fit worker.h's table. Sockets are shared
 *         by the workers; what comes is accepted in turns of 64, TCP_NODELAY set.
 * Limits  MaxConnections (over it: not accepted until one ends; what no other worker has taken within
 *         half a second hears conn_protocol.full),
 *         ConnectionsPerAddress (over it: the protocol's refusal, closed),
 *         ConnectionsPerUser; LimitExempt names who is spared the second.
 * Counts  Handshakes of the last day for each Listen (census.h); they outlive reloads.
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include "common/net/conn.h"
#include "common/proc/worker.h"

struct server; /* opaque */

/* refusal: what a client over the limit by address is told in clear, a whole line
 * (421, -ERR, * BYE). daemon: given back by conn_daemon. */
int server_new(struct server **out, struct worker *w, const struct conn_protocol *p, const char *refusal,
	       void *daemon, struct error *err);
void server_free(struct server *s);

/* The worker's events. Settings build every Listen's TLS context anew; on an error
 * nothing is changed. */
int server_settings(struct server *s, struct error *err);
void server_listen(struct server *s, size_t index, int fd);
void server_tickets(struct server *s, struct span keys);
void server_revoke(struct server *s, const char *account);
void server_drain(struct server *s, uint64_t idle_ms);
void server_stop(struct server *s);
void server_status(struct server *s, struct buf *out);
/* Adds what CONTROL_ASK "tls" is answered with: `openssl VERSION`, `since SECONDS` (1970),
 * `served LISTEN FINGERPRINT` for each certificate in use, and the lines of census.h. At most
 * 60 kB: clients are left out first. */
void server_tls(struct server *s, struct buf *out);
/* What CONTROL_ASK "sessions BEFORE" is answered with: `session ICID PROTOCOL PEER TLS SINCE ACCOUNT MAILBOX` for each that is logged in and
 * has an ICID below BEFORE, the highest first (TLS: "TLSv1.3" or "none"; SINCE: seconds since 1970; ACCOUNT, MAILBOX: escaped, a space too;
 * no mailbox: "-"; one of that name: "\x2d"), 60 kB at most; last `more N`: so many lower ones did not fit. */
void server_sessions(struct server *s, uint64_t before, struct buf *out);
/* Ends the account's sessions, or the one of that id (0: all). How many there were. */
size_t server_kick(struct server *s, const char *account, uint64_t id);

#endif
