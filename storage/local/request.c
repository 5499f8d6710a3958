/*
 * request.c - store_commit, store_deliver and store_meta_put: what the caller hands in is
 * checked and copied into a commit.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/escape.h"
#include "common/base/log.h"
#include "storage/local/inner.h"
#include "storage/local/queue.h"
#include "storage/local/request.h"
#include "storage/local/stage.h"
#include "storage/meta.h"

/* RFC 9051 9: flag-keyword is an atom */
static bool keyword_valid(struct span word)
{
	if (word.n == 0 || word.n > STORE_KEYWORD_MAX)
		return false;
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] <= ' ' || word.p[i] >= 0x7f || strchr("(){%*\"\\]", word.p[i]) != NULL)
			return false;
	return true;
}

/* --- copies ---------------------------------------------------------------- */

static bool copy_span(struct commit *c, struct span *s)
{
	if (s->n == 0) {
		*s = (struct span){ NULL, 0 };
		return true;
	}
	*s = arena_copy(c->arena, *s);
	return s->p != NULL;
}

static bool copy_set(struct commit *c, struct store_set *set)
{
	struct store_range *copy = arena_array(c->arena, set->count > 0 ? set->count : 1, sizeof(*copy));

	if (copy == NULL)
		return false;
	if (set->count > 0)
		memcpy(copy, set->ranges, set->count * sizeof(*copy));
	set->ranges = copy;
	return true;
}

static bool copy_keywords(struct commit *c, struct store_mutation *m)
{
	struct span *copy = arena_array(c->arena, m->keyword_count > 0 ? m->keyword_count : 1, sizeof(*copy));

	if (copy == NULL)
		return false;
	for (size_t i = 0; i < m->keyword_count; i++) {
		copy[i] = m->keywords[i];
		if (!copy_span(c, &copy[i]))
			return false;
	}
	m->keywords = copy;
	return true;
}

/* --- checks ---------------------------------------------------------------- */

static const struct {
	bool mailbox, target, set, name, keywords;
} needs[] = {
	[STORE_APPEND] = { .mailbox = true, .keywords = true },
	[STORE_SET_FLAGS] = { .mailbox = true, .set = true, .keywords = true },
	[STORE_EXPUNGE] = { .mailbox = true, .set = true },
	[STORE_COPY] = { .mailbox = true, .target = true, .set = true },
	[STORE_MOVE] = { .mailbox = true, .target = true, .set = true },
	[STORE_CREATE] = { .name = true },
	[STORE_DELETE] = { .mailbox = true },
	[STORE_RENAME] = { .mailbox = true, .name = true },
	[STORE_SUBSCRIBE] = { .name = true },
	[STORE_UNSUBSCRIBE] = { .name = true },
	[STORE_SET_UIDVALIDITY] = { .mailbox = true },
	[STORE_ANNOTATE] = { .mailbox = false },	/* 0 is the account */
};

enum { CHANGES = sizeof(needs) / sizeof(needs[0]) };

static bool keywords_valid(const struct store_mutation *m)
{
	if (m->keyword_count > STORE_KEYWORDS)
		return false;
	for (size_t i = 0; i < m->keyword_count; i++)
		if (!keyword_valid(m->keywords[i]))
			return false;
	return true;
}

/* Could it ever be done? */
static bool mutation_valid(const struct store_mutation *m)
{
	if ((unsigned)m->change >= CHANGES)
		return false;
	if (needs[m->change].set && (m->uids.count > STORE_SET_RANGES || !ranges_valid(m->uids)))
		return false;
	if (needs[m->change].name && !names_mailbox_valid(m->name))
		return false;
	if (needs[m->change].keywords && ((m->flags & ~(uint32_t)STORE_FLAGS_ALL) != 0 || !keywords_valid(m)))
		return false;
	if (m->change == STORE_SET_FLAGS && (unsigned)m->how > STORE_FLAGS_REMOVE)
		return false;
	if (m->change == STORE_APPEND && (m->stage == NULL || m->meta.n > STORE_META_MAX))
		return false;
	if (m->change == STORE_ANNOTATE && (!store_entry_valid(m->name) || m->meta.n > STORE_VALUE_MAX))
		return false;
	if (m->change == STORE_SET_UIDVALIDITY && m->uidvalidity == 0)
		return false;
	return m->change != STORE_CREATE ||
	       ((unsigned)m->role <= STORE_ROLE_ARCHIVE && m->role != STORE_ROLE_INBOX);
}

