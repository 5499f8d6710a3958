/*
 * place.h - where in a configuration a check is; for the files of setup/ alone.
 */
#ifndef SETUP_PLACE_H
#define SETUP_PLACE_H

#include "setup/setup.h"

/* One Listen. */
struct place {
	const struct setup *s;
	struct report *r;
	enum daemon daemon;
	const struct config_listen *listen;
	const struct config_scope *scope;
	size_t index;			/* of the Listen */
	bool loud[DAEMON_COUNT];	/* its TLS gave cause for words */
};

/* p at the i-th Listen of its daemon. */
static inline void place_go(struct place *p, size_t i)
{
	const struct config *c = setup_of(p->s, p->daemon)->config;

	p->index = i;
	p->listen = config_listen(c, i);
	p->scope = config_listen_scope(c, i);
}

/* An earlier Listen of the daemon says the very same, and like(p, i) is true for it. */
static inline bool place_again(const struct place *p, bool (*like)(const struct place *p, size_t i))
{
	const struct config *c = setup_of(p->s, p->daemon)->config;

	if (!config_listen_is_bare(c, p->index))
		return false;
	for (size_t i = 0; i < p->index; i++)
		if (config_listen_is_bare(c, i) && like(p, i))
			return true;
	return false;
}

/* check_tls.c: the certificates and the policy of p; and a handshake. */
void place_check_tls(struct place *p);

#endif
