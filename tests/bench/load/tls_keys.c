/* tls_keys.c - the key schedule (RFC 8446 7). */
#include "tests/bench/load/tls_inside.h"

#include <string.h>

void tls_expand(uint8_t *out, size_t n, const uint8_t secret[HASH], const char *label, const uint8_t *context, size_t context_n)
{
	uint8_t info[128], block[HASH];
	size_t length = strlen(label), k = 0;

	info[k++] = 0;
	info[k++] = (uint8_t)n;
	info[k++] = (uint8_t)(6 + length);
	memcpy(info + k, "tls13 ", 6);
	memcpy(info + k + 6, label, length);
	k += 6 + length;
	info[k++] = (uint8_t)context_n;
	if (context_n > 0)
		memcpy(info + k, context, context_n);
	k += context_n;
	info[k++] = 1;
	crypto_auth_hmacsha256(block, info, k, secret);
	memcpy(out, block, n);
}

void tls_extract(uint8_t out[HASH], const uint8_t salt[HASH], const uint8_t *key)
{
	static const uint8_t zero[HASH];

	crypto_auth_hmacsha256(out, key != NULL ? key : zero, HASH, salt);
}

const uint8_t *tls_nothing(void)
{
	static const uint8_t hash[HASH] = { 0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
					    0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
					    0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55 };

	return hash;
}

void tls_transcript(const struct tls *t, uint8_t out[HASH])
{
	crypto_hash_sha256_state state = t->transcript;

	crypto_hash_sha256_final(&state, out);
}

void tls_finished(uint8_t out[HASH], const uint8_t secret[HASH], const uint8_t hash[HASH])
{
	uint8_t key[HASH];

	tls_expand(key, sizeof(key), secret, "finished", NULL, 0);
	crypto_auth_hmacsha256(out, hash, HASH, key);
}
