/*
 * throttle.h - how many guesses an address has left.
 *
 * A bucket for each address: so many guesses, one more each step. A guess is taken before the password
 * is looked at and given back if it was right, so that many connections at once gain nothing. IPv6 counts by
 * /64, for that is what one person has, and by /48 with THROTTLE_SITE times as many, for that is
 * what one person can have.
 * Memory  THROTTLE_ADDRESSES buckets; where more are needed the fullest one gives way, and
 *         a full one is none at all.
 */
#ifndef AUTHD_THROTTLE_H
#define AUTHD_THROTTLE_H

#include "common/base/error.h"
#include "common/base/span.h"

enum { THROTTLE_SITE = 16, THROTTLE_ADDRESSES = 8192 };

struct throttle_limits {
	unsigned burst;		/* guesses at once, 1 at least */
	uint64_t step_ms;	/* one more after so long */
};

struct throttle;		/* opaque */

struct throttle_address {
	uint8_t bytes[16];	/* IPv6, IPv4 mapped; its first half alone if it is no IPv4 */
};

int throttle_new(struct throttle **out, struct error *err);
/* NULL is allowed. */
void throttle_free(struct throttle *t);

/* Reads "192.0.2.7", "192.0.2.7:50112", "2001:db8::1" or "[2001:db8::1]:50112"; plain gets the
 * address alone. False: it is none. */
bool throttle_parse(struct throttle_address *out, char plain[46], const char *peer);

/* "192.0.2.7", "2001:db8:1:2::/64" */
enum { THROTTLE_TEXT = 56 };
void throttle_text(const struct throttle_address *a, char out[THROTTLE_TEXT]);

/* No guess of it is missing. */
bool throttle_is_full(struct throttle *t, const struct throttle_address *a, uint64_t now_ms);
/* Takes one guess; false: none is left. */
bool throttle_take(struct throttle *t, const struct throttle_limits *l, const struct throttle_address *a, uint64_t now_ms);
/* Gives one back. */
void throttle_give(struct throttle *t, const struct throttle_limits *l, const struct throttle_address *a, uint64_t now_ms);

#endif
