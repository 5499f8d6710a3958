/*
 * spf.h - would an SPF record let this address send? (RFC 7208, but for macros, which depend on a message.)
 *
 * For `yubin dns check`: a record of our own is looked at before others look at it.
 */
#ifndef ADMIN_SPF_H
#define ADMIN_SPF_H

#include "admin/lookup.h"

enum { SPF_LOOKUPS = 10, SPF_DEPTH = 10 };	/* RFC 7208 4.6.4 */

enum spf_result { SPF_NONE, SPF_PASS, SPF_NEUTRAL, SPF_SOFTFAIL, SPF_FAIL, SPF_PERMERROR, SPF_TEMPERROR };

struct spf {
	struct lookup *look;
	unsigned lookups;	/* terms that ask the DNS */
	bool macros;		/* something hangs on the message, and was passed over */
	char words[300];	/* of an error */
};

/* The verdict of domain's record on address. s->look is set, all else 0. */
enum spf_result spf_check(struct spf *s, const char *domain, const char *address);

#endif
