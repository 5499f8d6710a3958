/* buf.c - the contract is in buf.h. */
#include "common/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST = 256 };	/* bytes of the first allocation */

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_clear(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

static bool buf_grow(struct buf *b, size_t need)
{
	size_t cap = b->cap > 0 ? b->cap : BUF_FIRST;
	uint8_t *p;

	while (cap < need)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	if (cap > b->max)
		cap = b->max;
	p = realloc(b->p, cap);
	if (p == NULL)
		return false;
	b->p = p;
	b->cap = cap;
	return true;
}

uint8_t *buf_more(struct buf *b, size_t n)
{
	if (b->failed)
		return NULL;
	if (n == 0 || b->n > b->max || n > b->max - b->n || (b->n + n > b->cap && !buf_grow(b, b->n + n))) {
		b->failed = true;
		return NULL;
	}
	return b->p + b->n;
}

void buf_printf(struct buf *b, const char *format, ...)
{
	char small[256], *text = small;
	va_list args, again;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	if (n >= (int)sizeof(small)) {
		text = malloc((size_t)n + 1);
		if (text != NULL)
			vsnprintf(text, (size_t)n + 1, format, again);
	}
	va_end(again);
	if (n < 0 || text == NULL)
		b->failed = true;
	else
		buf_put(b, (struct span){ (const uint8_t *)text, (size_t)n });
	if (text != small)
		free(text);
}

void buf_drop(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

void buf_wipe(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->cap);
	buf_clear(b);
}

void buf_put_secret(struct buf *b, struct span s)
{
	struct buf old = *b;

	if (b->failed || b->p == NULL || s.n <= b->cap - b->n || s.n > b->max - b->n) {
		buf_put(b, s);
		return;
	}
	buf_init(b, old.max);
	if (buf_room(b, old.n + s.n) != NULL) {
		buf_put(b, buf_span(&old));
		buf_put(b, s);
	}
	buf_wipe(&old);
}
