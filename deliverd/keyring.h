/*
 * keyring.h - the DKIM keys that sign, by domain: out of the settings' bundle.
 */
#ifndef DELIVERD_KEYRING_H
#define DELIVERD_KEYRING_H

#include "common/proc/bundle.h"
#include "dkim/keys.h"

struct keyring;			/* opaque; immutable: threads may sign with it at once */

/* "dkim", "dkim/DOMAIN/keys" and "dkim/DOMAIN/SELECTOR.pem" of b; none of them: an empty one. */
int keyring_new(struct keyring **out, const struct bundle *b, struct error *err);
/* NULL is allowed. */
void keyring_free(struct keyring *k);

/* The active keys of a domain (any case), at most DKIM_KEYS; 0: it has none. */
size_t keyring_find(const struct keyring *k, struct span domain, const struct dkim_key **out);
bool keyring_empty(const struct keyring *k);

#endif
