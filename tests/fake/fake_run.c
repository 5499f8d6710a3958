/* fake_run.c - does what the queued calls ask for, one after the other. */
#include <stdlib.h>
#include <string.h>

#include "tests/fake/fake_inner.h"

enum { DISK = 1 << 30 }; /* bytes that store_room believes in */

/* --- watching -------------------------------------------------------------- */

void fake_tell(struct fake_store *s, struct fake_user *u)
{
	for (struct fake_account *a = u->logins; a != NULL && u->touched.any; a = a->next) {
		if (a->news.any && a->news.mailbox != u->touched.mailbox)
			a->news.mailbox = 0;
		else
			a->news = u->touched;
		if (a->armed && a->changed != NULL)
			fake_wake(s);
	}
	u->touched = (struct fake_touched){ 0 };
}

void fake_looked(struct fake_store *s, struct fake_account *a, uint64_t mailbox)
{
	if (a->news.any && a->news.mailbox == mailbox)
		a->news = (struct fake_touched){ 0 }; /* the look itself tells it */
	a->armed = true;
	if (a->news.any && a->changed != NULL)
		fake_wake(s);
}

/* Gives one hint; false: there is none to give. */
static bool hint_step(struct fake_store *s)
{
	struct fake_user *u;
	size_t at = 0;

	while (fake_user_next(s, &at, &u))
		for (struct fake_account *a = u->logins; a != NULL; a = a->next) {
			uint64_t mailbox = a->news.mailbox;

			if (a->changed == NULL || !a->armed || !a->news.any)
				continue;
			a->armed = false;
			a->news = (struct fake_touched){ 0 };
			a->changed(a->arg, mailbox);
			return true;
		}
	return false;
}

/* --- calls ----------------------------------------------------------------- */

/* The failure that was ordered for a call of this kind, or STORE_OK. */
enum store_status fake_ordered(struct fake_failure *f)
{
	if (f->times == 0)
		return STORE_OK;
	f->times--;
	return f->status;
}

void fake_give_nothing(struct fake_op *op, enum store_status status, const char *words)
{
	if (op->done.plain == NULL)
		return;
	switch (op->call) {
	case FAKE_LOGIN:
		op->done.login(op->arg, status, NULL);
		return;
	case FAKE_LIST:
		op->done.list(op->arg, status, NULL);
		return;
	case FAKE_FIND:
		op->done.find(op->arg, status, NULL);
		return;
	case FAKE_SYNC:
		op->done.page(op->arg, status, NULL);
		return;
	case FAKE_BODY:
	case FAKE_META_FILE:
		op->done.body(op->arg, status, -1, 0);
		return;
	case FAKE_BODIES:
		op->done.bodies(op->arg, status, NULL, 0);
		return;
	case FAKE_COMMIT:
		op->done.commit(op->arg, status, NULL, 0, words);
		return;
	case FAKE_ANNOTATIONS:
		op->done.annotations(op->arg, status, NULL, 0);
		return;
	case FAKE_ROOM:
		op->done.room(op->arg, status, (struct store_set){ NULL, 0 });
		return;
	case FAKE_LEASE:
		op->done.lease(op->arg, status, NULL, 0);
		return;
	case FAKE_NOTE_GET:
		op->done.note(op->arg, status, (struct span){ NULL, 0 });
		return;
	case FAKE_NOTES:
		op->done.notes(op->arg, status, NULL, 0, false);
		return;
	default:
		op->done.plain(op->arg, status, words);
	}
}

static void run_login(struct fake_store *s, struct fake_op *op)
{
	uint32_t rights;
	struct fake_user *u = fake_token_user(s, &op->token, &rights);
	struct fake_account *a;

	if (u == NULL || op->done.login == NULL) {
		fake_give_nothing(op, STORE_REFUSED, "the token is void");
		return;
	}
	a = fake_need(sizeof(*a));
	a->base.store = &s->base;
	a->user = u;
	a->rights = rights;
	a->next = u->logins;
	u->logins = a;
	op->done.login(op->arg, STORE_OK, &a->base);
}

