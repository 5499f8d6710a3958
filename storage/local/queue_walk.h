/*
 * queue_walk.h - the entries of the queue as the index has them, one after another, and which of
 * their jobs fit a filter.
 */
#ifndef STORAGE_LOCAL_QUEUE_WALK_H
#define STORAGE_LOCAL_QUEUE_WALK_H

#include "storage/local/queue.h"
#include "storage/local/queue_admin.h"

struct queue_walked { /* an entry, lent until the function returns */
	char id[STORE_ID_MAX];
	struct queue_entry *entry; /* in memory; NULL: it is just coming, or going */
	struct queue_record *records;
	uint32_t *jobs;       /* of each key, whether its record can be read or not */
	size_t count;         /* of both */
	bool damaged;         /* a record can't be read: it has no recipients here */
	struct arena *memory; /* for the function, too */
};

/* False: no more. */
typedef bool (*queue_walk_step)(void *arg, const struct queue_walked *w);

/* From the cursor on, which moves along, QUEUE_ADMIN_LOOK records about. The function may change
 * the entry at hand. 0 or a negative errno. */
int queue_walk(struct queue *q, const struct queue_filter *f, struct queue_cursor *at, queue_walk_step step,
	       void *arg);

/* Does the entry fit, as far as it is not about jobs? */
bool queue_fits_head(const struct queue_filter *f, const struct queue_walked *w, const struct queue_head *h);
/* The filter says nothing about jobs. */
bool queue_fits_any_job(const struct queue_filter *f);
/* The job in memory, if it fits; else NULL. */
struct queue_slot *queue_fits_job(const struct queue_filter *f, const struct queue_walked *w,
				  const struct queue_record *r);
bool queue_fits_recipient(const struct queue_filter *f, const struct queue_to *to);
enum queue_state queue_slot_state(const struct queue_slot *slot);

#endif
