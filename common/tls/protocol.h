/*
 * protocol.h - a policy becomes settings of an SSL_CTX: level, versions, ciphers, groups.
 *
 * For the files of common/tls/ alone. Used twice: for real contexts, and by
 * tls_policy_read to try a policy out before anything starts.
 */
#ifndef TLS_PROTOCOL_H
#define TLS_PROTOCOL_H

#include <openssl/ssl.h>

#include "common/tls/policy.h"

/* Must come before any certificate is loaded: the level judges them as they come.
 * Returns 0 or -EINVAL with words that name the key. */
int tls_protocol_apply(SSL_CTX *ctx, const struct tls_policy *p, struct error *err);

/* The same in a context that is thrown away. Names in the cipher list that match
 * nothing, and versions that the mask leaves a hole between, go to warn. */
int tls_protocol_try(const struct tls_policy *p, tls_warn warn, void *arg, struct error *err);

#endif
