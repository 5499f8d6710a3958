/*
 * span.h - a look at bytes that somebody else owns.
 *
 * Shape   Plain value, passed by value; { NULL, 0 } is the empty span.
 * Units   Bytes. Nothing here ends in NUL and nothing is a C string.
 * Memory  None. A span holds as long as what it looks at.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *p;
	size_t n;
};

/* The bytes of a C string, its NUL left out. NULL gives the empty span. */
static inline struct span span_of(const char *s)
{
	return (struct span){ (const uint8_t *)s, s != NULL ? strlen(s) : 0 };
}

/* a and b hold the same bytes. _nocase folds ASCII letters only. */
bool span_equal(struct span a, struct span b);
bool span_equal_nocase(struct span a, struct span b);

/* The same against a C string of ours. */
bool span_is(struct span a, const char *s);
bool span_is_nocase(struct span a, const char *s);

/* a begins with s; _nocase folds ASCII letters only. */
bool span_starts(struct span a, const char *s);
bool span_starts_nocase(struct span a, const char *s);

/* Takes at most n bytes off the front of *in and gives them. */
static inline struct span span_take(struct span *in, size_t n)
{
	struct span out = { in->p, n < in->n ? n : in->n };

	if (out.n > 0)
		in->p += out.n;
	in->n -= out.n;
	return out;
}

/* Takes what stands before the first c off *in, drops c itself, and gives it.
 * Without a c it gives all of *in and leaves the empty span. */
struct span span_take_until(struct span *in, uint8_t c);

/* a without SP and HTAB at both ends. */
struct span span_trim(struct span a);

/* The place of the first c in a, or -1. */
ptrdiff_t span_find(struct span a, uint8_t c);

/* All of a as a decimal number without sign. False if a is empty, holds
 * anything but digits, or exceeds max. Leading zeros are allowed. */
bool span_number(struct span a, uint64_t max, uint64_t *out);

#endif
