/* apply_messages.c - messages come, change and go, in the transaction of apply.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/base/log.h"
#include "storage/local/apply.h"
#include "storage/local/walk.h"
#include "storage/meta.h"

enum { LOG_MAX = 65536 };	/* entries of a mailbox's log */

/* --- counters -------------------------------------------------------------- */

static void count_in(struct head *h, const struct store_record *r)
{
	h->exists++;
	h->size += r->size;
	h->deleted += (r->flags & STORE_DELETED) != 0;
	if (r->flags & STORE_SEEN)
		return;
	if (h->unseen == 0 || r->uid < h->unseen_hint)
		h->unseen_hint = r->uid;
	h->unseen++;
}

static void count_out(struct head *h, const struct store_record *r)
{
	h->exists--;
	h->size -= r->size;
	h->deleted -= (r->flags & STORE_DELETED) != 0;
	h->unseen -= (r->flags & STORE_SEEN) == 0;
}

static int put_message(struct apply *ap, const struct mailbox *m, const struct message *message)
{
	struct buf *value = local_value(ap->s);
	struct key k;

	key_record(&k, m->account->record.number, m->id, message->r.uid);
	message_encode(value, message);
	return value->failed ? -ENOMEM : apply_put(ap, &k, buf_span(value));
}

static int del_message(struct apply *ap, const struct mailbox *m, uint32_t uid)
{
	struct key k;

	key_record(&k, m->account->record.number, m->id, uid);
	return apply_del(ap, &k);
}

/* --- the log of changes ---------------------------------------------------- */

/* The oldest entries go when there are too many: who asks for what was before them gets
 * all (sync.c). */
static int log_trim(struct apply *ap, struct mailbox *m)
{
	uint32_t number = m->account->record.number;
	struct key from, end;
	struct span key, value;
	struct kv_scan *scan;
	int r = 1, n = 0;

	if (m->head.log_count <= LOG_MAX)
		return 0;
	key_mailbox(&from, KEY_LOG, number, m->id);
	key_end(&end, &from);
	scan = kv_scan_open(ap->s->kv, key_span(&from), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	while (n < 2 && (r = kv_scan_next(scan, &key, &value)) > 0) {
		m->head.log_floor = key_get_modseq(key);
		m->head.log_count--;
		r = kv_del(ap->s->kv, key);
		if (r < 0)
			break;
		n++;
	}
	kv_scan_close(scan);
	return r < 0 ? r : 0;
}

static int log_put(struct apply *ap, struct mailbox *m, enum log_kind kind, const struct ranges *r)
{
	struct buf *value = local_value(ap->s);
	struct key k;
	int error;

	key_log(&k, m->account->record.number, m->id, m->head.modseq, kind);
	log_encode(value, ap->now_s, r);
	error = value->failed ? -ENOMEM : apply_put(ap, &k, buf_span(value));
	m->head.log_count++;
	return error == 0 ? log_trim(ap, m) : error;
}

static int log_put_added(struct apply *ap, struct mailbox *m, uint32_t first, uint32_t last)
{
	struct store_range range = { first, last };
	const struct ranges added = { .at = &range, .count = 1 };

	return log_put(ap, m, LOG_CHANGED, &added);
}

/* --- keywords -------------------------------------------------------------- */

/* The bits of the names; those that are new get the next ones. */
static int keyword_bits(struct apply *ap, struct mailbox *m, const struct store_mutation *change, uint64_t *bits)
{
	*bits = 0;
	for (size_t i = 0; i < change->keyword_count; i++) {
		int bit = mailbox_keyword(m, change->keywords[i]);

		if (bit < 0 && change->change == STORE_SET_FLAGS && change->how == STORE_FLAGS_REMOVE)
			continue;
		if (bit < 0 && m->keyword_count >= ap->s->o.keyword_limit) {
			commit_fail(ap->c, STORE_LIMIT, "the mailbox has its %zu keywords", m->keyword_count);
			return -ECANCELED;
		}
		if (bit < 0) {
			bit = (int)m->keyword_count;
			if (mailbox_add_keyword(m, change->keywords[i]) < 0)
				return -ENOMEM;
		}
		*bits |= (uint64_t)1 << bit;
	}
	return 0;
}

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

/* --- names that go --------------------------------------------------------- */

/* The folder will hold a name that the index does not know: it must say so. */
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
	int error = del_message(ap, m, r->uid);

	if (error < 0)
		return error;
	count_out(&m->head, r);
	return note_dead(step, r);
}

