/*
 * paper.h - what the certificates and revocation lists in a file say: whose, until when.
 *
 * For warnings in time and for renewal; nothing here verifies a signature.
 */
#ifndef TLS_PAPER_H
#define TLS_PAPER_H

#include "common/base/span.h"

enum tls_paper_kind { TLS_PAPER_CERTIFICATE, TLS_PAPER_CRL };

struct tls_paper {
	enum tls_paper_kind kind;
	char subject[256];	/* one line, escaped; of a revocation list: who issued it */
	char fingerprint[65];	/* SHA-256; "" for a revocation list */
	char ends[24];		/* "2027-02-19", "never" */
	int64_t begins_s, ends_s;	/* since 1970; INT64_MAX: never */
};

/* Tells each certificate and list of a PEM text, in their order; what is neither is passed
 * over. Returns how many there were. each may be NULL. */
typedef void (*tls_paper_each)(void *arg, const struct tls_paper *paper);
size_t tls_papers(struct span text, tls_paper_each each, void *arg);

/* The first certificate in text: a server's own. False if there is none. */
bool tls_paper_first(struct span text, struct tls_paper *paper);

/* The first certificate in text is for name, a host's (RFC 6125 6.4) or an address. */
bool tls_paper_covers(struct span text, const char *name);

/* Names that the first certificate in before is for and that in after is not, separated by
 * spaces; "" if there are none. */
void tls_paper_lost(struct span before, struct span after, char *out, size_t size);

#endif
