/*
 * store_backup.c - store backup DIR [--since BACKUP]: while the server runs.
 *
 * What makes it whole: a message is one file that never changes and has a name only when all of it is on disk;
 * small files are replaced by rename. So each file by itself is right. Messages that are moved meanwhile are
 * store_backup_account.c's. The queue comes before mail/: what leaves it for a mailbox is in one of them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "admin/store_backup.h"
#include "admin/store_copy.h"
#include "admin/store_parts.h"
#include "storage/local/names.h"

enum { TRIES = 50, PAUSE_NS = 10 * 1000 * 1000, NAME_MOST = 200 };

static const char end_new[] = ".new";

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && strcmp(name + n - m, end) == 0;
}

/* --- one file ------------------------------------------------------------------- */

/* A message: it never changes under its name. */
static bool is_fixed(const char *path)
{
	return ends_in(path, ".mail") || strstr(path, "/cur/") != NULL;
}

/* From an earlier backup. 0; -ENOENT: it has it not, or not so. */
static int link_one(struct backup *b, const struct backup_earlier *from, int at, const char *name,
		    struct manifest_entry *e)
{
	uint8_t hash[MANIFEST_HASH];
	struct stat now, then;
	int r;

	if (fstatat(at, name, &now, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fstatat(from->folder, e->path, &then, AT_SYMLINK_NOFOLLOW) < 0 || now.st_size != then.st_size ||
	    now.st_mtim.tv_sec != then.st_mtim.tv_sec || !S_ISREG(now.st_mode))
		return -ENOENT;
	if (store_hash(from->folder, e->path, e->hash, &then) < 0)
		return -ENOENT;
	if (!from->whole && (store_hash(at, name, hash, &now) < 0 || memcmp(hash, e->hash, sizeof(hash)) != 0))
		return -ENOENT;
	r = linkat(from->folder, e->path, b->to, e->path, 0) == 0 ? 0 : -errno;
	b->linked += r == 0;
	e->size = (uint64_t)then.st_size;
	e->mode = then.st_mode & 0777;
	e->mtime_s = then.st_mtim.tv_sec;
	return r == -EMLINK || r == -EXDEV || r == -EPERM ? -ENOENT : r;
}

static int link_earlier(struct backup *b, int at, const char *name, struct manifest_entry *e)
{
	int r = -ENOENT;

	for (size_t i = 0; i < b->earlier_count && r == -ENOENT && is_fixed(e->path); i++)
		r = link_one(b, &b->earlier[i], at, name, e);
	return r;
}

static int copy_now(struct backup *b, int at, const char *name, struct manifest_entry *e)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };
	struct stat st;
	int r = -EAGAIN;

	for (int i = 0; i < TRIES && r == -EAGAIN; i++) {
		r = store_copy(at, name, b->to, e->path, e->hash, &st);
		if (r == -EAGAIN)
			nanosleep(&pause, NULL);
	}
	if (r < 0)
		return r;
	e->size = (uint64_t)st.st_size;
	e->mode = st.st_mode & 0777;
	e->mtime_s = st.st_mtim.tv_sec;
	return 0;
}

int backup_file(struct backup *b, int at, const char *name, const char *path, struct error *err)
{
	struct manifest_entry e = { .folder = false };
	int r;

	if (snprintf(e.path, sizeof(e.path), "%s", path) >= (int)sizeof(e.path))
		return error_set(err, -ENAMETOOLONG, "the path is too long: %s", path);
	r = link_earlier(b, at, name, &e);
	if (r == -ENOENT)
		r = copy_now(b, at, name, &e);
	if (r == -ENOENT)
		return 0;
	if (r == -EEXIST) /* a list may name it twice */
		return 1;
	if (r == -EINVAL) {
		fprintf(stderr, "yubin: warning: %s is no plain file and is left out\n", path);
		return 1;
	}
	if (r < 0)
		return error_system(err, -r, "%s can't be copied", path);
	manifest_put(&b->w, &e);
	b->at.messages++;
	b->at.bytes += e.size;
	store_progress_tell(&b->progress, &b->at);
	return 1;
}

