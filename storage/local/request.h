/*
 * request.h - the driver's functions that change something (storage/store.h).
 */
#ifndef STORAGE_LOCAL_REQUEST_H
#define STORAGE_LOCAL_REQUEST_H

#include "storage/store.h"

struct commit;
struct local;

/* A delivery's commit, filled and not yet started; stage and recipients may be none if the caller
 * adds what else there is to do. It may have failed already. */
struct commit *request_new(struct local *s, const struct store_delivery *d, const struct store_txid *txid,
			   store_done done);

uint64_t request_commit(struct store_account *a, const struct store_mutation *mutations, size_t count,
			const struct store_txid *txid, store_commit_done done, void *arg);
uint64_t request_deliver(struct store *base, const struct store_delivery *d, const struct store_txid *txid,
			 store_done done, void *arg);
uint64_t request_meta_put(struct store_account *a, uint64_t mailbox, uint32_t uid, struct span meta,
			  store_done done, void *arg);

#endif
