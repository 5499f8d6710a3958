/*
 * queue_dest.c - domains: whose turn it is, and which job is next; the contract is in queue.h.
 *
 * A domain that may be given out stands in the ring; any other stands in the heap of those that
 * are looked at again at some time, or in neither while all that it is allowed is leased.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "storage/local/queue.h"

enum {
	DEST_LINGER_S = 600, /* a domain is remembered so long behind its last job */
	DEST_ALLOWED = 1     /* until deliverd says something else */
};

struct queue_dest *queue_dest_find(const struct queue *q, struct span domain)
{
	return domain.n > 0 && domain.n < QUEUE_DOMAIN_MAX ? table_get(q->dests, domain) : NULL;
}

struct queue_dest *queue_dest_get(struct queue *q, struct span domain)
{
	struct queue_dest *d = queue_dest_find(q, domain);

	if (d != NULL)
		return d;
	d = local_alloc(sizeof(*d) + domain.n + 1);
	memcpy(d->name, domain.p, domain.n);
	d->allowed = DEST_ALLOWED;
	heap_node_init(&d->wake, QUEUE_NEVER);
	if (table_put(q->dests, domain, d) < 0)
		local_die("the queue can't be kept", -ENOMEM);
	return d;
}

/* --- the ring --------------------------------------------------------------- */

static void ring_remove(struct queue *q, struct queue_dest *d)
{
	if (!d->ready)
		return;
	if (d->before != NULL)
		d->before->next = d->next;
	else
		q->ready_first = d->next;
	if (d->next != NULL)
		d->next->before = d->before;
	else
		q->ready_last = d->before;
	d->ready = false;
}

static void ring_add(struct queue *q, struct queue_dest *d)
{
	if (d->ready)
		return;
	d->ready = true;
	d->next = NULL;
	d->before = q->ready_last;
	if (q->ready_last != NULL)
		q->ready_last->next = d;
	else
		q->ready_first = d;
	q->ready_last = d;
}

void queue_dest_free(struct queue *q, struct queue_dest *d)
{
	ring_remove(q, d);
	heap_remove(&q->wakes, &d->wake);
	table_remove(q->dests, span_of(d->name));
	heap_clear(&d->due);
	heap_clear(&d->deadline);
	free(d->words);
	free(d);
}

/* --- when ------------------------------------------------------------------- */

static int64_t top_s(const struct heap *h)
{
	struct heap_node *top = heap_top(h);

	return top != NULL ? (int64_t)(top->key >> 32) : INT64_MAX;
}

/* When it has something to give out; INT64_MAX: nobody knows yet. Without jobs: when it goes. */
static int64_t dest_wake_s(struct queue_dest *d)
{
	int64_t due_s = top_s(&d->due), urgent_s = top_s(&d->deadline);

	if (d->jobs == 0) {
		if (d->forget_s == 0)
			d->forget_s = queue_now_s() + DEST_LINGER_S;
		return d->forget_s > d->not_before_s ? d->forget_s : d->not_before_s;
	}
	d->forget_s = 0;
	if (due_s < d->not_before_s)
		due_s = d->not_before_s;
	if (d->leased >= d->allowed)
		due_s = INT64_MAX;
	if (d->leased > 0 && d->leased >= d->allowed)
		urgent_s = INT64_MAX;
	return due_s < urgent_s ? due_s : urgent_s;
}

void queue_dest_place(struct queue *q, struct queue_dest *d)
{
	int64_t wake_s = dest_wake_s(d);

	heap_remove(&q->wakes, &d->wake);
	if (d->jobs > 0 && wake_s <= queue_now_s()) {
		ring_add(q, d);
		queue_hint(q);
		return;
	}
	ring_remove(q, d);
	if (wake_s == INT64_MAX)
		return;
	d->wake.key = (uint64_t)wake_s;
	if (heap_put(&q->wakes, &d->wake) < 0)
		local_die("the queue can't be kept", -ENOMEM);
}

void queue_tick(struct queue *q)
{
	uint64_t now_s = (uint64_t)queue_now_s();
	struct heap_node *top;

	while ((top = heap_top(&q->wakes)) != NULL && top->key <= now_s) {
		struct queue_dest *d = (struct queue_dest *)((char *)top - offsetof(struct queue_dest, wake));

		if (d->jobs == 0)
			queue_dest_free(q, d);
		else
			queue_dest_place(q, d);
	}
	queue_hint(q);
	note_sweep(q);
}

