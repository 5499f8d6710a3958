/* fake_lease.c - leases and reports. */
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/fake/fake_entry.h"

/* --- the calls ------------------------------------------------------------------ */

uint64_t fake_call_lease(struct store *s, const struct queue_want *want, queue_lease_done done, void *arg)
{
	struct fake_op *op = fake_op_new(FAKE_LEASE, NULL, arg);

	op->done.lease = done;
	op->want = (struct queue_want){ arena_copy(op->memory, want->domain), want->max };
	return fake_op_add((struct fake_store *)s, op);
}

void fake_call_queue_watch(struct store *base, queue_ready ready, void *arg)
{
	struct fake_store *s = (struct fake_store *)base;

	s->queue->ready = ready;
	s->queue->arg = arg;
	s->queue->armed = true;
	fake_wake(s);
}

uint64_t fake_call_report(struct store *s, const struct queue_report *r, const struct store_txid *txid,
			  store_done done, void *arg)
{
	struct fake_op *op = fake_op_new(FAKE_REPORT, NULL, arg);
	struct queue_outcome *outcomes = arena_array(op->memory, r->count + 1, sizeof(*outcomes));

	for (size_t i = 0; i < r->count; i++) {
		outcomes[i] = r->outcomes[i];
		outcomes[i].status = arena_copy(op->memory, r->outcomes[i].status);
		outcomes[i].words = arena_copy(op->memory, r->outcomes[i].words);
		outcomes[i].host = arena_copy(op->memory, r->outcomes[i].host);
	}
	op->done.plain = done;
	op->report = *r;
	op->report.id = arena_text(op->memory, span_of(r->id));
	op->report.outcomes = outcomes;
	op->stage = (struct fake_stage *)r->notice.stage;
	op->delivery = fake_copy_delivery(op->memory, &r->notice);
	op->txid = *txid;
	return fake_op_add((struct fake_store *)s, op);
}

/* --- leasing --------------------------------------------------------------------- */

struct choice {
	struct fake_entry *entry;
	struct fake_job *job;
	unsigned why;
};

static bool may_lease(const struct fake_job *j, struct span domain)
{
	if (domain.n > 0)
		return span_is_nocase(domain, j->domain->name);
	return j->domain->leased < j->domain->told.allowed;
}

/* A domain that had its turn longer ago goes first; in a domain what was due first. */
static bool is_before(const struct choice *a, const struct fake_job *j)
{
	if (a->job == NULL || a->job->domain != j->domain)
		return a->job == NULL || j->domain->turn < a->job->domain->turn;
	return j->due_s < a->job->due_s;
}

static struct choice choose(const struct fake_store *s, struct span domain)
{
	struct choice best = { NULL, NULL, 0 };

	for (struct fake_entry *e = s->queue->entries; e != NULL; e = e->next)
		for (size_t i = 0; i < e->job_count; i++) {
			unsigned why = fake_job_why(s, e, &e->jobs[i]);

			if (why != 0 && may_lease(&e->jobs[i], domain) && is_before(&best, &e->jobs[i]))
				best = (struct choice){ e, &e->jobs[i], why };
		}
	return best;
}

static struct queue_job describe(struct fake_queue *q, const struct choice *c, struct arena *memory)
{
	struct fake_entry *e = c->entry;
	struct queue_recipient *recipients = arena_array(memory, e->count, sizeof(*recipients));
	uint64_t flushed_ms = c->job->domain->flushed_ms;
	size_t count = 0;

	for (size_t i = 0; i < e->count; i++) {
		const struct fake_recipient *r = &e->recipients[i];

		if (r->remote.job == c->job->number && !r->remote.done)
			recipients[count++] =
			    (struct queue_recipient){ r->remote.number, r->remote.to };
	}
	c->job->lease = ++q->last_lease;
	c->job->domain->leased++;
	c->job->domain->turn = ++q->turns;
	return (struct queue_job){ .lease = c->job->lease,
				   .job = c->job->number,
				   .why = c->why,
				   .envelope = e->envelope,
				   .created_s = e->created_s,
				   .size = e->body->n,
				   .attempts = c->job->attempts,
				   .flushed_ms = flushed_ms != 0 ? clock_mono_ms() - flushed_ms + 1 : 0,
				   .domain = span_of(c->job->domain->name),
				   .sender = c->job->sender,
				   .route = c->job->route,
				   .recipients = recipients,
				   .count = count,
				   .fd = fake_body_fd(e->body) };
}

