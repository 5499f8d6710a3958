/* start.c - start, stop, restart, reload, status. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin/program.h"
#include "admin/store_restore.h"
#include "admin/verbs.h"
#include "common/config/config.h"
#include "common/ipc/ipc.h"

enum {
	START_MS = 60000, /* yubind gives up on its own long before */
	LEAVE_MS = 10000, /* from the last answer to the end of the process */
	REPORT_FD = 3
};

/* --- start ----------------------------------------------------------------- */

/* In the new process: a session of its own, nothing inherited but the report. */
__attribute__((noreturn)) static void detach(const struct site *s, int report, const char *const *extra)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct error err;

	setsid();
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(report, REPORT_FD) < 0 ||
	    dup2(null, 2) < 0)
		_exit(127);
	if (report == REPORT_FD)
		fcntl(REPORT_FD, F_SETFD, 0);
	close_range(REPORT_FD + 1, ~0U, 0);
	signal(SIGHUP, SIG_DFL);
	program_become(s, extra, &err);
	_exit(127);
}

/* yubind has gone without a word. */
static int died(pid_t pid, struct error *err)
{
	int status = 0;

	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		return error_set(err, -EIO, "yubind died of signal %d; see `yubin log`", WTERMSIG(status));
	return error_set(err, -EIO, "yubind ended with status %d; see `yubin log`", WEXITSTATUS(status));
}

static int start_detached(const struct site *s, const char *const *extra, struct error *err)
{
	int ends[2], rc = ipc_pair(ends, err);
	pid_t pid;

	if (rc != 0)
		return rc;
	pid = fork();
	if (pid == 0)
		detach(s, ends[1], extra);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return error_system(err, errno, "can't start a process");
	}
	rc = site_answer(ends[0], START_MS, NULL, err);
	close(ends[0]);
	if (rc == -EPIPE)
		return died(pid, err);
	if (rc == -ETIMEDOUT) {
		kill(pid, SIGKILL);
		error_set(err, rc, "yubind did not start in %d seconds and was killed; see `yubin log`",
			  START_MS / 1000);
	}
	if (rc != 0)
		waitpid(pid, NULL, 0); /* it has failed: nothing of it is left when we return */
	return rc;
}

int start_run(const struct site *s, int argc, char **argv)
{
	const char *extra[PROGRAM_EXTRA] = { "--report", "3", "--" };
	bool foreground = false;
	unsigned n = 3;
	struct error err;
	char path[PATHS_MAX];
	int i = 1, pid = 0;

	if (i < argc && strcmp(argv[i], "--foreground") == 0) {
		foreground = true;
		i++;
	}
	if (i < argc && strcmp(argv[i], "--") != 0)
		return verb_usage(argv[0], "unknown argument %s", argv[i]);
	for (i++; i < argc; i++) {
		if (n + 1 == PROGRAM_EXTRA)
			return verb_usage(argv[0], "too many flags");
		extra[n++] = argv[i];
	}
	if (restore_must_end(s, &err) != 0 || site_must_exist(s, &err) != 0 || program_find(path, &err) != 0)
		return verb_failed(&err);
	if (foreground) {
		extra[1] = "--foreground";
		program_become(s, extra + 1, &err);
		return verb_failed(&err);
	}
	if (start_detached(s, extra, &err) != 0)
		return verb_failed(&err);
	if (site_running(s, &pid))
		printf("The server runs (pid %d).\n", pid);
	return VERB_DONE;
}

/* --- stop ------------------------------------------------------------------ */

/* Waits until the process is gone; pidfd from before it could have ended. */
static bool wait_gone(int pidfd, int ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, ms) > 0;
}

static int stop_process(const struct site *s, int pidfd, struct error *err)
{
	int rc = site_order(s, "stop", NULL, err);

	if (rc == -ESRCH)
		return 0;
	if (rc < 0 && rc != -EPIPE && pidfd >= 0)
		syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0); /* it does not listen: another way */
	else if (rc > 0)
		return rc;
	if (pidfd < 0 || wait_gone(pidfd, LEAVE_MS))
		return 0;
	return error_set(err, -ETIMEDOUT, "the server does not stop; see `yubin log`");
}

int stop_run(const struct site *s, int argc, char **argv)
{
	int pid = 0, pidfd, rc;
	struct error err;

	if (argc > 1)
		return verb_usage(argv[0], "unknown argument %s", argv[1]);
	if (!site_running(s, &pid)) {
		if (site_must_exist(s, &err) != 0)
			return verb_failed(&err);
		fputs("The server does not run.\n", stderr);
		return VERB_DONE;
	}
	pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	rc = stop_process(s, pidfd, &err);
	if (pidfd >= 0)
		close(pidfd);
	return rc == 0 ? VERB_DONE : verb_failed(&err);
}

/* --- restart, reload, status ----------------------------------------------- */

int restart_run(const struct site *s, int argc, char **argv)
{
	char *start[] = { argv[0], NULL };
	struct error err;
	struct buf words;
	int rc;

	if (argc == 1 && !site_running(s, NULL))
		return start_run(s, 1, start);
	buf_init(&words, 1024);
	buf_put_text(&words, "restart");
	for (int i = 1; i < argc; i++) {
		unsigned which = config_file_of(argv[i]);

		if (which == 0 || which == CONFIG_YUBIN) {
			buf_clear(&words);
			return verb_usage(
			    argv[0],
			    "there is no daemon %s; there are smtpd, pop3d, imapd, authd and storaged",
			    argv[i]);
		}
		buf_printf(&words, " %s", argv[i]);
	}
	buf_put_byte(&words, '\0');
	rc = words.failed ? error_set(&err, -E2BIG, "too many daemons")
			  : site_order(s, (const char *)words.p, NULL, &err);
	buf_clear(&words);
	return rc == 0 ? VERB_DONE : verb_failed(&err);
}

int reload_run(const struct site *s, int argc, char **argv)
{
	struct error err;

	if (argc > 1)
		return verb_usage(argv[0], "unknown argument %s", argv[1]);
	return site_order(s, "reload", NULL, &err) == 0 ? VERB_DONE : verb_failed(&err);
}

int status_run(const struct site *s, int argc, char **argv)
{
	bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
	char *text = NULL;
	struct error err;
	int rc;

	if (argc > 1 && !json)
		return verb_usage(argv[0], "unknown argument %s", argv[1]);
	rc = site_order(s, json ? "status json" : "status", &text, &err);
	if (rc == -ESRCH) {
		fputs(json ? "{\"running\":false}\n" : "The server does not run.\n", stdout);
		return VERB_STOPPED;
	}
	if (rc == 0)
		fputs(text != NULL ? text : "", stdout);
	free(text);
	return rc == 0 ? VERB_DONE : verb_failed(&err);
}
