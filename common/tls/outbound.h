/*
 * outbound.h - TLS as a client: the same policy, for deliveries to other servers.
 *
 * A mask with a hole makes an OpenSSL client fall to the lowest block of versions: the
 * context gets the block that holds the highest allowed one.
 */
#ifndef TLS_OUTBOUND_H
#define TLS_OUTBOUND_H

#include "common/tls/context.h"

enum tls_outbound_verify {
	TLS_OUTBOUND_NOTE,	/* whatever the peer shows is taken; facts say what is wrong with it */
	TLS_OUTBOUND_REQUIRE	/* it must verify against authorities, for the host's name */
};

struct tls_outbound_material {
	const struct tls_pair *pair;	/* our own certificate; NULL: none */
	struct span authorities;	/* PEM; empty: those of the system, as OpenSSL finds them */
};

/* Gives a context for tls_session_new_outbound (session.h). */
int tls_outbound_new(struct tls_context **out, const struct tls_policy *p, enum tls_outbound_verify verify,
		     const struct tls_outbound_material *m, tls_warn warn, void *arg, struct error *err);

struct tls_session;

/* A session that begins with our ClientHello (in tls_session_out). host: for SNI and for the
 * name in the certificate; NULL: neither. */
int tls_outbound_session(struct tls_session **out, struct tls_context *c, const char *host, struct error *err);

/* What is wrong with the peer's certificates, though nobody asked: "it does not verify
 * (self-signed certificate)", "RSA-1024 in the chain is below SecureLevel 1", "SHA1 signs in the
 * chain"; "" if nothing is. Lent as long as the session lives; from TLS_UP on. */
const char *tls_outbound_peer_trouble(const struct tls_session *s);

#endif
