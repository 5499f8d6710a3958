/*
 * client.h - SASL mechanisms from the client's side (RFC 4422): PLAIN, LOGIN, SCRAM-SHA-256 (RFC
 * 5802, RFC 7677), EXTERNAL. Pure; the caller does base64 and framing.
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

/* nonce: random bytes, at least 18, of the caller's. user may be empty for EXTERNAL. */
int sasl_client_new(struct sasl_client **out, struct span mechanism, struct span user, struct span password,
		    struct span nonce, struct error *err);
void sasl_client_free(struct sasl_client *c);
/* The initial response; false: the mechanism waits for a challenge. */
bool sasl_client_initial(struct sasl_client *c, struct span *out);
enum sasl_client_status sasl_client_step(struct sasl_client *c, struct span challenge, struct span *out);
/* The server has said yes: may it be believed? SCRAM: only if it has proved itself. */
bool sasl_client_trusts(const struct sasl_client *c);

#endif
