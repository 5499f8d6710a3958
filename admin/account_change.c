/* account_change.c - account add, passwd, disable, enable, remove; and the family's table. */
#include <string.h>
#include <time.h>

#include "admin/account_app.h"
#include "admin/account_cert.h"
#include "admin/account_session.h"
#include "admin/account_show.h"
#include "storage/local/names.h"

static int account_add(const struct site *s, const struct account_line *l)
{
	struct account a = { .address = l->words[0], .enabled = true, .created_s = (int64_t)time(NULL) };
	struct account_password p;
	struct account_folder f;
	struct error err;
	int code = account_open(s, &f, &err), shown = VERB_DONE;

	if (code == 0)
		code = accounts_check_new(f.fd, a.address, &err);
	if (code == 0)
		code = account_password_new(&p, s, l, NULL, &err);
	if (code == 0) {
		account_password_lend(&p, &a);
		code = accounts_add(f.fd, &f.owner, &a, &err);
	}
	if (code == 0)
		shown = account_password_show(&p, l);
	account_password_wipe(&p);
	account_close(&f);
	if (code < 0)
		return verb_failed(&err);
	code = account_changed(s, "added %s", a.address);
	return shown != VERB_DONE ? shown : code;
}

/* Changes what is there now, in one breath: nobody's change in between is undone. */
static int put_password(const struct site *s, const char *word, const struct account_password *p,
			struct error *err)
{
	struct account_folder f;
	struct account a;
	int code = account_open_to_change(s, &f, err);

	if (code == 0)
		code = account_find(&f, word, &a, err);
	if (code == 0) {
		account_password_lend(p, &a);
		code = accounts_put(f.fd, &f.owner, &a, err);
	}
	account_close(&f);
	return code;
}

static int account_passwd(const struct site *s, const struct account_line *l)
{
	struct account_password p;
	struct account_folder f;
	struct account a;
	struct error err;
	int code = account_open(s, &f, &err), shown = VERB_DONE;

	if (code == 0)
		code = account_find(&f, l->words[0], &a, &err);
	if (code == 0)
		code = account_password_new(&p, s, l, &a, &err);
	account_close(&f);
	if (code == 0)
		code = put_password(s, l->words[0], &p, &err);
	if (code == 0)
		shown = account_password_show(&p, l);
	account_password_wipe(&p);
	if (code < 0)
		return verb_failed(&err);
	code = account_changed(s, "new password for %s", l->words[0]);
	return shown != VERB_DONE ? shown : code;
}

static int set_state(const struct site *s, const struct account_line *l, bool enabled)
{
	struct account_folder f;
	struct account a;
	struct error err;
	int code = account_open_to_change(s, &f, &err);

	if (code == 0)
		code = account_find(&f, l->words[0], &a, &err);
	if (code == 0) {
		a.enabled = enabled;
		code = accounts_put(f.fd, &f.owner, &a, &err);
	}
	account_close(&f);
	return code < 0 ? verb_failed(&err)
			: account_changed(s, "%s %s", enabled ? "enabled" : "disabled", l->words[0]);
}

static int account_disable(const struct site *s, const struct account_line *l)
{
	return set_state(s, l, false);
}

static int account_enable(const struct site *s, const struct account_line *l)
{
	return set_state(s, l, true);
}

/* Aliases that lead nowhere now. */
static void warn_of_aliases(const struct account_folder *f, const char *address)
{
	for (size_t i = 0; i < accounts_alias_count(f->accounts); i++) {
		const struct alias *alias = accounts_alias_at(f->accounts, i);
		char words[2 * ACCOUNTS_ADDRESS_MAX + 64];

		if (!account_alias_names(alias, address))
			continue;
		snprintf(words, sizeof(words), "the alias %s still leads to %s", alias->address, address);
		verb_warn(words);
	}
}

static int tell_where_mail_is(const struct site *s, const char *address)
{
	char folder[NAMES_FOLDER_MAX];
	struct buf b;

	buf_init(&b, 4096);
	if (names_folder(folder, span_of(address)))
		buf_printf(&b, "The mail of %s stays in %s/%s\n", address, s->paths.folder[PATHS_MAIL],
			   folder);
	return verb_print(&b);
}

static int account_remove(const struct site *s, const struct account_line *l)
{
	char address[ACCOUNTS_ADDRESS_MAX] = "";
	struct account_folder f;
	struct account a;
	struct error err;
	int code = account_open(s, &f, &err), told;

	if (code == 0)
		code = account_find(&f, l->words[0], &a, &err);
	if (code == 0) {
		snprintf(address, sizeof(address), "%s", a.address);
		code = accounts_remove(f.fd, address, &err);
	}
	if (code == 0)
		warn_of_aliases(&f, address);
	account_close(&f);
	if (code < 0)
		return verb_failed(&err);
	told = tell_where_mail_is(s, address);
	code = account_changed(s, "removed %s", address);
	return told != VERB_DONE ? told : code;
}

static const struct account_member members[] = {
	{ "add", ACCOUNT_PASSWORD, 1, 1, account_add }, { "passwd", ACCOUNT_PASSWORD, 1, 1, account_passwd },
	{ "list", ACCOUNT_JSON, 0, 0, account_list },   { "show", ACCOUNT_JSON, 1, 1, account_show },
	{ "disable", 0, 1, 1, account_disable },        { "enable", 0, 1, 1, account_enable },
	{ "forward", ACCOUNT_FORWARD, 1, 1 + ACCOUNTS_FORWARDS_MAX, account_forward },
	{ "quota", 0, 1, 2, account_quota_run },
	{ "remove", 0, 1, 1, account_remove },          { "cert add", 0, 2, 3, account_cert_add },
	{ "cert list", ACCOUNT_JSON, 0, 1, account_cert_list }, { "cert remove", 0, 2, 2, account_cert_remove },
	{ "app add", ACCOUNT_APP, 2, 2, account_app_add }, { "app list", ACCOUNT_JSON, 0, 1, account_app_list },
	{ "sessions", ACCOUNT_JSON, 0, 1, account_sessions }, { "kick", ACCOUNT_KICK, 1, 1, account_kick },
	{ "app revoke", 0, 2, 2, account_app_revoke }, { "app only", 0, 2, 2, account_app_only },
};

int account_run(const struct site *s, int argc, char **argv)
{
	return account_family(s, argc, argv, members, sizeof(members) / sizeof(members[0]));
}
