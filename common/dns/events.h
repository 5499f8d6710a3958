/*
 * events.h - what libunbound waits for, in a uv loop.
 *
 * Its own interface for foreign loops (unbound-event.h), filled with uv_poll and uv_timer.
 */
#ifndef DNS_EVENTS_H
#define DNS_EVENTS_H

#include <unbound-event.h>
#include <uv.h>

struct events {
	struct ub_event_base base; /* first: this is what libunbound holds */
	uv_loop_t *loop;
};

/* For ub_ctx_create_ub_event, which lends it until ub_ctx_delete. What an event holds in the loop is
 * let go in the turn after its end. */
void events_init(struct events *e, uv_loop_t *loop);

#endif
