/*
 * txids.h - which transactions were done, and what came of them, for ten minutes.
 *
 * The results lie in the index under a running number, so that they are put one behind
 * the other and go from the front; memory holds 16 to 32 bytes for each to find them by.
 */
#ifndef STORAGE_LOCAL_TXIDS_H
#define STORAGE_LOCAL_TXIDS_H

#include "common/base/buf.h"
#include "storage/store.h"

struct local;
struct txids; /* opaque; defined in txids.c */

/* Reads those that the index has. */
int txids_new(struct txids **out, struct local *s, struct error *err);
void txids_free(struct txids *t);

/* True: done before. Lends its result until the next look into the index. */
bool txids_find(struct txids *t, const struct store_txid *txid, struct span *result);

/* Puts it into the open transaction, then, when that is committed, remembers it. */
int txids_put(struct txids *t, const struct store_txid *txid, struct span result);
void txids_keep(struct txids *t, const struct store_txid *txid);

/* Forgets those that are old, in turns. */
void txids_prune(struct txids *t);
size_t txids_count(const struct txids *t);

#endif
