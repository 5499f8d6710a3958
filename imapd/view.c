/* view.c - the contract is in view.h. */
#include "imapd/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imapd/set.h"

void imap_view_init(struct imap_view *v)
{
	*v = (struct imap_view){ .next_uid = 1 };
}

void imap_view_clear(struct imap_view *v)
{
	free(v->runs);
	free(v->recent.r);
	free(v->gone.r);
	imap_view_init(v);
}

/* Room for one more thing of `size` bytes in a list of n. */
static void *grown(void *list, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap > 0 ? *cap * 2 : 4;
	void *p;

	if (n < *cap)
		return list;
	if (more > SIZE_MAX / size)
		return NULL;
	p = realloc(list, more * size);
	if (p != NULL)
		*cap = more;
	return p;
}

static int ranges_append(struct imap_ranges *l, uint32_t first, uint32_t last)
{
	struct store_range *r = grown(l->r, l->n, &l->cap, sizeof(*r));

	if (r == NULL)
		return -ENOMEM;
	l->r = r;
	l->r[l->n++] = (struct store_range){ first, last };
	return 0;
}

int imap_ranges_push(struct imap_ranges *l, uint32_t number)
{
	if (l->n == 0 || number == 0 || l->r[l->n - 1].last != number - 1)
		return ranges_append(l, number, number);
	l->r[l->n - 1].last = number;
	return 0;
}

int imap_ranges_add(struct imap_ranges *l, uint32_t first, uint32_t last)
{
	if (l->n > 0 && first >= l->r[l->n - 1].first && first - 1 <= l->r[l->n - 1].last) {
		if (last > l->r[l->n - 1].last)
			l->r[l->n - 1].last = last;
		return 0;
	}
	if (ranges_append(l, first, last) != 0)
		return -ENOMEM;
	if (l->n > 1 && l->r[l->n - 2].first > first)
		l->n = imap_ranges_sort(l->r, l->n);
	return 0;
}

void imap_ranges_clear(struct imap_ranges *l)
{
	free(l->r);
	*l = (struct imap_ranges){ NULL, 0, 0 };
}

static bool ranges_have(const struct imap_ranges *l, uint32_t uid)
{
	struct store_set s = { l->r, l->n };

	return imap_set_has(&s, uid);
}

uint32_t imap_view_count(const struct imap_view *v)
{
	const struct imap_view_run *r;

	if (v->n == 0)
		return 0;
	r = &v->runs[v->n - 1];
	return r->before + (r->last - r->first) + 1;
}

uint32_t imap_view_last_uid(const struct imap_view *v)
{
	return v->n > 0 ? v->runs[v->n - 1].last : 0;
}

