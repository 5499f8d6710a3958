/* fake_queue.c - entries, jobs and domains; what tests ask of them. */
#include "tests/fake/fake_queue.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/clock.h"
#include "tests/fake/fake_entry.h"

static struct fake_queue *queue_at(const struct store *s)
{
	return ((const struct fake_store *)s)->queue;
}

struct fake_queue *fake_queue_new(void)
{
	struct fake_queue *q = fake_need(sizeof(*q));

	q->last_entry = &q->entries;
	return q;
}

void fake_queue_free(struct fake_queue *q)
{
	while (q->entries != NULL) {
		struct fake_entry *e = q->entries;

		q->entries = e->next;
		fake_body_drop(e->body);
		free(e->jobs);
		free(e->recipients);
		arena_free(e->memory);
		free(e);
	}
	while (q->domains != NULL) {
		struct fake_domain *d = q->domains;

		q->domains = d->next;
		free(d->words);
		free(d);
	}
	while (q->notes != NULL) {
		struct fake_kept_note *n = q->notes;

		q->notes = n->next;
		fake_body_drop(n->bytes);
		free(n->name);
		free(n);
	}
	free(q);
}

struct fake_domain *fake_domain_of(struct fake_queue *q, struct span name)
{
	char low[QUEUE_DOMAIN_MAX] = "";
	struct fake_domain *d;

	for (size_t i = 0; i < name.n && i + 1 < sizeof(low); i++)
		low[i] = (char)ascii_lower(name.p[i]);
	for (d = q->domains; d != NULL; d = d->next)
		if (strcmp(d->name, low) == 0)
			return d;
	d = fake_need(sizeof(*d));
	memcpy(d->name, low, sizeof(low));
	d->told = (struct queue_domain){ .domain = span_of(d->name), .allowed = 1 };
	d->next = q->domains;
	q->domains = d;
	return d;
}

struct fake_entry *fake_entry_find(struct fake_queue *q, struct span id)
{
	struct fake_entry *last = NULL; /* of that id: it may have been used before */

	for (struct fake_entry *e = q->entries; e != NULL; e = e->next)
		if (!e->gone && span_is(id, e->envelope.id))
			last = e;
	return last;
}

struct fake_job *fake_job_find(struct fake_entry *e, uint32_t number)
{
	return number < e->job_count && !e->jobs[number].over ? &e->jobs[number] : NULL;
}

unsigned fake_job_why(const struct fake_store *s, const struct fake_entry *e, const struct fake_job *j)
{
	const struct queue_times *t = &s->queue->times;
	int64_t now_s = fake_now_s(s), age_s = now_s - e->created_s;
	unsigned why = 0;

	if (e->gone || j->over || j->lease != 0)
		return 0;
	if (t->notice_s > 0 && age_s >= t->notice_s && !j->noticed)
		why |= QUEUE_NOTICE;
	if (t->lifetime_s > 0 && age_s >= t->lifetime_s)
		why |= QUEUE_EXPIRED;
	if (j->bounce)
		why |= QUEUE_BOUNCE;
	if (j->due_s <= now_s && j->domain->told.not_before_s <= now_s)
		why |= QUEUE_DUE;
	return why;
}

void fake_job_release(struct fake_job *j)
{
	if (j->lease != 0)
		j->domain->leased--;
	j->lease = 0;
}

/* --- a new entry -------------------------------------------------------------- */

static struct span domain_part(struct span address)
{
	for (size_t i = address.n; i > 0; i--)
		if (address.p[i - 1] == '@')
			return (struct span){ address.p + i, address.n - i };
	return address;
}

static bool is_plain(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (ascii_control(text.p[i]))
			return false;
	return true;
}

bool fake_queue_valid(const struct store_delivery *d)
{
	struct span id = span_of(d->envelope != NULL ? d->envelope->id : NULL);

	for (size_t i = 0; i < id.n; i++)
		if (!ascii_alnum(id.p[i]))
			return false;
	for (size_t i = 0; i < d->remote_count; i++) {
		const struct store_remote *r = &d->remotes[i];
		struct span domain = domain_part(r->address);

		if (domain.n == 0 || domain.n == r->address.n || !is_plain(r->address) ||
		    !is_plain(r->sender) || !is_plain(r->original) || !is_plain(r->orcpt))
			return false;
	}
	return id.n > 0 && id.n < STORE_ID_MAX;
}

bool fake_queue_has(const struct fake_store *s, const char *id)
{
	for (const struct fake_entry *e = s->queue->entries; e != NULL; e = e->next)
		for (size_t i = 0; i < e->job_count; i++)
			if (!e->gone && !e->jobs[i].over && strcmp(e->envelope.id, id) == 0)
				return true;
	return false;
}

/* The job that the recipient belongs to, made if there is none. */
static struct fake_job *job_for(struct fake_queue *q, struct fake_entry *e, const struct store_remote *to,
				int64_t now_s)
{
	struct fake_domain *domain = fake_domain_of(q, domain_part(to->address));
	struct fake_job *j;

	for (size_t i = 0; i < e->job_count; i++)
		if (e->jobs[i].domain == domain && span_equal(e->jobs[i].sender, to->sender))
			return &e->jobs[i];
	j = &e->jobs[e->job_count];
	*j = (struct fake_job){
		.number = (uint32_t)e->job_count++, .domain = domain, .sender = to->sender, .due_s = now_s
	};
	return j;
}

