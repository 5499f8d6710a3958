/* stream.c - the contract is in stream.h. */
#include "common/net/stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

void stream_init(struct stream *s, int fd)
{
	*s = (struct stream){ .fd = fd };
	buf_init(&s->out, STREAM_OUT_MAX);
}

void stream_clear(struct stream *s)
{
	tls_session_free(s->tls);
	s->tls = NULL;
	buf_clear(&s->out);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

size_t stream_waiting(const struct stream *s)
{
	return s->out.n + (s->tls != NULL ? tls_session_out(s->tls).n : 0);
}

/* Bytes that the kernel took, 0 if it takes none now, or a negative errno. */
static ssize_t push(struct stream *s, struct span what)
{
	ssize_t n;

	do
		n = send(s->fd, what.p, what.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	s->out_bytes += (uint64_t)n;
	return n;
}

/* What waits already, as far as the kernel takes it. */
static int push_waiting(struct stream *s)
{
	while (s->out.n > 0) {
		ssize_t n = push(s, buf_span(&s->out));

		if (n <= 0)
			return (int)n;
		buf_drop(&s->out, (size_t)n);
	}
	buf_clear(&s->out); /* an idle connection holds no buffer */
	return 0;
}

/* To the kernel as long as it takes all, else behind what waits. */
static int put_bytes(struct stream *s, struct span what)
{
	ssize_t n;

	while (s->out.n == 0 && what.n > 0 && (n = push(s, what)) != 0) {
		if (n < 0)
			return (int)n;
		span_take(&what, (size_t)n);
	}
	buf_put(&s->out, what);
	return s->out.failed ? -ENOMEM : 0;
}

int stream_put(struct stream *s, struct span what)
{
	if (s->tls == NULL)
		return put_bytes(s, what);
	return tls_session_write(s->tls, what) ? 0 : -EPROTO;
}

int stream_send(struct stream *s)
{
	int code = push_waiting(s);
	struct span cipher;

	if (code < 0 || s->tls == NULL)
		return code;
	cipher = tls_session_out(s->tls);
	if (cipher.n == 0)
		return 0;
	code = put_bytes(s, cipher);
	tls_session_sent(s->tls, cipher.n);
	return code;
}

ssize_t stream_receive(struct stream *s, uint8_t *room, size_t size)
{
	ssize_t n;

	do
		n = recv(s->fd, room, size, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		s->in_bytes += (uint64_t)n;
	return n < 0 ? -errno : n;
}
