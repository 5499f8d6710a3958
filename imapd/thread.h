/*
 * thread.h - messages as a forest: who answers whom (RFC 5256 3, THREAD).
 *
 * Pure but for imapd's own memory: nodes are numbers, links are numbers, so that a forest of
 * 100,000 messages is a few arrays and nothing here goes deeper than a loop.
 */
#ifndef IMAPD_THREAD_H
#define IMAPD_THREAD_H

#include "common/base/buf.h"

#define THREAD_NONE UINT32_MAX

struct thread_node {
	uint32_t parent, first, last, next;	/* THREAD_NONE: there is none */
	uint32_t uid;				/* 0: stands for what was not found */
};

struct thread_forest {
	struct thread_node *nodes;
	size_t n, cap;
	uint32_t first, last;			/* the roots, a list by next */
};

void thread_init(struct thread_forest *f);
void thread_clear(struct thread_forest *f);

/* A node beside all others; THREAD_NONE: no memory. */
uint32_t thread_add(struct thread_forest *f, uint32_t uid);

/* Puts child, which hangs nowhere, behind the last child of parent; parent THREAD_NONE: behind the
 * last root. */
void thread_hang(struct thread_forest *f, uint32_t parent, uint32_t child);

/* Writes the forest in pieces: "(2)(3 6 (4 23)(44 7 96))". */
struct thread_writer {
	const struct thread_forest *f;
	uint32_t at;				/* THREAD_NONE: all is written */
	bool up;				/* at and what is below it are written */
};

void thread_writer_init(struct thread_writer *w, const struct thread_forest *f);
/* One step: at most a number and a bracket or two. number is what stands for a UID. False: done. */
bool thread_write(struct thread_writer *w, uint32_t number, struct buf *out);
/* The UID that the next step writes; 0: none. */
uint32_t thread_writer_uid(const struct thread_writer *w);

#endif
