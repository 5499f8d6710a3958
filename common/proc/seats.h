/*
 * seats.h - long work on libuv's pool: so many at once, who finds no seat waits in line.
 *
 * A sitter lies in its owner's struct. On its seat it may prepare what it needs (asking the
 * store, say), run on the pool any number of times, and then rises: the first in line sits
 * down. So a crowd is served in turns, and what a seat needs is needed that often only.
 * All calls on the loop thread; `run` alone is called on a thread of the pool.
 */
#ifndef PROC_SEATS_H
#define PROC_SEATS_H

#include <uv.h>

struct seats;			/* opaque */

struct sitter {			/* zeros, but for the functions */
	/* It sits. May be called by seats_take. */
	void (*seated)(struct sitter *s);
	/* On the pool. */
	void (*run)(struct sitter *s);
	/* Behind run, on the loop. */
	void (*ran)(struct sitter *s);
	/* the rest is the module's */
	struct seats *seats;
	struct sitter *next;
	uv_work_t work;
};

/* count: how many sit at once. Gives the seats in *out. -ENOMEM. */
int seats_new(struct seats **out, uv_loop_t *loop, unsigned count);
/* Nobody may wait; who still sits may rise later, and the memory goes with the last. NULL is
 * allowed. */
void seats_free(struct seats *s);

void seats_take(struct seats *s, struct sitter *who);
/* Only on a seat, and not while it runs. */
void seats_run(struct sitter *who);
/* Leaves the seat, or the line. Not while it runs. */
void seats_rise(struct sitter *who);

#endif
