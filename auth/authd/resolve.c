/* resolve.c - the contract is in resolve.h. */
#include "auth/authd/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "auth/accounts_name.h"
#include "common/base/table.h"

_Static_assert((int)AUTH_TARGETS == (int)ACCOUNTS_TARGETS_MAX &&
		   (int)AUTH_ADDRESS_MAX == (int)ACCOUNTS_ADDRESS_MAX,
	       "auth.h and accounts.h disagree");

/* What is still to be looked at, and what was. */
struct search {
	const struct accounts *accounts;
	const struct resolve_rules *rules;
	struct resolved *found;
	struct table *seen; /* accounts and aliases by their address */
	const struct alias **pending;
	size_t pending_count, pending_room;
	size_t steps;
	bool over; /* a limit, or memory */
};

static const char *default_domain(const struct accounts *a, const struct resolve_rules *rules)
{
	if (*rules->default_domain != '\0')
		return rules->default_domain;
	return accounts_domain_count(a) > 0 ? accounts_domain_at(a, 0) : "";
}

/* RFC 5321 4.1.2: "a\ b"@x and a\ b@x are one local part; quotes mean nothing in it. */
static bool unquote(char *out, size_t size, struct span user)
{
	size_t n = 0;
	bool quoted = user.n >= 2 && user.p[0] == '"' && user.p[user.n - 1] == '"';

	if (quoted)
		user = (struct span){ user.p + 1, user.n - 2 };
	for (size_t i = 0; i < user.n; i++) {
		if (quoted && user.p[i] == '\\' && ++i == user.n)
			return false;
		if (n + 1 >= size || user.p[i] == '\0')
			return false;
		out[n++] = (char)user.p[i];
	}
	out[n] = '\0';
	return n > 0;
}

/* "user@domain", folded. false: there is nothing like it among the accounts. */
static bool join(char out[ACCOUNTS_ADDRESS_MAX], struct span user, const char *domain)
{
	size_t n = strlen(domain);

	if (user.n + 1 + n >= ACCOUNTS_ADDRESS_MAX || !accounts_name_fold(out, ACCOUNTS_ADDRESS_MAX, user))
		return false;
	out[user.n] = '@';
	return accounts_name_fold(out + user.n + 1, n + 1, span_of(domain));
}

/* Puts it into seen; false if it was there, or there is no room. */
static bool see(struct search *s, const char *address)
{
	if (table_get(s->seen, span_of(address)) != NULL)
		return false;
	if (++s->steps > RESOLVE_STEPS || table_put(s->seen, span_of(address), s) < 0)
		s->over = true;
	return !s->over;
}

static void find_account(struct search *s, const struct account *account)
{
	struct resolved *r = s->found;

	if (!see(s, account->address))
		return;
	if (r->accounts == NULL)
		r->accounts = calloc(AUTH_TARGETS, sizeof(r->accounts[0]));
	if (r->accounts == NULL || r->count == AUTH_TARGETS)
		s->over = true;
	else
		r->accounts[r->count++] = account;
}

static void find_alias(struct search *s, const struct alias *alias)
{
	const struct alias **grown = s->pending;

	if (!see(s, alias->address))
		return;
	if (s->pending_count == s->pending_room) {
		s->pending_room = s->pending_room * 2 + 16;
		grown = realloc(s->pending, s->pending_room * sizeof(grown[0]));
	}
	if (grown == NULL) {
		s->over = true;
		return;
	}
	s->pending = grown;
	s->pending[s->pending_count++] = alias;
}

/* The account or the alias of exactly that name. */
static bool find_exact(struct search *s, const char *address)
{
	const struct account *account = accounts_find(s->accounts, address);
	const struct alias *alias = account == NULL ? accounts_find_alias(s->accounts, address) : NULL;

	if (account != NULL)
		find_account(s, account);
	else if (alias != NULL)
		find_alias(s, alias);
	return account != NULL || alias != NULL;
}

/* RFC 5321 4.5.1: postmaster is there in each domain. */
static bool find_postmaster(struct search *s, struct span user)
{
	if (!span_is_nocase(user, "postmaster") || accounts_count(s->accounts) == 0)
		return false;
	find_account(s, accounts_at(s->accounts, 0));
	return true;
}

