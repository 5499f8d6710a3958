/*
 * race.h - the first of several addresses that lets us connect (RFC 8305 5).
 *
 * The second begins lead_ms after the first, or at once when that has failed; and so on.
 */
#ifndef NET_RACE_H
#define NET_RACE_H

#include <uv.h>

#include "common/base/error.h"
#include "common/net/address.h"

struct race; /* opaque */

struct race_options {
	const struct address *addresses; /* in the order in which they begin; with their ports */
	size_t count;
	uint64_t lead_ms, connect_ms;	     /* connect_ms: for each */
	const struct address *bind4, *bind6; /* NULL: the kernel's choice */
};

/* fd is the callee's (non-blocking), index its address; or -1, and words for each: "192.0.2.7:25 Connection
 * refused, [2001:db8::1]:25 timed out". Called once, never by race_new; race_free may be called in it. */
typedef void (*race_done)(void *arg, int fd, size_t index, const char *words);

/* Options are copied. */
int race_new(struct race **out, uv_loop_t *loop, const struct race_options *o, race_done done, void *arg,
	     struct error *err);
/* Closes all that has not won. NULL is allowed. */
void race_free(struct race *r);

#endif
