/* resolve.c - the contract is in resolve.h. */
#include "auth/authd/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "auth/accounts_name.h"
#include "common/base/table.h"

_Static_assert((int)AUTH_TARGETS == (int)ACCOUNTS_TARGETS_MAX &&
		   (int)AUTH_ADDRESS_MAX == (int)ACCOUNTS_ADDRESS_MAX,
	       "auth.h and accounts.h disagree");

/* What is followed. */
enum follow {
	FOLLOW_MAIL,	/* aliases, forwards, SRS addresses: where mail goes */
	FOLLOW_NAMES	/* aliases: whose an address is */
};

/* Targets that are still to be looked at. */
struct pending {
	const char *const *targets;
	size_t count;
	const char *original;	/* whose they are: of an alias or an account */
	const struct account *forwards_of; /* NULL: an alias's */
};

/* What is still to be looked at, and what was. */
struct search {
	const struct accounts *accounts;
	const struct resolve_rules *rules;
	const struct resolve_mail *mail;
	enum follow follow;
	struct resolved *found;
	struct table *seen; /* accounts and aliases by their address */
	struct pending *pending;
	size_t pending_count, pending_room;
	const char *via; /* the address that is being looked at, for a catch-all's sake */
	size_t steps;
	bool over; /* a limit, or memory */
};

static const char *default_domain(const struct accounts *a, const struct resolve_rules *rules)
{
	if (*rules->default_domain != '\0')
		return rules->default_domain;
	return accounts_domain_count(a) > 0 ? accounts_domain_at(a, 0) : "";
}

static const char *srs_domain(const struct search *s)
{
	if (*s->rules->srs_domain != '\0')
		return s->rules->srs_domain;
	return accounts_domain_count(s->accounts) > 0 ? accounts_domain_at(s->accounts, 0) : "";
}

