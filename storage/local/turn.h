/*
 * turn.h - work on the loop thread, a piece at a time, each in its turn.
 *
 * A step does at most 256 records or 1 ms and says whether there is more; meanwhile the
 * loop goes round. What completes "never before the call has returned" does so here.
 * Memory  None: a turn stands in the struct of whoever owns the work.
 */
#ifndef STORAGE_LOCAL_TURN_H
#define STORAGE_LOCAL_TURN_H

#include <uv.h>

#include "common/base/error.h"
#include "storage/store.h"

enum { TURN_RECORDS = 256 };

enum turn_more { TURN_AGAIN, TURN_DONE };
/* May free the turn if it returns TURN_DONE. */
typedef enum turn_more (*turn_step)(void *arg);

struct turn {
	turn_step step;
	void *arg;
	struct turn *next, *before; /* NULL: not in the queue */
};

struct turns; /* opaque; defined in turn.c */

int turns_new(struct turns **out, uv_loop_t *loop, struct error *err);
/* Frees it when the loop has closed its handle. The queue must be empty, or is forgotten. */
void turns_free(struct turns *t);

/* Puts it at the end of the queue; nothing if it stands there already. */
void turns_add(struct turns *t, struct turn *turn, turn_step step, void *arg);
/* Takes it out if it is there. */
void turns_remove(struct turn *turn);

/* Something that happens later, told once. */
struct after {
	void (*run)(struct after *after, enum store_status status);
	struct after *next;
};

struct after_list {
	struct after *first, *last;
};

void after_add(struct after_list *list, struct after *after);
/* Empties the list first, so that those who are told may wait anew. */
void after_run(struct after_list *list, enum store_status status);
/* Moves all of `from` behind `to`. */
void after_move(struct after_list *to, struct after_list *from);

#endif
