/* main.c - storaged: the local store behind dispatch. It alone touches mail/, queue/ and db/. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/proc/worker.h"
#include "storage/local/local.h"
#include "storage/storaged/dispatch.h"

enum { FOLDER_MAIL, FOLDER_QUEUE, FOLDER_DB }; /* as yubind hands them in */

struct storaged {
	struct worker *worker;
	struct store *store;
	struct dispatch *dispatch;
	bool stopping;
	int proc_fd; /* /proc/self/fd: the sandbox lets no path in */
};

static struct local_options options(const struct worker *w)
{
	const struct config_scope *c = config_top(worker_config(w));
	struct local_options o = {
		.mail_fd = worker_folder(w, FOLDER_MAIL),
		.queue_fd = worker_folder(w, FOLDER_QUEUE),
		.db_fd = worker_folder(w, FOLDER_DB),
		.index_cache = (uint64_t)config_number(c, CONFIG_INDEX_CACHE),
		.min_free = (uint64_t)config_number(c, CONFIG_MIN_FREE),
		.quiet_ms = (uint64_t)config_number(c, CONFIG_QUIET_TIME),
		.deleted_log_s = (uint64_t)config_number(c, CONFIG_DELETED_LOG_TIME) / 1000,
		.mailbox_limit = (unsigned)config_number(c, CONFIG_MAILBOX_LIMIT),
		.keyword_limit = (unsigned)config_number(c, CONFIG_KEYWORD_LIMIT),
	};

	memcpy(o.key, worker_hello(w)->key, sizeof(o.key));
	return o;
}

/* --- what dispatch needs of a local store --------------------------------------- */

/* The second descriptor reads what the first writes: the daemon keeps it, and can give the
 * body once more to a storaged that was restarted. */
static int stage_file(void *arg, struct store_stage **out, uint64_t max, int fds[2], struct error *err)
{
	const struct storaged *s = arg;
	char name[16];
	int code = local_stage_file(s->store, out, max, &fds[0], err);

	if (code < 0)
		return code;
	snprintf(name, sizeof(name), "%d", fds[0]);
	fds[1] = openat(s->proc_fd, name, O_RDONLY | O_CLOEXEC);
	return 0;
}

static bool account_of(void *arg, const struct store_token *t, char account[STORE_ACCOUNT_MAX])
{
	const struct storaged *s = arg;
	struct store_grant grant;

	if (!store_token_check(t, worker_hello(s->worker)->key, clock_real_ms() / 1000, &grant))
		return false;
	memcpy(account, grant.account, STORE_ACCOUNT_MAX);
	return true;
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
	if (s->proc_fd >= 0)
		close(s->proc_fd);
	free(s);
}

static int open_store(struct storaged *s, struct error *err)
{
	struct local_options o = options(s->worker);
	int code = local_new(&s->store, worker_loop(s->worker), &o, err);

	explicit_bzero(o.key, sizeof(o.key));
	return code;
}

static int storaged_prepare(struct worker *w, void **state, struct error *err)
{
	struct storaged *s = calloc(1, sizeof(*s));
	struct dispatch_backend backend = {
		.arg = s, .stage_file = stage_file, .stage_seal = local_stage_seal, .account_of = account_of
	};
	int code;

	if (s == NULL)
		return error_set(err, -ENOMEM, "no memory for storaged");
	s->worker = w;
	s->proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	code = s->proc_fd >= 0 ? open_store(s, err) : error_system(err, errno, "can't open /proc/self/fd");
	backend.store = s->store;
	if (code == 0)
		code = dispatch_new(&s->dispatch, worker_loop(w), &backend, err);
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
	.free = storaged_free,
};

int main(void)
{
	return worker_main(&storaged);
}
