/*
 * sasl.h - SASL mechanisms as state machines, server side (RFC 4422).
 *
 * Pure. The caller does the base64 and the protocol's framing; a mechanism sees the
 * client's decoded answers and says what comes next.
 * SCRAM   (RFC 5802, RFC 7677) is verified twice: who has the keys gives by sasl_tell first the challenge,
 *         then with the verdict the last message, which the client hears before the verdict holds.
 *         Whether the channel is the one that -PLUS names is for the caller to see.
 * Memory  A wiping arena of 16 kB for each exchange.
 */
#ifndef SASL_SASL_H
#define SASL_SASL_H

#include "common/base/error.h"
#include "common/base/span.h"

struct sasl;			/* opaque; one exchange */

enum sasl_status {
	SASL_CHALLENGE,		/* *out goes to the client (may be empty), its answer to sasl_step */
	SASL_VERIFY,		/* sasl_credentials has what is to be checked */
	SASL_BAD,		/* the client's answer is malformed: refuse, the exchange is over */
	SASL_REFUSED,		/* well formed, but can't be: sasl_trouble says why; over */
	SASL_HEARD		/* SCRAM: the client has heard the last message: the verdict holds; over */
};

struct sasl_scram {		/* of the messages of RFC 5802 7; lent until sasl_free */
	struct span bare;	/* client-first-message-bare */
	struct span nonce;	/* the client's, of it */
	const char *binding;	/* "tls-exporter", "tls-server-end-point", "tls-unique"; "": none */
	struct span bound;	/* what the client takes the channel for; empty with proof */
	struct span final;	/* client-final-message-without-proof */
	struct span proof;	/* empty: the challenge is asked for */
};

struct sasl_credentials {	/* lent until sasl_free */
	const char *mechanism;
	struct span authzid;	/* may be empty */
	struct span user;	/* EXTERNAL: empty, the certificate says who it is (RFC 4422 A) */
	struct span password;	/* EXTERNAL, SCRAM: empty */
	const struct sasl_scram *scram;	/* NULL: another mechanism */
	struct sasl *exchange;	/* for sasl_tell; NULL: no mechanism, but a command */
};

/* The names of what is built in, the i-th, NULL behind the last: PLAIN, LOGIN, EXTERNAL,
 * SCRAM-SHA-256-PLUS, SCRAM-SHA-256, SCRAM-SHA-1-PLUS, SCRAM-SHA-1. */
const char *sasl_mechanism(size_t i);
bool sasl_known(struct span name);

/* list ("PLAIN,LOGIN", as the key Mechanisms and AuthWithoutTLS have it, "none" and ""
 * being empty) holds name; without regard to case. */
bool sasl_listed(const char *list, struct span name);

/* Begins an exchange. -ENOENT for an unknown mechanism. */
int sasl_new(struct sasl **out, struct span mechanism, struct error *err);
void sasl_free(struct sasl *s);

/* The first step has the initial response: initial.p NULL if the client sent none
 * (an empty one is not NULL). */
enum sasl_status sasl_start(struct sasl *s, struct span initial, struct span *out);
enum sasl_status sasl_step(struct sasl *s, struct span answer, struct span *out);
const struct sasl_credentials *sasl_credentials(const struct sasl *s);
/* -PLUS was offered: a client that says that it was not is refused (RFC 5802 6). */
void sasl_binding_offered(struct sasl *s);

/* SCRAM, after SASL_VERIFY: what the client is to hear; copied. sasl_told gives it, once; then comes the
 * client's answer. */
void sasl_tell(struct sasl *s, struct span words);
bool sasl_told(struct sasl *s, struct span *out);
/* Why it was refused; static. */
const char *sasl_trouble(const struct sasl *s);

#endif
