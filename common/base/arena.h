/*
 * arena.h - memory that is given back all at once.
 *
 * One for each command: what a parser makes lives until the command ends. A
 * wiping arena overwrites everything before it is freed or reset (secrets).
 * Shape   arena_new, any number of allocs, arena_reset or arena_free.
 * Memory  malloc'd blocks of 2 kB or more; max bytes in all, counted as asked.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "common/base/error.h"
#include "common/base/span.h"

struct arena;			/* opaque; defined in arena.c */

enum arena_kind {
	ARENA_PLAIN,
	ARENA_WIPING		/* overwritten before it is given back */
};

/* Gives the caller an arena in *out. Returns 0 or -ENOMEM. */
int arena_new(struct arena **out, size_t max, enum arena_kind kind, struct error *err);
void arena_free(struct arena *a);

/* Everything that was given is void; the memory goes back to the system. */
void arena_reset(struct arena *a);

/* n bytes, zeroed, aligned for any type; NULL if max or memory is exhausted. */
void *arena_alloc(struct arena *a, size_t n);

/* count things of size bytes each, zeroed; NULL also where the product overflows. */
void *arena_array(struct arena *a, size_t count, size_t size);

/* A copy of s. { NULL, 0 } if there is no room. */
struct span arena_copy(struct arena *a, struct span s);

/* A copy of s with a NUL behind it, for system calls. NULL if there is no room. */
char *arena_text(struct arena *a, struct span s);

#endif
