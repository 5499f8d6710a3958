/* child.c - the contract is in child.h. */
#include "supervisor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/proc/control.h"
#include "supervisor/lines.h"

enum {
	QUEUE_MAX = 4 << 20, /* bytes waiting to be sent to one child */
	LOG_ROOM = 1 << 20,  /* of a child's log socket */
	LINES_A_TURN = 256,
	LINES_PAUSE_MS = 5
};

/* --- the process ----------------------------------------------------------- */

/* The environment of a daemon: the time zone, a library that all are to load (another malloc), and what sanitizers read. */
static void choose_environment(char *environment[8], const char *const *from)
{
	static const char *const kept[] = { "TZ=", "LD_PRELOAD=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "LSAN_OPTIONS=" };
	unsigned n = 0;

	for (; *from != NULL; from++)
		for (unsigned i = 0; i < sizeof(kept) / sizeof(kept[0]) && n < 7; i++)
			if (strncmp(*from, kept[i], strlen(kept[i])) == 0)
				environment[n++] = (char *)*from;
	environment[n] = NULL;
}

/* In the new process: no signal is blocked, 0 and 1 lead nowhere, 2 to the log. */
__attribute__((noreturn)) static void become(const struct child *c, int control_fd, int log_fd)
{
	char *arguments[] = { (char *)daemon_rows[c->daemon].name, NULL }, *environment[8];
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0); /* a terminal's ^C is for yubind alone */
	choose_environment(environment, (const char *const *)environ);
	if (null >= 0 && dup2(null, 0) == 0 && dup2(null, 1) == 1 && dup2(log_fd, 2) == 2 &&
	    dup2(control_fd, CONTROL_FD) == CONTROL_FD)
		execveat(c->s->libexec, arguments[0], arguments, environment, 0);
	dprintf(2, "can't be run: %s", strerror(errno));
	_exit(127);
}

/* dup2 must not hit a descriptor that is still needed. */
static int above_control(int fd)
{
	int high = fd > CONTROL_FD ? fd : fcntl(fd, F_DUPFD_CLOEXEC, CONTROL_FD + 1);

	return high;
}

static int child_fork(struct child *c, int control_fd, int log_fd, struct error *err)
{
	c->started_ms = clock_mono_ms();
	c->pid = fork();
	if (c->pid == 0)
		become(c, above_control(control_fd), above_control(log_fd));
	return c->pid > 0 ? 0 : error_system(err, errno, "can't start %s", c->label);
}

/* --- its log --------------------------------------------------------------- */

/* A line of its own form is taken as it is; anything else is its stderr. */
static void take_line(struct child *c, struct span line)
{
	char text[LOG_LINE_MAX];

	if (lines_good(line, c->label)) {
		logfile_write(c->s->log, line);
		return;
	}
	while (line.n > 0) {
		struct span one = span_take_until(&line, '\n');

		if (one.n == 0)
			continue;
		lines_wrap(text, sizeof(text), c->label, one);
		logfile_write(c->s->log, span_of(text));
		snprintf(c->words, sizeof(c->words), "%.*s", (int)(one.n < 300 ? one.n : 300),
			 (const char *)one.p);
	}
}

static bool take_lines(struct child *c)
{
	uint8_t room[LOG_LINE_MAX + 1];

	for (int i = 0; i < LINES_A_TURN; i++) {
		ssize_t n = recv(c->log_fd, room, LOG_LINE_MAX, MSG_DONTWAIT);

		if (n <= 0)
			return false;
		take_line(c, (struct span){ room, (size_t)n });
	}
	return true;
}

static void on_log(uv_poll_t *poll, int status, int events);

static void on_lines(uv_timer_t *timer)
{
	struct supervisor *s = timer->data;

	for (struct child *c = s->children; c != NULL; c = c->next)
		if (uv_is_active((uv_handle_t *)&c->log_poll) == 0)
			uv_poll_start(&c->log_poll, UV_READABLE, on_log);
}

