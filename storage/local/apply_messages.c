/* apply_messages.c - records, counters and log of a mailbox, in the transaction of apply.c; a message comes in. */
#include <errno.h>

#include "storage/local/apply.h"
#include "storage/local/walk.h"
#include "storage/meta.h"

enum { LOG_MAX = 65536 }; /* entries of a mailbox's log */

/* --- counters -------------------------------------------------------------- */

void apply_count_in(struct head *h, const struct store_record *r)
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

void apply_count_out(struct head *h, const struct store_record *r)
{
	h->exists--;
	h->size -= r->size;
	h->deleted -= (r->flags & STORE_DELETED) != 0;
	h->unseen -= (r->flags & STORE_SEEN) == 0;
}

int apply_put_message(struct apply *ap, const struct mailbox *m, const struct message *message)
{
	struct buf *value = local_value(ap->s);
	struct key k;

	key_record(&k, m->account->record.number, m->id, message->r.uid);
	message_encode(value, message);
	return value->failed ? -ENOMEM : apply_put(ap, &k, buf_span(value));
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

int apply_log(struct apply *ap, struct mailbox *m, enum log_kind kind, const struct ranges *r)
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

int apply_log_added(struct apply *ap, struct mailbox *m, uint32_t first, uint32_t last)
{
	struct store_range range = { first, last };
	const struct ranges added = { .at = &range, .count = 1 };

	return apply_log(ap, m, LOG_CHANGED, &added);
}

/* --- keywords -------------------------------------------------------------- */

int apply_keywords(struct apply *ap, struct mailbox *m, const struct store_mutation *change, uint64_t *bits)
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

/* --- the changes ----------------------------------------------------------- */

int apply_check_there(struct apply *ap, const struct mailbox *m)
{
	if (!m->gone)
		return 0;
	commit_fail(ap->c, STORE_NOT_FOUND, "the mailbox was deleted");
	return -ECANCELED;
}

int apply_come_in(struct apply *ap, struct step *step, struct mailbox *m, const struct message *message)
{
	int r = apply_put_message(ap, m, message);

	if (r < 0)
		return r;
	apply_count_in(&m->head, &message->r);
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
	a->record.derived_end = end; /* too far, if the transaction fails: a hole */
	return account_put(a);
}

int apply_append(struct apply *ap, struct step *step)
{
	struct mailbox *m = step->into.mailbox;
	struct message *message = &step->message;
	int r = apply_check_there(ap, m);

	if (r == 0)
		r = apply_quota(ap, step, message->r.size, 1);
	if (r == 0)
		r = apply_touch(ap, m);
	if (r == 0)
		r = apply_keywords(ap, m, &step->m, &message->r.keywords);
	if (r < 0)
		return r;
	message->r.uid = step->items[0].to;
	message->r.modseq = ++m->head.modseq;
	message->r.saved_s = ap->now_s;
	step->items[0].state = ITEM_TAKEN;
	r = apply_come_in(ap, step, m, message);
	if (r == 0)
		r = apply_log_added(ap, m, message->r.uid, message->r.uid);
	step->r.mailbox = m->id;
	step->r.uidvalidity = m->head.uidvalidity;
	step->r.modseq = m->head.modseq;
	return r == 0 ? keep_derived(step) : r;
}

int apply_meta(struct apply *ap, struct step *step)
{
	struct mailbox *m = step->mailbox;
	struct message message;
	int r = apply_check_there(ap, m);

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
	r = apply_put_message(ap, m, &message);
	return r == 0 ? keep_derived(step) : r;
}
