/* wire.c - the contract is in wire.h. */
#include "common/ipc/wire.h"

#include <string.h>

static void put_little(struct buf *b, uint64_t v, size_t bytes)
{
	uint8_t *to = buf_room(b, bytes);

	if (to == NULL)
		return;
	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(v >> (8 * i));
	b->n += bytes;
}

void wire_put_u8(struct buf *b, uint8_t v)
{
	put_little(b, v, 1);
}

void wire_put_u32(struct buf *b, uint32_t v)
{
	put_little(b, v, 4);
}

void wire_put_u64(struct buf *b, uint64_t v)
{
	put_little(b, v, 8);
}

/* Pages of records are made of these: where there is room, straight into the buffer. */
void wire_put_varint(struct buf *b, uint64_t v)
{
	uint8_t bytes[10], *to = !b->failed && b->cap - b->n >= sizeof(bytes) ? b->p + b->n : bytes;
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		to[n++] = (uint8_t)(v | 0x80);
	to[n++] = (uint8_t)v;
	if (to == bytes)
		buf_put(b, (struct span){ bytes, n });
	else
		b->n += n;
}

void wire_put_span(struct buf *b, struct span s)
{
	wire_put_varint(b, s.n);
	buf_put(b, s);
}

void wire_put_text(struct buf *b, const char *s)
{
	wire_put_span(b, span_of(s));
}

/* Notes the failure; the rest of the body is void, so that later reads fail too. */
static void wire_fail(struct wire *w)
{
	w->failed = true;
	w->in = (struct span){ NULL, 0 };
}

static struct span take(struct wire *w, uint64_t n)
{
	if (n > w->in.n) {
		wire_fail(w);
		return (struct span){ NULL, 0 };
	}
	return span_take(&w->in, (size_t)n);
}

static uint64_t take_little(struct wire *w, size_t bytes)
{
	struct span s = take(w, bytes);
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		v |= (uint64_t)s.p[i] << (8 * i);
	return v;
}

uint8_t wire_u8(struct wire *w)
{
	uint8_t c;

	if (w->in.n == 0) {
		wire_fail(w);
		return 0;
	}
	c = *w->in.p++;
	w->in.n--;
	return c;
}

uint32_t wire_u32(struct wire *w)
{
	return (uint32_t)take_little(w, 4);
}

uint64_t wire_u64(struct wire *w)
{
	return take_little(w, 8);
}

/* The shortest form alone is valid: one number has one spelling. */
uint64_t wire_varint(struct wire *w)
{
	const uint8_t *p = w->in.p;
	size_t n = w->in.n < 10 ? w->in.n : 10;
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++) {
		if ((i == 9 && p[i] > 1) || (i > 0 && p[i] == 0))
			break;
		v |= (uint64_t)(p[i] & 0x7f) << 7 * i;
		if (p[i] < 0x80) {
			span_take(&w->in, i + 1);
			return v;
		}
	}
	wire_fail(w);
	return 0;
}

bool wire_bytes(struct wire *w, void *to, size_t n)
{
	struct span s = take(w, n);

	if (n > 0 && s.n == n)
		memcpy(to, s.p, n);
	return s.n == n;
}

struct span wire_span(struct wire *w)
{
	return take(w, wire_varint(w));
}

void wire_text(struct wire *w, char *out, size_t size)
{
	struct span s = wire_span(w);

	if (s.n >= size || span_find(s, 0) >= 0) {
		wire_fail(w);
		s.n = 0;
	}
	if (s.n > 0)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
}

size_t wire_count(struct wire *w, size_t least)
{
	uint64_t n = wire_varint(w);

	if (n > w->in.n / least) {
		wire_fail(w);
		return 0;
	}
	return (size_t)n;
}

bool wire_done(const struct wire *w)
{
	return !w->failed && w->in.n == 0;
}