/* --- which ------------------------------------------------------------------ */

struct queue_dest *queue_dest_turn(struct queue *q)
{
	struct queue_dest *d = q->ready_first;

	if (d != NULL) {
		ring_remove(q, d);
		ring_add(q, d);
	}
	return d;
}

struct queue_slot *queue_dest_pick(const struct queue_dest *d, int64_t now_s)
{
	if (top_s(&d->deadline) <= now_s)
		return (struct queue_slot *)((char *)heap_top(&d->deadline) -
					     offsetof(struct queue_slot, deadline));
	if (d->not_before_s <= now_s && top_s(&d->due) <= now_s)
		return (struct queue_slot *)((char *)heap_top(&d->due) - offsetof(struct queue_slot, due));
	return NULL;
}

/* --- watching --------------------------------------------------------------- */

static enum turn_more hint_step(void *arg)
{
	struct queue *q = arg;

	if (q->ready == NULL || q->told || q->ready_first == NULL || q->s->closing)
		return TURN_DONE;
	q->told = true;
	q->ready(q->ready_arg);
	return TURN_DONE;
}

void queue_hint(struct queue *q)
{
	if (q->ready != NULL && !q->told && q->ready_first != NULL && !q->s->closing)
		turns_add(q->s->turns, &q->hint_turn, hint_step, q);
}

void queue_dest_watch(struct store *base, queue_ready ready, void *arg)
{
	struct queue *q = local_of(base)->queue;

	q->ready = ready;
	q->ready_arg = arg;
	q->told = false;
	queue_hint(q);
}

/* --- what deliverd says ------------------------------------------------------ */

void queue_dest_release(struct queue *q, struct queue_dest *d)
{
	d->not_before_s = 0;
	d->flushed_ms = clock_mono_ms();
	free(d->words);
	d->words = NULL;
	queue_dest_place(q, d);
}

uint64_t queue_dest_flushed_ms(const struct queue_dest *d)
{
	return d->flushed_ms != 0 ? clock_mono_ms() - d->flushed_ms + 1 : 0;
}

/* Of a domain that nothing waits for, nothing is kept: names cost memory. */
void queue_dest_set(struct store *base, const struct queue_domain *set)
{
	struct queue *q = local_of(base)->queue;
	struct queue_dest *d = queue_dest_find(q, set->domain);
	size_t n = set->words.n < QUEUE_WORDS_MAX ? set->words.n : QUEUE_WORDS_MAX - 1;

	if (d == NULL)
		return;
	d->allowed = set->allowed;
	d->not_before_s = set->not_before_s;
	free(d->words);
	d->words = n > 0 ? strndup((const char *)set->words.p, n) : NULL;
	queue_dest_place(q, d);
}

void queue_dest_times(struct store *base, const struct queue_times *t)
{
	struct queue *q = local_of(base)->queue;
	struct queue_entry *e = NULL;
	size_t at = 0;

	if (t->notice_s == q->times.notice_s && t->lifetime_s == q->times.lifetime_s)
		return;
	q->times = *t;
	while ((e = queue_entry_next(q, &at, e)) != NULL)
		for (size_t i = 0; i < e->slots; i++)
			if (e->slot[i].dest != NULL)
				queue_slot_place(q, &e->slot[i], 0);
}

/* --- status ----------------------------------------------------------------- */

void queue_status(const struct queue *q, struct buf *out)
{
	int64_t now_s = queue_now_s(), oldest_s = now_s;
	struct queue_entry *e = NULL;
	size_t at = 0;

	while ((e = queue_entry_next(q, &at, e)) != NULL)
		if (e->created_s < oldest_s && e->aside == NULL)
			oldest_s = e->created_s;
	buf_printf(out, "queue_entries %zu\n", q->entries);
	buf_printf(out, "queue_recipients %zu\n", q->recipients);
	buf_printf(out, "queue_leased %zu\n", q->leased);
	buf_printf(out, "queue_held %zu\n", q->held);
	buf_printf(out, "queue_aside %zu\n", q->aside);
	buf_printf(out, "queue_oldest_s %" PRId64 "\n", now_s - oldest_s);
	buf_printf(out, "queue_domains %zu\n", table_count(q->dests));
	buf_printf(out, "queue_note_bytes %" PRIu64 "\n", q->note_bytes);
}
