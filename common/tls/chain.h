/*
 * chain.h - what stands between a certificate and the authority that its clients trust.
 *
 * For the files of common/tls/ alone.
 * Source  RFC 8446 4.4.2: each certificate should certify the one before it. Files are put
 *         together by hand, so the order is made here: by names, key identifiers and
 *         signatures that really verify.
 * Limits  TLS_CHAIN_MAX links behind the leaf.
 */
#ifndef TLS_CHAIN_H
#define TLS_CHAIN_H

#include <openssl/x509.h>

#include "common/tls/policy.h"

enum { TLS_CHAIN_MAX = 16 };

/* cert signed itself. */
bool tls_chain_own(X509 *cert);

/* Continues chain, in order: with links out of loose, which move there, and where that has
 * none with links out of pool (NULL: none), which are shared. What is left in loose has no
 * place in the chain. False: no memory. */
bool tls_chain_order(X509 *leaf, STACK_OF(X509) *chain, STACK_OF(X509) *loose, STACK_OF(X509) *pool);

/* It ends in a certificate that signed itself, or in one whose issuer is in system (NULL:
 * nothing is). */
bool tls_chain_complete(X509 *leaf, STACK_OF(X509) *chain, X509_STORE *system);

/* Says for each certificate of loose why it is left out, then what clients will object to
 * in the chain: dates, links that are no authorities. file is named in all of it. */
void tls_chain_warn(const char *file, X509 *leaf, STACK_OF(X509) *chain, STACK_OF(X509) *loose, tls_warn warn,
		    void *arg);

#endif
