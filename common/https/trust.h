/*
 * trust.h - authorities of a PEM text as OpenSSL wants them, while somebody needs them.
 */
#ifndef HTTPS_TRUST_H
#define HTTPS_TRUST_H

#include <openssl/x509.h>

#include "common/base/span.h"

/* A store of all certificates in pem, the caller's; NULL without memory, or if there is none. */
X509_STORE *trust_new(struct span pem);

#endif
