/* accounts_change.c - what changes the folder accounts/; the contract is in accounts.h. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/accounts.h"
#include "auth/accounts_app.h"
#include "auth/accounts_certificate.h"
#include "auth/accounts_file.h"
#include "auth/accounts_name.h"
#include "auth/accounts_order.h"
#include "auth/accounts_text.h"

enum { TEXT = 512 << 10 }; /* bytes of one file */

/* One change: the folders it happens in, and the names. */
struct change {
	int top;    /* accounts/, locked; -1: none */
	int folder; /* that of the domain; -1: none */
	const struct accounts_owner *owner;
	char address[ACCOUNTS_ADDRESS_MAX]; /* as it is kept */
	char domain[ACCOUNTS_DOMAIN_MAX];
	char account_file[ACCOUNTS_FILE_MAX], alias_file[ACCOUNTS_FILE_MAX];
};

static void change_end(struct change *c)
{
	if (c->folder >= 0)
		close(c->folder);
	if (c->top >= 0)
		close(c->top); /* the lock goes with it */
}

/* Opened anew, so that the lock is this change's alone. */
static int change_begin(struct change *c, int fd, const struct accounts_owner *o, struct error *err)
{
	*c = (struct change){ .top = accounts_folder_open(fd, "."), .folder = -1, .owner = o };
	if (c->top < 0)
		return error_system(err, -c->top, "can't open the folder of accounts");
	while (flock(c->top, LOCK_EX) < 0)
		if (errno != EINTR)
			return error_system(err, errno, "can't lock the folder of accounts");
	return 0;
}

