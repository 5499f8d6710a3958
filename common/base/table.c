/* table.c - the contract is in table.h. */
#include "common/base/table.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	uint64_t hash;
	void *value;
	size_t n;
	uint8_t key[];
};

struct table {
	uint8_t secret[crypto_shorthash_KEYBYTES];
	size_t count;		/* entries alive */
	size_t filled;		/* slots that are not NULL */
	size_t slots;		/* a power of two */
	struct entry **slot;	/* NULL empty, &removed was used once */
};

static struct entry removed;

int table_new(struct table **out, struct error *err)
{
	struct table *t = calloc(1, sizeof(*t));

	*out = NULL;
	if (t == NULL)
		return error_set(err, -ENOMEM, "no memory for a table");
	t->slots = 16;
	t->slot = calloc(t->slots, sizeof(struct entry *));
	if (t->slot == NULL) {
		free(t);
		return error_set(err, -ENOMEM, "no memory for a table");
	}
	randombytes_buf(t->secret, sizeof(t->secret));
	*out = t;
	return 0;
}

void table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->slots; i++)
		if (t->slot[i] != &removed)
			free(t->slot[i]);
	free(t->slot);
	free(t);
}

static uint64_t table_hash(const struct table *t, struct span key)
{
	uint64_t h;

	crypto_shorthash((uint8_t *)&h, key.p, key.n, t->secret);
	return h;
}

static bool entry_is(const struct entry *e, uint64_t hash, struct span key)
{
	return e != &removed && e->hash == hash && span_equal((struct span){ e->key, e->n }, key);
}

static struct entry **table_find(const struct table *t, uint64_t hash, struct span key)
{
	for (size_t i = hash & (t->slots - 1); t->slot[i] != NULL; i = (i + 1) & (t->slots - 1))
		if (entry_is(t->slot[i], hash, key))
			return &t->slot[i];
	return NULL;
}

static void table_place(struct entry **slot, size_t slots, struct entry *e)
{
	size_t i = e->hash & (slots - 1);

	while (slot[i] != NULL)
		i = (i + 1) & (slots - 1);
	slot[i] = e;
}

static int table_grow(struct table *t)
{
	size_t slots = t->count * 4 > t->slots ? t->slots * 2 : t->slots;
	struct entry **slot = calloc(slots, sizeof(struct entry *));

	if (slot == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->slots; i++)
		if (t->slot[i] != NULL && t->slot[i] != &removed)
			table_place(slot, slots, t->slot[i]);
	free(t->slot);
	t->slot = slot;
	t->slots = slots;
	t->filled = t->count;
	return 0;
}

int table_put(struct table *t, struct span key, void *value)
{
	uint64_t hash = table_hash(t, key);
	struct entry **at = table_find(t, hash, key), *e;

	if (at != NULL) {
		(*at)->value = value;
		return 0;
	}
	if ((t->filled + 1) * 4 > t->slots * 3 && table_grow(t) < 0)
		return -ENOMEM;
	e = malloc(sizeof(*e) + key.n);
	if (e == NULL)
		return -ENOMEM;
	*e = (struct entry){ .hash = hash, .value = value, .n = key.n };
	memcpy(e->key, key.p, key.n);
	table_place(t->slot, t->slots, e);
	t->count++;
	t->filled++;
	return 0;
}

void *table_get(const struct table *t, struct span key)
{
	struct entry **at = table_find(t, table_hash(t, key), key);

	return at != NULL ? (*at)->value : NULL;
}

void *table_remove(struct table *t, struct span key)
{
	struct entry **at = table_find(t, table_hash(t, key), key);
	void *value;

	if (at == NULL)
		return NULL;
	value = (*at)->value;
	free(*at);
	*at = &removed;
	t->count--;
	return value;
}

size_t table_count(const struct table *t)
{
	return t->count;
}

bool table_next(const struct table *t, size_t *at, struct span *key, void **value)
{
	while (*at < t->slots && (t->slot[*at] == NULL || t->slot[*at] == &removed))
		(*at)++;
	if (*at >= t->slots)
		return false;
	if (key != NULL)
		*key = (struct span){ t->slot[*at]->key, t->slot[*at]->n };
	*value = t->slot[*at]->value;
	(*at)++;
	return true;
}
