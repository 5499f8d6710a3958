/*
 * store_ipc.h - the store as the daemons see it: storaged behind a socket.
 *
 * Shape   Made before there is a socket; store_ipc_attach gives it one, and a fresh
 *         one after storaged was restarted. What was asked and not answered is then
 *         sent again (reads as they are, changes under their txid), accounts are
 *         logged in again with their tokens, locks and watches renewed: callers
 *         notice a pause. STORE_TRY_LATER after STORE_IPC_WAIT_MS without storaged, or
 *         STORE_UNKNOWN for a change that had been sent.
 * Order   Calls of one account are sent in the order in which they were made.
 * Logout  store_logout forgets the callbacks of the account's open calls, as
 *         store_cancel does; changes among them are made all the same.
 * Limits  STORE_IPC_OPEN calls open; a body up to STORE_IPC_INLINE bytes stays in
 *         memory and goes along in the message, up to STORE_IPC_COMMIT of one commit; a larger
 *         one is written to a staged file.
 */
#ifndef STORAGE_STORE_IPC_H
#define STORAGE_STORE_IPC_H

#include <uv.h>

#include "storage/store.h"

enum {
	STORE_IPC_OPEN = 65536,
	STORE_IPC_INLINE = 48 * 1024,
	STORE_IPC_COMMIT = 512 * 1024,
	STORE_IPC_WAIT_MS = 15000
};

int store_ipc_new(struct store **out, uv_loop_t *loop, struct error *err);
/* Keeps fd. */
void store_ipc_attach(struct store *s, int fd);
/* lost is called when the socket has ended: because storaged has, or because it found a message malformed. */
void store_ipc_watch(struct store *s, void (*lost)(void *arg), void *arg);
/* Logins were refused because storaged is of another version (store_wire.h). */
bool store_ipc_strange(const struct store *s);
/* Open calls are forgotten. Accounts and stages that are left stay the callers' to log out and
 * free; what is called on them gives STORE_REFUSED. */
void store_ipc_free(struct store *s);

#endif
