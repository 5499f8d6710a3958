/* span.c - the contract is in span.h. */
#include "common/base/span.h"

#include "common/base/ascii.h"

bool span_equal(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool span_equal_nocase(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

bool span_is(struct span a, const char *s)
{
	return span_equal(a, span_of(s));
}

bool span_is_nocase(struct span a, const char *s)
{
	return span_equal_nocase(a, span_of(s));
}

bool span_starts(struct span a, const char *s)
{
	return span_is(span_take(&a, strlen(s)), s);
}

bool span_starts_nocase(struct span a, const char *s)
{
	return span_is_nocase(span_take(&a, strlen(s)), s);
}

struct span span_take_until(struct span *in, uint8_t c)
{
	ptrdiff_t at = span_find(*in, c);
	struct span out = span_take(in, at < 0 ? in->n : (size_t)at);

	if (at >= 0)
		span_take(in, 1);
	return out;
}

struct span span_trim(struct span a)
{
	while (a.n > 0 && (a.p[0] == ' ' || a.p[0] == '\t'))
		span_take(&a, 1);
	while (a.n > 0 && (a.p[a.n - 1] == ' ' || a.p[a.n - 1] == '\t'))
		a.n--;
	return a;
}

ptrdiff_t span_find(struct span a, uint8_t c)
{
	const uint8_t *at = a.n > 0 ? memchr(a.p, c, a.n) : NULL;

	return at != NULL ? at - a.p : -1;
}

bool span_number(struct span a, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (a.n == 0)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		uint64_t digit = (uint64_t)a.p[i] - '0';

		if (a.p[i] < '0' || a.p[i] > '9' || v > (max - digit) / 10 || digit > max)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return true;
}
