/* tally.c - the contract is in tally.h. */
#include "common/net/tally.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/table.h"

enum { KEY_MAX = 320 }; /* table.h's */

/* A count lies in the table in the place of a pointer: most keys need no more. */
struct tally {
	struct table *counts;
};

int tally_new(struct tally **out, struct error *err)
{
	struct tally *t = calloc(1, sizeof(*t));

	*out = NULL;
	if (t == NULL)
		return error_set(err, -ENOMEM, "no memory to count connections");
	if (table_new(&t->counts, err) < 0) {
		free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

void tally_free(struct tally *t)
{
	if (t == NULL)
		return;
	table_free(t->counts);
	free(t);
}

static uintptr_t count_of(const struct tally *t, struct span key)
{
	return (uintptr_t)table_get(t->counts, key);
}

bool tally_add(struct tally *t, struct span key, size_t max)
{
	uintptr_t n;

	if (key.n == 0 || key.n > KEY_MAX)
		return false;
	n = count_of(t, key);
	return n < max && table_put(t->counts, key, (void *)(n + 1)) == 0;
}

void tally_drop(struct tally *t, struct span key)
{
	uintptr_t n = count_of(t, key);

	if (n > 1)
		table_put(t->counts, key, (void *)(n - 1)); /* in place: it can't fail */
	else
		table_remove(t->counts, key);
}

size_t tally_count(const struct tally *t, struct span key)
{
	return key.n > 0 && key.n <= KEY_MAX ? count_of(t, key) : 0;
}

size_t tally_keys(const struct tally *t)
{
	return table_count(t->counts);
}
