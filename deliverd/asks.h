/*
 * asks.h - questions that wait for an answer, and get it when the loop turns.
 *
 * Who keeps answers (sts.c, memory.c) puts each question in here, about one of its own
 * records, and says when that record is ready: never does an answer come from within the call
 * that asked.
 */
#ifndef DELIVERD_ASKS_H
#define DELIVERD_ASKS_H

#include <stdbool.h>
#include <uv.h>

#include "common/base/error.h"

struct asks;			/* opaque */

/* A callback of any type: the owner knows which. */
typedef void (*asks_done)(void);
/* Answers one question that was put by asks_add; more may be put, or asks_free called, in here. */
typedef void (*asks_answer)(void *owner, void *about, asks_done done, void *arg);

int asks_new(struct asks **out, uv_loop_t *loop, asks_answer answer, void *owner, struct error *err);
/* Forgets all of them. The loop must run once more. NULL is allowed. */
void asks_free(struct asks *a);

/* Gives its number; 0: no memory. */
uint64_t asks_add(struct asks *a, void *about, asks_done done, void *arg);
void asks_cancel(struct asks *a, uint64_t number);

/* Those that wait for it now are answered when the loop turns. */
void asks_ready(struct asks *a, const void *about);
/* Somebody waits for it. */
bool asks_wait(const struct asks *a, const void *about);

#endif
