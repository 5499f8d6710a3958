/* queue_walk.c - the contract is in queue_walk.h. */
#include "storage/local/queue_walk.h"

#include <errno.h>
#include <string.h>

enum { WALK_MEMORY = 64 * 1024 * 1024, WALK_FIRST = 4 };

/* --- filters -------------------------------------------------------------------- */

static bool address_fits(struct span pattern, struct span address)
{
	if (pattern.n == 0)
		return true;
	if (span_is(pattern, "<>"))
		return address.n == 0;
	if (pattern.p[0] != '@')
		return span_equal_nocase(pattern, address);
	return address.n > pattern.n &&
	       span_equal_nocase(pattern, (struct span){ address.p + address.n - pattern.n, pattern.n });
}

bool queue_fits_head(const struct queue_filter *f, const struct queue_walked *w, const struct queue_head *h)
{
	if (f->id.n > 0 && !span_is(f->id, w->id))
		return false;
	if (f->account.n > 0 && !span_equal_nocase(f->account, h->envelope.account))
		return false;
	return f->older_s <= 0 || h->created_s <= queue_now_s() - f->older_s;
}

bool queue_fits_any_job(const struct queue_filter *f)
{
	return f->sender.n == 0 && f->recipient.n == 0 && f->domain.n == 0;
}

bool queue_fits_recipient(const struct queue_filter *f, const struct queue_to *to)
{
	return address_fits(f->recipient, to->r.to.address);
}

enum queue_state queue_slot_state(const struct queue_slot *slot)
{
	if (queue_slot_entry(slot)->aside != NULL)
		return QUEUE_ASIDE;
	if (slot->lease != 0 || slot->busy > 0)
		return QUEUE_LEASED;
	return slot->bits & QUEUE_BIT_HELD ? QUEUE_HELD : QUEUE_WAITING;
}

static bool any_recipient_fits(const struct queue_filter *f, struct queue_record r)
{
	struct queue_to to;

	for (size_t i = 0; i < r.try.count && f->recipient.n > 0; i++) {
		queue_record_next(&r, &to);
		if (queue_fits_recipient(f, &to))
			return true;
	}
	return f->recipient.n == 0;
}

struct queue_slot *queue_fits_job(const struct queue_filter *f, const struct queue_walked *w,
				  const struct queue_record *r)
{
	struct queue_slot *slot = w->entry != NULL ? queue_slot_at(w->entry, r->try.number) : NULL;

	if (slot == NULL || (f->states != 0 && !(f->states & queue_slot_state(slot))))
		return NULL;
	if (!address_fits(f->sender, r->try.sender) ||
	    (f->domain.n > 0 && !span_equal_nocase(f->domain, r->try.domain)))
		return NULL;
	return any_recipient_fits(f, *r) ? slot : NULL;
}

/* --- the walk -------------------------------------------------------------------- */

struct walking {
	struct queue *q;
	struct queue_walked w;
	struct kv_scan *scan;
	struct queue_cursor *at;
	queue_walk_step step;
	void *arg;
	size_t looked, room; /* room: of w.records and w.jobs */
};

static void walking_reset(struct walking *k, const char *id)
{
	struct queue_walked *w = &k->w;

	arena_reset(w->memory);
	w->count = k->room = 0;
	w->damaged = false;
	memcpy(w->id, id, strlen(id) + 1);
}

static int walking_grow(struct walking *k)
{
	struct queue_walked *w = &k->w;
	size_t room = k->room > 0 ? 2 * k->room : WALK_FIRST;
	struct queue_record *records = arena_array(w->memory, room, sizeof(*records));
	uint32_t *jobs = arena_array(w->memory, room, sizeof(*jobs));

	if (records == NULL || jobs == NULL)
		return -ENOMEM;
	if (w->count > 0) {
		memcpy(records, w->records, w->count * sizeof(*records));
		memcpy(jobs, w->jobs, w->count * sizeof(*jobs));
	}
	w->records = records;
	w->jobs = jobs;
	k->room = room;
	return 0;
}

static int walking_add(struct walking *k, uint32_t job, struct span value)
{
	struct queue_walked *w = &k->w;
	struct span kept = arena_copy(w->memory, value);
	struct queue_record *r;

	if ((kept.p == NULL && value.n > 0) || (w->count == k->room && walking_grow(k) < 0))
		return -ENOMEM;
	r = &w->records[w->count];
	if (!queue_record_decode(kept, r)) {
		*r = (struct queue_record){ .try.number = STORE_RECIPIENTS };
		w->damaged = true;
	}
	w->jobs[w->count++] = job;
	k->looked++;
	return 0;
}

/* The entry is complete. False: no more are wanted. */
static bool walking_give(struct walking *k)
{
	bool more;

	if (k->w.count == 0)
		return true;
	k->w.entry = queue_find(k->q, k->w.id);
	more = k->step(k->arg, &k->w);
	memcpy(k->at->id, k->w.id, sizeof(k->w.id));
	return more && k->looked < QUEUE_ADMIN_LOOK;
}

static int walking_run(struct walking *k)
{
	struct span key, value;
	char id[STORE_ID_MAX];
	uint32_t job;
	int r = 0, got;

	while (r == 0 && (got = kv_scan_next(k->scan, &key, &value)) != 0) {
		if (got < 0)
			return got;
		if (!key_get_queue(key, id, &job))
			continue;
		if (strcmp(id, k->w.id) != 0) {
			if (!walking_give(k))
				return 0;
			walking_reset(k, id);
		}
		r = walking_add(k, job, value);
	}
	if (r < 0)
		return r;
	walking_give(k);
	k->at->end = true;
	return 0;
}

int queue_walk(struct queue *q, const struct queue_filter *f, struct queue_cursor *at, queue_walk_step step,
	       void *arg)
{
	struct walking k = { .q = q, .at = at, .step = step, .arg = arg };
	struct key from, end;
	struct error err;
	int r;

	key_kind(&from, KEY_QUEUE);
	if (f->id.n > 0 && queue_id_valid(f->id))
		key_queue_entry(&from, f->id);
	key_end(&end, &from);
	if (at->id[0] != '\0') {
		struct key behind;

		key_queue_entry(&behind, span_of(at->id));
		key_end(&behind, &behind);
		if (name_order(key_span(&from), key_span(&behind)) < 0)
			from = behind;
	}
	if (at->end || name_order(key_span(&from), key_span(&end)) >= 0) {
		at->end = true;
		return 0;
	}
	r = arena_new(&k.w.memory, WALK_MEMORY, ARENA_PLAIN, &err);
	k.scan = kv_scan_open(q->s->kv, key_span(&from), key_span(&end));
	if (r == 0)
		r = k.scan != NULL ? walking_run(&k) : -ENOMEM;
	kv_scan_close(k.scan);
	arena_free(k.w.memory);
	return local_index(q->s, r);
}
