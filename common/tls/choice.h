/*
 * choice.h - which certificates a client gets: by the name it asks for (RFC 6066 3).
 *
 * For the files of common/tls/ alone. A set is at most one certificate of each kind
 * of key, in an SSL_CTX of its own: a name that two files serve, one RSA and one
 * ECDSA, has both, and OpenSSL picks by what the client can do.
 */
#ifndef TLS_CHOICE_H
#define TLS_CHOICE_H

#include "common/tls/identity.h"

struct tls_choice;		/* opaque */

/* Makes an empty, fully configured SSL_CTX for one set. */
typedef int (*tls_choice_make)(void *arg, SSL_CTX **out, struct error *err);

/* Builds the sets from identities (not kept; `used` is marked). The first identity's
 * set serves clients that ask for no name or an unknown one. */
int tls_choice_new(struct tls_choice **out, struct tls_identity *identities, size_t count,
		   tls_choice_make make, void *arg, struct error *err);
void tls_choice_free(struct tls_choice *c);

/* Lends the context for a name as the client sent it; NULL: none has it. */
SSL_CTX *tls_choice_find(const struct tls_choice *c, struct span name);
SSL_CTX *tls_choice_default(const struct tls_choice *c);

#endif
