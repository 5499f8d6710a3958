/*
 * limits.h - may this address look at one more password? For login.c alone; what scram.c needs of it is in login.h.
 *
 * Three limits, of which none can be used up by others than the one who meets it:
 *   address            so many guesses over all accounts (throttle.h)
 *   address + account  growing delays (guesses.h)
 *   known place        an address that the account was logged in from has guesses of its own, LIMITS_KNOWN_BURST and one more
 *                      each LIMITS_KNOWN_STEP_MS, whatever the other two say; and goes first where hashes wait (hasher.h)
 */
#ifndef AUTHD_LIMITS_H
#define AUTHD_LIMITS_H

#include "auth/authd/login.h"

enum { LIMITS_KNOWN_BURST = 50, LIMITS_KNOWN_STEP_MS = 1000 };

/* Where it comes from. */
void limits_from(struct login *l, const char *peer);
/* It is logged in: that place is known from now on. */
void limits_note_place(const struct login *l);
void limits_forget(struct authd *d, const char *account, enum seen_kind kind);

#endif
