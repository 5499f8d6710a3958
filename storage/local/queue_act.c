/* queue_act.c - what administrators do to what waits; the contract is in queue_admin.h. */
#include <errno.h>
#include <string.h>

#include "common/base/log.h"
#include "storage/local/queue_text.h"
#include "storage/local/queue_walk.h"

struct acting {
	struct queue *q;
	const struct queue_filter *f;
	enum queue_action action;
	struct span route;
	struct queue_acted *done;
	struct queue_chores *chores; /* for the files */
	struct buf lines;            /* of the entry at hand */
	bool changed;
	int result;
};

struct acted { /* a job at hand */
	struct queue_slot *slot;
	struct queue_record *r;
	struct queue_to *to; /* its recipients, as they are to be */
};

/* --- the index ------------------------------------------------------------------- */

static int put_record(struct acting *k, const char *id, const struct acted *a)
{
	struct buf *value = local_value(k->q->s);
	struct key key;

	queue_record_encode(value, &a->r->head, &a->r->try, a->to);
	key_queue(&key, span_of(id), a->r->try.number);
	return value->failed ? -ENOMEM : local_put(k->q->s, &key, buf_span(value));
}

static int del_record(struct acting *k, const char *id, uint32_t job)
{
	struct key key;

	key_queue(&key, span_of(id), job);
	return local_del(k->q->s, &key);
}

/* --- actions that change a job: the record first, memory when that is done --------- */

static bool change_flush(struct acting *k, struct acted *a)
{
	if (a->slot->lease != 0 || a->slot->busy > 0)
		return false;
	a->r->try.due_s = queue_now_s();
	queue_text_due(&k->lines, a->slot->number, a->r->try.due_s);
	return true;
}

static bool change_bits(struct acting *k, struct acted *a, unsigned bits, const char *mark)
{
	if (bits == a->r->try.bits)
		return false;
	a->r->try.bits = bits;
	queue_text_mark(&k->lines, a->slot->number, mark);
	return true;
}

static bool change_hold(struct acting *k, struct acted *a)
{
	return change_bits(k, a, a->r->try.bits | QUEUE_BIT_HELD, "hold");
}

static bool change_release(struct acting *k, struct acted *a)
{
	return change_bits(k, a, a->r->try.bits & ~(unsigned)QUEUE_BIT_HELD, "release");
}

static bool change_bounce(struct acting *k, struct acted *a)
{
	return change_bits(k, a, a->r->try.bits | QUEUE_BIT_BOUNCE, "bounce");
}

static bool change_route(struct acting *k, struct acted *a)
{
	if (span_equal(a->r->try.route, k->route))
		return false;
	a->r->try.route = k->route;
	queue_text_route(&k->lines, a->slot->number, k->route);
	return true;
}

static const struct {
	const char *done;
	bool (*change)(struct acting *k, struct acted *a); /* NULL: it goes */
} actions[] = {
	[QUEUE_ACT_FLUSH] = { "flushed", change_flush },      [QUEUE_ACT_HOLD] = { "held", change_hold },
	[QUEUE_ACT_RELEASE] = { "released", change_release }, [QUEUE_ACT_DELETE] = { "deleted", NULL },
	[QUEUE_ACT_BOUNCE] = { "bounced", change_bounce },    [QUEUE_ACT_ROUTE] = { "routed", change_route },
};

/* Gives how many recipients it was about. */
static size_t job_change(struct acting *k, const char *id, struct acted *a)
{
	struct queue *q = k->q;

	if (queue_slot_entry(a->slot)->aside != NULL || !actions[k->action].change(k, a))
		return 0;
	k->result = put_record(k, id, a);
	if (k->result < 0)
		return 0;
	queue_slot_bits(q, a->slot, (a->slot->bits & QUEUE_BIT_NOTICED) | a->r->try.bits);
	if (k->action == QUEUE_ACT_FLUSH) {
		queue_slot_due(q, a->slot, a->r->try.due_s);
		queue_dest_release(q, a->slot->dest);
	}
	queue_slot_place(q, a->slot, 0);
	return a->r->try.count;
}

/* --- recipients that go ------------------------------------------------------------ */