/* A busy daemon writes thousands of lines a second: to be woken for each would cost more than the
 * lines. So nobody is listened to for a moment, and what came meanwhile is taken together. */
static void on_log(uv_poll_t *poll, int status, int events)
{
	struct child *c = poll->data;

	(void)status;
	(void)events;
	take_lines(c);
	uv_poll_stop(poll);
	if (uv_is_active((uv_handle_t *)&c->s->lines_timer) == 0)
		uv_timer_start(&c->s->lines_timer, on_lines, LINES_PAUSE_MS, 0);
}

/* --- its end --------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle)
{
	struct child *c = handle->data;

	if (--c->handles > 0)
		return;
	setup_drop(c->setup);
	for (unsigned i = 0; i < CHILD_QUESTIONS; i++)
		buf_clear(&c->answers[i].text);
	free(c);
}

/* At the end: status shows them in the order in which they were started. */
static void link_child(struct child *c)
{
	struct child **at = &c->s->children;

	while (*at != NULL)
		at = &(*at)->next;
	*at = c;
}

static void unlink_child(struct child *c)
{
	struct child **at = &c->s->children;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
}

/* The process is reaped and all that it said was taken: nothing of it is left. */
static void child_end(struct child *c)
{
	while (take_lines(c))
		;
	ipc_free(c->ipc);
	c->ipc = NULL;
	unlink_child(c);
	slots_gone(c, c->status);
	uv_close((uv_handle_t *)&c->log_poll, on_handle_closed);
	uv_close((uv_handle_t *)&c->timer, on_handle_closed);
	close(c->log_fd);
	supervisor_changed(c->s);
}

/* The first child that has ended since the last look, or NULL. */
static struct child *reap_one(struct supervisor *s)
{
	for (struct child *c = s->children; c != NULL; c = c->next)
		if (!c->ended && waitpid(c->pid, &c->status, WNOHANG) == c->pid)
			return c;
	return NULL;
}

void children_reap(struct supervisor *s)
{
	struct child *c;

	while ((c = reap_one(s)) != NULL) {
		c->ended = true;
		if (c->silent)
			child_end(c); /* else its last messages come first */
	}
}

void child_kill(struct child *c)
{
	if (!c->ended)
		kill(c->pid, SIGKILL);
}

static void on_late(uv_timer_t *t)
{
	struct child *c = t->data;

	if (c->state == CHILD_STARTING) {
		log_error("daemon not ready in time, killed daemon=%s pid=%d", c->label, (int)c->pid);
		snprintf(c->words, sizeof(c->words), "it was not ready within %d seconds",
			 CHILD_READY_MS / 1000);
	} else {
		log_warn("daemon did not leave in time, killed daemon=%s pid=%d", c->label, (int)c->pid);
	}
	child_kill(c);
}

void child_wait_on(struct child *c)
{
	uv_timer_start(&c->timer, on_late, CHILD_READY_MS, 0);
}

/* It closed its control socket, or broke the rules: it goes, or is made to. */
static void on_gone(void *arg, const struct error *why)
{
	struct child *c = arg;

	if (!c->leaving && !c->ended && why->code != -EPIPE) {
		log_error("daemon broke the rules of its control socket, killed daemon=%s reason=%s",
			  c->label, why->words);
		child_kill(c);
	}
	c->silent = true;
	if (c->ended)
		child_end(c);
	else
		uv_timer_start(&c->timer, on_late, CHILD_LEAVE_MS, 0);
}

/* --- the start ------------------------------------------------------------- */

static void child_label(struct child *c)
{
	snprintf(c->label, sizeof(c->label), "%s[%u]", daemon_rows[c->daemon].name, c->worker);
}

