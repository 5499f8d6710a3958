/*
 * store_restore_one.c - an account, or one mailbox of it, out of a backup; the contract is in store_restore.h.
 *
 * Where the account has no mail here it comes back as it was. Else its mailboxes stand beside what is there: they
 * get ids that are free and names below "Restored DATE". All is copied to mail/.restoring, then renamed
 * (store_restore_place.c); then a repair of the account takes it in, as any folder that the index does not know.
 */
#include "admin/store_restore_one.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "storage/local/files.h"
#include "storage/local/statefile.h"

enum { STATE_MAX = 64 * 1024 };

static const char stage_name[] = ".restoring";

int one_own(const struct one *o, const char *path, struct error *err)
{
	if (!o->s->root || fchownat(o->mail, path, o->owner.st_uid, o->owner.st_gid, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return error_system(err, errno, "can't give mail/%s away", path);
}

bool one_name(const struct one *o, uint32_t id, struct buf *name)
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

/* --- the account's own file -------------------------------------------------------- */

static int read_accounts(int at, struct accounts **out, struct error *err)
{
	int code = accounts_read(out, at, NULL, NULL, err);

	close(at);
	return code;
}

/* *there: it is here already, and stays as it is. */
static int look_for_account(const struct one *o, bool *there, struct error *err)
{
	struct accounts_owner owner;
	struct accounts *all;
	int fd, code = site_accounts(o->s, &fd, &owner, err);

	if (code == 0)
		code = read_accounts(fd, &all, err);
	if (code < 0)
		return code;
	*there = accounts_find(all, o->account) != NULL;
	accounts_free(all);
	return 0;
}

/* The backup's accounts. */
static int saved_accounts(const struct one *o, struct accounts **out, struct error *err)
{
	int fd = openat(o->r->from, "accounts", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 ? read_accounts(fd, out, err) : error_system(err, errno, "can't open the backup's accounts");
}

enum adding { ADD_TRY, ADD_DO };

/* Password, forwards, quota and all else of it. */
static int add_account(const struct one *o, enum adding adding, struct error *err)
{
	const struct account *account;
	struct accounts_owner owner;
	struct accounts *all;
	bool there = false;
	int fd = -1, code = look_for_account(o, &there, err);

	if (code < 0 || there)
		return code;
	code = saved_accounts(o, &all, err);
	if (code < 0)
		return code;
	account = accounts_find(all, o->account);
	code = account != NULL ? site_accounts(o->s, &fd, &owner, err)
			       : error_set(err, -ENOENT, "there is no account %s, neither here nor in the backup", o->account);
	if (code == 0)
		code = adding == ADD_DO ? accounts_add(fd, &owner, account, err) : accounts_check_new(fd, o->account, err);
	if (fd >= 0)
		close(fd);
	accounts_free(all);
	return code;
}

/* --- copying ---------------------------------------------------------------------------- */

static bool is_wanted(const struct one *o, uint32_t id)
{
	struct buf name;
	bool yes;

	if (o->r->mailbox == NULL)
		return true;
	buf_init(&name, STORE_NAME_MAX);
	yes = one_name(o, id, &name) && span_is(buf_span(&name), o->r->mailbox);
	buf_clear(&name);
	return yes;
}

/* What stands behind mail/DOMAIN/USER/ of this account; or NULL. */
static const char *behind(const struct one *o, const char *path)
{
	size_t n = strlen(o->folder);

	if (strncmp(path, "mail/", 5) != 0 || strncmp(path + 5, o->folder, n) != 0 || path[5 + n] != '/')
		return NULL;
	return path + 6 + n;
}

/* Of a mailbox that is wanted, or of the account as a whole. */
static bool is_ours(struct one *o, const char *rest)
{
	char name[9];
	uint32_t id;

	snprintf(name, sizeof(name), "%s", rest);
	if (strlen(rest) < 8 || !names_mailbox_parse(name, &id) || (rest[8] != '\0' && rest[8] != '/'))
		return strcmp(rest, "account") == 0 || strcmp(rest, "annotations") == 0;
	if (id != o->at)
		o->wanted = is_wanted(o, id);
	o->at = id;
	o->mailboxes += o->wanted && rest[8] == '\0';
	return o->wanted;
}

static int count_entry(void *arg, const struct manifest_entry *e, struct error *err)
{
	struct one *o = arg;
	const char *rest = behind(o, e->path);

	(void)err;
	if (rest != NULL && is_ours(o, rest))
		o->r->at.whole += e->size + !e->folder;
	return 0;
}

/* The folder comes before what is in it. */
static int one_entry(void *arg, const struct manifest_entry *e, struct error *err)
{
	char to[MANIFEST_PATH_MAX + ONE_STAGE_MAX];
	struct one *o = arg;
	const char *rest = behind(o, e->path);
	int code;

	if (rest == NULL || !is_ours(o, rest))
		return 0;
	snprintf(to, sizeof(to), "%s/%s", o->stage, rest);
	code = restore_entry(o->r, e, o->mail, to, err);
	return code == 0 ? one_own(o, to, err) : code;
}

static int make_folder(const struct one *o, const char *path, struct error *err)
{
	if (mkdirat(o->mail, path, 0700) < 0 && errno != EEXIST)
		return error_system(err, errno, "can't make mail/%s", path);
	return one_own(o, path, err);
}

static int make_stage(const struct one *o, struct error *err)
{
	char domain[ONE_STAGE_MAX];
	int code;

	snprintf(domain, sizeof(domain), "%s", o->stage);
	*strrchr(domain, '/') = '\0';
	code = make_folder(o, domain, err);
	return code == 0 ? make_folder(o, o->stage, err) : code;
}

static int copy_all(struct one *o, const char *about, struct error *err)
{
	int code = add_account(o, ADD_TRY, err);

	if (code == 0)
		code = restore_each(o->r, count_entry, o, err);
	if (code == 0 && o->mailboxes == 0)
		code = error_set(err, -ENOENT, "the backup has no such account or mailbox");
	if (code == 0)
		code = make_folder(o, stage_name, err);
	if (code == 0)
		code = restore_plan_put(o->r, o->stage_path, RESTORE_COPIES, about, err);
	if (code == 0)
		code = make_stage(o, err);
	if (code == 0)
		code = restore_each(o->r, one_entry, o, err);
	if (code < 0)
		return code;
	if (syncfs(o->mail) < 0)
		return error_system(err, errno, "what was copied can't be brought to the disk");
	return restore_plan_put(o->r, o->stage_path, RESTORE_PLACES, about, err);
}

/* --- all ----------------------------------------------------------------------------------- */

/* What a repair tells of folders that were just put there is no news. */
static void on_found(void *arg, const struct check_found *f)
{
	if (!f->mended || (f->kind != CHECK_FOLDER_WITHOUT_MAILBOX && f->kind != CHECK_ACCOUNT_WITHOUT_RECORD))
		store_told_found(arg, f);
}

static void on_log(void *arg, const char *line)
{
	(void)arg;
	if (strstr(line, " error ") != NULL)
		fprintf(stderr, "%s\n", line);
}

/* Where the server was never started there is no index to take anything into, and nothing is damaged. */
static int make_index(const struct store_folders *folders, struct error *err)
{
	int code = check_has_index(&folders->o, err);

	if (code != 0)
		return code < 0 ? code : 0;
	log_to_function(on_log, NULL); /* a start would warn of it */
	code = check_rebuild(&folders->o, err);
	if (code == 0)
		puts("There was no index here yet: it was made from the folders.");
	return code;
}

static int take_in(const struct one *o, struct error *err)
{
	char *account = (char *)(uintptr_t)o->account;
	struct store_told told = { .tone = TONE_REPAIR };
	struct store_folders folders;
	struct check_options c = { .mode = CHECK_MEND,
				   .accounts = &account,
				   .account_count = 1,
				   .found = on_found,
				   .own = store_told_own,
				   .arg = &told };
	struct check_counts counts;
	int code = store_open(&folders, o->s, STORE_USE_ALONE, err);

	if (code < 0)
		return code;
	c.store = folders.o;
	told.folders = &folders;
	code = make_index(&folders, err);
	if (code < 0)
		return code;
	code = check_run(&c, &counts, err);
	return code == 0 && told.not_mended > 0
		       ? error_set(err, -EIO, "what was restored could not be taken in; see: yubin store check")
		       : code;
}

/* The plan is the last file that goes. */
static int clear_stage(const struct one *o, struct error *err)
{
	static const char *const files[] = { "name", "plan" };
	char path[ONE_STAGE_MAX];

	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", stage_name, files[i]);
		if (unlinkat(o->mail, path, 0) < 0 && errno != ENOENT)
			return error_system(err, errno, "can't remove mail/%s", path);
	}
	snprintf(path, sizeof(path), "%s", o->stage);
	for (char *slash; unlinkat(o->mail, path, AT_REMOVEDIR) == 0 || errno == ENOENT; *slash = '\0') {
		slash = strrchr(path, '/');
		if (slash == NULL)
			break;
	}
	return 0;
}

static int open_one(struct one *o, struct error *err)
{
	const char *path = o->s->paths.folder[PATHS_MAIL];
	int code = accounts_address(o->r->account, o->account, err);

	if (code < 0)
		return code;
	if (!names_folder(o->folder, span_of(o->account)))
		return error_set(err, -EINVAL, "%s is no account: USER@DOMAIN", o->account);
	snprintf(o->stage, sizeof(o->stage), "%s/%s", stage_name, o->folder);
	snprintf(o->stage_path, sizeof(o->stage_path), "%s/%s", path, stage_name);
	o->mail = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o->mail < 0 || fstat(o->mail, &o->owner) < 0)
		return error_system(err, errno, "can't open the folder %s", path);
	return 0;
}

int restore_account(struct restore *r, const struct site *s, struct error *err)
{
	char about[ACCOUNTS_ADDRESS_MAX + STORE_NAME_MAX + 16];
	struct one o = { .r = r, .s = s };
	enum restore_phase phase;
	int code = open_one(&o, err);

	if (code < 0)
		return code;
	snprintf(about, sizeof(about), "%s %s", o.account, r->mailbox != NULL ? r->mailbox : "");
	code = restore_plan_get(r, o.stage_path, &phase, about, err);
	if (code == 0 && phase != RESTORE_PLACES)
		code = copy_all(&o, about, err);
	if (code == 0)
		code = add_account(&o, ADD_DO, err);
	if (code == 0)
		code = one_place(&o, err);
	if (code == 0)
		code = take_in(&o, err);
	return code == 0 ? clear_stage(&o, err) : code;
}
