/* life.c - how a connection begins and ends, and what its session may ask of it (conn.h). */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/inside.h"
#include "common/net/rate.h"

enum {
	LEFT_MAX = 4 * ROOM, /* what feed left: one read, and TLS records that ended in it */
	LINGER_MS = 1000     /* for the peer to read our last words */
};

/* --- what the session may ask --------------------------------------------- */

uint64_t conn_id(const struct conn *c)
{
	return c->id;
}

const char *conn_peer(const struct conn *c)
{
	return c->peer.host;
}

unsigned conn_peer_port(const struct conn *c)
{
	return c->peer.port;
}

const char *conn_local(const struct conn *c)
{
	return c->local;
}

const struct config_listen *conn_listen(const struct conn *c)
{
	return c->port->listen;
}

const struct config_scope *conn_config(const struct conn *c)
{
	return c->port->scope;
}

const char *conn_hostname(const struct conn *c)
{
	return c->server->host.hostname;
}

const struct tls_facts *conn_tls(const struct conn *c)
{
	return c->secured ? tls_session_facts(c->stream.tls) : NULL;
}

size_t conn_binding(const struct conn *c, const char *type, uint8_t out[CONN_BINDING])
{
	return c->secured ? tls_session_binding(c->stream.tls, type, out) : 0;
}

const char *conn_client_fingerprint(const struct conn *c)
{
	const struct tls_facts *f = conn_tls(c);

	return f != NULL && strcmp(f->client_verify, "ok") == 0 ? f->client_fingerprint : "";
}

bool conn_may_start_tls(const struct conn *c)
{
	return c->port->start_tls && c->stream.tls == NULL;
}

bool conn_exempt(const struct conn *c)
{
	return c->exempt;
}

bool conn_blame(struct conn *c)
{
	return c->exempt ||
	       rate_take(c->server->blamed, c->peer.host, c->port->refused_per_hour, clock_mono_ms());
}

struct server *conn_server(const struct conn *c)
{
	return c->server;
}

void *conn_daemon(const struct conn *c)
{
	return c->server->daemon;
}

/* --- the end -------------------------------------------------------------- */

static void session_close(struct conn *c)
{
	if (c->session != NULL)
		c->server->protocol->close(c->session);
	c->session = NULL;
}

static void on_closed(uv_handle_t *h)
{
	struct conn *c = h->data;

	if (--c->handles == 0)
		free(c);
}

void conn_cut(struct conn *c, const char *by)
{
	if (c->state == CONN_GONE)
		return;
	c->state = CONN_GONE;
	buf_reset(&c->server->said); /* what was gathered was c's, whose turn it is */
	session_close(c);
	conn_shake_over(c);
	log_info("ICID %llu closed by=%s in=%llu out=%llu ms=%llu", (unsigned long long)c->id, by,
		 (unsigned long long)c->stream.in_bytes, (unsigned long long)c->stream.out_bytes,
		 (unsigned long long)(clock_mono_ms() - c->began_ms));
	server_forget(c->server, c);
	uv_close((uv_handle_t *)&c->poll, on_closed); /* before its descriptor is closed */
	uv_close((uv_handle_t *)&c->timer, on_closed);
	stream_clear(&c->stream);
	buf_wipe(&c->left);
	ports_drop(c->ports);
	c->ports = NULL;
	free(c->account);
	c->account = NULL;
}

void conn_linger(struct conn *c)
{
	session_close(c);
	if (c->ended || shutdown(c->stream.fd, SHUT_WR) < 0) {
		conn_cut(c, "server");
		return;
	}
	buf_wipe(&c->left);
	c->state = CONN_LINGERING;
	c->write_ms = NEVER;
	c->shell_ms = clock_mono_ms() + LINGER_MS;
}

bool conn_is_idle(const struct conn *c)
{
	return c->server->protocol->idle == NULL || c->server->protocol->idle(c->session);
}

void conn_end(struct conn *c, enum conn_end why)
{
	if (c->state != CONN_OPEN)
		return;
	c->told_end = true;
	c->server->protocol->end(c->session, why);
	conn_wake(c);
}

void conn_stop(struct conn *c)
{
	if (c->state == CONN_SHAKING || c->state == CONN_PROXY)
		conn_cut(c, "server");
	else if (c->state == CONN_OPEN && !c->told_end && conn_is_idle(c))
		conn_end(c, CONN_END_STOP);
}

/* --- the beginning -------------------------------------------------------- */

static void say_connected(const struct conn *c)
{
	static const char *const modes[] = { "plain", "explicit", "implicit" };
	char peer[ADDRESS_PORT_TEXT];

	log_info("ICID %llu connected peer=%s local=%s mode=%s", (unsigned long long)c->id,
		 address_text(&c->peer, peer), c->local, modes[c->port->listen->mode]);
}

static void read_local(struct conn *c)
{
	struct sockaddr_storage from = { 0 };
	socklen_t size = sizeof(from);
	struct address local;

	getsockname(c->stream.fd, (struct sockaddr *)&from, &size);
	address_read(&local, &from);
	address_text(&local, c->local);
}

static int open_handles(struct conn *c, struct error *err)
{
	int code = uv_poll_init(c->server->host.loop, &c->poll, c->stream.fd), on = 1;

	if (code < 0)
		return error_set(err, code, "can't watch a connection: %s", uv_strerror(code));
	uv_timer_init(c->server->host.loop, &c->timer);
	c->poll.data = c->timer.data = c;
	c->handles = 2;
	setsockopt(c->stream.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return 0;
}

void conn_begin(struct conn *c)
{
	struct error err = { .words = "" };

	say_connected(c);
	if (c->server->protocol->open(&c->session, c, &err) < 0) {
		log_error("ICID %llu can't begin a session: %s", (unsigned long long)c->id, err.words);
		conn_cut(c, "server");
	} else if (c->port->listen->mode == CONFIG_MODE_IMPLICIT) {
		conn_shake(c);
		conn_settle(c);
	} else {
		c->state = CONN_OPEN;
		conn_turn(c);
	}
}

static int make(struct conn **out, struct server *s, int fd, const struct port *port, const struct address *peer,
		struct error *err)
{
	struct conn *c = calloc(1, sizeof(*c));
	int code = -ENOMEM;

	if (c == NULL)
		close(fd);
	if (c == NULL)
		return error_set(err, code, "no memory for a connection");
	*c = (struct conn){ .server = s,
			    .port = port,
			    .peer = *peer,
			    .exempt = true, /* not counted yet */
			    .armed_ms = NEVER,
			    .write_ms = NEVER,
			    .shell_ms = NEVER,
			    .began_ms = clock_mono_ms() };
	stream_init(&c->stream, fd);
	buf_init(&c->left, LEFT_MAX);
	code = open_handles(c, err);
	if (code < 0) {
		stream_clear(&c->stream);
		free(c);
		return code;
	}
	c->ports = ports_hold(s->ports);
	c->id = s->host.id(s->host.arg);
	read_local(c);
	server_admit(s, c);
	*out = c;
	return 0;
}

int conn_new(struct server *s, int fd, const struct port *port, const struct address *peer, bool exempt,
	     struct error *err)
{
	struct conn *c;
	int code = make(&c, s, fd, port, peer, err);

	if (code < 0)
		return code;
	c->exempt = exempt;
	conn_begin(c);
	return 0;
}

int conn_new_proxied(struct server *s, int fd, const struct port *port, const struct address *peer,
		     struct error *err)
{
	struct conn *c;
	int code = make(&c, s, fd, port, peer, err);

	if (code == 0)
		conn_proxy(c);
	return code;
}
