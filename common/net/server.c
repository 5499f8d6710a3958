/* server.c - the contract is in server.h, and in conn.h for conn_wake and conn_login. */
#include "common/net/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/inside.h"
#include "common/net/rate.h"

enum {
	TICKETS_MAX = 4096, /* bytes of ticket keys */
	MINUTE_MS = 60 * 1000,
	HOUR_MS = 60 * MINUTE_MS
};

/* --- the list of connections ---------------------------------------------- */

void server_admit(struct server *s, struct conn *c)
{
	c->next = s->conns;
	if (c->next != NULL)
		c->next->previous = c;
	s->conns = c;
	s->count++;
	s->accepted++;
}

static void unlink_all(struct server *s, struct conn *c)
{
	if (c->previous != NULL)
		c->previous->next = c->next;
	else
		s->conns = c->next;
	if (c->next != NULL)
		c->next->previous = c->previous;
	s->count--;
}

static void unlink_ready(struct server *s, struct conn *c)
{
	if (!c->ready)
		return;
	if (c->ready_previous != NULL)
		c->ready_previous->ready_next = c->ready_next;
	else if (s->ready == c)
		s->ready = c->ready_next;
	else
		s->turning = c->ready_next;
	if (c->ready_next != NULL)
		c->ready_next->ready_previous = c->ready_previous;
	c->ready_previous = c->ready_next = NULL;
	c->ready = false;
}

/* Those that were woken before this turn of the loop; who is woken meanwhile, or wakes
 * itself, waits for the next. */
static void on_idle(uv_idle_t *idle)
{
	struct server *s = idle->data;

	s->turning = s->ready;
	s->ready = NULL;
	while (s->turning != NULL) {
		struct conn *c = s->turning;

		unlink_ready(s, c);
		conn_turn(c);
	}
	if (s->ready == NULL)
		uv_idle_stop(idle);
}

void conn_wake(struct conn *c)
{
	struct server *s = c->server;

	if (c->ready || c->state != CONN_OPEN)
		return;
	c->ready = true;
	c->ready_next = s->ready;
	if (c->ready_next != NULL)
		c->ready_next->ready_previous = c;
	s->ready = c;
	uv_idle_start(&s->idle, on_idle);
}

void conn_login_begin(struct conn *c)
{
	c->login_began = c->server->revocations;
}

/* More of them than are remembered by name count for everybody. */
static bool revoked_since(const struct server *s, uint64_t began, const char *account)
{
	if (s->revocations - began > REVOKED_KEPT)
		return true;
	for (uint64_t i = began; i < s->revocations; i++)
		if (strcmp(s->revoked[i % REVOKED_KEPT], account) == 0)
			return true;
	return false;
}

bool conn_login(struct conn *c, const char *account)
{
	struct tally *t = c->server->by_account;
	char *copy = strdup(account);

	if (copy == NULL || !tally_add(t, span_of(account), c->server->ports->per_user)) {
		free(copy);
		return false;
	}
	if (c->account != NULL)
		tally_drop(t, span_of(c->account));
	free(c->account);
	c->account = copy;
	if (revoked_since(c->server, c->login_began, account))
		conn_end(c, CONN_END_REVOKED);
	return true;
}

static void leave_if_empty(struct server *s)
{
	if (!s->draining || s->count > 0 || s->left || s->freed)
		return;
	s->left = true;
	s->host.leave(s->host.arg);
}

void server_forget(struct server *s, struct conn *c)
{
	unlink_all(s, c);
	unlink_ready(s, c);
	if (!c->exempt)
		tally_drop(s->by_address, span_of(c->peer.host));
	if (c->account != NULL)
		tally_drop(s->by_account, span_of(c->account));
	if (s->full && !s->draining && s->count < s->ports->max_connections)
		listen_again(s);
	leave_if_empty(s);
}

/* --- settings ------------------------------------------------------------- */

/* What is listened on was bound by yubind: other ports need other processes. */
static int check_listeners(const struct server *s, const struct ports *fresh, struct error *err)
{
	for (const struct listener *l = s->listeners; l != NULL; l = l->next) {
		const struct config_listen *was = s->ports->port[l->index].listen, *is;

		is = l->index < fresh->count ? fresh->port[l->index].listen : NULL;
		if (is == NULL || strcmp(is->text, was->text) != 0 || is->mode != was->mode ||
		    is->service != was->service)
			return error_set(err, -EINVAL, "Listen %s was changed: that needs new processes",
					 was->text);
	}
	return 0;
}

int server_settings(struct server *s, struct error *err)
{
	struct ports *fresh;
	int code = ports_new(&fresh, s->host.settings(s->host.arg), s->protocol->which, s->protocol->name,
			     buf_span(&s->tickets), err);

	if (code < 0)
		return code;
	code = check_listeners(s, fresh, err);
	if (code == 0)
		code = server_count(s, fresh, err);
	if (code < 0) {
		ports_drop(fresh);
		return code;
	}
	ports_drop(s->ports);
	s->ports = fresh;
	for (struct conn *c = s->conns; c != NULL; c = c->next)
		conn_shake_again(c);
	if (s->full && s->count < fresh->max_connections)
		listen_again(s);
	return 0;
}

