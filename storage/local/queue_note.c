/*
 * queue_note.c - notes: names and bytes with a time of expiry, in the index.
 *
 * A record is the time, then the bytes. Old ones are not shown, and swept up every ten minutes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/local/queue.h"

enum {
	NOTE_BYTES = 64 * 1024 * 1024, /* of all notes: more are refused */
	NOTE_PAGE_BYTES = 256 * 1024,  /* of one page */
	NOTE_PAGE = 64,
	NOTE_SWEEP_S = 600
};

struct noting {
	struct call call;
	queue_note_done got;
	store_done put;
	queue_notes_done listed;
	size_t name_n, after_n;
	uint8_t name[QUEUE_NOTE_KEY], after[QUEUE_NOTE_KEY];
	enum store_status status;
	const char *words;
	struct turn turn;
};

static bool note_decode(struct span value, int64_t now_s, struct span *bytes)
{
	uint64_t expires_s;

	if (!value_take(&value, UINT64_MAX, &expires_s) || expires_s <= (uint64_t)now_s)
		return false;
	*bytes = value;
	return true;
}

static struct noting *noting_new(struct store *base, struct span name, struct span after)
{
	struct noting *n = call_new(local_of(base), sizeof(*n));

	n->words = "";
	if (name.n > QUEUE_NOTE_KEY || after.n > QUEUE_NOTE_KEY) {
		n->status = STORE_INVALID;
		n->words = "a note that can't be";
		return n;
	}
	if (name.n > 0)
		memcpy(n->name, name.p, name.n);
	if (after.n > 0)
		memcpy(n->after, after.p, after.n);
	n->name_n = name.n;
	n->after_n = after.n;
	return n;
}

static uint64_t noting_start(struct noting *n, turn_step step, void *arg)
{
	turns_add(n->call.s->turns, &n->turn, step, n);
	return call_open(&n->call, arg);
}

static void note_key(struct key *k, const uint8_t *name, size_t n)
{
	key_named(k, KEY_NOTE, (struct span){ name, n });
}

/* --- one ------------------------------------------------------------------------ */

static enum turn_more get_step(void *arg)
{
	struct noting *n = arg;
	struct local *s = n->call.s;
	struct span value, bytes = { NULL, 0 };
	struct key k;
	int r;

	note_key(&k, n->name, n->name_n);
	if (n->status == STORE_OK) {
		r = local_index(s, kv_get(s->kv, key_span(&k), &value));
		if (r == -ENOENT || (r == 0 && !note_decode(value, queue_now_s(), &bytes)))
			n->status = STORE_NOT_FOUND;
		else if (r < 0)
			n->status = STORE_TRY_LATER;
	}
	if (call_close(&n->call))
		n->got(n->call.arg, n->status, bytes);
	free(n);
	return TURN_DONE;
}

uint64_t note_get(struct store *base, struct span name, queue_note_done done, void *arg)
{
	struct noting *n = noting_new(base, name, (struct span){ NULL, 0 });

	n->got = done;
	return noting_start(n, get_step, arg);
}

static enum turn_more put_step(void *arg)
{
	struct noting *n = arg;

	if (call_close(&n->call) && n->put != NULL)
		n->put(n->call.arg, n->status, n->words);
	free(n);
	return TURN_DONE;
}

static void put_fail(struct noting *n, enum store_status status, const char *words)
{
	n->status = status;
	n->words = words;
}

/* At once: who asks next finds it. Only the answer comes later. */
static void put_now(struct noting *n, struct span bytes, int64_t expires_s)
{
	struct local *s = n->call.s;
	struct queue *q = s->queue;
	struct key k;
	struct buf *value;
	int r;

	note_key(&k, n->name, n->name_n);
	if (bytes.n == 0 || expires_s <= queue_now_s()) {
		r = local_del(s, &k);
	} else if (q->note_bytes + bytes.n > NOTE_BYTES) {
		put_fail(n, STORE_LIMIT, "there are too many notes");
		return;
	} else {
		value = local_value(s);
		value_put(value, (uint64_t)expires_s);
		buf_put(value, bytes);
		r = value->failed ? -ENOMEM : local_put(s, &k, buf_span(value));
		q->note_bytes += bytes.n + n->name_n;
	}
	if (r < 0)
		put_fail(n, STORE_TRY_LATER, "the note can't be written");
}

uint64_t note_put(struct store *base, struct span name, struct span bytes, int64_t expires_s, store_done done,
		  void *arg)
{
	struct noting *n = noting_new(base, name, (struct span){ NULL, 0 });

	n->put = done;
	if (name.n == 0)
		put_fail(n, STORE_INVALID, "a note without a name");
	else if (bytes.n > QUEUE_NOTE_MAX)
		put_fail(n, STORE_LIMIT, "the note is too large");
	if (n->status == STORE_OK)
		put_now(n, bytes, expires_s);
	return noting_start(n, put_step, arg);
}

