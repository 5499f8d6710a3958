/* client_driver.c - the calls of storage/driver.h, each as a message to storaged. */
#include "common/base/log.h"
#include "storage/ipc/client.h"

static struct client_account *account_of(struct store_account *base)
{
	return (struct client_account *)base;
}

/* A call of an account that is what `ask` says, its number filled in. */
static struct call *account_call(struct store_account *base, struct store_ask *ask, void *arg)
{
	struct client_account *a = account_of(base);

	ask->account = a->number;
	return client_call_new(a->client, a, ask, arg);
}

static uint64_t plain_call(struct call *call, store_done done)
{
	if (call == NULL)
		return 0;
	call->done.plain = done;
	return client_call_go(call);
}

static uint64_t body_call(struct call *call, store_body_done done)
{
	if (call == NULL)
		return 0;
	call->done.body = done;
	return client_call_go(call);
}

static uint64_t call_lock(struct store_account *a, store_done done, void *arg)
{
	struct store_ask ask = { .type = STORE_WIRE_LOCK };

	return plain_call(account_call(a, &ask, arg), done);
}

static uint64_t call_list(struct store_account *a, size_t from, store_list_done done, void *arg)
{
	struct store_ask ask = { .type = STORE_WIRE_LIST, .from = from };
	struct call *call = account_call(a, &ask, arg);

	if (call == NULL)
		return 0;
	call->done.list = done;
	return client_call_go(call);
}

static uint64_t call_find(struct store_account *a, struct span name, store_find_done done, void *arg)
{
	struct store_ask ask = { .type = STORE_WIRE_FIND, .name = name };
	struct call *call = account_call(a, &ask, arg);

	if (call == NULL)
		return 0;
	call->done.find = done;
	return client_call_go(call);
}

static uint64_t call_sync(struct store_account *a, const struct store_look *look, store_page_done done,
			  void *arg)
{
	struct store_ask ask = { .type = STORE_WIRE_SYNC, .look = *look };
	struct call *call = account_call(a, &ask, arg);

	if (call == NULL)
		return 0;
	call->done.page = done;
	return client_call_go(call);
}

static uint64_t call_body(struct store_account *a, uint64_t mailbox, uint32_t uid, store_body_done done,
			  void *arg)
{
	struct store_ask ask = { .type = STORE_WIRE_BODY, .mailbox = mailbox, .uid = uid };

	return body_call(account_call(a, &ask, arg), done);
}

static uint64_t call_bodies(struct store_account *a, uint64_t mailbox, const struct store_set *uids,
			    store_bodies_done done, void *arg)
{
	struct store_ask ask = { .type = STORE_WIRE_BODIES, .mailbox = mailbox, .uids = *uids };
	struct call *call = account_call(a, &ask, arg);

	if (call == NULL)
		return 0;
	call->done.bodies = done;
	return client_call_go(call);
}

static uint64_t call_annotations(struct store_account *a, uint64_t mailbox, store_annotations_done done, void *arg)
{
	struct store_ask ask = { .type = STORE_WIRE_ANNOTATIONS, .mailbox = mailbox };
	struct call *call = account_call(a, &ask, arg);

	if (call == NULL)
		return 0;
	call->done.annotations = done;
	return client_call_go(call);
}

static uint64_t call_meta_file(struct store_account *a, store_body_done done, void *arg)
{
	struct store_ask ask = { .type = STORE_WIRE_META_FILE };

	return body_call(account_call(a, &ask, arg), done);
}

static uint64_t call_meta_put(struct store_account *a, uint64_t mailbox, uint32_t uid, struct span meta,
			      store_done done, void *arg)
{
	struct store_ask ask = { .type = STORE_WIRE_META_PUT, .mailbox = mailbox, .uid = uid, .meta = meta };

	return plain_call(account_call(a, &ask, arg), done);
}

static uint64_t call_room(struct store *s, uint64_t size, const struct store_recipient *recipients, size_t count,
			  store_room_done done, void *arg)
{
	struct store_ask ask = { .type = STORE_WIRE_ROOM,
				 .size = size,
				 .delivery = { .recipients = recipients, .count = count } };
	struct call *call = client_call_new(client_of(s), NULL, &ask, arg);

	if (call == NULL)
		return 0;
	call->done.room = done;
	return client_call_go(call);
}

/* --- the table -------------------------------------------------------------------- */

static void call_cancel(struct store *s, uint64_t op)
{
	struct client *c = client_of(s);
	struct call *call = request_peek(c->open, op);

	if (call == NULL) /* one that found no place in the table */
		for (call = c->failing.first; call != NULL && call->number != op;)
			call = call->next;
	if (call != NULL && !call->own)
		call->done.plain = NULL;
}

const struct store_driver client_driver = {
	.login = client_account_login,
	.logout = client_account_logout,
	.lock = call_lock,
	.list = call_list,
	.find = call_find,
	.sync = call_sync,
	.watch = client_account_watch,
	.body = call_body,
	.bodies = call_bodies,
	.annotations = call_annotations,
	.meta_file = call_meta_file,
	.meta_put = call_meta_put,
	.stage_new = client_stage_new,
	.stage_write = client_stage_write,
	.stage_ready = client_stage_is_ready,
	.stage_size = client_stage_size,
	.stage_free = client_stage_free,
	.commit = client_change_commit,
	.deliver = client_change_deliver,
	.room = call_room,
	.cancel = call_cancel,
	.lease = client_queue_lease,
	.queue_watch = client_queue_watch,
	.report = client_change_report,
	.queue_domain = client_queue_domain,
	.queue_times = client_queue_times,
	.note_get = client_queue_note_get,
	.note_put = client_queue_note_put,
	.notes = client_queue_notes,
};
