/*
 * list.h - things in a row, each linked into it by a member of its own.
 *
 * A struct link stands alone (points to itself) or in one list. No memory, no order but that
 * of the calls.
 */
#ifndef DELIVERD_LIST_H
#define DELIVERD_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
	struct link *next, *prev;
};

/* The struct that holds the link l as its member. */
#define LINK_OF(l, type, member) ((type *)(void *)((char *)(l)-offsetof(type, member)))

static inline void link_init(struct link *l)
{
	l->next = l->prev = l;
}

/* For the list itself; for one in it: that it stands alone. */
static inline bool link_empty(const struct link *l)
{
	return l->next == l;
}

static inline void link_remove(struct link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	link_init(l);
}

/* Behind `at`; with the list itself as `at`: in front of all others. l stands alone. */
static inline void link_insert(struct link *at, struct link *l)
{
	l->prev = at;
	l->next = at->next;
	at->next->prev = l;
	at->next = l;
}

static inline void link_append(struct link *list, struct link *l)
{
	link_insert(list->prev, l);
}

/* Takes the first one off; NULL if there is none. */
static inline struct link *link_take(struct link *list)
{
	struct link *l = list->next;

	if (l == list)
		return NULL;
	link_remove(l);
	return l;
}

#endif
