/*
 * tlsrpt_count.h - one domain's sessions of one day, counted (RFC 8460 4).
 *
 * Pure.
 * Limits  TLSRPT_POLICIES policies a domain, TLSRPT_DETAILS kinds of failure each; what is
 *         above is counted in the last of them, without its particulars.
 */
#ifndef DELIVERD_TLSRPT_COUNT_H
#define DELIVERD_TLSRPT_COUNT_H

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/tls/outbound.h"
#include "deliverd/sts_policy.h"

enum { TLSRPT_POLICIES = 8, TLSRPT_DETAILS = 32, TLSRPT_NOTE = 47 * 1024 };

enum tlsrpt_policy { TLSRPT_NO_POLICY, TLSRPT_TLSA, TLSRPT_STS };

/* One session with one host. Texts are lent; "" where nothing is known. */
struct tlsrpt_session {
	const char *domain;	/* of the recipients, A-labels, lower case */
	enum tlsrpt_policy policy;	/* the one that was applied; testing counts as applied */
	const struct sts_policy *sts;	/* TLSRPT_STS; NULL where it could not be had */
	const struct tls_tlsa *tlsa;	/* TLSRPT_TLSA */
	size_t tlsa_count;
	const char *host;	/* the MX host's name */
	const char *helo;	/* what it calls itself */
	const char *address;	/* the host's, "192.0.2.7" */
	const char *own_address;	/* ours */
	const char *cause;	/* NULL: TLS is up, as the policy asks; else the name of what went wrong:
				 * tls_outbound_cause, or one for tls_outbound_cause_text */
	const char *reason;	/* a code or words of OpenSSL's */
};

struct tlsrpt_counts;		/* opaque: one domain's, one day's */

int tlsrpt_counts_new(struct tlsrpt_counts **out, struct error *err);
void tlsrpt_counts_free(struct tlsrpt_counts *c);

/* False: no memory; it is not counted. */
bool tlsrpt_counts_add(struct tlsrpt_counts *c, const struct tlsrpt_session *s);
/* Sessions in all. */
uint64_t tlsrpt_counts_total(const struct tlsrpt_counts *c);

/* As bytes of TLSRPT_NOTE at most, and back; -EINVAL for what is none. */
void tlsrpt_counts_write(const struct tlsrpt_counts *c, struct buf *out);
int tlsrpt_counts_read(struct tlsrpt_counts **out, struct span in, struct error *err);

/* RFC 8460 4.3: the result type for a cause, "starttls-not-supported". */
const char *tlsrpt_result(const char *cause);

/* Whose report it is, and about when. */
struct tlsrpt_head {
	const char *hostname;	/* ours: organization, submitter, contact postmaster@ */
	const char *domain;
	const char *id;		/* "2026-11-21.1f3a@mail.example.org" */
	int64_t start_s, end_s;	/* the end is the first second behind it */
};

/* Appends the report (RFC 8460 4.4). */
void tlsrpt_json(const struct tlsrpt_counts *c, const struct tlsrpt_head *h, struct buf *out);

#endif