void server_tickets(struct server *s, struct span keys)
{
	if (s->tickets.p != NULL)
		explicit_bzero(s->tickets.p, s->tickets.n);
	buf_reset(&s->tickets);
	buf_put(&s->tickets, keys);
	if (s->ports != NULL)
		ports_tickets(s->ports, keys);
}

/* --- the end -------------------------------------------------------------- */

void server_revoke(struct server *s, const char *account)
{
	snprintf(s->revoked[s->revocations++ % REVOKED_KEPT], REVOKED_NAME, "%s", account);
	for (struct conn *c = s->conns; c != NULL; c = c->next)
		if (c->account != NULL && strcmp(c->account, account) == 0)
			conn_end(c, CONN_END_REVOKED);
}

static void end_idle_sessions(struct server *s)
{
	struct conn *c = s->conns;

	s->ending = true;
	while (c != NULL) {
		struct conn *next = c->next;

		conn_stop(c);
		c = next;
	}
}

static void on_drained(uv_timer_t *timer)
{
	end_idle_sessions(timer->data);
}

void server_drain(struct server *s, uint64_t idle_ms)
{
	s->draining = true;
	listen_end(s);
	uv_timer_start(&s->drain, on_drained, idle_ms, 0);
	leave_if_empty(s);
}

void server_stop(struct server *s)
{
	s->draining = true;
	listen_end(s);
	end_idle_sessions(s);
	leave_if_empty(s);
}

void server_status(struct server *s, struct buf *out)
{
	buf_printf(out, "connections %zu\n", s->count);
	buf_printf(out, "connections_total %llu\n", (unsigned long long)s->accepted);
	buf_printf(out, "connections_refused %llu\n", (unsigned long long)s->refused);
	buf_printf(out, "accounts %zu\n", tally_keys(s->by_account));
	buf_printf(out, "tls_handshakes %llu\n", (unsigned long long)s->tls_handshakes);
	buf_printf(out, "tls_resumed %llu\n", (unsigned long long)s->tls_resumed);
	buf_printf(out, "tls_failed %llu\n", (unsigned long long)s->tls_failed);
	buf_printf(out, "draining %s\n", s->draining ? "yes" : "no");
}

static void on_closed(uv_handle_t *h)
{
	struct server *s = h->data;

	if (--s->handles == 0)
		free(s);
}

void server_free(struct server *s)
{
	if (s == NULL)
		return;
	s->freed = true;
	listen_end(s);
	while (s->conns != NULL)
		conn_cut(s->conns, "server");
	ports_drop(s->ports);
	server_count_end(s);
	tally_free(s->by_address);
	tally_free(s->by_account);
	rate_free(s->came);
	rate_free(s->blamed);
	if (s->tickets.p != NULL)
		explicit_bzero(s->tickets.p, s->tickets.n);
	buf_clear(&s->tickets);
	buf_clear(&s->said);
	if (s->reserve >= 0)
		close(s->reserve);
	uv_close((uv_handle_t *)&s->idle, on_closed);
	uv_close((uv_handle_t *)&s->drain, on_closed);
	uv_close((uv_handle_t *)&s->full_timer, on_closed);
}

int server_new_at(struct server **out, const struct server_host *host, const struct conn_protocol *p,
		  const char *refusal, void *daemon, struct error *err)
{
	struct server *s = calloc(1, sizeof(*s));
	int code;

	*out = NULL;
	if (s == NULL)
		return error_set(err, -ENOMEM, "no memory for a server");
	s->host = *host;
	s->protocol = p;
	s->refusal = refusal;
	s->daemon = daemon;
	s->began_s = clock_real_ms() / 1000;
	buf_init(&s->tickets, TICKETS_MAX);
	buf_init(&s->said, ROOM);
	uv_idle_init(host->loop, &s->idle);
	uv_timer_init(host->loop, &s->drain);
	uv_timer_init(host->loop, &s->full_timer);
	s->idle.data = s->drain.data = s->full_timer.data = s;
	s->handles = 3;
	s->reserve = eventfd(0, EFD_CLOEXEC);
	code = s->reserve < 0 ? error_system(err, errno, "can't open a descriptor") : 0;
	if (code == 0)
		code = tally_new(&s->by_address, err);
	if (code == 0)
		code = tally_new(&s->by_account, err);
	if (code == 0)
		code = rate_new(&s->came, MINUTE_MS, err);
	if (code == 0)
		code = rate_new(&s->blamed, HOUR_MS, err);
	if (code < 0) {
		server_free(s);
		return code;
	}
	*out = s;
	return 0;
}
