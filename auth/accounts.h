/*
 * accounts.h - the folder accounts/: domains, accounts, aliases, as text files.
 *
 * Used by authd (reads) and by the yubin command (reads and writes), whether the server
 * runs or not. A file is renamed into place, never changed; names in paths are encoded.
 *
 *     accounts/DOMAIN/domain            the domain exists; `catch-all ADDRESS`
 *     accounts/DOMAIN/USER.account      `password $argon2id$...`, `state enabled|disabled`, `created TIME`
 *     accounts/DOMAIN/USER.alias        `to ADDRESS`, one a line
 *     accounts/order                    domains and accounts in the order in which they were added
 *                                       (the default domain and postmaster are the first ones)
 */
#ifndef AUTH_ACCOUNTS_H
#define AUTH_ACCOUNTS_H

#include <sys/types.h>

#include "common/base/error.h"
#include "common/base/span.h"

struct accounts;		/* opaque: all of it, in memory */

/* Reads the folder. fd is not kept. What can't be read is told to warn and left out. */
typedef void (*accounts_warn)(void *arg, const char *words);
int accounts_read(struct accounts **out, int fd, accounts_warn warn, void *arg, struct error *err);
void accounts_free(struct accounts *a);

struct account {
	const char *address;	/* "user@domain", lower-case domain */
	const char *password;	/* Argon2id string; "" : cannot log in by password */
	bool enabled;
	int64_t created_s;
};

struct alias {
	const char *address;	/* "user@domain"; "@domain" for a catch-all */
	const char *const *targets;
	size_t target_count;
};

/* Lends, as long as a lives. _find is without regard to case. */
const struct account *accounts_find(const struct accounts *a, const char *address);
const struct alias *accounts_find_alias(const struct accounts *a, const char *address);
bool accounts_has_domain(const struct accounts *a, const char *domain);
size_t accounts_count(const struct accounts *a);
const struct account *accounts_at(const struct accounts *a, size_t i);		/* in order of adding */
size_t accounts_alias_count(const struct accounts *a);
const struct alias *accounts_alias_at(const struct accounts *a, size_t i);
size_t accounts_domain_count(const struct accounts *a);
const char *accounts_domain_at(const struct accounts *a, size_t i);

/* Changes on disk, durable when they return. fd: the folder. Errors have words for a person:
 * already there, no such domain, not an address. owner: for files made by root; -1: keep. */
struct accounts_owner {
	uid_t uid;
	gid_t gid;
};
int accounts_domain_add(int fd, const struct accounts_owner *o, const char *domain, struct error *err);
int accounts_domain_remove(int fd, const char *domain, struct error *err);
int accounts_put(int fd, const struct accounts_owner *o, const struct account *account, struct error *err);
int accounts_remove(int fd, const char *address, struct error *err);
int accounts_alias_put(int fd, const struct accounts_owner *o, const struct alias *alias, struct error *err);
int accounts_alias_remove(int fd, const char *address, struct error *err);

/* address as it is kept: domain in lower case; -EINVAL with words if it is none. */
int accounts_address(const char *in, char out[320], struct error *err);

#endif
