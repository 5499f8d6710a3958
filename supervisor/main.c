/* main.c - yubind: starts, watches and reloads the daemons of one site. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/config/order.h"
#include "common/ipc/ipc.h"
#include "common/ipc/wire.h"
#include "supervisor/lock.h"
#include "supervisor/supervisor.h"

enum { PATIENCE_MS = 3000, HIGH_FD = 10 };

struct options {
	const char *dir; /* -C */
	char flags[256];
	bool check, foreground, help;
	int report_fd, lock_fd; /* inherited; -1: none */
};

static const char usage[] = "usage: yubind [-C DIR] [--foreground] [--check] [-- FLAGS]\n"
			    "  -C DIR        the site lies in DIR (else in the system's folders)\n"
			    "  --foreground  log to stderr too, stay with the terminal\n"
			    "  --check       check the configuration, start nothing\n"
			    "`yubin start` is what people use; it starts this program.\n";

/* --- words ----------------------------------------------------------------- */

/* To the yubin that started us, or to stderr. */
static void say(void *arg, enum report_kind kind, const char *words)
{
	static const char *const kinds[] = { "note", "warning", "error" };
	struct supervisor *s = arg;

	if (s->report_fd < 0)
		fprintf(stderr, "yubin: %s: %s\n", kinds[kind], words);
	supervisor_say(s, kinds[kind], words);
}

/* The end of a start that did not come about. */
static int give_up(struct supervisor *s, const char *words)
{
	if (s->report_fd >= 0)
		supervisor_report(s, 1, words);
	else
		fprintf(stderr, "yubin: %s\n", words);
	return EXIT_FAILURE;
}

/* --- options --------------------------------------------------------------- */

static bool read_fd(const char *text, int *fd)
{
	uint64_t n;

	if (!span_number(span_of(text), 1 << 20, &n) || fcntl((int)n, F_SETFD, FD_CLOEXEC) < 0)
		return false;
	*fd = (int)n;
	return true;
}

static bool read_flags(struct options *o, char **words)
{
	size_t used = 0;

	for (; *words != NULL; words++) {
		int n =
		    snprintf(o->flags + used, sizeof(o->flags) - used, "%s%s", used > 0 ? " " : "", *words);

		if (n < 0 || (size_t)n >= sizeof(o->flags) - used)
			return false;
		used += (size_t)n;
	}
	return true;
}

static bool read_options(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{ "check", no_argument, NULL, 'c' },        { "foreground", no_argument, NULL, 'f' },
		{ "report", required_argument, NULL, 'r' }, { "lock", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
	};
	int c;

	*o = (struct options){ .report_fd = -1, .lock_fd = -1 };
	while ((c = getopt_long(argc, argv, "+C:", known, NULL)) != -1) {
		switch (c) {
		case 'C':
			o->dir = optarg;
			break;
		case 'c':
			o->check = true;
			break;
		case 'f':
			o->foreground = true;
			break;
		case 'h':
			o->help = true;
			break;
		case 'r':
			if (!read_fd(optarg, &o->report_fd))
				return false;
			break;
		case 'l':
			if (!read_fd(optarg, &o->lock_fd))
				return false;
			break;
		default:
			return false;
		}
	}
	return read_flags(o, argv + optind);
}

/* --- before the loop ------------------------------------------------------- */

/* Gives how many descriptors a process here may have: SUPERVISOR_FILES where we may say so. */
static uint32_t raise_limits(void)
{
	struct rlimit limit, high = { SUPERVISOR_FILES, SUPERVISOR_FILES };

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_max > SUPERVISOR_FILES)
		high.rlim_max = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &high) == 0)
		return SUPERVISOR_FILES;
	limit.rlim_cur = limit.rlim_max < SUPERVISOR_FILES ? limit.rlim_max : SUPERVISOR_FILES;
	setrlimit(RLIMIT_NOFILE, &limit);
	return (uint32_t)limit.rlim_cur;
}

/* A folder's descriptor, above those that a child's own take (child.c). */
static int open_high(const char *path)
{
	int low = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), high;

	if (low < 0)
		return -1;
	high = fcntl(low, F_DUPFD_CLOEXEC, HIGH_FD);
	close(low);
	return high;
}

/* The folder that this very program lies in. */
static int open_libexec(struct supervisor *s, struct error *err)
{
	char path[PATHS_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL)
		return error_set(err, -ENOENT, "can't find the folder of this program");
	*slash = '\0';
	s->libexec = open_high(path);
	if (s->libexec < 0)
		return error_system(err, errno, "can't open %s", path);
	for (enum daemon d = 0; d < DAEMON_COUNT; d++)
		if (faccessat(s->libexec, daemon_rows[d].name, X_OK, 0) < 0)
			return error_system(err, errno, "the program %s/%s", path, daemon_rows[d].name);
	return 0;
}

