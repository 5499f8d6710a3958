/* intent.c - the contract is in intent.h. */
#include "storage/local/intent.h"

#include <errno.h>
#include <string.h>

#include "storage/local/inner.h"
#include "storage/local/result.h"

enum { INTENT_WHAT, INTENT_WHERE }; /* the two keys of one */

static void intent_key(struct key *k, const struct account *a, uint32_t which)
{
	key_mailbox(k, KEY_INTENT, a->record.number, which);
}

/* A MOVE is noted when its copies are there: what is left of it is an EXPUNGE. */
static void what_encode(const struct commit *c, struct buf *out)
{
	const struct step *step = &c->steps[0];
	bool flags = step->m.change == STORE_SET_FLAGS, expunge = step->m.change == STORE_EXPUNGE;
	struct ranges set = { .at = step->from.at, .count = step->from.count };
	struct buf result;

	if (flags || expunge)
		set = (struct ranges){ .at = (struct store_range *)(uintptr_t)step->m.uids.ranges,
				       .count = step->m.uids.count };
	buf_init(&result, out->max);
	result_encode(c, &result);
	value_put(out, step->mailbox->id);
	value_put(out, flags ? STORE_SET_FLAGS : STORE_EXPUNGE);
	value_put(out, expunge && step->m.only_deleted);
	value_put(out, step->m.how);
	value_put(out, step->m.flags);
	value_put(out, step->bits);
	value_put(out, step->m.unchanged_since);
	value_put(out, c->has_txid);
	buf_put(out, (struct span){ c->txid.bytes, sizeof(c->txid.bytes) });
	value_put_span(out, buf_span(&result));
	log_encode(out, 0, &set);
	out->failed |= result.failed;
	buf_clear(&result);
}

int intent_put(struct commit *c)
{
	struct local *s = c->call.s;
	struct step *step = &c->steps[0];
	struct buf *value;
	struct key k;
	int r = 0;

	if (!c->intent_put) {
		value = local_value(s);
		what_encode(c, value);
		intent_key(&k, step->account, INTENT_WHAT);
		r = value->failed ? -ENOMEM : kv_put(s->kv, key_span(&k), buf_span(value));
	}
	if (r < 0)
		return r;
	value = local_value(s);
	value_put(value, step->walk_at);
	intent_key(&k, step->account, INTENT_WHERE);
	return kv_put(s->kv, key_span(&k), buf_span(value));
}

int intent_del(struct commit *c)
{
	struct local *s = c->call.s;
	struct key k;
	int r;

	intent_key(&k, c->steps[0].account, INTENT_WHAT);
	r = kv_del(s->kv, key_span(&k));
	intent_key(&k, c->steps[0].account, INTENT_WHERE);
	return r == 0 ? kv_del(s->kv, key_span(&k)) : r;
}

/* --- after a crash --------------------------------------------------------- */

static bool take_txid(struct commit *c, struct span *in)
{
	uint64_t has;
	struct span bytes;

	if (!value_take(in, 1, &has))
		return false;
	bytes = span_take(in, sizeof(c->txid.bytes));
	if (bytes.n != sizeof(c->txid.bytes))
		return false;
	c->has_txid = has;
	memcpy(c->txid.bytes, bytes.p, bytes.n);
	return true;
}

/* Fills the commit's one step. */
static bool what_decode(struct commit *c, struct span in)
{
	struct step *step = &c->steps[0];
	struct store_mutation *m = &step->m;
	uint64_t mailbox, change, only_deleted, how, flags;
	struct ranges set;
	struct span result;
	int64_t unused;
	bool ok;

	if (!value_take(&in, UINT32_MAX, &mailbox) || !value_take(&in, STORE_UNSUBSCRIBE, &change) ||
	    !value_take(&in, 1, &only_deleted) || !value_take(&in, STORE_FLAGS_REMOVE, &how) ||
	    !value_take(&in, STORE_FLAGS_ALL, &flags) || !value_take(&in, UINT64_MAX, &step->bits) ||
	    !value_take(&in, UINT64_MAX, &m->unchanged_since) || !take_txid(c, &in) ||
	    !value_take_span(&in, &result) || !result_decode(c, result))
		return false;
	m->mailbox = mailbox;
	m->change = (enum store_change)change;
	m->only_deleted = only_deleted;
	m->how = (enum store_how)how;
	m->flags = (uint32_t)flags;
	ranges_init(&set);
	ok = log_decode(in, &unused, &set) && !set.failed;
	m->uids =
	    (struct store_set){ (struct store_range *)arena_copy(
				    c->arena, (struct span){ (uint8_t *)set.at, set.count * sizeof(*set.at) })
				    .p,
				set.count };
	ranges_clear(&set);
	step->mailbox = mailbox_by_id(step->account, m->mailbox);
	if (step->mailbox != NULL)
		mailbox_hold(step->mailbox);
	return ok && step->mailbox != NULL && m->uids.ranges != NULL;
}

static bool where_decode(const struct account *a, uint32_t *at)
{
	struct span value;
	uint64_t number;
	struct key k;

	intent_key(&k, a, INTENT_WHERE);
	if (kv_get(a->s->kv, key_span(&k), &value) < 0 || !value_take(&value, UINT32_MAX, &number))
		return false;
	*at = (uint32_t)number;
	return true;
}

int intent_resume(struct account *a, struct commit **out)
{
	struct commit *c;
	struct span value;
	struct key k;
	int r;

	*out = NULL;
	intent_key(&k, a, INTENT_WHAT);
	r = kv_get(a->s->kv, key_span(&k), &value);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	c = commit_new(a->s, 1);
	commit_step(c, a);
	c->kind = COMMIT_INNER;
	c->intent_put = c->begun = true;
	if (!what_decode(c, value) || !where_decode(a, &c->steps[0].walk_at)) {
		commit_free(c);
		return -EBADMSG;
	}
	/* What was changed before the crash is not in the log: it tells nothing from before. */
	c->steps[0].mailbox->head.log_floor = c->steps[0].mailbox->head.modseq;
	*out = c;
	return 0;
}
