/*
 * keys.h - SCRAM's keys for accounts that have none yet, and a hash of ours where one was taken over from another
 * server (accounts_hash.h): made on the pool when their password was right, and put into accounts/.
 *
 * Limits  KEYS_AT_ONCE; who comes when so many are under way gets his at another login.
 * Changed Where the password was changed meanwhile nothing is written.
 */
#ifndef AUTHD_KEYS_H
#define AUTHD_KEYS_H

#include "auth/accounts.h"

enum { KEYS_AT_ONCE = 2 };

struct authd;

/* Keys that the policy wants are not there, or were made with another number of iterations. NULL: no. */
bool keys_missing(const struct authd *d, const struct account *account);
/* Begins to make them. password is copied. */
void keys_make(struct authd *d, const struct account *account, struct span password);
/* The account's hash, which was stored, is being made anew, and this is the new one: no new password. */
bool keys_rehash(const struct authd *d, const char *account, const char *stored, const char *anew);
/* What runs ends by itself and changes nothing in memory. */
void keys_leave(struct authd *d);

#endif
