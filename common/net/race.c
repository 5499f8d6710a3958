/* race.c - the contract is in race.h. */
#include "common/net/race.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"

enum { WORDS = 480, COUNT_MAX = 64 };

#define NEVER UINT64_MAX

/* Apart from the race, for libuv holds it a turn longer. */
struct watch {
	uv_poll_t poll;
	struct race *race;
	size_t index;
};

struct attempt {
	struct address address;
	struct watch *watch; /* NULL: not begun, or over */
	int fd;
	uint64_t deadline_ms;
};

struct race {
	uv_timer_t timer;
	race_done done;
	void *arg;
	uint64_t lead_ms, connect_ms;
	uint64_t next_ms;            /* when the next begins */
	struct address bind4, bind6; /* host "": the kernel's choice */
	bool over;
	char words[WORDS];
	size_t count, begun, open;
	struct attempt attempts[];
};

/* --- sockets ---------------------------------------------------------------- */

static socklen_t socket_address(const struct address *a, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	*out = (struct sockaddr_storage){ 0 };
	if (inet_pton(AF_INET, a->host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)a->port);
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, a->host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)a->port);
		return sizeof(*v6);
	}
	return 0;
}

static int bind_to(int fd, const struct address *a)
{
	struct sockaddr_storage at;
	socklen_t size;

	if (a->host[0] == '\0')
		return 0;
	size = socket_address(a, &at);
	if (size == 0)
		return -EINVAL;
	return bind(fd, (const struct sockaddr *)&at, size) < 0 ? -errno : 0;
}

/* A socket that is connecting, or connected, or a negative errno. */
static int connect_to(const struct race *r, const struct address *a)
{
	struct sockaddr_storage to;
	socklen_t size = socket_address(a, &to);
	int fd, code;

	if (size == 0)
		return -EINVAL;
	fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	code = bind_to(fd, to.ss_family == AF_INET ? &r->bind4 : &r->bind6);
	if (code == 0 && connect(fd, (const struct sockaddr *)&to, size) < 0 && errno != EINPROGRESS)
		code = -errno;
	if (code < 0)
		close(fd);
	return code < 0 ? code : fd;
}

static int socket_error(int fd)
{
	int code = 0;
	socklen_t size = sizeof(code);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0 ? errno : code;
}

/* --- attempts ----------------------------------------------------------------- */

static void on_watch_closed(uv_handle_t *h)
{
	free(h->data);
}

/* Not watched any more: first the watch, then the descriptor. */
static void let_go(struct race *r, struct attempt *a)
{
	uv_close((uv_handle_t *)&a->watch->poll, on_watch_closed);
	a->watch = NULL;
	r->open--;
}

static void say_failed(struct race *r, const struct attempt *a, const char *why)
{
	char text[ADDRESS_PORT_TEXT];
	size_t n = strlen(r->words);

	snprintf(r->words + n, sizeof(r->words) - n, "%s%s %s", n > 0 ? ", " : "",
		 address_text(&a->address, text), why);
}

/* The next needs to wait no longer. */
static void attempt_failed(struct race *r, struct attempt *a, const char *why)
{
	if (a->watch != NULL)
		let_go(r, a);
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
	say_failed(r, a, why);
	r->next_ms = clock_mono_ms();
}

static void attempt_won(struct race *r, struct attempt *a)
{
	int fd = a->fd;

	let_go(r, a);
	a->fd = -1;
	r->over = true;
	uv_timer_stop(&r->timer);
	r->done(r->arg, fd, (size_t)(a - r->attempts), "");
}

static void turn(struct race *r);

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;
	struct race *r = w->race;
	struct attempt *a = &r->attempts[w->index];
	int code = socket_error(a->fd); /* libuv's status only says that there is one */

	(void)events;
	if (r->over)
		return;
	if (code == 0 && status == 0) {
		attempt_won(r, a);
		return;
	}
	attempt_failed(r, a, strerror(code != 0 ? code : ECONNABORTED));
	turn(r);
}

