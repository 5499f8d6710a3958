/* logfile.c - the contract is in logfile.h. */
#include "supervisor/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/write.h"

struct logfile {
	int fd; /* -1: syslog, or the file can't be opened */
	int copy_fd;
	uint64_t lost; /* lines that could not be written */
	bool torn;     /* the file ends in half a line */
	bool to_syslog;
	char path[];
};

static int open_file(struct logfile *l)
{
	int fd = open(l->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0640);

	return fd >= 0 ? fd : -errno;
}

int logfile_open(struct logfile **out, const char *path, int copy_fd, struct error *err)
{
	size_t n = path != NULL ? strlen(path) + 1 : 1;
	struct logfile *l = calloc(1, sizeof(*l) + n);

	*out = NULL;
	if (l == NULL)
		return error_set(err, -ENOMEM, "no memory");
	l->fd = -1;
	l->copy_fd = copy_fd;
	l->to_syslog = path == NULL;
	if (path != NULL) {
		memcpy(l->path, path, n);
		l->fd = open_file(l);
		if (l->fd < 0) {
			int code = l->fd;

			free(l);
			return error_system(err, -code, "can't open %s", path);
		}
	} else {
		openlog("yubin", LOG_NDELAY, LOG_MAIL);
	}
	*out = l;
	return 0;
}

void logfile_close(struct logfile *l)
{
	if (l == NULL)
		return;
	if (l->fd >= 0)
		close(l->fd);
	if (l->to_syslog)
		closelog();
	free(l);
}

/* Bytes written of the line and its end: less than all of them where the disk is full. */
static size_t put_line(int fd, struct span line)
{
	size_t done = 0;

	while (done <= line.n) {
		struct iovec parts[] = { { (uint8_t *)line.p + done, line.n - done }, { (void *)"\n", 1 } };
		ssize_t n = writev(fd, parts, 2);

		if (n == 0 || (n < 0 && errno != EINTR))
			break;
		if (n > 0)
			done += (size_t)n;
	}
	return done;
}

static bool put_whole(struct logfile *l, struct span line)
{
	size_t n;

	if (l->torn && write_whole(l->fd, span_of("\n")) < 0)
		return false;
	l->torn = false;
	n = put_line(l->fd, line);
	l->torn = n > 0 && n <= line.n;
	return n > line.n;
}

/* The level is the line's second word (log.h). */
static int priority_of(struct span line)
{
	struct span level;

	span_take_until(&line, ' ');
	level = span_take_until(&line, ' ');
	if (span_is(level, "error"))
		return LOG_ERR;
	if (span_is(level, "warn"))
		return LOG_WARNING;
	return span_is(level, "debug") ? LOG_DEBUG : LOG_INFO;
}

static void tell_lost(struct logfile *l)
{
	char line[200], when[CLOCK_TEXT];

	if (l->lost == 0)
		return;
	clock_log_text(when, clock_real_ms());
	snprintf(line, sizeof(line), "%s warn yubind log lines lost count=%llu", when,
		 (unsigned long long)l->lost);
	if (put_whole(l, span_of(line)))
		l->lost = 0;
}

void logfile_write(struct logfile *l, struct span line)
{
	if (l->copy_fd >= 0)
		put_line(l->copy_fd, line);
	if (l->to_syslog) {
		syslog(priority_of(line), "%.*s", (int)line.n, (const char *)line.p);
		return;
	}
	tell_lost(l);
	if (!put_whole(l, line))
		l->lost++;
}

void logfile_look(struct logfile *l)
{
	struct stat open_one, there;
	int fd;

	if (l->to_syslog)
		return;
	if (l->fd >= 0 && fstat(l->fd, &open_one) == 0 && stat(l->path, &there) == 0 &&
	    open_one.st_ino == there.st_ino && open_one.st_dev == there.st_dev)
		return;
	fd = open_file(l);
	if (fd < 0)
		return;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = fd;
	l->torn = false;
}