static int log_pair(int ends[2], struct error *err)
{
	int room = LOG_ROOM;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return error_system(err, errno, "can't make a socket pair");
	if (setsockopt(ends[1], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
		setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	return 0;
}

/* The loop's part of a child: its control socket, its log, its clock. */
static int child_watch(struct child *c, int control_fd, struct error *err)
{
	const struct ipc_handlers handlers = { .receive = talk_receive, .gone = on_gone, .arg = c };
	int rc = ipc_new(&c->ipc, &c->s->loop, control_fd, QUEUE_MAX, &handlers, err);

	if (rc != 0)
		return rc;
	uv_timer_init(&c->s->loop, &c->timer);
	c->timer.data = c;
	rc = uv_poll_init(&c->s->loop, &c->log_poll, c->log_fd);
	if (rc != 0)
		return error_set(err, rc, "can't watch a socket: %s", uv_strerror(rc));
	c->log_poll.data = c;
	c->handles = 2;
	uv_poll_start(&c->log_poll, UV_READABLE, on_log);
	uv_timer_start(&c->timer, on_late, CHILD_READY_MS, 0);
	return 0;
}

static void fork_failed(struct child *c)
{
	ipc_free(c->ipc);
	if (c->handles > 0) {
		uv_close((uv_handle_t *)&c->log_poll, on_handle_closed);
		uv_close((uv_handle_t *)&c->timer, on_handle_closed);
		close(c->log_fd);
		return;
	}
	close(c->log_fd);
	setup_drop(c->setup);
	free(c);
}

struct program program_now(const struct supervisor *s, enum daemon d)
{
	struct stat st = { .st_ino = 0 };

	if (fstatat(s->libexec, daemon_rows[d].name, &st, 0) < 0)
		return (struct program){ .inode = 0 };
	return (struct program){
		.inode = st.st_ino, .changed_s = st.st_mtim.tv_sec, .changed_ns = st.st_mtim.tv_nsec
	};
}

int child_start(struct child **out, struct supervisor *s, enum daemon d, unsigned worker, struct setup *setup,
		struct error *err)
{
	struct child *c = calloc(1, sizeof(*c));
	int control[2], logs[2], rc;

	*out = NULL;
	if (c == NULL)
		return error_set(err, -ENOMEM, "no memory");
	*c = (struct child){ .s = s, .daemon = d, .worker = worker, .setup = setup_hold(setup) };
	for (unsigned i = 0; i < CHILD_QUESTIONS; i++)
		buf_init(&c->answers[i].text, CHILD_ANSWER_MAX);
	child_label(c);
	rc = log_pair(logs, err);
	if (rc != 0) {
		setup_drop(setup);
		free(c);
		return rc;
	}
	c->log_fd = logs[0];
	rc = ipc_pair(control, err);
	if (rc == 0) {
		rc = child_watch(c, control[0], err);
		if (rc == 0)
			rc = child_fork(c, control[1], logs[1], err);
		close(control[1]);
	}
	if (rc != 0) {
		close(logs[1]);
		fork_failed(c);
		return rc;
	}
	link_child(c);
	s->groups[d].program = program_now(s, d);
	if (talk_begin(c, logs[1], err) != 0) {
		snprintf(c->words, sizeof(c->words), "%.399s", err->words);
		child_kill(c); /* and its end is met as any other */
	}
	*out = c;
	return 0;
}

void child_drain(struct child *c, uint64_t idle_ms)
{
	c->state = CHILD_DRAINING;
	c->leaving = true;
	uv_timer_stop(&c->timer);
	talk_time(c, CONTROL_DRAIN, idle_ms);
}

void child_stop(struct child *c, uint64_t within_ms)
{
	c->state = CHILD_STOPPING;
	c->leaving = true;
	talk_time(c, CONTROL_STOP, within_ms);
	uv_timer_start(&c->timer, on_late, within_ms + CHILD_LEAVE_MS, 0);
}

bool child_serves(const struct child *c)
{
	return !c->ended && (c->state == CHILD_STARTING || c->state == CHILD_READY);
}

struct child *child_of(const struct supervisor *s, enum daemon d)
{
	for (struct child *c = s->children; c != NULL; c = c->next)
		if (c->daemon == d && child_serves(c))
			return c;
	return NULL;
}
