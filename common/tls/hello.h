/*
 * hello.h - what a ClientHello offers (RFC 8446 4.1.2), noted for the log.
 *
 * For the files of common/tls/ alone. Lengths in it are checked here: OpenSSL has
 * looked at the outer form only when we see it.
 */
#ifndef TLS_HELLO_H
#define TLS_HELLO_H

#include <openssl/ssl.h>

#include "common/base/span.h"

enum { TLS_HELLO_GROUPS = 8 };	/* as many are noted */

struct tls_hello {
	bool seen;
	bool listed;		/* versions were listed one by one (TLS 1.3 clients) */
	unsigned versions;	/* bits of enum tls_version; not listed: the highest alone */
	/* Among its ciphers for TLS 1.2 and older: */
	bool ecdhe;		/* one with ECDHE */
	bool aead;		/* one of those has AEAD */
	bool ecdsa, rsa;	/* one of those is for that kind of certificate */
	size_t group_count;
	uint16_t groups[TLS_HELLO_GROUPS];
};

/* Reads it off ssl, inside of a client hello callback. */
void tls_hello_read(struct tls_hello *h, SSL *ssl);

/* Lends the host name that the client asks for, inside of the callback; empty: none. */
struct span tls_hello_name(SSL *ssl);

/* "TLS 1.0 at most", "TLS 1.3 alone". */
void tls_hello_versions_text(const struct tls_hello *h, char *out, size_t size);

/* "x25519, secp256r1"; "no group at all". */
void tls_hello_groups_text(const struct tls_hello *h, char *out, size_t size);

#endif
