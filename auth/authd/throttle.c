/* throttle.c - the contract is in throttle.h. */
#include "auth/authd/throttle.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

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

void throttle_text(const struct throttle_address *a, char out[THROTTLE_TEXT])
{
	bool four = memcmp(a->bytes, mapped, sizeof(mapped)) == 0;
	const void *from = four ? a->bytes + sizeof(mapped) : a->bytes;

	if (inet_ntop(four ? AF_INET : AF_INET6, from, out, THROTTLE_TEXT) == NULL)
		out[0] = '\0';
	if (!four)
		snprintf(out + strlen(out), THROTTLE_TEXT - strlen(out), "/64");
}

/* The /48 of an IPv6 address; false: it has none. Its last byte keeps it from being a /64. */
static bool site_of(const struct throttle_address *a, struct throttle_address *out)
{
	if (memcmp(a->bytes, mapped, sizeof(mapped)) == 0 || memcmp(a->bytes + 8, "\0\0\0\0\0\0\0", 8) != 0)
		return false;
	memset(out, 0, sizeof(*out));
	memcpy(out->bytes, a->bytes, 6);
	out->bytes[15] = 48;
	return true;
}

static bool take(struct throttle *t, const struct throttle_limits *l, const struct throttle_address *a, uint64_t now_ms)
{
	struct bucket *b = find(t, a, now_ms);

	if (b == NULL)
		b = make(t, a, now_ms);
	if (b->full_ms - now_ms > (l->burst - 1) * l->step_ms)
		return false;
	b->full_ms += l->step_ms;
	return true;
}

static void give(struct throttle *t, const struct throttle_limits *l, const struct throttle_address *a, uint64_t now_ms)
{
	struct bucket *b = find(t, a, now_ms);

	if (b != NULL)
		b->full_ms -= l->step_ms < b->full_ms ? l->step_ms : b->full_ms;
}

static struct throttle_limits of_site(const struct throttle_limits *l)
{
	return (struct throttle_limits){ l->burst * THROTTLE_SITE, l->step_ms / THROTTLE_SITE + 1 };
}

bool throttle_is_full(struct throttle *t, const struct throttle_address *a, uint64_t now_ms)
{
	return find(t, a, now_ms) == NULL;
}

bool throttle_take(struct throttle *t, const struct throttle_limits *l, const struct throttle_address *a, uint64_t now_ms)
{
	struct throttle_limits wide = of_site(l);
	struct throttle_address site;
	bool has_site = site_of(a, &site);

	if (has_site && !take(t, &wide, &site, now_ms))
		return false;
	if (take(t, l, a, now_ms))
		return true;
	if (has_site)
		give(t, &wide, &site, now_ms);
	return false;
}

void throttle_give(struct throttle *t, const struct throttle_limits *l, const struct throttle_address *a, uint64_t now_ms)
{
	struct throttle_limits wide = of_site(l);
	struct throttle_address site;

	give(t, l, a, now_ms);
	if (site_of(a, &site))
		give(t, &wide, &site, now_ms);
}
