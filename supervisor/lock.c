/* lock.c - the contract is in lock.h. */
#include "supervisor/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/write.h"

static int write_pid(int fd, const char *path, struct error *err)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	int code = ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0 ? -errno : write_whole(fd, (struct span){ (const uint8_t *)text, (size_t)n });

	return code == 0 ? 0 : error_system(err, -code, "can't write %s", path);
}

int lock_take(const struct paths *paths, int *fd, bool *unclean, struct error *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATHS_MAX], old[32] = "";
	ssize_t n;
	int rc;

	paths_file(paths, PATHS_RUN, PATHS_PID, path);
	if (mkdir(paths->folder[PATHS_RUN], 0755) < 0 && errno != EEXIST)
		return error_system(err, errno, "can't make the folder %s", paths->folder[PATHS_RUN]);
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (*fd < 0)
		return error_system(err, errno, "can't open %s", path);
	while ((n = pread(*fd, old, sizeof(old) - 1, 0)) < 0 && errno == EINTR)
		;
	if (n < 0)
		old[0] = '\0';
	old[strcspn(old, "\n")] = '\0';
	if (fcntl(*fd, F_OFD_SETLK, &lock) == 0)
		rc = write_pid(*fd, path, err);
	else if (errno == EAGAIN || errno == EACCES)
		rc = error_set(err, -EBUSY, "the server runs already (pid %s)",
			       *old != '\0' ? old : "unknown");
	else
		rc = error_system(err, errno, "can't lock %s", path);
	*unclean = *old != '\0';
	if (rc == 0)
		return 0;
	close(*fd);
	*fd = -1;
	return rc;
}

void lock_drop(int fd)
{
	if (ftruncate(fd, 0) < 0)
		return; /* the next start is a little more patient with its ports, that is all */
	close(fd);
}

int lock_folder(int fd, const char *path, struct error *err)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return 0;
	return error_set(err, -EBUSY, "the folder %s is in use by another process", path);
}

void lock_wait(const char *path, unsigned wait_ms)
{
	static const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	uint64_t deadline_ms = clock_mono_ms() + wait_ms;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && lock_folder(fd, path, NULL) != 0 && clock_mono_ms() < deadline_ms)
		nanosleep(&pause, NULL);
	if (fd >= 0)
		close(fd);
}
