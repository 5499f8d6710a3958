/*
 * authd.h - who may log in, and who gets the mail for an address: all of authd but its
 * process (main.c).
 *
 * Accounts are a snapshot in memory, read whole; what a daemon asks is answered from it.
 * A login is looked up, answered from the cache of verified passwords, held against the limits by address and
 * account (limits.h), or hashed on the pool; a wrong one is answered late. An unknown user costs what a
 * known one does. EXTERNAL goes by the certificate that the daemon has verified: nothing is
 * hashed, a wrong one counts as a wrong password. Every failed login leaves one line in the log.
 * Where an alias or a forward leads to another server authd makes accounts/srs.key (secret.h). How much
 * an account has sent is counted in memory alone (rate.h).
 */
#ifndef AUTHD_AUTHD_H
#define AUTHD_AUTHD_H

#include <uv.h>

#include "auth/authd/guesses.h"
#include "auth/authd/rate.h"
#include "auth/authd/resolve.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "storage/token.h"

struct authd;			/* opaque */

struct authd_policy {
	struct resolve_rules rules;	/* lost, arg and srs are authd's own */
	struct rate_limits rates;
	uint64_t hash_memory;		/* of a hash that is not there: bytes, ... */
	unsigned hash_passes;		/* ... and passes */
	size_t hash_queue;		/* logins that wait for a hash */
	uint64_t cache_ms;		/* a right password is remembered; 0: not at all */
	uint64_t delay_ms;		/* a wrong one is answered so much later */
	struct throttle_limits by_address;	/* over all accounts */
	struct guesses_limits by_account;	/* of one address at one account */
	uint64_t place_ms;		/* a place that an account was logged in from is remembered so long; 0: not at all */
	unsigned scram_hashes;		/* that keys are made for: bits 1 << enum scram_hash */
	uint32_t scram_rounds;		/* iterations of keys that are made */
	bool scram_any;			/* SCRAM is offered as soon as one account has keys, not all */
};

struct authd_handlers {		/* none of them NULL */
	/* The account was disabled, removed, has another password, or lost a certificate. */
	void (*revoke)(void *arg, const char *account);
	/* Limits by address leave this one alone. */
	bool (*exempt)(void *arg, const char *address);
	void *arg;
};

/* key: of tokens. */
int authd_new(struct authd **out, uv_loop_t *loop, const uint8_t key[STORE_TOKEN_KEY],
	      const struct authd_handlers *h, struct error *err);

/* Puts p in force and reads accounts/ (folder, not kept) anew; revokes what changed. On an
 * error everything is as before. */
int authd_apply(struct authd *d, const struct authd_policy *p, int folder, struct error *err);

/* Reads accounts/ anew under the policy in force; as authd_apply. */
int authd_reread(struct authd *d, int folder, struct error *err);

/* One daemon's end; keeps fd. rights: enum control_right. */
void authd_peer(struct authd *d, unsigned rights, const char *name, int fd);

/* Adds `key value` lines. */
void authd_status(const struct authd *d, struct buf *out);

/* Drops everything; callbacks of the loop run out by themselves. NULL is allowed. */
void authd_free(struct authd *d);

#endif
