/* ipc.c - the contract is in ipc.h; frames are frame.h's. */
#include "common/ipc/ipc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/ipc/record.h"

enum {
	TURN = 64,                       /* frames taken in one wake-up: the others' turn comes */
	CREDIT_STEP = IPC_FDS_FLIGHT / 2 /* descriptors taken before the sender hears of it */
};

/* A message on its way out. */
struct parcel {
	struct parcel *next;
	uint16_t type;
	uint64_t number;
	struct span body;
	size_t sent; /* bytes of body that are with the kernel */
	int *fds;
	size_t fd_count; /* 0 once the first frame is with the kernel */
};

struct ipc {
	uv_poll_t poll;
	int fd;       /* -1: freed */
	int watching; /* events that uv_poll looks for */
	int broken;   /* a negative errno: nothing can be sent any more */
	bool paused;
	bool ended;               /* gone was called */
	bool starved;             /* the first parcel waits for credit, not for the socket */
	size_t queued, queue_max; /* bytes */
	size_t queued_fds;
	size_t flight; /* descriptors sent for which no credit has come */
	size_t taken;  /* descriptors received for which no credit was sent */
	struct parcel *first, **last;
	struct ipc_assembly *part;
	struct ipc_handlers h;
};

static void on_poll(uv_poll_t *poll, int status, int events);

int ipc_new(struct ipc **out, uv_loop_t *loop, int fd, size_t queue_max, const struct ipc_handlers *h,
	    struct error *err)
{
	struct ipc *i = calloc(1, sizeof(*i));
	int code;

