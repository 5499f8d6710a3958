/*
 * lookup.h - questions that a command asks the world, and waits for: DNS, a page, a port.
 *
 * Shape   An interface, so that a test answers from a table (tests/unit/fake_world.h). The real
 *         one has a loop of its own, and the resolver and the authorities of etc/deliverd.conf.
 * Answers Lent until the lookup is closed. Each question goes out once.
 */
#ifndef ADMIN_LOOKUP_H
#define ADMIN_LOOKUP_H

#include "admin/site.h"
#include "common/dns/dns.h"

enum { LOOKUP_PORT_MS = 10000, LOOKUP_GREETING_MAX = 200 };

struct lookup_page {
	int status;		/* 200; 0: none, words say why */
	struct span body;
	const char *words;
};

struct lookup_port {
	bool open;		/* somebody answered */
	char greeting[LOOKUP_GREETING_MAX];	/* the first line, escaped; "" */
	const char *words;	/* why not */
};

struct lookup {
	const struct dns_answer *(*ask)(struct lookup *l, const char *name, enum dns_type type);	/* never NULL */
	/* It will be asked: let it go out now. */
	void (*soon)(struct lookup *l, const char *name, enum dns_type type);
	const struct lookup_page *(*page)(struct lookup *l, const char *url);
	const struct lookup_port *(*port)(struct lookup *l, const char *host, unsigned port);
	void (*close)(struct lookup *l);
};

int lookup_open(struct lookup **out, const struct site *s, struct error *err);
/* NULL is allowed. */
void lookup_close(struct lookup *l);

#endif
