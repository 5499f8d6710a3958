/*
 * accounts.h - the folder accounts/: domains, accounts, aliases, as text files.
 *
 * Used by authd (reads) and by the yubin command (reads and writes), whether the server
 * runs or not. A file is renamed into place, never changed; names in paths are encoded.
 *
 *     accounts/DOMAIN/domain            the domain exists; `catch-all ADDRESS`, one a line
 *     accounts/DOMAIN/USER.account      `password $argon2id$...` (or accounts_hash.h), `state enabled|disabled`, `created TIME`,
 *                                       `certificate FINGERPRINT LABEL`, one a line; `forward ADDRESS`, one a
 *                                       line, and `forward-keep yes|no`; `scram-sha-256 ...` (sasl/scram_keys.h), which
 *                                       is of the same password; `quota BYTES|none`
 *                                       (app passwords: accounts_app.h)
 *     accounts/DOMAIN/USER.alias        `to ADDRESS`, one a line
 *     accounts/order                    `domain NAME`, `account ADDRESS`, in the order in which they were added
 *                                       (the default domain and postmaster are the first ones)
 *     accounts/srs.key, scram.key       authd's alone (auth/authd/secret.h)
 *     accounts/seen.log                 authd's too: last logins (seen.h)
 *
 * Names   Kept in lower case: Alice@Example.ORG and alice@example.org are one account.
 * Broken  An account whose file can't be read or understood still gets mail, but nobody
 *         can log in to it. Other names and lines that mean nothing are left out. A
 *         certificate that two accounts have is that of the one that was added first.
 */
#ifndef AUTH_ACCOUNTS_H
#define AUTH_ACCOUNTS_H

#include <sys/types.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/span.h"
#include "sasl/scram_keys.h"

enum {
	ACCOUNTS_ADDRESS_MAX = 320,	/* "user@domain" and its NUL */
	ACCOUNTS_DOMAIN_MAX = 256,	/* a domain and its NUL */
	ACCOUNTS_TARGETS_MAX = 1000,	/* of one alias */
	ACCOUNTS_FORWARDS_MAX = 100,	/* of one account */
	ACCOUNTS_CERTIFICATES_MAX = 32,	/* of one account */
	ACCOUNTS_FINGERPRINT = 65,	/* 64 digits and a NUL */
	ACCOUNTS_LABEL_MAX = 101,	/* a certificate's label and its NUL */
	ACCOUNTS_PASSWORD_MAX = 1024,	/* bytes of a password */
	ACCOUNTS_APPS_MAX = 32,		/* app passwords of one account */
	ACCOUNTS_APP_NAME = 41,		/* an app password's name and its NUL */
	ACCOUNTS_APP_SALT = 16,
	ACCOUNTS_APP_HASH = 32
};

struct accounts;		/* opaque: all of it, in memory */

#define ACCOUNTS_QUOTA_NONE UINT64_MAX		/* no limit */
#define ACCOUNTS_QUOTA_MAX ((uint64_t)1 << 50)	/* bytes */

/* Reads the folder. fd is not kept. What is broken is told to warn (which may be NULL).
 * An error: the folder itself can't be read; then there is no half of it in *out. */
typedef void (*accounts_warn)(void *arg, const char *words);
int accounts_read(struct accounts **out, int fd, accounts_warn warn, void *arg, struct error *err);
/* Wipes it. NULL is allowed. */
void accounts_free(struct accounts *a);

/* A client certificate that logs an account in (AUTH EXTERNAL). */
struct account_certificate {
	const char *fingerprint;	/* SHA-256, 64 lower-case hexadecimal digits */
	const char *label;	/* what a person calls it; may be "" */
};

enum { ACCOUNTS_FOR_IMAP = 1, ACCOUNTS_FOR_POP3 = 2, ACCOUNTS_FOR_SMTP = 4, ACCOUNTS_FOR_ALL = 7 };

/* A password for one program (accounts_app.h). */
struct account_app {
	char name[ACCOUNTS_APP_NAME];
	unsigned scope;		/* bits ACCOUNTS_FOR_... */
	int64_t expires_s;	/* since 1970; 0: never */
	uint8_t salt[ACCOUNTS_APP_SALT], hash[ACCOUNTS_APP_HASH];
	struct scram_keys scram[SCRAM_HASHES];	/* iterations 0: none */
};

