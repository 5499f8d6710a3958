/*
 * mechanism.h - what a mechanism is made of; for the files of sasl/ alone.
 */
#ifndef SASL_MECHANISM_H
#define SASL_MECHANISM_H

#include "common/base/arena.h"
#include "sasl/sasl.h"

/* Bytes. RFC 4616 2 asks that 255 of each be taken; a user is an address (RFC 5321
 * 4.5.3.1: 64 and 255 around the @). */
enum { SASL_MEMORY = 16384, SASL_USER_MAX = 320, SASL_PASSWORD_MAX = 4096 };

enum sasl_state {
	SASL_STATE_NEW,
	SASL_STATE_USER,	/* the next answer is a user name (LOGIN) */
	SASL_STATE_PASSWORD,	/* the next answer is the password (LOGIN) */
	SASL_STATE_MESSAGE,	/* the next answer holds everything (PLAIN, EXTERNAL), or is SCRAM's first */
	SASL_STATE_SALT,	/* SCRAM: who has the keys is asked for the challenge */
	SASL_STATE_FINAL,	/* SCRAM: the next answer is the client's last */
	SASL_STATE_VERDICT,	/* SCRAM: who has the keys is asked for the verdict */
	SASL_STATE_HEARD,	/* SCRAM: the client has our last message, and answers with an empty one */
	SASL_STATE_OVER
};

struct sasl_row {
	const char *name;
	enum sasl_status (*start)(struct sasl *s, struct span *out);	/* no initial response */
	enum sasl_status (*step)(struct sasl *s, struct span answer, struct span *out);
	enum sasl_state first;	/* what an initial response is the answer to */
	bool bound;		/* SCRAM: to the channel, -PLUS */
};

struct sasl {
	const struct sasl_row *row;
	struct arena *memory;	/* wiping */
	enum sasl_state state;
	struct sasl_credentials credentials;
	struct sasl_scram scram;
	struct span header;	/* SCRAM: gs2-header */
	struct span words;	/* SCRAM: what who has the keys wants the client to hear */
	bool binding_offered;
	const char *trouble;	/* of SASL_REFUSED; static */
};

enum sasl_status sasl_plain_start(struct sasl *s, struct span *out);
enum sasl_status sasl_plain_step(struct sasl *s, struct span answer, struct span *out);
enum sasl_status sasl_login_start(struct sasl *s, struct span *out);
enum sasl_status sasl_login_step(struct sasl *s, struct span answer, struct span *out);
enum sasl_status sasl_external_start(struct sasl *s, struct span *out);
enum sasl_status sasl_external_step(struct sasl *s, struct span answer, struct span *out);
enum sasl_status sasl_scram_start(struct sasl *s, struct span *out);
enum sasl_status sasl_scram_step(struct sasl *s, struct span answer, struct span *out);

/* Copies from into the exchange's memory as *to. False without room. */
bool sasl_keep(struct sasl *s, struct span from, struct span *to);

/* A user name that may be looked up: 1 to SASL_USER_MAX bytes of UTF-8 without NUL. */
bool sasl_user_fit(struct span user);

#endif
