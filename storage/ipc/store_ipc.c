/* store_ipc.c - the connection to storaged; the contract is in store_ipc.h. */
#include "storage/ipc/store_ipc.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"
#include "storage/ipc/client.h"

static void on_wait(uv_timer_t *timer);

static int client_init(struct client *c, uv_loop_t *loop, struct error *err)
{
	int code = requests_new(&c->open, SIZE_MAX, err);

	if (code == 0)
		code = table_new(&c->account_by_number, err);
	if (code == 0)
		code = arena_new(&c->memory, STORE_WIRE_MEMORY, ARENA_PLAIN, err);
	if (code < 0)
		return code;
	c->base.driver = &client_driver;
	c->loop = loop;
	uv_timer_init(loop, &c->wait);
	uv_timer_init(loop, &c->soon);
	uv_timer_init(loop, &c->retry);
	c->wait.data = c->soon.data = c->retry.data = c;
	c->handles = 3;
	c->wait_ms = STORE_IPC_WAIT_MS;
	return 0;
}

static void client_destroy(struct client *c)
{
	requests_free(c->open);
	table_free(c->account_by_number);
	arena_free(c->memory);
	free(c);
}

int store_ipc_new(struct store **out, uv_loop_t *loop, struct error *err)
{
	struct client *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (c == NULL)
		return error_set(err, -ENOMEM, "no memory for the way to storaged");
	if (client_init(c, loop, err) < 0) {
		client_destroy(c);
		return -ENOMEM;
	}
	uv_timer_start(&c->wait, on_wait, c->wait_ms, 0);
	*out = &c->base;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct client *c = handle->data;

	if (--c->handles == 0)
		client_destroy(c);
}

void client_release(struct client *c)
{
	if (!c->closed || c->oldest != NULL || c->accounts != NULL || c->stages != NULL ||
	    uv_is_closing((uv_handle_t *)&c->wait))
		return;
	uv_close((uv_handle_t *)&c->wait, on_closed);
	uv_close((uv_handle_t *)&c->soon, on_closed);
	uv_close((uv_handle_t *)&c->retry, on_closed);
}

static void on_wait(uv_timer_t *timer)
{
	struct client *c = timer->data;

	c->away_long = true;
	if (c->oldest != NULL)
		log_warn("storaged is away for too long, requests fail");
	client_calls_give_up(c);
	client_stages_step(c);
}

/* --- messages ----------------------------------------------------------------- */

static void on_changed(struct client *c, struct ipc_message *m)
{
	struct client_account *a = table_get(c->account_by_number, table_number(&m->number));
	struct wire w = { .in = m->body };
	uint64_t mailbox = wire_varint(&w);

	if (!wire_done(&w))
		log_warn("storaged gave a malformed hint");
	else if (a != NULL && a->changed != NULL)
		a->changed(a->arg, mailbox);
}

static void on_receive(void *arg, struct ipc_message *m)
{
	struct client *c = arg;

	if (m->type == STORE_WIRE_ANSWER)
		client_call_answer(c, m);
	else if (m->type == STORE_WIRE_PART)
		client_call_part(c, m);
	else if (m->type == STORE_WIRE_CHANGED)
		on_changed(c, m);
	else if (m->type == STORE_WIRE_READY)
		client_queue_hint(c);
	else
		log_warn("storaged sent a message of an unknown type=%u", m->type);
}

/* Everything goes back to where it waits for a socket. */
static void client_recall(struct client *c)
{
	ipc_free(c->ipc);
	c->ipc = NULL;
	for (struct client_account *a = c->accounts; a != NULL; a = a->next)
		client_account_recall(a);
	client_stages_recall(c);
	client_calls_recall(c);
}

static void on_gone(void *arg, const struct error *why)
{
	struct client *c = arg;

	log_warn("storaged is gone, waiting for it reason=\"%s\"", why->words);
	client_recall(c);
	c->away_long = false;
	uv_timer_start(&c->wait, on_wait, c->wait_ms, 0);
	if (c->lost != NULL)
		c->lost(c->lost_arg);
}

void store_ipc_watch(struct store *s, void (*lost)(void *arg), void *arg)
{
	client_of(s)->lost = lost;
	client_of(s)->lost_arg = arg;
}

bool store_ipc_strange(const struct store *s)
{
	return ((const struct client *)s)->strange;
}

void store_ipc_attach(struct store *s, int fd)
{
	struct ipc_handlers handlers = { .receive = on_receive, .gone = on_gone, .arg = s };
	struct client *c = client_of(s);
	struct error err;

	if (c->ipc != NULL)
		client_recall(c);
	if (ipc_new(&c->ipc, c->loop, fd, CLIENT_QUEUE_BYTES, &handlers, &err) < 0) {
		log_error("no way to storaged: %s", err.words);
		return;
	}
	uv_timer_stop(&c->wait);
	c->away_long = c->strange = false;
	client_queue_renew(c);
	for (struct client_account *a = c->accounts; a != NULL; a = a->next)
		client_account_push(a);
	client_stages_step(c);
	client_calls_pump(c);
}

void store_ipc_free(struct store *s)
{
	struct client *c = client_of(s);

	if (s == NULL)
		return;
	c->closed = c->away_long = true;
	ipc_free(c->ipc);
	c->ipc = NULL;
	for (struct client_account *a = c->accounts; a != NULL; a = a->next) {
		client_account_recall(a);
		a->changed = NULL;
	}
	c->ready = NULL;
	client_stages_recall(c);
	client_calls_clear(c);
	uv_timer_stop(&c->wait);
	uv_timer_stop(&c->retry);
	client_release(c);
}
