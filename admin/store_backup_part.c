/*
 * store_backup_part.c - a backup that is not whole yet: DIR.part; the contract is in store_backup.h.
 *
 * One that broke off is not gone on with in place: what was copied may have changed since. It is renamed to
 * DIR.broken, and the next one makes hard links to what it has right. Does that break off too, the two of them
 * are put together.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/store_backup.h"

/* What a backup has at its top, and nothing else of ours. */
static const char *const tops[] = { "manifest", "ids", "etc", "accounts", "queue", "mail" };
enum { TOPS = sizeof(tops) / sizeof(tops[0]) };

/* --- trees ------------------------------------------------------------------- */

static int clear_tree(int at, const char *name, int to);

/* Into the folder `to`, or away. */
static int clear_name(int at, const char *name, int to)
{
	if (to >= 0 && renameat2(at, name, to, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
		return 0;
	return errno == EISDIR || errno == EPERM ? clear_tree(at, name, to) : -errno;
}

static int clear_each(int fd, DIR *d, int to)
{
	struct dirent *e;
	int r = 0;

	while (r == 0 && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = clear_name(fd, e->d_name, to);
	return r;
}

static int clear_tree(int at, const char *name, int to)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int below = to >= 0 ? openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1, r;
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (d == NULL) {
		r = -errno;
		if (fd >= 0)
			close(fd);
	} else {
		r = clear_each(fd, d, below);
		closedir(d);
	}
	if (below >= 0)
		close(below);
	return r == 0 && unlinkat(at, name, AT_REMOVEDIR) < 0 ? -errno : r;
}

/* Removes a backup; first what `to` has not goes there, if that is not -1. A stranger's file in it keeps it. */
static int clear_backup(const char *path, int to, struct error *err)
{
	int at = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r = at >= 0 ? 0 : -errno;

	if (r == -ENOENT)
		return 0;
	for (unsigned i = 0; i < TOPS && r == 0; i++)
		r = clear_name(at, tops[i], to);
	if (at >= 0)
		close(at);
	if (r == 0 && rmdir(path) < 0)
		r = -errno;
	return r == 0 ? 0 : error_system(err, -r, "can't remove %s", path);
}

/* --- one that broke off --------------------------------------------------------- */

/* Is it ours? One that broke off at once is empty. */
static bool is_backup(int at)
{
	DIR *d = fdopendir(dup(at));
	unsigned others = 0;
	struct dirent *e;

	if (faccessat(at, "manifest", F_OK, AT_SYMLINK_NOFOLLOW) == 0 || d == NULL) {
		if (d != NULL)
			closedir(d);
		return d != NULL;
	}
	while ((e = readdir(d)) != NULL)
		others += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(d);
	return others == 0;
}

static int lock_part(int at, const char *part, struct error *err)
{
	if (flock(at, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return error_set(err, -EBUSY, "another backup to %s is being made", part);
}

static int put_together(const struct backup *b, struct error *err)
{
	int to = open(b->broken, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;

	if (to < 0 && errno == ENOENT)
		return rename(b->part, b->broken) == 0
			       ? 0
			       : error_system(err, errno, "can't rename %s to %s", b->part, b->broken);
	if (to < 0)
		return error_system(err, errno, "can't open %s", b->broken);
	r = clear_backup(b->part, to, err);
	close(to);
	return r;
}

static int take_over(const struct backup *b, struct error *err)
{
	int at = open(b->part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;

	if (at < 0)
		return errno == ENOENT ? 0 : error_system(err, errno, "can't open %s", b->part);
	r = lock_part(at, b->part, err);
	if (r == 0 && !is_backup(at))
		r = error_set(err, -EEXIST, "%s is no backup that broke off: move it away first", b->part);
	if (r == 0)
		r = put_together(b, err);
	close(at);
	return r;
}

/* --- begin and end ---------------------------------------------------------------- */

static int set_names(struct backup *b, const char *dir, struct error *err)
{
	if (snprintf(b->dir, sizeof(b->dir), "%s", dir) >= (int)sizeof(b->dir) ||
	    snprintf(b->part, sizeof(b->part), "%s.part", dir) >= (int)sizeof(b->part) ||
	    snprintf(b->broken, sizeof(b->broken), "%s.broken", dir) >= (int)sizeof(b->broken))
		return error_set(err, -ENAMETOOLONG, "the path is too long: %s", dir);
	return access(dir, F_OK) == 0 ? error_set(err, -EEXIST, "%s is there already", dir) : 0;
}

int backup_part_begin(struct backup *b, const char *dir, struct error *err)
{
	int r = set_names(b, dir, err), broken;

	if (r == 0)
		r = take_over(b, err);
	if (r < 0)
		return r;
	if (mkdir(b->part, 0700) < 0)
		return error_system(err, errno, "can't make %s", b->part);
	b->to = open(b->part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->to < 0)
		return error_system(err, errno, "can't open %s", b->part);
	r = lock_part(b->to, b->part, err);
	broken = open(b->broken, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (broken >= 0)
		b->earlier[b->earlier_count++] = (struct backup_earlier){ .folder = broken };
	return r;
}

int backup_part_end(struct backup *b, struct error *err)
{
	if (syncfs(b->to) < 0)
		return error_system(err, errno, "the backup can't be brought to the disk");
	if (rename(b->part, b->dir) < 0)
		return error_system(err, errno, "can't give the backup its name");
	if (syncfs(b->to) < 0)
		return error_system(err, errno, "the backup can't be brought to the disk");
	return clear_backup(b->broken, -1, err);
}
