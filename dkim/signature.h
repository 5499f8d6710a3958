/*
 * signature.h - a DKIM-Signature field, understood (RFC 6376 3.5, 6.1.1).
 *
 * For the files of dkim/ alone.
 */
#ifndef DKIM_SIGNATURE_H
#define DKIM_SIGNATURE_H

#include "dkim/inside.h"

enum { DKIM_QUERY_MAX = 2 * DKIM_NAME_MAX + 16 };

struct dkim_signature {
	struct span raw;	/* the field; lent from the header, as the spans below */
	struct span b;		/* all between "b=" and the ; */
	struct span names;	/* h= */
	enum dkim_algorithm algorithm;
	enum dkim_canon header_canon, body_canon;
	uint64_t limit;		/* l=, or DKIM_WHOLE */
	int64_t expires_s;	/* x=; 0: never */
	bool same_domain;	/* i= is of d= itself, not of a domain below it */
	char domain[DKIM_NAME_MAX], selector[DKIM_NAME_MAX];
	char query[DKIM_QUERY_MAX];	/* "" if it is not to be asked for */
	uint8_t body_hash[DKIM_HASH];
	struct buf signature;
	size_t body;		/* the verifier's: which body it is about */
	enum dkim_result result;	/* DKIM_PASS: it can be checked; else words */
	char words[120];
};

void dkim_signature_read(struct dkim_signature *s, struct span raw);
void dkim_signature_clear(struct dkim_signature *s);

/* OpenSSL's list of errors is ours alone. */
void dkim_forget_errors(void);

#endif
