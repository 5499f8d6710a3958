/*
 * material.h - what the TLS of a Listen is made of, out of a setup.
 */
#ifndef SETUP_MATERIAL_H
#define SETUP_MATERIAL_H

#include "common/tls/context.h"
#include "setup/setup.h"

enum { SETUP_PAIRS_MAX = 32, SETUP_STAPLES_MAX = 32 };	/* of one Listen */

struct setup_material {		/* not to be copied: tls points into it */
	struct tls_material tls;	/* lent as long as the setup is held; no pair: no certificate is configured */
	struct tls_pair pairs[SETUP_PAIRS_MAX];
	struct span staples[SETUP_STAPLES_MAX];
};

/* For the listen-th Listen of d. -EINVAL: a Certificate or a PrivateKey has no partner. */
int setup_material(struct setup_material *m, const struct setup *s, enum daemon d, size_t listen, struct error *err);

#endif
