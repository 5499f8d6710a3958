/* order.c - commits of an import, one behind the other; the contract is in commit.h. */
#include "storage/local/inner.h"

void order_join(struct commit *c, struct login *l)
{
	struct account *a = l->account;

	c->ordered = a;
	c->orderer = l;
	c->order = ++l->ordered;
	if (l->fallen > 0)
		commit_fail(c, STORE_TRY_LATER, "a change before it was not made");
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

static struct login *orderer(const struct commit *c)
{
	struct login *l = c->orderer != NULL ? c->steps[0].account->logins : NULL;

	while (l != NULL && l != c->orderer)
		l = l->next;
	return l;
}

bool order_fallen(const struct commit *c)
{
	const struct login *l = orderer(c);

	return l != NULL && l->fallen > 0 && c->order > l->fallen;
}

/* The caller may have sent more, before it hears of this. */
void order_fall(struct commit *c)
{
	struct login *l = orderer(c);

	if (l != NULL && (l->fallen == 0 || c->order < l->fallen))
		l->fallen = c->order;
	for (struct commit *b = c->behind; b != NULL; b = b->behind)
		if (b->orderer == c->orderer)
			commit_fail(b, STORE_TRY_LATER, "a change before it was not made: %s", c->words);
}

void order_leave(struct commit *c)
{
	struct account *a = c->ordered;
	struct commit *first;

	if (a == NULL)
		return;
	c->ordered = NULL;
	row_remove(a, c);
	first = a->row_first;
	if (first != NULL && first->parked) {
		first->parked = false;
		commit_prepared(first);
	}
}
