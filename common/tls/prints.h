/*
 * prints.h - a set of certificates, known by their fingerprints (SHA-256).
 *
 * For the files of common/tls/ alone. Plain value; clear accepts zeros.
 */
#ifndef TLS_PRINTS_H
#define TLS_PRINTS_H

#include <openssl/x509.h>

#include "common/base/span.h"
#include "common/tls/policy.h"
#include "common/tls/text.h"

struct tls_prints {
	size_t count;
	uint8_t (*print)[TLS_PRINT];	/* sorted */
};

/* Reads 64 hexadecimal digits a line; a line that is something else is warned of and left
 * out, an empty one passed over. */
int tls_prints_load(struct tls_prints *p, struct span text, tls_warn warn, void *arg, struct error *err);
void tls_prints_clear(struct tls_prints *p);

bool tls_prints_hold(const struct tls_prints *p, X509 *cert);

#endif
