/* apply.c - one commit into the index: transaction, undo, and which function does what. */
#include "storage/local/apply.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "common/base/clock.h"
#include "storage/local/intent.h"
#include "storage/local/queue.h"
#include "storage/local/result.h"

enum { APPLY_SLICE = 2 * TURN_RECORDS }; /* records of a commit that is done in one turn */

static int (*const changes[])(struct apply *ap, struct step *step) = {
	[STORE_APPEND] = apply_append,       [STORE_SET_FLAGS] = apply_flags,
	[STORE_EXPUNGE] = apply_expunge,     [STORE_COPY] = apply_copy,
	[STORE_MOVE] = apply_move,           [STORE_CREATE] = apply_create,
	[STORE_DELETE] = apply_delete,       [STORE_RENAME] = apply_rename,
	[STORE_SUBSCRIBE] = apply_subscribe, [STORE_UNSUBSCRIBE] = apply_unsubscribe,
	[STORE_SET_UIDVALIDITY] = apply_uidvalidity, [STORE_ANNOTATE] = apply_annotate,
};

/* --- undo ------------------------------------------------------------------ */

static void undo_one(const struct undo *u)
{
	struct mailbox *m = u->mailbox;

	switch (u->kind) {
	case UNDO_HEAD:
		m->head = u->head;
		mailbox_cut_keywords(m, u->keywords);
		uids_forget(m);
		return;
	case UNDO_INSERT:
		mailbox_remove(m);
		return;
	case UNDO_REMOVE:
		m->gone = false;
		mailbox_insert(m); /* into the room that it left */
		return;
	case UNDO_RENAME:
		mailbox_rename(m, u->name);
		return;
	case UNDO_ABSENT_ADD:
		absent_remove(u->account, u->name);
		return;
	case UNDO_ABSENT_REMOVE:
		absent_add(u->account, u->name);
		return;
	case UNDO_MARK:
		m->mark = MARK_NONE;
		return;
	}
}

static void apply_undo(struct apply *ap)
{
	while (ap->undo != NULL) {
		undo_one(ap->undo);
		ap->undo = ap->undo->before;
	}
}

