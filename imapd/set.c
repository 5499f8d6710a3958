/* set.c - the contract is in set.h. */
#include "imapd/set.h"

#include <stdlib.h>

#include "imapd/format.h"

static int by_first(const void *a, const void *b)
{
	const struct store_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

size_t imap_ranges_sort(struct store_range *r, size_t n)
{
	size_t kept = 0;
	bool sorted = true;

	for (size_t i = 1; i < n; i++)
		sorted &= r[i - 1].first <= r[i].first;
	if (!sorted)
		qsort(r, n, sizeof(*r), by_first);
	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && (r[kept - 1].last == UINT32_MAX || r[i].first <= r[kept - 1].last + 1)) {
			if (r[i].last > r[kept - 1].last)
				r[kept - 1].last = r[i].last;
		} else {
			r[kept++] = r[i];
		}
	}
	return kept;
}

bool imap_set_resolve(const struct imap_set *s, uint32_t largest, struct arena *a, struct store_set *out)
{
	struct store_range *r = arena_array(a, s->n, sizeof(*r));
	size_t n = 0;

	if (r == NULL)
		return false;
	for (size_t i = 0; i < s->n; i++) {
		uint32_t first = s->ranges[i].first > 0 ? s->ranges[i].first : largest;
		uint32_t last = s->ranges[i].last > 0 ? s->ranges[i].last : largest;

		if (first == 0 || last == 0)
			continue;	/* "*" where there is nothing */
		r[n].first = first < last ? first : last;	/* RFC 3501 9: 4:2 is 2:4 */
		r[n++].last = first < last ? last : first;
	}
	*out = (struct store_set){ r, imap_ranges_sort(r, n) };
	return true;
}

bool imap_set_has(const struct store_set *s, uint32_t number)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (number > s->ranges[mid].last)
			low = mid + 1;
		else
			high = mid;
	}
	return low < s->count && number >= s->ranges[low].first;
}

uint32_t imap_set_last(const struct store_set *s)
{
	return s->count > 0 ? s->ranges[s->count - 1].last : 0;
}

uint64_t imap_set_count(const struct store_set *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += (uint64_t)s->ranges[i].last - s->ranges[i].first + 1;
	return n;
}

void imap_set_write(const struct store_set *s, struct buf *out)
{
	for (size_t i = 0; i < s->count; i++) {
		if (i > 0)
			buf_put_byte(out, ',');
		imap_put_number(out, s->ranges[i].first);
		if (s->ranges[i].last == s->ranges[i].first)
			continue;
		buf_put_byte(out, ':');
		imap_put_number(out, s->ranges[i].last);
	}
}
