/* store_serve.c - the contract is in store_serve.h. */
#include "admin/store_serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin/store_parts.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/config/file.h"
#include "common/ipc/ipc.h"
#include "common/proc/control.h"
#include "common/proc/sandbox.h"
#include "storage/local/local.h"
#include "storage/storaged/backend.h"

enum { GRANT_S = 7 * 24 * 3600, CONF_MAX = 1 << 20 };

/* --- the process that serves ---------------------------------------------------- */

struct serving {
	uv_loop_t loop;
	struct store *store;
	struct backend backend;
	struct dispatch *dispatch;
	uv_poll_t alive;
};

static void on_line(void *arg, const char *line)
{
	(void)arg;
	if (strstr(line, " error ") != NULL || strstr(line, " warn ") != NULL)
		fprintf(stderr, "%s\n", line);
}

static void say_nothing(void *arg, enum config_severity severity, const char *file, unsigned line, const char *words)
{
	(void)arg;
	(void)severity;
	(void)file;
	(void)line;
	(void)words;
}

/* Before the rights to it are gone. */
static int read_conf(struct config **c, const struct site *s, struct error *err)
{
	char path[PATHS_MAX];
	struct buf text;
	int rc;

	*c = NULL;
	buf_init(&text, CONF_MAX);
	rc = file_read(paths_file(&s->paths, PATHS_ETC, "storaged.conf", path), &text, NULL, err);
	if (rc == 0 || rc == -ENOENT)
		rc = config_parse(c, CONFIG_STORAGED, buf_span(&text), path, say_nothing, NULL);
	buf_clear(&text);
	return rc == 0 ? 0 : error_set(err, rc, "%s can't be read, or is wrong: see `yubin config check`", path);
}

/* For good: store_open became the store's user for a while only. */
static int drop(const struct store_folders *f, struct error *err)
{
	const struct sandbox box = { .kind = SANDBOX_FILES, .uid = f->uid, .gid = f->gid };
	char words[200];

	if (!f->root || f->uid == 0)
		return 0;
	if (seteuid(0) < 0 || setegid(0) < 0)
		return error_system(err, errno, "can't become the store's user");
	return sandbox_drop(&box, words, sizeof(words), err);
}

static int open_store(struct serving *v, const struct site *s, const uint8_t key[STORE_TOKEN_KEY], int client,
		      struct error *err)
{
	struct dispatch_backend d;
	struct store_folders f;
	struct config *conf;
	int rc = read_conf(&conf, s, err);

	if (rc == 0)
		rc = store_open(&f, s, STORE_USE_ALONE, err);
	if (rc == 0)
		rc = drop(&f, err);
	if (rc != 0)
		return rc; /* the process ends */
	backend_limits(&f.o, config_top(conf));
	config_free(conf);
	memcpy(f.o.key, key, STORE_TOKEN_KEY);
	rc = local_new(&v->store, &v->loop, &f.o, err);
	if (rc == 0)
		rc = backend_init(&v->backend, v->store, key, err);
	if (rc != 0)
		return rc;
	d = backend_dispatch(&v->backend);
	rc = dispatch_new(&v->dispatch, &v->loop, &d, err);
	return rc == 0 ? dispatch_client(v->dispatch, CONTROL_RIGHT_READ, "yubin", client, err) : rc;
}

static void on_closed(void *arg)
{
	struct serving *v = arg;

	dispatch_free(v->dispatch);
	local_free(v->store);
	uv_stop(&v->loop);
}

/* The command has closed its end, or died. */
static void on_end(uv_poll_t *alive, int status, int events)
{
	struct serving *v = alive->data;

	(void)status;
	(void)events;
	uv_poll_stop(alive);
	dispatch_close(v->dispatch);
	local_close(v->store, on_closed, v);
}

__attribute__((noreturn)) static void serve(const struct site *s, const uint8_t key[STORE_TOKEN_KEY], int client, int alive,
					    int report)
{
	struct serving v = { .backend.proc_fd = -1 };
	struct error err;

	signal(SIGINT, SIG_IGN); /* the command ends by it, and then this */
	signal(SIGHUP, SIG_IGN);
	log_to_function(on_line, NULL);
	if (uv_loop_init(&v.loop) != 0)
		error_set(&err, -ENOMEM, "no memory");
	else if (open_store(&v, s, key, client, &err) == 0)
		err.words[0] = '\0';
	if (write(report, err.words, strlen(err.words) + 1) < 0 || err.words[0] != '\0')
		_exit(1);
	close(report);
	v.alive.data = &v;
	uv_poll_init(&v.loop, &v.alive, alive);
	uv_poll_start(&v.alive, UV_READABLE | UV_DISCONNECT, on_end);
	uv_run(&v.loop, UV_RUN_DEFAULT);
	_exit(0);
}

/* --- the command ------------------------------------------------------------------ */

/* Its first words: none, once it serves. */
static int hear(int report, struct error *err)
{
	char words[512];
	ssize_t n;

	do
		n = read(report, words, sizeof(words) - 1);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return error_set(err, -EIO, "the process that opens the store has died");
	words[n] = '\0';
	return words[0] == '\0' ? 0 : error_set(err, -EBUSY, "%s", words);
}

static void grant(const char *account, const uint8_t key[STORE_TOKEN_KEY], struct store_token *token)
{
	struct store_grant g = { .rights = STORE_RIGHT_READ | STORE_RIGHT_NUMBERS, .made_ms = clock_real_ms() };

	g.ends_s = g.made_ms / 1000 + GRANT_S;
	snprintf(g.account, sizeof(g.account), "%s", account);
	store_token_make(token, key, &g);
}

static void close_pair(int ends[2])
{
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
}

static int fork_it(struct store_serve *v, const struct site *s, const uint8_t key[STORE_TOKEN_KEY], int client[2], int alive[2],
		   int report[2], struct error *err)
{
	fflush(stdout);
	v->pid = fork();
	if (v->pid < 0) {
		v->pid = 0;
		return error_system(err, errno, "can't start a process");
	}
	if (v->pid == 0) {
		close(client[0]);
		close(alive[1]);
		close(report[0]);
		serve(s, key, client[1], alive[0], report[1]);
	}
	close(report[1]);
	report[1] = -1;
	return hear(report[0], err);
}

int store_serve_start(struct store_serve *v, const struct site *s, const char *account, int *fd,
		      struct store_token *token, struct error *err)
{
	int client[2] = { -1, -1 }, alive[2] = { -1, -1 }, report[2] = { -1, -1 }, rc;
	uint8_t key[STORE_TOKEN_KEY];

	*v = (struct store_serve){ .alive = -1 };
	*fd = -1;
	randombytes_buf(key, sizeof(key));
	rc = ipc_pair(client, err);
	if (rc == 0 && (pipe2(alive, O_CLOEXEC) < 0 || pipe2(report, O_CLOEXEC) < 0))
		rc = error_system(err, errno, "can't make a pipe");
	if (rc == 0)
		rc = fork_it(v, s, key, client, alive, report, err);
	if (rc == 0) {
		grant(account, key, token);
		*fd = client[0];
		v->alive = alive[1];
		client[0] = alive[1] = -1;
	}
	sodium_memzero(key, sizeof(key));
	close_pair(client);
	close_pair(alive);
	close_pair(report);
	if (rc != 0)
		store_serve_end(v);
	return rc;
}

void store_serve_end(struct store_serve *v)
{
	if (v->pid == 0)
		return;
	if (v->alive >= 0)
		close(v->alive);
	while (waitpid(v->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*v = (struct store_serve){ .alive = -1 };
}
