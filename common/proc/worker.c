/* worker.c - the contract is in worker.h; what comes before the loop is start.h's. */
#include "common/proc/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "common/proc/ids.h"
#include "common/proc/rest.h"
#include "common/proc/start.h"

enum {
	QUEUE = 1 << 20,    /* bytes to yubind that may wait */
	BUSY_MS = 3000,     /* between two CONTROL_BUSY */
	REST_MS = 1200,     /* behind CONTROL_READY, for ports, neighbours, keys and storaged's first tick; behind new settings */
	ANSWER = 64 << 10,  /* the longest; yubind keeps no more */
	ASK_MAX = 4096,     /* bytes of a question */
	SANDBOX_TEXT = 200
};

struct worker {
	const struct worker_daemon *d;
	void *state;
	uv_loop_t loop;
	uv_timer_t deadline; /* CONTROL_STOP's */
	uv_timer_t rest;
	struct ipc *control;
	struct start start; /* hello, folders, settings */
	struct ids ids;
	uint64_t made_up; /* connection ids that yubind did not give */
	char sandbox[SANDBOX_TEXT];
	bool leaving;
	bool orphan; /* yubind is gone */
	uint64_t busy_ms; /* when it was last said */
};

/* --- what the daemon asks of us ------------------------------------------- */

uv_loop_t *worker_loop(struct worker *w)
{
	return &w->loop;
}

unsigned worker_number(const struct worker *w)
{
	return w->start.hello.worker;
}

const struct control_hello *worker_hello(const struct worker *w)
{
	return &w->start.hello;
}

int worker_folder(const struct worker *w, size_t i)
{
	return i < w->start.hello.folders ? w->start.folders[i] : -1;
}

const struct config *worker_site(const struct worker *w)
{
	return w->start.settings->site;
}

const struct config *worker_config(const struct worker *w)
{
	return w->start.settings->own;
}

struct settings *worker_settings(struct worker *w)
{
	return w->start.settings;
}

bool worker_file(const struct worker *w, const char *path, struct span *text)
{
	return bundle_get(w->start.settings->bundle, path, text);
}

static void tell_span(struct worker *w, enum control_type type, uint64_t number, struct span text)
{
	struct buf body;
	int code;

	buf_init(&body, ANSWER + 16);
	wire_put_span(&body, text);
	code = w->control != NULL ? ipc_send(w->control, (uint16_t)type, number, buf_span(&body), NULL, 0)
				  : -EPIPE;
	buf_clear(&body);
	if (code < 0 && code != -EPIPE)
		log_warn("can't answer yubind: %s", strerror(-code));
}

static void tell(struct worker *w, enum control_type type, uint64_t number, const char *text)
{
	tell_span(w, type, number, span_of(text));
}

void worker_busy(struct worker *w, const char *words)
{
	uint64_t now_ms = clock_mono_ms();
	struct buf body;

	if (w->busy_ms == 0)
		w->busy_ms = now_ms;
	if (now_ms < w->busy_ms + BUSY_MS)
		return;
	w->busy_ms = now_ms;
	buf_init(&body, ANSWER + 16);
	wire_put_text(&body, words);
	ipc_send_now(CONTROL_FD, CONTROL_BUSY, 0, buf_span(&body), NULL, 0, NULL);
	buf_clear(&body);
}

/* A number made of the time is unique as well, only longer. */
static uint64_t make_up_id(struct worker *w)
{
	uint64_t now_ms = (uint64_t)clock_real_ms();

	return now_ms << 20 | (uint64_t)(worker_number(w) & 0xff) << 12 | (w->made_up++ & 0xfff);
}

uint64_t worker_id(struct worker *w)
{
	uint64_t id = ids_take(&w->ids);

	if (ids_want(&w->ids))
		tell(w, CONTROL_WANT_IDS, 0, "");
	return id != 0 ? id : make_up_id(w);
}

void worker_revoke(struct worker *w, const char *account)
{
	tell(w, CONTROL_REVOKED, 0, account);
}

