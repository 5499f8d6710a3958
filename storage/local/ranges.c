/* ranges.c - the contract is in ranges.h. */
#include "storage/local/ranges.h"

#include <stdlib.h>
#include <string.h>

void ranges_init(struct ranges *r)
{
	*r = (struct ranges){ 0 };
}

void ranges_clear(struct ranges *r)
{
	free(r->at);
	ranges_init(r);
}

void ranges_reset(struct ranges *r)
{
	r->count = 0;
	r->failed = false;
}

static bool ranges_room(struct ranges *r, size_t count)
{
	size_t room = r->room > 0 ? r->room : 4;
	struct store_range *at;

	if (count <= r->room)
		return true;
	while (room < count)
		room *= 2;
	at = realloc(r->at, room * sizeof(*at));
	if (at == NULL) {
		r->failed = true;
		return false;
	}
	r->at = at;
	r->room = room;
	return true;
}

void ranges_push(struct ranges *r, uint32_t first, uint32_t last)
{
	if (ranges_room(r, r->count + 1))
		r->at[r->count++] = (struct store_range){ first, last };
}

size_t ranges_find(const struct ranges *r, uint32_t uid)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->at[middle].last < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool ranges_has(const struct ranges *r, uint32_t uid)
{
	size_t i = ranges_find(r, uid);

	return i < r->count && r->at[i].first <= uid;
}

void ranges_add(struct ranges *r, uint32_t first, uint32_t last)
{
	size_t from, to;

	if (r->count == 0 || r->at[r->count - 1].last < first - 1) {
		ranges_push(r, first, last);
		return;
	}
	from = ranges_find(r, first - 1); /* the first that touches the new one, ... */
	for (to = from; to < r->count && r->at[to].first <= (uint64_t)last + 1; to++)
		; /* ... and the first that is behind it */
	if (from == to) {
		if (!ranges_room(r, r->count + 1))
			return;
		memmove(&r->at[from + 1], &r->at[from], (r->count - from) * sizeof(*r->at));
		r->at[from] = (struct store_range){ first, last };
		r->count++;
		return;
	}
	if (r->at[from].first > first)
		r->at[from].first = first;
	r->at[from].last = r->at[to - 1].last > last ? r->at[to - 1].last : last;
	memmove(&r->at[from + 1], &r->at[to], (r->count - to) * sizeof(*r->at));
	r->count -= to - from - 1;
}

/* What is left of one range when those of `less` from *i on are taken out. */
static void subtract_one(struct ranges *out, struct store_range one, const struct ranges *less, size_t *i)
{
	while (*i < less->count && less->at[*i].last < one.first)
		(*i)++;
	for (size_t j = *i; j < less->count && less->at[j].first <= one.last; j++) {
		if (less->at[j].first > one.first)
			ranges_push(out, one.first, less->at[j].first - 1);
		if (less->at[j].last >= one.last)
			return;
		one.first = less->at[j].last + 1;
	}
	ranges_push(out, one.first, one.last);
}

void ranges_subtract(struct ranges *r, const struct ranges *less)
{
	struct ranges out;
	size_t i = 0;

	ranges_init(&out);
	for (size_t at = 0; at < r->count; at++)
		subtract_one(&out, r->at[at], less, &i);
	out.failed |= r->failed;
	free(r->at);
	*r = out;
}

static int range_order(const void *a, const void *b)
{
	const struct store_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

void ranges_normalize(struct ranges *r)
{
	size_t out = 0;

	if (r->count > 1)
		qsort(r->at, r->count, sizeof(*r->at), range_order);
	for (size_t i = 0; i < r->count; i++) {
		if (out > 0 && r->at[i].first <= (uint64_t)r->at[out - 1].last + 1) {
			if (r->at[i].last > r->at[out - 1].last)
				r->at[out - 1].last = r->at[i].last;
			continue;
		}
		r->at[out++] = r->at[i];
	}
	r->count = out;
}

void ranges_complement(const struct ranges *r, uint32_t first, uint32_t last, struct ranges *out)
{
	uint64_t at = first;

	for (size_t i = ranges_find(r, first); i < r->count && r->at[i].first <= last; i++) {
		if (r->at[i].first > at)
			ranges_push(out, (uint32_t)at, r->at[i].first - 1);
		at = (uint64_t)r->at[i].last + 1;
	}
	if (at <= last)
		ranges_push(out, (uint32_t)at, last);
}

struct store_set ranges_set(const struct ranges *r)
{
	return (struct store_set){ r->at, r->count };
}

uint64_t ranges_size(struct store_set s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s.count; i++)
		n += (uint64_t)s.ranges[i].last - s.ranges[i].first + 1;
	return n;
}

bool ranges_valid(struct store_set s)
{
	uint32_t before = 0;

	for (size_t i = 0; i < s.count; i++) {
		if (s.ranges[i].first <= before || s.ranges[i].first > s.ranges[i].last)
			return false;
		before = s.ranges[i].last;
	}
	return true;
}