/* --- folders -------------------------------------------------------------------- */

/* What is made again, or was not finished. */
static bool left_out(const char *path, const char *name)
{
	return strcmp(path, "mail/tmp") == 0 || strcmp(path, "mail/.restoring") == 0 || ends_in(name, end_new) ||
	       (strncmp(path, "mail/", 5) == 0 && strcmp(name, "derived") == 0) || strcmp(name, "lost+found") == 0;
}

/* mail/DOMAIN/USER, and mail/DOMAIN/USER/ID/cur; not what lies in .lost. */
static bool is_at(const char *path, unsigned slashes)
{
	if (strncmp(path, "mail/", 5) != 0 || path[5] == '.')
		return false;
	for (; *path != '\0'; path++)
		slashes -= *path == '/';
	return slashes == 0;
}

static bool is_account(const char *path)
{
	return is_at(path, 2);
}

static bool is_messages(const char *path)
{
	return is_at(path, 4) && ends_in(path, "/cur");
}

static int make_folder(struct backup *b, int from, const char *path, struct error *err)
{
	struct manifest_entry e = { .folder = true };
	struct stat st;

	if (fstat(from, &st) < 0)
		return error_system(err, errno, "can't look at %s", path);
	if (mkdirat(b->to, path, 0700) < 0)
		return errno == EEXIST ? 0 : error_system(err, errno, "can't make %s in the backup", path);
	snprintf(e.path, sizeof(e.path), "%s", path);
	e.mode = st.st_mode & 0777;
	manifest_put(&b->w, &e);
	return 0;
}

static int take_one(struct backup *b, int at, const struct dirent *d, const char *above, struct error *err)
{
	char path[MANIFEST_PATH_MAX];
	struct stat st;
	int r;

	if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
		return 0;
	if (snprintf(path, sizeof(path), "%s/%s", above, d->d_name) >= (int)sizeof(path))
		return error_set(err, -ENAMETOOLONG, "the path is too long: %s/%s", above, d->d_name);
	if (left_out(path, d->d_name) || fstatat(at, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	r = S_ISDIR(st.st_mode) ? backup_folder(b, at, d->d_name, path, err)
				: backup_file(b, at, d->d_name, path, err);
	return r < 0 ? r : 0;
}

/* The envelope first: an envelope whose message has gone meanwhile is none, but not the other way round. */
static int take_queued(struct backup *b, int at, const struct dirent *d, const char *above, struct error *err)
{
	struct dirent envelope = *d;
	int r;

	if (ends_in(d->d_name, ".envelope"))
		return 0;
	if (!ends_in(d->d_name, ".mail") || strlen(d->d_name) > NAME_MOST)
		return take_one(b, at, d, above, err);
	snprintf(strrchr(envelope.d_name, '.'), sizeof(".envelope"), ".envelope");
	r = take_one(b, at, &envelope, above, err);
	return r == 0 ? take_one(b, at, d, above, err) : r;
}

/* What the server has in its index only is written before the account is looked at. */
static void settle_account(struct backup *b, const char *path)
{
	char domain[MANIFEST_PATH_MAX], account[STORE_ACCOUNT_MAX], *user;

	snprintf(domain, sizeof(domain), "%s", path + strlen("mail/"));
	user = strchr(domain, '/');
	*user++ = '\0';
	if (names_account(account, domain, user))
		store_settle(b->site, account, &b->settle);
}

int backup_folder(struct backup *b, int at, const char *name, const char *path, struct error *err)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;
	struct dirent *e;
	DIR *d;

	if (fd >= 0 && is_account(path))
		settle_account(b, path);
	if (fd < 0)
		return errno == ENOENT ? 0 : error_system(err, errno, "can't open the folder %s", path);
	r = make_folder(b, fd, path, err);
	d = fdopendir(fd);
	if (d == NULL) {
		close(fd);
		return error_set(err, -ENOMEM, "no memory to look at %s", path);
	}
	while (r == 0 && !is_messages(path) && (e = readdir(d)) != NULL)
		r = strcmp(path, "queue") == 0 ? take_queued(b, fd, e, path, err) : take_one(b, fd, e, path, err);
	if (r == 0 && is_account(path))
		r = backup_account(b, fd, path, err);
	closedir(d);
	return r;
}

/* --- all -------------------------------------------------------------------------- */

static int take_all(struct backup *b, const struct site *s, struct error *err)
{
	int r = backup_folder(b, AT_FDCWD, s->paths.folder[PATHS_ETC], "etc", err);

	if (r == 0)
		r = backup_folder(b, AT_FDCWD, s->paths.folder[PATHS_ACCOUNTS], "accounts", err);
	if (r == 0)
		r = backup_file(b, AT_FDCWD, s->paths.ids, "ids", err);
	if (r >= 0)
		r = backup_folder(b, AT_FDCWD, s->paths.folder[PATHS_QUEUE], "queue", err);
	if (r == 0)
		r = backup_folder(b, AT_FDCWD, s->paths.folder[PATHS_MAIL], "mail", err);
	return r;
}

static int write_manifest(struct backup *b, const struct site *s, struct error *err)
{
	int fd = openat(b->to, "manifest", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), r;
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (file == NULL)
		return error_system(err, errno, "can't make the manifest");
	manifest_begin(&b->w, file, b->begun_s);
	r = take_all(b, s, err);
	if (r == 0 && b->w.error == 0)
		manifest_end(&b->w);
	if (fclose(file) != 0 && b->w.error == 0)
		b->w.error = errno;
	return r == 0 && b->w.error != 0 ? error_system(err, b->w.error, "can't write the manifest") : r;
}

static int open_since(struct backup *b, const char *path, struct error *err)
{
	struct backup_earlier *e = &b->earlier[0];
	struct manifest_reader reader;

	if (path == NULL)
		return 0;
	e->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e->folder < 0)
		return error_system(err, errno, "can't open %s", path);
	b->earlier_count = 1;
	e->whole = manifest_open(&reader, e->folder, NULL) == 0;
	manifest_close(&reader);
	if (!e->whole && !ends_in(path, ".part") && !ends_in(path, ".part/"))
		return error_set(err, -EBADMSG, "%s is no backup, or its manifest is damaged", path);
	return 0;
}

