/* utf7.c - the contract is in utf7.h. */
#include "common/base/utf7.h"

#include "common/base/base64.h"
#include "common/base/utf8.h"

/* RFC 3501 5.1.3: base64 with "," in the place of "/". */
static int value_of(uint8_t c)
{
	return c == '/' ? -1 : base64_value(c == ',' ? '/' : c);
}

static bool printable(uint32_t c)
{
	return c >= 0x20 && c <= 0x7e;
}

struct utf16 {
	uint32_t high;		/* a high surrogate waits for its other half */
	uint32_t bits;
	unsigned count;		/* bits in hand */
};

static bool put_character(uint32_t c, struct buf *out)
{
	uint8_t bytes[4];
	size_t n = printable(c) ? 0 : utf8_write(bytes, c);

	buf_put(out, (struct span){ bytes, n });
	return n > 0;
}

static bool put_unit(struct utf16 *u, uint32_t unit, struct buf *out)
{
	uint32_t high = u->high;

	u->high = 0;
	if (high != 0) {
		if (unit < 0xdc00 || unit > 0xdfff)
			return false;
		return put_character(0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00), out);
	}
	if (unit >= 0xd800 && unit <= 0xdbff) {
		u->high = unit;
		return true;
	}
	return put_character(unit, out);
}

static bool decode_shift(struct span text, struct buf *out)
{
	struct utf16 u = { 0 };

	for (size_t i = 0; i < text.n; i++) {
		int v = value_of(text.p[i]);

		if (v < 0)
			return false;
		u.bits = u.bits << 6 | (uint32_t)v;
		u.count += 6;
		if (u.count < 16)
			continue;
		u.count -= 16;
		if (!put_unit(&u, u.bits >> u.count & 0xffff, out))
			return false;
		u.bits &= (1u << u.count) - 1;
	}
	return u.high == 0 && u.count < 6 && u.bits == 0;
}

bool utf7_decode(struct span in, struct buf *out)
{
	bool after_shift = false;

	while (in.n > 0) {
		uint8_t c = span_take(&in, 1).p[0];

		if (c != '&') {
			if (!printable(c))
				return false;
			buf_put_byte(out, c);
			after_shift = false;
			continue;
		}
		ptrdiff_t end = span_find(in, '-');

		if (end < 0)
			return false;
		struct span text = span_take(&in, (size_t)end);

		span_take(&in, 1);
		if (text.n == 0) {
			buf_put_byte(out, '&');
			after_shift = false;
			continue;
		}
		if (after_shift || !decode_shift(text, out))
			return false;
		after_shift = true;
	}
	return !out->failed;
}

static void shift_unit(struct buf *out, struct utf16 *u, uint32_t unit)
{
	u->bits = u->bits << 16 | unit;
	u->count += 16;
	while (u->count >= 6) {
		uint8_t c = base64_sign(u->bits >> (u->count - 6) & 63);

		u->count -= 6;
		buf_put_byte(out, c == '/' ? ',' : c);
	}
	u->bits &= (1u << u->count) - 1;
}

static void shift_end(struct buf *out, struct utf16 *u)
{
	if (u->count > 0) {
		uint8_t c = base64_sign(u->bits << (6 - u->count) & 63);

		buf_put_byte(out, c == '/' ? ',' : c);
	}
	buf_put_byte(out, '-');
	*u = (struct utf16){ 0 };
}

void utf7_encode(struct span in, struct buf *out)
{
	struct utf16 u = { 0 };
	bool shifted = false;

	while (in.n > 0) {
		uint32_t c;

		utf8_take(&in, &c);
		if (printable(c)) {
			if (shifted)
				shift_end(out, &u);
			shifted = false;
			buf_put_byte(out, (uint8_t)c);
			if (c == '&')
				buf_put_byte(out, '-');
			continue;
		}
		if (!shifted)
			buf_put_byte(out, '&');
		shifted = true;
		if (c >= 0x10000) {
			shift_unit(out, &u, 0xd800 + ((c - 0x10000) >> 10));
			shift_unit(out, &u, 0xdc00 + ((c - 0x10000) & 0x3ff));
		} else {
			shift_unit(out, &u, c);
		}
	}
	if (shifted)
		shift_end(out, &u);
}
