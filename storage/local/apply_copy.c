/*
 * apply_copy.c - COPY and MOVE, a slice at a time; the contract is in apply.h.
 *
 * The copies of a long one lie behind the target's UIDNEXT, where nobody looks, until the
 * last of them is there: the target's head is put into the index with that. After a crash
 * they are removed (dirty.c). Only then a MOVE begins to take the originals away.
 */
#include <errno.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/base/log.h"
#include "storage/local/apply.h"
#include "storage/local/walk.h"

/* The same keywords, as the target knows them; what it has no room for is left out. */
static uint64_t keyword_map(struct apply *ap, const struct mailbox *from, struct mailbox *to, uint64_t bits)
{
	uint64_t out = 0;

	for (size_t i = 0; i < from->keyword_count && bits != 0; i++) {
		int bit;

		if ((bits & (uint64_t)1 << i) == 0)
			continue;
		bit = mailbox_keyword(to, from->keywords[i]);
		if (bit < 0 && to->keyword_count < ap->s->o.keyword_limit &&
		    mailbox_add_keyword(to, from->keywords[i]) == 0)
			bit = (int)to->keyword_count - 1;
		if (bit >= 0)
			out |= (uint64_t)1 << bit;
	}
	return out;
}

/* 1: the source is there; 0: it went meanwhile, and is passed over. */
static int find_source(struct apply *ap, const struct step *step, const struct item *item,
		       struct message *message)
{
	char name[STORE_ACCOUNT_MAX * 4];
	int r = message_get(step->mailbox, item->from, message);

	if (r == -ENOENT)
		return 0;
	if (r < 0 || item->state == ITEM_LINKED)
		return r < 0 ? r : 1;
	log_error("store body missing account=%s mailbox=%08x uid=%u",
		  escape_text(name, sizeof(name), span_of(step->account->name)), step->mailbox->id,
		  item->from);
	commit_fail(ap->c, STORE_CORRUPT, "the body of UID %u is missing", item->from);
	return -ECANCELED;
}

static int copy_one(struct apply *ap, struct step *step, struct mailbox *to, struct item *item)
{
	struct mailbox *from = step->mailbox;
	struct message message;
	int r = find_source(ap, step, item, &message);

	if (r <= 0)
		return r;
	message.r.uid = item->to;
	message.r.modseq = step->modseq;
	message.r.saved_s = ap->now_s;
	message.r.keywords = keyword_map(ap, from, to, message.r.keywords);
	r = apply_come_in(ap, step, to, &message);
	if (r < 0)
		return r;
	item->state = ITEM_TAKEN;
	ranges_add(&step->from, item->from, item->from);
	return 0;
}

/* A slice of the copies. 1: there are more. */
static int copy_some(struct apply *ap, struct step *step, struct mailbox *to)
{
	int r = apply_check_there(ap, step->mailbox);

	if (r == 0)
		r = apply_check_there(ap, to);
	if (r == 0)
		r = apply_touch(ap, to);
	if (r == 0 && step->modseq == 0 && step->item_count > 0)
		step->modseq = ++to->head.modseq;
	for (; r == 0 && step->item_at < step->item_count; step->item_at++) {
		if (ap->budget == 0) {
			ap->hidden = true;
			return 1;
		}
		ap->budget--;
		r = copy_one(ap, step, to, &step->items[step->item_at]);
	}
	if (r < 0)
		return r;
	step->copied = true;
	step->r.uidvalidity = to->head.uidvalidity;
	step->r.modseq = step->modseq;
	step->modseq = 0;
	if (step->to.count == 0)
		return 0;
	return apply_log_added(ap, to, step->to.at[0].first, step->to.at[step->to.count - 1].last);
}

/* One that goes in slices is asked when it begins, for those can't be taken back. */
int apply_copy(struct apply *ap, struct step *step)
{
	bool whole = step->item_at == 0;
	int r = whole && step->item_count > 0 ? apply_quota(ap, step, 0, 1) : 0;

	if (r == 0)
		r = copy_some(ap, step, step->target);
	return r == 0 && whole ? apply_quota(ap, step, 0, 0) : r;
}

int apply_move(struct apply *ap, struct step *step)
{
	int r = 0;

	if (!step->copied)
		r = copy_some(ap, step, step->target);
	return r == 0 ? apply_take_away(ap, step, ranges_set(&step->from)) : r;
}

/* RENAME of INBOX moves its messages (RFC 9051 6.3.6) to the fresh mailbox, which comes
 * among the others when they are all in it. */
int apply_move_out(struct apply *ap, struct step *step, int (*insert)(struct apply *ap, struct step *step))
{
	int r = 0;

	if (!step->copied) {
		r = copy_some(ap, step, step->fresh);
		if (r == 0)
			r = insert(ap, step);
		if (r == 0)
			r = apply_copy_annotations(ap, step->mailbox, step->fresh);
	}
	return r == 0 ? apply_take_away(ap, step, ranges_set(&step->from)) : r;
}
