/*
 * outbound_peer.h - the verdict on a server's certificates; for outbound.c alone.
 */
#ifndef TLS_OUTBOUND_PEER_H
#define TLS_OUTBOUND_PEER_H

#include <openssl/x509.h>

/* For SSL_CTX_set_cert_verify_callback: both go on after an objection, so that all of them are
 * seen, and note them in the session; the first one goes into its `objection`. */
int tls_outbound_peer_note(X509_STORE_CTX *store, void *unused);
int tls_outbound_peer_require(X509_STORE_CTX *store, void *unused);

#endif
