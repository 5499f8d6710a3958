/* queue_index.c - entries and jobs in memory; the contract is in queue.h. */
#include "storage/local/queue.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"

enum { BUCKETS_FIRST = 64 };

int64_t queue_now_s(void)
{
	return clock_real_ms() / 1000;
}

int queue_index_new(struct queue *q, struct error *err)
{
	int r = table_new(&q->dests, err);

	if (r == 0)
		r = table_new(&q->leases, err);
	randombytes_buf(q->hash_key, sizeof(q->hash_key));
	q->buckets = BUCKETS_FIRST;
	q->bucket = local_alloc(q->buckets * sizeof(struct queue_entry *));
	return r;
}

void queue_index_free(struct queue *q)
{
	size_t at = 0;
	void *value;

	for (size_t i = 0; i < q->buckets; i++)
		for (struct queue_entry *e = q->bucket[i], *next; e != NULL; e = next) {
			next = e->next;
			free(e);
		}
	free(q->bucket);
	while (q->dests != NULL && table_next(q->dests, &at, NULL, &value)) {
		struct queue_dest *d = value;

		heap_clear(&d->due);
		heap_clear(&d->deadline);
		free(d->words);
		free(d);
	}
	heap_clear(&q->wakes);
	table_free(q->dests);
	table_free(q->leases);
}

/* --- entries ---------------------------------------------------------------- */

static size_t bucket_of(const struct queue *q, const char *id)
{
	uint8_t hash[crypto_shorthash_BYTES];
	uint64_t n;

	crypto_shorthash(hash, (const uint8_t *)id, strlen(id), q->hash_key);
	memcpy(&n, hash, sizeof(n));
	return (size_t)n & (q->buckets - 1);
}

const char *queue_entry_id(const struct queue_entry *e)
{
	return (const char *)&e->slot[e->slots];
}

struct queue_entry *queue_slot_entry(const struct queue_slot *slot)
{
	const struct queue_slot *first = slot - slot->number;

	return (struct queue_entry *)((uintptr_t)first - offsetof(struct queue_entry, slot));
}

struct queue_entry *queue_find(const struct queue *q, const char *id)
{
	struct queue_entry *e = q->bucket[bucket_of(q, id)];

	while (e != NULL && strcmp(queue_entry_id(e), id) != 0)
		e = e->next;
	return e;
}

static void bucket_put(struct queue *q, struct queue_entry *e)
{
	struct queue_entry **at = &q->bucket[bucket_of(q, queue_entry_id(e))];

	e->next = *at;
	*at = e;
}

static void buckets_grow(struct queue *q)
{
	struct queue_entry **old = q->bucket;
	size_t count = q->buckets;

	q->buckets *= 2;
	q->bucket = local_alloc(q->buckets * sizeof(struct queue_entry *));
	for (size_t i = 0; i < count; i++)
		for (struct queue_entry *e = old[i], *next; e != NULL; e = next) {
			next = e->next;
			bucket_put(q, e);
		}
	free(old);
}

struct queue_entry *queue_entry_add(struct queue *q, const char *id, int64_t created_s, uint32_t slots)
{
	size_t n = strlen(id) + 1;
	struct queue_entry *e = local_alloc(sizeof(*e) + slots * sizeof(struct queue_slot) + n);

	e->slots = (uint16_t)slots;
	e->created_s = created_s < 0 ? 0 : created_s > UINT32_MAX ? UINT32_MAX : (uint32_t)created_s;
	memcpy(&e->slot[slots], id, n);
	if (q->entries == q->buckets)
		buckets_grow(q);
	bucket_put(q, e);
	q->entries++;
	return e;
}

struct queue_entry *queue_entry_next(const struct queue *q, size_t *at, const struct queue_entry *e)
{
	if (e != NULL && e->next != NULL)
		return e->next;
	while (*at < q->buckets) {
		struct queue_entry *first = q->bucket[(*at)++];

		if (first != NULL)
			return first;
	}
	return NULL;
}

