/* service.c - the contract is in service.h. */
#include "service/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/proc/seats.h"
#include "storage/ipc/store_ipc.h"

static const struct service_kind *kind;	/* set once by service_main, before anything runs */

static void service_free(void *state)
{
	struct service *s = state;

	if (s == NULL)
		return;
	server_free(s->server);
	if (s->store != NULL)
		store_ipc_free(s->store);
	auth_free(s->auth);
	seats_free(s->searches);
	free(s);
}

static void store_lost(void *arg)
{
	worker_want_peer(((struct service *)arg)->worker, CONTROL_ROLE_STORE);
}

static void auth_lost(void *arg)
{
	worker_want_peer(((struct service *)arg)->worker, CONTROL_ROLE_AUTH);
}

static int service_prepare(struct worker *w, void **state, struct error *err)
{
	struct service *s = calloc(1, sizeof(*s));
	int r;

	*state = s;
	if (s == NULL)
		return error_set(err, -ENOMEM, "no memory for the daemon");
	s->worker = w;
	r = store_ipc_new(&s->store, worker_loop(w), err);
	if (r == 0)
		r = auth_new(&s->auth, worker_loop(w), err);
	if (r == 0) {
		store_ipc_watch(s->store, store_lost, s);
		auth_watch(s->auth, auth_lost, s);
	}
	if (r == 0)
		r = seats_new(&s->searches, worker_loop(w), SERVICE_SEARCHES);
	if (r == 0)
		r = server_new(&s->server, w, kind->protocol, kind->refusal, s, err);
	if (r == 0 && kind->prepare != NULL)
		r = kind->prepare(err);
	return r;
}

static int service_settings(void *state, struct worker *w, struct error *err)
{
	(void)w;
	return server_settings(((struct service *)state)->server, err);
}

static void service_listen(void *state, size_t index, int fd)
{
	server_listen(((struct service *)state)->server, index, fd);
}

static void service_peer(void *state, enum control_role role, unsigned rights, const char *name, int fd)
{
	struct service *s = state;

	(void)rights;
	(void)name;
	if (role == CONTROL_ROLE_STORE)
		store_ipc_attach(s->store, fd);
	else
		auth_attach(s->auth, fd);
}

static void service_tickets(void *state, struct span keys)
{
	server_tickets(((struct service *)state)->server, keys);
}

static void service_revoke(void *state, const char *account)
{
	server_revoke(((struct service *)state)->server, account);
}

static void service_drain(void *state, uint64_t idle_ms)
{
	server_drain(((struct service *)state)->server, idle_ms);
}

static void service_stop(void *state)
{
	server_stop(((struct service *)state)->server);
}

static void service_status(void *state, struct buf *out)
{
	struct service *s = state;

	server_status(s->server, out);
	buf_printf(out, "%s %llu\n", kind->done_name, (unsigned long long)s->done);
}

/* "ID ACCOUNT" */
static void kick_account(struct server *server, struct span words, struct buf *out)
{
	char account[STORE_ACCOUNT_MAX];
	uint64_t id;

	if (!span_number(span_take_until(&words, ' '), UINT64_MAX, &id) || words.n == 0 || words.n >= sizeof(account))
		return;
	memcpy(account, words.p, words.n);
	account[words.n] = '\0';
	buf_printf(out, "kicked %zu\n", server_kick(server, account, id));
}

static void service_ask(void *state, const char *what, struct buf *out)
{
	uint64_t before;

	if (strcmp(what, "tls") == 0)
		server_tls(((struct service *)state)->server, out);
	else if (strncmp(what, "sessions ", 9) == 0 && span_number(span_of(what + 9), UINT64_MAX, &before))
		server_sessions(((struct service *)state)->server, before, out);
	else if (strncmp(what, "kick ", 5) == 0)
		kick_account(((struct service *)state)->server, span_of(what + 5), out);
}

int service_main(const struct service_kind *k)
{
	const struct worker_daemon daemon = {
		.name = k->name,
		.which = k->which,
		.sandbox = SANDBOX_NET,
		.prepare = service_prepare,
		.settings = service_settings,
		.listen = service_listen,
		.peer = service_peer,
		.tickets = service_tickets,
		.revoke = service_revoke,
		.drain = service_drain,
		.stop = service_stop,
		.status = service_status,
		.ask = service_ask,
		.free = service_free,
	};

	kind = k;
	return worker_main(&daemon);
}
