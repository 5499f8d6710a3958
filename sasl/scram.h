/*
 * scram.h - SCRAM-SHA-256, the client's part as arithmetic (RFC 5802 3, RFC 7677); for the files of
 * sasl/ alone.
 */
#ifndef SASL_SCRAM_H
#define SASL_SCRAM_H

#include "common/base/span.h"

enum { SCRAM_HASH = 32, SCRAM_SALT_MAX = 256 };

struct scram_first {		/* what the server says first (RFC 5802 7); spans look into it */
	struct span nonce;	/* ours, and what it added */
	size_t salt_n;
	uint8_t salt[SCRAM_SALT_MAX];
	uint32_t iterations;
};

/* False: malformed, not our nonce, or a number of iterations that is out of bounds. */
bool scram_read_first(struct scram_first *f, struct span text, struct span our_nonce);

/* The client's proof, and the signature by which the server proves itself. message: RFC 5802's AuthMessage. */
void scram_proofs(const struct scram_first *f, struct span password, struct span message,
		  uint8_t proof[SCRAM_HASH], uint8_t signature[SCRAM_HASH]);

/* What the server says last is the signature. */
bool scram_read_last(struct span text, const uint8_t signature[SCRAM_HASH]);

#endif
