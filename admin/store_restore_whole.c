/*
 * store_restore_whole.c - a site out of a backup; the contract is in store_restore.h.
 *
 * All is copied to folders with .restoring behind their names; db.restoring holds the plan. Then the index goes
 * out of the way first and its empty folder comes last: at no time is there an index beside mail that is not its.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "admin/store_restore.h"
#include "admin/users.h"

enum { PATH_ROOM = PATHS_MAX + 16 };

static const struct part {
	const char *name;
	enum paths_folder folder;
	const char *user;
} parts[] = {
	{ "etc", PATHS_ETC, NULL },
	{ "accounts", PATHS_ACCOUNTS, "yubin-auth" },
	{ "queue", PATHS_QUEUE, "yubin-store" },
	{ "mail", PATHS_MAIL, "yubin-store" },
	{ "db", PATHS_DB, "yubin-store" }, /* empty: the first start makes it from the others */
};
enum { PARTS = sizeof(parts) / sizeof(parts[0]), DB = PARTS - 1 };

static const char fresh_end[] = ".restoring", new_end[] = ".restoring.new", before_end[] = ".before",
		  state_end[] = "/state";

struct whole {
	struct restore *r;
	const struct site *s;
	struct users_owner owner[PARTS];
	int fresh[PARTS];     /* folders with .restoring */
	char plan[PATH_ROOM]; /* db.restoring */
};

static const char *beside(const struct whole *w, unsigned i, const char *end, char out[PATH_ROOM])
{
	snprintf(out, PATH_ROOM, "%s%s", w->s->paths.folder[parts[i].folder], end);
	return out;
}

