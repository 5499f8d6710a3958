/* store_wire.c - the contract is in store_wire.h. */
#include "storage/ipc/store_wire.h"

#include "common/base/ascii.h"

void store_wire_fail(struct wire *w)
{
	w->failed = true;
	w->in = (struct span){ NULL, 0 };
}

void store_wire_put_set(struct buf *b, const struct store_range *ranges, size_t count)
{
	uint64_t next = 1; /* the lowest UID that the next range may have */

	wire_put_varint(b, count);
	for (size_t i = 0; i < count; i++) {
		wire_put_varint(b, ranges[i].first - next);
		wire_put_varint(b, ranges[i].last - ranges[i].first);
		next = (uint64_t)ranges[i].last + 1;
	}
}

struct store_set store_wire_set(struct wire *w, size_t max, struct arena *memory)
{
	size_t count = wire_count(w, 2);
	uint64_t next = 1;
	struct store_range *ranges;

	if (count > max)
		store_wire_fail(w);
	if (w->failed || count == 0)
		return (struct store_set){ NULL, 0 };
	ranges = store_wire_array(w, memory, count, sizeof(*ranges));
	for (size_t i = 0; i < count && !w->failed; i++) {
		uint64_t first = next + store_wire_upto(w, UINT32_MAX);
		uint64_t last = first + store_wire_upto(w, UINT32_MAX);

		if (last > UINT32_MAX) {
			store_wire_fail(w);
			break;
		}
		ranges[i] = (struct store_range){ (uint32_t)first, (uint32_t)last };
		next = last + 1;
	}
	return w->failed ? (struct store_set){ NULL, 0 } : (struct store_set){ ranges, count };
}

void store_wire_put_signed(struct buf *b, int64_t v)
{
	wire_put_varint(b, v < 0 ? ~(uint64_t)v << 1 | 1 : (uint64_t)v << 1);
}

int64_t store_wire_signed(struct wire *w)
{
	uint64_t v = wire_varint(w);

	return (int64_t)((v & 1) != 0 ? ~(v >> 1) : v >> 1);
}

uint64_t store_wire_upto(struct wire *w, uint64_t max)
{
	uint64_t v = wire_varint(w);

	if (v <= max)
		return v;
	store_wire_fail(w);
	return 0;
}

struct span store_wire_bytes(struct wire *w, size_t max)
{
	struct span s = wire_span(w);

	if (s.n <= max)
		return s;
	store_wire_fail(w);
	return (struct span){ NULL, 0 };
}

bool store_wire_is_line(struct span s, size_t max)
{
	if (s.n > max)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (ascii_control(s.p[i]))
			return false;
	return true;
}

struct span store_wire_line(struct wire *w, size_t max)
{
	struct span s = wire_span(w);

	if (store_wire_is_line(s, max))
		return s;
	store_wire_fail(w);
	return (struct span){ NULL, 0 };
}

bool store_wire_bool(struct wire *w)
{
	return store_wire_enum(w, 1) == 1;
}

unsigned store_wire_enum(struct wire *w, unsigned max)
{
	uint8_t v = wire_u8(w);

	if (v <= max)
		return v;
	store_wire_fail(w);
	return 0;
}

void *store_wire_array(struct wire *w, struct arena *memory, size_t count, size_t size)
{
	void *p = arena_array(memory, count > 0 ? count : 1, size);

	if (p == NULL)
		store_wire_fail(w);
	return p;
}