/* A POP session marks as seen and expunges, in INBOX alone (token.h). */
static bool change_allowed(const struct login *l, const struct store_mutation *m)
{
	struct mailbox *inbox;

	if ((m->change == STORE_SET_UIDVALIDITY || (m->change == STORE_APPEND && m->uid != 0)) &&
	    !(l->rights & STORE_RIGHT_NUMBERS))
		return false;
	if (l->rights & STORE_RIGHT_READ)
		return true;
	inbox = mailbox_by_name(l->account, span_of("INBOX"));
	if (inbox == NULL || inbox->id != m->mailbox)
		return false;
	return m->change == STORE_EXPUNGE || (m->change == STORE_SET_FLAGS && m->how == STORE_FLAGS_ADD &&
					      m->flags == STORE_SEEN && m->keyword_count == 0);
}

static struct mailbox *step_mailbox(struct commit *c, struct account *a, uint64_t id)
{
	struct mailbox *m = mailbox_by_id(a, id);

	if (m == NULL)
		commit_fail(c, STORE_NOT_FOUND, "there is no such mailbox");
	else
		mailbox_hold(m);
	return m;
}

/* Fills the step from what the caller handed in; its stage is taken in any case. */
static void step_fill(struct step *step, const struct login *l, const struct store_mutation *m)
{
	struct commit *c = step->commit;

	step->m = *m;
	if (m->change != STORE_APPEND)
		step->m.stage = NULL;
	if (!mutation_valid(m)) {
		commit_fail(c, STORE_INVALID, "a change can't be understood");
		return;
	}
	if (!change_allowed(l, m)) {
		commit_fail(c, STORE_REFUSED, "the login has no right to this change");
		return;
	}
	if (!copy_span(c, &step->m.name) || !copy_span(c, &step->m.meta) ||
	    (needs[m->change].set && !copy_set(c, &step->m.uids)) ||
	    (needs[m->change].keywords && !copy_keywords(c, &step->m))) {
		commit_fail(c, STORE_TRY_LATER, "no memory");
		return;
	}
	if (span_is_nocase(step->m.name, "INBOX")) /* RFC 9051 5.1 */
		step->m.name = span_of("INBOX");
	if (needs[m->change].mailbox || (m->change == STORE_ANNOTATE && m->mailbox != 0))
		step->mailbox = step_mailbox(c, l->account, m->mailbox);
	if (needs[m->change].target)
		step->target = step_mailbox(c, l->account, m->target);
}

static void commit_name(struct commit *c, const struct store_txid *txid)
{
	c->has_txid = txid != NULL;
	if (txid != NULL)
		c->txid = *txid;
}

/* --- the calls ------------------------------------------------------------- */

uint64_t request_commit(struct store_account *a, const struct store_mutation *mutations, size_t count,
			const struct store_txid *txid, store_commit_done done, void *arg)
{
	struct login *l = (struct login *)a;
	struct commit *c = commit_new(l->account->s, count > 0 ? count : 1);

	c->kind = COMMIT_STORE;
	c->commit_done = done;
	commit_name(c, txid);
	if (l->ended)
		commit_fail(c, STORE_REFUSED, "the login has ended");
	if (count == 0 || count > STORE_MUTATIONS)
		commit_fail(c, STORE_INVALID, "%zu changes at once", count);
	for (size_t i = 0; i < count; i++)
		step_fill(commit_step(c, l->account), l, &mutations[i]);
	if (count > 0 && (l->rights & STORE_RIGHT_NUMBERS))
		order_join(c, l);
	commit_start(c);
	return call_open(&c->call, arg);
}