static struct span without_detail(const struct search *s, struct span user)
{
	struct span mark = span_of(s->rules->delimiter);

	for (size_t i = 1; mark.n > 0 && i + mark.n <= user.n; i++)
		if (memcmp(user.p + i, mark.p, mark.n) == 0)
			return (struct span){ user.p, i };
	return user;
}

/* user is without quotes, domain is ours. */
static bool find(struct search *s, struct span user, const char *domain)
{
	char address[ACCOUNTS_ADDRESS_MAX];
	struct span base = without_detail(s, user);

	if (join(address, user, domain) && find_exact(s, address))
		return true;
	if (base.n < user.n && join(address, base, domain) && find_exact(s, address))
		return true;
	if (find_postmaster(s, base))
		return true;
	return join(address, (struct span){ NULL, 0 }, domain) && find_exact(s, address);
}

/* An address as it came. */
static enum auth_status find_address(struct search *s, struct span address)
{
	char user[ACCOUNTS_ADDRESS_MAX], folded[ACCOUNTS_DOMAIN_MAX];
	struct span raw = address, domain = { NULL, 0 };
	bool bare = !accounts_name_split(address, &raw, &domain);

	if (!unquote(user, sizeof(user), raw))
		user[0] = '\0';
	if (bare && !span_is_nocase(span_of(user), "postmaster"))
		return AUTH_NO_USER;
	if (bare) /* RFC 5321 4.5.1 */
		domain = span_of(default_domain(s->accounts, s->rules));
	if (!accounts_name_fold(folded, sizeof(folded), domain) || !accounts_has_domain(s->accounts, folded))
		return AUTH_NOT_LOCAL;
	return *user != '\0' && find(s, span_of(user), folded) ? AUTH_OK : AUTH_NO_USER;
}

static void follow(struct search *s, const struct alias *alias)
{
	for (size_t i = 0; i < alias->target_count && !s->over; i++) {
		s->over |= ++s->steps > RESOLVE_STEPS;
		if (find_address(s, span_of(alias->targets[i])) != AUTH_OK && s->rules->lost != NULL)
			s->rules->lost(s->rules->arg, alias->address, alias->targets[i]);
	}
}

enum auth_status resolve_address(struct resolved *r, const struct accounts *a,
				 const struct resolve_rules *rules, struct span address)
{
	struct search s = { .accounts = a, .rules = rules, .found = r };
	enum auth_status status;

	*r = (struct resolved){ NULL, 0 };
	if (table_new(&s.seen, NULL) < 0)
		return AUTH_TRY_LATER;
	status = find_address(&s, address);
	while (s.pending_count > 0 && !s.over)
		follow(&s, s.pending[--s.pending_count]);
	free(s.pending);
	table_free(s.seen);
	if (s.over)
		return AUTH_TRY_LATER;
	return status == AUTH_OK && r->count == 0 ? AUTH_NO_USER : status;
}

void resolved_clear(struct resolved *r)
{
	free(r->accounts);
	*r = (struct resolved){ NULL, 0 };
}

enum auth_status resolve_owns(const struct accounts *a, const struct resolve_rules *rules,
			      const char *account, struct span address)
{
	struct resolve_rules silent = *rules;
	struct resolved r;
	enum auth_status status;

	silent.lost = NULL;
	status = resolve_address(&r, a, &silent, address);
	if (status == AUTH_OK) {
		const struct account *self = accounts_find(a, account);

		status = AUTH_NO_USER;
		for (size_t i = 0; i < r.count && self != NULL; i++)
			if (r.accounts[i] == self)
				status = AUTH_OK;
	}
	resolved_clear(&r);
	return status;
}

const struct account *resolve_user(const struct accounts *a, const struct resolve_rules *rules,
				   struct span user)
{
	char address[ACCOUNTS_ADDRESS_MAX];
	bool whole = span_find(user, '@') >= 0;

	if (user.n == 0)
		return NULL;
	if (whole ? !accounts_name_fold(address, sizeof(address), user)
		  : !join(address, user, default_domain(a, rules)))
		return NULL;
	return accounts_find(a, address);
}
