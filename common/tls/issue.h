/*
 * issue.h - a site's own CA, server and client certificates (`yubin init`, `yubin cert`).
 *
 * Shape   Keys and certificates as PEM in memory; who writes the files is the caller.
 * Limits  A CA lives 10 years, a server certificate TLS_ISSUE_DAYS; nothing outlives the CA.
 */
#ifndef TLS_ISSUE_H
#define TLS_ISSUE_H

#include "common/base/buf.h"
#include "common/base/error.h"

enum { TLS_ISSUE_DAYS = 825 };	/* Apple's clients refuse server certificates that live longer */

enum tls_key_kind { TLS_KEY_P256, TLS_KEY_RSA2048 };

/* A new CA (P-256): its certificate and key. */
int tls_issue_ca(const char *common_name, struct buf *certificate, struct buf *key, struct error *err);

/* A new key and a certificate for names ("mail.example.org", "127.0.0.1", "::1":
 * what reads as an address becomes one) signed by the CA; the leaf first, then the
 * CA's certificate. */
int tls_issue_server(struct span ca_certificate, struct span ca_key, enum tls_key_kind kind,
		     const char *const *names, size_t name_count, struct buf *chain, struct buf *key,
		     struct error *err);

/* The same for a client (P-256), for authentication alone: common_name ("": none), an
 * e-mail address as subjectAltName. */
int tls_issue_client(struct span ca_certificate, struct span ca_key, const char *common_name,
		     const char *email, unsigned days, struct buf *chain, struct buf *key, struct error *err);

/* How a PKCS#12 file is enciphered. */
enum tls_bundle_kind {
	TLS_BUNDLE_AES,		/* AES-256 and SHA-256 */
	TLS_BUNDLE_OLD		/* 3DES and SHA-1: what older phones and systems can read */
};

/* A PKCS#12 file (RFC 7292) for import into a client: what tls_issue_client made, under a
 * passphrase. name: what the client shows. */
int tls_issue_bundle(struct span chain, struct span key, enum tls_bundle_kind kind, const char *passphrase,
		     const char *name, struct buf *out, struct error *err);

#endif
