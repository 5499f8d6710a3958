/* merge.c - the contract is in merge.h. */
#include "imapd/merge.h"

#include <errno.h>
#include <stdlib.h>

static size_t at_most(size_t a, size_t n)
{
	return a < n ? a : n;
}

static void begin_pair(struct merge *m)
{
	m->i = m->k = m->low;
	m->j = at_most(m->low + m->width, m->n);
}

int merge_init(struct merge *m, size_t n, merge_compare compare, const void *arg)
{
	*m = (struct merge){ .n = n, .width = 1, .compare = compare, .arg = arg };
	m->order = calloc(n + 1, sizeof(*m->order));
	m->spare = calloc(n + 1, sizeof(*m->spare));
	if (m->order == NULL || m->spare == NULL) {
		merge_clear(m);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		m->order[i] = (uint32_t)i;
	begin_pair(m);
	return 0;
}

static void next_pair(struct merge *m)
{
	m->low = at_most(m->low + 2 * m->width, m->n);
	if (m->low == m->n) {
		uint32_t *done = m->spare;

		m->spare = m->order;
		m->order = done;
		m->width *= 2;
		m->low = 0;
	}
	begin_pair(m);
}

bool merge_go(struct merge *m, size_t steps)
{
	while (m->width < m->n) {
		size_t mid = at_most(m->low + m->width, m->n), high = at_most(m->low + 2 * m->width, m->n);

		for (; m->k < high; m->k++) {
			bool left;

			if (steps-- == 0)
				return false;
			left = m->i < mid && (m->j >= high || m->compare(m->arg, m->order[m->i], m->order[m->j]) <= 0);
			m->spare[m->k] = m->order[left ? m->i++ : m->j++];
		}
		next_pair(m);
	}
	return true;
}

void merge_clear(struct merge *m)
{
	free(m->order);
	free(m->spare);
	m->order = m->spare = NULL;
	m->n = 0;
}
