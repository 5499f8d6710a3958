/*
 * queue_report.c - what came of a job, and what its sender is told: one commit.
 *
 * The job is busy from the call on, so that it is not leased once more while its report is on its
 * way to the disk.
 */
#include <errno.h>
#include <string.h>

#include "storage/local/queue.h"
#include "storage/local/queue_text.h"
#include "storage/local/request.h"

/* --- the call ----------------------------------------------------------------- */

static struct queue_slot *report_slot(const struct queue *q, const struct queue_outcomes *o)
{
	struct queue_entry *e = queue_find(q, o->id);

	return e != NULL ? queue_slot_at(e, o->job) : NULL;
}

static struct span cut(struct arena *memory, struct span in, size_t max)
{
	if (in.n > max)
		in.n = max;
	return in.n > 0 ? arena_copy(memory, in) : (struct span){ NULL, 0 };
}

static void copy_outcome(struct arena *memory, const struct queue_outcome *from, struct queue_outcome *to)
{
	*to = *from;
	to->status = cut(memory, from->status, QUEUE_STATUS_MAX - 1);
	to->words = cut(memory, from->words, QUEUE_WORDS_MAX - 1);
	to->host = cut(memory, from->host, QUEUE_HOST_MAX);
}

static bool report_valid(const struct queue_report *r)
{
	if (r->id == NULL || !queue_id_valid(span_of(r->id)) || r->count > STORE_RECIPIENTS || r->retry_s < 0)
		return false;
	for (size_t i = 0; i < r->count; i++)
		if ((unsigned)r->outcomes[i].fate > QUEUE_UNTRIED)
			return false;
	return true;
}

static void report_fill(struct commit *c, const struct queue_report *r)
{
	struct queue_outcomes *o = arena_alloc(c->arena, sizeof(*o));

	if (c->queue == NULL)
		c->queue = arena_alloc(c->arena, sizeof(*c->queue));
	if (o != NULL)
		o->at = arena_array(c->arena, r->count + 1, sizeof(*o->at));
	if (c->queue == NULL || o == NULL || o->at == NULL) {
		commit_fail(c, STORE_TRY_LATER, "no memory");
		return;
	}
	memcpy(o->id, r->id, strlen(r->id) + 1);
	o->job = r->job;
	o->count = r->count;
	o->retry_s = r->retry_s;
	o->noticed = r->noticed;
	for (size_t i = 0; i < r->count; i++)
		copy_outcome(c->arena, &r->outcomes[i], &o->at[i]);
	buf_init(&o->lines, 1024 * 1024);
	c->queue->report = o;
}

static void report_busy(struct commit *c)
{
	struct queue_outcomes *o = c->queue->report;
	struct queue *q = c->call.s->queue;
	struct queue_slot *slot = report_slot(q, o);

	if (slot == NULL || slot->busy == UINT8_MAX)
		return;
	queue_slot_busy(q, slot);
	o->busy = true;
}

uint64_t queue_report_start(struct store *base, const struct queue_report *r, const struct store_txid *txid,
			    store_done done, void *arg)
{
	struct commit *c = request_new(local_of(base), &r->notice, txid, done);

	if (!report_valid(r))
		commit_fail(c, STORE_INVALID, "a report that can't be");
	else if (c->status == STORE_OK)
		report_fill(c, r);
	if (c->status == STORE_OK)
		report_busy(c);
	commit_start(c);
	return call_open(&c->call, arg);
}

/* --- in the transaction -------------------------------------------------------- */

static const struct queue_outcome *outcome_of(const struct queue_outcomes *o, uint32_t number)
{
	for (size_t i = 0; i < o->count; i++)
		if (o->at[i].recipient == number)
			return &o->at[i];
	return NULL;
}

/* True: the recipient waits on. */
static bool report_one(struct queue_outcomes *o, struct queue_to *to)
{
	const struct queue_outcome *one = outcome_of(o, to->r.number);

	if (one == NULL || one->fate == QUEUE_UNTRIED)
		return true;
	o->changed = true;
	if (one->fate != QUEUE_DEFERRED) {
		queue_text_done(&o->lines, to->r.number);
		return false;
	}
	o->deferred = true;
	to->status = one->status;
	to->words = one->words;
	to->host = one->host;
	return true;
}