static void run_lock(struct fake_op *op)
{
	struct fake_user *u = op->user;

	if (u->locked != NULL && u->locked != op->account) {
		fake_give_nothing(op, STORE_IN_USE, "another session has the maildrop");
		return;
	}
	u->locked = op->account;
	fake_give_nothing(op, STORE_OK, "");
}

/* --- changes and their txids ----------------------------------------------- */

struct span fake_txid_key(const struct fake_op *op)
{
	return (struct span){ op->txid.bytes, sizeof(op->txid.bytes) };
}

void fake_keep_outcome(struct fake_store *s, struct fake_op *op, struct arena *memory,
			 struct store_result *results, size_t count)
{
	struct fake_outcome *o = fake_need(sizeof(*o));

	*o = (struct fake_outcome){ memory, results, count };
	if (table_put(s->outcomes, fake_txid_key(op), o) < 0)
		abort();
}

static void free_stages(struct fake_op *op)
{
	if (op->stage != NULL)
		fake_stage_free(&op->stage->base);
	for (size_t i = 0; op->call == FAKE_COMMIT && i < op->count; i++)
		if (op->mutations[i].stage != NULL)
			fake_stage_free(op->mutations[i].stage);
}

/* STORE_RIGHT_POP: expunges in INBOX and sets \Seen there, no more. */
static bool may_change(const struct fake_op *op, const struct store_mutation *m)
{
	const struct fake_mailbox *box = fake_box_by_id(&op->user->boxes, m->mailbox);

	if ((m->change == STORE_SET_UIDVALIDITY || (m->change == STORE_APPEND && m->uid != 0)) &&
	    (op->rights & STORE_RIGHT_NUMBERS) == 0)
		return false;
	if ((op->rights & STORE_RIGHT_READ) != 0)
		return true;
	if (box != NULL && box->role != STORE_ROLE_INBOX)
		return false;
	return m->change == STORE_EXPUNGE || (m->change == STORE_SET_FLAGS && m->how == STORE_FLAGS_ADD &&
					      m->flags == STORE_SEEN && m->keyword_count == 0);
}

/* All mutations or none; the results are the arena's. */
static enum store_status change_all(struct fake_store *s, struct fake_op *op, struct store_result *results,
				    struct arena *memory)
{
	bool one_append = op->count == 1 && op->mutations[0].change == STORE_APPEND;
	enum store_status status = op->count > 0 ? STORE_OK : STORE_INVALID;
	struct fake_boxes before = { 0 };

	if (!one_append) /* an append changes nothing before it is sure */
		fake_boxes_copy(&before, &op->user->boxes);
	for (size_t i = 0; i < op->count && status == STORE_OK; i++)
		status = may_change(op, &op->mutations[i])
			     ? fake_change(s, op->user, &op->mutations[i], &results[i], memory)
			     : STORE_REFUSED;
	if (status != STORE_OK && !one_append) {
		struct fake_boxes half = op->user->boxes;

		op->user->boxes = before;
		before = half;
	}
	if (status != STORE_OK)
		op->user->touched = (struct fake_touched){ 0 };
	fake_boxes_clear(&before);
	return status;
}

static void give_results(struct fake_store *s, struct fake_op *op, const struct store_result *results,
			 size_t count)
{
	enum store_status lost = fake_ordered(&s->lose[FAKE_COMMIT]);

	if (lost != STORE_OK)
		fake_give_nothing(op, lost, "the answer is lost, as ordered");
	else if (op->done.commit != NULL)
		op->done.commit(op->arg, STORE_OK, results, count, "");
}

