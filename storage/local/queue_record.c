/* queue_record.c - the contract is in queue_record.h. */
#include "storage/local/queue_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "storage/local/record.h"

enum { RECORD_VERSION = 1, NOTIFY_ALL = 15 };

/* --- names ------------------------------------------------------------------ */

bool queue_id_valid(struct span id)
{
	if (id.n == 0 || id.n >= STORE_ID_MAX)
		return false;
	for (size_t i = 0; i < id.n; i++)
		if (!ascii_alnum(id.p[i]))
			return false;
	return true;
}

bool queue_plain(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (ascii_control(text.p[i]))
			return false;
	return true;
}

bool queue_domain_of(struct span address, char out[QUEUE_DOMAIN_MAX])
{
	size_t at = address.n;

	while (at > 0 && address.p[at - 1] != '@')
		at--;
	if (at < 2 || at == address.n || address.n - at >= QUEUE_DOMAIN_MAX)
		return false;
	for (size_t i = at; i < address.n; i++) {
		if (address.p[i] <= ' ' || address.p[i] == 0x7f)
			return false;
		out[i - at] = (char)ascii_lower(address.p[i]);
	}
	out[address.n - at] = '\0';
	return true;
}

/* --- tries ------------------------------------------------------------------ */

struct sorting {
	struct queue_to to;
	struct span domain;
};

