/*
 * context.h - a libunbound as we want it: small, validating, without files and threads.
 */
#ifndef DNS_CONTEXT_H
#define DNS_CONTEXT_H

#include <unbound.h>

#include "common/base/error.h"
#include "common/dns/dns.h"
#include "common/dns/events.h"

enum context_plan {
	CONTEXT_CHOSEN,		/* the servers; none: from the root down. All is validated */
	CONTEXT_ROOT,		/* from the root down, validated */
	CONTEXT_BELIEVE,	/* the servers, and nothing is validated */
	CONTEXT_PLANS
};

/* Gives a context that has read all it will ever need; ub_ctx_delete frees it. What it has
 * to say in passing goes to the log. */
int context_new(struct ub_ctx **out, struct events *e, const struct dns_options *o, enum context_plan plan,
		struct error *err);

#endif
