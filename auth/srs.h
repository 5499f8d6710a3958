/*
 * srs.h - the sender rewriting scheme: an envelope sender in a domain of ours that stands for
 * one of another domain, so that who checks our address (SPF) lets forwarded mail in, and a report
 * finds the way back.
 *
 * Form    SRS0=HHHH=TT=domain=local@ours, for an ordinary sender; for a sender that is SRS0 or SRS1
 *         of others SRS1=HHHH=domain=rest@ours, which leads back to SRS0rest@domain: a chain
 *         of forwarders does not make it longer. HHHH: 20 bits of HMAC-SHA256 over the rest in lower
 *         case (mail systems change case), TT: the day, both in base 32. Where others wrote
 *         + or - for the first =, that is taken too.
 * Limits  A local part has SRS_LOCAL_MAX bytes (RFC 5321 4.5.3.1.1): what would be longer can't be
 *         rewritten. SRS0 holds for SRS_DAYS; who forwarded it looks at an SRS1's age.
 * Pure. What is secret is in the keys alone.
 */
#ifndef AUTH_SRS_H
#define AUTH_SRS_H

#include "common/base/span.h"

enum {
	SRS_KEY = 32,		/* bytes */
	SRS_KEYS = 2,		/* the one in force, and the one before it */
	SRS_LOCAL_MAX = 64,	/* bytes of a local part, quotes too */
	SRS_DAYS = 21,
	SRS_ADDRESS_MAX = 320	/* an address and its NUL */
};

struct srs_keys {
	uint8_t keys[SRS_KEYS][SRS_KEY];	/* the first one makes, all check */
	size_t count;
};

enum srs_status {
	SRS_OK,
	SRS_NONE,		/* reverse: no SRS address at all */
	SRS_FORGED,		/* reverse: too old, not ours, malformed */
	SRS_UNFIT		/* forward: too long, or no address */
};

/* The address at domain that stands for sender ("local@domain", quoted or not). day: since 1970.
 * There must be a key. out: "" but for SRS_OK. */
enum srs_status srs_forward(char out[SRS_ADDRESS_MAX], const struct srs_keys *k, struct span sender,
			    const char *domain, uint64_t day);

/* Whom an address of our SRS domain stands for. */
enum srs_status srs_reverse(char out[SRS_ADDRESS_MAX], const struct srs_keys *k, struct span address, uint64_t day);

#endif
