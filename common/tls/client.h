/*
 * client.h - certificates of clients: whom we trust, and the verdict on one.
 *
 * For the files of common/tls/ alone.
 */
#ifndef TLS_CLIENT_H
#define TLS_CLIENT_H

#include <openssl/ssl.h>

#include "common/tls/context.h"

/* What VerifyClient, ClientCA and ClientCRL come to. */
struct tls_client {
	X509_STORE *store;	/* NULL: clients are not asked */
	STACK_OF(X509_NAME) *names;	/* of the authorities, told to the client */
};

/* Returns 0 or -EINVAL with words. Nothing is read under `no`. */
int tls_client_load(struct tls_client *c, const struct tls_policy *p, const struct tls_material *m,
		    struct error *err);
void tls_client_clear(struct tls_client *c);

/* Makes ctx ask for certificates as p says. */
int tls_client_apply(const struct tls_client *c, SSL_CTX *ctx, const struct tls_policy *p, struct error *err);

/* Verifies a certificate of earlier against the store of today: its dates, its
 * revocation, its authority. Returns X509_V_OK or why not. A chain that the client
 * sent then is not at hand: a certificate below an intermediate authority that is not
 * in ClientCA fails here. */
int tls_client_again(const struct tls_client *c, SSL *ssl, X509 *cert);

#endif
