/*
 * pem.h - certificates, keys and revocation lists out of PEM text.
 *
 * For the files of common/tls/ alone. `name` is what the words call the text: a
 * path as configured, or a key of the conf file.
 */
#ifndef TLS_PEM_H
#define TLS_PEM_H

#include <openssl/x509.h>

#include "common/base/error.h"
#include "common/base/span.h"

/* Gives all certificates of text, in their order, at least one. */
int tls_pem_certificates(STACK_OF(X509) **out, struct span text, const char *name, struct error *err);

/* Gives all revocation lists of text, at least one. */
int tls_pem_crls(STACK_OF(X509_CRL) **out, struct span text, const char *name, struct error *err);

/* Gives the private key in text. One behind a passphrase is refused: nobody is
 * there to type it. */
int tls_pem_key(EVP_PKEY **out, struct span text, const char *name, struct error *err);

#endif