/* The first run that ends at uid or behind it; v->n if none does. */
static size_t run_of_uid(const struct imap_view *v, uint32_t uid)
{
	size_t low = 0, high = v->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (v->runs[mid].last < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint32_t imap_view_seq(const struct imap_view *v, uint32_t uid)
{
	size_t i = run_of_uid(v, uid);

	if (i == v->n || uid < v->runs[i].first)
		return 0;
	return v->runs[i].before + (uid - v->runs[i].first) + 1;
}

uint32_t imap_view_below(const struct imap_view *v, uint32_t uid)
{
	size_t i = run_of_uid(v, uid);

	if (i == v->n)
		return imap_view_count(v);
	if (uid < v->runs[i].first)
		return v->runs[i].before;
	return v->runs[i].before + (uid - v->runs[i].first) + 1;
}

uint32_t imap_view_uid(const struct imap_view *v, uint32_t seq)
{
	size_t low = 0, high = v->n;

	if (seq == 0 || seq > imap_view_count(v))
		return 0;
	while (high - low > 1) {
		size_t mid = (low + high) / 2;

		if (v->runs[mid].before < seq)
			low = mid;
		else
			high = mid;
	}
	return v->runs[low].first + (seq - 1 - v->runs[low].before);
}

bool imap_view_next(const struct imap_view *v, uint32_t *from, uint32_t last, struct store_range *out)
{
	size_t i = run_of_uid(v, *from);

	if (i == v->n || *from > last || v->runs[i].first > last)
		return false;
	out->first = v->runs[i].first > *from ? v->runs[i].first : *from;
	out->last = v->runs[i].last < last ? v->runs[i].last : last;
	*from = out->last + 1;
	return true;
}

static int run_add(struct imap_view *v, uint32_t first, uint32_t last)
{
	uint32_t count = imap_view_count(v);
	struct imap_view_run *r;

	if (v->n > 0 && v->runs[v->n - 1].last + 1 == first) {
		v->runs[v->n - 1].last = last;
		return 0;
	}
	r = grown(v->runs, v->n, &v->cap, sizeof(*r));
	if (r == NULL)
		return -ENOMEM;
	v->runs = r;
	v->runs[v->n++] = (struct imap_view_run){ first, last, count };
	return 0;
}

int imap_view_append(struct imap_view *v, uint32_t first, uint32_t last)
{
	int r;

	if (first < v->next_uid)
		first = v->next_uid;
	if (first == 0 || first > last || last == UINT32_MAX)
		return 0;
	r = run_add(v, first, last);
	if (r == 0)
		v->next_uid = last + 1;
	return r;
}

int imap_view_mark_recent(struct imap_view *v, uint32_t first, uint32_t last)
{
	return first > 0 && first <= last ? imap_ranges_add(&v->recent, first, last) : 0;
}

bool imap_view_is_recent(const struct imap_view *v, uint32_t uid)
{
	return ranges_have(&v->recent, uid);
}

uint32_t imap_view_recent(const struct imap_view *v)
{
	uint32_t n = 0;

	for (size_t i = 0; i < v->recent.n; i++)
		n += imap_view_below(v, v->recent.r[i].last) - imap_view_below(v, v->recent.r[i].first - 1);
	return n;
}

int imap_view_gone(struct imap_view *v, uint32_t first, uint32_t last)
{
	if (last >= v->next_uid)
		last = v->next_uid - 1;
	if (first == 0 || first > last || imap_view_below(v, last) == imap_view_below(v, first - 1))
		return 0;
	return imap_ranges_add(&v->gone, first, last);
}

bool imap_view_is_gone(const struct imap_view *v, uint32_t uid)
{
	return ranges_have(&v->gone, uid);
}

/* What is left of the runs once gone is taken out, into *left. */
static int run_subtract(const struct imap_view *v, struct imap_view *left)
{
	size_t g = 0;

	for (size_t i = 0; i < v->n; i++) {
		uint32_t at = v->runs[i].first, last = v->runs[i].last;

		while (g < v->gone.n && v->gone.r[g].last < at)
			g++;
		for (size_t k = g; at <= last; k++) {
			bool hit = k < v->gone.n && v->gone.r[k].first <= last;
			uint32_t end = hit ? v->gone.r[k].first - 1 : last;

			if (end >= at && run_add(left, at, end) != 0)
				return -ENOMEM;
			if (!hit)
				break;
			at = v->gone.r[k].last + 1;
		}
	}
	return 0;
}

int imap_view_expunge(struct imap_view *v)
{
	struct imap_view left;

	imap_view_init(&left);
	if (run_subtract(v, &left) != 0) {
		free(left.runs);
		return -ENOMEM;
	}
	free(v->runs);
	free(v->gone.r);
	v->runs = left.runs;
	v->n = left.n;
	v->cap = left.cap;
	v->gone = (struct imap_ranges){ NULL, 0, 0 };
	return 0;
}

uint64_t imap_view_among(const struct imap_view *v, const struct store_set *uids)
{
	uint64_t n = 0;

	for (size_t i = 0; i < uids->count; i++)
		n += imap_view_below(v, uids->ranges[i].last) - imap_view_below(v, uids->ranges[i].first - 1);
	return n;
}
