/*
 * fake_loop.h - runs a fake store from a libuv loop, so that calls complete by themselves.
 */
#ifndef FAKE_LOOP_H
#define FAKE_LOOP_H

#include <uv.h>

#include "tests/fake/fake_store.h"

struct fake_loop; /* opaque */

/* As fake_store_new (o->wake is not used), and gives what drives it in *loop_out. Each call
 * completes delay_ms after the loop hears of it; 0: on its next turn. */
int fake_loop_new(struct fake_loop **loop_out, struct store **out, uv_loop_t *loop,
		  const struct fake_options *o, uint64_t delay_ms, struct error *err);
/* Nothing completes until fake_loop_go. */
void fake_loop_hold(struct fake_loop *l);
void fake_loop_go(struct fake_loop *l);
/* Drives a store that is there and stays the caller's; and leaves it. */
void fake_loop_over(struct fake_loop **out, struct store *s, uv_loop_t *loop, uint64_t delay_ms);
void fake_loop_leave(struct fake_loop *l);
/* The store too. The loop must run once more to let the handle go. */
void fake_loop_free(struct fake_loop *l);

#endif
