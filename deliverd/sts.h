/*
 * sts.h - MTA-STS: which policy is in force for a domain (RFC 8461).
 *
 * Shape   sts_ask looks in memory, in storaged's notes ("sts/DOMAIN"), at the TXT record, and
 *         fetches the policy where the record's id is a new one. A policy that is there
 *         already serves while it is fetched again for its age alone.
 * Safe    A policy in force stays so until its max_age is over: no record, no answer, no good
 *         certificate end it earlier (RFC 8461 3.3).
 * Bounds  An answer comes within the time of two DNS questions and HTTPS_WAIT_MS, and only where
 *         there is a record of a new id. STS_DOMAINS domains in memory, the longest unused go first.
 */
#ifndef DELIVERD_STS_H
#define DELIVERD_STS_H

#include "common/https/https.h"
#include "deliverd/sts_policy.h"
#include "storage/queue.h"

enum { STS_DOMAINS = 1024 };

enum sts_trouble {		/* with the latest try to get a policy */
	STS_FINE,
	STS_FETCH_ERROR,	/* the host did not answer, or not with 200 */
	STS_POLICY_INVALID,
	STS_WEBPKI_INVALID	/* its certificate does not verify */
};

struct sts_answer {		/* lent until the callback returns; the policy may be held */
	struct sts_policy *policy;	/* NULL: none is known; mode none is one too */
	const char *id;
	enum sts_trouble trouble;
	const char *words;	/* of the trouble */
};
typedef void (*sts_done)(void *arg, const struct sts_answer *a);

struct sts;			/* opaque */

/* refresh_s: a policy is fetched again when it is older. store, dns and https are kept by reference. */
int sts_new(struct sts **out, uv_loop_t *loop, struct store *store, struct dns *dns, struct https *https,
	    int64_t refresh_s, struct error *err);
/* Whoever still waits is forgotten. The loop must run once more. NULL is allowed. */
void sts_free(struct sts *s);

/* domain: A-labels, lower case. The callback comes once, never before the call has returned; 0: no
 * memory, and it does not come. */
uint64_t sts_ask(struct sts *s, const char *domain, sts_done done, void *arg);
void sts_cancel(struct sts *s, uint64_t number);

/* Mail was deferred because of the policy: the next question looks for a newer one first (RFC 8461
 * 5.1), at most once in 5 minutes. */
void sts_doubt(struct sts *s, const char *domain);

/* The cause (tls_outbound_cause_text) for a trouble; NULL for STS_FINE. */
const char *sts_cause(enum sts_trouble t);

#endif