struct account {
	const char *address;	/* "user@domain", in lower case */
	const char *password;	/* Argon2id string; "" : cannot log in by password */
	const struct scram_keys *scram[SCRAM_HASHES];	/* of that password; NULL: none */
	bool enabled;
	int64_t created_s;	/* since 1970; 0: not known */
	const struct account_certificate *certificates;
	size_t certificate_count;	/* ACCOUNTS_CERTIFICATES_MAX at most; a fingerprint belongs to one account */
	const char *const *forwards;	/* where its mail goes on */
	size_t forward_count;	/* ACCOUNTS_FORWARDS_MAX at most */
	bool forward_keep;	/* with forwards: it stays here too */
	uint64_t quota;		/* bytes of its mail, or ACCOUNTS_QUOTA_NONE; 0: what holds for all accounts */
	const struct account_app *apps;
	size_t app_count;	/* ACCOUNTS_APPS_MAX at most */
	bool app_only;		/* its own password logs nobody in */
};

struct alias {
	const char *address;	/* "user@domain"; "@domain" for a catch-all */
	const char *const *targets;
	size_t target_count;
};

/* Lends, as long as a lives. _find is without regard to case. */
const struct account *accounts_find(const struct accounts *a, const char *address);
/* The same in memory, for who put them on disk; copied. -ENOENT, -ENOMEM. */
int accounts_set_keys(struct accounts *a, const char *address, const char *anew, const struct scram_keys keys[SCRAM_HASHES]);
const struct alias *accounts_find_alias(const struct accounts *a, const char *address);
/* The account that holds a certificate, or NULL. */
const struct account *accounts_find_certificate(const struct accounts *a, const char *fingerprint);
/* The fingerprints of all accounts that may log in, one a line, in order of the digits. */
void accounts_fingerprints(const struct accounts *a, struct buf *out);
bool accounts_has_domain(const struct accounts *a, const char *domain);
size_t accounts_count(const struct accounts *a);
const struct account *accounts_at(const struct accounts *a, size_t i);		/* in order of adding */
size_t accounts_alias_count(const struct accounts *a);
const struct alias *accounts_alias_at(const struct accounts *a, size_t i);	/* by domain and user */
size_t accounts_domain_count(const struct accounts *a);
const char *accounts_domain_at(const struct accounts *a, size_t i);		/* in order of adding */

/* Changes on disk, durable when they return; two programs that change at once wait for
 * each other. fd: the folder. Errors have words for a person: -EEXIST already there,
 * -ENOENT no such domain or account, -EINVAL not an address, -ENOTEMPTY.
 * owner: for files made by root; -1: whose the folder is. */
struct accounts_owner {
	uid_t uid;
	gid_t gid;
};
int accounts_domain_add(int fd, const struct accounts_owner *o, const char *domain, struct error *err);
/* Only when no account and no alias is left in it; its catch-all goes with it. */
int accounts_domain_remove(int fd, const char *domain, struct error *err);
/* _add makes a new one; _put changes one that is there. */
int accounts_add(int fd, const struct accounts_owner *o, const struct account *account, struct error *err);
/* Would _add take it? For before a person is asked for the password. */
int accounts_check_new(int fd, const char *address, struct error *err);
int accounts_put(int fd, const struct accounts_owner *o, const struct account *account, struct error *err);
/* Puts SCRAM's keys (those with iterations) in place of what it had, and anew, unless it is "", in place of the password's
 * hash. -ESTALE: the password is another one by now. Takes the lock: not for a loop's thread. */
int accounts_put_keys(int fd, const char *address, const char *password, const char *anew,
		      const struct scram_keys keys[SCRAM_HASHES], struct error *err);
int accounts_remove(int fd, const char *address, struct error *err);
/* The same for aliases, but _put makes or changes. */
int accounts_alias_add(int fd, const struct accounts_owner *o, const struct alias *alias, struct error *err);
int accounts_alias_put(int fd, const struct accounts_owner *o, const struct alias *alias, struct error *err);
int accounts_alias_remove(int fd, const char *address, struct error *err);

/* address as it is kept: lower case; -EINVAL with words if it is none. */
int accounts_address(const char *in, char out[ACCOUNTS_ADDRESS_MAX], struct error *err);
/* The same for a domain, for what an alias leads to (a user elsewhere keeps its case), and
 * for an alias's own name ("@domain" too). */
int accounts_domain(const char *in, char out[ACCOUNTS_DOMAIN_MAX], struct error *err);
int accounts_target(const char *in, char out[ACCOUNTS_ADDRESS_MAX], struct error *err);
int accounts_alias_name(const char *in, char out[ACCOUNTS_ADDRESS_MAX], struct error *err);

/* A fingerprint as it is kept, out of one with colons or capitals. False: it is no SHA-256. */
bool accounts_fingerprint(struct span in, char out[ACCOUNTS_FINGERPRINT]);
/* May a certificate be called so? UTF-8 on one line, no space at its ends; empty is allowed. */
bool accounts_label(struct span label);

#endif
