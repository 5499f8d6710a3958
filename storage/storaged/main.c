/* main.c - storaged: the local store behind dispatch. It alone touches mail/, queue/ and db/. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/proc/worker.h"
#include "storage/local/local.h"
#include "storage/storaged/backend.h"
#include "storage/storaged/dispatch.h"
#include "storage/storaged/queue_answer.h"

enum { FOLDER_MAIL, FOLDER_QUEUE, FOLDER_DB }; /* as yubind hands them in */

struct storaged {
	struct worker *worker;
	struct store *store;
	struct dispatch *dispatch;
	bool stopping;
	struct backend backend;
};

static void on_rebuilt(void *arg, uint64_t messages)
{
	struct worker *w = arg;
	char words[100];

	snprintf(words, sizeof(words), "the index is made again from the folders, %llu messages so far",
		 (unsigned long long)messages);
	worker_busy(w, words);
}

static struct local_options options(struct worker *w)
{
	struct local_options o = { .mail_fd = worker_folder(w, FOLDER_MAIL),
				   .queue_fd = worker_folder(w, FOLDER_QUEUE),
				   .db_fd = worker_folder(w, FOLDER_DB),
				   .rebuilt = on_rebuilt,
				   .rebuilt_arg = w };

	backend_limits(&o, config_top(worker_config(w)));
	memcpy(o.key, worker_hello(w)->key, sizeof(o.key));
	return o;
}

/* --- the daemon ------------------------------------------------------------------- */

static void storaged_free(void *state)
{
	struct storaged *s = state;

	if (s == NULL)
		return;
	dispatch_free(s->dispatch);
	if (s->store != NULL)
		local_free(s->store);
	backend_clear(&s->backend);
	free(s);
}

/* Before the sandbox; recovery, and a rebuild where the index is lost, happen in here. */
static int storaged_open(struct storaged *s, struct error *err)
{
	struct local_options o = options(s->worker);
	struct dispatch_backend backend;
	int code = local_new(&s->store, worker_loop(s->worker), &o, err);

	if (code == 0)
		code = backend_init(&s->backend, s->store, o.key, err);
	explicit_bzero(o.key, sizeof(o.key));
	if (code < 0)
		return code;
	backend = backend_dispatch(&s->backend);
	return dispatch_new(&s->dispatch, worker_loop(s->worker), &backend, err);
}

static int storaged_prepare(struct worker *w, void **state, struct error *err)
{
	struct storaged *s = calloc(1, sizeof(*s));
	int code;

	if (s == NULL)
		return error_set(err, -ENOMEM, "no memory for storaged");
	s->worker = w;
	s->backend.proc_fd = -1;
	code = storaged_open(s, err);
	if (code < 0) {
		storaged_free(s);
		return code;
	}
	*state = s;
	return 0;
}

static int storaged_settings(void *state, struct worker *w, struct error *err)
{
	struct storaged *s = state;
	struct local_options o = options(w);

	(void)err;
	local_settings(s->store, &o);
	explicit_bzero(o.key, sizeof(o.key));
	return 0;
}

static void storaged_peer(void *state, enum control_role role, unsigned rights, const char *name, int fd)
{
	struct storaged *s = state;
	struct error err;

	if (role != CONTROL_ROLE_CLIENT) {
		log_error("storaged was given a socket to another daemon, not from one name=%s", name);
		close(fd);
		return;
	}
	if (dispatch_client(s->dispatch, rights, name, fd, &err) < 0)
		log_error("can't serve %s: %s", name, err.words);
}

/* The logins go first: the store would refuse them, and they would stay. */
static void storaged_revoke(void *state, const char *account)
{
	struct storaged *s = state;

	dispatch_revoke(s->dispatch, account);
	local_revoke(s->store, account);
}

static void on_closed(void *arg)
{
	struct storaged *s = arg;

	worker_leave(s->worker);
}

/* What is in hand is done, answered, and on disk. */
static void storaged_stop(void *state)
{
	struct storaged *s = state;

	if (s->stopping)
		return;
	s->stopping = true;
	dispatch_close(s->dispatch);
	local_close(s->store, on_closed, s);
}

/* Two generations can't have one index: the sessions of the daemons wait for the next storaged. */
static void storaged_drain(void *state, uint64_t idle_ms)
{
	(void)idle_ms;
	storaged_stop(state);
}

static void storaged_status(void *state, struct buf *out)
{
	struct storaged *s = state;

	dispatch_status(s->dispatch, out);
	local_status(s->store, out);
}

/* "settle begin ACCOUNT", then "settle again ACCOUNT" until it is done. */
static void settle_answer(struct store *s, const char *what, struct buf *out)
{
	static const char begin[] = "settle begin ", again[] = "settle again ";
	bool busy = false;

	if (span_starts(span_of(what), begin))
		busy = local_settle(s, what + strlen(begin));
	else if (span_starts(span_of(what), again))
		busy = local_settling(s, what + strlen(again));
	buf_put_text(out, busy ? "busy\n" : "done\n");
}

static void storaged_ask(void *state, const char *what, struct buf *out)
{
	const struct storaged *s = state;

	if (!s->stopping && span_starts(span_of(what), "queue "))
		queue_answer(s->store, what, out);
	else if (!s->stopping && span_starts(span_of(what), "settle "))
		settle_answer(s->store, what, out);
}

static const struct worker_daemon storaged = {
	.name = "storaged",
	.which = CONFIG_STORAGED,
	.sandbox = SANDBOX_FILES,
	.prepare = storaged_prepare,
	.settings = storaged_settings,
	.peer = storaged_peer,
	.drain = storaged_drain,
	.stop = storaged_stop,
	.revoke = storaged_revoke,
	.status = storaged_status,
	.ask = storaged_ask,
	.free = storaged_free,
};

int main(void)
{
	return worker_main(&storaged);
}