void fake_queue_add(struct fake_store *s, const struct store_delivery *d, struct fake_body *body)
{
	struct fake_entry *e = fake_need(sizeof(*e));
	struct store_delivery copy;
	struct error err;

	if (arena_new(&e->memory, SIZE_MAX / 2, ARENA_PLAIN, &err) < 0)
		abort();
	copy = fake_copy_delivery(e->memory, d);
	e->envelope = *copy.envelope;
	e->created_s = fake_now_s(s);
	e->body = body;
	body->refs++;
	e->count = copy.remote_count;
	e->jobs = fake_need(e->count * sizeof(*e->jobs));
	e->recipients = fake_need(e->count * sizeof(*e->recipients));
	for (size_t i = 0; i < e->count; i++)
		e->recipients[i].remote =
		    (struct fake_remote){ .to = copy.remotes[i],
					  .number = (uint32_t)i,
					  .job =
					      job_for(s->queue, e, &copy.remotes[i], e->created_s)->number };
	*s->queue->last_entry = e;
	s->queue->last_entry = &e->next;
	fake_wake(s);
}

/* --- what a test orders and asks ------------------------------------------------ */

size_t fake_store_remotes(const struct store *s)
{
	size_t count = 0;

	for (const struct fake_entry *e = queue_at(s)->entries; e != NULL; e = e->next)
		count += e->count;
	return count;
}

const struct fake_remote *fake_store_remote(struct store *s, size_t i)
{
	struct fake_queue *q = queue_at(s);

	for (const struct fake_entry *e = q->entries; e != NULL; e = e->next) {
		if (i < e->count) {
			q->lent = e->recipients[i].remote;
			q->lent.envelope = e->envelope;
			q->lent.body = (struct span){ e->body->bytes, e->body->n };
			q->lent.attempts = e->jobs[q->lent.job].attempts;
			return &q->lent;
		}
		i -= e->count;
	}
	return NULL;
}

void fake_queue_put(struct store *base, const char *id, const char *sender, const char *recipients,
		    const char *text, const struct store_envelope *envelope)
{
	struct store_envelope own = envelope != NULL ? *envelope : (struct store_envelope){ .id = id };
	struct store_remote remotes[64];
	struct store_delivery d = { .envelope = &own, .remotes = remotes };
	struct fake_body *body = fake_body_new(span_of(text));
	struct span rest = span_of(recipients);

	own.id = id;
	while (rest.n > 0 && d.remote_count < 64)
		remotes[d.remote_count++] = (struct store_remote){ .address = span_take_until(&rest, ' '),
								   .sender = span_of(sender) };
	fake_queue_add((struct fake_store *)base, &d, body);
	fake_body_drop(body);
}

bool fake_queue_delete(struct store *base, const char *id)
{
	struct fake_entry *e = fake_entry_find(queue_at(base), span_of(id));

	if (e == NULL)
		return false;
	for (size_t i = 0; i < e->job_count; i++)
		fake_job_release(&e->jobs[i]);
	e->gone = true;
	return true;
}

void fake_queue_bounce(struct store *base, const char *id)
{
	struct fake_entry *e = fake_entry_find(queue_at(base), span_of(id));

	for (size_t i = 0; e != NULL && i < e->job_count; i++)
		e->jobs[i].bounce = true;
	fake_wake((struct fake_store *)base);
}

void fake_queue_route(struct store *base, const char *id, const char *route)
{
	struct fake_entry *e = fake_entry_find(queue_at(base), span_of(id));

	for (size_t i = 0; e != NULL && i < e->job_count; i++) {
		e->jobs[i].route = arena_copy(e->memory, span_of(route));
		e->jobs[i].due_s = 0;
	}
	fake_wake((struct fake_store *)base);
}

void fake_queue_flush(struct store *base, const char *id)
{
	struct fake_entry *e = fake_entry_find(queue_at(base), span_of(id));

	for (size_t i = 0; e != NULL && i < e->job_count; i++)
		if (e->jobs[i].lease == 0) {
			e->jobs[i].due_s = 0;
			e->jobs[i].domain->told.not_before_s = 0;
			e->jobs[i].domain->flushed_ms = clock_mono_ms();
		}
	fake_wake((struct fake_store *)base);
}

void fake_queue_set_now(struct store *base, int64_t now_s)
{
	((struct fake_store *)base)->options.now_s = now_s;
	fake_wake((struct fake_store *)base);
}

size_t fake_queue_leases(const struct store *s)
{
	size_t count = 0;

	for (const struct fake_entry *e = queue_at(s)->entries; e != NULL; e = e->next)
		for (size_t i = 0; i < e->job_count; i++)
			count += e->jobs[i].lease != 0;
	return count;
}

void fake_queue_release(struct store *base, uint64_t lease)
{
	for (struct fake_entry *e = queue_at(base)->entries; e != NULL; e = e->next)
		for (size_t i = 0; i < e->job_count; i++)
			if (lease != 0 && e->jobs[i].lease == lease)
				fake_job_release(&e->jobs[i]);
	fake_wake((struct fake_store *)base);
}

void fake_queue_restart(struct store *base)
{
	struct fake_queue *q = queue_at(base);

	for (struct fake_entry *e = q->entries; e != NULL; e = e->next)
		for (size_t i = 0; i < e->job_count; i++)
			fake_job_release(&e->jobs[i]);
	for (struct fake_domain *d = q->domains; d != NULL; d = d->next) {
		d->is_told = false;
		d->told = (struct queue_domain){ .domain = span_of(d->name), .allowed = 1 };
	}
	fake_wake((struct fake_store *)base);
}
