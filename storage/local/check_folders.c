/* check_folders.c - types, owners, modes and names in mail/ and db/; the contract is in check_inside.h. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "storage/local/check_inside.h"
#include "storage/local/files.h"

enum expect { EXPECT_FOLDER, EXPECT_FILE, EXPECT_LEFTOVER, EXPECT_NOTHING, EXPECT_STRANGE };
enum level { LEVEL_MAIL, LEVEL_DOMAIN, LEVEL_ACCOUNT, LEVEL_MAILBOX, LEVEL_CUR, LEVEL_TMP };

DIR *check_opendir(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (d == NULL && fd >= 0)
		close(fd);
	return d;
}

/* --- what may be called so --------------------------------------------------- */

static bool ends_in_new(const char *name)
{
	return strcmp(name, "state.new") == 0 || strcmp(name, "flags.new") == 0 ||
	       strcmp(name, "account.new") == 0 || strcmp(name, "annotations.new") == 0;
}

static enum expect expect_mail(const char *name)
{
	char account[STORE_ACCOUNT_MAX];

	/* Dots and lost+found are the system's, or .lost */
	if (name[0] == '.' || strcmp(name, "lost+found") == 0)
		return EXPECT_NOTHING;
	return strcmp(name, "tmp") == 0 || names_account(account, name, "x") ? EXPECT_FOLDER : EXPECT_STRANGE;
}

static enum expect expect_mailbox(const char *name)
{
	if (strcmp(name, "cur") == 0)
		return EXPECT_FOLDER;
	return strcmp(name, "state") == 0 || strcmp(name, "flags") == 0 || strcmp(name, "annotations") == 0 ||
			       strcmp(name, files_deleted) == 0
		       ? EXPECT_FILE
		       : EXPECT_STRANGE;
}

static enum expect expect_account(const char *name)
{
	uint32_t id;

	if (names_mailbox_parse(name, &id))
		return EXPECT_FOLDER;
	return strcmp(name, "account") == 0 || strcmp(name, "derived") == 0 || strcmp(name, "annotations") == 0
		       ? EXPECT_FILE
		       : EXPECT_STRANGE;
}

static enum expect expect_of(enum level level, const char *path, const char *name)
{
	char account[STORE_ACCOUNT_MAX];
	uint8_t guid[STORE_GUID];
	uint32_t uid;

	if (level == LEVEL_TMP && redo_is_log(name))
		return EXPECT_FILE;
	if (level == LEVEL_TMP || ((level == LEVEL_ACCOUNT || level == LEVEL_MAILBOX) && ends_in_new(name)))
		return EXPECT_LEFTOVER;
	switch (level) {
	case LEVEL_MAIL:
		return expect_mail(name);
	case LEVEL_DOMAIN:
		return names_account(account, path, name) ? EXPECT_FOLDER : EXPECT_STRANGE;
	case LEVEL_ACCOUNT:
		return expect_account(name);
	case LEVEL_MAILBOX:
		return expect_mailbox(name);
	default:
		return names_message_parse(name, &uid, guid) ? EXPECT_FILE : EXPECT_STRANGE;
	}
}

/* --- one file or folder -------------------------------------------------------- */

static int set_owner(struct check *c, int at, const char *path)
{
	return c->o->own != NULL ? c->o->own(c->o->arg, at, path) : -EPERM;
}

/* A message takes a name that its mailbox will change; all else goes. */
static int take_in(struct check *c, enum level level, const char *path)
{
	int at = c->o->store.mail_fd;
	uint8_t guid[STORE_GUID];
	char to[NAMES_PATH_MAX], folder[CHECK_PATH_MAX];
	uint32_t id = 0;

	if (level != LEVEL_CUR || !check_is_message(at, path))
		return check_lose(at, path);
	snprintf(folder, sizeof(folder), "%s", path);
	*strrchr(folder, '/') = '\0'; /* the name */
	*strrchr(folder, '/') = '\0'; /* cur */
	names_mailbox_parse(strrchr(folder, '/') + 1, &id);
	*strrchr(folder, '/') = '\0';
	randombytes_buf(guid, sizeof(guid));
	names_message(to, folder, id, NAMES_UID_NEVER, guid);
	return renameat2(at, path, at, to, RENAME_NOREPLACE) == 0 ? 0 : -errno;
}

const char *check_type(mode_t mode)
{
	return S_ISLNK(mode)   ? "a symlink"
	       : S_ISDIR(mode) ? "a folder"
	       : S_ISREG(mode) ? "a file"
	       : S_ISFIFO(mode) ? "a pipe"
	       : S_ISSOCK(mode) ? "a socket"
				: "a device";
}

/* Owner and mode. */
void check_rights(struct check *c, int at, const char *where, const char *path, const struct stat *st)
{
	unsigned want = S_ISDIR(st->st_mode) ? 0700 : 0600;

	if (st->st_uid != c->uid &&
	    check_tell(c, CHECK_WRONG_OWNER, where, "user %u, not %u", st->st_uid, c->uid))
		check_mended(c, set_owner(c, at, path));
	if ((st->st_mode & 07777) != want &&
	    check_tell(c, CHECK_WRONG_MODE, where, "%04o", (unsigned)st->st_mode & 07777))
		check_mended(c, fchmodat(at, path, want, 0) == 0 ? 0 : -errno);
}

