/*
 * rate.h - how often something came from each address of late.
 *
 * No clock of its own. The count of the window that runs, and as much of the one before as is not over yet.
 * Keys    An IPv4 address, or the /64 that an IPv6 address is in: who has one has all of it.
 * Memory  RATE_KEYS addresses a window; those that come beyond them are not counted.
 */
#ifndef NET_RATE_H
#define NET_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

enum { RATE_KEYS = 100000 };

struct rate; /* opaque */

int rate_new(struct rate **out, uint64_t window_ms, struct error *err);
void rate_free(struct rate *r);

/* One more from host ("192.0.2.7", "2001:db8::1"), unless it has had max in the window. False: it has. max 0: no
 * limit, and nothing is counted. */
bool rate_take(struct rate *r, const char *host, size_t max, uint64_t now_ms);

/* It has had max; nothing is counted. */
bool rate_is_over(struct rate *r, const char *host, size_t max, uint64_t now_ms);

#endif
