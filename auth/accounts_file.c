/* accounts_file.c - the contract is in accounts_file.h. */
#include "auth/accounts_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/write.h"

static const char fresh[] = ".new"; /* what is not whole yet; the lock makes one name enough */

int accounts_folder_open(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int read_all(int fd, struct buf *b)
{
	for (;;) {
		uint8_t part[4096];
		ssize_t n = read(fd, part, sizeof(part));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		buf_put(b, (struct span){ part, (size_t)n });
		if (b->failed)
			return -EFBIG;
	}
}

int accounts_file_read(int at, const char *name, struct buf *b)
{
	int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int code;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		code = -errno;
	else if (!S_ISREG(st.st_mode))
		code = -EINVAL;
	else
		code = read_all(fd, b);
	close(fd);
	return code;
}

/* Whose the new thing is to be; only root can give it away. */
static int give_to(int fd, int at, const struct accounts_owner *o)
{
	struct accounts_owner to = o != NULL ? *o : (struct accounts_owner){ (uid_t)-1, (gid_t)-1 };
	struct stat folder;

	if (geteuid() != 0)
		return 0;
	if (to.uid == (uid_t)-1) {
		if (fstat(at, &folder) < 0)
			return -errno;
		to = (struct accounts_owner){ folder.st_uid, folder.st_gid };
	}
	return fchown(fd, to.uid, to.gid) < 0 ? -errno : 0;
}

static int put_fresh(int at, struct span text, const struct accounts_owner *o)
{
	int fd, code;

	if (unlinkat(at, fresh, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(at, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	code = write_whole(fd, text);
	if (code == 0)
		code = give_to(fd, at, o);
	if (code == 0 && fsync(fd) < 0)
		code = -errno;
	if (close(fd) < 0 && code == 0)
		code = -errno;
	return code;
}

int accounts_file_put(int at, const char *name, struct span text, const struct accounts_owner *o,
		      struct error *err)
{
	int code = put_fresh(at, text, o);

	if (code == 0 && renameat(at, fresh, at, name) < 0)
		code = -errno;
	if (code == 0 && fsync(at) < 0)
		code = -errno;
	if (code == 0)
		return 0;
	unlinkat(at, fresh, 0);
	return error_system(err, -code, "can't write %s", name);
}

int accounts_file_remove(int at, const char *name, struct error *err)
{
	if (unlinkat(at, name, 0) < 0 || fsync(at) < 0)
		return error_system(err, errno, "can't remove %s", name);
	return 0;
}

int accounts_folder_make(int at, const char *name, const struct accounts_owner *o, struct error *err)
{
	int fd, code;

	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return error_system(err, errno, "can't make the folder %s", name);
	fd = accounts_folder_open(at, name);
	if (fd < 0)
		return error_system(err, -fd, "can't open the folder %s", name);
	code = give_to(fd, at, o);
	close(fd);
	if (code == 0 && fsync(at) < 0)
		code = -errno;
	return code < 0 ? error_system(err, -code, "can't make the folder %s", name) : 0;
}

struct accounts_walk {
	DIR *dir;
};

int accounts_walk_open(struct accounts_walk **out, int at)
{
	int fd = accounts_folder_open(at, "."), code = -ENOMEM;

	*out = NULL;
	if (fd < 0)
		return fd;
	*out = calloc(1, sizeof(**out));
	if (*out != NULL) {
		(*out)->dir = fdopendir(fd);
		code = (*out)->dir != NULL ? 0 : -errno;
	}
	if (code == 0)
		return 0;
	close(fd);
	free(*out);
	*out = NULL;
	return code;
}

int accounts_walk_next(struct accounts_walk *w, const char **name)
{
	struct dirent *e;

	do {
		errno = 0;
		e = readdir(w->dir);
	} while (e != NULL && e->d_name[0] == '.');
	if (e == NULL)
		return -errno;
	*name = e->d_name;
	return 1;
}

void accounts_walk_close(struct accounts_walk *w)
{
	if (w == NULL)
		return;
	closedir(w->dir);
	free(w);
}
