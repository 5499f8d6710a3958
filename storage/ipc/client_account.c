/* client_account.c - logins that outlive storaged; the contract is in client.h. */
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "storage/ipc/client.h"

static struct client_account *account_of(struct store_account *base)
{
	return (struct client_account *)base;
}

struct client_account *client_account_new(struct client *c, const struct store_token *t)
{
	size_t n = t->n <= STORE_TOKEN_MAX ? t->n : 0; /* an empty one is refused */
	struct client_account *a = calloc(1, sizeof(*a) + n);

	if (a == NULL)
		return NULL;
	a->base.store = &c->base;
	a->client = c;
	a->number = ++c->last_name;
	a->token_n = (uint16_t)n;
	memcpy(a->token, t->bytes, n);
	if (table_put(c->account_by_number, table_number(&a->number), a) < 0) {
		free(a);
		return NULL;
	}
	a->next = c->accounts;
	a->back = &c->accounts;
	if (a->next != NULL)
		a->next->back = &a->next;
	c->accounts = a;
	return a;
}

static void done_nothing(struct call *call, const struct store_answer *a, struct ipc_message *m)
{
	(void)call;
	(void)a;
	(void)m;
}

static void send_logout(struct client_account *a)
{
	struct store_ask ask = { .type = STORE_WIRE_LOGOUT, .account = a->number };

	if (a->known && client_call_own_new(a->client, NULL, &ask, done_nothing, NULL) < 0)
		log_error("no memory to log out at storaged");
	a->known = false;
}

void client_account_leave(struct client_account *a)
{
	send_logout(a);
	table_remove(a->client->account_by_number, table_number(&a->number));
	*a->back = a->next;
	if (a->next != NULL)
		a->next->back = a->back;
	explicit_bzero(a->token, a->token_n);
	client_release(a->client);
	free(a);
}

static struct store_ask login_ask(const struct client_account *a)
{
	return (struct store_ask){ .type = STORE_WIRE_LOGIN,
				   .account = a->number,
				   .token = { a->token, a->token_n } };
}

uint64_t client_account_login(struct store *s, const struct store_token *t, store_login_done done, void *arg)
{
	struct client *c = client_of(s);
	struct client_account *a = client_account_new(c, t);
	struct store_ask ask = { .type = STORE_WIRE_LOGIN };
	struct call *call;

	if (a == NULL) {
		log_error("no memory for a login at storaged");
		return 0;
	}
	ask = login_ask(a);
	call = client_call_new(c, a, &ask, arg);
	if (call == NULL) {
		client_account_leave(a);
		return 0;
	}
	call->done.login = done;
	return client_call_go(call);
}

void client_account_logout(struct store_account *base)
{
	struct client_account *a = account_of(base);

	a->closing = true;
	a->changed = NULL;
	if (a->open == 0)
		client_account_leave(a);
}

/* --- logging in again -------------------------------------------------------- */

static void on_retry(uv_timer_t *timer)
{
	struct client *c = timer->data;

	for (struct client_account *a = c->accounts, *next; a != NULL; a = next) {
		next = a->next;
		client_account_push(a);
	}
	client_calls_pump(c);
}

/* Nothing can be asked now: what waits fails. A watcher looks again, and learns it. */
static void account_refuse(struct client_account *a, enum store_status status)
{
	struct call *call;

	send_logout(a);
	a->state = status == STORE_TRY_LATER ? ACCOUNT_OUT : ACCOUNT_VOID;
	while ((call = client_queue_take(&a->held)) != NULL)
		client_call_fail(call, a->state == ACCOUNT_VOID ? STORE_REFUSED : STORE_TRY_LATER);
	if (a->state == ACCOUNT_OUT)
		uv_timer_start(&a->client->retry, on_retry, CLIENT_RETRY_MS, 0);
	else if (a->changed != NULL)
		a->changed(a->arg, 0);
}

static int send_watch(struct client_account *a)
{
	struct store_ask ask = { .type = STORE_WIRE_WATCH,
				 .account = a->number,
				 .watch = a->changed != NULL };

	return client_call_own_new(a->client, a, &ask, done_nothing, NULL);
}

static void account_entered(struct client_account *a)
{
	if (a->changed != NULL && send_watch(a) < 0) {
		account_refuse(a, STORE_TRY_LATER);
		return;
	}
	a->state = ACCOUNT_IN;
	client_account_push(a);
	if (a->changed != NULL)
		a->changed(a->arg, 0); /* something may have changed meanwhile */
}

static void done_lock(struct call *call, const struct store_answer *a, struct ipc_message *m)
{
	(void)m;
	if (a->status == STORE_OK)
		account_entered(call->account);
	else
		account_refuse(call->account, a->status);
}

static void done_enter(struct call *call, const struct store_answer *a, struct ipc_message *m)
{
	struct client_account *account = call->account;
	struct store_ask ask = { .type = STORE_WIRE_LOCK, .account = account->number };

	(void)m;
	account->known |= a->status == STORE_OK;
	if (a->status != STORE_OK)
		account_refuse(account, a->status);
	else if (!account->locked)
		account_entered(account);
	else if (client_call_own_new(account->client, account, &ask, done_lock, NULL) < 0)
		account_refuse(account, STORE_TRY_LATER);
}

static void account_enter(struct client_account *a)
{
	struct store_ask ask = login_ask(a);

	a->state = ACCOUNT_ENTERING;
	if (client_call_own_new(a->client, a, &ask, done_enter, NULL) < 0)
		account_refuse(a, STORE_TRY_LATER);
}

void client_account_push(struct client_account *a)
{
	struct client *c = a->client;
	struct call *call;

	if (a->state == ACCOUNT_VOID)
		while ((call = client_queue_take(&a->held)) != NULL)
			client_call_fail(call, STORE_REFUSED);
	if (c->ipc == NULL)
		return;
	if (a->state == ACCOUNT_OUT && (a->held.first != NULL || a->changed != NULL || a->locked))
		account_enter(a);
	while (a->state == ACCOUNT_IN && a->held.first != NULL && client_stages_sealed(a->held.first)) {
		call = client_queue_take(&a->held);
		call->state = CALL_WAITING;
		client_queue_add(&c->waiting, call);
	}
}

void client_account_recall(struct client_account *a)
{
	a->known = false;
	if (a->state == ACCOUNT_ENTERING || a->state == ACCOUNT_IN)
		a->state = ACCOUNT_OUT;
}

void client_account_watch(struct store_account *base, store_changed changed, void *arg)
{
	struct client_account *a = account_of(base);
	bool same = (a->changed != NULL) == (changed != NULL);

	a->changed = changed;
	a->arg = arg;
	if (a->state == ACCOUNT_OUT)
		client_account_push(a);
	else if (a->state == ACCOUNT_IN && !same && send_watch(a) < 0)
		log_error("no memory to watch a mailbox");
	client_calls_pump(a->client);
}
