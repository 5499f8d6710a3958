/*
 * outbound_dane.h - the TLSA records that a session asks for, and what the server showed instead;
 * for the outbound files of common/tls/ alone.
 */
#ifndef TLS_OUTBOUND_DANE_H
#define TLS_OUTBOUND_DANE_H

#include <openssl/x509.h>

#include "common/base/buf.h"
#include "common/tls/identity.h"
#include "common/tls/outbound.h"

enum { TLS_DANE_TEXT = 160 };	/* bytes of one record in words */

/* What a session under DANE has of its own: one allocation, freed with the session. */
struct tls_dane {
	char base[TLS_NAME_MAX];
	char matched[TLS_DANE_TEXT];	/* "": none, or not yet */
	char shown[2 * TLS_DANE_TEXT + 40];	/* what the server has where a record should match; "": nothing came */
	size_t count;
	struct tls_tlsa records[];
};

/* Lets the sessions of ctx ask for records. */
int tls_outbound_dane_allow(SSL_CTX *ctx, struct error *err);
/* Before the ClientHello. */
int tls_outbound_dane_set(struct tls_session *s, const struct tls_outbound_dane *dane, struct error *err);

/* After the verdict: what the server's certificates would need as records. */
void tls_outbound_dane_note(struct tls_session *s, X509_STORE_CTX *store);
/* Appends what was asked for: "3 1 1 9f86..., 2 0 1 ... and 2 more". */
void tls_outbound_dane_text(const struct tls_dane *dane, struct buf *out);

#endif
