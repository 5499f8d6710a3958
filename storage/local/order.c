/* order.c - commits of an import, one behind the other; the contract is in commit.h. */
#include "storage/local/inner.h"

void order_join(struct commit *c, struct account *a)
{
	c->ordered = a;
	if (a->row_first == NULL)
		a->row_first = c;
	else
		a->row_last->behind = c;
	a->row_last = c;
}

bool order_first(struct commit *c)
{
	c->parked = c->ordered != NULL && c->ordered->row_first != c;
	return !c->parked;
}

static void row_remove(struct account *a, struct commit *c)
{
	struct commit **at = &a->row_first, *before = NULL;

	while (*at != c) {
		before = *at;
		at = &before->behind;
	}
	*at = c->behind;
	if (a->row_last == c)
		a->row_last = before;
	c->behind = NULL;
}

void order_leave(struct commit *c)
{
	struct account *a = c->ordered;
	struct commit *first;

	if (a == NULL)
		return;
	for (struct commit *b = c->behind; b != NULL && c->status != STORE_OK; b = b->behind)
		commit_fail(b, STORE_TRY_LATER, "the change before it was not made: %s", c->words);
	c->ordered = NULL;
	row_remove(a, c);
	first = a->row_first;
	if (first != NULL && first->parked) {
		first->parked = false;
		commit_prepared(first);
	}
}
