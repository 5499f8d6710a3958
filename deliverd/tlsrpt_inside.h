/*
 * tlsrpt_inside.h - what one domain's counts are made of; for tlsrpt_count.c and tlsrpt_json.c.
 */
#ifndef DELIVERD_TLSRPT_INSIDE_H
#define DELIVERD_TLSRPT_INSIDE_H

#include "deliverd/tlsrpt_count.h"

enum tlsrpt_field {		/* of a kind of failure */
	TLSRPT_RESULT,
	TLSRPT_OWN_ADDRESS,
	TLSRPT_HOST,
	TLSRPT_HELO,
	TLSRPT_ADDRESS,
	TLSRPT_REASON,
	TLSRPT_FIELDS
};

struct tlsrpt_detail {
	uint64_t count;
	char *text[TLSRPT_FIELDS];	/* one allocation, at text[0]; "": not known */
};

struct tlsrpt_one {		/* one policy */
	enum tlsrpt_policy kind;
	char *host;		/* TLSRPT_TLSA: whose records they are; else "" */
	char *text;		/* the policy, lines with an LF each; "" */
	uint64_t good, bad;	/* sessions */
	struct tlsrpt_detail details[TLSRPT_DETAILS];
	size_t count;
};

struct tlsrpt_counts {
	struct tlsrpt_one *policies[TLSRPT_POLICIES];
	size_t count;
	size_t bytes;		/* of all texts */
};

/* "tlsa", "sts", "no-policy-found" */
const char *tlsrpt_kind_text(enum tlsrpt_policy kind);

#endif
