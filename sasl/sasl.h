/*
 * sasl.h - SASL mechanisms as state machines, server side (RFC 4422).
 *
 * Pure. The caller does the base64 and the protocol's framing; a mechanism sees the
 * client's decoded answers and says what comes next.
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
	SASL_BAD		/* the client's answer is malformed: refuse, the exchange is over */
};

struct sasl_credentials {	/* lent until sasl_free */
	const char *mechanism;
	struct span authzid;	/* may be empty */
	struct span user;	/* EXTERNAL: empty, the certificate says who it is (RFC 4422 A) */
	struct span password;	/* EXTERNAL: empty */
};

/* The names of what is built in, the i-th, NULL behind the last: PLAIN, LOGIN, EXTERNAL. */
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

#endif
