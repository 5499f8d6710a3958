/* scram.c - the contract is in scram.h. */
#include "sasl/scram.h"

#include <sodium.h>
#include <string.h>

#include "common/base/base64.h"
#include "sasl/client.h"

static void hmac(const uint8_t key[SCRAM_HASH], struct span text, uint8_t out[SCRAM_HASH])
{
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, key, SCRAM_HASH);
	crypto_auth_hmacsha256_update(&st, text.p, text.n);
	crypto_auth_hmacsha256_final(&st, out);
	sodium_memzero(&st, sizeof(st));
}

/* RFC 5802 2.2's Hi: PBKDF2 with one block. The key's two inner states are made once. */
static void salted(const struct scram_first *f, struct span password, uint8_t out[SCRAM_HASH])
{
	static const uint8_t one[4] = { 0, 0, 0, 1 };
	crypto_auth_hmacsha256_state key, st;
	uint8_t u[SCRAM_HASH];

	crypto_auth_hmacsha256_init(&key, password.p, password.n);
	st = key;
	crypto_auth_hmacsha256_update(&st, f->salt, f->salt_n);
	crypto_auth_hmacsha256_update(&st, one, sizeof(one));
	crypto_auth_hmacsha256_final(&st, u);
	memcpy(out, u, SCRAM_HASH);
	for (uint32_t i = 1; i < f->iterations; i++) {
		st = key;
		crypto_auth_hmacsha256_update(&st, u, sizeof(u));
		crypto_auth_hmacsha256_final(&st, u);
		for (size_t j = 0; j < SCRAM_HASH; j++)
			out[j] ^= u[j];
	}
	sodium_memzero(&key, sizeof(key));
	sodium_memzero(&st, sizeof(st));
	sodium_memzero(u, sizeof(u));
}

void scram_proofs(const struct scram_first *f, struct span password, struct span message,
		  uint8_t proof[SCRAM_HASH], uint8_t signature[SCRAM_HASH])
{
	uint8_t base[SCRAM_HASH], client[SCRAM_HASH], stored[SCRAM_HASH], server[SCRAM_HASH];

	salted(f, password, base);
	hmac(base, span_of("Client Key"), client);	/* RFC 5802 3 */
	crypto_hash_sha256(stored, client, sizeof(client));
	hmac(stored, message, proof);
	for (size_t i = 0; i < SCRAM_HASH; i++)
		proof[i] ^= client[i];
	hmac(base, span_of("Server Key"), server);
	hmac(server, message, signature);
	sodium_memzero(base, sizeof(base));
	sodium_memzero(client, sizeof(client));
	sodium_memzero(stored, sizeof(stored));
	sodium_memzero(server, sizeof(server));
}

/* Takes "k=value" and its comma off *in; false for another attribute, or an empty value. */
static bool take_attribute(struct span *in, char key, struct span *value)
{
	struct span one = span_take_until(in, ',');

	if (one.n < 3 || one.p[0] != (uint8_t)key || one.p[1] != '=')
		return false;
	span_take(&one, 2);
	*value = one;
	return true;
}

static bool read_base64(struct span text, uint8_t *out, size_t max, size_t *n)
{
	struct buf b;
	bool good;

	buf_init(&b, max);
	good = base64_decode(&b, text) && b.n > 0;
	if (good)
		memcpy(out, b.p, b.n);
	*n = good ? b.n : 0;
	buf_clear(&b);
	return good;
}

/* RFC 5802 7: nonce, salt, iterations, in this order; "m=" in front is an extension that must be
 * understood; what stands behind may be passed over. */
bool scram_read_first(struct scram_first *f, struct span text, struct span our_nonce)
{
	struct span salt, number, begin;
	uint64_t iterations;

	if (!take_attribute(&text, 'r', &f->nonce) || !take_attribute(&text, 's', &salt) ||
	    !take_attribute(&text, 'i', &number))
		return false;
	begin = f->nonce;
	begin = span_take(&begin, our_nonce.n);
	if (!span_equal(begin, our_nonce) || f->nonce.n == our_nonce.n)	/* RFC 5802 5.1 */
		return false;
	if (!span_number(number, SCRAM_ITERATIONS_MAX, &iterations) || iterations < SCRAM_ITERATIONS_MIN)
		return false;
	f->iterations = (uint32_t)iterations;
	return read_base64(salt, f->salt, sizeof(f->salt), &f->salt_n);
}

bool scram_read_last(struct span text, const uint8_t signature[SCRAM_HASH])
{
	uint8_t said[SCRAM_HASH];
	struct span value;
	size_t n;

	return take_attribute(&text, 'v', &value) && read_base64(value, said, sizeof(said), &n) && n == SCRAM_HASH &&
	       sodium_memcmp(said, signature, SCRAM_HASH) == 0;
}
