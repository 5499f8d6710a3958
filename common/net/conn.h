/*
 * conn.h - one connection of a stranger: read -> tls -> feed -> next* -> tls -> write.
 *
 * The one shell of all network daemons. A daemon adds a struct conn_protocol and
 * nothing else about sockets; the shell knows no protocol.
 * Order   open; for an implicit port the handshake, then secured; then next is asked
 *         until it wants input; bytes are fed; next is asked again; and so on. next
 *         is not asked while output above OutputLimit waits for the peer, and feed
 *         not while next still has something: that is the back-pressure.
 * First   Bytes that tell of a wrong mode (mode.h) never reach feed: the client is told, or
 *         for HTTP is not answered, and the connection ends. So does one that TLS came up on
 *         only to say why it is refused (ExplainRefusal): neither secured nor feed is called.
 * Time    The session's own deadline comes out of deadline(); tick() brings the time.
 *         Handshake and write deadlines are the shell's.
 * Memory  No input buffer of its own (one for the loop); output at most OutputLimit
 *         plus one span of next's (64 kB at most); bytes that feed left: 64 kB at most.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "common/config/config.h"
#include "common/tls/session.h"

struct conn;   /* opaque */
struct server; /* opaque; server.h */

enum conn_want {
	CONN_WANT_INPUT,  /* nothing to do until input, a wake or the deadline */
	CONN_WANT_OUTPUT, /* *out is to be sent (lent until the next call) */
	CONN_WANT_TLS,    /* start TLS once all output is with the kernel; what is left in clear is dropped */
	CONN_WANT_CLOSE   /* close once all output is with the kernel */
};

enum conn_end {
	CONN_END_STOP,   /* the server stops or drains: say so (421, * BYE) and close */
	CONN_END_REVOKED, /* the account was changed, disabled or removed */
	CONN_END_KICKED, /* an administrator ended it */
	CONN_END_CERTIFICATE /* the client's certificate is no longer good */
};

/* What the client is told then; static. */
static inline const char *conn_end_words(enum conn_end why)
{
	switch (why) {
	case CONN_END_REVOKED:
		return "the account was changed, log in again";
	case CONN_END_KICKED:
		return "the administrator ended this session";
	case CONN_END_CERTIFICATE:
		return "the client certificate is no longer good";
	case CONN_END_STOP:
		break;
	}
	return "shutting down, try again";
}

/* tick, secured, finished, deadline and idle may be NULL (idle: always). tick is called
 * at the start of each turn, before feed and next. */
struct conn_protocol {
	const char *name; /* "imap": ALPN and logs */
	enum config_file which;
	/* How a line begins that turns a client away in clear before any session ("500 5.5.1 ",
	 * "-ERR ", "* BYE "), and on a connection that is up only to say why (ExplainRefusal:
	 * "421 4.7.66 "). */
	const char *wrong_mode, *refusal;
	const char *full; /* told over MaxConnections in clear: a whole line. NULL: nothing */
	const char *start_tls; /* "STARTTLS", "STLS" */

	/* A session for c. The greeting is what next gives first. */
	int (*open)(void **session, struct conn *c, struct error *err);
	/* Frees it; what it waits for elsewhere is cancelled. */
	void (*close)(void *session);
	/* Uses what it can and moves *in on. It may leave bytes while something else must
	 * come first (never because it lacks more of them: half a line is its own to
	 * keep); the socket is not read until a wake or the deadline brings it on. */
	void (*feed)(void *session, struct span *in);
	enum conn_want (*next)(void *session, struct span *out);
	/* The handshake is done; conn_tls gives the facts from here on. */
	void (*secured)(void *session);
	/* The peer has sent all that it will (FIN), and all of it was used. The shell asks
	 * next once more, sends what comes, and closes as soon as next wants input and
	 * idle says that no answer is due any more; 10 s after the last sign of life it
	 * closes all the same. */
	void (*finished)(void *session);
	void (*tick)(void *session, uint64_t now_ms);
	uint64_t (*deadline)(void *session); /* monotonic ms; UINT64_MAX: none */
	void (*end)(void *session, enum conn_end why);
	/* No command is in hand: a draining server may end it. */
	bool (*idle)(void *session);
	/* What the session has open, for who lists sessions: lent, "" for none. NULL: never anything. */
	const char *(*mailbox)(void *session);
};

/* An answer has come: next is asked (and input fed) when the loop turns. Any number
 * of calls; safe from everywhere on the loop thread. */
void conn_wake(struct conn *c);

uint64_t conn_id(const struct conn *c);      /* ICID */
const char *conn_peer(const struct conn *c); /* "192.0.2.7", "2001:db8::1" */
unsigned conn_peer_port(const struct conn *c);
const char *conn_local(const struct conn *c); /* "192.0.2.1:993" */
const struct config_listen *conn_listen(const struct conn *c);
/* The Listen's settings as they were when the connection came; lent for its life. */
const struct config_scope *conn_config(const struct conn *c);
const char *conn_hostname(const struct conn *c);
/* NULL before TLS. Lent for the life of c. */
const struct tls_facts *conn_tls(const struct conn *c);
/* The fingerprint of a client certificate that verified; "" in every other case. */
const char *conn_client_fingerprint(const struct conn *c);
/* The same, if ClientNames takes fingerprints: an account that holds it may be logged in by it. */
const char *conn_client_bound(const struct conn *c);
/* Whom that certificate names (tls_facts.client_names), as far as ClientNames lets it: lines of
 * "email:...", "upn:...", "cn:..."; "" in every other case. out has CONN_NAMES bytes. */
enum { CONN_NAMES = 2048 };
const char *conn_client_names(const struct conn *c, char *out);
/* What binds a login to this TLS connection, by type (tls_session_binding). Bytes; 0: nothing. */
enum { CONN_BINDING = TLS_BINDING };
size_t conn_binding(const struct conn *c, const char *type, uint8_t out[CONN_BINDING]);
/* A client certificate is good for AUTH EXTERNAL here: a fingerprint that ClientNames takes, or a name. */
bool conn_client_known(const struct conn *c);
/* STARTTLS may be offered: explicit mode, EnableTLS yes, a context is there, TLS not up. */
bool conn_may_start_tls(const struct conn *c);
/* The peer is in LimitExempt. */
bool conn_exempt(const struct conn *c);
/* The peer asked for something that it should not have (a recipient that is none): from too many of those in an hour
 * nothing more is taken from its address. False: this was one too many. */
bool conn_blame(struct conn *c);
struct server *conn_server(const struct conn *c);
/* What the daemon gave to server_new. */
void *conn_daemon(const struct conn *c);

/* A login is about to be checked elsewhere: a revocation that comes before its answer
 * holds for it too. */
void conn_login_begin(struct conn *c);
/* The account that has logged in: counted by ConnectionsPerUser, ended by revoke; at once
 * if that came since conn_login_begin.
 * Returns false if the account has too many sessions here already. */
bool conn_login(struct conn *c, const char *account);

#endif
