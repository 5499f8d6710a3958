/*
 * seal.h - session tickets sealed and opened (RFC 5077 4, RFC 8446 4.6.1).
 *
 * For the files of common/tls/ alone. AES-256-CBC and HMAC-SHA-256 under keys that
 * are worked out from the site's secrets and the place: a Listen and its client CA.
 */
#ifndef TLS_SEAL_H
#define TLS_SEAL_H

#include <openssl/evp.h>

#include "common/tls/tickets.h"

enum { TLS_PLACE = 32 };	/* bytes that say whose tickets they are */

struct tls_seal_key {
	uint8_t name[16], cipher[32], mac[32];
};

struct tls_seal {
	size_t count;		/* 0: no tickets are given or taken */
	struct tls_seal_key keys[TLS_TICKET_KEYS];	/* the first one seals */
};

/* The keys of a place. False, and *seal without keys, if OpenSSL fails. */
bool tls_seal_derive(struct tls_seal *seal, const struct tls_tickets *t, const uint8_t place[TLS_PLACE]);

/* What SSL_CTX_set_tlsext_ticket_key_evp_cb asks for: 1 done, 0 no key, -1 failed;
 * opening with an older key gives 2, that a new ticket may be sent. */
int tls_seal_new(const struct tls_seal *seal, uint8_t name[16], uint8_t iv[16], EVP_CIPHER_CTX *cipher,
		 EVP_MAC_CTX *mac);
int tls_seal_open(const struct tls_seal *seal, const uint8_t name[16], const uint8_t iv[16],
		  EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac);

#endif
