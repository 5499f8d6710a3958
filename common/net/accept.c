/* accept.c - the accept loop of server.h: who may come in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/inside.h"
#include "common/net/rate.h"
#include "common/net/server.h"

enum {
	TURN = 64,          /* connections taken in one turn */
	FULL_MS = 500,      /* how long another worker has to take what waits, before it is told to come later */
	FULL_TURN = 256,    /* connections told so in one go */
	COMPLAIN_MS = 10000 /* between two complaints that something is short */
};

static void on_listener(uv_poll_t *poll, int status, int events);

/* The protocol's own words where the port speaks clear text. */
static void say_and_close(int fd, const struct port *port, const char *words)
{
	if (port->listen->mode != CONFIG_MODE_IMPLICIT && words != NULL)
		send(fd, words, strlen(words), MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(fd, SHUT_WR);
	close(fd);
}

void listen_again(struct server *s)
{
	s->full = false;
	uv_timer_stop(&s->full_timer);
	for (struct listener *l = s->listeners; l != NULL; l = l->next)
		uv_poll_start(&l->poll, UV_READABLE, on_listener);
}

/* What still waits when all workers are full is told so: it would wait for minutes, not knowing why. */
static void turn_away(struct server *s, const struct listener *l)
{
	const struct port *port = &s->ports->port[l->index];
	int fd;

	for (int n = 0; n < FULL_TURN; n++) {
		fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		s->refused++;
		say_and_close(fd, port, s->protocol->full);
	}
}

static void on_full(uv_timer_t *timer)
{
	struct server *s = timer->data;

	for (struct listener *l = s->listeners; l != NULL; l = l->next)
		turn_away(s, l);
}

static void listen_pause(struct server *s)
{
	s->full = true;
	for (struct listener *l = s->listeners; l != NULL; l = l->next)
		uv_poll_stop(&l->poll);
	uv_timer_start(&s->full_timer, on_full, FULL_MS, FULL_MS);
	log_warn("MaxConnections reached connections=%zu", s->count);
}

static const char not_for_you[] = "LmtpNetworks";

static const char *words_of(const struct server *s, const char *limit)
{
	return limit == not_for_you ? "421 4.7.0 this port is not for your address\r\n" : s->refusal;
}

/* Over a limit by address. */
static void refuse(struct server *s, int fd, const struct port *port, const struct address *peer,
		   const char *limit)
{
	char text[ADDRESS_PORT_TEXT];

	s->refused++;
	log_info("ICID %llu refused peer=%s listen=%s limit=%s",
		 (unsigned long long)s->host.id(s->host.arg), address_text(peer, text), port->listen->text, limit);
	say_and_close(fd, port, words_of(s, limit));
}

/* The key whose limit the address is over, or NULL: then it is counted. */
static const char *over_limit(struct server *s, const struct port *port, const char *host)
{
	uint64_t now_ms = clock_mono_ms();

	if (rate_is_over(s->blamed, host, port->refused_per_hour, now_ms))
		return "RefusedRecipientsPerHour";
	if (!rate_take(s->came, host, port->per_minute, now_ms))
		return "ConnectionsPerMinute";
	return tally_add(s->by_address, span_of(host), s->ports->per_address) ? NULL : "ConnectionsPerAddress";
}

static bool may_lmtp(const struct port *port, const char *host)
{
	if (config_is_set(port->scope, CONFIG_LMTP_NETWORKS))
		return config_in_networks(port->scope, CONFIG_LMTP_NETWORKS, host);
	return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

/* The key by which the client may not come in, or NULL. */
static const char *turned_away(struct server *s, const struct port *port, const char *host, bool *exempt)
{
	*exempt = true;
	if (*config_listen_path(port->listen) != '\0')	/* who may write to it may come in */
		return NULL;
	if (port->listen->service == CONFIG_SERVICE_LMTP && !may_lmtp(port, host))
		return not_for_you;
	*exempt = config_in_networks(config_top(s->ports->settings->site), CONFIG_LIMIT_EXEMPT, host);
	return *exempt ? NULL : over_limit(s, port, host);
}

static void take(struct server *s, const struct listener *l, int fd, const struct sockaddr_storage *from)
{
	const struct port *port = &s->ports->port[l->index];
	struct address peer;
	struct error err;
	const char *limit;
	bool exempt;

	address_read(&peer, from);
	if (config_in_networks(port->scope, CONFIG_PROXY_NETWORKS, peer.host)) {
		if (conn_new_proxied(s, fd, port, &peer, &err) < 0)
			log_error("connection dropped: %s", err.words);
		return;
	}
	limit = turned_away(s, port, peer.host, &exempt);
	if (limit != NULL) {
		refuse(s, fd, port, &peer, limit);
		return;
	}
	if (conn_new(s, fd, port, &peer, exempt, &err) == 0)
		return;
	log_error("connection dropped: %s", err.words);
	if (!exempt)
		tally_drop(s->by_address, span_of(peer.host));
}

bool conn_admit(struct conn *c)
{
	struct server *s = c->server;
	char text[ADDRESS_PORT_TEXT];
	const char *limit;

	limit = turned_away(s, c->port, c->peer.host, &c->exempt);
	if (limit == NULL)
		return true;
	c->exempt = true;	/* was not counted */
	s->refused++;
	log_info("ICID %llu refused peer=%s listen=%s limit=%s", (unsigned long long)c->id,
		 address_text(&c->peer, text), c->port->listen->text, limit);
	if (c->port->listen->mode == CONFIG_MODE_IMPLICIT || conn_say(c, span_of(words_of(s, limit))))
		conn_close_when_flushed(c);
	return false;
}

/* Not more often than is of use: what is short stays short for a while. */
static void complain(struct server *s, int errno_value)
{
	uint64_t now_ms = clock_mono_ms();

	if (s->complained_ms != 0 && now_ms - s->complained_ms < COMPLAIN_MS)
		return;
	s->complained_ms = now_ms;
	log_error("can't accept connections, some are dropped connections=%zu: %s", s->count,
		  strerror(errno_value));
}

/* No descriptor is left: without one to give up, the connection would stay in the
 * queue and the loop would spin. */
static void shed(struct server *s, const struct listener *l)
{
	int fd;

	close(s->reserve);
	fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	s->reserve = eventfd(0, EFD_CLOEXEC);
	s->refused++;
	complain(s, EMFILE);
}

/* One connection. False: no more of them, or none to be taken now. */
static bool accept_one(struct server *s, struct listener *l)
{
	struct sockaddr_storage from = { 0 };
	socklen_t size = sizeof(from);
	int fd;

	if (s->count >= s->ports->max_connections) {
		listen_pause(s);
		return false;
	}
	fd = accept4(l->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		take(s, l, fd, &from);
	else if (errno == EMFILE || errno == ENFILE)
		shed(s, l);
	else if (errno == EAGAIN)
		return false;
	else if (errno != ECONNABORTED && errno != EINTR)
		complain(s, errno);
	return true;
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;
	struct server *s = l->server;

	(void)status;
	(void)events;
	for (int n = 0; n < TURN && !s->draining; n++)
		if (!accept_one(s, l))
			return;
}

static int listener_open(struct listener **out, struct server *s, size_t index, int fd)
{
	struct listener *l;
	int code;

	if (s->ports == NULL || index >= s->ports->count || s->draining)
		return -EINVAL;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return -ENOMEM;
	l->server = s;
	l->index = index;
	l->fd = fd;
	code = uv_poll_init(s->host.loop, &l->poll, fd);
	if (code < 0)
		free(l);
	else
		*out = l;
	return code;
}

void server_listen(struct server *s, size_t index, int fd)
{
	struct listener *l;
	int code = listener_open(&l, s, index, fd);

	if (code < 0) {
		log_error("can't listen index=%zu: %s", index, uv_strerror(code));
		close(fd);
		return;
	}
	l->poll.data = l;
	l->next = s->listeners;
	s->listeners = l;
	if (!s->full)
		uv_poll_start(&l->poll, UV_READABLE, on_listener);
}

static void on_listener_closed(uv_handle_t *h)
{
	free(h->data);
}

void listen_end(struct server *s)
{
	uv_timer_stop(&s->full_timer);
	while (s->listeners != NULL) {
		struct listener *l = s->listeners;

		s->listeners = l->next;
		uv_close((uv_handle_t *)&l->poll, on_listener_closed);
		close(l->fd);
	}
}
