/* notify_table.c - which mailboxes are watched, and the table of them. The contract is in notify.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imapd/notify.h"

int notify_table_init(struct notify_table *t)
{
	*t = (struct notify_table){ .n = 0 };
	return arena_new(&t->names, NOTIFY_NAME_BYTES, ARENA_PLAIN, NULL);
}

void notify_table_clear(struct notify_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		notify_notes_clear(&t->boxes[i].notes);
	free(t->boxes);
	arena_free(t->names);
	*t = (struct notify_table){ .n = 0 };
}

int notify_compare(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int d = n > 0 ? memcmp(a.p, b.p, n) : 0;

	if (d != 0)
		return d;
	return a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}

struct span notify_parent(struct span name)
{
	while (name.n > 0 && name.p[name.n - 1] != '/')
		name.n--;
	if (name.n > 0)
		name.n--;
	return name;
}

/* --- whose ------------------------------------------------------------------ */

static bool is_within(struct span name, struct span top)
{
	return span_equal(name, top) ||
	       (name.n > top.n && name.p[top.n] == '/' && span_equal((struct span){ name.p, top.n }, top));
}

static bool is_named(const struct notify_group *g, struct span name)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->whose == NOTIFY_SUBTREE ? is_within(name, g->names[i]) : span_equal(name, g->names[i]))
			return true;
	return false;
}

/* RFC 5465 6.2 to 6.6. A delivery goes to INBOX and nowhere else; all there is is the user's own. */
static bool is_meant(const struct notify_group *g, const struct store_mailbox *m)
{
	switch (g->whose) {
	case NOTIFY_INBOXES:
		return span_is(m->name, "INBOX");
	case NOTIFY_PERSONAL:
		return true;
	case NOTIFY_SUBSCRIBED:
		return m->subscribed;
	default:
		return is_named(g, m->name);
	}
}

unsigned notify_events(const struct imap_notify *n, const struct store_mailbox *m)
{
	unsigned events = n->always;

	for (size_t i = 0; i < n->group_n; i++)
		if (is_meant(&n->groups[i], m))
			events |= n->groups[i].events;
	return events & ~(unsigned)NOTIFY_SERVER_NOTES;
}

/* A mailbox may come to be subscribed: then it is not one that was made. */
static bool is_watched(const struct imap_notify *n, const struct store_mailbox *m)
{
	struct store_mailbox subscribed = *m;

	subscribed.subscribed = true;
	return notify_events(n, &subscribed) != 0;
}

/* --- the table -------------------------------------------------------------- */

struct notify_box *notify_table_find(struct notify_table *t, struct span name)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int d = notify_compare(name, t->boxes[mid].m.name);

		if (d == 0)
			return &t->boxes[mid];
		if (d < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

struct notify_box *notify_table_by_id(struct notify_table *t, uint64_t id)
{
	for (size_t i = 0; i < t->n && id != 0; i++)
		if (t->boxes[i].m.id == id)
			return &t->boxes[i];
	return NULL;
}

static void note_child(struct notify_table *t, struct span name)
{
	for (name = notify_parent(name); name.n > 0; name = notify_parent(name)) {
		struct notify_box *above = notify_table_find(t, name);

		if (above != NULL)
			above->child = true;
	}
}

static int grow(struct notify_table *t)
{
	size_t cap = t->cap == 0 ? 16 : t->cap * 2;
	struct notify_box *boxes;

	if (t->n < t->cap)
		return 0;
	if (t->n >= NOTIFY_MAILBOXES)
		return -E2BIG;
	boxes = realloc(t->boxes, cap * sizeof(*boxes));
	if (boxes == NULL)
		return -ENOMEM;
	t->boxes = boxes;
	t->cap = cap;
	return 0;
}

int notify_table_add(struct notify_table *t, const struct imap_notify *n, const struct store_mailbox *m)
{
	struct notify_box *box;
	struct span name;
	int r;

	if (m->id != 0)
		note_child(t, m->name);
	if (!is_watched(n, m))
		return 0;
	r = t->n < NOTIFY_MAILBOXES ? grow(t) : -E2BIG;
	if (r != 0)
		return r;
	name = arena_copy(t->names, m->name);
	if (name.p == NULL)
		return -E2BIG;
	box = &t->boxes[t->n++];
	*box = (struct notify_box){ .m = *m, .events = notify_events(n, m) };
	box->m.name = name;
	return 0;
}
