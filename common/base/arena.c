/* arena.c - the contract is in arena.h. */
#include "common/base/arena.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK = 2048 };	/* bytes of an ordinary block */

struct arena_block {
	struct arena_block *next;
	size_t size;		/* bytes in data */
	size_t used;
	alignas(max_align_t) uint8_t data[];
};

struct arena {
	size_t max;
	size_t given;		/* bytes asked for, rounded up */
	enum arena_kind kind;
	struct arena_block *blocks;
};

int arena_new(struct arena **out, size_t max, enum arena_kind kind, struct error *err)
{
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return error_set(err, -ENOMEM, "no memory for an arena");
	(*out)->max = max;
	(*out)->kind = kind;
	return 0;
}

void arena_reset(struct arena *a)
{
	while (a->blocks != NULL) {
		struct arena_block *b = a->blocks;

		a->blocks = b->next;
		if (a->kind == ARENA_WIPING)
			explicit_bzero(b->data, b->used);
		free(b);
	}
	a->given = 0;
}

void arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	arena_reset(a);
	free(a);
}

static struct arena_block *arena_block(struct arena *a, size_t n)
{
	size_t size = n > ARENA_BLOCK ? n : ARENA_BLOCK;
	struct arena_block *b = a->blocks;

	if (b != NULL && b->size - b->used >= n)
		return b;
	b = malloc(sizeof(*b) + size);
	if (b == NULL)
		return NULL;
	*b = (struct arena_block){ .next = a->blocks, .size = size };
	a->blocks = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
	size_t step = alignof(max_align_t);
	struct arena_block *b;
	void *out;

	if (n > a->max || (n + step - 1) / step * step > a->max - a->given)
		return NULL;
	n = n > 0 ? (n + step - 1) / step * step : step;
	b = arena_block(a, n);
	if (b == NULL)
		return NULL;
	out = b->data + b->used;
	b->used += n;
	a->given += n;
	return memset(out, 0, n);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	if (size > 0 && count > SIZE_MAX / size)
		return NULL;
	return arena_alloc(a, count * size);
}

struct span arena_copy(struct arena *a, struct span s)
{
	uint8_t *p = arena_alloc(a, s.n);

	if (p != NULL && s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct span){ p, p != NULL ? s.n : 0 };
}

char *arena_text(struct arena *a, struct span s)
{
	char *text = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;

	if (text != NULL && s.n > 0)
		memcpy(text, s.p, s.n);
	return text;
}
