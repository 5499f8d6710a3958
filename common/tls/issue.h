/*
 * issue.h - a site's own CA and server certificates (`yubin init`, `yubin cert new`).
 *
 * Shape   Keys and certificates as PEM in memory; who writes the files is the caller.
 * Limits  A CA lives 10 years, a server certificate 825 days or what is left of the CA.
 */
#ifndef TLS_ISSUE_H
#define TLS_ISSUE_H

#include "common/base/buf.h"
#include "common/base/error.h"

enum tls_key_kind { TLS_KEY_P256, TLS_KEY_RSA2048 };

/* A new CA (P-256): its certificate and key. */
int tls_issue_ca(const char *common_name, struct buf *certificate, struct buf *key, struct error *err);

/* A new key and a certificate for names ("mail.example.org", "127.0.0.1", "::1":
 * what reads as an address becomes one) signed by the CA; the leaf first, then the
 * CA's certificate. */
int tls_issue_server(struct span ca_certificate, struct span ca_key, enum tls_key_kind kind,
		     const char *const *names, size_t name_count, struct buf *chain, struct buf *key,
		     struct error *err);

/* The same for a client: common_name, an e-mail address as subjectAltName. */
int tls_issue_client(struct span ca_certificate, struct span ca_key, const char *common_name,
		     const char *email, struct buf *chain, struct buf *key, struct error *err);

#endif