static void run_commit(struct fake_store *s, struct fake_op *op)
{
	const struct fake_outcome *known = table_get(s->outcomes, fake_txid_key(op));
	struct store_result *results;
	enum store_status status;
	struct arena *memory;
	struct error err;

	if (known != NULL) {
		give_results(s, op, known->results, known->count);
		return;
	}
	s->calls[FAKE_COMMIT]++;
	if (arena_new(&memory, SIZE_MAX / 2, ARENA_PLAIN, &err) < 0)
		abort();
	results = arena_array(memory, op->count + 1, sizeof(*results));
	status = change_all(s, op, results, memory);
	if (status != STORE_OK) {
		arena_free(memory);
		fake_give_nothing(op, status, "the commit failed");
		return;
	}
	fake_keep_outcome(s, op, memory, results, op->count);
	fake_tell(s, op->user);
	give_results(s, op, results, op->count);
}

/* An account that stands twice gets one copy. */
static bool is_first(const struct store_delivery *d, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (span_equal(d->recipients[k].account, d->recipients[i].account))
			return false;
	return true;
}

/* user@domain, in a form that could be folders. */
static bool delivery_valid(const struct store_delivery *d)
{
	for (size_t i = 0; i < d->count; i++) {
		struct span name = d->recipients[i].account;

		if (span_find(name, '@') <= 0 || span_find(name, '/') >= 0 || span_find(name, ' ') >= 0)
			return false;
	}
	return d->count + d->remote_count > 0 && (d->remote_count == 0 || fake_queue_valid(d));
}

/* None of those whom the message is for has room for it. */
static bool nobody_has_room(struct fake_store *s, const struct store_delivery *d, uint64_t size)
{
	bool room = d->count == 0 || d->remote_count > 0;

	for (size_t i = 0; i < d->count; i++) {
		struct fake_user *u = fake_user_of(s, d->recipients[i].account);

		fake_tell_quota(u, d->recipients[i].quota);
		room |= d->recipients[i].quota == STORE_QUOTA_UNTOLD || !fake_over_quota(s, u, size);
	}
	return !room;
}

enum store_status fake_deliver_all(struct fake_store *s, const struct store_delivery *d)
{
	const struct fake_stage *stage = (const struct fake_stage *)d->stage;
	struct fake_body *body;

	if (stage == NULL || !delivery_valid(d))
		return STORE_INVALID;
	if (stage->failed || d->count + d->remote_count > STORE_RECIPIENTS)
		return STORE_LIMIT;
	if (d->remote_count > 0 && fake_queue_has(s, d->envelope->id))
		return STORE_EXISTS;
	if (nobody_has_room(s, d, stage->bytes.n))
		return STORE_OVER_QUOTA;
	body = fake_body_new(buf_span(&stage->bytes));
	for (size_t i = 0; i < d->count; i++) {
		struct fake_user *u = fake_user_of(s, d->recipients[i].account);

		if (!is_first(d, i))
			continue;
		fake_deliver(s, u, body, d->meta, d->recipients[i].address);
		fake_tell(s, u);
	}
	if (d->remote_count > 0)
		fake_queue_add(s, d, body);
	fake_body_drop(body);
	return STORE_OK;
}

static void give_delivered(struct fake_store *s, struct fake_op *op)
{
	enum store_status lost = fake_ordered(&s->lose[FAKE_DELIVER]);

	fake_give_nothing(op, lost, lost != STORE_OK ? "the answer is lost, as ordered" : "");
}

static void run_deliver(struct fake_store *s, struct fake_op *op)
{
	enum store_status status;

	if (table_get(s->outcomes, fake_txid_key(op)) != NULL) {
		give_delivered(s, op);
		return;
	}
	s->calls[FAKE_DELIVER]++;
	op->delivery.stage = op->stage != NULL ? &op->stage->base : NULL;
	status = fake_deliver_all(s, &op->delivery);
	if (status != STORE_OK) {
		fake_give_nothing(op, status, "no body, or nobody");
		return;
	}
	fake_keep_outcome(s, op, NULL, NULL, 0);
	give_delivered(s, op);
}