/* domain is in lower case. */
static bool is_ours(const struct search *s, const char *domain)
{
	return accounts_has_domain(s->accounts, domain) || (*domain != '\0' && strcmp(domain, srs_domain(s)) == 0);
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

static size_t found_count(const struct resolved *r)
{
	return r->count + r->remote_count;
}

static void keep_account(struct search *s, const struct account *account)
{
	struct resolved *r = s->found;

	if (r->accounts == NULL)
		r->accounts = calloc(AUTH_TARGETS, sizeof(r->accounts[0]));
	if (r->accounts == NULL || found_count(r) == AUTH_TARGETS)
		s->over = true;
	else
		r->accounts[r->count++] = account;
}

static void push(struct search *s, const struct pending *p)
{
	struct pending *grown = s->pending;

	if (s->pending_count == s->pending_room) {
		s->pending_room = s->pending_room * 2 + 16;
		grown = realloc(s->pending, s->pending_room * sizeof(grown[0]));
	}
	if (grown == NULL) {
		s->over = true;
		return;
	}
	s->pending = grown;
	s->pending[s->pending_count++] = *p;
}

static bool forwards_to_itself(const struct account *a)
{
	for (size_t i = 0; i < a->forward_count; i++)
		if (span_is_nocase(span_of(a->forwards[i]), a->address))
			return true;
	return false;
}

static void find_account(struct search *s, const struct account *account)
{
	bool forwards = s->follow == FOLLOW_MAIL && account->forward_count > 0;

	if (!see(s, account->address))
		return;
	if (!forwards || account->forward_keep || forwards_to_itself(account))
		keep_account(s, account);
	if (forwards)
		push(s, &(struct pending){ account->forwards, account->forward_count, account->address, account });
}

static void find_alias(struct search *s, const struct alias *alias)
{
	bool catch_all = *alias->address == '@';

	if (see(s, alias->address))
		push(s, &(struct pending){ alias->targets, alias->target_count,
					   catch_all ? s->via : alias->address, NULL });
}

/* RFC 5321 3.9.1: from the envelope's sender that for mail which goes on. */
static const char *sender_for(struct search *s)
{
	struct resolved *r = s->found;
	struct span user, domain;
	char folded[ACCOUNTS_DOMAIN_MAX];

	if (*r->rewritten != '\0')
		return r->rewritten;
	if (*r->given == '\0' || !accounts_name_split(span_of(r->given), &user, &domain) ||
	    !accounts_name_fold(folded, sizeof(folded), domain) || is_ours(s, folded))
		return r->given;
	return srs_forward(r->rewritten, &s->rules->srs, span_of(r->given), srs_domain(s), s->mail->day) == SRS_OK
		       ? r->rewritten
		       : r->given;
}

/* address is lent until the answer was given. */
static void find_remote(struct search *s, const char *address, const char *sender, const char *original)
{
	struct resolved *r = s->found;

	if (s->follow != FOLLOW_MAIL || !see(s, address))
		return;
	if (r->remotes == NULL)
		r->remotes = calloc(AUTH_TARGETS, sizeof(r->remotes[0]));
	if (r->remotes == NULL || found_count(r) == AUTH_TARGETS)
		s->over = true;
	else
		r->remotes[r->remote_count++] = (struct resolved_remote){ address, sender, original };
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

static enum auth_status find_address(struct search *s, struct span address);

/* An SRS address of ours. false: it is none, and may be anything else. */
static bool find_sender(struct search *s, struct span whole, const char *domain, enum auth_status *status)
{
	struct resolved *r = s->found;
	char address[SRS_ADDRESS_MAX];
	enum srs_status st;

	if (s->follow != FOLLOW_MAIL || strcmp(domain, srs_domain(s)) != 0)
		return false;
	st = srs_reverse(address, &s->rules->srs, whole, s->mail->day);
	if (st == SRS_NONE)
		return false;
	*status = AUTH_NO_USER;
	if (st != SRS_OK || *r->led_back != '\0') /* one such address is looked at, not a chain */
		return true;
	memcpy(r->led_back, address, sizeof(r->led_back));
	*status = find_address(s, span_of(r->led_back));
	if (*status == AUTH_NOT_LOCAL) {
		find_remote(s, r->led_back, r->given, "");
		*status = AUTH_OK;
	}
	return true;
}

/* user is without quotes, domain is ours. */
static bool find(struct search *s, struct span user, const char *domain)
{
	char address[ACCOUNTS_ADDRESS_MAX];
	struct span base = without_detail(s, user);

	if (base.n < user.n && join(address, base, domain) && find_exact(s, address))
		return true;
	if (find_postmaster(s, base))
		return true;
	return join(address, (struct span){ NULL, 0 }, domain) && find_exact(s, address);
}

/* An address as it came. */
static enum auth_status find_address(struct search *s, struct span address)
{
	char user[ACCOUNTS_ADDRESS_MAX], folded[ACCOUNTS_DOMAIN_MAX], exact[ACCOUNTS_ADDRESS_MAX];
	struct span raw = address, domain = { NULL, 0 };
	enum auth_status status;
	bool bare = !accounts_name_split(address, &raw, &domain);

	if (!unquote(user, sizeof(user), raw))
		user[0] = '\0';
	if (bare && !span_is_nocase(span_of(user), "postmaster"))
		return AUTH_NO_USER;
	if (bare) /* RFC 5321 4.5.1 */
		domain = span_of(default_domain(s->accounts, s->rules));
	if (!accounts_name_fold(folded, sizeof(folded), domain) || !is_ours(s, folded))
		return AUTH_NOT_LOCAL;
	if (*user == '\0')
		return AUTH_NO_USER;
	if (join(exact, span_of(user), folded) && find_exact(s, exact))
		return AUTH_OK;
	if (find_sender(s, address, folded, &status))
		return status;
	return find(s, span_of(user), folded) ? AUTH_OK : AUTH_NO_USER;
}

static void say_lost(const struct search *s, const struct pending *p, const char *target)
{
	if (s->rules->lost != NULL)
		s->rules->lost(s->rules->arg, p->original, target);
}

static void follow(struct search *s, const struct pending *p)
{
	for (size_t i = 0; i < p->count && !s->over; i++) {
		const char *target = p->targets[i];
		enum auth_status status;

		if (p->forwards_of != NULL && span_is_nocase(span_of(target), p->forwards_of->address))
			continue; /* it keeps a copy */
		s->over |= ++s->steps > RESOLVE_STEPS;
		s->via = target;
		status = find_address(s, span_of(target));
		if (status == AUTH_NOT_LOCAL)
			find_remote(s, target, sender_for(s), p->original);
		else if (status != AUTH_OK)
			say_lost(s, p, target);
	}
}

static void take_mail(struct resolved *r, struct span address, struct span sender)
{
	if (!accounts_name_fold(r->asked, sizeof(r->asked), address))
		r->asked[0] = '\0';
	if (sender.n < sizeof(r->given) && span_find(sender, 0) < 0 && sender.n > 0)
		memcpy(r->given, sender.p, sender.n);
}

static enum auth_status search(struct resolved *r, const struct accounts *a, const struct resolve_rules *rules,
			       struct span address, const struct resolve_mail *mail, enum follow what)
{
	struct search s = { .accounts = a, .rules = rules, .mail = mail, .follow = what, .found = r };
	enum auth_status status;

	*r = (struct resolved){ .accounts = NULL };
	take_mail(r, address, mail->sender);
	if (table_new(&s.seen, NULL) < 0)
		return AUTH_TRY_LATER;
	s.via = r->asked;
	status = find_address(&s, address);
	while (s.pending_count > 0 && !s.over) {
		struct pending p = s.pending[--s.pending_count];

		follow(&s, &p);
	}
	free(s.pending);
	table_free(s.seen);
	if (s.over)
		return AUTH_TRY_LATER;
	return status == AUTH_OK && found_count(r) == 0 ? AUTH_NO_USER : status;
}

enum auth_status resolve_address(struct resolved *r, const struct accounts *a, const struct resolve_rules *rules,
				 struct span address, const struct resolve_mail *mail)
{
	return search(r, a, rules, address, mail, FOLLOW_MAIL);
}

void resolved_clear(struct resolved *r)
{
	free(r->accounts);
	free(r->remotes);
	*r = (struct resolved){ .accounts = NULL };
}

enum auth_status resolve_owns(const struct accounts *a, const struct resolve_rules *rules,
			      const char *account, struct span address)
{
	const struct resolve_mail none = { .day = 0 };
	struct resolve_rules silent = *rules;
	struct resolved r;
	enum auth_status status;

	silent.lost = NULL;
	status = search(&r, a, &silent, address, &none, FOLLOW_NAMES);
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
	if (whole ? !accounts_name_address(address, sizeof(address), user)
		  : !join(address, user, default_domain(a, rules)))
		return NULL;
	return accounts_find(a, address);
}

static bool is_elsewhere(const struct accounts *a, const char *target)
{
	const char *at = strrchr(target, '@');

	return at != NULL && !accounts_has_domain(a, at + 1);
}

bool resolve_leads_elsewhere(const struct accounts *a)
{
	for (size_t i = 0; i < accounts_alias_count(a); i++)
		for (size_t k = 0; k < accounts_alias_at(a, i)->target_count; k++)
			if (is_elsewhere(a, accounts_alias_at(a, i)->targets[k]))
				return true;
	for (size_t i = 0; i < accounts_count(a); i++)
		for (size_t k = 0; k < accounts_at(a, i)->forward_count; k++)
			if (is_elsewhere(a, accounts_at(a, i)->forwards[k]))
				return true;
	return false;
}

uint64_t resolve_quota(const struct account *a)
{
	if (a == NULL || a->quota == 0)
		return STORE_QUOTA_SITE;
	return a->quota == ACCOUNTS_QUOTA_NONE ? STORE_QUOTA_NONE : a->quota;
}
