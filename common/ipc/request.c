/* request.c - the contract is in request.h. */
#include "common/ipc/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/table.h"

struct requests {
	struct table *open; /* by number */
	uint64_t last;      /* the number given last */
	size_t max;
};

int requests_new(struct requests **out, size_t max, struct error *err)
{
	struct requests *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (r == NULL)
		return error_set(err, -ENOMEM, "no memory for a table of requests");
	r->max = max;
	if (table_new(&r->open, err) < 0) {
		free(r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

void requests_free(struct requests *r)
{
	if (r == NULL)
		return;
	table_free(r->open);
	free(r);
}

uint64_t request_add(struct requests *r, void *value)
{
	uint64_t number = r->last + 1;

	if (table_count(r->open) >= r->max || table_put(r->open, table_number(&number), value) < 0)
		return 0;
	return r->last = number;
}

void *request_take(struct requests *r, uint64_t number)
{
	return table_remove(r->open, table_number(&number));
}

void *request_peek(const struct requests *r, uint64_t number)
{
	return table_get(r->open, table_number(&number));
}

bool request_next(const struct requests *r, size_t *at, uint64_t *number, void **value)
{
	struct span key;

	if (!table_next(r->open, at, &key, value))
		return false;
	memcpy(number, key.p, sizeof(*number));
	return true;
}

size_t requests_count(const struct requests *r)
{
	return table_count(r->open);
}
