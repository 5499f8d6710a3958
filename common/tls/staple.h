/*
 * staple.h - OCSP responses that go out with our own certificates (RFC 6066 8, RFC 6960).
 *
 * For the files of common/tls/ alone. Somebody else fetches them (`openssl ocsp`, certbot);
 * here they are held against the certificates, and each handshake that asks gets the one
 * for the certificate that it gets, while that is valid.
 * Limits  A response that does not say when the next one comes is good for a day.
 */
#ifndef TLS_STAPLE_H
#define TLS_STAPLE_H

#include "common/tls/identity.h"

struct tls_staples;		/* opaque */

/* Gives those of m that are about one of ids, signed by its authority or by whom that
 * authority made a responder. The others are warned of and left out. *out may be NULL. */
int tls_staples_load(struct tls_staples **out, const struct tls_material *m, const struct tls_identity *ids,
		     size_t count, tls_warn warn, void *arg, struct error *err);
void tls_staples_free(struct tls_staples *s);

/* Lends the newest (DER) for cert that is valid at now_s (since 1970); empty: none is. */
struct span tls_staples_find(const struct tls_staples *s, X509 *cert, int64_t now_s);

#endif
