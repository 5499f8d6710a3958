/* queue_admin.c - what waits is shown; the contract is in queue_admin.h. */
#include "storage/local/queue_admin.h"

#include "storage/local/queue_walk.h"

struct listing {
	struct queue *q;
	const struct queue_filter *f;
	size_t max, shown;
	queue_show show;
	void *arg;
	bool failed;
};

static void show_recipient(struct queue_shown_recipient *out, const struct queue_slot *slot,
			   const struct queue_record *r, const struct queue_to *to)
{
	const struct queue_dest *d = slot->dest;

	*out = (struct queue_shown_recipient){
		.to = to->r.to,
		.number = to->r.number,
		.job = r->try.number,
		.state = queue_slot_state(slot),
		.bounce = (slot->bits & QUEUE_BIT_BOUNCE) != 0,
		.noticed = (slot->bits & QUEUE_BIT_NOTICED) != 0,
		.attempts = r->try.attempts,
		.next_s = queue_slot_due_s(slot),
		.domain = r->try.domain,
		.domain_until_s = d->not_before_s > queue_now_s() ? d->not_before_s : 0,
		.domain_words = span_of(d->words),
		.route = r->try.route,
		.tried_s = r->try.tried_s,
		.status = to->status,
		.words = to->words,
		.host = to->host,
	};
}

/* The recipients that wait and fit. */
static void show_jobs(const struct listing *k, const struct queue_walked *w, struct queue_shown *shown,
		      struct queue_shown_recipient *out)
{
	for (size_t i = 0; i < w->count; i++) {
		struct queue_record r = w->records[i];
		const struct queue_slot *slot = queue_fits_job(k->f, w, &r);
		struct queue_to to;

		for (size_t j = 0; j < r.try.count && slot != NULL; j++) {
			queue_record_next(&r, &to);
			if (queue_fits_recipient(k->f, &to))
				show_recipient(&out[shown->count++], slot, &r, &to);
		}
	}
}

/* One of which little is known. */
static bool shown_aside(const struct listing *k, const struct queue_walked *w)
{
	return w->entry != NULL && w->entry->aside != NULL && queue_fits_any_job(k->f) &&
	       (k->f->states == 0 || k->f->states & QUEUE_ASIDE);
}

static bool list_entry(void *arg, const struct queue_walked *w)
{
	const struct queue_head *h = &w->records[0].head;
	struct listing *k = arg;
	struct queue_shown shown = { .envelope = h->envelope, .created_s = h->created_s, .size = h->size };
	struct queue_shown_recipient *out;
	size_t most = 1;

	for (size_t i = 0; i < w->count; i++)
		most += w->records[i].try.count;
	out = arena_array(w->memory, most, sizeof(*out));
	if (out == NULL) {
		k->failed = true;
		return false;
	}
	if (!queue_fits_head(k->f, w, h))
		return true;
	shown.envelope.id = w->id;
	shown.aside = w->entry != NULL ? w->entry->aside : NULL;
	shown.recipients = out;
	show_jobs(k, w, &shown, out);
	if (shown.count == 0 && !shown_aside(k, w))
		return true;
	k->show(k->arg, &shown);
	return ++k->shown < k->max;
}

enum store_status queue_admin_list(struct store *s, const struct queue_filter *f, struct queue_cursor *at,
				   size_t max, queue_show show, void *arg)
{
	struct queue *q = local_of(s)->queue;
	struct listing k = { .q = q, .f = f, .max = max, .show = show, .arg = arg };

	return queue_walk(q, f, at, list_entry, &k) < 0 || k.failed ? STORE_TRY_LATER : STORE_OK;
}
