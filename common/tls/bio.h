/*
 * bio.h - OpenSSL's window on a session's buffers.
 *
 * For the files of common/tls/ alone. One light BIO for both directions, instead of
 * two memory BIOs that would keep their largest size for ever. What it gives ends
 * with the last whole record: OpenSSL holds a 17 kB buffer for a record that it has
 * begun, our own buffer just what has come of it.
 */
#ifndef TLS_BIO_H
#define TLS_BIO_H

#include <openssl/bio.h>

struct tls_session;

/* Gives a BIO over s->in and s->out; NULL: no memory. */
BIO *tls_bio_new(struct tls_session *s);

/* Looks how far whole records go in s->in, after bytes were added. */
void tls_bio_frame(struct tls_session *s);

#endif
