/*
 * record.h - a public key as DNS has it (RFC 6376 3.6.1, RFC 8463 4).
 *
 * For the files of dkim/ alone.
 */
#ifndef DKIM_RECORD_H
#define DKIM_RECORD_H

#include "dkim/inside.h"

struct dkim_record {
	EVP_PKEY *pkey;
	enum dkim_algorithm algorithm;
	bool testing;		/* t=y */
	bool strict;		/* t=s: i= must name d= itself */
	enum dkim_result result;	/* DKIM_PASS: the key is there; else words say why not */
	const char *words;
};

/* Fills *r. Cleared by _clear in any case. */
void dkim_record_read(struct dkim_record *r, struct span text);
void dkim_record_clear(struct dkim_record *r);

#endif
