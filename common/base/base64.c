/* base64.c - the contract is in base64.h. */
#include "common/base/base64.h"

#include <string.h>

uint8_t base64_sign(unsigned six_bits)
{
	static const char signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	return (uint8_t)signs[six_bits & 63];
}

int base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

void base64_encode(struct buf *out, struct span in)
{
	while (in.n > 0) {
		struct span three = span_take(&in, 3);
		uint32_t bits = (uint32_t)three.p[0] << 16;
		uint8_t four[4];

		if (three.n > 1)
			bits |= (uint32_t)three.p[1] << 8;
		if (three.n > 2)
			bits |= three.p[2];
		for (int i = 0; i < 4; i++)
			four[i] = base64_sign(bits >> (18 - 6 * i));
		for (size_t i = three.n + 1; i < 4; i++)
			four[i] = '=';	/* RFC 4648 4 */
		buf_put(out, (struct span){ four, 4 });
	}
}

/* The bytes of one group of four; -1 if it is none. last: it may hold padding. */
static int base64_group(const uint8_t *four, bool last, uint8_t three[3])
{
	size_t signs = 4;
	uint32_t bits = 0;

	while (last && signs > 2 && four[signs - 1] == '=')
		signs--;
	for (size_t i = 0; i < 4; i++) {
		int v = i < signs ? base64_value(four[i]) : 0;

		if (v < 0)
			return -1;
		bits = bits << 6 | (uint32_t)v;
	}
	if ((signs == 2 && (bits & 0xffff) != 0) || (signs == 3 && (bits & 0xff) != 0))
		return -1;	/* RFC 4648 3.5 */
	three[0] = (uint8_t)(bits >> 16);
	three[1] = (uint8_t)(bits >> 8);
	three[2] = (uint8_t)bits;
	return (int)signs - 1;
}

bool base64_decode(struct buf *out, struct span in)
{
	size_t start = out->n;

	if (in.n % 4 != 0)
		return false;
	for (size_t i = 0; i < in.n; i += 4) {
		uint8_t three[3];
		int n = base64_group(in.p + i, i + 4 == in.n, three);

		if (n < 0) {
			out->n = start;
			return false;
		}
		buf_put(out, (struct span){ three, (size_t)n });
	}
	return !out->failed;
}