static void run_room(struct fake_store *s, struct fake_op *op)
{
	struct store_range *over = arena_array(op->memory, op->delivery.count + 1, sizeof(*over));
	size_t count = 0;

	for (size_t i = 0; i < op->delivery.count && over != NULL; i++) {
		const struct store_recipient *to = &op->delivery.recipients[i];
		struct fake_user *u = fake_user_of(s, to->account);

		fake_tell_quota(u, to->quota);
		if (to->quota == STORE_QUOTA_UNTOLD || !fake_over_quota(s, u, op->size > 0 ? op->size : 1))
			continue;
		if (count > 0 && over[count - 1].last == i)
			over[count - 1].last++;
		else
			over[count++] = (struct store_range){ (uint32_t)i + 1, (uint32_t)i + 1 };
	}
	if (op->size > DISK)
		fake_give_nothing(op, STORE_TRY_LATER, "");
	else if (op->done.room != NULL)
		op->done.room(op->arg, count > 0 ? STORE_OVER_QUOTA : STORE_OK, (struct store_set){ over, count });
}

static void work(struct fake_store *s, struct fake_op *op)
{
	if (op->call != FAKE_COMMIT && op->call != FAKE_DELIVER && op->call != FAKE_REPORT)
		s->calls[op->call]++;
	switch (op->call) {
	case FAKE_LOGIN:
		run_login(s, op);
		return;
	case FAKE_LOCK:
		run_lock(op);
		return;
	case FAKE_LIST:
		fake_run_list(s, op);
		return;
	case FAKE_FIND:
		fake_run_find(s, op);
		return;
	case FAKE_SYNC:
		fake_run_sync(s, op);
		return;
	case FAKE_BODY:
		fake_run_body(s, op);
		return;
	case FAKE_BODIES:
		fake_run_bodies(s, op);
		return;
	case FAKE_META_FILE:
		fake_run_meta_file(s, op);
		return;
	case FAKE_META_PUT:
		fake_run_meta_put(s, op);
		return;
	case FAKE_COMMIT:
		run_commit(s, op);
		return;
	case FAKE_DELIVER:
		run_deliver(s, op);
		return;
	case FAKE_ANNOTATIONS:
		fake_run_annotations(op);
		return;
	case FAKE_ROOM:
		run_room(s, op);
		return;
	case FAKE_SEAL:
		fake_run_seal(s, op);
		return;
	case FAKE_LEASE:
		fake_run_lease(s, op);
		return;
	case FAKE_REPORT:
		fake_run_report(s, op);
		return;
	case FAKE_NOTE_GET:
		fake_run_note_get(s, op);
		return;
	case FAKE_NOTE_PUT:
		fake_run_note_put(s, op);
		return;
	case FAKE_NOTES:
		fake_run_notes(s, op);
		return;
	case FAKE_CALLS:
		break;
	}
}

static void op_step(struct fake_store *s)
{
	struct fake_op *op = s->first;
	bool left = op->user != NULL && op->account == NULL; /* logged out: only changes matter still */
	enum store_status failure;

	s->first = op->next;
	if (s->first == NULL)
		s->last = &s->first;
	failure = fake_ordered(&s->fail[op->call]);
	if (failure != STORE_OK)
		fake_give_nothing(op, failure, "failed, as ordered");
	else if (op->account != NULL && op->account->revoked)
		fake_give_nothing(op, STORE_REFUSED, "the login was revoked");
	else if (!left || op->call == FAKE_COMMIT || op->call == FAKE_META_PUT)
		work(s, op);
	if (op->call != FAKE_SEAL)
		free_stages(op);
	fake_op_free(op);
}

size_t fake_store_step(struct store *base)
{
	struct fake_store *s = (struct fake_store *)base;

	if (s->first != NULL) {
		op_step(s);
		return 1;
	}
	return hint_step(s) || fake_queue_hint(s) || fake_stage_step(s) ? 1 : 0;
}

size_t fake_store_run(struct store *base)
{
	size_t count = 0;

	while (fake_store_step(base) > 0)
		count++;
	return count;
}
