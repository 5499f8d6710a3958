/* account_app.c - the contract is in account_app.h. */
#include "admin/account_app.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "admin/secret.h"
#include "auth/accounts_app.h"
#include "auth/accounts_file.h"
#include "auth/accounts_text.h"
#include "auth/seen.h"

enum { OUTPUT = 256 << 20 }; /* bytes of the longest list */

/* -ENOENT with words. */
static int pick(const struct account_holder *h, const char *name, size_t *at, struct error *err)
{
	for (*at = 0; *at < h->account.app_count; (*at)++)
		if (strcmp(h->apps[*at].name, name) == 0)
			return 0;
	return error_set(err, -ENOENT, "%s has no app password %s (see yubin account app list)", h->account.address, name);
}

/* --- add ------------------------------------------------------------------- */

/* "2027-01-31", its end in UTC, or a whole time. */
static int read_expiry(const char *text, int64_t *out, struct error *err)
{
	char whole[ACCOUNTS_TIME];

	snprintf(whole, sizeof(whole), "%sT23:59:59Z", text);
	if (!accounts_time_parse(span_of(text), out) && (strlen(text) != 10 || !accounts_time_parse(span_of(whole), out)))
		return error_set(err, -EINVAL, "--expires takes a day like 2027-01-31, or 2027-01-31T12:00:00Z");
	if (*out <= (int64_t)time(NULL))
		return error_set(err, -EINVAL, "that is over already: %s", text);
	return 0;
}

static int read_line(struct account_app *app, const struct account_holder *h, const struct account_line *l, struct error *err)
{
	size_t at;
	int code = 0;

	*app = (struct account_app){ .scope = ACCOUNTS_FOR_ALL };
	if (!accounts_app_name(span_of(l->words[1])))
		return error_set(err, -EINVAL, "a name has %d letters, digits, '.', '_' or '-' at most", ACCOUNTS_APP_NAME - 1);
	snprintf(app->name, sizeof(app->name), "%s", l->words[1]);
	if (l->scope != NULL && !accounts_scope_parse(span_of(l->scope), &app->scope))
		return error_set(err, -EINVAL, "--scope takes imap, pop3 and smtp, with commas between");
	if (l->expires != NULL)
		code = read_expiry(l->expires, &app->expires_s, err);
	if (code == 0 && pick(h, app->name, &at, NULL) == 0)
		code = error_set(err, -EEXIST, "%s has an app password %s already", h->account.address, app->name);
	if (code == 0 && h->account.app_count == ACCOUNTS_APPS_MAX)
		code = error_set(err, -ENOSPC, "%s has %d app passwords, which is the most", h->account.address, ACCOUNTS_APPS_MAX);
	return code;
}

/* With the salt that the account's keys have. */
static int put_app(const struct site *s, struct account_password *p, const struct account_line *l, struct error *err)
{
	struct account_app app;
	struct account_folder f;
	struct account_holder h;
	int code = account_open_to_change(s, &f, err);

	if (code == 0)
		code = account_with_room(&h, &f, l->words[0], err);
	if (code == 0)
		code = read_line(&app, &h, l, err);
	if (code == 0)
		code = account_password_keys(p, s, &h.account, err);
	if (code == 0) {
		accounts_app_make(&app, p->text);
		memcpy(app.scram, p->scram, sizeof(app.scram));
		h.apps[h.account.app_count++] = app;
		code = accounts_put(f.fd, &f.owner, &h.account, err);
	}
	account_close(&f);
	return code;
}

int account_app_add(const struct site *s, const struct account_line *l)
{
	const struct account_line show = { .generate = true };
	struct account_password p = { .hash = "" };
	struct error err;
	int code = 0, shown;

	if (sodium_init() < 0)
		code = error_set(&err, -EIO, "libsodium can't be used");
	if (code == 0) {
		secret_make(p.text);
		code = put_app(s, &p, l, &err);
	}
	if (code < 0) {
		account_password_wipe(&p);
		return verb_failed(&err);
	}
	shown = account_password_show(&p, &show);
	account_password_wipe(&p);
	code = account_changed(s, "an app password for %s; it is not shown again", l->words[0]);
	return shown != VERB_DONE ? shown : code;
}

/* --- revoke, only ---------------------------------------------------------- */

int account_app_revoke(const struct site *s, const struct account_line *l)
{
	struct account_folder f;
	struct error err;
	struct account_holder h;
	size_t at = 0;
	int code = account_open_to_change(s, &f, &err);

	if (code == 0)
		code = account_with_room(&h, &f, l->words[0], &err);
	if (code == 0)
		code = pick(&h, l->words[1], &at, &err);
	if (code == 0) {
		h.account.app_count--;
		memmove(&h.apps[at], &h.apps[at + 1], (h.account.app_count - at) * sizeof(h.apps[0]));
		code = accounts_put(f.fd, &f.owner, &h.account, &err);
	}
	if (code == 0 && h.account.app_only && h.account.app_count == 0)
		verb_warn("that was the last one: nobody can log in with a password now");
	account_close(&f);
	return code < 0 ? verb_failed(&err) : account_changed(s, "revoked %s's app password %s", l->words[0], l->words[1]);
}

