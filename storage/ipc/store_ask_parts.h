/*
 * store_ask_parts.h - the rows of store_ask.c whose work is in files of their own.
 *
 * put gives why a request can't be asked; get fails w for what can't be.
 */
#ifndef STORAGE_STORE_ASK_PARTS_H
#define STORAGE_STORE_ASK_PARTS_H

#include "storage/ipc/store_ask.h"

#define STORE_ASK_PART(name)                                                                                 \
	enum store_status store_ask_put_##name(struct buf *b, const struct store_ask *ask);                  \
	void store_ask_get_##name(struct wire *w, struct store_ask *ask, struct arena *memory)

/* store_ask_change.c */
STORE_ASK_PART(commit);
STORE_ASK_PART(deliver);
void store_ask_put_txid(struct buf *b, const struct store_txid *txid);
void store_ask_get_txid(struct wire *w, struct store_txid *txid);
void store_ask_put_body(struct buf *b, const struct store_ask_body *body);
struct store_ask_body store_ask_get_body(struct wire *w);

/* store_ask_queue.c */
STORE_ASK_PART(lease);
STORE_ASK_PART(release);
STORE_ASK_PART(report);
STORE_ASK_PART(domain);
STORE_ASK_PART(times);
STORE_ASK_PART(note_get);
STORE_ASK_PART(note_put);
STORE_ASK_PART(notes);

#undef STORE_ASK_PART

#endif