static bool is_there(const char *path)
{
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int owners(struct whole *w, struct error *err)
{
	int code = w->s->root ? users_make(err) : 0;

	for (unsigned i = 0; i < PARTS && code == 0 && w->s->root; i++)
		if (parts[i].user != NULL)
			code = users_find(parts[i].user, &w->owner[i], err);
	return code;
}

static int put_name(const char *from, const char *to, struct error *err)
{
	return rename(from, to) == 0 ? 0 : error_system(err, errno, "can't rename %s to %s", from, to);
}

/* --- copying ------------------------------------------------------------------------ */

static int give_away(const struct whole *w, unsigned i, int at, const char *to, struct error *err)
{
	if (!w->s->root || fchownat(at, to, w->owner[i].uid, w->owner[i].gid, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return error_system(err, errno, "can't give %s away", to);
}

/* to: a file in mail/. */
static int jump_state(int at, const char *to, struct error *err)
{
	size_t n = strlen(to), m = sizeof(state_end) - 1;
	char folder[MANIFEST_PATH_MAX];

	if (n < m || strcmp(to + n - m, state_end) != 0)
		return 0;
	snprintf(folder, sizeof(folder), "%.*s", (int)(n - m), to);
	return restore_state(at, folder, NULL, err);
}

/* The connection ids go on where they are, unless there are none: a higher one may be in use. */
static int ids_entry(const struct whole *w, const struct manifest_entry *e, struct error *err)
{
	return is_there(w->s->paths.ids) ? 0 : restore_entry(w->r, e, AT_FDCWD, w->s->paths.ids, err);
}

static int top_entry(struct whole *w, unsigned i, const struct manifest_entry *e, struct error *err)
{
	char path[PATH_ROOM];
	int code = restore_entry(w->r, e, AT_FDCWD, beside(w, i, fresh_end, path), err);

	if (code == 0)
		code = give_away(w, i, AT_FDCWD, path, err);
	if (code < 0)
		return code;
	w->fresh[i] = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return w->fresh[i] >= 0 ? 0 : error_system(err, errno, "can't open %s", path);
}

static int whole_entry(void *arg, const struct manifest_entry *e, struct error *err)
{
	struct whole *w = arg;
	struct span rest = span_of(e->path), first = span_take_until(&rest, '/');
	const char *to = (const char *)rest.p;
	unsigned i = 0;
	int code;

	while (i < DB && !span_is(first, parts[i].name))
		i++;
	if (strcmp(e->path, "ids") == 0)
		return ids_entry(w, e, err);
	if (i < DB && rest.n == 0 && e->folder && w->fresh[i] < 0)
		return top_entry(w, i, e, err);
	if (i == DB || rest.n == 0 || w->fresh[i] < 0)
		return error_set(err, -EBADMSG, "the backup holds what is no part of a site: %s", e->path);
	code = restore_entry(w->r, e, w->fresh[i], to, err);
	if (code == 0 && !e->folder && parts[i].folder == PATHS_MAIL)
		code = jump_state(w->fresh[i], to, err);
	return code == 0 ? give_away(w, i, w->fresh[i], to, err) : code;
}

static int make_above(const char *path, struct error *err)
{
	char above[PATHS_MAX];

	snprintf(above, sizeof(above), "%s", path);
	*strrchr(above, '/') = '\0';
	if (above[0] != '\0' && mkdir(above, 0755) < 0 && errno != EEXIST)
		return error_system(err, errno, "can't make %s", above);
	return 0;
}

static int make_folders(const struct whole *w, struct error *err)
{
	static const enum paths_folder others[] = { PATHS_RUN, PATHS_LOG };
	int code = 0;

	for (unsigned i = 0; i < PARTS && code == 0; i++)
		code = make_above(w->s->paths.folder[parts[i].folder], err);
	for (unsigned i = 0; i < 2 && code == 0; i++) {
		const char *path = w->s->paths.folder[others[i]];

		code = make_above(path, err);
		if (code == 0 && mkdir(path, 0755) < 0 && errno != EEXIST)
			code = error_system(err, errno, "can't make %s", path);
	}
	return code;
}

/* No db.restoring is ever without its plan, but when all else is done. */
static int make_plan(const struct whole *w, struct error *err)
{
	char fresh[PATH_ROOM];
	int code;

	if (mkdir(beside(w, DB, new_end, fresh), 0700) < 0 && errno != EEXIST)
		return error_system(err, errno, "can't make %s", fresh);
	code = give_away(w, DB, AT_FDCWD, fresh, err);
	if (code == 0)
		code = restore_plan_put(w->r, fresh, RESTORE_COPIES, "all", err);
	return code == 0 ? put_name(fresh, w->plan, err) : code;
}

/* --- names --------------------------------------------------------------------------- */

/* What is there gets .before behind its name. */
static int put_away(const struct whole *w, unsigned i, struct error *err)
{
	const char *path = w->s->paths.folder[parts[i].folder];
	char before[PATH_ROOM];

	if (!is_there(path))
		return 0;
	if (is_there(beside(w, i, before_end, before)))
		return error_set(err, -EEXIST, "%s is there already: move it away first", before);
	return put_name(path, before, err);
}

/* Goes on wherever one that broke off has been. */
static int swap(const struct whole *w, struct error *err)
{
	char fresh[PATH_ROOM], path[PATH_ROOM];
	int code = put_away(w, DB, err);

	for (unsigned i = 0; i < DB && code == 0; i++) {
		if (!is_there(beside(w, i, fresh_end, fresh)))
			continue;
		code = put_away(w, i, err);
		if (code == 0)
			code = put_name(fresh, beside(w, i, "", path), err);
	}
	if (code < 0)
		return code;
	sync();
	code = restore_plan_end(w->plan, err);
	if (code == 0)
		code = put_name(w->plan, beside(w, DB, "", path), err);
	sync();
	return code;
}

/* --- all ------------------------------------------------------------------------------ */

/* Nothing may be in the way, before anything is done. */
static int way_is_free(const struct whole *w, const char *end, unsigned count, struct error *err)
{
	char path[PATH_ROOM];

	for (unsigned i = 0; i < count; i++)
		if (is_there(beside(w, i, end, path)))
			return error_set(err, -EEXIST, "%s is of an earlier restore: move it away first", path);
	return 0;
}

/* How far one that broke off has come. */
static int find_phase(const struct whole *w, enum restore_phase *phase, struct error *err)
{
	int code = restore_plan_get(w->r, w->plan, phase, "all", err);

	if (code < 0 || *phase == RESTORE_PLACES)
		return code;
	if (*phase == RESTORE_NONE && is_there(w->plan)) { /* only its last name is missing */
		*phase = RESTORE_PLACES;
		return 0;
	}
	if (*phase == RESTORE_NONE)
		code = way_is_free(w, fresh_end, DB, err);
	return code == 0 ? way_is_free(w, before_end, PARTS, err) : code;
}

static int copy_all(struct whole *w, enum restore_phase phase, struct error *err)
{
	int code = owners(w, err);

	if (code == 0)
		code = make_folders(w, err);
	if (code == 0 && phase == RESTORE_NONE)
		code = make_plan(w, err);
	if (code == 0)
		code = restore_each(w->r, whole_entry, w, err);
	if (code < 0)
		return code;
	sync();
	return restore_plan_put(w->r, w->plan, RESTORE_PLACES, "all", err);
}

/* No storaged starts on the folders that are being replaced; they stay locked until the process ends. */
static int lock_folders(const struct whole *w, struct error *err)
{
	for (unsigned i = 0; i < PARTS; i++) {
		const char *path = w->s->paths.folder[parts[i].folder];
		int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return error_system(err, errno, "can't open the folder %s", path);
		if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			return error_set(err, -EBUSY, "the folder %s is in use by another process", path);
	}
	return 0;
}

int restore_whole(struct restore *r, const struct site *s, struct error *err)
{
	struct whole w = { .r = r, .s = s, .fresh = { -1, -1, -1, -1, -1 } };
	enum restore_phase phase;
	int code = lock_folders(&w, err);

	beside(&w, DB, fresh_end, w.plan);
	if (code == 0)
		code = find_phase(&w, &phase, err);
	if (code == 0 && phase != RESTORE_PLACES)
		code = copy_all(&w, phase, err);
	return code == 0 ? swap(&w, err) : code;
}

int restore_must_end(const struct site *s, struct error *err)
{
	char path[PATH_ROOM], plan[256];
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "%s%s", s->paths.folder[PATHS_DB], fresh_end);
	if (!is_there(path))
		return 0;
	snprintf(path + strlen(path), sizeof(path) - strlen(path), "/plan");
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, plan, sizeof(plan) - 1);
		close(fd);
	}
	plan[n > 0 ? n : 0] = '\0';
	if (strstr(plan, "\ncopies\n") != NULL)
		return 0;
	return error_set(err, -EBUSY, "a restore broke off while it changed names: run the same yubin store restore again");
}
