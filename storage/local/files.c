/* files.c - the contract is in files.h. */
#include "storage/local/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
	FILES_PIECE = 64 * 1024, /* bytes copied at a time */
	FILES_PATH = NAMES_PATH_MAX + 32
};

const char files_deleted[] = "state.deleted";

int files_write(int fd, struct span bytes, uint64_t offset)
{
	while (bytes.n > 0) {
		ssize_t n = pwrite(fd, bytes.p, bytes.n, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		span_take(&bytes, (size_t)n);
		offset += (uint64_t)n;
	}
	return 0;
}

/* Syncs and closes what was written, whatever stands in `result`. */
static int files_finish(int fd, int result)
{
	if (result == 0 && fsync(fd) < 0)
		result = -errno;
	if (close(fd) < 0 && result == 0)
		result = -errno;
	return result;
}

static int sync_path(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : files_finish(fd, 0);
}

int files_sync_folder(int mail_fd, const char *folder, const char *sub)
{
	char path[FILES_PATH];

	snprintf(path, sizeof(path), "%s%s", folder, sub);
	return sync_path(mail_fd, path);
}

int files_open(int at, const char *path, int extra, struct stat *st)
{
	int fd = openat(at, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | extra, 0600);
	int r = fd < 0 || fstat(fd, st) < 0 ? -errno : S_ISREG(st->st_mode) ? fd : -ELOOP;

	if (r < 0 && fd >= 0)
		close(fd);
	return r;
}

static int write_new(int at, const char *path, struct span text, int extra)
{
	int fd = openat(at, path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | extra, 0600);

	return fd < 0 ? -errno : files_finish(fd, files_write(fd, text, 0));
}

int files_replace(int mail_fd, const char *folder, const char *name, struct span text)
{
	char path[FILES_PATH], fresh[FILES_PATH];
	int r;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(fresh, sizeof(fresh), "%s/%s.new", folder, name);
	r = write_new(mail_fd, fresh, text, O_TRUNC);
	if (r == 0 && renameat(mail_fd, fresh, mail_fd, path) < 0)
		r = -errno;
	if (r == 0)
		return files_sync_folder(mail_fd, folder, "");
	unlinkat(mail_fd, fresh, 0);
	return r;
}

int files_read(int mail_fd, const char *folder, const char *name, struct buf *out)
{
	char path[FILES_PATH];
	struct stat st;
	int fd, r = 0;
	ssize_t n = 1;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = files_open(mail_fd, path, 0, &st);
	if (fd < 0)
		return fd;
	while (n != 0 && r == 0) {
		size_t want = out->max - out->n < FILES_PIECE ? out->max - out->n : FILES_PIECE;
		uint8_t *to = want > 0 ? buf_room(out, want) : NULL;

		if (to == NULL) {
			r = -EFBIG;
			break;
		}
		n = read(fd, to, want);
		if (n > 0)
			out->n += (size_t)n;
		if (n < 0 && errno != EINTR)
			r = -errno;
	}
	close(fd);
	return r;
}

/* --- folders --------------------------------------------------------------- */

static int make_folder(int at, const char *path, bool *made)
{
	*made = mkdirat(at, path, 0700) == 0;
	return *made || errno == EEXIST ? 0 : -errno;
}

int files_make_account(int mail_fd, const char *folder)
{
	char domain[NAMES_FOLDER_MAX];
	bool new_domain, new_user;
	int r;

	snprintf(domain, sizeof(domain), "%.*s", (int)strcspn(folder, "/"), folder);
	r = make_folder(mail_fd, domain, &new_domain);
	if (r == 0)
		r = make_folder(mail_fd, folder, &new_user);
	if (r == 0 && new_user)
		r = sync_path(mail_fd, domain);
	if (r == 0 && new_domain)
		r = sync_path(mail_fd, ".");
	return r;
}

int files_make_mailbox(int mail_fd, const char *mailbox, struct span state)
{
	char path[FILES_PATH];

	if (mkdirat(mail_fd, mailbox, 0700) < 0)
		return -errno;
	snprintf(path, sizeof(path), "%s/cur", mailbox);
	if (mkdirat(mail_fd, path, 0700) < 0)
		return -errno;
	snprintf(path, sizeof(path), "%s/state", mailbox);
	int r = write_new(mail_fd, path, state, O_EXCL);

	return r < 0 ? r : sync_path(mail_fd, mailbox);
}

/* Removes the files of a folder, then the folder. */
static int remove_folder(int mail_fd, const char *path)
{
	int fd = openat(mail_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r = 0;
	struct dirent *e;
	DIR *d;

	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (d == NULL) {
		close(fd);
		return -ENOMEM;
	}
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    unlinkat(fd, e->d_name, 0) < 0 && errno != ENOENT && errno != EISDIR)
			r = -errno;
	closedir(d);
	if (r == 0 && unlinkat(mail_fd, path, AT_REMOVEDIR) < 0)
		r = -errno;
	return r;
}

int files_remove_mailbox(int mail_fd, const char *mailbox)
{
	char path[FILES_PATH], deleted[FILES_PATH];
	int r;

	snprintf(path, sizeof(path), "%s/state", mailbox);
	snprintf(deleted, sizeof(deleted), "%s/%s", mailbox, files_deleted);
	if (renameat(mail_fd, path, mail_fd, deleted) == 0)
		r = sync_path(mail_fd, mailbox);
	else
		r = errno == ENOENT ? 0 : -errno;
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/cur", mailbox);
	r = remove_folder(mail_fd, path);
	if (r == 0 || r == -ENOENT)
		r = remove_folder(mail_fd, mailbox);
	return r == -ENOENT ? 0 : r;
}

/* --- bodies ---------------------------------------------------------------- */

int files_tmp(int tmp_fd, int *fd, char name[FILES_TMP_NAME])
{
	name[0] = '\0';
	*fd = openat(tmp_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (*fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return -errno;
	uint64_t number;

	randombytes_buf(&number, sizeof(number));
	snprintf(name, FILES_TMP_NAME, "%016llx", (unsigned long long)number);
	*fd = openat(tmp_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return *fd < 0 ? -errno : 0;
}

int files_tmp_reopen(int tmp_fd, int proc_fd, int fd, const char *name, int *again)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", fd);
	*again = name[0] != '\0' ? openat(tmp_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
				 : openat(proc_fd, number, O_RDONLY | O_CLOEXEC);
	return *again < 0 ? -errno : 0;
}

bool files_syncs_whole(int fd)
{
	static const uint32_t known[] = { EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC };
	unsigned long major, minor;
	struct utsname kernel;
	struct statfs fs;
	char *end;

	if (fstatfs(fd, &fs) < 0 || uname(&kernel) < 0)
		return false;
	major = strtoul(kernel.release, &end, 10);
	minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
	if (major < 5 || (major == 5 && minor < 8))
		return false;	/* it does not tell of what could not be written */
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if ((uint32_t)fs.f_type == known[i])
			return true;
	return false;
}

static int copy_bytes(int from, int to)
{
	uint8_t piece[FILES_PIECE];
	struct timespec times[2];
	struct stat st;
	uint64_t at = 0;

	for (;;) {
		ssize_t n = pread(from, piece, sizeof(piece), (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		int r = files_write(to, (struct span){ piece, (size_t)n }, at);

		if (r < 0)
			return r;
		at += (uint64_t)n;
	}
	if (fstat(from, &st) < 0)
		return -errno;
	times[0] = times[1] = st.st_mtim;
	return futimens(to, times) < 0 ? -errno : 0;
}

/* A whole, synced copy under the name path. It has that name while it is written: its
 * mailbox is marked dirty, and no index knows it. */
static int copy_to(int mail_fd, int from, const char *path)
{
	int to = openat(mail_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), r;

	if (to < 0)
		return -errno;
	r = files_finish(to, copy_bytes(from, to));
	if (r < 0)
		unlinkat(mail_fd, path, 0);
	return r;
}

static int make_whole(int fd, struct span bytes, int64_t date_s, dev_t device)
{
	const struct timespec times[2] = { { .tv_sec = date_s }, { .tv_sec = date_s } };
	struct stat st;
	int r = files_write(fd, bytes, 0);

	if (r == 0 && (futimens(fd, times) < 0 || fstat(fd, &st) < 0))
		r = -errno;
	if (r < 0 || st.st_dev == device)
		return r;
	return fsync(fd) < 0 ? -errno : 1;
}

int files_make(int mail_fd, const char *path, struct span bytes, int64_t date_s, dev_t device)
{
	int fd = openat(mail_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), r;

	if (fd < 0)
		return -errno;
	r = make_whole(fd, bytes, date_s, device);
	if (close(fd) < 0 && r >= 0)
		r = -errno;
	if (r < 0)
		unlinkat(mail_fd, path, 0);
	return r;
}

int files_sync(int mail_fd, const char *path)
{
	int fd = openat(mail_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? -errno : files_finish(fd, 0);
}

static bool must_copy(int error)
{
	return error == EMLINK || error == EXDEV;
}

int files_link_new(int mail_fd, const struct files_source *from, const char *path)
{
	char number[16];
	int r;

	snprintf(number, sizeof(number), "%d", from->fd);
	if (from->name[0] != '\0')
		r = linkat(from->tmp_fd, from->name, mail_fd, path, 0);
	else
		r = linkat(from->proc_fd, number, mail_fd, path, AT_SYMLINK_FOLLOW);
	if (r == 0)
		return 0;
	if (!must_copy(errno))
		return -errno;
	r = copy_to(mail_fd, from->fd, path);
	return r < 0 ? r : 1;
}

int files_link_old(int mail_fd, const char *from, const char *path)
{
	struct stat st;
	int fd, r;

	if (linkat(mail_fd, from, mail_fd, path, 0) == 0)
		return 0;
	if (!must_copy(errno))
		return -errno;
	fd = files_open(mail_fd, from, 0, &st);
	if (fd < 0)
		return fd;
	r = copy_to(mail_fd, fd, path);
	close(fd);
	return r;
}
