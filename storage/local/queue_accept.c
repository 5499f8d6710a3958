/* queue_accept.c - a delivery's remotes become an entry of the queue; the contract is in queue.h. */
#include <errno.h>
#include <string.h>

#include "storage/local/files.h"
#include "storage/local/queue.h"
#include "storage/local/queue_text.h"
#include "storage/local/stage.h"

/* --- checks and copies ------------------------------------------------------- */

static bool text_fits(struct span s)
{
	return s.n <= QUEUE_TEXT_MAX && queue_plain(s);
}

static bool copy(struct arena *memory, struct span in, struct span *out)
{
	*out = in.n > 0 ? arena_copy(memory, in) : (struct span){ NULL, 0 };
	return in.n == 0 || out->p != NULL;
}

static bool remote_valid(const struct store_remote *to)
{
	return to->address.n > 0 && text_fits(to->address) && text_fits(to->sender) &&
	       text_fits(to->original) && text_fits(to->orcpt) && to->notify < 2 * STORE_NOTIFY_NEVER;
}

static bool envelope_valid(const struct store_envelope *e)
{
	return e != NULL && e->id != NULL && queue_id_valid(span_of(e->id)) &&
	       e->account.n < STORE_ACCOUNT_MAX && queue_plain(e->account) && text_fits(e->envid) &&
	       e->flags <= STORE_MAIL_FLAGS;
}

static bool copy_remote(struct arena *memory, const struct store_remote *from, struct store_remote *to)
{
	*to = *from;
	return copy(memory, from->address, &to->address) && copy(memory, from->sender, &to->sender) &&
	       copy(memory, from->original, &to->original) && copy(memory, from->orcpt, &to->orcpt);
}

/* A Message-ID that is too long is cut: it is for people. */
static bool copy_envelope(struct arena *memory, const struct store_envelope *from, struct queue_head *h)
{
	struct span message_id = from->message_id;

	if (message_id.n > QUEUE_TEXT_MAX)
		message_id.n = QUEUE_TEXT_MAX;
	memcpy(h->id, from->id, strlen(from->id) + 1);
	h->envelope.flags = from->flags;
	return copy(memory, from->account, &h->envelope.account) &&
	       copy(memory, from->envid, &h->envelope.envid) &&
	       copy(memory, message_id, &h->envelope.message_id);
}

static int letter_fill(struct queue_letter *l, struct arena *memory, const struct store_delivery *d)
{
	l->count = d->remote_count;
	l->to = arena_array(memory, l->count, sizeof(*l->to));
	if (l->to == NULL || !copy_envelope(memory, d->envelope, &l->head))
		return -ENOMEM;
	for (size_t i = 0; i < l->count; i++) {
		if (!remote_valid(&d->remotes[i]))
			return -EINVAL;
		l->to[i].r.number = (uint32_t)i;
		if (!copy_remote(memory, &d->remotes[i], &l->to[i].r.to))
			return -ENOMEM;
	}
	return queue_letter_group(l, memory);
}

static struct queue_work *work_of(struct commit *c)
{
	if (c->queue == NULL)
		c->queue = arena_alloc(c->arena, sizeof(*c->queue));
	if (c->queue == NULL)
		local_die("a change can't be kept", -ENOMEM);
	return c->queue;
}

void queue_accept(struct commit *c, const struct store_delivery *d)
{
	struct queue_letter *l;
	int r;

	if (d->remote_count == 0 || c->status != STORE_OK)
		return;
	if (!envelope_valid(d->envelope)) {
		commit_fail(c, STORE_INVALID, "an envelope that can't be");
		return;
	}
	l = arena_alloc(c->arena, sizeof(*l));
	r = l != NULL ? letter_fill(l, c->arena, d) : -ENOMEM;
	if (r < 0) {
		commit_fail(c, r == -EINVAL ? STORE_INVALID : STORE_TRY_LATER,
			    r == -EINVAL ? "a recipient that can't be" : "no memory");
		return;
	}
	work_of(c)->letter = l;
}

/* --- the commit -------------------------------------------------------------- */

/* What is told of an entry stands in its place: a report is always taken. */
static bool queue_is_full(const struct commit *c)
{
	const struct local *s = c->call.s;

	return s->o.queue_limit > 0 && s->queue->entries >= s->o.queue_limit && c->queue->report == NULL &&
	       (c->queue->letter->head.envelope.flags & STORE_MAIL_REPORT) == 0;
}

void queue_prepare(struct commit *c)
{
	struct queue_letter *l = c->queue != NULL ? c->queue->letter : NULL;
	struct buf text;

	if (l == NULL || c->status != STORE_OK)
		return;
	if (queue_is_full(c)) {
		commit_fail(c, STORE_TRY_LATER, "the queue is full");
		return;
	}
	l->head.size = stage_size((struct store_stage *)c->stage);
	l->head.created_s = queue_now_s();
	for (uint32_t i = 0; i < l->head.tries; i++)
		l->tries[i].due_s = l->head.created_s;
	buf_init(&text, QUEUE_FILE_MAX);
	queue_text_write(&text, l);
	if (text.failed || !copy(c->arena, buf_span(&text), &c->queue->text))
		commit_fail(c, STORE_TRY_LATER, "no memory");
	buf_clear(&text);
	c->links = true;
}

static int apply_letter(struct commit *c)
{
	const struct queue_letter *l = c->queue->letter;
	struct local *s = c->call.s;
	int r = 0;

	if (queue_find(s->queue, l->head.id) != NULL) {
		commit_fail(c, STORE_EXISTS, "an entry of that name waits already");
		return -ECANCELED;
	}
	for (uint32_t i = 0; i < l->head.tries && r == 0; i++) {
		struct buf *value = local_value(s);
		struct key k;

		queue_record_encode(value, &l->head, &l->tries[i], l->to + l->tries[i].first);
		key_queue(&k, span_of(l->head.id), i);
		r = value->failed ? -ENOMEM : kv_put(s->kv, key_span(&k), buf_span(value));
	}
	return r;
}

int queue_apply(struct commit *c)
{
	int r = 0;

	if (c->queue == NULL)
		return 0;
	if (c->queue->report != NULL)
		r = queue_report_apply(c);
	return r == 0 && c->queue->letter != NULL ? apply_letter(c) : r;
}

/* It is on disk: it waits from now on. */
static void letter_enter(struct queue *q, const struct queue_letter *l)
{
	struct queue_entry *e = queue_entry_add(q, l->head.id, l->head.created_s, l->head.tries);

	for (uint32_t i = 0; i < l->head.tries; i++)
		queue_slot_fill(q, e, &l->tries[i]);
	for (uint32_t i = 0; i < l->head.tries; i++)
		queue_slot_rest(q, &e->slot[i]);
}

void queue_end(struct commit *c, bool done)
{
	struct queue_work *w = c->queue;
	struct queue_chores *chores;

	if (w == NULL)
		return;
	if (w->report != NULL)
		queue_report_end(c, done);
	if (w->letter == NULL)
		return;
	if (done) {
		letter_enter(c->call.s->queue, w->letter);
		return;
	}
	if (!w->has_mail && !w->has_text)
		return;
	chores = queue_chores_new(c->call.s);
	queue_chore_unlink(chores, w->letter->head.id);
	queue_chores_run(chores);
}
