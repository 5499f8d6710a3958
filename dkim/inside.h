/*
 * inside.h - what signing and checking share; for the files of dkim/ alone.
 */
#ifndef DKIM_INSIDE_H
#define DKIM_INSIDE_H

#include <openssl/evp.h>

#include "dkim/dkim.h"

enum dkim_canon { DKIM_SIMPLE, DKIM_RELAXED };	/* RFC 6376 3.4 */

enum { DKIM_HASH = 32, DKIM_RSA_LEAST = 1024, DKIM_RSA_MOST = 8192 };

struct dkim_key {
	EVP_PKEY *pkey;
	enum dkim_algorithm algorithm;
	char domain[DKIM_NAME_MAX];
	char selector[DKIM_NAME_MAX];
};

/* SHA-256 of bytes. False without memory. */
bool dkim_hash(struct span bytes, uint8_t out[DKIM_HASH]);

#endif
