/* client_change.c - calls that carry bodies: commits, deliveries, reports; the contract is in client.h. */
#include "storage/ipc/client.h"

/* What the call does not carry inline it takes; all else is freed. */
static void take_bodies(struct call *call, struct store_stage *const *stages,
			const struct store_ask_body *bodies, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (stages[i] == NULL)
			continue;
		if (call == NULL || call->state == CALL_FAILING)
			store_stage_free(stages[i]);
		else
			client_stage_take((struct client_stage *)stages[i], call, bodies[i].where);
	}
}

/* How each body goes along; the worst that befell one of them. */
static enum store_status place_bodies(struct store_stage *const *stages, struct store_ask_body *bodies,
				      size_t count)
{
	enum store_status status = STORE_OK;
	size_t room = STORE_IPC_COMMIT;

	for (size_t i = 0; i < count; i++) {
		struct client_stage *st = (struct client_stage *)stages[i];

		bodies[i] = (struct store_ask_body){ .where = STORE_ASK_NONE };
		if (st == NULL)
			continue;
		if (client_stage_status(st) != STORE_OK)
			status = client_stage_status(st);
		bodies[i] = client_stage_body(st, room);
		room -= bodies[i].bytes.n;
	}
	return status;
}

uint64_t client_change_commit(struct store_account *base, const struct store_mutation *mutations,
			      size_t count, const struct store_txid *txid, store_commit_done done, void *arg)
{
	struct store_stage *stages[STORE_MUTATIONS] = { NULL };
	struct store_ask_body bodies[STORE_MUTATIONS];
	struct store_ask ask = { .type = STORE_WIRE_COMMIT,
				 .txid = *txid,
				 .mutations = mutations,
				 .count = count,
				 .bodies = bodies };
	struct client_account *a = (struct client_account *)base;
	enum store_status status;
	struct call *call;

	for (size_t i = 0; i < count && i < STORE_MUTATIONS; i++)
		stages[i] = mutations[i].stage;
	for (size_t i = STORE_MUTATIONS; i < count; i++)
		store_stage_free(mutations[i].stage);
	status = place_bodies(stages, bodies, count < STORE_MUTATIONS ? count : STORE_MUTATIONS);
	ask.account = a->number;
	call = client_call_new(a->client, a, &ask, arg);
	if (call != NULL && status != STORE_OK && call->state != CALL_FAILING)
		client_call_fail(call, status);
	take_bodies(call, stages, bodies, count < STORE_MUTATIONS ? count : STORE_MUTATIONS);
	if (call == NULL)
		return 0;
	call->done.commit = done;
	return client_call_go(call);
}

/* One body, or none where `stage` is NULL. */
static uint64_t one_body(struct store *s, const struct store_ask *ask, struct store_stage *stage, store_done done,
			 void *arg)
{
	struct store_ask_body body;
	enum store_status status = place_bodies(&stage, &body, 1);
	struct store_ask whole = *ask;
	struct call *call;

	whole.bodies = &body;
	call = client_call_new(client_of(s), NULL, &whole, arg);
	if (call != NULL && status != STORE_OK && call->state != CALL_FAILING)
		client_call_fail(call, status);
	take_bodies(call, &stage, &body, 1);
	if (call == NULL)
		return 0;
	call->done.plain = done;
	return client_call_go(call);
}

uint64_t client_change_deliver(struct store *s, const struct store_delivery *d, const struct store_txid *txid,
			       store_done done, void *arg)
{
	struct store_ask ask = { .type = STORE_WIRE_DELIVER, .txid = *txid, .delivery = *d };

	return one_body(s, &ask, d->stage, done, arg);
}

uint64_t client_change_report(struct store *s, const struct queue_report *r, const struct store_txid *txid,
			      store_done done, void *arg)
{
	struct store_ask ask = {
		.type = STORE_WIRE_REPORT, .txid = *txid, .report = *r, .delivery = r->notice
	};

	return one_body(s, &ask, r->notice.stage, done, arg);
}
