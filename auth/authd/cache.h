/*
 * cache.h - which passwords were right a short while ago.
 *
 * Holds no password and nothing that could be turned back into one: a keyed hash (the key
 * is made at start and never leaves the process) over the account, its stored Argon2id
 * string and the password. So an entry is void once the password was changed, whatever else happens.
 * A wrong password is never kept.
 * Memory  CACHE_ENTRIES, locked where the system allows it, wiped at the end.
 */
#ifndef AUTHD_CACHE_H
#define AUTHD_CACHE_H

#include "common/base/error.h"
#include "common/base/span.h"

enum { CACHE_ENTRIES = 4096 };

struct cache;			/* opaque */

int cache_new(struct cache **out, struct error *err);
/* NULL is allowed. */
void cache_free(struct cache *c);

/* What an entry is found by: it can be kept instead of the password. */
struct cache_key {
	uint8_t bytes[32];
};
void cache_key(const struct cache *c, struct cache_key *out, const char *account, const char *stored,
	       struct span password);

/* Was this password right, not longer ago than it was to be remembered? */
bool cache_has(const struct cache *c, const struct cache_key *key, uint64_t now_ms);
void cache_put(struct cache *c, const struct cache_key *key, const char *account, uint64_t ends_ms);

/* What is known of the account; of all. */
void cache_forget(struct cache *c, const char *account);
void cache_clear(struct cache *c);

#endif
