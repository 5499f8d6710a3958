/* log_verb.c - log [-f] [-n LINES] */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "admin/log_source.h"
#include "admin/verbs.h"
#include "common/base/span.h"

enum { FOLLOW_MS = 200 };

struct log_options {
	bool follow;
	uint64_t lines; /* UINT64_MAX: all */
};

/* Copies what is left of fd to stdout. */
static bool copy_rest(int fd)
{
	char room[65536];
	ssize_t n;

	while ((n = read(fd, room, sizeof(room))) > 0)
		if (fwrite(room, 1, (size_t)n, stdout) != (size_t)n)
			return false;
	return fflush(stdout) == 0;
}

/* Moves fd to the start of its last lines. */
static void seek_last(int fd, uint64_t lines)
{
	off_t at = lseek(fd, 0, SEEK_END), start = 0;
	uint64_t seen = 0;
	char room[4096];

	while (at > 0 && start == 0) {
		size_t n = at < (off_t)sizeof(room) ? (size_t)at : sizeof(room);

		at -= (off_t)n;
		if (pread(fd, room, n, at) != (ssize_t)n)
			break;
		for (size_t i = n; i > 0 && start == 0; i--)
			if (room[i - 1] == '\n' && seen++ == lines)
				start = at + (off_t)i;
	}
	lseek(fd, start, SEEK_SET);
}

/* The file under path is not the one that fd has open, or was cut off. */
static bool is_other(int fd, const char *path)
{
	struct stat have, there;

	if (fstat(fd, &have) < 0 || stat(path, &there) < 0)
		return false;
	return have.st_ino != there.st_ino || have.st_dev != there.st_dev ||
	       lseek(fd, 0, SEEK_CUR) > have.st_size;
}

static int follow(int fd, const char *path)
{
	static const struct timespec pause = { .tv_nsec = FOLLOW_MS * 1000L * 1000 };

	while (copy_rest(fd)) {
		nanosleep(&pause, NULL);
		if (!is_other(fd, path))
			continue;
		if (!copy_rest(fd))
			break;
		close(fd);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return VERB_FAILED;
	}
	close(fd);
	return VERB_FAILED; /* nobody reads us any more */
}

static int show_file(const struct site *s, const struct log_options *o)
{
	char path[PATHS_MAX];
	struct error err;
	int fd = log_source_file(s, &err);
	bool good;

	if (fd < 0)
		return verb_failed(&err);
	paths_file(&s->paths, PATHS_LOG, PATHS_LOG_FILE, path);
	if (o->lines != UINT64_MAX)
		seek_last(fd, o->lines);
	if (o->follow)
		return follow(fd, path);
	good = copy_rest(fd);
	close(fd);
	return good ? VERB_DONE : VERB_FAILED;
}

/* Without -C the log is syslog's. */
static int show_journal(const struct log_options *o)
{
	char lines[32];
	const char *argv[LOG_SOURCE_JOURNAL + 4] = { NULL };
	struct error err;
	unsigned n = LOG_SOURCE_JOURNAL;

	log_source_journal(argv);
	if (o->follow)
		argv[n++] = "-f";
	if (o->lines != UINT64_MAX) {
		snprintf(lines, sizeof(lines), "-n%llu", (unsigned long long)o->lines);
		argv[n++] = lines;
	} else if (o->follow) {
		argv[n++] = "-nall";
	}
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], (char *const *)argv);
	error_system(&err, errno,
		     "the log is in syslog (facility mail, name yubin), but journalctl can't be run");
	return verb_failed(&err);
}

int log_run(const struct site *s, int argc, char **argv)
{
	struct log_options o = { .lines = UINT64_MAX };
	struct error err;
	int c;

	opterr = 0;
	optind = 1;
	while ((c = getopt(argc, argv, "+fn:")) != -1) {
		if (c == 'f')
			o.follow = true;
		else if (c != 'n' || !span_number(span_of(optarg), UINT32_MAX, &o.lines))
			return verb_usage(argv[0], "%s",
					  c == 'n' ? "-n needs a number of lines" : "unknown option");
	}
	if (optind < argc)
		return verb_usage(argv[0], "unknown argument %s", argv[optind]);
	if (site_must_exist(s, &err) != 0)
		return verb_failed(&err);
	return s->paths.own ? show_file(s, &o) : show_journal(&o);
}
