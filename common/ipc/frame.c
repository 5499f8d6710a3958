/* frame.c - the contract is in frame.h. */
#include "common/ipc/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/wire.h"

struct ipc_assembly {
	uint16_t type;
	uint64_t number;
	struct buf body;
	size_t fd_count;
	int fds[IPC_FDS_MAX];
};

void ipc_close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void put_little(uint8_t *to, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(v >> (8 * i));
}

void ipc_frame_write(uint8_t head[IPC_FRAME_HEAD], const struct ipc_frame *f)
{
	put_little(head, f->type, 2);
	put_little(head + 2, f->flags, 2);
	put_little(head + 4, f->body.n, 4);
	put_little(head + 8, f->number, 8);
}

int ipc_frame_read(struct ipc_frame *f, struct span record, struct error *err)
{
	struct wire w = { .in = record };
	uint32_t first = wire_u32(&w), length = wire_u32(&w);

	*f = (struct ipc_frame){ .type = (uint16_t)first, .flags = (uint16_t)(first >> 16) };
	f->number = wire_u64(&w);
	if (w.failed)
		return error_set(err, -EPROTO, "a frame of %zu bytes is shorter than its head", record.n);
	if (record.n > IPC_FRAME_MAX || length != w.in.n)
		return error_set(err, -EPROTO, "a frame of %zu bytes announces %u", record.n, length);
	if ((f->flags & ~(IPC_FLAG_MORE | IPC_FLAG_CREDIT)) != 0)
		return error_set(err, -EPROTO, "a frame has unknown flags 0x%x", f->flags);
	if ((f->flags & IPC_FLAG_CREDIT) != 0 && (f->flags != IPC_FLAG_CREDIT || f->type != 0 || length != 0))
		return error_set(err, -EPROTO, "a credit frame that carries more than a credit");
	if ((f->flags & IPC_FLAG_MORE) != 0 && length != IPC_FRAME_BODY)
		return error_set(err, -EPROTO, "a frame of %u bytes is not full, and more is to follow",
				 length);
	f->body = w.in;
	return 0;
}

static int assembly_new(struct ipc_assembly **out, const struct ipc_frame *f, const int *fds, size_t fd_count)
{
	struct ipc_assembly *a = malloc(sizeof(*a));

	if (a == NULL)
		return -ENOMEM;
	a->type = f->type;
	a->number = f->number;
	buf_init(&a->body, IPC_MESSAGE_MAX);
	a->fd_count = fd_count;
	if (fd_count > 0)
		memcpy(a->fds, fds, fd_count * sizeof(fds[0]));
	*out = a;
	return 0;
}

void ipc_assembly_free(struct ipc_assembly *a)
{
	if (a == NULL)
		return;
	ipc_close_all(a->fds, a->fd_count);
	buf_wipe(&a->body);
	free(a);
}

static int refuse(const int *fds, size_t fd_count, struct error *err, int code, const char *words)
{
	ipc_close_all(fds, fd_count);
	return error_set(err, code, "%s", words);
}

/* A frame behind the first of its message. */
static int assembly_add(struct ipc_assembly *a, const struct ipc_frame *f, struct error *err)
{
	if (f->type != a->type || f->number != a->number)
		return error_set(err, -EPROTO, "a frame of another message stands inside one");
	if (f->body.n == 0)
		return error_set(err, -EPROTO, "the last frame of a message is empty");
	if (f->body.n > IPC_MESSAGE_MAX - a->body.n)
		return error_set(err, -EPROTO, "a message is over %d bytes", IPC_MESSAGE_MAX);
	buf_put_secret(&a->body, f->body);
	if (a->body.failed)
		return error_set(err, -ENOMEM, "no memory for a message");
	return 0;
}

int ipc_assemble(struct ipc_assembly **a, const struct ipc_frame *f, int *fds, size_t fd_count,
		 struct ipc_message *m, struct error *err)
{
	int code;

	if (fd_count > IPC_FDS_MAX)
		return refuse(fds, fd_count, err, -EPROTO, "a message has too many descriptors");
	if (*a != NULL && fd_count > 0)
		return refuse(fds, fd_count, err, -EPROTO,
			      "descriptors come with a frame that is not the first");
	if (*a == NULL && (f->flags & IPC_FLAG_MORE) == 0) {
		*m = (struct ipc_message){ f->type, f->number, f->body, fds, fd_count };
		return IPC_WHOLE;
	}
	if (*a == NULL && assembly_new(a, f, fds, fd_count) < 0)
		return refuse(fds, fd_count, err, -ENOMEM, "no memory for a message");
	code = assembly_add(*a, f, err);
	if (code < 0)
		return code;
	if ((f->flags & IPC_FLAG_MORE) != 0)
		return IPC_PART;
	*m = (struct ipc_message){ f->type, f->number, buf_span(&(*a)->body), (*a)->fds, (*a)->fd_count };
	return IPC_WHOLE;
}
