/* conn.c - the contract is in conn.h. */
#include "tests/bench/load/conn.h"
#include "tests/bench/load/keys.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum conn_tls conn_tls_of(const char *word)
{
	return strcmp(word, "tls") == 0 ? CONN_TLS : strcmp(word, "starttls") == 0 ? CONN_STARTTLS : CONN_PLAIN;
}

int conn_init(struct conn *c, size_t room_size)
{
	*c = (struct conn){ .fd = -1, .size = room_size, .room = malloc(room_size + 1) };
	return c->room != NULL ? 0 : -1;
}

void conn_clear(struct conn *c)
{
	conn_close(c);
	free(c->ticket);
	free(c->room);
	c->ticket = NULL;
	c->room = NULL;
}

int conn_open(struct conn *c, int port, enum conn_tls tls)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct timeval patience = { .tv_sec = keys_number("timeout", 60) };
	int one = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->at = c->n = 0;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(c->fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -1;
	return tls == CONN_TLS ? conn_secure(c) : 0;
}

int conn_secure(struct conn *c)
{
	if (c->keep_session && c->ticket == NULL)
		c->ticket = calloc(1, sizeof(*c->ticket));
	c->tls = tls_open(c->fd, "mail.bench.test", c->ticket);
	if (c->tls == NULL)
		return -1;
	c->resumed = tls_resumed(c->tls);
	return 0;
}

void conn_close(struct conn *c)
{
	tls_close(c->tls);
	if (c->fd >= 0)
		close(c->fd);
	c->tls = NULL;
	c->fd = -1;
}

int conn_write(struct conn *c, const char *bytes, size_t n)
{
	if (c->tls != NULL)
		return tls_write(c->tls, bytes, n);
	while (n > 0) {
		ssize_t r = send(c->fd, bytes, n, MSG_NOSIGNAL);

		if (r <= 0)
			return -1;
		bytes += r;
		n -= (size_t)r;
	}
	return 0;
}

int conn_say(struct conn *c, const char *format, ...)
{
	char text[4096];
	va_list values;
	int n;

	va_start(values, format);
	n = vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	return n >= 0 && (size_t)n < sizeof(text) ? conn_write(c, text, (size_t)n) : -1;
}

static int fill(struct conn *c)
{
	long r;
	size_t most;

	if (c->at > 0) {
		memmove(c->room, c->room + c->at, c->n - c->at);
		c->n -= c->at;
		c->at = 0;
	}
	most = c->size - c->n;
	r = most == 0 ? -1 : c->tls != NULL ? tls_read(c->tls, c->room + c->n, most) : read(c->fd, c->room + c->n, most);
	if (r <= 0)
		return -1;
	c->n += (size_t)r;
	c->received += (uint64_t)r;
	return 0;
}

char *conn_line(struct conn *c)
{
	size_t seen = 0;
	char *end, *line;

	while ((end = memchr(c->room + c->at + seen, '\n', c->n - c->at - seen)) == NULL) {
		seen = c->n - c->at;
		if (fill(c) < 0)
			return NULL;
	}
	line = c->room + c->at;
	c->at = (size_t)(end - c->room) + 1;
	*end = '\0';
	if (end > line && end[-1] == '\r')
		end[-1] = '\0';
	return line;
}

int conn_skip(struct conn *c, uint64_t n)
{
	for (;;) {
		size_t here = c->n - c->at < n ? c->n - c->at : (size_t)n;

		c->at += here;
		n -= here;
		if (n == 0)
			return 0;
		if (fill(c) < 0)
			return -1;
	}
}

int conn_skip_dotted(struct conn *c)
{
	char *end;

	c->at -= 2;	/* the end of the line before is where a dot alone may begin */
	memcpy(c->room + c->at, "\r\n", 2);
	while ((end = memmem(c->room + c->at, c->n - c->at, "\r\n.\r\n", 5)) == NULL) {
		if (c->n - c->at > 4)
			c->at = c->n - 4;
		if (fill(c) < 0)
			return -1;
	}
	c->at = (size_t)(end - c->room) + 5;
	return 0;
}
