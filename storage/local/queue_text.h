/*
 * queue_text.h - queue/ID.envelope: an entry as text, from which a lost index is made again.
 *
 * Shape   Lines `key value`, LF at the end of each. "yubin-queue 1", then what was accepted, up to
 *         a line "end"; behind it what became of it since, line by line as it came. Control
 *         characters and '%' stand as %HH in values.
 *             yubin-queue 1 / id ID / created SECONDS / size BYTES / flags BITS /
 *             account USER@DOMAIN / envid TEXT / message-id TEXT
 *             sender ADDRESS          of the recipients that follow; without a value: <>
 *             to NUMBER NOTIFY ADDRESS, then if it has them: original ADDRESS, orcpt TEXT
 *             end
 *             done NUMBER             a recipient that waits no more
 *             later TRY ATTEMPTS SECONDS · due TRY SECONDS · noticed TRY
 *             hold TRY · release TRY · bounce TRY · route TRY HOST:PORT
 * Damage  All up to "end" must be there and whole. Behind it a line that is torn, or unknown,
 *         ends what is read: a crash may have cut it.
 */
#ifndef STORAGE_LOCAL_QUEUE_TEXT_H
#define STORAGE_LOCAL_QUEUE_TEXT_H

#include "storage/local/queue_record.h"

enum { QUEUE_FILE_MAX = 16 * 1024 * 1024 }; /* bytes of an envelope file that is read */

void queue_text_write(struct buf *out, const struct queue_letter *l);

/* Adds one line behind "end". */
void queue_text_done(struct buf *out, uint32_t recipient);
void queue_text_later(struct buf *out, uint32_t try, uint32_t attempts, int64_t due_s);
void queue_text_due(struct buf *out, uint32_t try, int64_t due_s);
void queue_text_mark(struct buf *out, uint32_t try, const char *mark); /* noticed hold release bounce */
void queue_text_route(struct buf *out, uint32_t try, struct span route);

/* Reads it into *l, whose memory is the arena's; recipients that are done are left out, and their
 * tries stay, empty. False: damage, or no memory. */
bool queue_text_parse(struct span in, struct arena *memory, struct queue_letter *l);

#endif
