/* fake_op.c - the driver's calls: each is copied into a queue and worked on later. */
#include <stdlib.h>
#include <string.h>

#include "tests/fake/fake_inner.h"

struct fake_op *fake_op_new(enum fake_call call, struct fake_account *a, void *arg)
{
	struct fake_op *op = fake_need(sizeof(*op));
	struct error err;

	op->call = call;
	op->account = a;
	op->user = a != NULL ? a->user : NULL;
	op->rights = a != NULL ? a->rights : 0;
	op->arg = arg;
	if (arena_new(&op->memory, SIZE_MAX / 2, ARENA_PLAIN, &err) < 0)
		abort();
	return op;
}

void fake_op_free(struct fake_op *op)
{
	arena_free(op->memory);
	free(op);
}

uint64_t fake_op_add(struct fake_store *s, struct fake_op *op)
{
	op->number = ++s->last_number;
	*s->last = op;
	s->last = &op->next;
	fake_wake(s);
	return op->number;
}

static struct fake_store *store_at(const struct store_account *a)
{
	return (struct fake_store *)a->store;
}

static uint64_t call_login(struct store *base, const struct store_token *t, store_login_done done, void *arg)
{
	struct fake_op *op = fake_op_new(FAKE_LOGIN, NULL, arg);

	op->done.login = done;
	op->token = *t;
	return fake_op_add((struct fake_store *)base, op);
}

static void call_logout(struct store_account *base)
{
	struct fake_account *a = (struct fake_account *)base, **at = &a->user->logins;

	for (struct fake_op *op = store_at(base)->first; op != NULL; op = op->next) {
		if (op->account != a)
			continue;
		op->done.plain = NULL;
		op->account = NULL;
	}
	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	if (a->user->locked == a)
		a->user->locked = NULL;
	free(a);
}

static struct fake_op *account_op(enum fake_call call, struct store_account *a, void *arg)
{
	return fake_op_new(call, (struct fake_account *)a, arg);
}

static uint64_t call_lock(struct store_account *a, store_done done, void *arg)
{
	struct fake_op *op = account_op(FAKE_LOCK, a, arg);

	op->done.plain = done;
	return fake_op_add(store_at(a), op);
}

static uint64_t call_list(struct store_account *a, size_t from, store_list_done done, void *arg)
{
	struct fake_op *op = account_op(FAKE_LIST, a, arg);

	op->done.list = done;
	op->from = from;
	return fake_op_add(store_at(a), op);
}

static uint64_t call_find(struct store_account *a, struct span name, store_find_done done, void *arg)
{
	struct fake_op *op = account_op(FAKE_FIND, a, arg);

	op->done.find = done;
	op->name = arena_copy(op->memory, fake_name(name));
	return fake_op_add(store_at(a), op);
}

static uint64_t call_sync(struct store_account *a, const struct store_look *look, store_page_done done,
			  void *arg)
{
	struct fake_op *op = account_op(FAKE_SYNC, a, arg);

	op->done.page = done;
	op->look = *look;
	return fake_op_add(store_at(a), op);
}

static void call_watch(struct store_account *base, store_changed changed, void *arg)
{
	struct fake_account *a = (struct fake_account *)base;

	a->changed = changed;
	a->arg = arg;
	a->armed = true;
	if (changed != NULL && a->news.any)
		fake_wake(store_at(base));
}

static uint64_t call_body(struct store_account *a, uint64_t mailbox, uint32_t uid, store_body_done done,
			  void *arg)
{
	struct fake_op *op = account_op(FAKE_BODY, a, arg);

	op->done.body = done;
	op->mailbox = mailbox;
	op->uid = uid;
	return fake_op_add(store_at(a), op);
}

static uint64_t call_bodies(struct store_account *a, uint64_t mailbox, const struct store_set *uids,
			    store_bodies_done done, void *arg)
{
	struct fake_op *op = account_op(FAKE_BODIES, a, arg);
	struct span ranges = arena_copy(op->memory, (struct span){ (const uint8_t *)uids->ranges,
								   uids->count * sizeof(*uids->ranges) });

	op->done.bodies = done;
	op->mailbox = mailbox;
	op->uids = (struct store_set){ (const struct store_range *)(const void *)ranges.p, uids->count };
	return fake_op_add(store_at(a), op);
}

static uint64_t call_annotations(struct store_account *a, uint64_t mailbox, store_annotations_done done, void *arg)
{
	struct fake_op *op = account_op(FAKE_ANNOTATIONS, a, arg);

	op->done.annotations = done;
	op->mailbox = mailbox;
	return fake_op_add(store_at(a), op);
}

static uint64_t call_meta_file(struct store_account *a, store_body_done done, void *arg)
{
	struct fake_op *op = account_op(FAKE_META_FILE, a, arg);

	op->done.body = done;
	return fake_op_add(store_at(a), op);
}

static uint64_t call_meta_put(struct store_account *a, uint64_t mailbox, uint32_t uid, struct span meta,
			      store_done done, void *arg)
{
	struct fake_op *op = account_op(FAKE_META_PUT, a, arg);

	op->done.plain = done;
	op->mailbox = mailbox;
	op->uid = uid;
	op->meta = arena_copy(op->memory, meta);
	return fake_op_add(store_at(a), op);
}

