/*
 * external.h - which account a client certificate logs in (AUTH EXTERNAL, RFC 4422 A). Pure.
 *
 * Order   The account that holds the fingerprint; then those that the names are the address of:
 *         e-mail addresses first, then UPNs, then the common name. An alias, a detail or a catch-all
 *         names nobody here: only who owns the certificate may come in by it.
 */
#ifndef AUTHD_EXTERNAL_H
#define AUTHD_EXTERNAL_H

#include "auth/auth_wire.h"
#include "auth/authd/resolve.h"

struct external {
	const struct account *account;	/* lent from the accounts; NULL: none */
	const char *by;			/* "fingerprint", "email", "upn", "cn"; static. "" : none */
	bool named;			/* the certificate is somebody's here, if not that of the authzid */
};

/* Without an authzid the first account in that order, with one the account that it means if it
 * is among them. */
struct external external_find(const struct accounts *a, const struct resolve_rules *rules,
			      const struct auth_wire_login *asked);

#endif
