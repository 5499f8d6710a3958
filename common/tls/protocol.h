/*
 * protocol.h - a policy becomes settings of an SSL_CTX: level, versions, ciphers, groups.
 *
 * For the files of common/tls/ alone. Used twice: for real contexts, and by
 * tls_policy_read to try a policy out before anything starts.
 */
#ifndef TLS_PROTOCOL_H
#define TLS_PROTOCOL_H

#include <openssl/ssl.h>

#include "common/base/buf.h"
#include "common/tls/policy.h"

/* Must come before any certificate is loaded: the level judges them as they come.
 * Returns 0 or -EINVAL with words that name the key. */
int tls_protocol_apply(SSL_CTX *ctx, const struct tls_policy *p, struct error *err);

/* The same in a context that is thrown away. Names in the cipher list that match
 * nothing, and versions that the mask leaves a hole between, go to warn. */
int tls_protocol_try(const struct tls_policy *p, tls_warn warn, void *arg, struct error *err);

/* OpenSSL's number of a version; 0 for SSL 2.0 and 3.0. */
int tls_protocol_number(enum tls_version version);

/* Gives ctx the groups of a list ("X25519:P-256") that OpenSSL knows. -EINVAL: none. */
int tls_protocol_groups(SSL_CTX *ctx, const char *list, struct error *err);

/* Appends the names of p->groups that are of use: OpenSSL knows them, the level takes them,
 * a version that is left has them. Separated by spaces; nothing: there are none. */
int tls_protocol_groups_fit(const struct tls_policy *p, struct buf *out, struct error *err);

/* Gives a client of that one version that takes every cipher, group, signature and certificate;
 * settings of openssl.cnf do not hold it back. level: 0, or what is to be tried out. */
int tls_protocol_taker(SSL_CTX **out, enum tls_version version, unsigned level, struct error *err);

#endif
