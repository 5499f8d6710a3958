/*
 * text.h - what a certificate says, in words: names, keys, days, fingerprints.
 *
 * The one way in which logs, warnings and commands write them.
 */
#ifndef TLS_TEXT_H
#define TLS_TEXT_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	TLS_DATE_MAX = 24,	/* bytes of a day as text */
	TLS_PRINT = 32,		/* bytes of a fingerprint (SHA-256) */
	TLS_PRINT_TEXT = 2 * TLS_PRINT + 1
};

/* "CN=mail.example.org, O=Example": one line, escaped. */
void tls_dn_text(const X509_NAME *name, char *out, size_t size);
void tls_subject_text(X509 *cert, char *out, size_t size);

/* "2027-02-19"; "an unknown day". */
void tls_date_text(const ASN1_TIME *time, char *out, size_t size);

/* Whole days until then; below 0: over. */
int tls_days_left(const ASN1_TIME *time);

/* "RSA-2048", "P-256". */
void tls_key_text(const EVP_PKEY *key, char *out, size_t size);

/* SHA-256 in lower-case hexadecimal. False, and "" in out: no memory. */
bool tls_print_text(char out[TLS_PRINT_TEXT], const X509 *cert);

#endif
