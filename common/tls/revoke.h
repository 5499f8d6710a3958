/*
 * revoke.h - certificate revocation lists: that of the site's own CA, made and renewed
 * (`yubin cert revoke`, `yubin cert crl`), and any, read to be shown.
 *
 * Shape   PEM text in memory (RFC 5280 5); who reads and writes the file is the caller.
 * Serials In lower-case hexadecimal, as openssl shows them but for the case.
 */
#ifndef TLS_REVOKE_H
#define TLS_REVOKE_H

#include "common/base/buf.h"
#include "common/base/error.h"

enum {
	TLS_REVOKE_DAYS = 365,	/* that a list is good for, where nobody says otherwise: the server
				 * reads it anew at each change, so it need not be short-lived */
	TLS_REVOKE_DAYS_MAX = 3650,
	TLS_REVOKE_SERIAL = 43	/* 20 bytes (RFC 5280 4.1.2.2), a sign, a NUL */
};

/* The words for why: "unspecified", "key-compromise" ... (RFC 5280 5.3.1). NULL behind the last. */
const char *tls_revoke_reason(unsigned i);

/* text as a serial, without colons, leading zeros and "0x": false if it is none. */
bool tls_revoke_serial(const char *text, char out[TLS_REVOKE_SERIAL]);

/* A list that the CA signs now, good for days, appended to out: what old (PEM; empty: there is
 * none) holds, its number one higher, and serial (NULL: nothing more) for reason (a word
 * of tls_revoke_reason). -EEXIST: old holds that serial. -EINVAL: old is another CA's. */
int tls_revoke_make(struct span ca_certificate, struct span ca_key, struct span old, const char *serial,
		    const char *reason, unsigned days, struct buf *out, struct error *err);

struct tls_revoke_list {
	char issuer[256];	/* one line, escaped */
	char number[TLS_REVOKE_SERIAL];	/* decimal; "" none */
	char ends[24];		/* "2027-02-19"; "" it does not say */
	int days_left;		/* below 0: over */
	size_t count;		/* of revoked certificates */
};

struct tls_revoke_entry {
	char when[24];		/* "2026-11-21" */
	const char *reason;	/* static */
};

struct tls_revocations;		/* opaque: the lists of one file */

/* Gives the lists of a PEM text, at least one. name is for the words. */
int tls_revoke_read(struct tls_revocations **out, struct span text, const char *name, struct error *err);
void tls_revoke_free(struct tls_revocations *r);
size_t tls_revoke_count(const struct tls_revocations *r);
void tls_revoke_at(const struct tls_revocations *r, size_t i, struct tls_revoke_list *out);
/* False: no list of that issuer (as in tls_revoke_list) holds it. r may be NULL: false. */
bool tls_revoke_find(const struct tls_revocations *r, const char *issuer, const char *serial,
		     struct tls_revoke_entry *out);

#endif
