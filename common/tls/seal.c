/* seal.c - the contract is in seal.h. */
#include "common/tls/seal.h"

#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

/* HMAC-SHA-256 of a label and the place under the secret: 32 bytes. */
static bool derive(const uint8_t secret[TLS_TICKET_SECRET], char label, const uint8_t place[TLS_PLACE],
		   uint8_t out[32])
{
	uint8_t input[1 + TLS_PLACE];
	unsigned n = 32;

	input[0] = (uint8_t)label;
	memcpy(input + 1, place, TLS_PLACE);
	return HMAC(EVP_sha256(), secret, TLS_TICKET_SECRET, input, sizeof(input), out, &n) != NULL && n == 32;
}

static bool key_derive(struct tls_seal_key *k, const uint8_t secret[TLS_TICKET_SECRET],
		       const uint8_t place[TLS_PLACE])
{
	uint8_t name[32];

	if (!derive(secret, 'n', place, name) || !derive(secret, 'c', place, k->cipher) ||
	    !derive(secret, 'm', place, k->mac))
		return false;
	memcpy(k->name, name, sizeof(k->name));
	return true;
}

bool tls_seal_derive(struct tls_seal *seal, const struct tls_tickets *t, const uint8_t place[TLS_PLACE])
{
	OPENSSL_cleanse(seal, sizeof(*seal));
	for (size_t i = 0; i < t->count; i++) {
		if (!key_derive(&seal->keys[i], t->secret[i], place)) {
			OPENSSL_cleanse(seal, sizeof(*seal));
			return false;
		}
	}
	seal->count = t->count;
	return true;
}

static bool mac_start(EVP_MAC_CTX *mac, const struct tls_seal_key *k)
{
	char digest[] = "SHA256";
	uint8_t key[sizeof(k->mac)];
	OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key, sizeof(key)),
				OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
				OSSL_PARAM_construct_end() };
	int rc;

	memcpy(key, k->mac, sizeof(key));
	rc = EVP_MAC_CTX_set_params(mac, params);
	OPENSSL_cleanse(key, sizeof(key));
	return rc == 1;
}

int tls_seal_new(const struct tls_seal *seal, uint8_t name[16], uint8_t iv[16], EVP_CIPHER_CTX *cipher,
		 EVP_MAC_CTX *mac)
{
	const struct tls_seal_key *k = &seal->keys[0];

	if (seal->count == 0)
		return 0;
	memcpy(name, k->name, sizeof(k->name));
	if (RAND_bytes(iv, 16) != 1 ||
	    EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, k->cipher, iv) != 1 || !mac_start(mac, k))
		return -1;
	return 1;
}

int tls_seal_open(const struct tls_seal *seal, const uint8_t name[16], const uint8_t iv[16],
		  EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	for (size_t i = 0; i < seal->count; i++) {
		const struct tls_seal_key *k = &seal->keys[i];

		if (memcmp(name, k->name, sizeof(k->name)) != 0)
			continue;
		if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, k->cipher, iv) != 1 ||
		    !mac_start(mac, k))
			return -1;
		return i == 0 ? 1 : 2;
	}
	return 0;
}