void worker_want_peer(struct worker *w, enum control_role role)
{
	uint8_t body = (uint8_t)role;

	if (w->control != NULL)
		ipc_send(w->control, CONTROL_WANT_PEER, 0, (struct span){ &body, 1 }, NULL, 0);
}

void worker_leave(struct worker *w)
{
	w->leaving = true;
	uv_stop(&w->loop);
}

/* --- messages from yubind ------------------------------------------------- */

static void set_log_level(const struct worker *w)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	const char *level = config_text(config_top(worker_site(w)), CONFIG_LOG_LEVEL);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (level != NULL && strcmp(level, names[i]) == 0)
			log_set_level((enum log_level)i);
}

static int settings_apply(struct worker *w, struct error *err)
{
	return w->d->settings != NULL ? w->d->settings(w->state, w, err) : 0;
}

/* On an error everything is as it was. */
static int settings_change(struct worker *w, int fd, struct error *err)
{
	struct settings *old = w->start.settings, *fresh;
	int code = settings_read(&fresh, fd, w->d->which, err);

	if (code < 0)
		return code;
	w->start.settings = fresh;
	code = settings_apply(w, err);
	if (code < 0)
		w->start.settings = old;
	else
		set_log_level(w);
	settings_drop(code < 0 ? fresh : old);
	return code;
}

static void on_rest(uv_timer_t *t)
{
	(void)t;
	rest_memory();
}

static void rest_soon(struct worker *w)
{
	uv_timer_start(&w->rest, on_rest, REST_MS, 0);
}

static void on_settings(struct worker *w, struct ipc_message *m)
{
	struct error err = { .words = "settings without a descriptor" };
	int code = m->fd_count == 1 ? settings_change(w, m->fds[0], &err) : -EPROTO;

	tell(w, CONTROL_APPLIED, m->number, code < 0 ? err.words : "");
	rest_soon(w);
}

static int take_fd(struct ipc_message *m)
{
	int fd = m->fds[0];

	m->fds[0] = -1;
	return fd;
}

static void malformed(const struct ipc_message *m)
{
	log_error("yubind sent a malformed message type=%u", m->type);
}

static void on_listen(struct worker *w, struct ipc_message *m)
{
	struct wire body = { .in = m->body };
	uint32_t index = wire_u32(&body);

	if (!wire_done(&body) || m->fd_count != 1)
		malformed(m);
	else if (w->d->listen != NULL)
		w->d->listen(w->state, index, take_fd(m));
}

static void on_peer(struct worker *w, struct ipc_message *m)
{
	struct control_peer p;

	if (m->fd_count != 1 || control_peer_read(m->body, &p, NULL) < 0)
		malformed(m);
	else if (w->d->peer != NULL)
		w->d->peer(w->state, (enum control_role)p.role, p.rights, p.name, take_fd(m));
}

static void on_tickets(struct worker *w, struct ipc_message *m)
{
	if (w->d->tickets != NULL)
		w->d->tickets(w->state, m->body);
}

static void on_ids(struct worker *w, struct ipc_message *m)
{
	struct wire body = { .in = m->body };
	uint64_t first = wire_u64(&body), count = wire_u64(&body);

	if (wire_done(&body))
		ids_add(&w->ids, first, count);
	else
		malformed(m);
}

static void on_drain(struct worker *w, struct ipc_message *m)
{
	struct wire body = { .in = m->body };
	uint64_t idle_ms = wire_u64(&body);

	if (!wire_done(&body))
		malformed(m);
	else if (w->d->drain != NULL)
		w->d->drain(w->state, idle_ms);
	else
		worker_leave(w);
}

static void on_deadline(uv_timer_t *t)
{
	struct worker *w = t->data;

	log_warn("stopping before all was finished");
	worker_leave(w);
}

static void on_stop(struct worker *w, struct ipc_message *m)
{
	struct wire body = { .in = m->body };
	uint64_t within_ms = wire_u64(&body);

	if (!wire_done(&body)) {
		malformed(m);
		return;
	}
	uv_timer_start(&w->deadline, on_deadline, within_ms, 0);
	if (w->d->stop != NULL)
		w->d->stop(w->state);
	else
		worker_leave(w);
}

