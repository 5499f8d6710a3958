/*
 * sts_policy.h - MTA-STS: what a domain's owner wrote (RFC 8461 3).
 *
 * Pure: the record and the policy, read; which hosts the policy lists.
 * Limits  STS_TEXT bytes of a policy; a longer one is none.
 */
#ifndef DELIVERD_STS_POLICY_H
#define DELIVERD_STS_POLICY_H

#include "common/base/error.h"
#include "common/base/span.h"

enum {
	STS_ID = 33,			/* bytes of an id and its NUL */
	STS_TEXT = 32 * 1024,		/* bytes of a policy */
	STS_AGE_MAX = 31557600		/* seconds: a year */
};

enum sts_mode { STS_NONE, STS_TESTING, STS_ENFORCE };

struct sts_policy {		/* shared: read only */
	size_t holders;
	enum sts_mode mode;
	uint32_t max_age_s;
	struct span text;	/* its fields, each "name: value" and LF: version, mode, mx..., max_age */
};

/* The id of the domain's one record among its TXT records. False: none, or several. */
bool sts_record_find(const struct span *texts, size_t count, char id[STS_ID]);

/* Reads a policy; gives it with one holder. Text that sts_policy wrote can be read too. */
int sts_policy_read(struct sts_policy **out, struct span text, struct error *err);
struct sts_policy *sts_policy_hold(struct sts_policy *p);
/* NULL is allowed. */
void sts_policy_drop(struct sts_policy *p);

/* The host (A-labels, any case, no dot at the end) is one of its mx (RFC 8461 4.1). */
bool sts_policy_lists(const struct sts_policy *p, const char *host);

/* Takes the next mx pattern off *rest, which begins as p->text. False: no more. */
bool sts_policy_mx(struct span *rest, struct span *pattern);

#endif
