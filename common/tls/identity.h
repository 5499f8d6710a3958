/*
 * identity.h - one certificate with its chain and key, judged before it is used.
 *
 * For the files of common/tls/ alone.
 */
#ifndef TLS_IDENTITY_H
#define TLS_IDENTITY_H

#include <openssl/ssl.h>

#include "common/tls/context.h"

/* Kinds of which an SSL_CTX holds one each. */
enum tls_kind { TLS_KIND_EC, TLS_KIND_RSA, TLS_KIND_RSA_PSS, TLS_KIND_ED25519, TLS_KIND_ED448, TLS_KIND_COUNT };

enum { TLS_NAME_MAX = 256 };	/* bytes of a host name, its NUL too */

struct tls_identity {
	const char *file;	/* the certificate's, lent by the material */
	X509 *leaf;
	STACK_OF(X509) *chain;	/* behind the leaf; may be empty */
	EVP_PKEY *key;
	enum tls_kind kind;
	unsigned fits;		/* the highest SecureLevel that all of it is strong enough for */
	bool used;		/* some set has it */
	char (*names)[TLS_NAME_MAX];	/* lower case, no dot at the end; "*.example.org" too */
	size_t name_count;
};

/* Reads and checks one pair. Words name the file. */
int tls_identity_load(struct tls_identity *id, const struct tls_pair *pair, struct error *err);
void tls_identity_clear(struct tls_identity *id);

/* Its dates, against now: words for a warning in out, or false. */
bool tls_identity_stale(const struct tls_identity *id, char *out, size_t size);

/* One of its names is name, or a wildcard that covers it (RFC 6125 6.4.3: the whole
 * first label and no more). */
bool tls_identity_covers(const struct tls_identity *id, const char *name);

/* Puts it into ctx; the policy's level must be set. */
int tls_identity_use(const struct tls_identity *id, SSL_CTX *ctx, struct error *err);

/* A host name in the form of `names`. False for what is none. */
bool tls_name_fold(char out[TLS_NAME_MAX], struct span name);

/* The wildcard that would cover name: "*.example.org" for "a.example.org". False
 * for a name of one label. */
bool tls_name_wildcard(char out[TLS_NAME_MAX], const char *name);

/* "RSA-2048", "P-256". */
void tls_key_text(const EVP_PKEY *key, char *out, size_t size);

#endif
