/* cache.c - the contract is in cache.h. */
#include "auth/authd/cache.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

enum { WAYS = 4, SETS = CACHE_ENTRIES / WAYS };

struct entry {
	uint64_t ends_ms;    /* 0: free */
	uint8_t account[16]; /* a keyed hash too */
	struct cache_key key;
};

struct cache {
	uint8_t key[crypto_generichash_KEYBYTES];
	struct entry sets[SETS][WAYS];
};

int cache_new(struct cache **out, struct error *err)
{
	struct cache *c = sodium_malloc(sizeof(*c));

	*out = c;
	if (c == NULL)
		return error_set(err, -ENOMEM, "no memory for verified passwords");
	memset(c, 0, sizeof(*c));
	randombytes_buf(c->key, sizeof(c->key));
	return 0;
}

void cache_free(struct cache *c)
{
	sodium_free(c); /* wipes */
}

static void hash_account(const struct cache *c, const char *account, uint8_t out[16])
{
	crypto_generichash(out, 16, (const uint8_t *)account, strlen(account), c->key, sizeof(c->key));
}

/* Each part with the NUL that ends it: no two triples give the same bytes. */
void cache_key(const struct cache *c, struct cache_key *out, const char *account, const char *stored,
	       struct span password)
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, c->key, sizeof(c->key), sizeof(out->bytes));
	crypto_generichash_update(&st, (const uint8_t *)account, strlen(account) + 1);
	crypto_generichash_update(&st, (const uint8_t *)stored, strlen(stored) + 1);
	if (password.n > 0)
		crypto_generichash_update(&st, password.p, password.n);
	crypto_generichash_final(&st, out->bytes, sizeof(out->bytes));
	sodium_memzero(&st, sizeof(st));
}

static size_t set_of(const struct cache_key *key)
{
	return (key->bytes[0] | (size_t)key->bytes[1] << 8) % SETS;
}

static bool is_for(const struct entry *e, const struct cache_key *key)
{
	return sodium_memcmp(e->key.bytes, key->bytes, sizeof(key->bytes)) == 0;
}

bool cache_has(const struct cache *c, const struct cache_key *key, uint64_t now_ms)
{
	const struct entry *set = c->sets[set_of(key)];

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].ends_ms > now_ms && is_for(&set[i], key))
			return true;
	return false;
}

/* Takes the place of the same one, of a free one, or of that which ends first. */
void cache_put(struct cache *c, const struct cache_key *key, const char *account, uint64_t ends_ms)
{
	struct entry *set = c->sets[set_of(key)], *place = set;

	for (size_t i = 0; i < WAYS; i++) {
		if (is_for(&set[i], key)) {
			place = &set[i];
			break;
		}
		if (set[i].ends_ms < place->ends_ms)
			place = &set[i];
	}
	place->ends_ms = ends_ms;
	place->key = *key;
	hash_account(c, account, place->account);
}

void cache_forget(struct cache *c, const char *account)
{
	uint8_t key[16];

	hash_account(c, account, key);
	for (size_t i = 0; i < CACHE_ENTRIES; i++) {
		struct entry *e = &c->sets[i / WAYS][i % WAYS];

		if (memcmp(e->account, key, sizeof(key)) == 0)
			sodium_memzero(e, sizeof(*e));
	}
}

void cache_clear(struct cache *c)
{
	sodium_memzero(c->sets, sizeof(c->sets));
}
