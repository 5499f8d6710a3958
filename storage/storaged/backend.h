/*
 * backend.h - what dispatch needs of a local store beyond store.h: files for bodies, and whose
 * token it is.
 */
#ifndef STORAGED_BACKEND_H
#define STORAGED_BACKEND_H

#include "common/config/config.h"
#include "storage/local/local.h"
#include "storage/storaged/dispatch.h"

struct backend {
	struct store *store; /* the caller's, as storage/local made it */
	uint8_t key[STORE_TOKEN_KEY];
	int proc_fd; /* /proc/self/fd: the sandbox lets no path in */
};

/* Before the sandbox. key: of tokens. */
int backend_init(struct backend *b, struct store *local, const uint8_t key[STORE_TOKEN_KEY],
		 struct error *err);
void backend_clear(struct backend *b);

/* What storaged.conf sets; folders and key are left as they are. */
void backend_limits(struct local_options *o, const struct config_scope *c);

/* Lends from b. */
struct dispatch_backend backend_dispatch(struct backend *b);

#endif
