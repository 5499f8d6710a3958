/* queue_heap.c - the contract is in queue_heap.h. */
#include "storage/local/queue_heap.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

enum { HEAP_FIRST = 4 };

void heap_node_init(struct heap_node *node, uint64_t key)
{
	node->key = key;
	node->at = HEAP_OUT;
}

static void heap_set(struct heap *h, uint32_t at, struct heap_node *node)
{
	h->at[at] = node;
	node->at = at;
}

/* Brings the node at `at` to its place: up, or down. */
static void heap_sift(struct heap *h, uint32_t at)
{
	struct heap_node *node = h->at[at];

	while (at > 0 && node->key < h->at[(at - 1) / 2]->key) {
		heap_set(h, at, h->at[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child + 1 < h->count && h->at[child + 1]->key < h->at[child]->key)
			child++;
		if (child >= h->count || h->at[child]->key >= node->key)
			break;
		heap_set(h, at, h->at[child]);
		at = child;
	}
	heap_set(h, at, node);
}

static int heap_resize(struct heap *h, uint32_t room)
{
	struct heap_node **at = realloc(h->at, room * sizeof(struct heap_node *));

	if (at == NULL)
		return -ENOMEM;
	h->at = at;
	h->room = room;
	return 0;
}

int heap_put(struct heap *h, struct heap_node *node)
{
	if (h->count == h->room && heap_resize(h, h->room > 0 ? 2 * h->room : HEAP_FIRST) < 0)
		return -ENOMEM;
	heap_set(h, h->count++, node);
	heap_sift(h, node->at);
	return 0;
}

void heap_remove(struct heap *h, struct heap_node *node)
{
	uint32_t at = node->at;
	struct heap_node *last;

	if (at == (uint32_t)HEAP_OUT)
		return;
	node->at = HEAP_OUT;
	last = h->at[--h->count];
	if (last != node) {
		heap_set(h, at, last);
		heap_sift(h, at);
	}
	if (h->room > HEAP_FIRST && h->count < h->room / 4)
		heap_resize(h, h->room / 2); /* without memory it stays as large as it is */
}

struct heap_node *heap_top(const struct heap *h)
{
	return h->count > 0 ? h->at[0] : NULL;
}

void heap_clear(struct heap *h)
{
	free(h->at);
	*h = (struct heap){ 0 };
}
