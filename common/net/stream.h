/*
 * stream.h - bytes to and from a socket, in clear or through TLS.
 *
 * Shape   stream_put as often as there is something to say, then one stream_send: what
 *         the kernel does not take waits here, in clear or as cipher bytes.
 * Memory  What waits, and nothing else. The caller keeps it bounded: stream_waiting.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <sys/types.h>

#include "common/base/buf.h"
#include "common/tls/session.h"

struct stream {
	int fd;
	struct tls_session *tls;      /* NULL: in clear */
	struct buf out;               /* what the kernel did not take, as it goes on the wire */
	uint64_t in_bytes, out_bytes; /* on the wire */
};

enum { STREAM_OUT_MAX = 64 << 20 }; /* far above what any OutputLimit lets wait */

/* Keeps fd. */
void stream_init(struct stream *s, int fd);
/* Closes and frees all. */
void stream_clear(struct stream *s);

/* Bytes that the kernel has not taken. */
size_t stream_waiting(const struct stream *s);

/* Adds what to say. In clear, and with nothing waiting, the kernel is tried first so
 * that bytes are seldom copied. 0 or a negative errno (-EPROTO: TLS failed). */
int stream_put(struct stream *s, struct span what);

/* Sends what waits, as far as the kernel takes it. 0 or a negative errno. */
int stream_send(struct stream *s);

/* Bytes that came, 0 at their end, or a negative errno (-EAGAIN: none now). */
ssize_t stream_receive(struct stream *s, uint8_t *room, size_t size);

#endif
