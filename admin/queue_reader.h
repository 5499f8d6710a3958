/*
 * queue_reader.h - what storaged says of its queue, page by page, made into entries again.
 *
 * Shape   queue_reader_take reads one answer and says whether there are more pages; entries that
 *         pages cut in two are given whole.
 * Memory  One entry with its recipients, at most STORE_RECIPIENTS.
 * Pure    No I/O.
 */
#ifndef ADMIN_QUEUE_READER_H
#define ADMIN_QUEUE_READER_H

#include "storage/local/queue_order.h"

struct queue_reader; /* opaque */

/* show is lent each entry; NULL: a change was ordered. */
int queue_reader_new(struct queue_reader **out, queue_show show, void *arg, struct error *err);
void queue_reader_free(struct queue_reader *r);

/* 1: there is more, *o says behind what; 0: that was all; -EIO with storaged's words, -EPROTO or
 * -ENOMEM. done may be NULL; what was changed is added to it. */
int queue_reader_take(struct queue_reader *r, struct span answer, struct queue_order *o,
		      struct queue_acted *done, struct error *err);

#endif
