/*
 * store_restore_one.c - an account's mailboxes out of a backup, beside what is there; the contract is in
 * store_restore.h. Folders get ids that are free and names below "Restored DATE"; then a repair of the account
 * takes them in, as it takes in any folder that the index does not know.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "admin/store_restore.h"
#include "storage/local/files.h"
#include "storage/local/names.h"
#include "storage/local/statefile.h"

enum { STATE_MAX = 64 * 1024 };

struct one {
	const struct restore *r;
	const struct site *s;
	char folder[NAMES_FOLDER_MAX]; /* DOMAIN/USER */
	char date[16];
	int mail; /* the site's folder */
	uint32_t base;            /* ids are moved up by it */
	uint32_t mailboxes;
	bool wanted;              /* the mailbox at hand */
	uint32_t at;              /* its id in the backup */
	struct stat owner;
};

static int own(struct one *o, const char *path, struct error *err)
{
	if (!o->s->root || fchownat(o->mail, path, o->owner.st_uid, o->owner.st_gid, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return error_system(err, errno, "can't give mail/%s away", path);
}

/* Its name in the backup. */
static bool name_of(struct one *o, uint32_t id, struct buf *name)
{
	char folder[NAMES_MAILBOX_MAX + 8];
	struct head h = { 0 };
	struct buf text;
	bool good;

	snprintf(folder, sizeof(folder), "mail/%s/%08x", o->folder, id);
	buf_init(&text, STATE_MAX);
	good = files_read(o->r->from, folder, "state", &text) == 0 &&
	       statefile_mailbox_parse(buf_span(&text), &h, name);
	buf_clear(&text);
	return good;
}

static bool is_wanted(struct one *o, uint32_t id)
{
	struct buf name;
	bool yes;

	if (o->r->mailbox == NULL)
		return true;
	buf_init(&name, STORE_NAME_MAX);
	yes = name_of(o, id, &name) && span_is(buf_span(&name), o->r->mailbox);
	buf_clear(&name);
	return yes;
}

/* mail/DOMAIN/USER/ID/... of this account: the id, and what stands behind it ("" or "/..."). */
static bool is_ours(struct one *o, const char *path, uint32_t *id, const char **rest)
{
	size_t n = strlen(o->folder);
	char name[9];

	if (strncmp(path, "mail/", 5) != 0 || strncmp(path + 5, o->folder, n) != 0 || path[5 + n] != '/' ||
	    strlen(path + 6 + n) < 8)
		return false;
	snprintf(name, sizeof(name), "%s", path + 6 + n);
	*rest = path + 14 + n;
	return names_mailbox_parse(name, id) && (**rest == '\0' || **rest == '/');
}

/* The folder comes before what is in it. */
static int one_entry(void *arg, const struct manifest_entry *e, struct error *err)
{
	char to[MANIFEST_PATH_MAX + NAMES_MAILBOX_MAX];
	struct one *o = arg;
	const char *rest;
	uint32_t id;
	int code;

	if (!is_ours(o, e->path, &id, &rest))
		return 0;
	if (id != o->at)
		o->wanted = is_wanted(o, id);
	o->at = id;
	if (!o->wanted)
		return 0;
	o->mailboxes += *rest == '\0';
	snprintf(to, sizeof(to), "%s/%08x%s", o->folder, o->base + id, rest);
	code = restore_entry(o->r, e, o->mail, to, err);
	return code == 0 ? own(o, to, err) : code;
}

/* "Restored 2026-11-22/INBOX" */
static int one_name(struct one *o, uint32_t id, struct error *err)
{
	char folder[NAMES_MAILBOX_MAX], state[NAMES_MAILBOX_MAX + 8], words[STORE_NAME_MAX + 64];
	struct buf name;
	int code;

	names_mailbox(folder, o->folder, o->base + id);
	snprintf(state, sizeof(state), "%s/state", folder);
	buf_init(&name, STORE_NAME_MAX);
	if (!name_of(o, id, &name))
		buf_printf(&name, "%08x", id);
	snprintf(words, sizeof(words), "Restored %s/%.*s", o->date, (int)name.n, (const char *)name.p);
	buf_clear(&name);
	code = restore_state(o->mail, folder, words, err);
	return code == 0 ? own(o, state, err) : code;
}

static int name_all(void *arg, const struct manifest_entry *e, struct error *err)
{
	struct one *o = arg;
	const char *rest;
	uint32_t id;

	if (!is_ours(o, e->path, &id, &rest) || *rest != '\0' || !is_wanted(o, id))
		return 0;
	return one_name(o, id, err);
}

static uint32_t highest_id(struct one *o)
{
	int fd = openat(o->mail, o->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	uint32_t high = 0, id;
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (names_mailbox_parse(e->d_name, &id) && id > high)
			high = id;
	if (d != NULL)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	return high;
}

static int take_in(const struct one *o, struct error *err)
{
	char *account = (char *)(uintptr_t)o->r->account;
	struct store_told told = { .tone = TONE_REPAIR };
	struct store_folders folders;
	struct check_options c = { .mode = CHECK_MEND,
				   .accounts = &account,
				   .account_count = 1,
				   .found = store_told_found,
				   .own = store_told_own,
				   .arg = &told };
	struct check_counts counts;
	int code = store_open(&folders, o->s, STORE_USE_ALONE, err);

	if (code < 0)
		return code;
	c.store = folders.o;
	told.folders = &folders;
	return check_run(&c, &counts, err);
}

static int open_one(struct one *o, struct error *err)
{
	const char *path = o->s->paths.folder[PATHS_MAIL];
	time_t now = time(NULL);
	struct tm tm;

	if (!names_folder(o->folder, span_of(o->r->account)))
		return error_set(err, -EINVAL, "%s is no account: USER@DOMAIN", o->r->account);
	strftime(o->date, sizeof(o->date), "%Y-%m-%d", localtime_r(&now, &tm));
	o->mail = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o->mail < 0 || fstat(o->mail, &o->owner) < 0)
		return error_system(err, errno, "can't open the folder %s", path);
	if (faccessat(o->mail, o->folder, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, -ENOENT,
				 "%s has no mail here; add the account, log in once, and try again",
				 o->r->account);
	o->base = highest_id(o);
	return 0;
}

int restore_account(const struct restore *r, const struct site *s, struct error *err)
{
	struct one o = { .r = r, .s = s };
	int code = open_one(&o, err);

	if (code == 0)
		code = restore_each(r, one_entry, &o, err);
	if (code == 0 && o.mailboxes == 0)
		code = error_set(err, -ENOENT, "the backup has no such account or mailbox");
	if (code == 0)
		code = restore_each(r, name_all, &o, err);
	return code == 0 ? take_in(&o, err) : code;
}
