/*
 * context.h - every SSL_CTX of the tree is made here.
 *
 * A context serves one Listen: its policy, its certificates, its client CA, its
 * ticket keys. It is counted: a session holds its own, so that a reload can swap
 * contexts under living sessions.
 */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include "common/base/span.h"
#include "common/tls/policy.h"

struct tls_context;		/* opaque */

struct tls_pair {
	const char *certificate_name, *key_name;	/* for messages: the paths as configured */
	struct span certificate, key;			/* PEM; the chain behind the certificate */
};

struct tls_material {
	const struct tls_pair *pairs;
	size_t pair_count;
	struct span client_ca, client_crl;	/* PEM; empty: none */
	const struct span *staples;	/* OCSP responses, DER or PEM; each serves the certificate it is about */
	size_t staple_count;
	struct span fingerprints;	/* of certificates that accounts hold: SHA-256 in hexadecimal, one a line */
	const char *alpn;			/* "imap", "pop3"; NULL: none */
	const char *listen;			/* "127.0.0.1:993": keeps tickets of ports apart */
};

/* Gives a server context. A pair that the level does not allow is dropped with a
 * warning; none left: an error that names the level that would fit. */
int tls_context_new(struct tls_context **out, const struct tls_policy *p, const struct tls_material *m,
		    tls_warn warn, void *arg, struct error *err);
/* Lends the fingerprints (SHA-256, hexadecimal) of the certificates that are in use, one a line. */
struct span tls_context_leafs(const struct tls_context *c);

struct tls_context *tls_context_hold(struct tls_context *c);
void tls_context_drop(struct tls_context *c);

/* Puts new ticket keys (tickets.h) in force for handshakes from now on. */
void tls_context_tickets(struct tls_context *c, struct span keys);

#endif
