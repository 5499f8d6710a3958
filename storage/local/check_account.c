/* check_account.c - accounts and mailboxes: folders against the index; the contract is in check_inside.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/escape.h"
#include "storage/local/check_inside.h"
#include "storage/local/files.h"
#include "storage/local/startup.h"
#include "storage/local/statefile.h"

/* Calls fn for each pair of this kind of the account, until it gives something other than 0. */
static int each_key(struct check *c, const struct account *a, enum key_kind kind,
		    int (*fn)(struct account *a, struct span key, struct span value), struct account *arg)
{
	struct span key, value;
	struct key from, end;
	struct kv_scan *scan;
	int r;

	key_account(&from, kind, a->record.number);
	key_end(&end, &from);
	scan = kv_scan_open(c->s->kv, key_span(&from), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	while ((r = kv_scan_next(scan, &key, &value)) > 0 && (r = fn(arg, key, value)) == 0)
		;
	kv_scan_close(scan);
	return r;
}

/* --- the account in memory ------------------------------------------------------- */

static int load_mailbox(struct account *a, struct span key, struct span value)
{
	struct mailbox *m;
	struct span name;
	struct head h;
	int r;

	if (!head_decode(value, &h, &name))
		return 0; /* told already */
	m = mailbox_new(a, key_get_mailbox(key), name);
	if (m == NULL)
		return -ENOMEM;
	m->head = h;
	r = mailbox_insert(m);
	mailbox_release(m);
	return r;
}

static int load_keywords(struct account *a, struct span key, struct span value)
{
	struct mailbox *m = mailbox_by_id(a, key_get_mailbox(key));
	struct span word;

	while (m != NULL && value.n > 0 && m->keyword_count < STORE_KEYWORDS && value_take_span(&value, &word))
		if (mailbox_add_keyword(m, word) < 0)
			return -ENOMEM;
	return 0;
}

static int load_dirty(struct account *a, struct span key, struct span value)
{
	struct mailbox *m = mailbox_by_id(a, key_get_mailbox(key));

	(void)value;
	if (m != NULL)
		m->mark = MARK_SET;
	return 0;
}

static int load_absent(struct account *a, struct span key, struct span value)
{
	(void)value;
	return absent_add(a, (struct span){ key.p + 5, key.n - 5 });
}

static int load(struct check *c, struct account *a)
{
	int r = each_key(c, a, KEY_MAILBOX, load_mailbox, a);

	if (r == 0)
		r = each_key(c, a, KEY_KEYWORDS, load_keywords, a);
	if (r == 0)
		r = each_key(c, a, KEY_DIRTY, load_dirty, a);
	return r == 0 ? each_key(c, a, KEY_ABSENT, load_absent, a) : r;
}

static int put_account(struct check *c, struct account *a)
{
	int r = kv_begin(c->s->kv);

	if (r < 0)
		return r;
	r = account_put(a);
	if (r == 0)
		return kv_commit(c->s->kv);
	kv_abort(c->s->kv);
	return r;
}

/* --- its file --------------------------------------------------------------------- */

static int write_account(struct check *c, struct account *a)
{
	buf_reset(&c->text);
	statefile_account(&c->text, &a->record);
	for (size_t i = 0; i < a->absent_count; i++)
		statefile_absent(&c->text, a->absent[i]);
	statefile_account_end(&c->text);
	return c->text.failed
		       ? -ENOMEM
		       : files_replace(c->o->store.mail_fd, a->folder, "account", buf_span(&c->text));
}

static void look_at_file(struct check *c, struct account *a)
{
	char where[CHECK_WHERE_MAX];
	struct account_record unused;
	struct span rest;
	int r;

	buf_reset(&c->text);
	r = files_read(c->o->store.mail_fd, a->folder, "account", &c->text);
	if (r == -ENOENT || (r == 0 && statefile_account_parse(buf_span(&c->text), &unused, &rest)))
		return;
	snprintf(where, sizeof(where), "mail/%s/account", a->folder);
	if (check_tell(c, CHECK_ACCOUNT_UNREADABLE, where, "%s", r < 0 ? strerror(-r) : ""))
		check_mended(c, write_account(c, a));
}

/* --- mailboxes -------------------------------------------------------------------- */

/* False: errno is why not, or 0. */
static bool is_folder(struct check *c, const char *path)
{
	struct stat st;

	errno = 0;
	return fstatat(c->o->store.mail_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int make_folder(struct check *c, struct mailbox *m, const char *path, const char *cur)
{
	if (mkdirat(c->o->store.mail_fd, path, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (mkdirat(c->o->store.mail_fd, cur, 0700) < 0 && errno != EEXIST)
		return -errno;
	return check_write_state(c, m);
}

static int look_at_mailbox(struct check *c, struct mailbox *m)
{
	char path[NAMES_MAILBOX_MAX], cur[NAMES_MAILBOX_MAX + 8], where[CHECK_WHERE_MAX], name[200];
	int r = 0;

	c->counts.mailboxes++;
	names_mailbox(path, m->account->folder, m->id);
	snprintf(cur, sizeof(cur), "%s/cur", path);
	if (!is_folder(c, cur)) {
		if (errno == EACCES || errno == EIO) /* told already */
			return 0;
		snprintf(where, sizeof(where), "mail/%s", cur);
		if (!check_tell(c, CHECK_MAILBOX_WITHOUT_FOLDER, where, "%s",
				escape_text(name, sizeof(name), m->name)))
			return 0;
		r = make_folder(c, m, path, cur);
		check_mended(c, r);
		if (r < 0)
			return 0;
	}
	r = check_small_files(c, path, m);
	return r == 0 ? check_mailbox(c, m) : r;
}

/* Folders of mailboxes that the index does not know. */
static int look_at_folder(struct check *c, struct account *a, uint32_t id)
{
	char where[CHECK_WHERE_MAX], path[NAMES_MAILBOX_MAX];
	uint64_t number = (uint64_t)a->record.number << 32 | id;
	int r;

	names_mailbox(path, a->folder, id);
	/* Those that are being removed are known, too. */
	if (mailbox_by_id(a, id) != NULL || table_get(c->known, table_number(&number)) != NULL ||
	    !is_folder(c, path))
		return 0;
	snprintf(where, sizeof(where), "mail/%s", path);
	if (!check_tell(c, CHECK_FOLDER_WITHOUT_MAILBOX, where, "%s", ""))
		return 0;
	r = rebuild_mailbox(c->s, a, id);
	if (r == 0)
		r = put_account(c, a);
	check_mended(c, r);
	return r == -ENOMEM ? r : 0;
}

static int look_at_folders(struct check *c, struct account *a)
{
	DIR *d = check_opendir(c->o->store.mail_fd, a->folder);
	struct dirent *e;
	uint32_t id;
	int r = 0;

	while (d != NULL && r == 0 && (e = readdir(d)) != NULL)
		if (names_mailbox_parse(e->d_name, &id))
			r = look_at_folder(c, a, id);
	if (d != NULL)
		closedir(d);
	return r;
}

static int look_at_account(struct check *c, struct account *a)
{
	char derived[CHECK_PATH_MAX];
	int r = load(c, a);

	c->counts.accounts++;
	snprintf(derived, sizeof(derived), "%s/derived", a->folder);
	c->derived = openat(c->o->store.mail_fd, derived, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (r == 0) {
		look_at_file(c, a);
		r = check_notes(c, a->folder, a, NULL);
	}
	if (r == 0)
		r = look_at_folders(c, a);
	for (size_t i = 0; i < a->mailbox_count && r == 0; i++)
		r = look_at_mailbox(c, a->by_name[i]);
	if (c->derived >= 0)
		close(c->derived);
	c->derived = -1;
	return r;
}

/* --- accounts --------------------------------------------------------------------- */

static int take_in(struct check *c, const char *name)
{
	struct key k;
	int r = rebuild_account(c->s, name);

	if (r < 0)
		return r;
	key_kind(&k, KEY_COMPLETE);
	complete_encode(local_value(c->s), c->s->next_account);
	return local_put(c->s, &k, buf_span(&c->s->value));
}

static int look_at_user(struct check *c, const char *domain, const char *user)
{
	char name[STORE_ACCOUNT_MAX], where[CHECK_WHERE_MAX];
	struct account *a;
	struct span value;
	struct key k;
	int r;

	if (!names_account(name, domain, user))
		return 0;
	a = account_hold(c->s, span_of(name));
	if (a == NULL)
		return -ENOMEM;
	key_named(&k, KEY_ACCOUNT, span_of(name));
	r = kv_get(c->s->kv, key_span(&k), &value);
	if (r == 0 && account_decode(value, &a->record)) {
		r = look_at_account(c, a);
		account_release(a);
		return r;
	}
	account_release(a);
	snprintf(where, sizeof(where), "mail/%s/%s", domain, user);
	if (check_tell(c, CHECK_ACCOUNT_WITHOUT_RECORD, where, "%s", ""))
		check_mended(c, take_in(c, name));
	return 0;
}

/* An account that never had a mailbox has no folder either. */
static int has_mailbox(struct account *a, struct span key, struct span value)
{
	(void)a;
	(void)key;
	(void)value;
	return 1;
}

static int look_for_folder(struct check *c, struct span name, struct span value)
{
	struct account a = { .s = c->s };
	char where[CHECK_WHERE_MAX];
	int r;

	if (!account_decode(value, &a.record) || !names_folder(a.folder, name) || is_folder(c, a.folder))
		return 0;
	r = each_key(c, &a, KEY_MAILBOX, has_mailbox, NULL);
	if (r <= 0)
		return r;
	snprintf(where, sizeof(where), "mail/%s", a.folder);
	if (check_tell(c, CHECK_ACCOUNT_WITHOUT_FOLDER, where, "%s", ""))
		check_mended(c, files_make_account(c->o->store.mail_fd, a.folder));
	return 0;
}

static int look_for_folders(struct check *c)
{
	struct span key, value;
	struct key from, end;
	struct kv_scan *scan;
	int r;

	key_kind(&from, KEY_ACCOUNT);
	key_end(&end, &from);
	scan = kv_scan_open(c->s->kv, key_span(&from), key_span(&end));
	if (scan == NULL)
		return -ENOMEM;
	while ((r = kv_scan_next(scan, &key, &value)) > 0) {
		span_take(&key, 1);
		r = check_wanted(c, key) ? look_for_folder(c, key, value) : 0;
		if (r < 0)
			break;
	}
	kv_scan_close(scan);
	return r;
}

int check_accounts(struct check *c)
{
	int r;

	c->derived = -1;
	r = look_for_folders(c);
	return r == 0 ? check_each_folder(c, look_at_user) : r;
}
