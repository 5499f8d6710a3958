/*
 * dkim_kit.h - keys of a test's own, and messages signed and checked in one call.
 */
#ifndef TESTS_DKIM_KIT_H
#define TESTS_DKIM_KIT_H

#include "dkim/dkim.h"

/* Made once, freed by nobody: "r" and "e" of example.org. */
struct dkim_key *dkim_kit_rsa(void);
struct dkim_key *dkim_kit_ed25519(void);

/* The message with the signatures of both in front. piece: bytes fed at a time. The caller's. */
void dkim_kit_sign(struct span message, size_t piece, struct buf *out);

/* The verdict on the i-th signature; key NULL: there is none. */
struct dkim_verdict dkim_kit_check(struct span message, size_t piece, size_t i, const char *key, int64_t now_s);

/* What is published for k. Holds until the next call. */
const char *dkim_kit_record(const struct dkim_key *k);

/* A file of the repository; the caller's. */
void dkim_kit_file(const char *path, struct buf *out);

#endif
