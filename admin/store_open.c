/* store_open.c - the contract is in store_parts.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/store_parts.h"

enum { INDEX_CACHE = 8 << 20 };

static int open_folder(const struct site *s, enum paths_folder which, enum store_use use, int *fd,
		       struct error *err)
{
	const char *path = s->paths.folder[which];

	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return error_system(err, errno, "can't open the folder %s", path);
	if (use == STORE_USE_ALONE && flock(*fd, LOCK_EX | LOCK_NB) < 0)
		return error_set(err, -EBUSY, "the folder %s is in use by another process", path);
	return 0;
}

/* What is made in db/ must belong to storaged. */
static int become_owner(struct store_folders *f, struct error *err)
{
	if (!f->root || f->uid == 0)
		return 0;
	if (setegid(f->gid) < 0 || seteuid(f->uid) < 0)
		return error_system(err, errno, "can't become the store's user");
	/* Or /proc/self would be root's. The real user stays root: nobody else may look into it. */
	prctl(PR_SET_DUMPABLE, 1);
	return 0;
}

int store_open(struct store_folders *f, const struct site *s, enum store_use use, struct error *err)
{
	struct stat st;
	int r;

	*f = (struct store_folders){ .root = s->root };
	f->o = (struct local_options){ .index_cache = INDEX_CACHE,
				       .deleted_log_s = UINT32_MAX,
				       .mailbox_limit = UINT32_MAX,
				       .keyword_limit = STORE_KEYWORDS };
	if (use == STORE_USE_ALONE && site_running(s, NULL))
		return error_set(err, -EBUSY, "the server runs; stop it first: yubin stop");
	r = open_folder(s, PATHS_MAIL, use, &f->o.mail_fd, err);
	if (r == 0)
		r = open_folder(s, PATHS_QUEUE, use, &f->o.queue_fd, err);
	if (r == 0)
		r = open_folder(s, PATHS_DB, use, &f->o.db_fd, err);
	if (r < 0)
		return r;
	if (fstat(f->o.mail_fd, &st) < 0)
		return error_system(err, errno, "can't look at the folder mail");
	f->uid = st.st_uid;
	f->gid = st.st_gid;
	return become_owner(f, err);
}

int store_own(void *arg, int at, const char *path)
{
	const struct store_folders *f = arg;
	int r;

	if (!f->root)
		return -EPERM;
	if (f->uid != 0 && seteuid(0) < 0)
		return -errno;
	r = fchownat(at, path, f->uid, f->gid, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -errno;
	if (f->uid != 0 && seteuid(f->uid) < 0)
		return -errno;
	return r;
}
