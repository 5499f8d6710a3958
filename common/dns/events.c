/* events.c - the contract is in events.h; the rules of an event are libevent's: it fires once,
 * unless it persists; with a time-out it fires at the latest then. */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/time.h>

#include "common/dns/events.h"

typedef void (*event_call)(int fd, short bits, void *arg);

struct event {
	struct ub_event event; /* first: this is what libunbound holds */
	struct events *events;
	uv_poll_t *poll;   /* NULL unless fd is watched */
	uv_timer_t *timer; /* NULL until it is needed */
	event_call call;
	void *arg;
	uint64_t wait_ms; /* 0: none */
	int fd;
	short bits;
};

static struct event *event_of(struct ub_event *e)
{
	return (struct event *)(void *)e;
}

static void on_closed(uv_handle_t *h)
{
	free(h);
}

/* --- what the loop does --------------------------------------------------- */

/* To stop watching forgets fd's number in the loop, whoever has it by then. So it is done once, here, where
 * fd is still libunbound's: it closes a descriptor behind event_del, and frees the event when it likes. */
static void pause_all(struct event *e)
{
	if (e->poll != NULL)
		uv_close((uv_handle_t *)e->poll, on_closed);
	e->poll = NULL;
	if (e->timer != NULL)
		uv_timer_stop(e->timer);
}

/* The last thing that is done with e: what it calls may free it. */
static void fire(struct event *e, short bits)
{
	if ((e->bits & UB_EV_PERSIST) == 0)
		pause_all(e);
	else if (e->timer != NULL && e->wait_ms > 0)
		uv_timer_again(e->timer);
	e->call(e->fd, bits, e->arg);
}

static void start_poll(struct event *e);

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct event *e = poll->data;
	short bits = 0;

	/* The socket's own error (a port that is closed) is met by who reads or writes; libuv has stopped. */
	if (status < 0)
		start_poll(e);
	if (status < 0 || (events & UV_READABLE) != 0)
		bits |= e->bits & UB_EV_READ;
	if (status < 0 || (events & UV_WRITABLE) != 0)
		bits |= e->bits & UB_EV_WRITE;
	if (bits != 0)
		fire(e, bits);
}

static void on_timer(uv_timer_t *timer)
{
	fire(timer->data, UB_EV_TIMEOUT);
}

/* --- what libunbound asks for --------------------------------------------- */

static bool open_timer(struct event *e)
{
	if (e->timer != NULL)
		return true;
	e->timer = malloc(sizeof(*e->timer));
	if (e->timer == NULL)
		return false;
	uv_timer_init(e->events->loop, e->timer);
	e->timer->data = e;
	return true;
}

static void start_poll(struct event *e)
{
	int events = (e->bits & UB_EV_READ) != 0 ? UV_READABLE : 0;

	if ((e->bits & UB_EV_WRITE) != 0)
		events |= UV_WRITABLE;
	uv_poll_start(e->poll, events, on_poll);
}

static bool open_poll(struct event *e)
{
	e->poll = malloc(sizeof(*e->poll));
	if (e->poll == NULL)
		return false;
	if (uv_poll_init(e->events->loop, e->poll, e->fd) < 0) {
		free(e->poll);
		e->poll = NULL;
		return false;
	}
	e->poll->data = e;
	return true;
}

static uint64_t wait_of(const struct timeval *tv)
{
	return (uint64_t)tv->tv_sec * 1000 + (uint64_t)(tv->tv_usec + 999) / 1000;
}

static int start_timer(struct event *e, const struct timeval *tv)
{
	if (!open_timer(e))
		return -1;
	e->wait_ms = wait_of(tv);
	return uv_timer_start(e->timer, on_timer, e->wait_ms, e->wait_ms) < 0 ? -1 : 0;
}

static int event_add(struct ub_event *ev, struct timeval *tv)
{
	struct event *e = event_of(ev);

	pause_all(e);
	if ((e->bits & (UB_EV_READ | UB_EV_WRITE)) != 0) {
		if (!open_poll(e))
			return -1;
		start_poll(e);
	}
	return tv != NULL && (e->bits & UB_EV_TIMEOUT) != 0 ? start_timer(e, tv) : 0;
}

static int event_del(struct ub_event *ev)
{
	pause_all(event_of(ev));
	return 0;
}

static int timer_add(struct ub_event *ev, struct ub_event_base *base, event_call call, void *arg,
		     struct timeval *tv)
{
	struct event *e = event_of(ev);

	(void)base;
	pause_all(e);
	e->call = call;
	e->arg = arg;
	return start_timer(e, tv);
}

static void add_bits(struct ub_event *ev, short bits)
{
	event_of(ev)->bits |= bits;
}

static void del_bits(struct ub_event *ev, short bits)
{
	event_of(ev)->bits &= (short)~bits;
}

static void set_fd(struct ub_event *ev, int fd)
{
	event_of(ev)->fd = fd;
}

static void event_free(struct ub_event *ev)
{
	struct event *e = event_of(ev);

	pause_all(e);
	if (e->timer != NULL)
		uv_close((uv_handle_t *)e->timer, on_closed);
	free(e);
}

/* --- what a table must have, and nobody calls ------------------------------- */

static int no_signal(struct ub_event *ev, struct timeval *tv)
{
	(void)ev;
	(void)tv;
	return -1;
}

static void no_winsock(struct ub_event *ev)
{
	(void)ev;
}

static void no_block(struct ub_event *ev, int bit)
{
	(void)ev;
	(void)bit;
}

static struct ub_event *new_event(struct ub_event_base *base, int fd, short bits, event_call call, void *arg)
{
	static struct ub_event_vmt table = {
		.add_bits = add_bits,
		.del_bits = del_bits,
		.set_fd = set_fd,
		.free = event_free,
		.add = event_add,
		.del = event_del,
		.add_timer = timer_add,
		.del_timer = event_del,
		.add_signal = no_signal,
		.del_signal = event_del,
		.winsock_unregister_wsaevent = no_winsock,
		.winsock_tcp_wouldblock = no_block,
	};
	struct event *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	*e = (struct event){ .event = { UB_EVENT_MAGIC, &table },
			     .events = (struct events *)(void *)base,
			     .call = call,
			     .arg = arg,
			     .fd = fd,
			     .bits = bits };
	return &e->event;
}

static struct ub_event *new_signal(struct ub_event_base *base, int fd, event_call call, void *arg)
{
	(void)base;
	(void)fd;
	(void)call;
	(void)arg;
	return NULL;
}

static struct ub_event *new_winsock(struct ub_event_base *base, void *wsa, event_call call, void *arg)
{
	(void)wsa;
	return new_signal(base, -1, call, arg);
}

static void base_free(struct ub_event_base *base)
{
	(void)base;
}

static int no_dispatch(struct ub_event_base *base)
{
	(void)base;
	return -1;
}

static int no_exit(struct ub_event_base *base, struct timeval *tv)
{
	(void)base;
	(void)tv;
	return 0;
}

void events_init(struct events *e, uv_loop_t *loop)
{
	static struct ub_event_base_vmt table = {
		.free = base_free,
		.dispatch = no_dispatch,
		.loopexit = no_exit,
		.new_event = new_event,
		.new_signal = new_signal,
		.winsock_register_wsaevent = new_winsock,
	};

	*e = (struct events){ .base = { UB_EVENT_MAGIC, &table }, .loop = loop };
}