/* After all of them: the tombstones. */
static int tell_vanished(struct apply *ap, struct step *step, struct mailbox *m)
{
	int r;

	if (step->vanished.count == 0)
		return 0;
	r = mark_source(ap, step, m);
	if (r < 0)
		return r;
	m->head.modseq++;
	m->head.expunges++;
	uids_removed(m, &step->vanished);
	return log_put(ap, m, LOG_VANISHED, &step->vanished);
}

/* --- the changes ----------------------------------------------------------- */

static int check_there(struct apply *ap, const struct mailbox *m)
{
	if (!m->gone)
		return 0;
	commit_fail(ap->c, STORE_NOT_FOUND, "the mailbox was deleted");
	return -ECANCELED;
}

/* A message that stands in its place on disk becomes visible. */
static int come_in(struct apply *ap, struct step *step, struct mailbox *m, const struct message *message)
{
	int r = put_message(ap, m, message);

	if (r < 0)
		return r;
	count_in(&m->head, &message->r);
	m->head.uidnext = message->r.uid + 1;
	uids_added(m, message->r.uid);
	ranges_add(&step->to, message->r.uid, message->r.uid);
	m->flags_stale |= message->r.flags != 0 || message->r.keywords != 0;
	return 0;
}

static int keep_derived(struct step *step)
{
	struct account *a = step->account;
	uint64_t end = step->derived_at + STORE_META_HEADER + step->m.meta.n;

	if (step->m.meta.n == 0 || end <= a->record.derived_end)
		return 0;
	a->record.derived_end = end;	/* too far, if the transaction fails: a hole */
	return account_put(a);
}

int apply_append(struct apply *ap, struct step *step)
{
	struct mailbox *m = step->into.mailbox;
	struct message *message = &step->message;
	int r = check_there(ap, m);

	if (r == 0)
		r = apply_touch(ap, m);
	if (r == 0)
		r = keyword_bits(ap, m, &step->m, &message->r.keywords);
	if (r < 0)
		return r;
	message->r.uid = step->items[0].to;
	message->r.modseq = ++m->head.modseq;
	message->r.saved_s = ap->now_s;
	step->items[0].state = ITEM_TAKEN;
	r = come_in(ap, step, m, message);
	if (r == 0)
		r = log_put_added(ap, m, message->r.uid, message->r.uid);
	step->r.mailbox = m->id;
	step->r.uidvalidity = m->head.uidvalidity;
	step->r.modseq = m->head.modseq;
	return r == 0 ? keep_derived(step) : r;
}

/* What the change makes of a message's flags and keywords. */
static void flags_after(const struct store_mutation *m, uint64_t bits, struct store_record *r)
{
	switch (m->how) {
	case STORE_FLAGS_REPLACE:
		r->flags = m->flags;
		r->keywords = bits;
		return;
	case STORE_FLAGS_ADD:
		r->flags |= m->flags;
		r->keywords |= bits;
		return;
	case STORE_FLAGS_REMOVE:
		r->flags &= ~m->flags;
		r->keywords &= ~bits;
		return;
	}
}

static int change_one(struct apply *ap, struct mailbox *m, struct message *message, const struct store_record *after)
{
	struct head *h = &m->head;

	count_out(h, &message->r);
	message->r.flags = after->flags;
	message->r.keywords = after->keywords;
	message->r.modseq = h->modseq + 1;
	count_in(h, &message->r);
	return put_message(ap, m, message);
}

int apply_flags(struct apply *ap, struct step *step)
{
	struct mailbox *m = step->mailbox;
	struct ranges changed;
	struct message message;
	struct walk walk;
	uint64_t bits;
	int r = check_there(ap, m);

	if (r == 0)
		r = apply_touch(ap, m);
	if (r == 0)
		r = keyword_bits(ap, m, &step->m, &bits);
	if (r < 0)
		return r;
	ranges_init(&changed);
	walk_open(&walk, m, step->m.uids, 1);
	while ((r = walk_next(&walk, &message)) > 0) {
		struct store_record after = message.r;

		flags_after(&step->m, bits, &after);
		/* RFC 7162 3.1.3: what was changed since is left alone, and told */
		if (step->m.unchanged_since > 0 && message.r.modseq > step->m.unchanged_since) {
			ranges_add(&step->skipped, message.r.uid, message.r.uid);
			continue;
		}
		if (after.flags == message.r.flags && after.keywords == message.r.keywords)
			continue;
		ranges_add(&changed, message.r.uid, message.r.uid);
		r = change_one(ap, m, &message, &after);
		if (r < 0)
			break;
	}
	walk_close(&walk);
	if (r == 0 && changed.count > 0) {
		step->r.modseq = ++m->head.modseq;
		r = changed.failed ? -ENOMEM : log_put(ap, m, LOG_CHANGED, &changed);
	}
	m->flags_stale |= changed.count > 0;
	ranges_clear(&changed);
	return r;
}

