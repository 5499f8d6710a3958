/*
 * intent.h - a change of very many messages that has begun, noted in the index, so that
 * it is ended after a crash: all of it happens.
 *
 * There is one at most of an account: the change has the account to itself.
 */
#ifndef STORAGE_LOCAL_INTENT_H
#define STORAGE_LOCAL_INTENT_H

#include "storage/local/commit.h"

/* In the open transaction: what is to be done, the first time, and how far it has come. */
int intent_put(struct commit *c);
int intent_del(struct commit *c);

/* When an account is loaded: gives the commit that ends what was begun in *out, NULL if
 * there is nothing. 0 or a negative errno. */
int intent_resume(struct account *a, struct commit **out);

#endif
