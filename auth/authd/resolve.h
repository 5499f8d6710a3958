/*
 * resolve.h - which accounts, and whom on other servers, an address leads to. Pure.
 *
 * Order   The address itself as account, as alias; as an SRS address; without its detail as account, as
 *         alias; postmaster (RFC 5321 4.5.1); the domain's catch-all. An alias's targets and an
 *         account's forwards go the same way, or are remotes where the domain is not ours. An
 *         account that forwards to itself keeps its mail.
 * Senders A remote's is the envelope's where its domain is ours, for <>, and for an SRS address that is
 *         led back; else it is rewritten (auth/srs.h), but as it was where that can't be done.
 * Limits  AUTH_TARGETS accounts and remotes, RESOLVE_STEPS names looked at; no name is followed twice.
 */
#ifndef AUTHD_RESOLVE_H
#define AUTHD_RESOLVE_H

#include "auth/accounts.h"
#include "auth/auth.h"
#include "auth/srs.h"

enum { RESOLVE_STEPS = 20000 };

struct resolve_rules {
	char default_domain[ACCOUNTS_DOMAIN_MAX];	/* "": the first domain */
	char delimiter[16];				/* "": no details */
	char srs_domain[ACCOUNTS_DOMAIN_MAX];		/* "": the first domain */
	struct srs_keys srs;				/* none: no sender is rewritten */
	/* Told of targets that lead nowhere; may be NULL. */
	void (*lost)(void *arg, const char *alias, const char *target);
	void *arg;
};

struct resolved_remote {
	const char *address, *sender, *original;	/* as auth_remote's; lent from the accounts and from resolved */
};

struct resolved {	/* not to be copied: it points into itself */
	const struct account **accounts;	/* each once; lent from the accounts */
	size_t count;
	struct resolved_remote *remotes;	/* each address once */
	size_t remote_count;
	char asked[ACCOUNTS_ADDRESS_MAX];	/* in lower case; "" if it was too long */
	char given[AUTH_SENDER_MAX], rewritten[SRS_ADDRESS_MAX];	/* senders */
	char led_back[SRS_ADDRESS_MAX];		/* whom an SRS address stands for */
};

/* What is asked with the address. */
struct resolve_mail {
	struct span sender;	/* of the envelope; empty: <> */
	uint64_t day;		/* since 1970 */
};

/* AUTH_OK with at least one account or remote; AUTH_NOT_LOCAL, AUTH_NO_USER, or AUTH_TRY_LATER:
 * over a limit, or no memory. r must be cleared in any case. */
enum auth_status resolve_address(struct resolved *r, const struct accounts *a, const struct resolve_rules *rules,
				 struct span address, const struct resolve_mail *mail);
void resolved_clear(struct resolved *r);

/* AUTH_OK: it is the account's, or aliases lead from it to the account (among others). An account's
 * forwards give nobody its address, and take none away. */
enum auth_status resolve_owns(const struct accounts *a, const struct resolve_rules *rules, const char *account,
			      struct span address);

/* Does any alias or forward lead to another server? */
bool resolve_leads_elsewhere(const struct accounts *a);

/* What storaged is told of an account's quota. NULL: it went meanwhile. */
uint64_t resolve_quota(const struct account *a);

/* The account that a user name means, with the default domain if it has none; NULL: none. */
const struct account *resolve_user(const struct accounts *a, const struct resolve_rules *rules, struct span user);

#endif
