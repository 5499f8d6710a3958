/* thread.c - the contract is in thread.h. */
#include "imapd/thread.h"

#include <stdlib.h>

#include "imapd/format.h"

void thread_init(struct thread_forest *f)
{
	*f = (struct thread_forest){ .first = THREAD_NONE, .last = THREAD_NONE };
}

void thread_clear(struct thread_forest *f)
{
	free(f->nodes);
	thread_init(f);
}

uint32_t thread_add(struct thread_forest *f, uint32_t uid)
{
	if (f->n == f->cap) {
		size_t cap = f->cap > 0 ? 2 * f->cap : 64;
		struct thread_node *nodes = cap < THREAD_NONE ? realloc(f->nodes, cap * sizeof(*nodes)) : NULL;

		if (nodes == NULL)
			return THREAD_NONE;
		f->nodes = nodes;
		f->cap = cap;
	}
	f->nodes[f->n] = (struct thread_node){ THREAD_NONE, THREAD_NONE, THREAD_NONE, THREAD_NONE, uid };
	return (uint32_t)f->n++;
}

void thread_hang(struct thread_forest *f, uint32_t parent, uint32_t child)
{
	uint32_t *first = parent == THREAD_NONE ? &f->first : &f->nodes[parent].first;
	uint32_t *last = parent == THREAD_NONE ? &f->last : &f->nodes[parent].last;

	f->nodes[child].parent = parent;
	f->nodes[child].next = THREAD_NONE;
	if (*first == THREAD_NONE)
		*first = child;
	else
		f->nodes[*last].next = child;
	*last = child;
}

/* --- writing --------------------------------------------------------------- */

void thread_writer_init(struct thread_writer *w, const struct thread_forest *f)
{
	*w = (struct thread_writer){ .f = f, .at = f->first };
}

/* RFC 5256 5: a root, and each of several children, has brackets of its own. */
static bool in_brackets(const struct thread_forest *f, const struct thread_node *n)
{
	return n->parent == THREAD_NONE || f->nodes[n->parent].first != f->nodes[n->parent].last;
}

uint32_t thread_writer_uid(const struct thread_writer *w)
{
	return w->at == THREAD_NONE || w->up ? 0 : w->f->nodes[w->at].uid;
}

static void go_up(struct thread_writer *w, const struct thread_node *n, struct buf *out)
{
	if (in_brackets(w->f, n))
		buf_put_byte(out, ')');
	w->up = n->next == THREAD_NONE;
	w->at = w->up ? n->parent : n->next;
}

bool thread_write(struct thread_writer *w, uint32_t number, struct buf *out)
{
	const struct thread_node *n, *parent;

	if (w->at == THREAD_NONE)
		return false;
	n = &w->f->nodes[w->at];
	if (w->up) {
		go_up(w, n, out);
		return true;
	}
	parent = n->parent != THREAD_NONE ? &w->f->nodes[n->parent] : NULL;
	if (parent != NULL && parent->uid != 0 && parent->first == w->at)
		buf_put_byte(out, ' ');
	if (in_brackets(w->f, n))
		buf_put_byte(out, '(');
	if (n->uid != 0)
		imap_put_number(out, number);
	if (n->first != THREAD_NONE)
		w->at = n->first;
	else
		w->up = true;
	return true;
}