static size_t job_delete(struct acting *k, const char *id, struct acted *a)
{
	size_t all = a->r->try.count, left = 0;

	for (size_t i = 0; i < all; i++)
		if (queue_fits_recipient(k->f, &a->to[i]))
			queue_text_done(&k->lines, a->to[i].r.number);
		else
			a->to[left++] = a->to[i];
	a->r->try.count = left;
	k->result = left > 0 ? put_record(k, id, a) : del_record(k, id, a->r->try.number);
	if (k->result < 0)
		return 0;
	if (left > 0) {
		k->q->recipients -= a->slot->recipients - left;
		a->slot->recipients = (uint16_t)left;
	} else if (queue_slot_end(k->q, a->slot)) {
		queue_chore_unlink(k->chores, id);
		buf_reset(&k->lines);
	}
	return all - left;
}

/* One that nobody can read, with all that there is of it. */
static void delete_aside(struct acting *k, const struct queue_walked *w)
{
	for (size_t i = 0; i < w->count && k->result == 0; i++)
		k->result = del_record(k, w->id, w->jobs[i]);
	if (k->result < 0)
		return;
	queue_chore_unlink(k->chores, w->id);
	queue_entry_drop(k->q, w->entry);
}

/* --- an entry ----------------------------------------------------------------------- */

static size_t act_job(struct acting *k, const struct queue_walked *w, struct queue_record *r,
		      struct queue_slot *slot)
{
	struct acted a = { .slot = slot, .r = r };

	a.to = arena_array(w->memory, r->try.count + 1, sizeof(*a.to));
	if (a.to == NULL) {
		k->result = -ENOMEM;
		return 0;
	}
	for (size_t i = 0; i < r->try.count; i++)
		queue_record_next(r, &a.to[i]);
	return actions[k->action].change != NULL ? job_change(k, w->id, &a) : job_delete(k, w->id, &a);
}

static size_t act_jobs(struct acting *k, const struct queue_walked *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->count && k->result == 0; i++) {
		struct queue_record r = w->records[i];
		struct queue_slot *slot;

		/* The entry goes with its last job. */
		if (i > 0 && n > 0 && queue_find(k->q, w->id) == NULL)
			break;
		slot = queue_fits_job(k->f, w, &r);
		if (slot != NULL)
			n += act_job(k, w, &r, slot);
	}
	return n;
}

static bool act_entry(void *arg, const struct queue_walked *w)
{
	struct acting *k = arg;
	bool aside = w->entry != NULL && w->entry->aside != NULL, whole;
	size_t n = 0;

	if (w->entry == NULL || !queue_fits_head(k->f, w, &w->records[0].head))
		return true;
	buf_reset(&k->lines);
	whole = aside && (w->damaged || w->entry->left == 0) && queue_fits_any_job(k->f) &&
		(k->f->states == 0 || k->f->states & QUEUE_ASIDE);
	if (whole && k->action == QUEUE_ACT_DELETE)
		delete_aside(k, w);
	else
		n = act_jobs(k, w);
	if (n == 0 && !(whole && k->action == QUEUE_ACT_DELETE))
		return k->result == 0;
	queue_chore_append(k->chores, w->id, buf_span(&k->lines));
	k->changed = true;
	k->done->entries++;
	k->done->recipients += n;
	log_info("queue entry %s id=%s recipients=%zu", actions[k->action].done, w->id, n);
	return k->result == 0;
}

enum store_status queue_admin_act(struct store *s, const struct queue_filter *f, enum queue_action action,
				  struct span route, struct queue_cursor *at, struct queue_acted *done)
{
	struct queue *q = local_of(s)->queue;
	struct acting k = { .q = q, .f = f, .action = action, .route = route, .done = done };
	int r;

	if ((unsigned)action >= sizeof(actions) / sizeof(actions[0]) || route.n > QUEUE_DOMAIN_MAX ||
	    !queue_plain(route))
		return STORE_INVALID;
	k.chores = queue_chores_new(q->s);
	buf_init(&k.lines, 1024 * 1024);
	r = queue_walk(q, f, at, act_entry, &k);
	buf_clear(&k.lines);
	queue_chores_run_later(k.chores);
	return r < 0 || k.result < 0 ? STORE_TRY_LATER : STORE_OK;
}