static int watch_new(struct race *r, struct attempt *a)
{
	struct watch *w = malloc(sizeof(*w));
	int code;

	if (w == NULL)
		return -ENOMEM;
	w->race = r;
	w->index = (size_t)(a - r->attempts);
	code = uv_poll_init(r->timer.loop, &w->poll, a->fd);
	if (code < 0) {
		free(w);
		return code;
	}
	w->poll.data = w;
	a->watch = w;
	r->open++;
	return uv_poll_start(&w->poll, UV_WRITABLE, on_poll);
}

static void begin_next(struct race *r)
{
	struct attempt *a = &r->attempts[r->begun++];
	uint64_t now_ms = clock_mono_ms();
	int code;

	a->deadline_ms = now_ms + r->connect_ms;
	r->next_ms = now_ms + r->lead_ms;
	a->fd = connect_to(r, &a->address);
	code = a->fd < 0 ? a->fd : watch_new(r, a);
	if (code < 0)
		attempt_failed(r, a, strerror(-code));
}

/* --- time ------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
	struct race *r = timer->data;
	uint64_t now_ms = clock_mono_ms();

	for (size_t i = 0; i < r->begun; i++)
		if (r->attempts[i].watch != NULL && r->attempts[i].deadline_ms <= now_ms)
			attempt_failed(r, &r->attempts[i], "timed out");
	turn(r);
}

static void arm(struct race *r)
{
	uint64_t due_ms = r->begun < r->count ? r->next_ms : NEVER, now_ms = clock_mono_ms();

	if (r->open == 0)
		due_ms = now_ms;
	for (size_t i = 0; i < r->begun; i++)
		if (r->attempts[i].watch != NULL && r->attempts[i].deadline_ms < due_ms)
			due_ms = r->attempts[i].deadline_ms;
	/* Rounded up: the loop's clock may be a millisecond behind. */
	uv_timer_start(&r->timer, on_timer, due_ms > now_ms ? due_ms - now_ms + 1 : 0, 0);
}

/* Begins what is due; without any that is open or to come, nobody has won. */
static void turn(struct race *r)
{
	while (r->begun < r->count && clock_mono_ms() >= r->next_ms)
		begin_next(r);
	if (r->open > 0 || r->begun < r->count) {
		arm(r);
		return;
	}
	r->over = true;
	uv_timer_stop(&r->timer);
	r->done(r->arg, -1, 0, r->count > 0 ? r->words : "there is no address");
}

/* --- the race ----------------------------------------------------------------- */

int race_new(struct race **out, uv_loop_t *loop, const struct race_options *o, race_done done, void *arg,
	     struct error *err)
{
	size_t count = o->count < COUNT_MAX ? o->count : COUNT_MAX;
	struct race *r = calloc(1, sizeof(*r) + count * sizeof(r->attempts[0]));

	*out = r;
	if (r == NULL)
		return error_set(err, -ENOMEM, "no memory for a connection");
	r->done = done;
	r->arg = arg;
	r->lead_ms = o->lead_ms;
	r->connect_ms = o->connect_ms;
	r->count = count;
	if (o->bind4 != NULL)
		r->bind4 = *o->bind4;
	if (o->bind6 != NULL)
		r->bind6 = *o->bind6;
	for (size_t i = 0; i < count; i++)
		r->attempts[i] = (struct attempt){ .address = o->addresses[i], .fd = -1 };
	uv_timer_init(loop, &r->timer);
	r->timer.data = r;
	if (count > 0)
		begin_next(r);
	arm(r);
	return 0;
}

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

void race_free(struct race *r)
{
	if (r == NULL)
		return;
	r->over = true;
	for (size_t i = 0; i < r->begun; i++) {
		if (r->attempts[i].watch != NULL)
			let_go(r, &r->attempts[i]);
		if (r->attempts[i].fd >= 0)
			close(r->attempts[i].fd);
	}
	uv_close((uv_handle_t *)&r->timer, on_closed);
}
