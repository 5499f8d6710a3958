/* fuzz_ipc.c - records of any bytes, through the decoder and through a whole connection.
 * Input: the records, each behind its length less 1 (u16, little-endian).
 * link: common/ipc common/base */
#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/ipc/frame.h"
#include "common/ipc/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct ipc *ipc;
	size_t messages, gone;
};

static void on_receive(void *arg, struct ipc_message *m)
{
	struct seen *s = arg;

	assert(m->body.n <= IPC_MESSAGE_MAX && m->fd_count == 0 && s->gone == 0);
	s->messages++;
	if (m->type == 1)
		ipc_send(s->ipc, 2, m->number, m->body, NULL, 0);
	if (m->type == 3)
		ipc_pause(s->ipc);
	if (m->type == 4) {
		ipc_free(s->ipc);
		s->ipc = NULL;
	}
}

static void on_gone(void *arg, const struct error *why)
{
	struct seen *s = arg;

	assert(why->words[0] != '\0');
	s->gone++;
}

static struct span take_record(struct span *in)
{
	struct span head = span_take(in, 2);

	return span_take(in, head.n == 2 ? 1 + ((size_t)head.p[0] | (size_t)head.p[1] << 8) : 0);
}

/* Gives the messages up to the first error. */
static size_t decode(struct span in)
{
	struct ipc_assembly *a = NULL;
	size_t messages = 0;

	while (in.n > 0) {
		struct span record = take_record(&in);
		struct ipc_message m;
		struct ipc_frame f;
		int got;

		if (ipc_frame_read(&f, record, NULL) < 0)
			break;
		if ((f.flags & IPC_FLAG_CREDIT) != 0)
			continue;
		got = ipc_assemble(&a, &f, NULL, 0, &m, NULL);
		if (got < 0)
			break;
		messages += got == IPC_WHOLE;
		if (got == IPC_WHOLE) {
			ipc_assembly_free(a);
			a = NULL;
		}
	}
	ipc_assembly_free(a);
	return messages;
}

static void connect_and_send(struct span in)
{
	struct seen s = { 0 };
	struct ipc_handlers h = { on_receive, on_gone, &s };
	uv_loop_t loop;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) < 0)
		abort();
	uv_loop_init(&loop);
	if (ipc_new(&s.ipc, &loop, pair[0], 100000, &h, NULL) < 0)
		abort();
	while (in.n > 0) {
		struct span record = take_record(&in);

		send(pair[1], record.p, record.n, MSG_NOSIGNAL);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	close(pair[1]);
	uv_run(&loop, UV_RUN_NOWAIT);
	assert(s.gone <= 1);
	ipc_free(s.ipc);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { data, size };

	decode(in);
	connect_and_send(in);
	return 0;
}
