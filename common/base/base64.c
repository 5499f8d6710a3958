/* base64.c - the contract is in base64.h. */
#include "common/base/base64.h"

#include <string.h>

uint8_t base64_sign(unsigned six_bits)
{
	static const char signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	return (uint8_t)signs[six_bits & 63];
}

/* From '+' to 'z'; 64: no sign. */
static const uint8_t values['z' - '+' + 1] = {
	62, 64, 64, 64, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 64, 64, 64, 0,  1,  2,  3,  4,
	5,  6,	7,  8,	9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 64, 64, 64, 64, 64, 64,
	26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,
};

static inline uint32_t value_of(uint8_t c)
{
	uint8_t i = (uint8_t)(c - '+');

	return i < sizeof(values) ? values[i] : 64;
}

int base64_value(uint8_t c)
{
	uint32_t v = value_of(c);

	return v < 64 ? (int)v : -1;
}

size_t base64_groups(struct span in, uint8_t *out)
{
	size_t i = 0;

	for (; in.n - i >= 4; i += 4, out += 3) {
		uint32_t a = value_of(in.p[i]), b = value_of(in.p[i + 1]), c = value_of(in.p[i + 2]), d = value_of(in.p[i + 3]);

		if ((a | b | c | d) > 63)
			break;
		out[0] = (uint8_t)(a << 2 | b >> 4);
		out[1] = (uint8_t)(b << 4 | c >> 2);
		out[2] = (uint8_t)(c << 6 | d);
	}
	return i;
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
