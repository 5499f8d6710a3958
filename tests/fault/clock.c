/* clock.c - preloaded into every process of a site: the wall clock is off by what the file `offset` beside this library says,
 * in seconds. It is mapped before the process locks itself in; the clocks that count from the start of the machine stay
 * right, as they do when somebody sets the time. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset_s;

__attribute__((constructor)) static void begin(void)
{
	char path[4096];
	Dl_info self;
	void *p;
	int fd;

	if (!dladdr((void *)&offset_s, &self))
		return;
	snprintf(path, sizeof path, "%.*soffset", (int)(strrchr(self.dli_fname, '/') + 1 - self.dli_fname), self.dli_fname);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	p = mmap(NULL, sizeof *offset_s, PROT_READ, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		offset_s = p;
	close(fd);
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);

	if (rc == 0 && offset_s && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ts->tv_sec += *offset_s;
	return rc;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &ts);
	*tv = (struct timeval){ ts.tv_sec, ts.tv_nsec / 1000 };
	return 0;
}

time_t time(time_t *t)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (t)
		*t = ts.tv_sec;
	return ts.tv_sec;
}