static void entry_remove(struct queue *q, struct queue_entry *e)
{
	struct queue_entry **at = &q->bucket[bucket_of(q, queue_entry_id(e))];

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	q->entries--;
	q->aside -= e->aside != NULL;
	free(e);
}

void queue_entry_drop(struct queue *q, struct queue_entry *e)
{
	uint16_t left = e->left;

	for (size_t i = 0; i < e->slots && left > 0; i++)
		if (e->slot[i].dest != NULL) {
			left--;
			if (queue_slot_end(q, &e->slot[i]))
				return;
		}
	entry_remove(q, e);
}

void queue_set_aside(struct queue *q, struct queue_entry *e, const char *reason)
{
	if (e->aside != NULL)
		return;
	e->aside = reason;
	q->aside++;
	log_error("queue entry set aside id=%s reason=\"%s\"", queue_entry_id(e), reason);
	for (size_t i = 0; i < e->slots; i++)
		if (e->slot[i].dest != NULL)
			queue_slot_place(q, &e->slot[i], 0);
}

/* --- jobs ------------------------------------------------------------------- */

static uint64_t key_of(int64_t time_s, uint32_t sequence)
{
	uint64_t s = time_s < 0 ? 0 : time_s >= UINT32_MAX ? UINT32_MAX - 1 : (uint64_t)time_s;

	return s << 32 | sequence;
}

int64_t queue_slot_due_s(const struct queue_slot *slot)
{
	return (int64_t)(slot->due.key >> 32);
}

struct queue_slot *queue_slot_at(struct queue_entry *e, uint32_t number)
{
	return number < e->slots && e->slot[number].dest != NULL ? &e->slot[number] : NULL;
}

void queue_slot_fill(struct queue *q, struct queue_entry *e, const struct queue_try *t)
{
	struct queue_slot *slot = &e->slot[t->number];

	slot->dest = queue_dest_get(q, t->domain);
	slot->dest->jobs++;
	slot->number = (uint16_t)t->number;
	slot->recipients = (uint16_t)t->count;
	slot->bits = (uint8_t)t->bits;
	slot->busy = 1;
	heap_node_init(&slot->due, key_of(t->due_s, q->sequence++));
	heap_node_init(&slot->deadline, QUEUE_NEVER);
	e->left++;
	q->recipients += t->count;
	q->held += (t->bits & QUEUE_BIT_HELD) != 0;
}

static void slot_out(struct queue_slot *slot)
{
	heap_remove(&slot->dest->due, &slot->due);
	heap_remove(&slot->dest->deadline, &slot->deadline);
}

bool queue_slot_end(struct queue *q, struct queue_slot *slot)
{
	struct queue_entry *e = queue_slot_entry(slot);
	struct queue_dest *d = slot->dest;

	slot->busy = 1; /* so that it is not placed once more */
	if (slot->lease != 0)
		queue_slot_unlease(q, slot);
	slot_out(slot);
	q->recipients -= slot->recipients;
	q->held -= (slot->bits & QUEUE_BIT_HELD) != 0;
	slot->dest = NULL;
	d->jobs--;
	queue_dest_place(q, d);
	if (--e->left > 0)
		return false;
	entry_remove(q, e);
	return true;
}

void queue_slot_busy(struct queue *q, struct queue_slot *slot)
{
	slot->busy++;
	slot_out(slot);
	queue_dest_place(q, slot->dest);
}

void queue_slot_rest(struct queue *q, struct queue_slot *slot)
{
	slot->busy--;
	queue_slot_place(q, slot, 0);
}

