/* loop_server.c - the contract is in loop_server.h. */
#include "tests/unit/loop_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/unit.h"

enum { GOT_MAX = 16 << 20 };

static socklen_t address_of(const char *text, unsigned port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	*out = (struct sockaddr_storage){ 0 };
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		return sizeof(*v4);
	}
	assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)port);
	return sizeof(*v6);
}

/* A listening socket; *port 0: any, and then the one that it is. */
static int listen_at(const char *address, unsigned *port, int backlog)
{
	struct sockaddr_storage at;
	socklen_t size = address_of(address, *port, &at);
	int fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	if (backlog >= 0)
		assert_int_equal(listen(fd, backlog), 0);
	*port = ntohs(at.ss_family == AF_INET ? ((struct sockaddr_in *)&at)->sin_port
					      : ((struct sockaddr_in6 *)&at)->sin6_port);
	return fd;
}

/* --- clients ------------------------------------------------------------------ */

static void hear_clear(struct loop_client *c)
{
	uint8_t room[16384];
	ssize_t n = recv(c->fd, room, sizeof(room), 0);

	if (n > 0)
		buf_put(&c->got, (struct span){ room, (size_t)n });
	else if (n == 0 || errno != EAGAIN)
		c->ended = true;
}

static void hear_tls(struct loop_client *c)
{
	uint8_t room[16384];
	int n;

	ERR_clear_error();
	while ((n = SSL_read(c->ssl, room, sizeof(room))) > 0)
		buf_put(&c->got, (struct span){ room, (size_t)n });
	n = SSL_get_error(c->ssl, n);
	if (n != SSL_ERROR_WANT_READ && n != SSL_ERROR_WANT_WRITE)
		c->ended = true;
	ERR_clear_error();
}

static void watch(struct loop_client *c);

static void on_client(uv_poll_t *poll, int status, int events)
{
	struct loop_client *c = poll->data;

	(void)status;
	(void)events;
	if (c->ssl != NULL)
		hear_tls(c);
	else
		hear_clear(c);
	if (c->server->heard != NULL)
		c->server->heard(c);
	watch(c);
}

static void watch(struct loop_client *c)
{
	if (c->fd < 0)
		return;
	if (c->paused || c->ended)
		uv_poll_stop(&c->poll);
	else
		uv_poll_start(&c->poll, UV_READABLE, on_client);
}

static void on_accept(uv_poll_t *poll, int status, int events)
{
	struct loop_server *s = poll->data;
	struct loop_client *c = calloc(1, sizeof(*c));

	(void)events;
	assert_int_equal(status, 0);
	assert_non_null(c);
	c->fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (c->fd < 0) {
		free(c);
		return;
	}
	c->server = s;
	c->next = s->clients;
	s->clients = c;
	s->count++;
	buf_init(&c->got, GOT_MAX);
	uv_poll_init(s->loop, &c->poll, c->fd);
	c->poll.data = c;
	if (s->came != NULL)
		s->came(c);
	watch(c);
}

void loop_say_bytes(struct loop_client *c, struct span bytes)
{
	ssize_t n;

	n = c->ssl != NULL ? SSL_write(c->ssl, bytes.p, (int)bytes.n)
			   : send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
	assert_int_equal(n, bytes.n);
}

void loop_say(struct loop_client *c, const char *text)
{
	loop_say_bytes(c, span_of(text));
}

void loop_start_tls(struct loop_client *c)
{
	c->ssl = SSL_new(c->server->ctx);
	assert_non_null(c->ssl);
	assert_int_equal(SSL_set_fd(c->ssl, c->fd), 1);
	SSL_set_accept_state(c->ssl);
}

void loop_pause(struct loop_client *c)
{
	c->paused = true;
	watch(c);
}

void loop_resume(struct loop_client *c)
{
	c->paused = false;
	watch(c);
}

void loop_hang_up(struct loop_client *c)
{
	if (c->fd < 0)
		return;
	uv_close((uv_handle_t *)&c->poll, NULL);
	SSL_free(c->ssl);
	c->ssl = NULL;
	close(c->fd);
	c->fd = -1;
}

void loop_reset(struct loop_client *c)
{
	struct linger now = { 1, 0 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	loop_hang_up(c);
}

/* --- the server ----------------------------------------------------------------- */

void loop_server_open(struct loop_server *s, uv_loop_t *loop, const char *address, unsigned port)
{
	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes alerts to who has gone */
	*s = (struct loop_server){ .loop = loop, .port = port };
	s->fd = listen_at(address, &s->port, 16);
	uv_poll_init(loop, &s->poll, s->fd);
	s->poll.data = s;
	uv_poll_start(&s->poll, UV_READABLE, on_accept);
}

void loop_server_close(struct loop_server *s)
{
	for (struct loop_client *c = s->clients; c != NULL; c = c->next)
		loop_hang_up(c);
	uv_close((uv_handle_t *)&s->poll, NULL);
	close(s->fd);
	for (int i = 0; i < 2; i++)
		uv_run(s->loop, UV_RUN_NOWAIT);
	while (s->clients != NULL) {
		struct loop_client *c = s->clients;

		s->clients = c->next;
		buf_clear(&c->got);
		free(c);
	}
}

unsigned loop_closed_port(const char *address)
{
	unsigned port = 0;

	close(listen_at(address, &port, -1));
	return port;
}

/* A full queue of connections that nobody takes: the kernel drops the next one's SYN. */
unsigned loop_still_open(struct loop_still *s, const char *address)
{
	struct sockaddr_storage at;
	unsigned port = 0;
	socklen_t size;

	s->listener = listen_at(address, &port, 0);
	size = address_of(address, port, &at);
	for (size_t i = 0; i < sizeof(s->filler) / sizeof(s->filler[0]); i++) {
		s->filler[i] = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		connect(s->filler[i], (struct sockaddr *)&at, size);
	}
	return port;
}

void loop_still_close(struct loop_still *s)
{
	for (size_t i = 0; i < sizeof(s->filler) / sizeof(s->filler[0]); i++)
		close(s->filler[i]);
	close(s->listener);
}
