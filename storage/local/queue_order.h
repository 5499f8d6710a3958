/*
 * queue_order.h - what `yubin queue` asks storaged (queue_admin.h), and the lines of the answer.
 *
 * Shape   A question is "queue VERB" and fields, an answer is lines of fields: a word, and behind it
 *         NAME=VALUE with a tab before each. In a value, control characters and '%' are %XX. Empty
 *         texts and zeros are left out; names that are not known are passed over.
 * List    `entry id created size account envid message flags aside`, and below it a `recipient` line for
 *         each that waits; then `next after from` (ask again with these) or `end`.
 * Change  `done entries recipients`, then `next after` or `end`.
 * Fault   `error words`, alone.
 * Pages   An answer has about QUEUE_ORDER_PAGE bytes, wherever that cuts: from = how many
 *         recipients of the entry behind `after` were shown already.
 * Pure    No I/O.
 */
#ifndef STORAGE_LOCAL_QUEUE_ORDER_H
#define STORAGE_LOCAL_QUEUE_ORDER_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "storage/local/queue_admin.h"

enum {
	QUEUE_ORDER_MAX = 4000,       /* bytes of a question */
	QUEUE_ORDER_PAGE = 40 * 1024, /* of an answer; the longest line may stand behind it */
	QUEUE_ORDER_LIST = -1         /* queue_order.what: no enum queue_action */
};

struct queue_order {
	int what; /* QUEUE_ORDER_LIST or enum queue_action */
	struct queue_filter filter;
	struct span route;        /* QUEUE_ACT_ROUTE */
	char after[STORE_ID_MAX]; /* cursor; empty: from the first */
	uint32_t from;
};

/* Appends the question. b->failed: it is too long. */
void queue_order_write(struct buf *b, const struct queue_order *o);
/* Texts are the arena's. False: it is no such question, or no memory. */
bool queue_order_read(struct queue_order *o, struct span question, struct arena *memory);

/* --- fields ------------------------------------------------------------------- */

void queue_field_text(struct buf *b, const char *name, struct span value);
void queue_field_number(struct buf *b, const char *name, uint64_t value);

/* Takes the next field off a line; *value as it stands there. False at the end. */
bool queue_field_next(struct span *line, struct span *name, struct span *value);
/* What a value says; { NULL, 0 } without memory, or where it is none. */
struct span queue_field_decode(struct span value, struct arena *memory);
/* 0 where it is no number. */
uint64_t queue_field_value(struct span value);

/* The lines of an entry and of one of its recipients. */
void queue_order_put_entry(struct buf *b, const struct queue_shown *e);
void queue_order_put_recipient(struct buf *b, const struct queue_shown_recipient *r);
/* The same read; the line's word is taken off already. False without memory. */
bool queue_order_get_entry(struct span line, struct queue_shown *e, struct arena *memory);
bool queue_order_get_recipient(struct span line, struct queue_shown_recipient *r, struct arena *memory);

#endif