/* One step for each account; one that stands there already gets no second copy. */
static void deliver_to(struct commit *c, const struct store_recipient *to)
{
	struct account *a = account_hold(c->call.s, to->account);
	struct step *step;
	char name[STORE_ACCOUNT_MAX * 4];

	if (a == NULL) {
		commit_fail(c, STORE_INVALID, "\"%s\" is no account",
			    escape_text(name, sizeof(name), to->account));
		return;
	}
	for (size_t i = 0; i < c->step_count; i++)
		if (c->steps[i].account == a) {
			account_release(a);
			return;
		}
	account_tell_quota(a, to->quota);
	step = commit_step(c, a);
	account_release(a);
	step->m.change = STORE_APPEND;
	step->address = to->address;
	step->limited = to->quota != STORE_QUOTA_UNTOLD;
	if (!copy_span(c, &step->address))
		commit_fail(c, STORE_TRY_LATER, "no memory");
}

/* A body, and somebody who gets it; or neither. */
static bool delivery_valid(const struct store_delivery *d)
{
	return d->count <= STORE_RECIPIENTS && d->remote_count <= STORE_RECIPIENTS - d->count &&
	       d->meta.n <= STORE_META_MAX && (d->stage != NULL) == (d->count + d->remote_count > 0);
}

struct commit *request_new(struct local *s, const struct store_delivery *d, const struct store_txid *txid,
			   store_done done)
{
	struct commit *c = commit_new(s, d->count > 0 ? d->count : 1);
	struct span meta = d->meta;

	c->kind = COMMIT_DELIVER;
	c->done = done;
	c->stage = (struct stage *)d->stage;
	commit_name(c, txid);
	if (!delivery_valid(d))
		commit_fail(c, STORE_INVALID, "a delivery that can't be");
	else if (!copy_span(c, &meta))
		commit_fail(c, STORE_TRY_LATER, "no memory");
	for (size_t i = 0; i < d->count && c->status == STORE_OK; i++)
		deliver_to(c, &d->recipients[i]);
	for (size_t i = 0; i < c->step_count; i++)
		c->steps[i].m.meta = meta;
	queue_accept(c, d);
	return c;
}

uint64_t request_deliver(struct store *base, const struct store_delivery *d, const struct store_txid *txid,
			 store_done done, void *arg)
{
	struct commit *c = request_new(local_of(base), d, txid, done);

	if (d->stage == NULL)
		commit_fail(c, STORE_INVALID, "a delivery without a body");
	commit_start(c);
	return call_open(&c->call, arg);
}

static void nobody_asked(void *arg, enum store_status status, const char *words)
{
	(void)arg;
	if (status == STORE_TRY_LATER)
		log_debug("store metadata not kept: %s", words);
}

uint64_t request_meta_put(struct store_account *a, uint64_t mailbox, uint32_t uid, struct span meta,
			  store_done done, void *arg)
{
	struct login *l = (struct login *)a;
	struct commit *c = commit_new(l->account->s, 1);
	struct step *step = commit_step(c, l->account);

	c->kind = COMMIT_DELIVER;
	c->done = done != NULL ? done : nobody_asked;
	step->kind = STEP_META;
	step->m.meta = meta;
	step->message.r.uid = uid;
	if (l->ended || !(l->rights & STORE_RIGHT_READ))
		commit_fail(c, STORE_REFUSED, "the login has no right to this change");
	if (meta.n == 0 || meta.n > STORE_META_MAX)
		commit_fail(c, STORE_INVALID, "metadata of %zu bytes", meta.n);
	if (!copy_span(c, &step->m.meta))
		commit_fail(c, STORE_TRY_LATER, "no memory");
	step->mailbox = step_mailbox(c, l->account, mailbox);
	commit_start(c);
	return call_open(&c->call, arg);
}