int apply_expunge(struct apply *ap, struct step *step)
{
	struct mailbox *m = step->mailbox;
	struct message message;
	struct walk walk;
	int r = check_there(ap, m);

	if (r == 0)
		r = apply_touch(ap, m);
	if (r < 0)
		return r;
	walk_open(&walk, m, step->m.uids, 1);
	while ((r = walk_next(&walk, &message)) > 0) {
		if (step->m.only_deleted && (message.r.flags & STORE_DELETED) == 0)
			continue;
		r = take_away(ap, step, m, &message.r);
		if (r < 0)
			break;
	}
	walk_close(&walk);
	if (r == 0)
		r = tell_vanished(ap, step, m);
	if (r == 0 && step->vanished.count > 0)
		step->r.modseq = m->head.modseq;
	return r;
}

/* 1: the source is there; 0: it went meanwhile, and is passed over. */
static int find_source(struct apply *ap, const struct step *step, const struct item *item, struct message *message)
{
	char name[STORE_ACCOUNT_MAX * 4];
	int r = message_get(step->mailbox, item->from, message);

	if (r == -ENOENT)
		return 0;
	if (r < 0 || item->state == ITEM_LINKED)
		return r < 0 ? r : 1;
	log_error("store body missing account=%s mailbox=%08x uid=%u",
		  escape_text(name, sizeof(name), span_of(step->account->name)), step->mailbox->id, item->from);
	commit_fail(ap->c, STORE_CORRUPT, "the body of UID %u is missing", item->from);
	return -ECANCELED;
}

static int copy_items(struct apply *ap, struct step *step, struct mailbox *from, struct mailbox *to)
{
	uint64_t modseq = to->head.modseq + 1;
	struct message message;
	int r = 0;

	for (size_t i = 0; i < step->item_count; i++) {
		struct item *item = &step->items[i];
		struct store_record source;

		r = find_source(ap, step, item, &message);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		source = message.r;
		message.r.uid = item->to;
		message.r.modseq = modseq;
		message.r.saved_s = ap->now_s;
		message.r.keywords = keyword_map(ap, from, to, source.keywords);
		r = come_in(ap, step, to, &message);
		if (r < 0)
			return r;
		item->state = ITEM_TAKEN;
		ranges_add(&step->from, source.uid, source.uid);
		if (step->m.change != STORE_COPY)
			r = take_away(ap, step, from, &source);
		if (r < 0)
			return r;
	}
	if (step->to.count == 0)
		return 0;
	to->head.modseq = modseq;
	return log_put_added(ap, to, step->to.at[0].first, step->to.at[step->to.count - 1].last);
}

static int take_over(struct apply *ap, struct step *step, struct mailbox *to)
{
	struct mailbox *from = step->mailbox;
	int r = check_there(ap, from);

	if (r == 0)
		r = check_there(ap, to);
	if (r == 0)
		r = apply_touch(ap, from);
	if (r == 0)
		r = apply_touch(ap, to);
	if (r == 0)
		r = copy_items(ap, step, from, to);
	if (r == 0)
		r = tell_vanished(ap, step, from);
	step->r.uidvalidity = to->head.uidvalidity;
	step->r.modseq = to->head.modseq;
	return r;
}

int apply_copy(struct apply *ap, struct step *step)
{
	return take_over(ap, step, step->target);
}

/* MOVE, and RENAME of INBOX, which moves its messages (RFC 9051 6.3.6). */
int apply_move(struct apply *ap, struct step *step)
{
	return take_over(ap, step, step->fresh != NULL ? step->fresh : step->target);
}

int apply_meta(struct apply *ap, struct step *step)
{
	struct mailbox *m = step->mailbox;
	struct message message;
	int r = check_there(ap, m);

	if (r == 0)
		r = message_get(m, step->message.r.uid, &message);
	if (r == -ENOENT) {
		commit_fail(ap->c, STORE_NOT_FOUND, "the message was expunged");
		return -ECANCELED;
	}
	if (r < 0)
		return r;
	message.r.meta_offset = step->message.r.meta_offset;
	message.r.meta_length = step->message.r.meta_length;
	r = put_message(ap, m, &message);
	return r == 0 ? keep_derived(step) : r;
}