int account_app_only(const struct site *s, const struct account_line *l)
{
	bool yes = strcmp(l->words[1], "yes") == 0;
	struct account_folder f;
	struct account a;
	struct error err;
	int code;

	if (!yes && strcmp(l->words[1], "no") != 0)
		return verb_usage(l->verb, "account app only takes yes or no");
	code = account_open_to_change(s, &f, &err);
	if (code == 0)
		code = account_find(&f, l->words[0], &a, &err);
	if (code == 0 && yes && a.app_count == 0)
		verb_warn("it has no app password yet: nobody can log in with a password now");
	if (code == 0) {
		a.app_only = yes;
		code = accounts_put(f.fd, &f.owner, &a, &err);
	}
	account_close(&f);
	return code < 0 ? verb_failed(&err)
			: account_changed(s, "%s logs in by %s", l->words[0], yes ? "app passwords only" : "its password, too");
}

/* --- list ------------------------------------------------------------------ */

/* What a line of the list says. */
struct row {
	char scope[ACCOUNTS_SCOPE_TEXT], expires[ACCOUNTS_TIME], used[ACCOUNTS_TIME];
};

static void row_fill(struct row *r, const struct account *a, const struct account_app *app, const struct seen *seen)
{
	int64_t used_s = seen_when(seen, a->address, SEEN_APP, app->name);

	*r = (struct row){ .expires = "never", .used = "never" };
	accounts_scope_text(r->scope, app->scope);
	if (app->expires_s > 0)
		accounts_time_text(r->expires, app->expires_s);
	if (used_s > 0)
		accounts_time_text(r->used, used_s);
}

static void put_text(struct buf *b, const struct account *a, const struct seen *seen)
{
	for (size_t i = 0; i < a->app_count; i++) {
		struct row r;

		row_fill(&r, a, &a->apps[i], seen);
		buf_printf(b, "%s  %s  %s  expires %s  last used %s\n", a->address, a->apps[i].name, r.scope, r.expires, r.used);
	}
}

static void put_json(struct buf *b, const struct account *a, const struct seen *seen)
{
	for (size_t i = 0; i < a->app_count; i++) {
		struct row r;

		row_fill(&r, a, &a->apps[i], seen);
		buf_put_text(b, b->n > 1 ? ",\n{" : "\n{");
		account_json(b, "address", a->address);
		account_json(b, "name", a->apps[i].name);
		account_json(b, "scope", r.scope);
		account_json(b, "expires", r.expires);
		account_json(b, "last_used", r.used);
		buf_printf(b, ",\"scram\":%s", a->apps[i].scram[SCRAM_SHA_256].iterations > 0 ? "true" : "false");
		buf_put_byte(b, '}');
	}
}

/* What authd has written down; without it nothing was used. */
static int read_seen(struct seen **out, int folder, struct error *err)
{
	struct buf text;
	int code = seen_new(out, err);

	if (code < 0)
		return code;
	buf_init(&text, OUTPUT);
	code = accounts_file_read(folder, SEEN_FILE, &text);
	if (code == 0)
		code = seen_read(*out, buf_span(&text));
	buf_clear(&text);
	return code < 0 && code != -ENOENT ? error_system(err, -code, "can't read accounts/%s", SEEN_FILE) : 0;
}

int account_app_list(const struct site *s, const struct account_line *l)
{
	struct account only = { .address = NULL };
	struct seen *seen = NULL;
	struct account_folder f;
	struct error err;
	struct buf b;
	int code = account_open(s, &f, &err);

	buf_init(&b, OUTPUT);
	if (code == 0 && l->count > 0)
		code = account_find(&f, l->words[0], &only, &err);
	if (code == 0)
		code = read_seen(&seen, f.fd, &err);
	if (code == 0) {
		buf_put_text(&b, l->json ? "[" : "");
		for (size_t i = 0; i < accounts_count(f.accounts); i++) {
			const struct account *a = accounts_at(f.accounts, i);

			if (only.address == NULL || strcmp(only.address, a->address) == 0)
				(l->json ? put_json : put_text)(&b, a, seen);
		}
		buf_put_text(&b, l->json ? "\n]\n" : "");
	}
	seen_free(seen);
	account_close(&f);
	return code < 0 ? verb_failed(&err) : verb_print(&b);
}
