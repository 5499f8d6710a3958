/* orders_socket.c - run/yubind.sock: who connects, and the orders that come. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/ipc/wire.h"
#include "supervisor/job.h"
#include "supervisor/orders_inside.h"

enum { QUEUE_MAX = 2 << 20 };

void order_free(struct order *o)
{
	struct order **at = &o->s->orders->first;

	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	o->s->orders->count--;
	job_forget(o->s, o);
	ipc_free(o->ipc);
	free(o);
}

static void on_message(void *arg, struct ipc_message *m)
{
	struct order *o = arg;
	struct wire w = { .in = m->body };

	wire_text(&w, o->words, sizeof(o->words));
	if (m->type != ORDER_ASK || !wire_done(&w) || o->wait != WAIT_NOTHING)
		order_free(o);
	else if (o->s->stop != STOP_NOT && strcmp(o->words, "stop") != 0)
		order_done(o, 1, "the server is being stopped");
	else
		order_run(o);
}

static void on_gone(void *arg, const struct error *why)
{
	(void)why;
	order_free(arg);
}

static bool may_order(int fd)
{
	struct ucred who;
	socklen_t n = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 &&
	       (who.uid == 0 || who.uid == geteuid());
}

/* Whoever came first and has asked nothing makes room: nobody can keep `yubin stop` out. */
static void drop_silent(struct supervisor *s)
{
	struct order *oldest = NULL;

	for (struct order *o = s->orders->first; o != NULL; o = o->next)
		if (o->wait == WAIT_NOTHING)
			oldest = o;
	if (oldest != NULL)
		order_free(oldest);
}

static void order_new(struct supervisor *s, int fd)
{
	struct order *o = calloc(1, sizeof(*o));
	const struct ipc_handlers handlers = { .receive = on_message, .gone = on_gone, .arg = o };

	if (s->orders->count == ORDERS_MAX)
		drop_silent(s);
	if (o == NULL || s->orders->count == ORDERS_MAX || !may_order(fd)) {
		close(fd);
		free(o);
		return;
	}
	o->s = s;
	o->fd = fd;
	if (ipc_new(&o->ipc, &s->loop, fd, QUEUE_MAX, &handlers, NULL) != 0) {
		free(o);
		return;
	}
	o->next = s->orders->first;
	s->orders->first = o;
	s->orders->count++;
}

/* No descriptor is left: who waits is closed, lest the loop be woken for them for ever. */
static void turn_away(struct orders *all)
{
	int fd;

	if (all->reserve >= 0)
		close(all->reserve);
	fd = accept4(all->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		close(fd);
	all->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_connect(uv_poll_t *poll, int status, int events)
{
	struct supervisor *s = poll->data;
	int fd;

	(void)status;
	(void)events;
	while ((fd = accept4(s->orders->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		order_new(s, fd);
	if (errno == EMFILE || errno == ENFILE)
		turn_away(s->orders);
}

/* Through the folder's descriptor: sun_path is shorter than paths may be. */
static int bind_socket(const struct paths *paths, struct error *err)
{
	int folder = open(paths->folder[PATHS_RUN], O_PATH | O_DIRECTORY | O_CLOEXEC), code = 0;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (folder < 0 || fd < 0) {
		code = errno;
	} else {
		unlinkat(folder, PATHS_SOCKET, 0);
		snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s", folder, PATHS_SOCKET);
		if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
		    fchmodat(folder, PATHS_SOCKET, 0600, 0) < 0 || listen(fd, ORDERS_MAX) < 0)
			code = errno;
	}
	if (folder >= 0)
		close(folder);
	if (code == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return error_system(err, code, "can't open the socket %s/%s", paths->folder[PATHS_RUN], PATHS_SOCKET);
}

int orders_open(struct supervisor *s, struct error *err)
{
	struct orders *all = calloc(1, sizeof(*all));
	int fd;

	if (all == NULL)
		return error_set(err, -ENOMEM, "no memory");
	fd = bind_socket(&s->paths, err);
	if (fd < 0) {
		free(all);
		return fd;
	}
	all->fd = fd;
	all->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (unsigned i = 0; i < CHILD_QUESTIONS; i++) {
		uv_timer_init(&s->loop, &all->late[i]);
		all->late[i].data = s;
	}
	uv_timer_init(&s->loop, &all->late_one);
	uv_poll_init(&s->loop, &all->poll, fd);
	all->late_one.data = all->poll.data = s;
	all->open = CHILD_QUESTIONS + 2;
	uv_poll_start(&all->poll, UV_READABLE, on_connect);
	s->orders = all;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct orders *all = handle->data;

	if (--all->open == 0)
		free(all);
}

void orders_close(struct supervisor *s)
{
	struct orders *all = s->orders;
	char path[PATHS_MAX];

	if (all == NULL)
		return;
	for (struct order *o = all->first, *next; o != NULL; o = next) {
		next = o->next;
		if (o->wait == WAIT_END && s->again_fd < 0)
			order_done(o, 0, "");
		order_free(o);
	}
	unlink(paths_file(&s->paths, PATHS_RUN, PATHS_SOCKET, path));
	s->orders = NULL;
	close(all->fd);
	if (all->reserve >= 0)
		close(all->reserve);
	for (unsigned i = 0; i < CHILD_QUESTIONS; i++) {
		all->late[i].data = all;
		uv_close((uv_handle_t *)&all->late[i], on_closed);
	}
	all->late_one.data = all->poll.data = all;
	uv_close((uv_handle_t *)&all->late_one, on_closed);
	uv_close((uv_handle_t *)&all->poll, on_closed);
}
