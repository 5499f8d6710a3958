/*
 * client.h - certificates of clients: whom we trust, and the verdict on one.
 *
 * For the files of common/tls/ alone.
 */
#ifndef TLS_CLIENT_H
#define TLS_CLIENT_H

#include <openssl/ssl.h>

#include "common/tls/context.h"
#include "common/tls/prints.h"

/* What VerifyClient, ClientCA, ClientCRL and AllowSelfSigned come to. */
struct tls_client {
	X509_STORE *store;	/* NULL: clients are not asked */
	STACK_OF(X509_NAME) *names;	/* of the authorities, told to the client */
	struct tls_prints prints;	/* of certificates that are good though they signed themselves */
};

/* Returns 0 or -EINVAL with words. Nothing is read under `no`. Revocation lists that are
 * over, or nearly, go to warn. */
int tls_client_load(struct tls_client *c, const struct tls_policy *p, const struct tls_material *m, tls_warn warn,
		    void *arg, struct error *err);
void tls_client_clear(struct tls_client *c);

/* Makes ctx ask for certificates as p says. */
int tls_client_apply(const struct tls_client *c, SSL_CTX *ctx, const struct tls_policy *p, struct error *err);

/* Verifies a certificate of earlier against what counts today: its dates, its revocation,
 * its authority or its fingerprint; depth and level are those of ctx. sent: the chain that
 * the client gave then; NULL: not at hand (a ticket keeps none), and a certificate below
 * an intermediate authority that is not in ClientCA fails. X509_V_OK or why not. */
int tls_client_again(const struct tls_client *c, SSL_CTX *ctx, X509 *cert, STACK_OF(X509) *sent);

#endif
