/* scram_keys.c - the contract is in scram_keys.h. */
#include "sasl/scram_keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "common/base/base64.h"

static const struct {
	const char *name;
	size_t size;
	const EVP_MD *(*md)(void);
} hashes[SCRAM_HASHES] = {
	[SCRAM_SHA_256] = { "scram-sha-256", 32, EVP_sha256 },
	[SCRAM_SHA_1] = { "scram-sha-1", 20, EVP_sha1 },
};

size_t scram_hash_size(enum scram_hash h)
{
	return hashes[h].size;
}

const char *scram_hash_name(enum scram_hash h)
{
	return hashes[h].name;
}

bool scram_hash_of(struct span mechanism, enum scram_hash *h)
{
	for (*h = 0; *h < SCRAM_HASHES; (*h)++) {
		struct span rest = mechanism, name = span_take(&rest, strlen(hashes[*h].name));

		if (span_is_nocase(name, hashes[*h].name) && (rest.n == 0 || span_is_nocase(rest, "-PLUS")))
			return true;
	}
	*h = SCRAM_SHA_256;
	return false;
}

unsigned scram_hashes_listed(const char *list)
{
	struct span rest = span_of(list);
	unsigned bits = 0;

	while (rest.n > 0) {
		struct span one = span_trim(span_take_until(&rest, ','));

		for (enum scram_hash h = 0; h < SCRAM_HASHES; h++)
			if (span_is_nocase(one, hashes[h].name + strlen("scram-")))
				bits |= 1u << h;
	}
	return bits;
}

static bool hmac(enum scram_hash h, const uint8_t *key, struct span text, uint8_t out[SCRAM_KEY_MAX])
{
	return HMAC(hashes[h].md(), key, (int)hashes[h].size, text.p, text.n, out, NULL) != NULL;
}

static bool digest(enum scram_hash h, const uint8_t *in, uint8_t out[SCRAM_KEY_MAX])
{
	return EVP_Digest(in, hashes[h].size, out, NULL, hashes[h].md(), NULL) == 1;
}

/* RFC 5802 3: SaltedPassword, ClientKey, StoredKey, ServerKey */
bool scram_keys_make(struct scram_keys *k, enum scram_hash h, struct span password)
{
	uint8_t salted[SCRAM_KEY_MAX], client[SCRAM_KEY_MAX];
	bool good = PKCS5_PBKDF2_HMAC(password.n > 0 ? (const char *)password.p : "", (int)password.n, k->salt,
				      (int)k->salt_n, (int)k->iterations, hashes[h].md(), (int)hashes[h].size,
				      salted) == 1 &&
		    hmac(h, salted, span_of("Client Key"), client) && digest(h, client, k->stored) &&
		    hmac(h, salted, span_of("Server Key"), k->server);

	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(client, sizeof(client));
	return good;
}

bool scram_keys_check(const struct scram_keys *k, enum scram_hash h, struct span message, struct span proof,
		      uint8_t signature[SCRAM_KEY_MAX])
{
	uint8_t client[SCRAM_KEY_MAX] = { 0 }, stored[SCRAM_KEY_MAX] = { 0 };
	bool sized = proof.n == hashes[h].size, good = hmac(h, k->stored, message, client);

	for (size_t i = 0; sized && i < proof.n; i++)
		client[i] ^= proof.p[i];
	good &= digest(h, client, stored) && hmac(h, k->server, message, signature);
	good &= CRYPTO_memcmp(stored, k->stored, hashes[h].size) == 0;
	explicit_bzero(client, sizeof(client));
	return sized && good;
}

/* Bytes in base64 into out, which has room for max. Their number; 0: malformed. */
static size_t read_bytes(struct span text, uint8_t *out, size_t max)
{
	struct buf b;
	size_t n = 0;

	buf_init(&b, max);
	if (base64_decode(&b, text) && b.n > 0) {
		n = b.n;
		memcpy(out, b.p, n);
	}
	buf_wipe(&b);
	return n;
}

bool scram_keys_read(struct scram_keys *k, enum scram_hash h, struct span value)
{
	struct span number = span_take_until(&value, ' '), salt = span_take_until(&value, ' ');
	struct span stored = span_take_until(&value, ' ');
	uint64_t iterations;

	*k = (struct scram_keys){ .iterations = 0 };
	if (!span_number(number, SCRAM_ROUNDS_MAX, &iterations) || iterations < SCRAM_ROUNDS_MIN)
		return false;
	k->salt_n = read_bytes(salt, k->salt, sizeof(k->salt));
	if (k->salt_n == 0 || read_bytes(stored, k->stored, sizeof(k->stored)) != hashes[h].size ||
	    read_bytes(value, k->server, sizeof(k->server)) != hashes[h].size)
		return false;
	k->iterations = (uint32_t)iterations;
	return true;
}

void scram_keys_put(struct buf *b, enum scram_hash h, const struct scram_keys *k)
{
	buf_printf(b, "%u ", k->iterations);
	base64_encode(b, (struct span){ k->salt, k->salt_n });
	buf_put_byte(b, ' ');
	base64_encode(b, (struct span){ k->stored, hashes[h].size });
	buf_put_byte(b, ' ');
	base64_encode(b, (struct span){ k->server, hashes[h].size });
}