static int span_order(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

static int sorting_order(const void *a, const void *b)
{
	const struct sorting *x = a, *y = b;
	int c = span_order(x->domain, y->domain);

	if (c == 0)
		c = span_order(x->to.r.to.sender, y->to.r.to.sender);
	return c != 0 ? c : (x->to.r.number > y->to.r.number) - (x->to.r.number < y->to.r.number);
}

static int sorting_fill(struct sorting *s, const struct queue_to *to, struct arena *memory)
{
	char domain[QUEUE_DOMAIN_MAX];

	if (!queue_domain_of(to->r.to.address, domain))
		return -EINVAL;
	s->to = *to;
	s->domain = arena_copy(memory, span_of(domain));
	return s->domain.p != NULL ? 0 : -ENOMEM;
}

int queue_letter_group(struct queue_letter *l, struct arena *memory)
{
	struct sorting *s = arena_array(memory, l->count + 1, sizeof(*s));
	int r = 0;

	l->tries = arena_array(memory, l->count + 1, sizeof(*l->tries));
	if (s == NULL || l->tries == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < l->count && r == 0; i++)
		r = sorting_fill(&s[i], &l->to[i], memory);
	if (r < 0)
		return r;
	if (l->count > 1)
		qsort(s, l->count, sizeof(*s), sorting_order);
	l->head.tries = 0;
	for (size_t i = 0; i < l->count; i++) {
		struct queue_try *t = &l->tries[l->head.tries];

		if (i == 0 || !span_equal(s[i].domain, t[-1].domain) ||
		    !span_equal(s[i].to.r.to.sender, t[-1].sender))
			*t = (struct queue_try){ .number = l->head.tries++,
						 .first = i,
						 .due_s = l->head.created_s,
						 .domain = s[i].domain,
						 .sender = s[i].to.r.to.sender };
		l->tries[l->head.tries - 1].count++;
		l->to[i] = s[i].to;
	}
	return 0;
}

/* --- records ---------------------------------------------------------------- */

static void put_to(struct buf *out, const struct queue_to *to)
{
	value_put(out, to->r.number);
	value_put(out, to->r.to.notify);
	value_put_span(out, to->r.to.address);
	value_put_span(out, to->r.to.original);
	value_put_span(out, to->r.to.orcpt);
	value_put_span(out, to->status);
	value_put_span(out, to->words);
	value_put_span(out, to->host);
}

static bool take_to(struct span *in, struct queue_to *to)
{
	uint64_t number, notify;

	*to = (struct queue_to){ 0 };
	if (!value_take(in, STORE_RECIPIENTS, &number) || !value_take(in, NOTIFY_ALL, &notify) ||
	    !value_take_span(in, &to->r.to.address) || !value_take_span(in, &to->r.to.original) ||
	    !value_take_span(in, &to->r.to.orcpt) || !value_take_span(in, &to->status) ||
	    !value_take_span(in, &to->words) || !value_take_span(in, &to->host))
		return false;
	to->r.number = (uint32_t)number;
	to->r.to.notify = (unsigned)notify;
	return to->r.to.address.n > 0;
}

void queue_record_encode(struct buf *out, const struct queue_head *h, const struct queue_try *t,
			 const struct queue_to *to)
{
	value_put(out, RECORD_VERSION);
	value_put(out, h->tries);
	value_put(out, (uint64_t)h->created_s);
	value_put(out, h->size);
	value_put(out, h->envelope.flags);
	value_put_span(out, h->envelope.account);
	value_put_span(out, h->envelope.envid);
	value_put_span(out, h->envelope.message_id);
	value_put(out, t->number);
	value_put(out, t->bits);
	value_put(out, t->attempts);
	value_put(out, (uint64_t)t->due_s);
	value_put(out, (uint64_t)t->tried_s);
	value_put_span(out, t->sender);
	value_put_span(out, t->domain);
	value_put_span(out, t->route);
	value_put(out, t->count);
	for (size_t i = 0; i < t->count; i++)
		put_to(out, &to[i]);
}

static bool take_head(struct span *in, struct queue_head *h)
{
	uint64_t version, tries, created, flags;

	if (!value_take(in, RECORD_VERSION, &version) || version != RECORD_VERSION ||
	    !value_take(in, STORE_RECIPIENTS, &tries) || !value_take(in, INT64_MAX, &created) ||
	    !value_take(in, UINT64_MAX, &h->size) || !value_take(in, STORE_MAIL_FLAGS, &flags) ||
	    !value_take_span(in, &h->envelope.account) || !value_take_span(in, &h->envelope.envid) ||
	    !value_take_span(in, &h->envelope.message_id))
		return false;
	h->tries = (uint32_t)tries;
	h->created_s = (int64_t)created;
	h->envelope.flags = (unsigned)flags;
	return true;
}

static bool take_try(struct span *in, struct queue_try *t)
{
	uint64_t number, bits, attempts, due, tried, count;

	if (!value_take(in, STORE_RECIPIENTS, &number) || !value_take(in, 2 * QUEUE_BIT_ASIDE - 1, &bits) ||
	    !value_take(in, UINT32_MAX, &attempts) || !value_take(in, INT64_MAX, &due) ||
	    !value_take(in, INT64_MAX, &tried) || !value_take_span(in, &t->sender) ||
	    !value_take_span(in, &t->domain) || !value_take_span(in, &t->route) ||
	    !value_take(in, STORE_RECIPIENTS, &count))
		return false;
	t->number = (uint32_t)number;
	t->bits = (unsigned)bits;
	t->attempts = (uint32_t)attempts;
	t->due_s = (int64_t)due;
	t->tried_s = (int64_t)tried;
	t->count = (size_t)count;
	return t->domain.n < QUEUE_DOMAIN_MAX;
}

bool queue_record_decode(struct span value, struct queue_record *r)
{
	struct span rest;
	struct queue_to to;

	*r = (struct queue_record){ .rest = { NULL, 0 } };
	if (!take_head(&value, &r->head) || !take_try(&value, &r->try))
		return false;
	r->rest = rest = value;
	for (size_t i = 0; i < r->try.count; i++)
		if (!take_to(&rest, &to))
			return false;
	if (r->try.bits & QUEUE_BIT_ASIDE)
		return rest.n == 0;
	return rest.n == 0 && r->try.count > 0 && r->try.number < r->head.tries && r->try.domain.n > 0;
}

void queue_record_next(struct queue_record *r, struct queue_to *to)
{
	take_to(&r->rest, to);
	to->r.to.sender = r->try.sender;
}
