/* tree.c - the contract is in tree.h. */
#include "imapd/tree.h"

#include <stdlib.h>

void imap_tree_clear(struct imap_tree *t)
{
	free(t->names);
	*t = (struct imap_tree){ NULL, 0, 0 };
}

static bool add(struct imap_tree *t, const struct imap_name *n)
{
	if (t->n == t->cap) {
		size_t cap = t->cap > 0 ? t->cap * 2 : 16;
		struct imap_name *p = cap < SIZE_MAX / sizeof(*p) ? realloc(t->names, cap * sizeof(*p)) : NULL;

		if (p == NULL)
			return false;
		t->names = p;
		t->cap = cap;
	}
	t->names[t->n++] = *n;
	return true;
}

bool imap_tree_add(struct imap_tree *t, struct arena *a, const struct store_mailbox *m)
{
	struct imap_name n = { .box = *m };

	n.box.name = arena_copy(a, m->name);
	return n.box.name.p != NULL && add(t, &n);
}

/* "/" sorts before everything, so that what is below a name follows it. */
static int weight(uint8_t c)
{
	return c == '/' ? 0 : c + 1;
}

static int by_path(const void *a, const void *b)
{
	struct span x = ((const struct imap_name *)a)->box.name, y = ((const struct imap_name *)b)->box.name;

	for (size_t i = 0; i < x.n && i < y.n; i++)
		if (x.p[i] != y.p[i])
			return weight(x.p[i]) - weight(y.p[i]);
	return (x.n > y.n) - (x.n < y.n);
}

static bool is_below(struct span name, struct span parent)
{
	return name.n > parent.n && name.p[parent.n] == '/' &&
	       span_equal((struct span){ name.p, parent.n }, parent);
}

/* Parents of name that do not stand in front of it: they share no whole level with the
 * name before. */
static bool add_parents(struct imap_tree *out, struct span name, struct span before)
{
	for (size_t i = 0; i < name.n; i++) {
		struct imap_name parent = { .box = { .name = { name.p, i } } };

		if (name.p[i] != '/' || i == 0)
			continue;
		if (span_equal(before, parent.box.name) || is_below(before, parent.box.name))
			continue;
		if (!add(out, &parent))
			return false;
	}
	return true;
}

/* Whoever stands in front of a name is its parent, or has a parent in common with it. */
static void find_parents(struct imap_tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		size_t up = i > 0 ? i - 1 : IMAP_NO_PARENT;

		while (up != IMAP_NO_PARENT && !is_below(t->names[i].box.name, t->names[up].box.name))
			up = t->names[up].parent;
		t->names[i].parent = up;
		if (t->names[i].box.id == 0)
			continue;
		for (; up != IMAP_NO_PARENT && !t->names[up].child; up = t->names[up].parent)
			t->names[up].child = true;
	}
}

bool imap_tree_finish(struct imap_tree *t)
{
	struct imap_tree out = { NULL, 0, 0 };
	struct span before = { NULL, 0 };

	if (t->n > 1)
		qsort(t->names, t->n, sizeof(*t->names), by_path);
	for (size_t i = 0; i < t->n; i++) {
		if (!add_parents(&out, t->names[i].box.name, before) || !add(&out, &t->names[i])) {
			imap_tree_clear(&out);
			return false;
		}
		before = t->names[i].box.name;
	}
	find_parents(&out);
	free(t->names);
	*t = out;
	return true;
}

void imap_tree_above(struct imap_tree *t, size_t i)
{
	bool hides = !t->names[i].matches;

	for (size_t up = t->names[i].parent; up != IMAP_NO_PARENT; up = t->names[up].parent) {
		struct imap_name *n = &t->names[up];

		if (n->below && (n->hidden || !hides))
			break;
		n->below = true;
		n->hidden |= hides;
	}
}
