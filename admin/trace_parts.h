/*
 * trace_parts.h - what `yubin trace` prints.
 */
#ifndef ADMIN_TRACE_PARTS_H
#define ADMIN_TRACE_PARTS_H

#include "admin/trace_book.h"
#include "common/base/buf.h"

enum trace_queue { /* what is known of the queue */
		   TRACE_QUEUE_ASKED,
		   TRACE_QUEUE_AWAY /* no server runs */
};

/* trace_text.c, trace_json.c: all messages of the book, appended. */
void trace_text_write(struct buf *out, struct trace_book *b, enum trace_queue queue);
void trace_json_write(struct buf *out, struct trace_book *b, enum trace_queue queue);

/* "delivered", "deferred" ...: the words of --json. */
const char *trace_kind_name(enum trace_kind kind);

#endif
