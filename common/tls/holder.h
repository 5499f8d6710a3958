/*
 * holder.h - whom a client's certificate names.
 *
 * For the files of common/tls/ alone. What stands in a certificate is bytes that somebody
 * typed: only what can be one line of a text comes out.
 * Limits  TLS_HOLDER_NAMES names of TLS_HOLDER_NAME bytes.
 */
#ifndef TLS_HOLDER_H
#define TLS_HOLDER_H

#include <openssl/x509.h>

#include "common/base/buf.h"

enum {
	TLS_HOLDER_NAMES = 16,
	TLS_HOLDER_NAME = 320,	/* RFC 5321 4.5.3.1: 64 + @ + 255 */
	TLS_HOLDER_TEXT = 8192	/* what all of them fit in */
};

/* Appends "email:a@example.org", "upn:a@example.org", "cn:a", one a line, those of
 * subjectAltName first. Names with NUL or control characters, in broken UTF-8 or too long
 * are left out. */
void tls_holder_names(X509 *cert, struct buf *out);

#endif
