/* guesses.c - the contract is in guesses.h. */
#include "auth/authd/guesses.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 4, SETS = GUESSES_PAIRS / WAYS, DOUBLINGS = 40 };

struct tries {
	struct guess_pair pair;
	uint64_t ends_ms;	/* forgotten then; 0: free */
	uint64_t until_ms;	/* no guess before */
	uint64_t password;	/* the last one; 0: none */
	unsigned count;
	bool wrong;		/* the last one was */
};

struct guesses {
	uint8_t key[crypto_shorthash_siphashx24_KEYBYTES];
	struct tries sets[SETS][WAYS];
};

int guesses_new(struct guesses **out, struct error *err)
{
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return error_set(err, -ENOMEM, "no memory for wrong passwords by account");
	randombytes_buf((*out)->key, sizeof((*out)->key));
	return 0;
}

void guesses_free(struct guesses *g)
{
	free(g);
}

struct guess_pair guesses_pair(const struct guesses *g, const struct throttle_address *a, const char *name)
{
	uint8_t both[sizeof(a->bytes) + 512];
	size_t n = strnlen(name, 512);
	struct guess_pair out;

	memcpy(both, a->bytes, sizeof(a->bytes));
	memcpy(both + sizeof(a->bytes), name, n);
	crypto_shorthash_siphashx24(out.bytes, both, sizeof(a->bytes) + n, g->key);
	return out;
}

static struct tries *set_of(struct guesses *g, const struct guess_pair *p)
{
	uint64_t h;

	memcpy(&h, p->bytes, sizeof(h));
	return g->sets[h % SETS];
}

static struct tries *find(struct guesses *g, const struct guess_pair *p)
{
	struct tries *set = set_of(g, p);

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].ends_ms != 0 && memcmp(&set[i].pair, p, sizeof(*p)) == 0)
			return &set[i];
	return NULL;
}

static struct tries *make(struct guesses *g, const struct guess_pair *p)
{
	struct tries *set = set_of(g, p), *place = set;

	for (size_t i = 1; i < WAYS; i++)
		if (set[i].ends_ms < place->ends_ms)
			place = &set[i];
	*place = (struct tries){ .pair = *p };
	return place;
}

static uint64_t delay_behind(const struct guesses_limits *l, unsigned count)
{
	uint64_t delay = l->first_ms;

	if (count <= l->free)
		return 0;
	for (unsigned i = l->free + 1; i < count && i < DOUBLINGS && delay < l->most_ms; i++)
		delay *= 2;
	return delay < l->most_ms ? delay : l->most_ms;
}

enum guess guesses_take(struct guesses *g, const struct guesses_limits *l, const struct guess_pair *p, uint64_t password,
			uint64_t now_ms)
{
	struct tries *t = find(g, p);

	if (t == NULL || t->ends_ms <= now_ms) {
		if (t != NULL)
			*t = (struct tries){ .pair = *p };
		else
			t = make(g, p);
	}
	if (password != 0 && t->password == password)
		return t->wrong ? GUESS_STALE : GUESS_AGAIN;
	if (t->until_ms > now_ms)
		return GUESS_TOO_SOON;
	t->count++;
	t->until_ms = now_ms + delay_behind(l, t->count);
	t->ends_ms = t->until_ms + GUESSES_QUIET_MS;
	t->password = password;
	t->wrong = false;
	return GUESS_TAKEN;
}

void guesses_right(struct guesses *g, const struct guess_pair *p)
{
	struct tries *t = find(g, p);

	if (t != NULL)
		*t = (struct tries){ .ends_ms = 0 };
}

void guesses_wrong(struct guesses *g, const struct guess_pair *p, uint64_t password)
{
	struct tries *t = find(g, p);

	if (t != NULL && password != 0 && t->password == password)
		t->wrong = true;
}

void guesses_give(struct guesses *g, const struct guess_pair *p)
{
	struct tries *t = find(g, p);

	if (t == NULL)
		return;
	t->count -= t->count > 0;
	t->until_ms = 0;
	t->password = 0;
}