static bool is_there(int at, const char *name)
{
	struct stat st;

	return fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Opens c->domain's folder. */
static int open_domain(struct change *c, struct error *err)
{
	char folder[ACCOUNTS_FILE_MAX];

	if (!accounts_name_encode(folder, span_of(c->domain), ""))
		return error_set(err, -EINVAL, "the domain's name is too long");
	c->folder = accounts_folder_open(c->top, folder);
	if (c->folder < 0 && c->folder != -ENOENT)
		return error_system(err, -c->folder, "can't open the folder of %s", c->domain);
	if (c->folder < 0 || !is_there(c->folder, "domain"))
		return error_set(err, -ENOENT, "the domain %s is not there: `yubin domain add %s` makes it",
				 c->domain, c->domain);
	return 0;
}

/* c->address is set: the rest of the names, and the folder. */
static int open_address(struct change *c, struct error *err)
{
	struct span user, domain;

	accounts_name_split(span_of(c->address), &user, &domain);
	accounts_name_fold(c->domain, sizeof(c->domain), domain);
	if (user.n > 0 && (!accounts_name_encode(c->account_file, user, ".account") ||
			   !accounts_name_encode(c->alias_file, user, ".alias")))
		return error_set(err, -EINVAL, "the name of %s is too long", c->address);
	return open_domain(c, err);
}

int accounts_domain_add(int fd, const struct accounts_owner *o, const char *domain, struct error *err)
{
	char folder[ACCOUNTS_FILE_MAX];
	struct change c;
	int code = change_begin(&c, fd, o, err);

	if (code == 0)
		code = accounts_domain(domain, c.domain, err);
	if (code == 0 && open_domain(&c, NULL) == 0)
		code = error_set(err, -EEXIST, "the domain %s is there already", c.domain);
	if (code == 0)
		code = accounts_order_add(c.top, o, "domain", c.domain, err);
	if (code == 0) {
		accounts_name_encode(folder, span_of(c.domain), "");
		code = accounts_folder_make(c.top, folder, o, err);
	}
	if (code == 0 && c.folder < 0) {
		c.folder = accounts_folder_open(c.top, folder);
		if (c.folder < 0)
			code = error_system(err, -c.folder, "can't open the folder of %s", c.domain);
	}
	if (code == 0)
		code = accounts_file_put(c.folder, "domain", span_of("# The domain exists.\n"), o, err);
	change_end(&c);
	return code;
}

/* How many names in the folder end so; or a negative errno. */
static int count_names(int at, const char *suffix)
{
	struct accounts_walk *w;
	const char *file;
	int code = accounts_walk_open(&w, at), n = 0;

	while (code == 0 && (code = accounts_walk_next(w, &file)) > 0) {
		size_t length = strlen(file), tail = strlen(suffix);

		n += length >= tail && strcmp(file + length - tail, suffix) == 0;
		code = 0;
	}
	accounts_walk_close(w);
	return code < 0 ? code : n;
}

/* Nothing of value may go with the folder. */
static int check_empty(const struct change *c, struct error *err)
{
	int accounts = count_names(c->folder, ".account"), aliases = count_names(c->folder, ".alias");
	int all = count_names(c->folder, "");

	if (accounts < 0 || aliases < 0 || all < 0)
		return error_set(err, -EIO, "can't look into the folder of %s", c->domain);
	if (accounts > 0 || aliases > 0)
		return error_set(err, -ENOTEMPTY,
				 "the domain %s still has %d accounts and %d aliases: remove them first",
				 c->domain, accounts, aliases);
	if (all > 1)
		return error_set(err, -ENOTEMPTY,
				 "the folder of %s in accounts/ holds files that are not the server's",
				 c->domain);
	return 0;
}

int accounts_domain_remove(int fd, const char *domain, struct error *err)
{
	char folder[ACCOUNTS_FILE_MAX];
	struct change c;
	int code = change_begin(&c, fd, NULL, err);

	if (code == 0)
		code = accounts_domain(domain, c.domain, err);
	if (code == 0 && open_domain(&c, NULL) < 0)
		code = error_set(err, -ENOENT, "the domain %s is not there", c.domain);
	if (code == 0)
		code = check_empty(&c, err);
	if (code == 0)
		code = accounts_file_remove(c.folder, "domain", err);
	if (code == 0) {
		accounts_name_encode(folder, span_of(c.domain), "");
		unlinkat(c.folder, ".new", 0);
		if (unlinkat(c.top, folder, AT_REMOVEDIR) < 0 || fsync(c.top) < 0)
			code = error_system(err, errno, "can't remove the folder of %s", c.domain);
	}
	if (code == 0)
		code = accounts_order_remove(c.top, "domain", c.domain, err);
	change_end(&c);
	return code;
}

/* As they are read: what is no address now would be passed over then. */
static int check_forwards(const struct account *account, struct error *err)
{
	char target[ACCOUNTS_ADDRESS_MAX];
	int code = 0;

	if (account->forward_count > ACCOUNTS_FORWARDS_MAX)
		return error_set(err, -EINVAL, "an account forwards to %d addresses at most", ACCOUNTS_FORWARDS_MAX);
	for (size_t i = 0; code == 0 && i < account->forward_count; i++)
		code = accounts_target(account->forwards[i], target, err);
	return code;
}

/* A value that would not stay one line can't have come from libsodium. */
static int put_account(const struct change *c, const struct account *account, struct error *err)
{
	struct account kept = *account;
	struct buf text;
	int code;

	if (strlen(account->password) >= crypto_pwhash_STRBYTES ||
	    strpbrk(account->password, " \r\n") != NULL)
		return error_set(err, -EINVAL, "the password's hash is malformed");
	code = accounts_certificates_check(account, err);
	if (code == 0)
		code = accounts_apps_check(account, err);
	if (code == 0)
		code = check_forwards(account, err);
	if (code < 0)
		return code;
	kept.address = c->address;
	buf_init(&text, TEXT);
	accounts_text_put_account(&text, &kept);
	code = text.failed ? error_set(err, -ENOMEM, "no memory for an account's file")
			   : accounts_file_put(c->folder, c->account_file, buf_span(&text), c->owner, err);
	buf_clear(&text);
	return code;
}

/* Opens the folders for an account that is to be new. */
static int open_new(struct change *c, const char *address, struct error *err)
{
	int code = accounts_address(address, c->address, err);

	if (code == 0)
		code = open_address(c, err);
	if (code == 0 && is_there(c->folder, c->account_file))
		code = error_set(err, -EEXIST, "the account %s is there already", c->address);
	if (code == 0 && is_there(c->folder, c->alias_file))
		code = error_set(err, -EEXIST, "%s is an alias: remove that first", c->address);
	return code;
}

int accounts_check_new(int fd, const char *address, struct error *err)
{
	struct change c;
	int code = change_begin(&c, fd, NULL, err);

	if (code == 0)
		code = open_new(&c, address, err);
	change_end(&c);
	return code;
}

int accounts_add(int fd, const struct accounts_owner *o, const struct account *account, struct error *err)
{
	struct change c;
	int code = change_begin(&c, fd, o, err);

	if (code == 0)
		code = open_new(&c, account->address, err);
	if (code == 0)
		code = accounts_order_add(c.top, o, "account", c.address, err);
	if (code == 0)
		code = put_account(&c, account, err);
	change_end(&c);
	return code;
}

int accounts_put(int fd, const struct accounts_owner *o, const struct account *account, struct error *err)
{
	struct change c;
	int code = change_begin(&c, fd, o, err);

	if (code == 0)
		code = accounts_address(account->address, c.address, err);
	if (code == 0)
		code = open_address(&c, err);
	if (code == 0 && !is_there(c.folder, c.account_file))
		code = error_set(err, -ENOENT, "the account %s is not there", c.address);
	if (code == 0)
		code = put_account(&c, account, err);
	change_end(&c);
	return code;
}

/* All lines but those of keys, and of the password if there is another. */
static void copy_without_keys(struct buf *to, struct span from, const char *fresh)
{
	if (*fresh != '\0')
		buf_printf(to, "password %s\n", fresh);
	while (from.n > 0) {
		struct span line = span_take_until(&from, '\n');

		if (span_starts(line, "scram-sha-") || (*fresh != '\0' && span_starts(line, "password ")))
			continue;
		buf_put(to, line);
		buf_put_byte(to, '\n');
	}
}

static int put_keys(const struct change *c, const char *password, const char *anew,
		    const struct scram_keys keys[SCRAM_HASHES], struct error *err)
{
	const struct accounts_text_warn quiet = { .file = c->account_file };
	struct accounts_text_account now;
	struct buf text, fresh;
	int code;

	buf_init(&text, TEXT);
	buf_init(&fresh, TEXT);
	code = accounts_file_read(c->folder, c->account_file, &text);
	if (code < 0) {
		error_system(err, -code, "can't read %s", c->account_file);
		goto out;
	}
	accounts_text_account(buf_span(&text), &quiet, &now);
	if (!span_is(now.password, password)) {
		code = error_set(err, -ESTALE, "the password of %s was changed meanwhile", c->address);
		goto out;
	}
	copy_without_keys(&fresh, buf_span(&text), anew);
	for (enum scram_hash h = 0; h < SCRAM_HASHES; h++)
		if (keys[h].iterations > 0)
			accounts_text_put_keys(&fresh, h, &keys[h]);
	code = fresh.failed ? error_set(err, -ENOMEM, "no memory for an account's file")
			    : accounts_file_put(c->folder, c->account_file, buf_span(&fresh), c->owner, err);
out:
	buf_wipe(&text);
	buf_wipe(&fresh);
	return code;
}

int accounts_put_keys(int fd, const char *address, const char *password, const char *anew,
		      const struct scram_keys keys[SCRAM_HASHES], struct error *err)
{
	struct change c;
	int code = change_begin(&c, fd, NULL, err);

	if (code == 0)
		code = accounts_address(address, c.address, err);
	if (code == 0)
		code = open_address(&c, err);
	if (code == 0)
		code = put_keys(&c, password, anew, keys, err);
	change_end(&c);
	return code;
}

int accounts_remove(int fd, const char *address, struct error *err)
{
	struct change c;
	int code = change_begin(&c, fd, NULL, err);

	if (code == 0)
		code = accounts_address(address, c.address, err);
	if (code == 0)
		code = open_address(&c, err);
	if (code == 0 && !is_there(c.folder, c.account_file))
		code = error_set(err, -ENOENT, "the account %s is not there", c.address);
	if (code == 0)
		code = accounts_file_remove(c.folder, c.account_file, err);
	if (code == 0)
		code = accounts_order_remove(c.top, "account", c.address, err);
	change_end(&c);
	return code;
}

/* The alias with its targets as they are kept. */
static int alias_text(const struct alias *alias, const char *key, struct buf *text, struct error *err)
{
	if (alias->target_count == 0 || alias->target_count > ACCOUNTS_TARGETS_MAX)
		return error_set(err, -EINVAL, "an alias leads to 1 to %d addresses", ACCOUNTS_TARGETS_MAX);
	for (size_t i = 0; i < alias->target_count; i++) {
		char target[ACCOUNTS_ADDRESS_MAX];
		const char *one = target;
		struct alias single = { .targets = &one, .target_count = 1 };
		int code = accounts_target(alias->targets[i], target, err);

		if (code < 0)
			return code;
		accounts_text_put_targets(text, key, &single);
	}
	return text->failed ? error_set(err, -ENOMEM, "no memory for an alias") : 0;
}

static bool alias_is_there(const struct change *c)
{
	struct accounts_line line;
	struct span text;
	struct buf b;
	bool there;

	if (*c->address != '@')
		return is_there(c->folder, c->alias_file);
	buf_init(&b, TEXT);
	accounts_file_read(c->folder, "domain", &b);
	text = buf_span(&b);
	there = accounts_text_next(&text, &line); /* nothing but catch-all lines says something */
	buf_clear(&b);
	return there;
}

static int open_alias(struct change *c, const char *address, struct error *err)
{
	int code = accounts_alias_name(address, c->address, err);

	return code == 0 ? open_address(c, err) : code;
}

static int put_alias(const struct change *c, const struct alias *alias, struct error *err)
{
	bool catch_all = *c->address == '@';
	struct buf text;
	int code;

	if (!catch_all && is_there(c->folder, c->account_file))
		return error_set(err, -EEXIST, "%s is an account", c->address);
	buf_init(&text, TEXT);
	code = alias_text(alias, catch_all ? "catch-all" : "to", &text, err);
	if (code == 0)
		code = accounts_file_put(c->folder, catch_all ? "domain" : c->alias_file, buf_span(&text),
					 c->owner, err);
	buf_clear(&text);
	return code;
}

int accounts_alias_add(int fd, const struct accounts_owner *o, const struct alias *alias, struct error *err)
{
	struct change c;
	int code = change_begin(&c, fd, o, err);

	if (code == 0)
		code = open_alias(&c, alias->address, err);
	if (code == 0 && alias_is_there(&c))
		code = error_set(err, -EEXIST, "the alias %s is there already", c.address);
	if (code == 0)
		code = put_alias(&c, alias, err);
	change_end(&c);
	return code;
}

int accounts_alias_put(int fd, const struct accounts_owner *o, const struct alias *alias, struct error *err)
{
	struct change c;
	int code = change_begin(&c, fd, o, err);

	if (code == 0)
		code = open_alias(&c, alias->address, err);
	if (code == 0)
		code = put_alias(&c, alias, err);
	change_end(&c);
	return code;
}

int accounts_alias_remove(int fd, const char *address, struct error *err)
{
	struct change c;
	int code = change_begin(&c, fd, NULL, err);

	if (code == 0)
		code = open_alias(&c, address, err);
	if (code == 0 && !alias_is_there(&c))
		code = error_set(err, -ENOENT, "the alias %s is not there", c.address);
	if (code == 0 && *c.address == '@')
		code = accounts_file_put(c.folder, "domain", span_of("# The domain exists.\n"), NULL, err);
	else if (code == 0)
		code = accounts_file_remove(c.folder, c.alias_file, err);
	change_end(&c);
	return code;
}