static int broke_off(const struct backup *b, struct error *err)
{
	const struct error why = *err;

	return error_set(err, why.code, "%s; what was copied stays in %s, and the same command again goes on with it",
			 why.words, b->part);
}

static int backup(struct backup *b, const struct site *s, const char *dir, const char *since, struct error *err)
{
	int r = open_since(b, since, err);

	if (r == 0)
		r = backup_part_begin(b, dir, err);
	if (r < 0)
		return r;
	store_progress_begin(&b->progress);
	r = write_manifest(b, s, err);
	if (r == 0)
		r = backup_part_end(b, err);
	store_progress_end(&b->progress);
	return r == 0 ? 0 : broke_off(b, err);
}

int store_backup_run(const struct site *s, int argc, char **argv)
{
	struct backup b = { .begun_s = time(NULL), .site = s, .at = { .what = "backup", .unit = "files" } };
	const char *dir = NULL, *since = NULL;
	struct error err;

	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--since") == 0 && i + 1 < argc)
			since = argv[++i];
		else if (argv[i][0] != '-' && dir == NULL)
			dir = argv[i];
		else
			return verb_usage(argv[0], "store backup takes a folder to be made, not %s", argv[i]);
	}
	if (dir == NULL)
		return verb_usage(argv[0], "store backup needs the folder to be made");
	if (ends_in(dir, "/"))
		return verb_usage(argv[0], "name the folder without a / at its end");
	if (backup(&b, s, dir, since, &err) < 0)
		return verb_failed(&err);
	printf("%s: %" PRIu64 " files, %" PRIu64 " bytes, %" PRIu64 " of them from the earlier backup.\n"
	       "It holds this server's private keys, passwords' hashes and all mail: keep it as safe as the server.\n",
	       dir, b.at.messages, b.at.bytes, b.linked);
	return VERB_DONE;
}
