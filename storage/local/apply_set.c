/* apply_set.c - flags change and messages go, a slice at a time; the contract is in apply.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/local/apply.h"
#include "storage/local/walk.h"

/* The next of the walk, while the slice has room. 1, or 0 at the end of either. */
static int walk_some(struct apply *ap, struct walk *walk, struct message *message)
{
	if (ap->budget == 0)
		return 0;
	ap->budget--;
	return walk_next(walk, message);
}

/* Ends a slice. 1: the set has more. */
static int walk_leave(const struct apply *ap, struct step *step, struct walk *walk, int r)
{
	step->walk_at = walk->at;
	walk_close(walk);
	return r == 0 && ap->budget == 0 ? 1 : r;
}

/* All that a step changes in a mailbox gets one mod-sequence, whatever slices it takes. */
static uint64_t step_modseq(struct step *step, struct mailbox *m)
{
	if (step->modseq == 0)
		step->modseq = ++m->head.modseq;
	return step->modseq;
}

/* --- flags ----------------------------------------------------------------- */

/* What the change makes of a message's flags and keywords. */
static void flags_after(const struct step *step, struct store_record *r)
{
	const struct store_mutation *m = &step->m;

	switch (m->how) {
	case STORE_FLAGS_REPLACE:
		r->flags = m->flags;
		r->keywords = step->bits;
		return;
	case STORE_FLAGS_ADD:
		r->flags |= m->flags;
		r->keywords |= step->bits;
		return;
	case STORE_FLAGS_REMOVE:
		r->flags &= ~m->flags;
		r->keywords &= ~step->bits;
		return;
	}
}

static int change_one(struct apply *ap, struct step *step, struct message *message)
{
	struct mailbox *m = step->mailbox;
	struct store_record after = message->r;

	/* RFC 7162 3.1.3: what was changed since is left alone, and told */
	if (step->m.unchanged_since > 0 && message->r.modseq > step->m.unchanged_since) {
		ranges_add(&step->skipped, message->r.uid, message->r.uid);
		return 0;
	}
	flags_after(step, &after);
	if (after.flags == message->r.flags && after.keywords == message->r.keywords)
		return 0;
	after.modseq = step_modseq(step, m);
	apply_count_out(&m->head, &message->r);
	apply_count_in(&m->head, &after);
	message->r = after;
	ranges_add(&step->changed, after.uid, after.uid);
	m->flags_stale = true;
	return apply_put_message(ap, m, message);
}

int apply_flags(struct apply *ap, struct step *step)
{
	struct mailbox *m = step->mailbox;
	struct message message;
	struct walk walk;
	int r = apply_check_there(ap, m);

	if (r == 0)
		r = apply_touch(ap, m);
	if (r == 0 && step->walk_at == 0)
		r = apply_keywords(ap, m, &step->m, &step->bits);
	if (r < 0)
		return r;
	walk_open(&walk, m, step->m.uids, step->walk_at);
	while ((r = walk_some(ap, &walk, &message)) > 0) {
		r = change_one(ap, step, &message);
		if (r < 0)
			break;
	}
	r = walk_leave(ap, step, &walk, r);
	step->r.modseq = step->modseq;
	if (r == 0 && step->changed.count > 0)
		r = apply_log(ap, m, LOG_CHANGED, &step->changed);
	return r;
}

/* --- messages that go ------------------------------------------------------ */

/* The folder will hold names that the index does not know: it must say so. */
static int mark_source(struct apply *ap, struct step *step, struct mailbox *m)
{
	struct key k;
	int r;

	if (!step->out.held) {
		step->out.held = true;
		m->holds++;
	}
	if (m->mark != MARK_NONE)
		return 0;
	key_mailbox(&k, KEY_DIRTY, m->account->record.number, m->id);
	r = apply_put(ap, &k, (struct span){ NULL, 0 });
	if (r < 0)
		return r;
	m->mark = MARK_SET;
	return apply_note(ap, UNDO_MARK, m, NULL, (struct span){ NULL, 0 });
}

static int note_dead(struct step *step, const struct store_record *r)
{
	if (step->dead_count == step->dead_room) {
		size_t room = step->dead_room > 0 ? step->dead_room * 2 : 4;
		struct item *more = realloc(step->dead, room * sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		step->dead = more;
		step->dead_room = room;
	}
	step->dead[step->dead_count] = (struct item){ .to = r->uid };
	memcpy(step->dead[step->dead_count++].guid, r->guid, STORE_GUID);
	ranges_add(&step->vanished, r->uid, r->uid);
	return 0;
}

static int take_away(struct apply *ap, struct step *step, struct mailbox *m, const struct store_record *r)
{
	struct key k;
	int error = 0;

	if (step->vanished.count == 0) {
		error = mark_source(ap, step, m);
		step->modseq = ++m->head.modseq;
		m->head.expunges++;
	}
	key_record(&k, m->account->record.number, m->id, r->uid);
	if (error == 0)
		error = apply_del(ap, &k);
	if (error < 0)
		return error;
	apply_count_out(&m->head, r);
	return note_dead(step, r);
}

int apply_take_away(struct apply *ap, struct step *step, struct store_set set)
{
	struct mailbox *m = step->mailbox;
	struct message message;
	struct walk walk;
	int r = apply_touch(ap, m);

	if (r < 0 || set.count == 0)
		return r;
	walk_open(&walk, m, set, step->walk_at);
	while ((r = walk_some(ap, &walk, &message)) > 0) {
		if (step->m.only_deleted && (message.r.flags & STORE_DELETED) == 0)
			continue;
		r = take_away(ap, step, m, &message.r);
		if (r < 0)
			break;
	}
	r = walk_leave(ap, step, &walk, r);
	if (r != 0 || step->vanished.count == 0)
		return r;
	uids_removed(m, &step->vanished);
	return apply_log(ap, m, LOG_VANISHED, &step->vanished);
}

int apply_expunge(struct apply *ap, struct step *step)
{
	int r = apply_check_there(ap, step->mailbox);

	if (r == 0)
		r = apply_take_away(ap, step, step->m.uids);
	step->r.modseq = step->modseq;
	return r;
}
