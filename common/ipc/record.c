/* record.c - the contract is in record.h. */
#include "common/ipc/record.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Control data, aligned as the kernel wants it. */
union control {
	struct cmsghdr align;
	uint8_t room[CMSG_SPACE(IPC_FDS_MAX * sizeof(int))];
};

static void attach(struct msghdr *msg, union control *c, const int *fds, size_t fd_count)
{
	struct cmsghdr *h;

	msg->msg_control = c->room;
	msg->msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
	h = CMSG_FIRSTHDR(msg);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
	memcpy(CMSG_DATA(h), fds, fd_count * sizeof(int));
}

int ipc_record_send(int fd, const struct ipc_frame *f, const int *fds, size_t fd_count)
{
	uint8_t head[IPC_FRAME_HEAD];
	struct iovec parts[2] = { { head, sizeof(head) }, { (void *)(uintptr_t)f->body.p, f->body.n } };
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = f->body.n > 0 ? 2 : 1 };
	union control c;
	ssize_t n;

	ipc_frame_write(head, f);
	if (fd_count > 0)
		attach(&msg, &c, fds, fd_count);
	do
		n = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* The descriptors of all control messages; more than fit were never installed (MSG_CTRUNC). */
static size_t detach(struct msghdr *msg, int fds[IPC_FDS_MAX])
{
	size_t count = 0;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h != NULL; h = CMSG_NXTHDR(msg, h)) {
		size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS || n > IPC_FDS_MAX - count)
			continue;
		memcpy(fds + count, CMSG_DATA(h), n * sizeof(int));
		count += n;
	}
	return count;
}

int ipc_record_receive(int fd, uint8_t room[IPC_FRAME_MAX], struct ipc_frame *f, int fds[IPC_FDS_MAX],
		       size_t *fd_count, struct error *err)
{
	union control c;
	struct iovec part = { room, IPC_FRAME_MAX };
	struct msghdr msg = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = c.room, .msg_controllen = sizeof(c.room)
	};
	int code = 0;
	ssize_t n;

	*fd_count = 0;
	do
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == ECONNRESET))
		return -errno;
	if (n <= 0)
		return n == 0 ? 0 : error_system(err, errno, "can't receive from another process");
	*fd_count = detach(&msg, fds);
	if ((msg.msg_flags & MSG_CTRUNC) != 0)
		code =
		    error_set(err, -EPROTO, "descriptors were lost on the way: too many, or none left here");
	else if ((msg.msg_flags & MSG_TRUNC) != 0)
		code = error_set(err, -EPROTO, "a frame is over %d bytes", IPC_FRAME_MAX);
	else
		code = ipc_frame_read(f, (struct span){ room, (size_t)n }, err);
	if (code == 0)
		return 1;
	ipc_close_all(fds, *fd_count);
	*fd_count = 0;
	return code;
}
