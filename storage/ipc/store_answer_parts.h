/*
 * store_answer_parts.h - the rows of store_answer.c whose work is in store_answer_queue.c.
 */
#ifndef STORAGE_STORE_ANSWER_PARTS_H
#define STORAGE_STORE_ANSWER_PARTS_H

#include "storage/ipc/store_answer.h"

void store_answer_put_lease(struct buf *b, const struct store_answer *a);
void store_answer_get_lease(struct wire *w, struct store_answer *a, struct arena *memory);
void store_answer_put_note(struct buf *b, const struct store_answer *a);
void store_answer_get_note(struct wire *w, struct store_answer *a, struct arena *memory);
void store_answer_put_notes(struct buf *b, const struct store_answer *a);
void store_answer_get_notes(struct wire *w, struct store_answer *a, struct arena *memory);

#endif
