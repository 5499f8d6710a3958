/*
 * identity.h - one certificate with its chain and key, judged before it is used.
 *
 * For the files of common/tls/ alone.
 */
#ifndef TLS_IDENTITY_H
#define TLS_IDENTITY_H

#include <openssl/ssl.h>

#include "common/tls/context.h"
#include "common/tls/text.h"

/* Kinds of which an SSL_CTX holds one each. */
enum tls_kind { TLS_KIND_EC, TLS_KIND_RSA, TLS_KIND_RSA_PSS, TLS_KIND_ED25519, TLS_KIND_ED448, TLS_KIND_COUNT };

enum { TLS_NAME_MAX = 256 };	/* bytes of a host name, its NUL too */

struct tls_identity {
	const char *file;	/* the certificate's, lent by the material */
	X509 *leaf;		/* the one in the file that fits the key */
	STACK_OF(X509) *chain;	/* behind the leaf, in order; may be empty */
	STACK_OF(X509) *loose;	/* of the file, but of no use for the chain */
	bool misplaced;		/* the leaf does not stand first in its file */
	EVP_PKEY *key;
	enum tls_kind kind;
	unsigned fits;		/* the highest SecureLevel that all of it is strong enough for */
	bool used;		/* some set has it */
	char (*names)[TLS_NAME_MAX];	/* lower case, no dot at the end; "*.example.org" too */
	size_t name_count;
};

/* Reads and checks one pair and puts its chain in order (chain.h). Words name the file. */
int tls_identity_load(struct tls_identity *id, const struct tls_pair *pair, struct error *err);
void tls_identity_clear(struct tls_identity *id);

/* Completes the chain of each with authorities of the others that fit the level. */
int tls_identities_complete(struct tls_identity *ids, size_t count, unsigned level, struct error *err);

/* Says what is wrong with its file, its dates and its chain. warn may be NULL. */
void tls_identity_warn(const struct tls_identity *id, tls_warn warn, void *arg);

/* What in it is too weak for a level above `fits`, for a message: "RSA-1024", or
 * "CN=Old CA, RSA-1024" where that is not the leaf. */
void tls_identity_weakest(const struct tls_identity *id, char *out, size_t size);

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

/* The highest SecureLevel at which OpenSSL takes cert: by its key, and by who signed it
 * how unless it signed itself. */
unsigned tls_certificate_fits(X509 *cert);

#endif
