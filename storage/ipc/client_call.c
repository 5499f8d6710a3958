/* client_call.c - a call from its making to its end; the contract is in client.h. */
#include <errno.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "storage/ipc/client.h"

enum { ENCODE_MAX = 64 << 20 }; /* far over what may be sent: too long is then told from no memory */

/* --- queues ---------------------------------------------------------------- */

void client_queue_add(struct call_queue *q, struct call *call)
{
	call->next = NULL;
	if (q->first == NULL)
		q->first = call;
	else
		q->last->next = call;
	q->last = call;
}

struct call *client_queue_take(struct call_queue *q)
{
	struct call *call = q->first;

	if (call != NULL)
		q->first = call->next;
	return call;
}

static void queue_remove(struct call_queue *q, struct call *call)
{
	struct call_queue rest = { NULL, NULL };
	struct call *one;

	while ((one = client_queue_take(q)) != NULL)
		if (one != call)
			client_queue_add(&rest, one);
	*q = rest;
}

/* --- making and ending ------------------------------------------------------ */

static void call_link(struct call *call)
{
	struct client *c = call->client;

	call->older = c->newest;
	if (c->newest != NULL)
		c->newest->newer = call;
	else
		c->oldest = call;
	c->newest = call;
	if (call->account != NULL)
		call->account->open++;
}

/* Its account still counts it. */
static void call_unlink(struct call *call)
{
	struct client *c = call->client;

	if (call->older != NULL)
		call->older->newer = call->newer;
	else
		c->oldest = call->newer;
	if (call->newer != NULL)
		call->newer->older = call->older;
	else
		c->newest = call->older;
	request_take(c->open, call->number);
}

static void call_free(struct call *call)
{
	client_stages_drop(call);
	buf_clear(&call->body);
	buf_clear(&call->parts);
	free(call);
}

/* Descriptors that the answer may bring. */
static size_t files_of(const struct store_ask *ask)
{
	size_t n = 0;

	switch (ask->type) {
	case STORE_WIRE_BODY:
	case STORE_WIRE_META_FILE:
		return 1;
	case STORE_WIRE_STAGE:
		return 2;
	case STORE_WIRE_LEASE:
		return ask->want.max < QUEUE_JOBS ? ask->want.max : QUEUE_JOBS;
	case STORE_WIRE_BODIES:
		for (size_t i = 0; i < ask->uids.count && n < STORE_BODIES; i++)
			n += ask->uids.ranges[i].last - ask->uids.ranges[i].first + 1;
		return n < STORE_BODIES ? n : STORE_BODIES;
	default:
		return 0;
	}
}

static struct call *call_make(struct client *c, struct client_account *a, const struct store_ask *ask,
			      void *arg)
{
	struct call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return NULL;
	call->client = c;
	call->account = a;
	call->type = ask->type;
	call->files = files_of(ask);
	call->arg = arg;
	buf_init(&call->body, ENCODE_MAX);
	buf_init(&call->parts, STORE_WIRE_ANSWER_MAX);
	return call;
}

/* Has a txid and perhaps bodies: sent once, it may have happened. */
static bool is_change(enum store_wire_type type)
{
	return type == STORE_WIRE_COMMIT || type == STORE_WIRE_DELIVER || type == STORE_WIRE_REPORT;
}

/* Metadata are a hint: without them a body that is too long may fit. */
static enum store_status write_without_meta(struct call *call, const struct store_ask *ask)
{
	struct store_mutation bare[STORE_MUTATIONS];
	struct store_ask less = *ask;

	if (!is_change(ask->type) || (ask->type == STORE_WIRE_COMMIT && ask->count > STORE_MUTATIONS))
		return STORE_LIMIT;
	less.delivery.meta = (struct span){ NULL, 0 };
	for (size_t i = 0; ask->type == STORE_WIRE_COMMIT && i < ask->count; i++) {
		bare[i] = ask->mutations[i];
		bare[i].meta = (struct span){ NULL, 0 };
	}
	less.mutations = bare;
	buf_reset(&call->body);
	return store_ask_write(&call->body, &less);
}

struct call *client_call_new(struct client *c, struct client_account *a, const struct store_ask *ask,
			     void *arg)
{
	struct call *call = call_make(c, a, ask, arg);
	enum store_status status;

	if (call == NULL) {
		log_error("no memory for a call to storaged");
		return NULL;
	}
	status = store_ask_write(&call->body, ask);
	if (status == STORE_LIMIT)
		status = write_without_meta(call, ask);
	if (requests_count(c->open) < STORE_IPC_OPEN)
		call->number = request_add(c->open, call);
	if (call->number == 0) { /* too many, or no memory for the table */
		call->number = UINT64_MAX - c->last_failed++;
		status = STORE_TRY_LATER;
	}
	call_link(call);
	if (c->closed)
		status = STORE_REFUSED;
	if (status != STORE_OK)
		client_call_fail(call, status);
	return call;
}

