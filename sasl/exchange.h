/*
 * exchange.h - an AUTH exchange as SMTP, POP3 and IMAP have it: base64 on lines
 * (RFC 4954 4, RFC 5034 4, RFC 9051 6.2.2), and which mechanisms a port offers.
 *
 * Pure. The protocol adds what stands around the challenge ("334 ", "+ ").
 */
#ifndef SASL_EXCHANGE_H
#define SASL_EXCHANGE_H

#include "common/base/buf.h"
#include "sasl/sasl.h"

/* What a port offers, right now. Strings are lent. */
struct sasl_offer {
	const char *mechanisms;		/* the key Mechanisms: "PLAIN,LOGIN" */
	const char *clear_mechanisms;	/* the key AuthWithoutTLS: "none" */
	bool tls, require_tls;
	bool certificate;	/* the client showed one that may name an account: EXTERNAL is offered */
	unsigned scram;		/* SCRAM is offered with these hashes: bits 1 << enum scram_hash */
};

/* Credentials may be sent at all in the way that name stands for: a mechanism, or "USER"
 * (POP3) or "LOGIN" (IMAP), which are commands. EXTERNAL: only with TLS up and a certificate. */
bool sasl_offer_allows(const struct sasl_offer *o, struct span name);

/* May a mechanism be used now? */
enum sasl_may {
	SASL_MAY,
	SASL_NOT_OFFERED,	/* unknown, or not in the key */
	SASL_NOT_IN_CLEAR,
	SASL_NO_CERTIFICATE	/* EXTERNAL */
};
enum sasl_may sasl_offer_may(const struct sasl_offer *o, struct span mechanism);

/* The i-th mechanism that may be used now, in the order of the key; false behind the last. */
bool sasl_offer_mechanism(const struct sasl_offer *o, size_t i, struct span *name);

enum exchange_status {
	EXCHANGE_CHALLENGE,	/* *out: base64 for the client, whose next line is the answer */
	EXCHANGE_VERIFY,	/* sasl_credentials(exchange_sasl(x)) are to be checked */
	EXCHANGE_CANCELLED,	/* the client sent "*" */
	EXCHANGE_BAD,		/* no base64, or no answer of this mechanism */
	EXCHANGE_REFUSED,	/* an answer that can't be accepted: exchange_wrong has the words */
	EXCHANGE_HEARD,		/* SCRAM: the client has heard all: the verdict holds */
	EXCHANGE_UNKNOWN	/* no such mechanism */
};

struct exchange {		/* zeros: none begun */
	struct sasl *sasl;
	struct buf text;	/* the challenge that was given */
};

/* initial: the base64 behind the command; p NULL: none was given; "=": an empty one. */
enum exchange_status exchange_start(struct exchange *x, const struct sasl_offer *offer, struct span mechanism,
				    struct span initial, struct span *out);
enum exchange_status exchange_line(struct exchange *x, struct span line, struct span *out);
const struct sasl_credentials *exchange_credentials(const struct exchange *x);
/* What was to be verified is: does the client get a challenge (again) before the verdict holds? */
bool exchange_told(struct exchange *x, struct span *out);

/* What a client is told whose credentials were wrong, in lower case; static. None begun: as
 * for a password. */
const char *exchange_wrong(const struct exchange *x);

/* Forgets the exchange, secrets wiped. */
void exchange_clear(struct exchange *x);

#endif
