/*
 * tls_peer.h - the other end for tests of common/tls: OpenSSL's client in memory, and
 * certificates of every kind to show it.
 */
#ifndef TESTS_TLS_PEER_H
#define TESTS_TLS_PEER_H

#include <openssl/ssl.h>

#include "common/base/buf.h"
#include "common/tls/context.h"
#include "common/tls/session.h"

struct tls_peer {
	SSL_CTX *ctx;		/* level 0, every version; a test may change it before connect */
	SSL *ssl;
	SSL_SESSION *ticket;	/* the newest that the server sent */
	struct tls_session *session;
	struct buf got;		/* plain bytes that the session has read */
	struct buf echo;	/* plain bytes that the client has read */
	char words[1024];	/* of tls_peer_failure */
};

void tls_peer_init(struct tls_peer *p);
void tls_peer_clear(struct tls_peer *p);

/* A client and a session of context; name: what it asks for, or NULL. A ticket that
 * is there is offered. */
void tls_peer_connect(struct tls_peer *p, struct tls_context *c, const char *name);

/* Carries bytes both ways, `step` at a time, until nothing moves. */
void tls_peer_run(struct tls_peer *p, size_t step);

/* Ends the connection, keeps ctx and ticket. */
void tls_peer_hang_up(struct tls_peer *p);

/* connect and run: what the session says then. */
enum tls_status tls_peer_try(struct tls_peer *p, struct tls_context *c, const char *name);

/* The failure text, for imapd. */
const char *tls_peer_failure(struct tls_peer *p, enum tls_cut cut);

/* PEM texts in memory that lives until the program ends. */
struct peer_pair {
	struct span certificate, key;
};

/* A CA of the site, made once. */
struct peer_pair peer_ca(void);
/* Signed by it: P-256 or RSA-2048 for the names (ended by NULL). */
struct peer_pair peer_server(int rsa, const char *const *names);
/* For a client, signed by it. */
struct peer_pair peer_client(const char *common_name);

/* Signed by itself: key "P-384", "P-521", "RSA-1024", "Ed25519"...; digest "SHA1" or
 * NULL (Ed25519); alive from and to so many days from now. */
struct peer_pair peer_own(const char *key, const char *digest, const char *name, int from, int to);
/* The same, for a name, but signed by issuer with the digest. */
struct peer_pair peer_signed(const char *key, const char *digest, const char *name, struct peer_pair issuer,
			     int from, int to);
/* The same with SHA-256 for the key of an older one. */
struct peer_pair peer_renewed(struct peer_pair old, const char *name, struct peer_pair issuer, int from, int to);
/* An authority without a path length, signed by issuer or (NULL) by itself; P-256, or as
 * peer_own has keys. */
struct peer_pair peer_authority(const char *name, const struct peer_pair *issuer, int from, int to);
struct peer_pair peer_authority_of(const char *key, const char *name, const struct peer_pair *issuer, int from, int to);
/* Another certificate of authority `one`, of that name, signed by issuer. */
struct peer_pair peer_cross(const char *name, struct peer_pair one, struct peer_pair issuer, int from, int to);

/* Whom issuer lets sign OCSP responses. */
struct peer_pair peer_responder(const char *name, struct peer_pair issuer);

/* A revocation list of issuer that names the certificates (may be none); good for 30
 * days, or from and to so many days from now. */
struct span peer_crl(struct peer_pair issuer, const struct peer_pair *revoked, size_t count);
struct span peer_crl_days(struct peer_pair issuer, const struct peer_pair *revoked, size_t count, int from, int to);

/* The certificate's fingerprint and a line end. */
struct span peer_print(struct peer_pair p);

/* Two PEM texts as one. */
struct span peer_join(struct span a, struct span b);

#endif
