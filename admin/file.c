/* file.c - the contract is in file.h. */
#include "admin/file.h"

#include <errno.h>
#include <fcntl.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_new(const char *path, struct span text, mode_t mode, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode), rc = 0;

	if (fd < 0)
		return error_system(err, errno, "can't make %s", path);
	while (text.n > 0 && rc == 0) {
		ssize_t n = write(fd, text.p, text.n);

		if (n < 0 && errno != EINTR)
			rc = error_system(err, errno, "can't write %s", path);
		else if (n > 0)
			span_take(&text, (size_t)n);
	}
	if (rc == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		rc = error_system(err, errno, "can't write %s", path);
	if (close(fd) < 0 && rc == 0)
		rc = error_system(err, errno, "can't write %s", path);
	if (rc != 0)
		unlink(path);
	return rc;
}

int file_make(const char *path, struct span text, mode_t mode, struct error *err)
{
	return write_new(path, text, mode, err);
}

int file_replace(const char *path, struct span text, mode_t mode, struct error *err)
{
	char beside[1100];
	int rc;

	snprintf(beside, sizeof(beside), "%s.new", path);
	unlink(beside);
	rc = write_new(beside, text, mode, err);
	if (rc != 0)
		return rc;
	if (rename(beside, path) == 0)
		return 0;
	rc = error_system(err, errno, "can't rename %s", beside);
	unlink(beside);
	return rc;
}
