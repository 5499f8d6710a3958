/* fake_yubind.c - the contract is in fake_yubind.h. */
#include "tests/unit/fake_yubind.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/config/file.h"
#include "common/ipc/ipc.h"
#include "supervisor/supervisor.h"
#include "tests/unit/fake_daemon.h"
#include "tests/unit/fake_site.h"
#include "tests/unit/unit.h"

/* yubind's main, less the options. */
__attribute__((noreturn)) static void be_yubind(const struct site *site, int report)
{
	struct supervisor s = {
		.report_fd = report, .again_fd = -1, .files_max = 1024, .paths = site->paths
	};
	const struct setup_source source = { .paths = &site->paths };
	struct report r = { .sink = NULL };
	struct sockets_of all;
	struct setup *setup;
	struct error err;

	for (enum daemon d = 0; d < DAEMON_COUNT; d++)
		all.daemon[d] = true;
	log_open("yubind", 0);
	s.libexec = fcntl(open(fake_site_file("programs"), O_PATH | O_DIRECTORY | O_CLOEXEC), F_DUPFD_CLOEXEC, 10);
	if (setup_read(&setup, &source, &r) != 0 || sockets_new(&s.sockets, &err) != 0 ||
	    sockets_open(s.sockets, setup, &all, 0, &r) != 0) {
		supervisor_report(&s, 1, r.first);
		_exit(1);
	}
	if (supervisor_open(&s, setup, &err) != 0)
		_exit(1);
	setup_drop(setup);
	supervisor_run(&s);
	supervisor_close(&s);
	if (s.exit_code != 0)
		supervisor_report(&s, 1, s.failure);
	exit(s.exit_code); /* not _exit: leaks are looked for */
}

int server_start(struct server *v, struct error *err)
{
	int ends[2], code;

	assert_int_equal(site_open(&v->site, fake_site, err), 0);
	assert_int_equal(ipc_pair(ends, err), 0);
	v->pid = fork();
	if (v->pid == 0) {
		close(ends[0]);
		be_yubind(&v->site, ends[1]);
	}
	close(ends[1]);
	v->report = ends[0];
	code = site_answer(v->report, 20000, NULL, err);
	close(v->report);
	return code;
}

int server_wait(struct server *v)
{
	int status = -1;

	assert_int_equal(waitpid(v->pid, &status, 0), v->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void server_must_start(struct server *v)
{
	struct error err = { 0 };

	if (server_start(v, &err) != 0)
		fail_msg("%s", err.words);
}

char *order(struct server *v, const char *words, int want)
{
	struct error err = { .code = 0 };
	char *text = NULL;
	int code = site_order(&v->site, words, &text, &err);

	if (code != want)
		fail_msg("order %s: %d %s", words, code, err.words);
	return text;
}

void order_plain(struct server *v, const char *words, int want)
{
	free(order(v, words, want));
}

pid_t order_beside(struct server *v, const char *words)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(site_order(&v->site, words, NULL, NULL));
	return pid;
}

void server_stop(struct server *v)
{
	order_plain(v, "stop", 0);
	assert_int_equal(server_wait(v), 0);
}

void status_value(struct server *v, const char *label, const char *key, char *out, size_t size)
{
	char *text = order(v, "status json", 0), want[64], *at, *value;

	snprintf(want, sizeof(want), "{\"name\":\"%.*s\",\"worker\":%d,", (int)strcspn(label, "["), label,
		 (int)strtol(label + strcspn(label, "[") + 1, NULL, 10));
	out[0] = '\0';
	at = strstr(text, want);
	if (at != NULL)
		at[strcspn(at, "}")] = '\0';
	snprintf(want, sizeof(want), "\"%s\":", key);
	value = at != NULL ? strstr(at, want) : NULL;
	if (value != NULL)
		snprintf(out, size, "%.*s", (int)strcspn(value + strlen(want), ","), value + strlen(want));
	free(text);
}

int status_number(struct server *v, const char *label, const char *key)
{
	char value[64];

	status_value(v, label, key, value, sizeof(value));
	return value[0] != '\0' ? (int)strtol(value, NULL, 10) : -1;
}

bool is_ready(struct server *v, const char *label)
{
	char value[64];

	status_value(v, label, "state", value, sizeof(value));
	return strcmp(value, "\"ready\"") == 0;
}

unsigned count_logged(const char *words)
{
	struct buf text;
	unsigned count = 0;

	buf_init(&text, 4 << 20);
	assert_int_equal(file_read(fake_site_file("log/yubin.log"), &text, NULL, NULL), 0);
	buf_put_byte(&text, '\0');
	for (const char *at = (char *)text.p; (at = strstr(at, words)) != NULL; at++)
		count++;
	buf_clear(&text);
	return count;
}

static void fail_log(const char *words)
{
	struct buf text;

	buf_init(&text, 4 << 20);
	file_read(fake_site_file("log/yubin.log"), &text, NULL, NULL);
	buf_put_byte(&text, '\0');
	fail_msg("not in the log: %s\n%s", words, (char *)text.p);
	buf_clear(&text);
}

void assert_logged(const char *words)
{
	if (count_logged(words) == 0)
		fail_log(words);
}

void wait_logged(const char *words)
{
	uint64_t end_ms = clock_mono_ms() + 10000;

	while (count_logged(words) == 0) {
		if (clock_mono_ms() > end_ms)
			fail_log(words);
		poll(NULL, 0, 20);
	}
}

bool fake_yubind_main(int argc, char **argv, int *code)
{
	if (argc == 0 || strchr(argv[0], '/') != NULL || daemon_find(argv[0]) == DAEMON_COUNT)
		return false;
	*code = fake_daemon(argv[0]);
	return true;
}
