/*
 * guesses.h - what one address has tried at one account: growing delays between wrong passwords.
 *
 * Shape   A guess is taken before the password is looked at; what came of it is told by _right, _wrong or _give. The
 *         first few are free; behind each further one nothing is taken for a while that doubles up to a limit. The
 *         password that was tried last is no guess: many connections of a program that has the right one cost one guess,
 *         and one that goes on with an old password is told so without a hash, and delays nobody. An hour
 *         without a guess, and the right one, forget all.
 * Pairs   Of (address, name), whether there is such an account or not: a keyed hash of both. So who guesses from
 *         elsewhere costs the owner nothing.
 * Memory  GUESSES_PAIRS; where more are needed that gives way which would be forgotten first.
 */
#ifndef AUTHD_GUESSES_H
#define AUTHD_GUESSES_H

#include "auth/authd/throttle.h"

enum { GUESSES_PAIRS = 16384, GUESSES_QUIET_MS = 3600 * 1000 };

struct guesses;			/* opaque */

struct guesses_limits {
	unsigned free;		/* without a delay */
	uint64_t first_ms, most_ms;
};

struct guess_pair {
	uint8_t bytes[16];
};

enum guess {
	GUESS_TAKEN,
	GUESS_AGAIN,		/* the same password as last time: no new guess */
	GUESS_STALE,		/* the same one, and it was wrong */
	GUESS_TOO_SOON
};

int guesses_new(struct guesses **out, struct error *err);
/* NULL is allowed. */
void guesses_free(struct guesses *g);

/* name: of an account, or what was sent in its place. */
struct guess_pair guesses_pair(const struct guesses *g, const struct throttle_address *a, const char *name);

/* password: a keyed hash that stands for it; 0: not known (SCRAM), never the same. */
enum guess guesses_take(struct guesses *g, const struct guesses_limits *l, const struct guess_pair *p, uint64_t password,
			uint64_t now_ms);
void guesses_right(struct guesses *g, const struct guess_pair *p);
void guesses_wrong(struct guesses *g, const struct guess_pair *p, uint64_t password);
/* It was not looked at. */
void guesses_give(struct guesses *g, const struct guess_pair *p);

#endif