static struct undo *undo_new(struct apply *ap, enum undo_kind kind)
{
	struct undo *u = arena_alloc(ap->c->arena, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->kind = kind;
	u->before = ap->undo;
	ap->undo = u;
	return u;
}

int apply_touch(struct apply *ap, struct mailbox *m)
{
	struct undo *u;

	for (u = ap->undo; u != NULL; u = u->before)
		if (u->kind == UNDO_HEAD && u->mailbox == m)
			return 0;
	u = undo_new(ap, UNDO_HEAD);
	if (u == NULL)
		return -ENOMEM;
	u->mailbox = m;
	u->head = m->head;
	u->keywords = m->keyword_count;
	return 0;
}

int apply_note(struct apply *ap, enum undo_kind kind, struct mailbox *m, struct account *a, struct span name)
{
	const struct undo now = { .kind = kind, .mailbox = m, .account = a, .name = name };
	struct undo *u = undo_new(ap, kind);

	if (u == NULL) {
		undo_one(&now);
		return -ENOMEM;
	}
	u->mailbox = m;
	u->account = a;
	u->name = name;
	return 0;
}

/* --- the transaction ------------------------------------------------------- */

int apply_put(struct apply *ap, const struct key *k, struct span value)
{
	return kv_put(ap->s->kv, key_span(k), value);
}

int apply_del(struct apply *ap, const struct key *k)
{
	return kv_del(ap->s->kv, key_span(k));
}

/* The heads that were touched, and keywords that are new. */
static int put_heads(struct apply *ap)
{
	int r = 0;

	for (struct undo *u = ap->undo; u != NULL && r == 0; u = u->before) {
		if (u->kind != UNDO_HEAD || u->mailbox->gone)
			continue;
		r = mailbox_put(u->mailbox);
		if (r == 0 && u->mailbox->keyword_count != u->keywords)
			r = mailbox_put_keywords(u->mailbox);
	}
	return r;
}

static int put_txid(struct apply *ap)
{
	struct commit *c = ap->c;
	struct buf result;
	int r;

	if (!c->has_txid)
		return 0;
	buf_init(&result, 4 * 1024 * 1024);
	result_encode(c, &result);
	r = result.failed ? -ENOMEM : txids_put(ap->s->txids, &c->txid, buf_span(&result));
	buf_clear(&result);
	return r;
}

static int apply_step(struct apply *ap, struct step *step)
{
	if (step->kind == STEP_META)
		return apply_meta(ap, step);
	return changes[step->m.change](ap, step);
}

static int apply_steps(struct apply *ap)
{
	struct commit *c = ap->c;
	int r = apply_delivery_quota(ap);

	for (size_t i = 0; i < c->step_count && r == 0; i++) {
		struct step *step = &c->steps[i];

		r = apply_step(ap, step);
		if (r >= 0 && (step->from.failed || step->to.failed || step->skipped.failed ||
			       step->vanished.failed || step->changed.failed))
			r = -ENOMEM;
	}
	return r == 0 ? queue_apply(c) : r;
}

/* What stands behind the slice in the same transaction. more: the value of apply_steps. */
static int slice_end(struct apply *ap, int more)
{
	int r = ap->hidden ? 0 : put_heads(ap);

	if (r == 0 && more == 0)
		r = ap->c->intent_put ? intent_del(ap->c) : 0;
	else if (r == 0 && !ap->hidden)
		r = intent_put(ap->c);
	if (r == 0 && more == 0)
		r = put_txid(ap);
	return r;
}

/* What an attempt has left in the steps. */
static void steps_reset(struct commit *c)
{
	for (size_t i = 0; i < c->step_count; i++) {
		struct step *step = &c->steps[i];

		ranges_reset(&step->from);
		ranges_reset(&step->to);
		ranges_reset(&step->skipped);
		ranges_reset(&step->vanished);
		ranges_reset(&step->changed);
		step->dead_count = 0;
		step->walk_at = 0;
		step->item_at = 0;
		step->modseq = 0;
		step->copied = false;
		step->r = (struct store_result){ 0 };
		mailbox_release(step->removed);
		step->removed = NULL;
		for (size_t j = 0; j < step->item_count; j++)
			if (step->items[j].state == ITEM_TAKEN)
				step->items[j].state = ITEM_LINKED;
	}
}

int apply_slice(struct commit *c, unsigned budget)
{
	struct apply ap = { .s = c->call.s, .c = c, .now_s = clock_real_ms() / 1000, .budget = budget };
	int r = kv_begin(ap.s->kv), more = 0;

	if (r == 0) {
		more = apply_steps(&ap);
		r = more < 0 ? more : slice_end(&ap, more);
		if (r == 0)
			r = kv_commit(ap.s->kv);
		else
			kv_abort(ap.s->kv);
	}
	if (r < 0) {
		apply_undo(&ap);
		return local_index(ap.s, r);
	}
	c->intent_put = more == 1 && !ap.hidden;
	if (more == 0 && c->has_txid)
		txids_keep(ap.s->txids, &c->txid);
	return more;
}

bool apply_commit(struct commit *c)
{
	struct local *s = c->call.s;
	/* One of several changes is not cut: they are small in practice, and all or nothing. */
	unsigned budget = c->step_count == 1 ? APPLY_SLICE : UINT_MAX;
	int r = apply_slice(c, budget);

	if (r == -ENOSPC && space_release(s->space) == 0) {
		steps_reset(c);
		r = apply_slice(c, budget);
	}
	if (r < 0) {
		steps_reset(c);
		if (r != -ECANCELED)
			commit_fail_errno(c, r, "the index can't be changed");
	}
	return r == 1;
}
