/*
 * remote.h - one connection that we make: addresses raced -> connect -> read -> tls -> feed ->
 * next -> tls -> write.
 *
 * The shell of all clients, as conn.h is that of all servers; it knows no protocol.
 * Race    Addresses are tried in their order, the next `lead_ms` after the one before (RFC 8305), each
 *         for connect_ms; the first that is up wins, the others are closed. All are of one
 *         host: which host comes next is the caller's business.
 * Order   connected; for an implicit port the handshake, then secured; then next is asked until
 *         it wants input; bytes are fed; and so on. next is not asked while the kernel does not take
 *         what it said before. What the peer said before it broke the connection is fed first.
 *         Every callback may end with remote_free.
 * Memory  Output: a turn's, 64 kB and one span of next's at most; input that feed left: 64 kB.
 */
#ifndef NET_REMOTE_H
#define NET_REMOTE_H

#include <uv.h>

#include "common/net/address.h"
#include "common/net/conn.h"
#include "common/tls/outbound.h"

struct remote;			/* opaque */

enum remote_end {
	REMOTE_NO_CONNECTION,	/* no address answered */
	REMOTE_TLS_FAILED,	/* tls_outbound_failure_text has the line */
	REMOTE_TLS_DROPPED,	/* the same, but the peer hung up or was silent behind our ClientHello */
	REMOTE_BROKEN,		/* reset, or closed by the peer */
	REMOTE_CLOSED		/* after CONN_WANT_CLOSE */
};

struct remote_protocol {
	/* address: "192.0.2.7"; bytes flow from now on. */
	void (*connected)(void *session, const char *address);
	void (*feed)(void *session, struct span *in);
	enum conn_want (*next)(void *session, struct span *out);	/* CONN_WANT_TLS: start it */
	void (*secured)(void *session);
	/* It is over: nothing was reached, TLS failed, or the connection broke. words: one
	 * line, escaped. The remote is still there, and does nothing any more. */
	void (*ended)(void *session, enum remote_end why, const char *words);
	void (*tick)(void *session, uint64_t now_ms);
	uint64_t (*deadline)(void *session);
};

struct remote_options {
	const struct address *addresses;	/* copied, with their ports */
	size_t count;
	uint64_t lead_ms, connect_ms, handshake_ms, write_ms;
	const struct address *bind4, *bind6;	/* NULL: the kernel's choice */
	struct tls_context *tls;	/* for CONN_WANT_TLS; held */
	const char *tls_host;
	const struct tls_outbound_dane *dane;	/* copied; NULL: none */
	unsigned tls_version;	/* for tls_outbound_begin: this one alone; 0: all */
	bool implicit;
};

/* Gives a remote that has begun to connect; nothing is called before it returned. */
int remote_new(struct remote **out, uv_loop_t *loop, const struct remote_options *o,
	       const struct remote_protocol *p, void *session, struct error *err);
/* Closes at once. NULL is allowed. */
void remote_free(struct remote *r);
/* Something changed in the session: next is asked when the loop turns. */
void remote_wake(struct remote *r);

/* "192.0.2.7", "192.0.2.7:25": where it is connected, or was; "" before. */
const char *remote_address(const struct remote *r);
const char *remote_peer(const struct remote *r);
/* The address that it was connected from; "" before. */
const char *remote_local(const struct remote *r);
/* The session, from CONN_WANT_TLS on: for tls_outbound_* and its facts; NULL before. */
const struct tls_session *remote_tls(const struct remote *r);
uint64_t remote_in_bytes(const struct remote *r);
uint64_t remote_out_bytes(const struct remote *r);

#endif
