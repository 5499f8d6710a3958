/*
 * together.h - what is to be on disk goes there in rounds: all that is ready while one round is under
 * way is the next round, whoever asked for it.
 *
 * A round of several files is one sync of the file system: a fraction of the work of one for each
 * file. It writes what others have written there, too. Where that has taken long, each is synced by itself,
 * and at once, for a while.
 */
#ifndef STORAGE_LOCAL_TOGETHER_H
#define STORAGE_LOCAL_TOGETHER_H

#include <stddef.h>

#include "common/base/error.h"
#include "storage/local/pool.h"

/* Stands in its owner's struct until done is called. */
struct together {
	struct job job;
	struct together *next;
	size_t files; /* that sync would sync */
	int result;

	/* On the pool: what comes first. In the file system of mail/tmp, or it is synced there and then. */
	void (*run)(struct together *t);
	/* On the pool: syncs this one. 0 or a negative errno. */
	int (*sync)(struct together *t);
	/* On the loop; may free t. result: of sync, or of the round. */
	void (*done)(struct together *t, int result);
};

struct rounds;

int rounds_new(struct rounds **out, struct local *s, struct error *err);
void rounds_free(struct rounds *r);
/* run at once, then the next round. */
void together_add(struct local *s, struct together *t);
/* All of it at once and by itself: nobody has to wait for it. */
void together_alone(struct local *s, struct together *t);

#endif