/* What is left of the recipients, in memory of the arena. */
static struct queue_to *report_recipients(struct commit *c, struct queue_record *record)
{
	struct queue_outcomes *o = c->queue->report;
	struct queue_to *to = arena_array(c->arena, record->try.count + 1, sizeof(*to));

	o->left = 0;
	o->deferred = false;
	o->changed = o->noticed;
	buf_reset(&o->lines);
	for (size_t i = 0; i < record->try.count && to != NULL; i++) {
		queue_record_next(record, &to[o->left]);
		o->left += report_one(o, &to[o->left]);
	}
	return to;
}

static void report_try(struct queue_outcomes *o, struct queue_try *t)
{
	t->count = o->left;
	if (o->deferred) {
		t->attempts++;
		t->due_s = o->retry_s;
		t->tried_s = queue_now_s();
		queue_text_later(&o->lines, t->number, t->attempts, t->due_s);
	}
	if (o->noticed) {
		t->bits |= QUEUE_BIT_NOTICED;
		queue_text_mark(&o->lines, t->number, "noticed");
	}
	o->attempts = t->attempts;
	o->due_s = t->due_s;
}

static int report_put(struct local *s, const struct key *k, const struct queue_record *record,
		      const struct queue_to *to)
{
	struct buf value;
	int r;

	/* Not local_value: what is encoded lends from the value that was read. */
	buf_init(&value, QUEUE_FILE_MAX);
	queue_record_encode(&value, &record->head, &record->try, to);
	r = value.failed ? -ENOMEM : kv_put(s->kv, key_span(k), buf_span(&value));
	buf_clear(&value);
	return r;
}

int queue_report_apply(struct commit *c)
{
	struct queue_outcomes *o = c->queue->report;
	struct local *s = c->call.s;
	struct queue_record record;
	struct queue_to *to;
	struct span value;
	struct key k;
	int r;

	key_queue(&k, span_of(o->id), o->job);
	r = kv_get(s->kv, key_span(&k), &value);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == -ENOENT || !queue_record_decode(value, &record) || (record.try.bits & QUEUE_BIT_ASIDE)) {
		commit_fail(c, STORE_NOT_FOUND, "this job waits no more");
		return -ECANCELED;
	}
	to = report_recipients(c, &record);
	if (to == NULL || o->lines.failed)
		return -ENOMEM;
	if (o->left == 0)
		return kv_del(s->kv, key_span(&k));
	report_try(o, &record.try);
	return o->changed ? report_put(s, &k, &record, to) : 0;
}

/* --- the end -------------------------------------------------------------------- */

static void report_take(struct queue *q, struct queue_outcomes *o, struct queue_slot *slot)
{
	struct queue_chores *chores = queue_chores_new(q->s);

	if (o->left == 0 && queue_slot_end(q, slot)) {
		queue_chore_unlink(chores, o->id);
	} else {
		queue_chore_append(chores, o->id, buf_span(&o->lines));
		if (o->left > 0) {
			q->recipients -= slot->recipients - o->left;
			slot->recipients = (uint16_t)o->left;
			if (o->noticed)
				queue_slot_bits(q, slot, slot->bits | QUEUE_BIT_NOTICED);
			if (o->deferred)
				queue_slot_due(q, slot, o->due_s);
			if (slot->lease != 0)
				queue_slot_unlease(q, slot);
			/* What was tried in vain is not urgent before it is due. */
			queue_slot_place(q, slot, o->deferred ? o->due_s : 0);
		}
	}
	queue_chores_run(chores);
}

void queue_report_end(struct commit *c, bool done)
{
	struct queue_outcomes *o = c->queue->report;
	struct queue *q = c->call.s->queue;
	struct queue_slot *slot = report_slot(q, o);

	if (slot != NULL && o->busy && slot->busy > 0) {
		slot->busy--;
		if (!done)
			queue_slot_place(q, slot, 0);
	}
	if (slot != NULL && done)
		report_take(q, o, slot);
	buf_clear(&o->lines);
}