/* A deep copy, with what it points to. */
static struct store_mutation *copy_mutations(struct arena *memory, const struct store_mutation *in,
					     size_t count)
{
	struct store_mutation *out = arena_array(memory, count + 1, sizeof(*out));

	for (size_t i = 0; i < count; i++) {
		struct store_range *ranges = arena_array(memory, in[i].uids.count + 1, sizeof(*ranges));
		struct span *keywords = arena_array(memory, in[i].keyword_count + 1, sizeof(*keywords));

		out[i] = in[i];
		out[i].name = arena_copy(memory, fake_name(in[i].name));
		out[i].meta = arena_copy(memory, in[i].meta);
		for (size_t k = 0; k < in[i].uids.count; k++)
			ranges[k] = in[i].uids.ranges[k];
		for (size_t k = 0; k < in[i].keyword_count; k++)
			keywords[k] = arena_copy(memory, in[i].keywords[k]);
		out[i].uids.ranges = ranges;
		out[i].keywords = keywords;
	}
	return out;
}

static uint64_t call_commit(struct store_account *a, const struct store_mutation *mutations, size_t count,
			    const struct store_txid *txid, store_commit_done done, void *arg)
{
	struct fake_op *op = account_op(FAKE_COMMIT, a, arg);

	op->done.commit = done;
	op->mutations = copy_mutations(op->memory, mutations, count);
	op->count = count;
	op->txid = *txid;
	return fake_op_add(store_at(a), op);
}

static struct store_envelope *copy_envelope(struct arena *memory, const struct store_envelope *e)
{
	struct store_envelope *out = arena_alloc(memory, sizeof(*out));

	*out = *e;
	out->id = arena_text(memory, span_of(e->id));
	out->account = arena_copy(memory, e->account);
	out->envid = arena_copy(memory, e->envid);
	out->message_id = arena_copy(memory, e->message_id);
	return out;
}

struct store_delivery fake_copy_delivery(struct arena *memory, const struct store_delivery *d)
{
	struct store_recipient *recipients = arena_array(memory, d->count + 1, sizeof(*recipients));
	struct store_remote *remotes = arena_array(memory, d->remote_count + 1, sizeof(*remotes));
	struct store_delivery out = *d;

	for (size_t i = 0; i < d->count; i++) {
		recipients[i].account = arena_copy(memory, d->recipients[i].account);
		recipients[i].address = arena_copy(memory, d->recipients[i].address);
		recipients[i].quota = d->recipients[i].quota;
	}
	for (size_t i = 0; i < d->remote_count; i++) {
		remotes[i].address = arena_copy(memory, d->remotes[i].address);
		remotes[i].sender = arena_copy(memory, d->remotes[i].sender);
		remotes[i].original = arena_copy(memory, d->remotes[i].original);
		remotes[i].orcpt = arena_copy(memory, d->remotes[i].orcpt);
		remotes[i].notify = d->remotes[i].notify;
	}
	out.meta = arena_copy(memory, d->meta);
	out.recipients = recipients;
	out.remotes = remotes;
	if (d->envelope != NULL)
		out.envelope = copy_envelope(memory, d->envelope);
	return out;
}

static uint64_t call_deliver(struct store *base, const struct store_delivery *d, const struct store_txid *txid,
			     store_done done, void *arg)
{
	struct fake_op *op = fake_op_new(FAKE_DELIVER, NULL, arg);

	op->done.plain = done;
	op->stage = (struct fake_stage *)d->stage;
	op->delivery = fake_copy_delivery(op->memory, d);
	op->txid = *txid;
	return fake_op_add((struct fake_store *)base, op);
}

static uint64_t call_room(struct store *base, uint64_t size, const struct store_recipient *recipients, size_t count,
			  store_room_done done, void *arg)
{
	const struct store_delivery to = { .recipients = recipients, .count = count };
	struct fake_op *op = fake_op_new(FAKE_ROOM, NULL, arg);

	op->done.room = done;
	op->size = size;
	op->delivery = fake_copy_delivery(op->memory, &to);
	return fake_op_add((struct fake_store *)base, op);
}

static void call_cancel(struct store *base, uint64_t number)
{
	for (struct fake_op *op = ((struct fake_store *)base)->first; op != NULL; op = op->next)
		if (op->number == number)
			op->done.plain = NULL;
}

const struct store_driver fake_driver = {
	.login = call_login,
	.logout = call_logout,
	.lock = call_lock,
	.list = call_list,
	.find = call_find,
	.sync = call_sync,
	.watch = call_watch,
	.body = call_body,
	.bodies = call_bodies,
	.annotations = call_annotations,
	.meta_file = call_meta_file,
	.meta_put = call_meta_put,
	.stage_new = fake_stage_new,
	.stage_write = fake_stage_write,
	.stage_ready = fake_stage_ready,
	.stage_size = fake_stage_size,
	.stage_free = fake_stage_free,
	.commit = call_commit,
	.deliver = call_deliver,
	.room = call_room,
	.cancel = call_cancel,
	.lease = fake_call_lease,
	.queue_watch = fake_call_queue_watch,
	.report = fake_call_report,
	.queue_domain = fake_call_queue_domain,
	.queue_times = fake_call_queue_times,
	.note_get = fake_call_note_get,
	.note_put = fake_call_note_put,
	.notes = fake_call_notes,
};