int client_call_own_new(struct client *c, struct client_account *a, const struct store_ask *ask,
			call_own done, void *arg)
{
	struct call *call = call_make(c, a, ask, arg);

	if (call != NULL && store_ask_write(&call->body, ask) == STORE_OK)
		call->number = request_add(c->open, call);
	if (call == NULL || call->number == 0) {
		if (call != NULL)
			call_free(call);
		return -ENOMEM;
	}
	call->own = true;
	call->done.own = done;
	call->state = CALL_WAITING;
	call_link(call);
	client_queue_add(&c->waiting, call);
	client_calls_pump(c);
	return 0;
}

static void on_soon(uv_timer_t *timer)
{
	client_calls_complete_failing(timer->data);
}

void client_call_fail(struct call *call, enum store_status status)
{
	struct client *c = call->client;

	call->state = CALL_FAILING;
	call->failure = status;
	client_queue_add(&c->failing, call);
	uv_timer_start(&c->soon, on_soon, 0, 0);
}

void client_call_fail_held(struct call *call, enum store_status status)
{
	if (call->state != CALL_HELD && call->state != CALL_WAITING)
		return;
	if (call->state == CALL_WAITING)
		queue_remove(&call->client->waiting, call);
	else if (call->account != NULL)
		queue_remove(&call->account->held, call);
	client_call_fail(call, status);
	if (call->account != NULL)
		client_account_push(call->account); /* what stood behind it need not wait */
	client_calls_pump(call->client);
}

/* The call is over: whoever waits is told, and its account lets go of it. */
static void call_complete(struct call *call, const struct store_answer *a, struct ipc_message *m)
{
	struct client_account *account = call->account;
	bool told = !call->own && (account == NULL || !account->closing);

	call_unlink(call);
	client_stages_drop(call);
	if (call->own)
		call->done.own(call, a, m);
	if (account != NULL)
		account->open--;
	if (told)
		client_call_give(call, a, m); /* which may log the account out */
	else if (account != NULL && account->closing && account->open == 0)
		client_account_leave(account);
	call_free(call);
}

void client_calls_complete_failing(struct client *c)
{
	struct call *call;

	while ((call = client_queue_take(&c->failing)) != NULL) {
		struct store_answer a = { .status = call->failure, .words = "storaged could not be asked" };
		struct ipc_message none = { .fds = NULL };

		call_complete(call, &a, &none);
	}
	client_release(c);
}

/* --- sending ---------------------------------------------------------------- */

static bool window_open(const struct client *c, const struct call *call)
{
	return c->sent == 0 ||
	       (c->sent < CLIENT_WINDOW && c->sent_bytes + call->body.n <= CLIENT_WINDOW_BYTES &&
		c->sent_files + call->files <= CLIENT_WINDOW_FILES);
}

/* A change whose bodies are not sealed yet. */
static bool is_change_held(const struct client *c)
{
	for (const struct call *call = c->oldest; call != NULL; call = call->newer)
		if (call->state == CALL_HELD && call->account == NULL && is_change(call->type))
			return true;
	return false;
}

/* Leases go last: storaged has to hear of each job that is done before it gives any. */
static struct call_queue *next_queue(struct client *c)
{
	if (c->waiting.first != NULL)
		return &c->waiting;
	return c->leases.first != NULL && !is_change_held(c) ? &c->leases : NULL;
}

void client_calls_pump(struct client *c)
{
	struct call_queue *q;
	struct call *call;

	while (c->ipc != NULL && (q = next_queue(c)) != NULL && window_open(c, q->first)) {
		call = q->first;
		if (ipc_send(c->ipc, (uint16_t)call->type, call->number, buf_span(&call->body), NULL, 0) < 0)
			return; /* the socket is gone, and will say so; or full, and an answer comes first */
		client_queue_take(q);
		call->state = CALL_SENT;
		call->tried = true;
		c->sent++;
		c->sent_bytes += call->body.n;
		c->sent_files += call->files;
	}
}

static void call_place(struct call *call)
{
	struct client *c = call->client;

	if (call->account != NULL && call->account->state != ACCOUNT_NEW) {
		call->state = CALL_HELD;
		client_queue_add(&call->account->held, call);
		client_account_push(call->account);
	} else if (!client_stages_sealed(call)) {
		call->state = CALL_HELD;
	} else {
		call->state = CALL_WAITING;
		client_queue_add(call->type == STORE_WIRE_LEASE ? &c->leases : &c->waiting, call);
	}
}

