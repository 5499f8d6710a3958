/*
 * state.h - what authd.c, peer.c and login.c share. Nobody else includes it.
 */
#ifndef AUTHD_STATE_H
#define AUTHD_STATE_H

#include "auth/auth_wire.h"
#include "auth/authd/authd.h"
#include "auth/authd/cache.h"
#include "auth/authd/hasher.h"
#include "auth/authd/guesses.h"
#include "auth/authd/seen_file.h"
#include "common/ipc/ipc.h"

struct login;			/* one that is under way; login.c */

/* A daemon at the other end of a socket. */
struct peer {
	struct peer *next;
	struct authd *d;
	struct ipc *ipc;	/* NULL: gone; authd_reap frees it */
	unsigned rights;	/* enum control_right */
	char name[64];
	struct login *logins;	/* under way */
};

struct authd {
	uv_loop_t *loop;
	struct authd_handlers h;
	uint8_t key[STORE_TOKEN_KEY];
	struct accounts *accounts;
	struct authd_policy policy;
	struct hasher *hasher;
	struct cache *cache;
	struct throttle *throttle;
	struct guesses *guesses;
	struct seen_file *seen;		/* NULL: not read yet */
	struct rate *rate;
	uint8_t dummy_key[16];	/* which account's parameters an unknown user's hash gets */
	struct peer *peers;
	size_t delayed;		/* answers held back */
	int folder;		/* accounts/; -1: none yet */
	uint8_t salt_key[SRS_KEY];	/* of salts for users without keys */
	unsigned scram_told;	/* the hashes that daemons offer SCRAM with */
	struct keys_job *keys_jobs;	/* under way */
	uint64_t logins, cached, failed, throttled, busy, over_rate;
};

/* --- peer.c */
void peer_new(struct authd *d, unsigned rights, const char *name, int fd);
/* Sends b, which is cleared. A peer that does not take it is gone. */
void peer_answer(struct peer *p, enum auth_wire_type type, uint64_t number, struct buf *b);
/* Frees the peers that are gone. The last thing that a callback of the loop does. */
void peers_reap(struct authd *d);
void peers_free(struct authd *d);

/* --- login.c */
void login_begin(struct peer *p, uint64_t number, const struct auth_wire_login *asked);
/* The asker wants no answer any more. */
void login_cancel(struct peer *p, uint64_t number);
void logins_cancel(struct peer *p);

#endif
