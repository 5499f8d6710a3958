/* external.c - the contract is in external.h. */
#include "auth/authd/external.h"

#include <string.h>

static const char *const kinds[] = { "email", "upn", "cn" };

/* Takes a if it is the one that is wanted, or the first where anyone will do. */
static void consider(struct external *e, const struct account *a, const char *by, bool any,
		     const struct account *wanted)
{
	if (a == NULL)
		return;
	e->named = true;
	if (e->account != NULL || (!any && a != wanted))
		return;
	e->account = a;
	e->by = by;
}

/* The account whose address a line "KIND:ADDRESS" has; without an @ it is none. */
static const struct account *named(const struct accounts *a, const struct resolve_rules *rules, struct span line,
				   const char *kind)
{
	if (!span_is(span_take_until(&line, ':'), kind) || span_find(line, '@') < 0)
		return NULL;
	return resolve_user(a, rules, line);
}

struct external external_find(const struct accounts *a, const struct resolve_rules *rules,
			      const struct auth_wire_login *asked)
{
	const struct account *wanted = resolve_user(a, rules, asked->authzid);
	struct external e = { .by = "" };
	bool any = asked->authzid.n == 0;

	consider(&e, accounts_find_certificate(a, asked->fingerprint), "fingerprint", any, wanted);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct span names = asked->names;

		while (names.n > 0)
			consider(&e, named(a, rules, span_take_until(&names, '\n'), kinds[i]), kinds[i], any, wanted);
	}
	return e;
}
