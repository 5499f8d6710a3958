/*
 * tls_show.h - `yubin tls show`: every port's TLS, as etc/ has it and as the daemons live it.
 */
#ifndef ADMIN_TLS_SHOW_H
#define ADMIN_TLS_SHOW_H

#include "admin/tls_port.h"
#include "admin/tls_running.h"
#include "common/tls/cause.h"

struct tls_show {
	const struct tls_ports *ports;
	const struct tls_running *running;	/* NULL: no server runs */
	struct tls_view_openssl openssl;	/* as this process has it: built is what it was compiled for,
						 * running is what is installed */
};

/* tls_text.c: one block for all ports that are alike. tls_json.c: one object for each port. */
void tls_show_text(const struct tls_show *w, struct buf *out);
void tls_show_json(const struct tls_show *w, struct buf *out);

/* --- what both need (tls_show.c) */

/* Daemons run another OpenSSL than the one that is installed. */
bool tls_show_restart_needed(const struct tls_show *w);

/* What a certificate of p's is to the running server. */
enum tls_show_served {
	TLS_SHOW_UNKNOWN,	/* no server runs, or it has no TLS there */
	TLS_SHOW_SERVED,	/* it serves the very certificate in the file */
	TLS_SHOW_PARTLY,	/* some of its processes do */
	TLS_SHOW_OTHER	/* it does not: a reload or a renewal is due, or was refused */
};
enum tls_show_served tls_show_served(const struct tls_view_certificate *c, const struct tls_tally *t);

/* The i-th of the rows that a cause's name stands for: counted together, they differ in words. NULL
 * behind the last, and for a name of another version. */
const struct tls_cause *tls_show_cause(struct span name, size_t i);

/* An earlier row says the very same: the log tells them apart by what OpenSSL reports. */
bool tls_show_repeated(size_t number);

/* Words of a cause, its {names} filled in as far as the port (one with a view) tells them.
 * Returns out. */
const char *tls_show_words(const struct tls_port *p, const char *words, char *out, size_t size);

/* Days from now; below 0: over. */
int tls_show_days(int64_t ends_s);

#endif
