/*
 * accounts_hash.h - passwords' hashes: our own, Argon2id as libsodium writes it, and those of crypt(3) that other servers
 * have, which hold until their owner logs in and are made anew then.
 *
 * Taken   $1$ $5$ $6$ $2a$ $2b$ $2y$ $y$, with or without Dovecot's name of the scheme in front ({SHA512-CRYPT}, {BLF-CRYPT},
 *         {CRYPT}...); and {ARGON2ID}. Not taken: what is no crypt(3) string ({SSHA}, {PLAIN}, {SCRAM-SHA-256}).
 * Bounds  A hash says itself what a login costs: what takes more rounds, passes or memory than the limits below is refused.
 * Pure. It makes and checks no hash.
 */
#ifndef AUTH_ACCOUNTS_HASH_H
#define AUTH_ACCOUNTS_HASH_H

#include "common/base/error.h"
#include "common/base/span.h"

enum {
	ACCOUNTS_HASH = 128,		/* a hash and its NUL */
	ACCOUNTS_HASH_ROUNDS = 1000000,	/* of $5$ and $6$ */
	ACCOUNTS_HASH_COST = 14,	/* of bcrypt: its logarithm */
	ACCOUNTS_HASH_KIB = 1 << 20,	/* of Argon2id; as HashMemory may be */
	ACCOUNTS_HASH_PASSES = 20	/* as HashPasses may be */
};

/* One of crypt(3)'s that is taken. */
bool accounts_hash_foreign(struct span hash);

/* What an administrator has of another server, as it is kept here. -EINVAL with words. */
int accounts_hash_take(const char *text, char out[ACCOUNTS_HASH], struct error *err);

#endif
