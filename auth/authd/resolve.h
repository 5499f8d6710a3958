/*
 * resolve.h - which accounts an address leads to. Pure.
 *
 * Order   The address itself as account, as alias; without its detail as account, as
 *         alias; postmaster (RFC 5321 4.5.1); the domain's catch-all. An alias's targets go the
 *         same way. Targets in other domains are passed over, for now.
 * Limits  AUTH_TARGETS accounts, RESOLVE_STEPS names looked at; no name is followed twice.
 */
#ifndef AUTHD_RESOLVE_H
#define AUTHD_RESOLVE_H

#include "auth/accounts.h"
#include "auth/auth.h"

enum { RESOLVE_STEPS = 20000 };

struct resolve_rules {
	char default_domain[ACCOUNTS_DOMAIN_MAX];	/* "": the first domain */
	char delimiter[16];				/* "": no details */
	/* Told of targets that lead nowhere; may be NULL. */
	void (*lost)(void *arg, const char *alias, const char *target);
	void *arg;
};

struct resolved {
	const struct account **accounts;	/* each once; lent from the accounts */
	size_t count;
};

/* AUTH_OK with at least one account; AUTH_NOT_LOCAL, AUTH_NO_USER, or AUTH_TRY_LATER: over a
 * limit, or no memory. r must be cleared in any case. */
enum auth_status resolve_address(struct resolved *r, const struct accounts *a, const struct resolve_rules *rules,
				 struct span address);
void resolved_clear(struct resolved *r);

/* AUTH_OK: it leads to the account (among others). */
enum auth_status resolve_owns(const struct accounts *a, const struct resolve_rules *rules, const char *account,
			      struct span address);

/* The account that a user name means, with the default domain if it has none; NULL: none. */
const struct account *resolve_user(const struct accounts *a, const struct resolve_rules *rules, struct span user);

#endif
