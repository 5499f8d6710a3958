/* file.c - the contract is in file.h. */
#include "common/config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int read_all(int fd, const char *path, struct buf *out, struct error *err)
{
	for (;;) {
		uint8_t chunk[16384];
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_system(err, errno, "can't read %s", path);
		if (n == 0)
			return 0;
		buf_put(out, (struct span){ chunk, (size_t)n });
		explicit_bzero(chunk, (size_t)n);
		if (out->failed)
			return error_set(err, -EFBIG, "%s is larger than %zu bytes", path, out->max);
	}
}

int file_read(const char *path, struct buf *out, struct stat *st, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;
	struct stat own;

	if (st == NULL)
		st = &own;
	if (fd < 0)
		return error_system(err, errno, "can't open %s", path);
	if (fstat(fd, st) < 0)
		rc = error_system(err, errno, "can't look at %s", path);
	else if (!S_ISREG(st->st_mode))
		rc = error_set(err, -EINVAL, "%s is not a regular file", path);
	else
		rc = read_all(fd, path, out, err);
	close(fd);
	return rc;
}
