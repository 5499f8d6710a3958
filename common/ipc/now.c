/* now.c - the blocking half of ipc.h: before there is a loop, and for the command line. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/record.h"

enum {
	SEND_TIME_MS = 30000, /* the other end takes nothing for so long: an error */
	SEND_ROOM = 256 << 10 /* SO_SNDBUF of a pair: a few frames */
};

/* Waits for events until the deadline. */
static int wait_for(int fd, short events, uint64_t deadline_ms, struct error *err)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		uint64_t now_ms = clock_mono_ms();
		int n = poll(&p, 1, now_ms < deadline_ms ? (int)(deadline_ms - now_ms) : 0);

		if (n > 0)
			return 0;
		if (n == 0)
			return error_set(err, -ETIMEDOUT, "another process does not answer in time");
		if (errno != EINTR)
			return error_system(err, errno, "can't wait for another process");
	}
}

static int send_frame(int fd, const struct ipc_frame *f, const int *fds, size_t fd_count, struct error *err)
{
	uint64_t deadline_ms = clock_mono_ms() + SEND_TIME_MS;
	int code;

	while ((code = ipc_record_send(fd, f, fds, fd_count)) == -EAGAIN) {
		code = wait_for(fd, POLLOUT, deadline_ms, err);
		if (code < 0)
			return code;
	}
	return code < 0 ? error_system(err, -code, "can't send to another process") : 0;
}

int ipc_send_now(int fd, uint16_t type, uint64_t number, struct span body, const int *fds, size_t fd_count,
		 struct error *err)
{
	if (body.n > IPC_MESSAGE_MAX || fd_count > IPC_FDS_MAX)
		return error_set(err, -EMSGSIZE, "a message of %zu bytes and %zu descriptors is too large",
				 body.n, fd_count);
	do {
		struct ipc_frame f = { .type = type, .number = number, .body = body };
		int code;

		if (body.n > IPC_FRAME_BODY)
			f.flags = IPC_FLAG_MORE;
		f.body = span_take(&body, IPC_FRAME_BODY);
		code = send_frame(fd, &f, fds, fd_count, err);
		if (code < 0)
			return code;
		fd_count = 0;
	} while (body.n > 0);
	return 0;
}

/* What ipc_receive_now takes is counted off at once: there is no later. Whether the
 * sender still hears it is the sender's business. */
static void credit_now(int fd, size_t fd_count)
{
	struct ipc_frame f = { .flags = IPC_FLAG_CREDIT, .number = fd_count };

	if (fd_count > 0)
		send_frame(fd, &f, NULL, 0, NULL);
}

/* Waits for one record. 0 or an error. */
static int receive_frame(int fd, uint64_t deadline_ms, uint8_t *room, struct ipc_frame *f,
			 int fds[IPC_FDS_MAX], size_t *fd_count, struct error *err)
{
	for (;;) {
		int code = ipc_record_receive(fd, room, f, fds, fd_count, err);

		if (code == 0)
			return error_set(err, -EPIPE, "the other end closed the connection");
		if (code > 0 && (f->flags & IPC_FLAG_CREDIT) == 0)
			return 0;
		if (code > 0)
			ipc_close_all(fds, *fd_count);
		else if (code == -EAGAIN)
			code = wait_for(fd, POLLIN, deadline_ms, err);
		if (code < 0 && code != -ECONNRESET)
			return code;
	}
}

/* Makes *m, which lends from the frame or the assembly, the caller's. */
static int hand_over(struct ipc_message *m, uint8_t **body, int fds[IPC_FDS_MAX], struct error *err)
{
	if (m->fds != fds) {
		memcpy(fds, m->fds, m->fd_count * sizeof(fds[0]));
		for (size_t i = 0; i < m->fd_count; i++)
			m->fds[i] = -1;
		m->fds = fds;
	}
	*body = malloc(m->body.n > 0 ? m->body.n : 1);
	if (*body == NULL) {
		ipc_close_all(fds, m->fd_count);
		return error_set(err, -ENOMEM, "no memory for a message of %zu bytes", m->body.n);
	}
	if (m->body.n > 0)
		memcpy(*body, m->body.p, m->body.n);
	m->body.p = *body;
	return 0;
}

int ipc_receive_now(int fd, int timeout_ms, struct ipc_message *m, uint8_t **body, int fds[IPC_FDS_MAX],
		    struct error *err)
{
	uint64_t deadline_ms = clock_mono_ms() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0);
	uint8_t *room = malloc(IPC_FRAME_MAX); /* not on the stack: its pages would stay with the process */
	struct ipc_assembly *part = NULL;
	struct ipc_frame f;
	size_t fd_count;
	int code;

	*body = NULL;
	if (room == NULL)
		return error_set(err, -ENOMEM, "no memory for a message");
	do {
		code = receive_frame(fd, deadline_ms, room, &f, fds, &fd_count, err);
		if (code == 0)
			code = ipc_assemble(&part, &f, fds, fd_count, m, err);
	} while (code == IPC_PART);
	if (code == IPC_WHOLE) {
		credit_now(fd, m->fd_count);
		code = hand_over(m, body, fds, err);
	}
	ipc_assembly_free(part);
	explicit_bzero(room, IPC_FRAME_MAX); /* the first message of all holds the key of the tokens */
	free(room);
	return code;
}

int ipc_pair(int ends[2], struct error *err)
{
	int room = SEND_ROOM;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return error_system(err, errno, "can't make a socket pair");
	for (int i = 0; i < 2; i++)
		setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)); /* it works with less */
	return 0;
}
