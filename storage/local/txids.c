/* txids.c - the contract is in txids.h. */
#include "storage/local/txids.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "storage/local/inner.h"

struct slot {
	uint32_t start;    /* of the txid: random bytes, so they are their own hash; 0: free */
	uint32_t sequence; /* the low half of its number in the index */
};

struct txids {
	struct local *s;
	uint64_t first, next; /* numbers in the index: the oldest that may be there, the next to give */
	size_t count, slots;  /* slots: a power of two, at least twice the count */
	struct slot *slot;
	struct turn turn;
};

enum { TXIDS_SLOTS = 64 };

struct entry {
	uint64_t time_s;
	struct store_txid txid;
	struct span result;
};

/* TIME TXID RESULT */
static bool entry_decode(struct span value, struct entry *e)
{
	struct span bytes;

	if (!value_take(&value, UINT64_MAX, &e->time_s))
		return false;
	bytes = span_take(&value, sizeof(e->txid.bytes));
	if (bytes.n != sizeof(e->txid.bytes))
		return false;
	memcpy(e->txid.bytes, bytes.p, bytes.n);
	e->result = value;
	return true;
}

static bool entry_get(struct txids *t, uint64_t number, struct entry *e)
{
	struct span value;
	struct key k;

	key_txid(&k, number);
	return kv_get(t->s->kv, key_span(&k), &value) == 0 && entry_decode(value, e);
}

/* --- the slots ------------------------------------------------------------- */

static uint32_t txid_start(const struct store_txid *txid)
{
	uint32_t start;

	memcpy(&start, txid->bytes, sizeof(start));
	return start != 0 ? start : 1;
}

static void slot_place(struct slot *slot, size_t slots, struct slot s)
{
	size_t i = s.start & (slots - 1);

	while (slot[i].start != 0)
		i = (i + 1) & (slots - 1);
	slot[i] = s;
}

static int slots_resize(struct txids *t, size_t slots)
{
	struct slot *fresh = calloc(slots, sizeof(*fresh));

	if (fresh == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->slots; i++)
		if (t->slot[i].start != 0)
			slot_place(fresh, slots, t->slot[i]);
	free(t->slot);
	t->slot = fresh;
	t->slots = slots;
	return 0;
}

static int slots_put(struct txids *t, const struct store_txid *txid, uint64_t number)
{
	if ((t->count + 1) * 2 > t->slots && slots_resize(t, t->slots * 2) < 0)
		return -ENOMEM;
	slot_place(t->slot, t->slots, (struct slot){ txid_start(txid), (uint32_t)number });
	t->count++;
	return 0;
}

/* Empties slot i and moves up what the gap would cut off from its place. */
static void slots_close_gap(struct txids *t, size_t i)
{
	size_t mask = t->slots - 1;

	t->slot[i].start = 0;
	for (size_t j = (i + 1) & mask; t->slot[j].start != 0; j = (j + 1) & mask) {
		size_t home = t->slot[j].start & mask;

		if (((j - home) & mask) < ((j - i) & mask))
			continue; /* its home lies behind the gap */
		t->slot[i] = t->slot[j];
		t->slot[j].start = 0;
		i = j;
	}
}

static void slots_remove(struct txids *t, const struct store_txid *txid, uint64_t number)
{
	uint32_t start = txid_start(txid);
	size_t mask = t->slots - 1, i = start & mask;

	while (t->slot[i].start != 0 && (t->slot[i].start != start || t->slot[i].sequence != (uint32_t)number))
		i = (i + 1) & mask;
	if (t->slot[i].start == 0)
		return;
	slots_close_gap(t, i);
	t->count--;
	if (t->slots > TXIDS_SLOTS && t->count * 8 < t->slots)
		slots_resize(t, t->slots / 2);
}

/* --- the calls ------------------------------------------------------------- */

static int txids_load(struct txids *t)
{
	struct key from, end;
	struct span key, value;
	struct kv_scan *scan;
	struct entry e;
	int r = 1;

	key_kind(&from, KEY_TXID);
	key_end(&end, &from);
	scan = kv_scan_open(t->s->kv, key_span(&from), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	t->first = t->next = 1;
	while (r > 0 && (r = kv_scan_next(scan, &key, &value)) > 0) {
		uint64_t number = key_get_sequence(key);

		if (t->next == 1)
			t->first = number;
		t->next = number + 1;
		if (entry_decode(value, &e) && slots_put(t, &e.txid, number) < 0)
			r = -ENOMEM;
	}
	kv_scan_close(scan);
	return r;
}

int txids_new(struct txids **out, struct local *s, struct error *err)
{
	struct txids *t = calloc(1, sizeof(*t));
	int r = -ENOMEM;

	*out = NULL;
	if (t != NULL) {
		t->s = s;
		r = slots_resize(t, TXIDS_SLOTS);
	}
	if (r == 0)
		r = txids_load(t);
	if (r < 0) {
		txids_free(t);
		return error_set(err, r, "the transactions of the last minutes can't be read");
	}
	*out = t;
	return 0;
}

void txids_free(struct txids *t)
{
	if (t == NULL)
		return;
	free(t->slot);
	free(t);
}

bool txids_find(struct txids *t, const struct store_txid *txid, struct span *result)
{
	uint32_t start = txid_start(txid);
	struct entry e;

	for (size_t i = start & (t->slots - 1); t->slot[i].start != 0; i = (i + 1) & (t->slots - 1)) {
		uint64_t number = t->first + (uint32_t)(t->slot[i].sequence - (uint32_t)t->first);

		if (t->slot[i].start == start && entry_get(t, number, &e) &&
		    memcmp(e.txid.bytes, txid->bytes, sizeof(txid->bytes)) == 0) {
			*result = e.result;
			return true;
		}
	}
	return false;
}

int txids_put(struct txids *t, const struct store_txid *txid, struct span result)
{
	struct buf *value = local_value(t->s);
	struct key k;

	if ((t->count + 1) * 2 > t->slots && slots_resize(t, t->slots * 2) < 0)
		return -ENOMEM; /* so that txids_keep cannot fail */
	value_put(value, (uint64_t)clock_real_ms() / 1000);
	buf_put(value, (struct span){ txid->bytes, sizeof(txid->bytes) });
	buf_put(value, result);
	key_txid(&k, t->next);
	return value->failed ? -ENOMEM : kv_put(t->s->kv, key_span(&k), buf_span(value));
}

void txids_keep(struct txids *t, const struct store_txid *txid)
{
	slots_put(t, txid, t->next++);
}

static enum turn_more txids_step(void *arg)
{
	struct txids *t = arg;
	uint64_t now_s = (uint64_t)clock_real_ms() / 1000;

	for (unsigned n = 0; n < TURN_RECORDS && t->first < t->next; n++, t->first++) {
		struct entry e;
		struct key k;

		if (!entry_get(t, t->first, &e))
			continue;
		if (e.time_s + LOCAL_TXID_S > now_s && e.time_s <= now_s + LOCAL_TXID_S)
			return TURN_DONE;
		key_txid(&k, t->first);
		if (local_del(t->s, &k) < 0)
			return TURN_DONE;
		slots_remove(t, &e.txid, t->first);
	}
	return t->first < t->next ? TURN_AGAIN : TURN_DONE;
}

void txids_prune(struct txids *t)
{
	if (t->first < t->next)
		turns_add(t->s->turns, &t->turn, txids_step, t);
}

size_t txids_count(const struct txids *t)
{
	return t->count;
}