	*out = NULL;
	if (i == NULL) {
		close(fd);
		return error_set(err, -ENOMEM, "no memory for a connection to another process");
	}
	code = uv_poll_init(loop, &i->poll, fd);
	if (code < 0) {
		close(fd);
		free(i);
		return error_set(err, code, "can't watch a socket: %s", uv_strerror(code));
	}
	i->poll.data = i;
	i->fd = fd;
	i->queue_max = queue_max;
	i->last = &i->first;
	i->h = *h;
	i->watching = UV_READABLE;
	uv_poll_start(&i->poll, i->watching, on_poll);
	*out = i;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void parcel_free(struct parcel *p)
{
	ipc_close_all(p->fds, p->fd_count);
	explicit_bzero((uint8_t *)(uintptr_t)p->body.p, p->body.n);
	free(p);
}

static void queue_drop_first(struct ipc *i)
{
	struct parcel *p = i->first;

	i->first = p->next;
	if (i->first == NULL)
		i->last = &i->first;
	i->queued -= IPC_FRAME_HEAD + p->body.n;
	i->queued_fds -= p->fd_count;
	parcel_free(p);
}

static void queue_clear(struct ipc *i)
{
	while (i->first != NULL)
		queue_drop_first(i);
}

void ipc_free(struct ipc *i)
{
	if (i == NULL || i->fd < 0)
		return;
	queue_clear(i);
	ipc_assembly_free(i->part);
	i->part = NULL;
	uv_close((uv_handle_t *)&i->poll, on_closed); /* stops watching fd at once */
	close(i->fd);
	i->fd = -1;
}

/* Watches for what can be acted on, so that the loop never spins. */
static void watch(struct ipc *i)
{
	bool unsent = (i->first != NULL && !i->starved) || i->taken >= CREDIT_STEP;
	int events = 0;

	if (i->fd < 0 || i->ended)
		return;
	if (!i->paused || i->broken < 0)
		events |= UV_READABLE;
	if (unsent && i->broken == 0)
		events |= UV_WRITABLE;
	if (events == i->watching)
		return;
	i->watching = events;
	if (events == 0)
		uv_poll_stop(&i->poll);
	else
		uv_poll_start(&i->poll, events, on_poll);
}

/* Nothing more can be sent. What the other end had sent is still read; its end of
 * file, which shutdown brings if it is not there already, then ends the connection. */
static void break_off(struct ipc *i, int code)
{
	i->broken = code;
	shutdown(i->fd, SHUT_RDWR);
	queue_clear(i);
	watch(i);
}

/* Sends frames of p until all is with the kernel. 0, -EAGAIN, or the error. */
static int parcel_send(struct ipc *i, struct parcel *p)
{
	do {
		size_t left = p->body.n - p->sent;
		struct ipc_frame f = { .type = p->type, .number = p->number };
		int code;

		/* Who is paused reads no credits, and may wait for this queue to empty before
		 * it goes on: what it owes (a queue at most) goes out without them. */
		i->starved = !i->paused && i->flight + p->fd_count > IPC_FDS_FLIGHT;
		if (i->starved)
			return -EAGAIN;
		if (left > IPC_FRAME_BODY) {
			f.flags = IPC_FLAG_MORE;
			left = IPC_FRAME_BODY;
		}
		if (left > 0)
			f.body = (struct span){ p->body.p + p->sent, left };
		code = ipc_record_send(i->fd, &f, p->fds, p->fd_count);
		if (code < 0)
			return code;
		p->sent += left;
		i->flight += p->fd_count;
		ipc_close_all(p->fds, p->fd_count);
		p->fd_count = 0;
	} while (p->sent < p->body.n);
	return 0;
}

/* A copy of p with its descriptors, at the end of the queue. No memory counts as a
 * full queue; in the middle of a message it breaks the connection. */
static int enqueue(struct ipc *i, const struct parcel *p)
{
	size_t fds = p->fd_count * sizeof(int);
	struct parcel *copy = malloc(sizeof(*copy) + fds + p->body.n);

	if (copy == NULL && p->sent > 0)
		break_off(i, -ENOMEM);
	if (copy == NULL)
		return -ENOBUFS;
	*copy = *p;
	copy->next = NULL;
	copy->fds = (int *)(copy + 1);
	copy->body.p = (uint8_t *)copy->fds + fds;
	if (fds > 0)
		memcpy(copy->fds, p->fds, fds);
	if (p->body.n > 0)
		memcpy((uint8_t *)copy->fds + fds, p->body.p, p->body.n);
	*i->last = copy;
	i->last = &copy->next;
	i->queued += IPC_FRAME_HEAD + p->body.n;
	i->queued_fds += p->fd_count;
	return 0;
}

/* A message of several frames must not get stuck halfway, so that its room is asked for first. */
static bool has_room(const struct ipc *i, const struct parcel *p)
{
	return i->queued + IPC_FRAME_HEAD + p->body.n <= i->queue_max &&
	       i->queued_fds + p->fd_count <= IPC_FDS_FLIGHT;
}

static int parcel_send_or_queue(struct ipc *i, struct parcel *p)
{
	int code = -EAGAIN;

	if (p->body.n > IPC_FRAME_BODY && !has_room(i, p))
		return -ENOBUFS;
	if (i->first == NULL)
		code = parcel_send(i, p);
	if (code == -EAGAIN)
		code = p->sent > 0 || has_room(i, p) ? enqueue(i, p) : -ENOBUFS;
	else if (code < 0)
		break_off(i, code);
	if (code == 0 && i->first != NULL)
		p->fd_count = 0; /* the queue has them */
	return i->broken < 0 ? -EPIPE : code;
}

int ipc_send(struct ipc *i, uint16_t type, uint64_t number, struct span body, int *fds, size_t fd_count)
{
	struct parcel p = { .type = type, .number = number, .body = body, .fds = fds, .fd_count = fd_count };
	int code;

	if (i->fd < 0 || i->broken < 0 || i->ended)
		code = -EPIPE;
	else if (body.n > IPC_MESSAGE_MAX || fd_count > IPC_FDS_MAX)
		code = -EMSGSIZE;
	else
		code = parcel_send_or_queue(i, &p);
	ipc_close_all(fds, p.fd_count);
	if (i->fd >= 0)
		watch(i);
	return code;
}

/* Tells the sender how many of its descriptors were taken, in steps. */
static int send_credit(struct ipc *i)
{
	struct ipc_frame f = { .flags = IPC_FLAG_CREDIT, .number = i->taken };
	int code = ipc_record_send(i->fd, &f, NULL, 0);

	if (code == 0)
		i->taken = 0;
	return code;
}

static void flush(struct ipc *i)
{
	int code = i->taken >= CREDIT_STEP ? send_credit(i) : 0;

	while (code == 0 && i->first != NULL) {
		size_t fds = i->first->fd_count;

		code = parcel_send(i, i->first);
		i->queued_fds -= fds - i->first->fd_count;
		if (code == 0)
			queue_drop_first(i);
	}
	if (code < 0 && code != -EAGAIN)
		break_off(i, code);
}

static void end(struct ipc *i, const struct error *why)
{
	uv_poll_stop(&i->poll);
	i->ended = true;
	queue_clear(i);
	i->h.gone(i->h.arg, why);
}

static void give(struct ipc *i, struct ipc_message *m)
{
	i->taken += m->fd_count;
	if (!i->paused)
		i->h.receive(i->h.arg, m);
	ipc_close_all(m->fds, m->fd_count);
	if (i->fd >= 0 && i->taken >= CREDIT_STEP && i->broken == 0)
		flush(i);
}

/* 0, or a negative errno with words. */
static int take_frame(struct ipc *i, const struct ipc_frame *f, int *fds, size_t fd_count, struct error *err)
{
	struct ipc_assembly *whole;
	struct ipc_message m;
	int got;

	if ((f->flags & IPC_FLAG_CREDIT) != 0) {
		ipc_close_all(fds, fd_count);
		i->flight -= f->number < i->flight ? (size_t)f->number : i->flight;
		i->starved = false;
		if (i->broken == 0)
			flush(i);
		return 0;
	}
	got = ipc_assemble(&i->part, f, fds, fd_count, &m, err);
	if (got != IPC_WHOLE)
		return got == IPC_PART ? 0 : got;
	whole = i->part;
	i->part = NULL;
	give(i, &m);
	ipc_assembly_free(whole);
	return 0;
}

static void gone_words(const struct ipc *i, struct error *err)
{
	if (i->broken < 0 && i->broken != -EPIPE && i->broken != -ECONNRESET)
		error_system(err, -i->broken, "can't send to another process");
	else
		error_set(err, -EPIPE, "the other end closed the connection");
}

/* 1, or -1 with words. What the frame said is wiped: passwords and tokens come this way. */
static int take_and_wipe(struct ipc *i, const struct ipc_frame *f, int *fds, size_t fd_count,
			    struct error *err)
{
	int code = take_frame(i, f, fds, fd_count, err);

