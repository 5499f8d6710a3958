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

static SSL_CTX *context;
static int conn_slot;	/* where an SSL has its connection */

static int session_came(SSL *ssl, SSL_SESSION *session)
{
	struct conn *c = SSL_get_ex_data(ssl, conn_slot);

	if (c == NULL || !c->keep_session)
		return 0;
	SSL_SESSION_free(c->session);
	c->session = session;
	return 1;
}

void conn_begin(void)
{
	context = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(context, session_came);
	conn_slot = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

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
	SSL_SESSION_free(c->session);
	free(c->room);
	c->session = NULL;
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
	c->ssl = SSL_new(context);
	SSL_set_ex_data(c->ssl, conn_slot, c);
	SSL_set_fd(c->ssl, c->fd);
	SSL_set_tlsext_host_name(c->ssl, "mail.bench.test");
	if (c->session != NULL)
		SSL_set_session(c->ssl, c->session);
	if (SSL_connect(c->ssl) != 1)
		return -1;
	c->resumed = SSL_session_reused(c->ssl);
	return 0;
}

void conn_close(struct conn *c)
{
	if (c->ssl != NULL) {
		SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
	}
	if (c->fd >= 0)
		close(c->fd);
	c->ssl = NULL;
	c->fd = -1;
}

int conn_write(struct conn *c, const char *bytes, size_t n)
{
	while (n > 0) {
		int most = n < 1 << 20 ? (int)n : 1 << 20;
		int r = c->ssl != NULL ? SSL_write(c->ssl, bytes, most) : (int)send(c->fd, bytes, (size_t)most, MSG_NOSIGNAL);

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
	int r, most;

	if (c->at > 0) {
		memmove(c->room, c->room + c->at, c->n - c->at);
		c->n -= c->at;
		c->at = 0;
	}
	most = (int)(c->size - c->n);
	r = most == 0 ? -1 : c->ssl != NULL ? SSL_read(c->ssl, c->room + c->n, most) : (int)read(c->fd, c->room + c->n, (size_t)most);
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
