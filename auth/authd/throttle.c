/* throttle.c - the contract is in throttle.h. */
#include "auth/authd/throttle.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 4, SETS = THROTTLE_ADDRESSES / WAYS };

/* A bucket is kept as the time at which it will be full again: nothing has to tick. */
struct bucket {
	struct throttle_address address;
	uint64_t full_ms; /* 0: free */
};

struct throttle {
	uint8_t key[crypto_shorthash_KEYBYTES];
	struct bucket sets[SETS][WAYS];
};

int throttle_new(struct throttle **out, struct error *err)
{
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return error_set(err, -ENOMEM, "no memory for the addresses that log in");
	randombytes_buf((*out)->key, sizeof((*out)->key));
	return 0;
}

void throttle_free(struct throttle *t)
{
	free(t);
}

/* peer without brackets and port. False: it does not fit. */
static bool cut_port(char plain[46], const char *peer)
{
	const char *colon = strchr(peer, ':'), *end = peer + strlen(peer);

	if (*peer == '[') {
		peer++;
		end = strchr(peer, ']');
	} else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		end = colon;
	}
	if (end == NULL || end - peer >= 46)
		return false;
	memcpy(plain, peer, (size_t)(end - peer));
	plain[end - peer] = '\0';
	return true;
}

bool throttle_parse(struct throttle_address *out, char plain[46], const char *peer)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memset(out, 0, sizeof(*out));
	plain[0] = '\0';
	if (!cut_port(plain, peer))
		return false;
	if (inet_pton(AF_INET, plain, out->bytes + 12) == 1) {
		memcpy(out->bytes, mapped, sizeof(mapped));
		return true;
	}
	if (inet_pton(AF_INET6, plain, out->bytes) != 1)
		return false;
	if (memcmp(out->bytes, mapped, sizeof(mapped)) != 0)
		memset(out->bytes + 8, 0, 8);
	return true;
}

static struct bucket *set_of(struct throttle *t, const struct throttle_address *a)
{
	uint64_t h;

	crypto_shorthash((uint8_t *)&h, a->bytes, sizeof(a->bytes), t->key);
	return t->sets[h % SETS];
}

static struct bucket *find(struct throttle *t, const struct throttle_address *a, uint64_t now_ms)
{
	struct bucket *set = set_of(t, a);

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].full_ms > now_ms && memcmp(&set[i].address, a, sizeof(*a)) == 0)
			return &set[i];
	return NULL;
}

/* A bucket that is full, in the place of that which is full first. */
static struct bucket *make(struct throttle *t, const struct throttle_address *a, uint64_t now_ms)
{
	struct bucket *set = set_of(t, a), *place = set;

	for (size_t i = 1; i < WAYS; i++)
		if (set[i].full_ms < place->full_ms)
			place = &set[i];
	*place = (struct bucket){ .address = *a, .full_ms = now_ms };
	return place;
}

bool throttle_take(struct throttle *t, const struct throttle_address *a, uint64_t now_ms)
{
	struct bucket *b = find(t, a, now_ms);

	if (b == NULL)
		b = make(t, a, now_ms);
	if (b->full_ms - now_ms > (uint64_t)(THROTTLE_BURST - 1) * THROTTLE_STEP_MS)
		return false;
	b->full_ms += THROTTLE_STEP_MS;
	return true;
}

void throttle_give(struct throttle *t, const struct throttle_address *a, uint64_t now_ms)
{
	struct bucket *b = find(t, a, now_ms);

	if (b != NULL)
		b->full_ms -= THROTTLE_STEP_MS < b->full_ms ? THROTTLE_STEP_MS : b->full_ms;
}
