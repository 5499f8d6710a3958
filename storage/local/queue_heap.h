/*
 * queue_heap.h - what is due first: a heap whose nodes stand in their owners' structs.
 *
 * Cost    Putting, taking and moving are O(log n). Memory 8 bytes a node, growing by doubling.
 */
#ifndef STORAGE_LOCAL_QUEUE_HEAP_H
#define STORAGE_LOCAL_QUEUE_HEAP_H

#include <stdbool.h>
#include <stdint.h>

enum { HEAP_OUT = UINT32_MAX };

struct heap_node {
	uint64_t key; /* the least comes first; not to be changed while it is in a heap */
	uint32_t at;  /* HEAP_OUT: in none */
};

struct heap { /* all zero: empty */
	struct heap_node **at;
	uint32_t count, room;
};

void heap_node_init(struct heap_node *node, uint64_t key);
static inline bool heap_has(const struct heap_node *node)
{
	return node->at != (uint32_t)HEAP_OUT;
}

/* Puts a node that is in no heap. 0 or -ENOMEM. */
int heap_put(struct heap *h, struct heap_node *node);
/* Nothing if it is in none; else it is in this one. */
void heap_remove(struct heap *h, struct heap_node *node);
/* The first, or NULL. */
struct heap_node *heap_top(const struct heap *h);
void heap_clear(struct heap *h);

#endif
