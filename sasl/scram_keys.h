/*
 * scram_keys.h - what a server keeps of a password for SCRAM (RFC 5802 3, RFC 7677), and the
 * arithmetic with it.
 *
 * Form    A line's value: `ITERATIONS SALT STOREDKEY SERVERKEY`, the last three in base64.
 * Worth   Who has the keys can guess passwords at the price of the iterations, and can pose as the server;
 *         to log in he needs the password.
 * Pure.
 */
#ifndef SASL_SCRAM_KEYS_H
#define SASL_SCRAM_KEYS_H

#include "common/base/buf.h"
#include "common/base/span.h"

enum scram_hash { SCRAM_SHA_256, SCRAM_SHA_1, SCRAM_HASHES };

enum {
	SCRAM_KEY_MAX = 32,	/* bytes of the longest hash */
	SCRAM_SALT_NEW = 16,	/* of a salt that we make */
	SCRAM_SALT_ROOM = 64,	/* of one that others made */
	SCRAM_ROUNDS_MIN = 4096,	/* RFC 7677 4 */
	SCRAM_ROUNDS_MAX = 1000000
};

struct scram_keys {
	uint32_t iterations;	/* 0: there are none */
	size_t salt_n;
	uint8_t salt[SCRAM_SALT_ROOM];
	uint8_t stored[SCRAM_KEY_MAX], server[SCRAM_KEY_MAX];	/* scram_hash_size bytes each */
};

size_t scram_hash_size(enum scram_hash h);
/* "scram-sha-256": of a line in accounts/ and, whatever the case, of the mechanism. */
const char *scram_hash_name(enum scram_hash h);

/* The hash of a mechanism, with or without -PLUS. False: it is none of SCRAM's. */
bool scram_hash_of(struct span mechanism, enum scram_hash *h);

/* "SHA-256,SHA-1" as bits 1 << enum scram_hash; other words count for nothing. */
unsigned scram_hashes_listed(const char *list);

/* Makes k from the password: salt and iterations are set. It takes as long as the iterations say. False: no
 * memory. */
bool scram_keys_make(struct scram_keys *k, enum scram_hash h, struct span password);

/* Does proof come from who knows the password? message: RFC 5802's AuthMessage. The time tells nothing.
 * signature: of ours, by which the server proves itself. */
bool scram_keys_check(const struct scram_keys *k, enum scram_hash h, struct span message, struct span proof,
		      uint8_t signature[SCRAM_KEY_MAX]);

/* The value of a line, read and written. False: malformed, or out of bounds. */
bool scram_keys_read(struct scram_keys *k, enum scram_hash h, struct span value);
void scram_keys_put(struct buf *b, enum scram_hash h, const struct scram_keys *k);

#endif