void fake_run_lease(struct fake_store *s, struct fake_op *op)
{
	struct queue_job jobs[QUEUE_JOBS];
	size_t count = 0;

	s->queue->armed = true;
	if (op->done.lease == NULL)
		return;
	while (count < op->want.max && count < QUEUE_JOBS) {
		struct choice c = choose(s, op->want.domain);

		if (c.job == NULL)
			break;
		jobs[count++] = describe(s->queue, &c, op->memory);
	}
	op->done.lease(op->arg, STORE_OK, jobs, count);
}

/* --- the hint ---------------------------------------------------------------------- */

bool fake_queue_hints(const struct fake_store *s)
{
	return s->queue->ready != NULL && s->queue->armed && choose(s, (struct span){ NULL, 0 }).job != NULL;
}

bool fake_queue_hint(struct fake_store *s)
{
	if (!fake_queue_hints(s))
		return false;
	s->queue->armed = false;
	s->queue->ready(s->queue->arg);
	return true;
}

/* --- reports ------------------------------------------------------------------------ */

static struct fake_recipient *recipient_of(struct fake_entry *e, uint32_t job, uint32_t number)
{
	if (number >= e->count || e->recipients[number].remote.job != job ||
	    e->recipients[number].remote.done)
		return NULL;
	return &e->recipients[number];
}

/* One outcome for each recipient that the job has left. */
static bool report_valid(struct fake_entry *e, const struct queue_report *r)
{
	size_t left = 0;

	for (size_t i = 0; i < e->count; i++)
		left += recipient_of(e, r->job, (uint32_t)i) != NULL;
	for (size_t i = 0; i < r->count; i++) {
		if (recipient_of(e, r->job, r->outcomes[i].recipient) == NULL)
			return false;
		for (size_t k = 0; k < i; k++)
			if (r->outcomes[k].recipient == r->outcomes[i].recipient)
				return false;
	}
	return r->count == left;
}

static void note_outcome(struct fake_entry *e, const struct queue_report *r, const struct queue_outcome *o)
{
	struct fake_remote *to = &recipient_of(e, r->job, o->recipient)->remote;

	to->reported = true;
	to->fate = o->fate;
	to->done = o->fate == QUEUE_DELIVERED || o->fate == QUEUE_FAILED;
	to->retry_s = o->fate == QUEUE_DEFERRED ? r->retry_s : 0;
	if (o->fate == QUEUE_UNTRIED)
		return;
	to->status = arena_copy(e->memory, o->status);
	to->words = arena_copy(e->memory, o->words);
	to->host = arena_copy(e->memory, o->host);
}

static void settle_job(struct fake_entry *e, struct fake_job *j, const struct queue_report *r)
{
	bool deferred = false;

	fake_job_release(j);
	j->noticed |= r->noticed;
	j->over = true;
	for (size_t i = 0; i < r->count; i++)
		deferred |= r->outcomes[i].fate == QUEUE_DEFERRED;
	for (size_t i = 0; i < e->count; i++)
		j->over &= recipient_of(e, j->number, (uint32_t)i) == NULL;
	if (!deferred)
		return;
	j->attempts++;
	j->due_s = r->retry_s;
}

static enum store_status report(struct fake_store *s, struct fake_op *op)
{
	struct fake_entry *e = fake_entry_find(s->queue, span_of(op->report.id));
	struct fake_job *j = e != NULL ? fake_job_find(e, op->report.job) : NULL;

	if (j == NULL)
		return STORE_NOT_FOUND;
	if (!report_valid(e, &op->report))
		return STORE_INVALID;
	if (op->stage != NULL) {
		enum store_status status;

		op->delivery.stage = &op->stage->base;
		status = fake_deliver_all(s, &op->delivery);
		if (status != STORE_OK)
			return status;
	}
	for (size_t i = 0; i < op->report.count; i++)
		note_outcome(e, &op->report, &op->report.outcomes[i]);
	settle_job(e, j, &op->report);
	return STORE_OK;
}

void fake_run_report(struct fake_store *s, struct fake_op *op)
{
	enum store_status status = STORE_OK;

	if (table_get(s->outcomes, fake_txid_key(op)) == NULL) {
		s->calls[FAKE_REPORT]++;
		status = report(s, op);
		if (status != STORE_OK) {
			fake_give_nothing(op, status, "the report can't be taken");
			return;
		}
		fake_keep_outcome(s, op, NULL, NULL, 0);
		fake_wake(s);
	}
	status = fake_ordered(&s->lose[FAKE_REPORT]);
	fake_give_nothing(op, status, status != STORE_OK ? "the answer is lost, as ordered" : "");
}
