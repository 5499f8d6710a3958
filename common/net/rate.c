/* rate.c - the contract is in rate.h. */
#include "common/net/rate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "common/net/tally.h"

enum { NET_V4 = 4, NET_V6 = 8 }; /* bytes of an address that tell whose it is */

struct rate {
	uint64_t window_ms, began_ms;
	struct tally *now, *before;
};

int rate_new(struct rate **out, uint64_t window_ms, struct error *err)
{
	struct rate *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (r == NULL)
		return error_set(err, -ENOMEM, "no memory to count by address");
	r->window_ms = window_ms;
	if (tally_new(&r->now, err) < 0 || tally_new(&r->before, err) < 0) {
		rate_free(r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

void rate_free(struct rate *r)
{
	if (r == NULL)
		return;
	tally_free(r->now);
	tally_free(r->before);
	free(r);
}

/* The window that ran is the one before, and an empty one runs. Without memory for that the count just goes on. */
static void turn(struct rate *r)
{
	struct tally *fresh;

	if (tally_new(&fresh, NULL) < 0)
		return;
	tally_free(r->before);
	r->before = r->now;
	r->now = fresh;
}

static void move_on(struct rate *r, uint64_t now_ms)
{
	uint64_t windows = (now_ms - r->began_ms) / r->window_ms;

	if (windows == 0)
		return;
	turn(r);
	if (windows > 1)
		turn(r);
	r->began_ms += windows * r->window_ms;
}

static struct span key_of(const char *host, uint8_t address[16])
{
	if (inet_pton(AF_INET, host, address) == 1)
		return (struct span){ address, NET_V4 };
	if (inet_pton(AF_INET6, host, address) == 1)
		return (struct span){ address, NET_V6 };
	return span_of(host);
}

static bool is_over(const struct rate *r, struct span key, size_t max, uint64_t now_ms)
{
	uint64_t left_ms = r->window_ms - (now_ms - r->began_ms);

	return tally_count(r->now, key) + tally_count(r->before, key) * left_ms / r->window_ms >= max;
}

bool rate_is_over(struct rate *r, const char *host, size_t max, uint64_t now_ms)
{
	uint8_t address[16];

	if (max == 0)
		return false;
	move_on(r, now_ms);
	return is_over(r, key_of(host, address), max, now_ms);
}

bool rate_take(struct rate *r, const char *host, size_t max, uint64_t now_ms)
{
	uint8_t address[16];
	struct span key = key_of(host, address);

	if (max == 0)
		return true;
	if (rate_is_over(r, host, max, now_ms))
		return false;
	if (tally_keys(r->now) < RATE_KEYS || tally_count(r->now, key) > 0)
		tally_add(r->now, key, SIZE_MAX);
	return true;
}
