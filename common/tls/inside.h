/*
 * inside.h - what a context and a session are made of; for the files of common/tls/
 * alone.
 */
#ifndef TLS_INSIDE_H
#define TLS_INSIDE_H

#include <openssl/ssl.h>

#include "common/base/buf.h"
#include "common/tls/choice.h"
#include "common/tls/client.h"
#include "common/tls/hello.h"
#include "common/tls/refusal.h"
#include "common/tls/seal.h"
#include "common/tls/session.h"
#include "common/tls/staple.h"

enum { TLS_ALPN_MAX = 16, TLS_FIRST = 8 };	/* bytes */

struct tls_context {
	size_t holders;
	struct tls_policy policy;	/* its texts are void but for profile */
	char alpn[TLS_ALPN_MAX];	/* "": none */
	unsigned kinds;		/* of certificates that it has: bits 1 << enum tls_kind */
	uint8_t place[TLS_PLACE];	/* Listen, VerifyClient and ClientCA, hashed */
	struct tls_client client;
	struct tls_staples *staples;	/* NULL: none */
	struct buf leafs;	/* fingerprints of its certificates, one a line */
	struct tls_seal seal;
	struct tls_choice *choice;	/* NULL: a client's (outbound.c) */
	struct tls_refusal *refusal;	/* NULL: ExplainRefusal is off */
	SSL_CTX *outbound;	/* a client's; else NULL */
};

struct tls_session {
	struct tls_context *context;	/* held */
	SSL *ssl;
	enum tls_status status;
	bool up;		/* the handshake was done once */
	bool closing;		/* our close_notify is queued */
	bool reading;		/* inside of OpenSSL for input: what it writes is its own */
	bool begun;		/* the first record has come whole */
	bool raw;		/* no TLS records: everything goes to OpenSSL as it is */

	struct buf in;		/* freed when empty */
	size_t in_used;		/* bytes of it that OpenSSL has taken */
	size_t in_whole;	/* bytes of it up to which records are whole */
	struct buf out;		/* freed when empty */
	size_t out_sent;
	size_t unasked;		/* bytes of it that OpenSSL added by itself while it read */
	size_t written;		/* bytes that OpenSSL has ever given to be sent */
	struct tls_second *second;	/* ExplainRefusal; NULL: off, or the handshake was a good one */

	unsigned long error;	/* OpenSSL's first; 0: none, or our own */
	int alert;		/* that we sent last: level << 8 | number; 0: none */
	bool renegotiating;	/* the client asked for a second handshake */
	bool answered;		/* TLS 1.3: with a ServerHello, not a HelloRetryRequest */
	const char *trouble;	/* our own words for a failure; static */
	int objection;		/* X509_V_OK, or the first against a client's certificate */
	size_t first_n;
	uint8_t first[TLS_FIRST];	/* what the peer sent first */
	struct tls_hello hello;
	char *sni;		/* of the client hello, escaped; NULL: none */
	char *subject;		/* of the client's certificate */
	char *fingerprint;
	char *names;		/* that it is for; NULL: none that count */
	char *peer_trouble;	/* outbound: what is wrong with the server's certificates; NULL: nothing */
	X509 *peer;		/* outbound: the server's certificate, held; NULL: none came */
	struct tls_dane *dane;	/* outbound, under DANE; else NULL */
	unsigned alone;		/* outbound: the one version that is offered; 0: all of the policy */
	struct tls_facts facts;
};

/* The session of an SSL: its BIO knows. Cheaper than OpenSSL's extra data. */
static inline struct tls_session *tls_session_of(const SSL *ssl)
{
	return BIO_get_data(SSL_get_rbio(ssl));
}

/* A session of c over ssl, in either direction (session.c). Keeps ssl, also where it fails;
 * NULL stands for no memory. */
int tls_session_make(struct tls_session **out, struct tls_context *c, SSL *ssl, struct error *err);

/* Goes on with the handshake; a client's begins so. */
void tls_session_shake(struct tls_session *s);

/* Appends words with their {names} filled in (explain.c). */
void tls_explain_fill(const struct tls_session *s, const char *words, struct buf *out);

/* Notes the name that the client asks for. */
void tls_facts_name(struct tls_session *s, struct span name);

/* Fills s->facts. False: no memory. */
bool tls_facts_read(struct tls_session *s);
void tls_facts_clear(struct tls_session *s);

#endif