/* When an administrator's word, or its age, makes it urgent. */
static uint64_t slot_deadline(const struct queue *q, const struct queue_slot *slot)
{
	int64_t created_s = queue_slot_entry(slot)->created_s, at = INT64_MAX;

	if (slot->bits & QUEUE_BIT_BOUNCE)
		return 0;
	if (q->times.lifetime_s > 0)
		at = created_s + q->times.lifetime_s;
	if (q->times.notice_s > 0 && created_s + q->times.notice_s < at &&
	    !(slot->bits & (QUEUE_BIT_NOTICED | QUEUE_BIT_HELD)))
		at = created_s + q->times.notice_s;
	return at == INT64_MAX ? QUEUE_NEVER : key_of(at, 0);
}

static void put_node(struct heap *h, struct heap_node *node)
{
	if (heap_put(h, node) < 0)
		local_die("the queue can't be kept", -ENOMEM);
}

void queue_slot_place(struct queue *q, struct queue_slot *slot, int64_t not_urgent_s)
{
	struct queue_dest *d = slot->dest;
	bool waits = slot->lease == 0 && slot->busy == 0 && queue_slot_entry(slot)->aside == NULL;

	slot_out(slot);
	slot->deadline.key = slot_deadline(q, slot);
	if (slot->deadline.key >> 32 <= (uint64_t)queue_now_s() && not_urgent_s > 0)
		slot->deadline.key = key_of(not_urgent_s, 0);
	if (waits && !(slot->bits & (QUEUE_BIT_HELD | QUEUE_BIT_BOUNCE)))
		put_node(&d->due, &slot->due);
	if (waits && slot->deadline.key != QUEUE_NEVER)
		put_node(&d->deadline, &slot->deadline);
	queue_dest_place(q, d);
}

void queue_slot_bits(struct queue *q, struct queue_slot *slot, unsigned bits)
{
	q->held -= (slot->bits & QUEUE_BIT_HELD) != 0;
	slot->bits = (uint8_t)bits;
	q->held += (slot->bits & QUEUE_BIT_HELD) != 0;
}

void queue_slot_due(struct queue *q, struct queue_slot *slot, int64_t due_s)
{
	slot_out(slot);
	slot->due.key = key_of(due_s, q->sequence++);
}

unsigned queue_slot_why(const struct queue *q, const struct queue_slot *slot)
{
	int64_t now_s = queue_now_s(), created_s = queue_slot_entry(slot)->created_s;
	unsigned why = 0;

	if (slot->bits & QUEUE_BIT_BOUNCE)
		return QUEUE_BOUNCE;
	if (!(slot->bits & QUEUE_BIT_HELD) && queue_slot_due_s(slot) <= now_s &&
	    slot->dest->not_before_s <= now_s)
		why |= QUEUE_DUE;
	if (q->times.lifetime_s > 0 && created_s + q->times.lifetime_s <= now_s)
		return why | QUEUE_EXPIRED;
	if (q->times.notice_s > 0 && created_s + q->times.notice_s <= now_s &&
	    !(slot->bits & (QUEUE_BIT_NOTICED | QUEUE_BIT_HELD)))
		why |= QUEUE_NOTICE;
	return why;
}

/* --- leases ----------------------------------------------------------------- */

void queue_slot_lease(struct queue *q, struct queue_slot *slot)
{
	slot->lease = ++q->last_lease;
	if (table_put(q->leases, table_number(&slot->lease), slot) < 0)
		local_die("a lease can't be kept", -ENOMEM);
	slot->dest->leased++;
	q->leased++;
	slot_out(slot);
	queue_dest_place(q, slot->dest);
}

void queue_slot_unlease(struct queue *q, struct queue_slot *slot)
{
	table_remove(q->leases, table_number(&slot->lease));
	slot->lease = 0;
	slot->dest->leased--;
	q->leased--;
	queue_slot_place(q, slot, 0);
}

void local_queue_release(struct store *base, uint64_t lease)
{
	struct queue *q = local_of(base)->queue;
	struct queue_slot *slot = table_get(q->leases, table_number(&lease));

	if (slot != NULL)
		queue_slot_unlease(q, slot);
}