/* --- a page ---------------------------------------------------------------------- */

struct noted {
	struct arena *memory;
	struct queue_note notes[NOTE_PAGE];
	size_t count, bytes;
};

/* 1: the page is full, and there is this one. */
static int page_add(struct noted *p, struct span key, struct span bytes)
{
	struct queue_note *note = &p->notes[p->count];

	if (p->count == NOTE_PAGE || (p->count > 0 && p->bytes + bytes.n > NOTE_PAGE_BYTES))
		return 1;
	note->name = arena_copy(p->memory, key);
	note->bytes = arena_copy(p->memory, bytes);
	if (note->name.p == NULL || note->bytes.p == NULL)
		return -ENOMEM;
	p->count++;
	p->bytes += bytes.n;
	return 0;
}

static int page_fill(struct noting *n, struct noted *p)
{
	struct local *s = n->call.s;
	struct span key, value, bytes;
	struct key from, after, end;
	struct kv_scan *scan;
	int r = 0, got;

	note_key(&from, n->name, n->name_n);
	key_end(&end, &from);
	note_key(&after, n->after, n->after_n);
	after.bytes[after.n++] = 0; /* the least key behind it */
	if (n->after_n > 0 && name_order(key_span(&from), key_span(&after)) < 0)
		from = after;
	scan = kv_scan_open(s->kv, key_span(&from), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	while (r == 0 && (got = kv_scan_next(scan, &key, &value)) != 0) {
		if (got < 0)
			r = local_index(s, got);
		else if (note_decode(value, queue_now_s(), &bytes)) {
			span_take(&key, 1);
			r = page_add(p, key, bytes);
		}
	}
	kv_scan_close(scan);
	return r;
}

static enum turn_more list_step(void *arg)
{
	struct noting *n = arg;
	struct noted p = { .count = 0 };
	struct error err;
	int r = n->status == STORE_OK ? arena_new(&p.memory, 2 * NOTE_PAGE_BYTES, ARENA_PLAIN, &err) : 0;

	if (r == 0 && n->status == STORE_OK)
		r = page_fill(n, &p);
	if (r < 0)
		n->status = STORE_TRY_LATER;
	if (n->status != STORE_OK)
		p.count = 0;
	if (call_close(&n->call))
		n->listed(n->call.arg, n->status, p.notes, p.count, r == 1);
	arena_free(p.memory);
	free(n);
	return TURN_DONE;
}

uint64_t note_list(struct store *base, struct span prefix, struct span after, queue_notes_done done,
		   void *arg)
{
	struct noting *n = noting_new(base, prefix, after);

	n->listed = done;
	return noting_start(n, list_step, arg);
}

/* --- the sweep -------------------------------------------------------------------- */

/* Deletes what is old among the next 256. 1: there are more. */
static int sweep_some(struct queue *q)
{
	struct local *s = q->s;
	struct span key, value, bytes;
	struct kv_scan *scan;
	struct key end, k;
	int r = 0, n = 0;

	key_kind(&end, KEY_NOTE);
	key_end(&end, &end);
	scan = kv_scan_open(s->kv, key_span(&q->sweep_at), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	while (n++ < TURN_RECORDS && (r = kv_scan_next(scan, &key, &value)) > 0) {
		if (key.n >= sizeof(k.bytes)) {
			r = -EBADMSG;
			break;
		}
		memcpy(k.bytes, key.p, key.n);
		k.n = key.n;
		q->sweep_at = k;
		q->sweep_at.bytes[q->sweep_at.n++] = 0;
		if (note_decode(value, queue_now_s(), &bytes))
			q->sweep_bytes += bytes.n + key.n;
		else if ((r = local_del(s, &k)) < 0)
			break;
	}
	kv_scan_close(scan);
	return r < 0 ? r : n > TURN_RECORDS;
}

static enum turn_more sweep_step(void *arg)
{
	struct queue *q = arg;
	int r;

	if (q->s->closing)
		return TURN_DONE;
	r = sweep_some(q);
	if (r > 0)
		return TURN_AGAIN;
	if (r == 0)
		q->note_bytes = q->sweep_bytes;
	return TURN_DONE;
}

void note_sweep(struct queue *q)
{
	int64_t now_s = queue_now_s();

	if (now_s < q->sweep_s && q->sweep_s - now_s <= NOTE_SWEEP_S)
		return;
	q->sweep_s = now_s + NOTE_SWEEP_S;
	q->sweep_bytes = 0;
	key_kind(&q->sweep_at, KEY_NOTE);
	turns_add(q->s->turns, &q->sweep_turn, sweep_step, q);
}
