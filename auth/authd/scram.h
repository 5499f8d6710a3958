/*
 * scram.h - SCRAM (RFC 5802) where the keys are: a conversation of two questions.
 *
 * Who   A user that is not there, or has no keys, gets a salt made from accounts/scram.key and the name, and as many
 *       iterations as others have; his proof is held against keys that nobody knows. So nothing but
 *       the verdict tells whether there is such a user, and it says the same as for a wrong password.
 * When  SCRAM is offered with a hash as soon as every account that can log in by password has keys of it
 *       (ScramOffer all), or one has (any): a program that finds SCRAM offered does not try
 *       anything else; while no account has a password, with all that keys are made for. Accounts without keys get them when they next log in by password (keys.h).
 */
#ifndef AUTHD_SCRAM_H
#define AUTHD_SCRAM_H

#include "auth/auth_wire.h"

struct authd;
struct peer;
struct talk;			/* opaque: what a login has to do with SCRAM */

void talk_free(struct talk *t);
/* server-final-message, as far as there is one for that verdict (RFC 5802 7). */
void talk_put_words(const struct talk *t, enum auth_status status, struct buf *b);

void scram_begin(struct peer *p, uint64_t number, const struct auth_wire_login *asked);
/* scram: the number of the question that began it. */
void scram_prove(struct peer *p, uint64_t number, uint64_t scram, struct span final, struct span proof);

/* The hashes to offer it with, bits; and they told to one daemon, or to all if they are others than before. */
unsigned scram_hashes(const struct authd *d);
void scram_tell(struct peer *p);
void scram_tell_all(struct authd *d);

#endif