static int check_words(const struct report *r)
{
	if (r->errors > 0)
		fprintf(stderr, "yubin: the configuration has %u error%s\n", r->errors,
			r->errors > 1 ? "s" : "");
	else if (r->warnings > 0)
		printf("The configuration is good, with %u warning%s.\n", r->warnings,
		       r->warnings > 1 ? "s" : "");
	else
		printf("The configuration is good.\n");
	return r->errors > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* All that start would check; then *setup. */
static int read_setup(struct supervisor *s, struct setup **setup, struct report *r)
{
	const struct setup_source source = { .paths = &s->paths, .flags = s->flags, .root = s->root };

	return setup_read(setup, &source, r);
}

static int open_sockets(struct supervisor *s, struct setup *setup, bool unclean, struct report *r)
{
	struct sockets_of all;
	struct error err;

	for (enum daemon d = 0; d < DAEMON_COUNT; d++)
		all.daemon[d] = true;
	if (sockets_new(&s->sockets, &err) != 0) {
		report_error(r, "%s", err.words);
		return err.code;
	}
	return sockets_open(s->sockets, setup, &all, unclean ? PATIENCE_MS : 0, r);
}

/* --- starting anew --------------------------------------------------------- */

/* `yubin restart`: this process becomes the yubind that is now installed. */
static int become_new(struct supervisor *s, const struct options *o, int lock_fd)
{
	char report[16], lock[16], *argv[12];
	unsigned n = 0;

	snprintf(report, sizeof(report), "%d", s->again_fd);
	snprintf(lock, sizeof(lock), "%d", lock_fd);
	argv[n++] = (char *)"yubind";
	if (s->paths.own) {
		argv[n++] = (char *)"-C";
		argv[n++] = s->paths.root;
	}
	if (o->foreground)
		argv[n++] = (char *)"--foreground";
	argv[n++] = (char *)"--report";
	argv[n++] = report;
	argv[n++] = (char *)"--lock";
	argv[n++] = lock;
	argv[n++] = (char *)"--";
	if (*s->flags != '\0')
		argv[n++] = s->flags;
	argv[n] = NULL;
	fcntl(s->again_fd, F_SETFD, 0);
	fcntl(lock_fd, F_SETFD, 0);
	execveat(s->libexec, "yubind", argv, environ, 0);
	s->report_fd = s->again_fd;
	return give_up(s, "the server was stopped, but yubind could not be started again");
}

/* --- main ------------------------------------------------------------------ */

static int run(struct supervisor *s, const struct options *o, struct report *r)
{
	int lock_fd = o->lock_fd;
	struct setup *setup;
	bool unclean = false;
	struct error err;

	if (lock_fd < 0 && lock_take(&s->paths, &lock_fd, &unclean, &err) != 0)
		return give_up(s, err.words);
	if (unclean)
		lock_wait(s->paths.folder[PATHS_DB], PATIENCE_MS);
	if (read_setup(s, &setup, r) != 0 || open_sockets(s, setup, unclean, r) != 0) {
		lock_drop(lock_fd);
		return give_up(s, "the server was not started");
	}
	if (supervisor_open(s, setup, &err) != 0) {
		lock_drop(lock_fd);
		return give_up(s, err.words);
	}
	setup_drop(setup);
	supervisor_run(s);
	supervisor_close(s);
	if (s->again_fd >= 0 && s->exit_code == 0)
		return become_new(s, o, lock_fd);
	lock_drop(lock_fd);
	if (s->exit_code != 0)
		return give_up(s, s->failure);
	return EXIT_SUCCESS;
}

/* Where a caller has closed 0, 1 or 2, a file of ours would get the number. */
static void open_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct supervisor s = { .report_fd = -1, .again_fd = -1, .libexec = -1 };
	struct report report = { .sink = say, .arg = &s };
	struct options options;
	struct setup *setup;
	struct error err;

	open_standard();
	if (!read_options(&options, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	if (options.help) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	umask(027);
	s.files_max = raise_limits();
	log_open("yubind", 0);
	s.report_fd = options.report_fd;
	s.foreground = options.foreground;
	s.root = geteuid() == 0;
	memcpy(s.flags, options.flags, sizeof(s.flags));
	if (paths_set(&s.paths, options.dir, &err) != 0)
		return give_up(&s, err.words);
	if (!options.check) {
		if (open_libexec(&s, &err) != 0 || chdir("/") < 0)
			return give_up(&s, err.words);
		return run(&s, &options, &report);
	}
	if (read_setup(&s, &setup, &report) == 0)
		setup_drop(setup);
	return check_words(&report);
}
