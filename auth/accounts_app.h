/*
 * accounts_app.h - app passwords: made for one program, with what it may do and until when, and revoked alone.
 *
 * Form    In the account's file, a line each and behind it its keys:
 *             app NAME imap,pop3,smtp never|2027-01-01T00:00:00Z SALT HASH       (both in hexadecimal digits)
 *             app-scram-sha-256 ITERATIONS SALT STOREDKEY SERVERKEY
 *         and `app-only yes` where the account's own password logs nobody in.
 * Hash    BLAKE2b-256 keyed with the salt. They are made here, never by a person, and have 115 bits: nobody can go through
 *         these, at whatever speed, so a slow hash would buy nothing; and a program that has one logs in for microseconds.
 * SCRAM   A server tells one salt for a user name, before it knows which password is meant. So all keys of an account
 *         have one salt and one number of iterations, and a proof is held against each of them.
 */
#ifndef AUTH_ACCOUNTS_APP_H
#define AUTH_ACCOUNTS_APP_H

#include "auth/accounts.h"
#include "common/base/arena.h"
#include "common/base/buf.h"

/* "imap,smtp" as bits, and back: "imap,pop3,smtp". False: no service of ours, or none at all. */
bool accounts_scope_parse(struct span text, unsigned *scope);
enum { ACCOUNTS_SCOPE_TEXT = 16 };
void accounts_scope_text(char out[ACCOUNTS_SCOPE_TEXT], unsigned scope);
/* Of a service's name; 0: none. */
unsigned accounts_scope_of(const char *service);

/* Letters, digits, '.', '_' and '-'. */
bool accounts_app_name(struct span name);

/* Salt and hash of a password that was made up. */
void accounts_app_make(struct account_app *app, const char *password);
bool accounts_app_fits(const struct account_app *app, struct span password);
/* The one that the password is, or NULL. */
const struct account_app *accounts_app_find(const struct account *a, struct span password);

/* What all keys of the account share, if it has any app's: salt and iterations. Else NULL. */
const struct scram_keys *accounts_app_keys(const struct account *a, enum scram_hash hash);

/* The value of a line `app`; and the lines of one. False: malformed. */
bool accounts_app_read(struct account_app *app, struct span value);
void accounts_app_put(struct buf *b, const struct account_app *app);

/* Copies them into the arena, as the account's. -ENOMEM. */
int accounts_apps_take(struct arena *arena, const struct account_app *apps, size_t count, struct account *account);
/* They can be written and are understood again. -EINVAL with words. */
int accounts_apps_check(const struct account *account, struct error *err);

#endif
