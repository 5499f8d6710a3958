/*
 * client.h - SASL mechanisms from the client's side (RFC 4422): PLAIN, LOGIN, SCRAM-SHA-256 (RFC
 * 5802, RFC 7677), EXTERNAL. Pure; the caller does base64 and framing.
 *
 * Names   User and password as they were given. SASLprep (RFC 4013) leaves ASCII as it is; what
 *         else there is must have been written in the form that the server keeps, which is NFC.
 * SCRAM   Without channel binding. The server must prove that it knows the password, and may ask for
 *         SCRAM_ITERATIONS_MIN to _MAX rounds: fewer make the password cheap to guess for
 *         who poses as the server; more would hold up the caller's loop (100,000 are 60 ms).
 * Memory  A wiping arena of 16 kB.
 */
#ifndef SASL_CLIENT_H
#define SASL_CLIENT_H

#include "common/base/error.h"
#include "common/base/span.h"

struct sasl_client;		/* opaque; one exchange */

enum sasl_client_status {
	SASL_CLIENT_ANSWER,	/* *out goes to the server */
	SASL_CLIENT_DONE,	/* nothing more to say; the server's verdict is due */
	SASL_CLIENT_BAD		/* the server's challenge is wrong, or it could not prove itself */
};

/* The first of ours (preferred, "SCRAM-SHA-256,PLAIN,LOGIN") that the server offers ("PLAIN
 * LOGIN"); empty: none. */
struct span sasl_client_choose(const char *preferred, struct span offered);

enum { SCRAM_ITERATIONS_MIN = 4096, SCRAM_ITERATIONS_MAX = 100000, SCRAM_NONCE_MIN = 15 };

/* nonce: random bytes of the caller's, SCRAM_NONCE_MIN at least, better 18. user may be empty for EXTERNAL.
 * All three are copied. -EINVAL: a mechanism that we don't know, or what it can't carry. */
int sasl_client_new(struct sasl_client **out, struct span mechanism, struct span user, struct span password,
		    struct span nonce, struct error *err);
void sasl_client_free(struct sasl_client *c);
/* The initial response; false: the mechanism waits for a challenge. A server that sends an empty
 * challenge all the same gets it by sasl_client_step, once. What is given holds until the free. */
bool sasl_client_initial(struct sasl_client *c, struct span *out);
enum sasl_client_status sasl_client_step(struct sasl_client *c, struct span challenge, struct span *out);
/* The server has said yes: may it be believed? SCRAM: only if it has proved itself. */
bool sasl_client_trusts(const struct sasl_client *c);

#endif
