/*
 * issuer.h - who signs: the site's CA, for the files of common/tls/ that issue (issue.c).
 */
#ifndef TLS_ISSUER_H
#define TLS_ISSUER_H

#include <openssl/x509.h>

#include "common/base/buf.h"
#include "common/base/error.h"

struct tls_issuer {
	X509 *certificate;
	EVP_PKEY *key;
};

/* From PEM; the two belong together, the certificate is a CA's and not over. */
int tls_issuer_read(struct tls_issuer *ca, struct span certificate, struct span key, struct error *err);
void tls_issuer_clear(struct tls_issuer *ca);

/* Appends what was written to a memory BIO, and wipes it there. */
int tls_issuer_write(BIO *bio, struct buf *out, struct error *err);

/* "OpenSSL could not WHAT: ...". */
int tls_issuer_broken(struct error *err, const char *what);

#endif