static void on_revoke(struct worker *w, struct ipc_message *m)
{
	struct wire body = { .in = m->body };
	char account[400];

	wire_text(&body, account, sizeof(account));
	if (!wire_done(&body))
		malformed(m);
	else if (w->d->revoke != NULL)
		w->d->revoke(w->state, account);
}

static void on_ask(struct worker *w, struct ipc_message *m)
{
	struct wire body = { .in = m->body };
	struct buf out;
	char what[ASK_MAX];

	wire_text(&body, what, sizeof(what));
	buf_init(&out, ANSWER);
	if (strcmp(what, "status") == 0) {
		buf_printf(&out, "pid %d\nsandbox %s\n", (int)getpid(), w->sandbox);
		if (w->d->status != NULL)
			w->d->status(w->state, &out);
	} else if (w->d->ask != NULL) {
		w->d->ask(w->state, what, &out);
	}
	while (out.failed && out.n > 0 && out.p[out.n - 1] != '\n')
		out.n--; /* the lines that fit */
	tell_span(w, CONTROL_ANSWER, m->number, buf_span(&out));
	buf_clear(&out);
}

static const struct {
	enum control_type type;
	void (*take)(struct worker *w, struct ipc_message *m);
} takers[] = {
	{ CONTROL_SETTINGS, on_settings }, { CONTROL_LISTEN, on_listen }, { CONTROL_PEER, on_peer },
	{ CONTROL_TICKETS, on_tickets },   { CONTROL_IDS, on_ids },       { CONTROL_DRAIN, on_drain },
	{ CONTROL_STOP, on_stop },         { CONTROL_REVOKE, on_revoke }, { CONTROL_ASK, on_ask },
};

static void on_message(void *arg, struct ipc_message *m)
{
	struct worker *w = arg;

	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++)
		if (takers[i].type == m->type) {
			takers[i].take(w, m);
			return;
		}
	malformed(m);
}

/* Without yubind nobody could stop us, reload us or give us peers. */
static void on_gone(void *arg, const struct error *why)
{
	struct worker *w = arg;

	(void)why;
	w->orphan = true;
	worker_leave(w);
}

/* --- the life ------------------------------------------------------------- */

/* yubind decides when a daemon ends: a terminal's or service manager's signal to the
 * whole group must not. A broken lease tells by SIGIO, which nobody waits for. */
static void ignore_signals(void)
{
	static const int ignored[] = { SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGIO };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
}

/* Nothing but the standard descriptors and the control socket is inherited. */
static int process_begin(struct error *err)
{
	int type = 0;
	socklen_t size = sizeof(type);

	if (getsockopt(CONTROL_FD, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_SEQPACKET)
		return error_set(err, -ENOTSOCK,
				 "yubind starts this program (see `yubin start`), not a person");
	close_range(CONTROL_FD + 1, ~0U, 0);
	fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC);
	ignore_signals();
	umask(077);
	setenv("UV_USE_IO_URING", "0", 1); /* newer libuv: it would be started outside the sandbox's list */
	mallopt(M_ARENA_MAX, 2);
	return 0;
}

static void raise_descriptors(uint32_t wanted)
{
	struct rlimit limit, core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &core);
	if (wanted == 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_max < wanted && geteuid() == 0)
		limit.rlim_max = wanted;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < wanted)
		log_warn("open files limited now=%llu wanted=%u", (unsigned long long)limit.rlim_cur, wanted);
}

/* What libraries load on first use is loaded now: later there are no files. */
static int load_libraries(struct error *err)
{
	tzset();
	if (sodium_init() < 0)
		return error_set(err, -EIO, "libsodium can't be used");
	return 0;
}

static int receive_start(struct worker *w, struct error *err)
{
	int code = start_receive(&w->start, CONTROL_FD, w->d->which, err);

	if (w->start.log_fd >= 0) {
		log_open(w->d->name, w->start.hello.worker);
		log_to_socket(w->start.log_fd);
	}
	return code;
}

static int prepare(struct worker *w, struct error *err)
{
	return w->d->prepare != NULL ? w->d->prepare(w, &w->state, err) : 0;
}

