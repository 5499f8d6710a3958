/*
 * lookup_inside.h - what a real lookup is made of, for lookup*.c alone.
 */
#ifndef ADMIN_LOOKUP_INSIDE_H
#define ADMIN_LOOKUP_INSIDE_H

#include <uv.h>

#include "admin/lookup.h"
#include "common/base/arena.h"
#include "common/https/https.h"

struct question {
	struct question *next;
	struct world *world;
	char *name;
	enum dns_type type;
	bool done;
	const struct dns_answer *answer;	/* NULL: no memory */
};

struct world {
	struct lookup lookup;	/* first: it is what others see */
	uv_loop_t loop;
	struct arena *arena;
	struct dns *dns;
	struct https *https;	/* NULL: nothing was fetched yet */
	struct buf authorities;
	struct question *questions;
};

/* lookup_page.c */
const struct lookup_page *world_page(struct lookup *l, const char *url);
void world_page_close(struct world *w);

/* lookup_port.c */
const struct lookup_port *world_port(struct lookup *l, const char *host, unsigned port);

#endif