	explicit_bzero((uint8_t *)(uintptr_t)f->body.p, f->body.n);
	return code < 0 ? -1 : 1;
}

/* One frame of what has come. 1: go on; 0: nothing is left; or i was ended or freed. */
static int take_one(struct ipc *i, uint8_t room[IPC_FRAME_MAX])
{
	int fds[IPC_FDS_MAX];
	size_t fd_count;
	struct ipc_frame f;
	struct error why;
	int code = ipc_record_receive(i->fd, room, &f, fds, &fd_count, &why);

	if (code == -EAGAIN)
		return 0;
	if (code == -ECONNRESET)
		return 1;
	if (code == 0)
		gone_words(i, &why);
	else if (code > 0)
		code = take_and_wipe(i, &f, fds, fd_count, &why);
	if (code > 0)
		return 1;
	if (i->fd >= 0)
		end(i, &why);
	return 0;
}

/* room is the one receive buffer of the process, whose messages all come in one thread: no connection holds
 * one, and of it only what the longest message so far needed is in memory. (On the stack all of it would be:
 * the compiler probes the pages of large frames.) */
static void take_turn(struct ipc *i)
{
	static uint8_t room[IPC_FRAME_MAX];

	for (int n = 0; n < TURN && i->fd >= 0 && !i->ended; n++) {
		if (i->paused && i->broken == 0)
			return;
		if (take_one(i, room) == 0)
			return;
	}
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct ipc *i = poll->data;

	if (status < 0)
		i->watching = 0; /* libuv stopped at an error that the next receive tells */
	if ((events & UV_WRITABLE) != 0 && i->broken == 0)
		flush(i);
	if ((events & UV_READABLE) != 0 || status < 0)
		take_turn(i);
	watch(i);
}

size_t ipc_queued(const struct ipc *i)
{
	return i->queued;
}

size_t ipc_queued_files(const struct ipc *i)
{
	return i->queued_fds;
}

void ipc_pause(struct ipc *i)
{
	i->paused = true;
	i->starved = false;
	watch(i);
}

void ipc_resume(struct ipc *i)
{
	i->paused = false;
	watch(i);
}