/* True: a folder that can be looked into. */
static bool look_at(struct check *c, enum level level, enum expect expect, const char *path)
{
	int at = c->o->store.mail_fd;
	char where[CHECK_WHERE_MAX];
	struct stat st;

	snprintf(where, sizeof(where), "mail/%s", path);
	if (fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false; /* it has just gone */
	if (expect == EXPECT_LEFTOVER) {
		if (!S_ISDIR(st.st_mode) && check_tell(c, CHECK_LEFTOVER, where, "%s", ""))
			check_mended(c, unlinkat(at, path, 0) == 0 ? 0 : -errno);
		return false;
	}
	if (expect == EXPECT_STRANGE) {
		if (check_tell(c, CHECK_STRANGE_NAME, where, "%s", check_type(st.st_mode)))
			check_mended(c, take_in(c, level, path));
		return false;
	}
	if (expect == EXPECT_FOLDER ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode)) {
		if (check_tell(c, CHECK_WRONG_TYPE, where, "%s", check_type(st.st_mode)))
			check_mended(c, check_lose(at, path));
		return false;
	}
	check_rights(c, at, where, path, &st);
	if (level == LEVEL_CUR && c->o->mode == CHECK_LIVE)
		c->counts.bytes += (uint64_t)st.st_size;
	return expect == EXPECT_FOLDER;
}

/* --- folders ------------------------------------------------------------------- */

static bool account_wanted(const struct check *c, const char *domain, const char *user)
{
	char account[STORE_ACCOUNT_MAX];

	return c->o->account_count == 0 ||
	       (names_account(account, domain, user) && check_wanted(c, span_of(account)));
}

static int not_opened(struct check *c, const char *path, int error)
{
	char where[CHECK_WHERE_MAX];

	snprintf(where, sizeof(where), "mail/%s", path);
	if (error == EACCES || error == EIO)
		check_tell(c, CHECK_UNREADABLE, where, "%s", strerror(error));
	return error == ENOMEM || error == EMFILE ? -error : 0;
}

static int walk(struct check *c, const char *path, enum level level)
{
	char below[CHECK_PATH_MAX];
	DIR *d = check_opendir(c->o->store.mail_fd, path);
	struct dirent *e;
	int r = 0;

	if (d == NULL)
		return not_opened(c, path, errno);
	c->has_mail |= level == LEVEL_ACCOUNT;
	if (c->o->mode == CHECK_LIVE) {
		c->counts.accounts += level == LEVEL_ACCOUNT;
		c->counts.mailboxes += level == LEVEL_MAILBOX;
	}
	while (r == 0 && (e = readdir(d)) != NULL) {
		enum expect expect = expect_of(level, path, e->d_name);

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || expect == EXPECT_NOTHING ||
		    (expect == EXPECT_LEFTOVER && c->o->mode == CHECK_LIVE) ||
		    (level == LEVEL_DOMAIN && !account_wanted(c, path, e->d_name)))
			continue;
		snprintf(below, sizeof(below), "%s%s%s", level == LEVEL_MAIL ? "" : path,
			 level == LEVEL_MAIL ? "" : "/", e->d_name);
		if (level == LEVEL_CUR)
			check_step(c);
		if (look_at(c, level, expect, below))
			r = walk(c, below,
				 level == LEVEL_MAIL && strcmp(e->d_name, "tmp") == 0 ? LEVEL_TMP : level + 1);
	}
	closedir(d);
	if (r == 0 && level == LEVEL_MAILBOX && c->o->mode == CHECK_LIVE)
		r = check_small_files(c, path, NULL);
	if (r == 0 && level == LEVEL_ACCOUNT && c->o->mode == CHECK_LIVE)
		r = check_notes(c, path, NULL, NULL);
	return r;
}

/* The index's own files: only whose they are. */
static int look_at_db(struct check *c)
{
	DIR *d = check_opendir(c->o->store.db_fd, ".");
	char where[300];
	struct dirent *e;
	struct stat st;

	if (d == NULL)
		return -errno;
	while ((e = readdir(d)) != NULL) {
		snprintf(where, sizeof(where), "db/%s", e->d_name);
		if (e->d_name[0] != '.' && fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_uid != c->uid &&
		    check_tell(c, CHECK_WRONG_OWNER, where, "user %u, not %u", st.st_uid, c->uid))
			check_mended(c, set_owner(c, dirfd(d), e->d_name));
	}
	closedir(d);
	return 0;
}

int check_folders(struct check *c)
{
	int r = c->o->account_count == 0 ? look_at_db(c) : 0;

	return r == 0 ? walk(c, ".", LEVEL_MAIL) : r;
}

/* --- accounts ------------------------------------------------------------------ */

static int each_user(struct check *c, const char *domain,
		     int (*fn)(struct check *c, const char *domain, const char *user))
{
	DIR *d = check_opendir(c->o->store.mail_fd, domain);
	char account[STORE_ACCOUNT_MAX];
	struct dirent *e;
	int r = 0;

	while (d != NULL && r == 0 && (e = readdir(d)) != NULL)
		if (names_account(account, domain, e->d_name) && check_wanted(c, span_of(account)))
			r = fn(c, domain, e->d_name);
	if (d != NULL)
		closedir(d);
	return r;
}

int check_each_folder(struct check *c, int (*fn)(struct check *c, const char *domain, const char *user))
{
	DIR *d = check_opendir(c->o->store.mail_fd, ".");
	struct dirent *e;
	int r = d != NULL ? 0 : -errno;

	while (r == 0 && (e = readdir(d)) != NULL)
		if (expect_mail(e->d_name) == EXPECT_FOLDER && strcmp(e->d_name, "tmp") != 0)
			r = each_user(c, e->d_name, fn);
	if (d != NULL)
		closedir(d);
	return r;
}
