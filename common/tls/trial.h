/*
 * trial.h - a handshake with ourselves, in memory: does this context serve that version?
 *
 * The truth about what a port speaks is what OpenSSL does with mask, level, certificates,
 * its build and its openssl.cnf together; so it is tried.
 */
#ifndef TLS_TRIAL_H
#define TLS_TRIAL_H

#include "common/tls/context.h"

/* A client that takes everything (level 0, ALL ciphers, any certificate) and that one
 * version: 0, or -EPROTO with OpenSSL's words. Looks at the first certificate (no SNI), or
 * at that for name if it is not NULL. A port that requires client certificates is tried
 * as if it did not. Nothing is counted or logged. */
int tls_trial(struct tls_context *c, enum tls_version version, const char *name, struct error *err);

/* What one handshake is to be; NULL where it does not matter. */
struct tls_trial {
	enum tls_version version;
	const char *name;	/* that the client asks for */
	const char *cipher;	/* the only one that it offers, in OpenSSL's words */
};
int tls_trial_of(struct tls_context *c, const struct tls_trial *what, struct error *err);

/* The versions that c serves, as bits of enum tls_version. */
unsigned tls_trial_versions(struct tls_context *c);

#endif