uint64_t client_call_go(struct call *call)
{
	struct client *c = call->client;
	uint64_t number = call->number;

	if (call->state == CALL_FAILING)
		return number;
	if (c->away_long)
		client_call_fail(call, STORE_TRY_LATER);
	else
		call_place(call);
	client_calls_pump(c);
	return number;
}

void client_call_stages_changed(struct call *call)
{
	struct client *c = call->client;

	if (call->state != CALL_HELD || !client_stages_sealed(call))
		return;
	if (call->account != NULL) {
		client_account_push(call->account);
	} else {
		call->state = CALL_WAITING;
		client_queue_add(&c->waiting, call);
	}
	client_calls_pump(c);
}

/* --- answers ---------------------------------------------------------------- */

static struct call *call_sent(struct client *c, uint64_t number)
{
	struct call *call = request_peek(c->open, number);

	if (call != NULL && call->state == CALL_SENT)
		return call;
	log_warn("storaged answered a question that was not asked number=%llu", (unsigned long long)number);
	return NULL;
}

void client_call_part(struct client *c, struct ipc_message *m)
{
	struct call *call = call_sent(c, m->number);

	if (call != NULL)
		buf_put(&call->parts, m->body);
}

/* A login at a storaged whose answers may mean something else is none; its number is given back all the same. */
static void judge_login(struct call *call, struct store_answer *a)
{
	struct client *c = call->client;

	if (call->type != STORE_WIRE_LOGIN || a->status != STORE_OK || a->version == STORE_WIRE_VERSION)
		return;
	call->account->known = true;
	a->status = STORE_REFUSED;
	if (!c->strange)
		log_error("the running storaged is of another version than this program; yubin restart mends it");
	c->strange = true;
}

void client_call_answer(struct client *c, struct ipc_message *m)
{
	struct call *call = call_sent(c, m->number);
	struct span body = m->body;
	struct store_answer a;

	if (call == NULL)
		return;
	c->sent--;
	c->sent_bytes -= call->body.n;
	c->sent_files -= call->files;
	if (call->parts.n > 0) {
		buf_put(&call->parts, m->body);
		body = buf_span(&call->parts);
	}
	if (call->parts.failed || !store_answer_read(&a, call->type, body, c->memory)) {
		log_error("storaged gave a malformed answer type=%u bytes=%zu", (unsigned)call->type, body.n);
		a = (struct store_answer){ .status = STORE_CORRUPT,
					   .words = "storaged gave a malformed answer" };
	}
	judge_login(call, &a);
	call_complete(call, &a, m);
	arena_reset(c->memory);
	client_calls_pump(c);
	client_release(c);
}

/* --- all of them ------------------------------------------------------------ */

/* Nobody will be told: an account that nobody was given goes with its login. */
static void call_forget(struct call *call)
{
	struct client_account *a = call->account;

	call_unlink(call);
	if (a != NULL)
		a->open--;
	if (a != NULL && a->open == 0 && (a->closing || a->state == ACCOUNT_NEW))
		client_account_leave(a);
	call_free(call);
}

void client_calls_recall(struct client *c)
{
	struct call *call, *newer;

	c->waiting = c->leases = (struct call_queue){ NULL, NULL };
	c->sent = c->sent_bytes = c->sent_files = 0;
	for (struct client_account *a = c->accounts; a != NULL; a = a->next)
		a->held = (struct call_queue){ NULL, NULL };
	for (call = c->oldest; call != NULL; call = newer) {
		newer = call->newer;
		if (call->state == CALL_FAILING)
			continue;
		buf_clear(&call->parts);
		if (!call->own) {
			call_place(call);
			continue;
		}
		call_forget(call);
	}
}

void client_calls_give_up(struct client *c)
{
	c->waiting = c->leases = (struct call_queue){ NULL, NULL };
	for (struct client_account *a = c->accounts; a != NULL; a = a->next)
		a->held = (struct call_queue){ NULL, NULL };
	for (struct call *call = c->oldest; call != NULL; call = call->newer) {
		if (call->state != CALL_FAILING)
			client_call_fail(call, is_change(call->type) && call->tried ? STORE_UNKNOWN
										    : STORE_TRY_LATER);
	}
}

void client_calls_clear(struct client *c)
{
	c->waiting = c->leases = c->failing = (struct call_queue){ NULL, NULL };
	c->sent = c->sent_bytes = c->sent_files = 0;
	for (struct client_account *a = c->accounts; a != NULL; a = a->next)
		a->held = (struct call_queue){ NULL, NULL };
	for (struct call *call = c->oldest, *newer; call != NULL; call = newer) {
		newer = call->newer;
		call_forget(call);
	}
}
