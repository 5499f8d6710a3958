/*
 * buf.h - bytes that grow up to a stated end.
 *
 * Shape   Plain value in the caller's memory; buf_init, any number of puts,
 *         buf_clear. A put that does not fit (max, or no memory) adds nothing
 *         and marks the buffer as failed; later puts do nothing. So a reply is
 *         built without a check on each line and buf_failed is asked once.
 * Memory  malloc, doubling, never more than max bytes.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "common/base/span.h"

struct buf {
	uint8_t *p;		/* NULL until the first put */
	size_t n;		/* bytes in use */
	size_t cap;		/* bytes allocated */
	size_t max;		/* never more than this many */
	bool failed;		/* a put was refused */
};

void buf_init(struct buf *b, size_t max);

/* Frees the bytes; b is as after buf_init. */
void buf_clear(struct buf *b);

/* Forgets the bytes and the failure, keeps the memory. */
void buf_reset(struct buf *b);

static inline void buf_put(struct buf *b, struct span s);
static inline void buf_put_text(struct buf *b, const char *s);
static inline void buf_put_byte(struct buf *b, uint8_t c);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for n > 0 more bytes at the end, to be filled by the caller and then taken
 * in by adding to b->n. NULL (and failed) if they do not fit. */
static inline uint8_t *buf_room(struct buf *b, size_t n);

/* Removes n bytes from the front. */
void buf_drop(struct buf *b, size_t n);

/* For secrets: what must move to grow is wiped where it was (without memory all of it is
 * lost), and buf_wipe is a buf_clear that wipes. */
void buf_put_secret(struct buf *b, struct span s);
void buf_wipe(struct buf *b);

/* Lends the bytes until the next change of b. */
static inline struct span buf_span(const struct buf *b);

/* --- what the calls above are made of: short, and in every reply a thousand times -- */

/* buf_room where the bytes at hand are too few. */
uint8_t *buf_more(struct buf *b, size_t n);

static inline uint8_t *buf_room(struct buf *b, size_t n)
{
	return !b->failed && n > 0 && b->n <= b->cap && n <= b->cap - b->n ? b->p + b->n : buf_more(b, n);
}

static inline void buf_put(struct buf *b, struct span s)
{
	uint8_t *to = s.n > 0 ? buf_room(b, s.n) : NULL;

	if (to == NULL)
		return;
	memcpy(to, s.p, s.n);
	b->n += s.n;
}

static inline void buf_put_text(struct buf *b, const char *s)
{
	buf_put(b, span_of(s));
}

static inline void buf_put_byte(struct buf *b, uint8_t c)
{
	uint8_t *to = buf_room(b, 1);

	if (to == NULL)
		return;
	*to = c;
	b->n++;
}

static inline struct span buf_span(const struct buf *b)
{
	return (struct span){ b->p, b->n };
}

#endif
