/*
 * client_queue.c - leases, the watch, domains, times and notes; the contract is in client.h.
 *
 * What storaged keeps in memory alone, for this client, is told again to a fresh one: the watch and
 * the times. Domains are not: deliverd learns of each that is down when it tries it.
 */
#include "storage/ipc/client.h"

#include "common/base/log.h"

static void done_nothing(struct call *call, const struct store_answer *a, struct ipc_message *m)
{
	(void)call;
	(void)a;
	(void)m;
}

/* An order that nobody waits for. */
static void tell(struct client *c, const struct store_ask *ask)
{
	if (!c->closed && client_call_own_new(c, NULL, ask, done_nothing, NULL) < 0)
		log_error("storaged could not be told of the queue type=%u", (unsigned)ask->type);
}

/* --- leases -------------------------------------------------------------------- */

uint64_t client_queue_lease(struct store *s, const struct queue_want *want, queue_lease_done done, void *arg)
{
	struct store_ask ask = { .type = STORE_WIRE_LEASE, .want = *want };
	struct client *c = client_of(s);
	struct call *call = client_call_new(c, NULL, &ask, arg);

	if (call == NULL)
		return 0;
	c->ready_armed = true;
	call->done.lease = done;
	return client_call_go(call);
}

static void give_back(struct client *c, const struct store_answer *a)
{
	for (size_t i = 0; i < a->job_count; i++) {
		struct store_ask ask = { .type = STORE_WIRE_RELEASE,
					 .report = { .id = a->jobs[i].envelope.id, .job = a->jobs[i].job } };

		tell(c, &ask);
	}
}

void client_queue_give(struct call *call, const struct store_answer *a, struct ipc_message *m)
{
	bool ok = a->status == STORE_OK && m->fd_count == a->job_count;

	if (a->status == STORE_OK && (!ok || call->done.lease == NULL))
		give_back(call->client, a);
	if (call->done.lease == NULL)
		return;
	if (!ok) {
		call->done.lease(call->arg, a->status == STORE_OK ? STORE_TRY_LATER : a->status, NULL, 0);
		return;
	}
	for (size_t i = 0; i < a->job_count; i++) {
		a->jobs[i].fd = m->fds[i];
		m->fds[i] = -1;
	}
	call->done.lease(call->arg, STORE_OK, a->jobs, a->job_count);
}

/* --- the watch ------------------------------------------------------------------- */

static void send_watch(struct client *c)
{
	struct store_ask ask = { .type = STORE_WIRE_QUEUE_WATCH, .watch = c->ready != NULL };

	tell(c, &ask);
}

void client_queue_watch(struct store *s, queue_ready ready, void *arg)
{
	struct client *c = client_of(s);
	bool same = (c->ready != NULL) == (ready != NULL);

	c->ready = ready;
	c->ready_arg = arg;
	c->ready_armed = true;
	if (c->ipc != NULL && !same)
		send_watch(c);
}

void client_queue_hint(struct client *c)
{
	if (c->ready == NULL || !c->ready_armed)
		return;
	c->ready_armed = false;
	c->ready(c->ready_arg);
}

/* --- domains and times ------------------------------------------------------------- */

void client_queue_domain(struct store *s, const struct queue_domain *d)
{
	struct store_ask ask = { .type = STORE_WIRE_QUEUE_DOMAIN, .domain = *d };

	if (client_of(s)->ipc != NULL)
		tell(client_of(s), &ask);
}

static void send_times(struct client *c)
{
	struct store_ask ask = { .type = STORE_WIRE_QUEUE_TIMES, .times = c->times };

	tell(c, &ask);
}

void client_queue_times(struct store *s, const struct queue_times *t)
{
	struct client *c = client_of(s);

	c->times = *t;
	c->has_times = true;
	if (c->ipc != NULL)
		send_times(c);
}

void client_queue_renew(struct client *c)
{
	if (c->has_times)
		send_times(c);
	if (c->ready != NULL)
		send_watch(c);
}

/* --- notes ---------------------------------------------------------------------------- */

uint64_t client_queue_note_get(struct store *s, struct span name, queue_note_done done, void *arg)
{
	struct store_ask ask = { .type = STORE_WIRE_NOTE_GET, .name = name };
	struct call *call = client_call_new(client_of(s), NULL, &ask, arg);

	if (call == NULL)
		return 0;
	call->done.note = done;
	return client_call_go(call);
}

uint64_t client_queue_note_put(struct store *s, struct span name, struct span bytes, int64_t expires_s,
			       store_done done, void *arg)
{
	struct store_ask ask = {
		.type = STORE_WIRE_NOTE_PUT, .name = name, .bytes = bytes, .expires_s = expires_s
	};
	struct call *call = client_call_new(client_of(s), NULL, &ask, arg);

	if (call == NULL)
		return 0;
	call->done.plain = done;
	return client_call_go(call);
}

uint64_t client_queue_notes(struct store *s, struct span prefix, struct span after, queue_notes_done done,
			    void *arg)
{
	struct store_ask ask = { .type = STORE_WIRE_NOTES, .name = prefix, .bytes = after };
	struct call *call = client_call_new(client_of(s), NULL, &ask, arg);

	if (call == NULL)
		return 0;
	call->done.notes = done;
	return client_call_go(call);
}
