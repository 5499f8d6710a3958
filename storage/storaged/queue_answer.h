/*
 * queue_answer.h - storaged's answer to a question about the queue (storage/local/queue_order.h).
 */
#ifndef STORAGED_QUEUE_ANSWER_H
#define STORAGED_QUEUE_ANSWER_H

#include "common/base/buf.h"
#include "storage/store.h"

/* what: the whole question, "queue ...". s: a local store. */
void queue_answer(struct store *s, const char *what, struct buf *out);

#endif
