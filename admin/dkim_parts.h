/*
 * dkim_parts.h - what the files dkim_*.c share.
 */
#ifndef ADMIN_DKIM_PARTS_H
#define ADMIN_DKIM_PARTS_H

#include "admin/keyring.h"
#include "admin/lookup.h"
#include "admin/verb.h"

enum { DKIM_WORDS = 480 };

struct dkim_line {
	const char *word;	/* a domain, a file; NULL: none */
	bool json, now;
};

/* dkim_published.c: the DNS has the record of the i-th key; else words say what it has. */
bool dkim_is_published(const struct keyring *k, size_t i, struct lookup *look, char words[DKIM_WORDS]);

/* dkim_check.c: dkim check FILE|- [--json] */
int dkim_check(const struct site *s, const struct dkim_line *l);

#endif