/* A store must be opened as the user that will own its files; a network daemon loads
 * what it needs while there still is a root to load it from. */
static int prepare_and_lock(struct worker *w, struct error *err)
{
	const struct control_hello *h = &w->start.hello;
	struct sandbox s = { .kind = w->d->sandbox,
			     .folders = w->start.folders,
			     .folder_count = h->folders,
			     .uid = h->uid,
			     .gid = h->gid };
	int code = 0;

	if (s.kind != SANDBOX_FILES)
		code = prepare(w, err);
	if (code == 0)
		code = sandbox_drop(&s, w->sandbox, sizeof(w->sandbox), err);
	if (code == 0 && s.kind == SANDBOX_FILES)
		code = prepare(w, err);
	return code < 0 ? code : sandbox_lock(&s, w->sandbox, sizeof(w->sandbox), err);
}

static int open_control(struct worker *w, struct error *err)
{
	struct ipc_handlers h = { on_message, on_gone, w };

	return ipc_new(&w->control, &w->loop, CONTROL_FD, QUEUE, &h, err);
}

/* What came before there was somebody to take it. */
static void replay(struct worker *w)
{
	struct start_message *m;

	while ((m = start_next(&w->start)) != NULL) {
		on_message(w, &m->m);
		start_message_free(m);
	}
}

static int begin(struct worker *w, struct error *err)
{
	int code = receive_start(w, err);

	if (code == 0)
		code = uv_loop_init(&w->loop);
	if (code < 0)
		return code;
	w->deadline.data = w;
	uv_timer_init(&w->loop, &w->deadline);
	uv_timer_init(&w->loop, &w->rest);
	set_log_level(w);
	raise_descriptors(w->start.hello.nofile);
	code = load_libraries(err);
	if (code == 0)
		code = prepare_and_lock(w, err);
	if (code == 0)
		code = open_control(w, err);
	if (code == 0)
		code = settings_apply(w, err);
	if (code < 0)
		return code;
	replay(w);
	return w->d->start != NULL ? w->d->start(w->state, err) : 0;
}

static void serve(struct worker *w)
{
	rest_soon(w);
	tell(w, CONTROL_READY, 0, w->sandbox);
	log_info("ready pid=%d %s", (int)getpid(), w->sandbox);
	while (!w->leaving)
		uv_run(&w->loop, UV_RUN_DEFAULT);
}

/* The words go to yubind, which tells them to whoever started it. */
static void fail(const struct error *err)
{
	struct buf body;

	buf_init(&body, ANSWER);
	wire_put_text(&body, err->words);
	if (ipc_send_now(CONTROL_FD, CONTROL_FAILED, 0, buf_span(&body), NULL, 0, NULL) < 0)
		dprintf(STDERR_FILENO, "%s\n", err->words);
	buf_clear(&body);
}

static void end(struct worker *w)
{
	if (w->d->free != NULL && w->state != NULL)
		w->d->free(w->state);
	if (w->orphan)
		_exit(0); /* within the second: exit() would wait for the jobs of the thread pool */
	ipc_free(w->control);
	start_clear(&w->start);
	settings_drop(w->start.settings);
	explicit_bzero(w->start.hello.key, sizeof(w->start.hello.key));
	uv_close((uv_handle_t *)&w->deadline, NULL);
	uv_close((uv_handle_t *)&w->rest, NULL);
	for (int turn = 0; turn < 10; turn++) /* handles that are closing tell it in the loop */
		uv_run(&w->loop, UV_RUN_NOWAIT);
	uv_loop_close(&w->loop);
}

int worker_main(const struct worker_daemon *d)
{
	struct worker w = { .d = d };
	struct error err = { .words = "out of memory" };
	int code;

	log_open(d->name, 0);
	start_init(&w.start);
	code = process_begin(&err);
	if (code < 0) {
		dprintf(STDERR_FILENO, "%s: %s\n", d->name, err.words);
		return 2;
	}
	code = begin(&w, &err);
	if (code < 0) {
		fail(&err);
		return 1;
	}
	serve(&w);
	end(&w);
	return 0;
}
