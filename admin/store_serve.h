/*
 * store_serve.h - storaged for one command, while no server runs: a process of its own.
 *
 * It opens mail/, queue/ and db/ as the server would, locks them, drops to the store's user and serves one client:
 * the command, which keeps its own rights and reads and writes elsewhere by those. It ends when the command has
 * closed `alive`, or is gone in whatever way; what is in hand is on disk then, and the folders are free.
 */
#ifndef ADMIN_STORE_SERVE_H
#define ADMIN_STORE_SERVE_H

#include <sys/types.h>

#include "admin/site.h"
#include "storage/token.h"

struct store_serve {
	pid_t pid;	/* 0: none */
	int alive;	/* the caller's; closed to end it */
};

/* Starts it before any thread is. Gives the client's socket in *fd and a token for the account. */
int store_serve_start(struct store_serve *v, const struct site *s, const char *account, int *fd,
		      struct store_token *token, struct error *err);
/* Waits until it has ended. Of one that never started: nothing. */
void store_serve_end(struct store_serve *v);

#endif
