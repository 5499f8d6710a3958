/* utf8.c - the contract is in utf8.h. */
#include "common/base/utf8.h"

/* The number of bytes that a first byte announces, 0 if none begins so. */
static size_t utf8_length(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

static bool utf8_decode(const uint8_t *p, size_t n, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

	*c = n == 1 ? p[0] : p[0] & (0xff >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return false;
		*c = *c << 6 | (p[i] & 0x3f);
	}
	return *c >= least[n] && *c <= 0x10ffff && (*c < 0xd800 || *c > 0xdfff);
}

bool utf8_take(struct span *in, uint32_t *c)
{
	size_t n = utf8_length(in->p[0]);

	if (n > 0 && n <= in->n && utf8_decode(in->p, n, c)) {
		span_take(in, n);
		return true;
	}
	*c = 0xfffd;
	span_take(in, 1);
	return false;
}

size_t utf8_write(uint8_t out[4], uint32_t c)
{
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (uint8_t)(0x80 | (c & 0x3f));
	out[0] = (uint8_t)(0xf00 >> n | c);
	return n;
}

bool utf8_valid(struct span s)
{
	uint32_t c;

	while (s.n > 0)
		if (!utf8_take(&s, &c))
			return false;
	return true;
}
