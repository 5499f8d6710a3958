/*
 * hasher.h - Argon2id, and crypt(3)'s hashes that were taken over, on libuv's pool, a few at a time, the rest in bounded lines.
 *
 * Shape   hasher_submit gives a job; its callback comes once, on the loop thread, never
 *         before submit returned; hash_job_cancel forgets it (one that runs is run to its end).
 * Order   By rank, and within one in order of coming; each fourth is of the lowest rank that waits, so that
 *         nobody waits for ever. Where no room is left the last one of a lower rank gives way: HASH_BUSY,
 *         from inside the submit of the one that takes its place.
 * Memory  Each running hash takes what its parameters say (19 MB by default); a waiting
 *         one its password, which is wiped.
 * Unicode A password is held against the hash as SASLprep has it (RFC 4013), and if that is another text and does
 *         not fit, as it was sent: that is what a hash from elsewhere, or from before, may have been made of.
 */
#ifndef AUTHD_HASHER_H
#define AUTHD_HASHER_H

#include <uv.h>

#include "common/base/error.h"
#include "common/base/span.h"

struct hasher;			/* opaque */
struct hash_job;		/* opaque */

enum hash_rank {
	HASH_KNOWN,		/* from where the account was logged in before */
	HASH_FRESH,		/* from an address that has sent no wrong password of late */
	HASH_OTHER,
	HASH_RANKS
};

enum hash_verdict { HASH_MATCH, HASH_NO_MATCH, HASH_BUSY };

typedef void (*hash_done)(void *arg, enum hash_verdict verdict);

int hasher_new(struct hasher **out, uv_loop_t *loop, size_t at_once, size_t waiting_max, struct error *err);
void hasher_limit(struct hasher *h, size_t waiting_max);
/* Cancels all; its memory goes when the last running hash has ended. NULL is allowed. */
void hasher_free(struct hasher *h);

/* Does password fit stored (a C string of libsodium's, or crypt's)? NULL: the lines are full, or no memory. */
struct hash_job *hasher_submit(struct hasher *h, enum hash_rank rank, const char *stored, struct span password,
			       hash_done done, void *arg);
void hash_job_cancel(struct hash_job *j);

size_t hasher_waiting(const struct hasher *h);
size_t hasher_running(const struct hasher *h);

/* Makes out a string that takes as long to verify as like does and that no password fits. */
enum { HASHER_STRING = 128 };	/* crypto_pwhash_STRBYTES */
void hasher_dummy(char out[HASHER_STRING], const char *like);

#endif
