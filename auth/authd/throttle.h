/*
 * throttle.h - how many guesses an address has left.
 *
 * A bucket for each address: THROTTLE_BURST guesses, one more each THROTTLE_STEP_MS. A
 * guess is taken before the password is looked at and given back if it was right, so that
 * many connections at once gain nothing. IPv6 counts by /64, for that is what one person has.
 * Memory  THROTTLE_ADDRESSES buckets; where more are needed the fullest one gives way, and
 *         a full one is none at all.
 */
#ifndef AUTHD_THROTTLE_H
#define AUTHD_THROTTLE_H

#include "common/base/error.h"
#include "common/base/span.h"

enum { THROTTLE_BURST = 50, THROTTLE_STEP_MS = 6000, THROTTLE_ADDRESSES = 8192 };

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

/* Takes one guess; false: none is left. */
bool throttle_take(struct throttle *t, const struct throttle_address *a, uint64_t now_ms);
/* Gives one back. */
void throttle_give(struct throttle *t, const struct throttle_address *a, uint64_t now_ms);

#endif
