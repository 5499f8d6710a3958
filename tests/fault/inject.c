/* inject.c - the n-th call of one kind goes wrong, in unit tests: the Makefile gives the rooms these names. The environment
 * says which:
 *   FAULT_KIND   malloc  no memory            short  a read or write does half
 *                eintr   a signal comes first  emfile no descriptor is left
 *   FAULT_AT     which call, from 1; 0: none
 *   FAULT_COUNT  a file that is told, at the end, how many there were
 * The libraries' own calls, and the tests', stay as they are. A crash after that tells where it was ("frame 0x...": in
 * this program, for addr2line), since a test that crashes over what it was not given is no fault of the rooms. */
#include "tests/fault/inject.h"

#include <dirent.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { MALLOC, SHORT, EINTR_FIRST, EMFILE_NOW, KINDS };
static const char *const NAMES[KINDS] = { "malloc", "short", "eintr", "emfile" };

static enum kind kind = KINDS;
static long at;
static atomic_long calls;

__attribute__((constructor)) static void begin(void)
{
	const char *name = getenv("FAULT_KIND");
	const char *number = getenv("FAULT_AT");

	for (int i = 0; name && i < KINDS; i++) {
		if (strcmp(name, NAMES[i]) == 0)
			kind = (enum kind)i;
	}
	at = number ? strtol(number, NULL, 10) : 0;
}

__attribute__((destructor)) static void end(void)
{
	const char *path = getenv("FAULT_COUNT");
	FILE *f = path ? fopen(path, "w") : NULL;

	if (f) {
		fprintf(f, "%ld\n", atomic_load(&calls));
		fclose(f);
	}
}

extern const char __executable_start;

static void tell_crash(int number)
{
	void *frames[32];
	int n = backtrace(frames, 32);

	for (int i = 0; i < n; i++)
		dprintf(2, "frame 0x%lx\n", (unsigned long)((const char *)frames[i] - &__executable_start));
	_exit(128 + number);
}

/* Is this call the one? */
static bool due(enum kind k)
{
	if (kind != k || atomic_fetch_add(&calls, 1) + 1 != at)
		return false;
	signal(SIGSEGV, tell_crash);
	signal(SIGBUS, tell_crash);
	return true;
}

static bool fails(enum kind k, int number)
{
	if (!due(k))
		return false;
	errno = number;
	return true;
}

static bool interrupted(void)
{
	return fails(EINTR_FIRST, EINTR);
}

static size_t half(size_t n)
{
	return n > 1 && due(SHORT) ? n / 2 : n;
}

void *fault_malloc(size_t n)
{
	return fails(MALLOC, ENOMEM) ? NULL : malloc(n);
}

void *fault_calloc(size_t n, size_t size)
{
	return fails(MALLOC, ENOMEM) ? NULL : calloc(n, size);
}

void *fault_realloc(void *p, size_t n)
{
	return fails(MALLOC, ENOMEM) ? NULL : realloc(p, n);
}

void *fault_reallocarray(void *p, size_t n, size_t size)
{
	return fails(MALLOC, ENOMEM) ? NULL : reallocarray(p, n, size);
}

char *fault_strdup(const char *s)
{
	return fails(MALLOC, ENOMEM) ? NULL : strdup(s);
}

char *fault_strndup(const char *s, size_t n)
{
	return fails(MALLOC, ENOMEM) ? NULL : strndup(s, n);
}

ssize_t fault_read(int fd, void *to, size_t n)
{
	return interrupted() ? -1 : read(fd, to, half(n));
}

ssize_t fault_pread(int fd, void *to, size_t n, off_t where)
{
	return interrupted() ? -1 : pread(fd, to, half(n), where);
}

ssize_t fault_write(int fd, const void *from, size_t n)
{
	return interrupted() ? -1 : write(fd, from, half(n));
}

ssize_t fault_pwrite(int fd, const void *from, size_t n, off_t where)
{
	return interrupted() ? -1 : pwrite(fd, from, half(n), where);
}

/* Half of a vector: half of its first piece. */
static struct iovec first_half(const struct iovec *v)
{
	return (struct iovec){ v->iov_base, v->iov_len > 1 ? v->iov_len / 2 : v->iov_len };
}

ssize_t fault_writev(int fd, const struct iovec *v, int n)
{
	struct iovec less;

	if (interrupted())
		return -1;
	if (n > 0 && v->iov_len > 0 && due(SHORT)) {
		less = first_half(v);
		return writev(fd, &less, 1);
	}
	return writev(fd, v, n);
}

int fault_open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
	va_end(args);
	return fails(EMFILE_NOW, EMFILE) ? -1 : open(path, flags, mode);
}

int fault_openat(int dir, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
	va_end(args);
	return fails(EMFILE_NOW, EMFILE) ? -1 : openat(dir, path, flags, mode);
}

int fault_socket(int domain, int type, int protocol)
{
	return fails(EMFILE_NOW, EMFILE) ? -1 : socket(domain, type, protocol);
}

int fault_socketpair(int domain, int type, int protocol, int ends[2])
{
	return fails(EMFILE_NOW, EMFILE) ? -1 : socketpair(domain, type, protocol, ends);
}

int fault_accept4(int fd, struct sockaddr *from, socklen_t *size, int flags)
{
	return interrupted() || fails(EMFILE_NOW, EMFILE) ? -1 : accept4(fd, from, size, flags);
}

int fault_fcntl(int fd, int command, ...)
{
	va_list args;
	void *argument;

	va_start(args, command);
	argument = va_arg(args, void *);
	va_end(args);
	if ((command == F_DUPFD || command == F_DUPFD_CLOEXEC) && fails(EMFILE_NOW, EMFILE))
		return -1;
	return fcntl(fd, command, argument);
}

DIR *fault_opendir(const char *path)
{
	return fails(EMFILE_NOW, EMFILE) ? NULL : opendir(path);
}

DIR *fault_fdopendir(int fd)
{
	return fails(MALLOC, ENOMEM) ? NULL : fdopendir(fd);
}

int fault_dup(int fd)
{
	return fails(EMFILE_NOW, EMFILE) ? -1 : dup(fd);
}

int fault_pipe2(int ends[2], int flags)
{
	return fails(EMFILE_NOW, EMFILE) ? -1 : pipe2(ends, flags);
}

int fault_memfd_create(const char *name, unsigned flags)
{
	return fails(EMFILE_NOW, EMFILE) ? -1 : memfd_create(name, flags);
}

ssize_t fault_recv(int fd, void *to, size_t n, int flags)
{
	return interrupted() ? -1 : recv(fd, to, n, flags);
}

ssize_t fault_recvmsg(int fd, struct msghdr *m, int flags)
{
	return interrupted() || fails(EMFILE_NOW, EMFILE) ? -1 : recvmsg(fd, m, flags);
}

ssize_t fault_send(int fd, const void *from, size_t n, int flags)
{
	return interrupted() ? -1 : send(fd, from, n, flags);
}

ssize_t fault_sendmsg(int fd, const struct msghdr *m, int flags)
{
	return interrupted() ? -1 : sendmsg(fd, m, flags);
}
