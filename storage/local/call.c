/* call.c - the contract is in call.h. */
#include "storage/local/inner.h"

void *call_new(struct local *s, size_t size)
{
	struct call *c = local_alloc(size);

	c->s = s;
	return c;
}

uint64_t call_open(struct call *c, void *arg)
{
	struct local *s = c->s;
	struct call **bucket;

	c->arg = arg;
	c->number = ++s->last_call;
	bucket = &s->calls[c->number % CALL_BUCKETS];
	c->next = *bucket;
	*bucket = c;
	s->call_count++;
	return c->number;
}

static struct call **call_find(struct local *s, uint64_t number)
{
	struct call **at = &s->calls[number % CALL_BUCKETS];

	while (*at != NULL && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

bool call_close(struct call *c)
{
	struct call **at = call_find(c->s, c->number);

	if (c->number == 0 || *at == NULL)
		return false;
	*at = c->next;
	c->number = 0;
	c->s->call_count--;
	return !c->forgotten;
}

void call_cancel(struct local *s, uint64_t number)
{
	struct call *c = *call_find(s, number);

	if (c != NULL)
		c->forgotten = true;
}
