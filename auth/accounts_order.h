/*
 * accounts_order.h - the file accounts/order: what was added first.
 *
 * The first domain is the default one and the first account is postmaster, so a name goes
 * in before the thing itself is made and out after it is gone: a crash between leaves a
 * line that names nothing, which counts for nothing.
 */
#ifndef AUTH_ACCOUNTS_ORDER_H
#define AUTH_ACCOUNTS_ORDER_H

#include "auth/accounts.h"

/* kind: "domain" or "account". at: the folder accounts/, locked. */
int accounts_order_add(int at, const struct accounts_owner *o, const char *kind, const char *name,
		       struct error *err);
int accounts_order_remove(int at, const char *kind, const char *name, struct error *err);

#endif
