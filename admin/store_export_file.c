/* store_export_file.c - files and folders of an export; the contract is in store_export_parts.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/store_export_parts.h"
#include "common/base/write.h"

enum { FILE_MAX = INT_MAX, GATHERED = 1 << 20 };

int export_file_open(struct export_file *f, int folder, const char *part, struct error *err)
{
	f->folder = folder;
	f->error = 0;
	snprintf(f->part, sizeof(f->part), "%s", part);
	buf_init(&f->bytes, FILE_MAX);
	f->fd = openat(folder, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	return f->fd >= 0 ? 0 : error_system(err, errno, "can't write %s", part);
}

static void flush(struct export_file *f)
{
	if (f->bytes.failed && f->error == 0)
		f->error = -ENOMEM;
	if (f->error == 0)
		f->error = write_whole(f->fd, buf_span(&f->bytes));
	buf_reset(&f->bytes);
}

void export_file_put(struct export_file *f, struct span bytes)
{
	buf_put(&f->bytes, bytes);
	if (f->bytes.n >= GATHERED || f->bytes.failed)
		flush(f);
}

void export_file_write(struct export_file *f, struct span bytes)
{
	if (f->error == 0)
		f->error = write_whole(f->fd, bytes);
}

void export_file_sync(struct export_file *f)
{
	flush(f);
	if (f->error == 0 && fsync(f->fd) != 0)
		f->error = -errno;
}

int export_file_close(struct export_file *f, const char *name, int64_t time_s, struct error *err)
{
	struct timespec times[2] = { { .tv_sec = time_s }, { .tv_sec = time_s } };
	int rc;

	flush(f);
	rc = f->error;
	if (rc == 0 && time_s != INT64_MIN && futimens(f->fd, times) != 0)
		rc = -errno;
	if (close(f->fd) != 0 && rc == 0)
		rc = -errno;
	f->fd = -1;
	if (rc == 0 && renameat(f->folder, f->part, f->folder, name) != 0)
		rc = -errno;
	if (rc != 0) {
		error_system(err, -rc, "can't write %s", name);
		export_file_drop(f);
	}
	buf_clear(&f->bytes);
	return rc;
}

void export_file_drop(struct export_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	unlinkat(f->folder, f->part, 0);
	buf_clear(&f->bytes);
}

int export_folder(int at, const char *name, int *fd, struct error *err)
{
	*fd = -1;
	if (mkdirat(at, name, 0700) == 0 || errno == EEXIST)
		*fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd >= 0 ? 0 : error_system(err, errno, "can't make the folder %s", name);
}
