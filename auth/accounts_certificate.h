/*
 * accounts_certificate.h - the certificates of accounts: from the lines of a file to who
 * holds which.
 */
#ifndef AUTH_ACCOUNTS_CERTIFICATE_H
#define AUTH_ACCOUNTS_CERTIFICATE_H

#include "auth/accounts.h"
#include "auth/accounts_text.h"
#include "common/base/arena.h"
#include "common/base/table.h"

/* Copies what a file had into the arena, as the account's. -ENOMEM. */
int accounts_certificates_take(struct arena *arena, const struct accounts_text_account *text,
			       struct account *account);

/* Puts the account's into holders (from fingerprint to struct account). Those that another
 * one holds already are not the account's any more, and w is told. -ENOMEM. */
int accounts_certificates_claim(struct table *holders, struct arena *arena, struct account *account,
				const struct accounts_text_warn *w);

/* They can be written and are understood again. -EINVAL with words. */
int accounts_certificates_check(const struct account *account, struct error *err);

#endif
