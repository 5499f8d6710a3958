/* accounts_hash.c - the contract is in accounts_hash.h. */
#include "auth/accounts_hash.h"

#include <errno.h>
#include <string.h>

#include "common/base/ascii.h"

static bool is_sign(uint8_t c)
{
	return ascii_alpha(c) || ascii_digit(c) || c == '.' || c == '/';
}

/* n signs of crypt's alphabet, and nothing behind them. */
static bool is_digest(struct span s, size_t n)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_sign(s.p[i]))
			return false;
	return s.n == n;
}

/* SALT$DIGEST */
static bool is_salted(struct span s, size_t salt_max, size_t digest)
{
	struct span salt = span_take_until(&s, '$');

	return salt.n > 0 && salt.n <= salt_max && is_digest(salt, salt.n) && is_digest(s, digest);
}

static bool is_md5(struct span s)
{
	return is_salted(s, 8, 22);
}

static bool is_sha(struct span s, size_t digest)
{
	struct span rest = s, word = span_take_until(&rest, '$');
	uint64_t rounds;

	if (!span_starts(word, "rounds="))
		return is_salted(s, 16, digest);
	span_take(&word, strlen("rounds="));
	return span_number(word, ACCOUNTS_HASH_ROUNDS, &rounds) && rounds >= 1000 && is_salted(rest, 16, digest);
}

static bool is_sha256(struct span s)
{
	return is_sha(s, 43);
}

static bool is_sha512(struct span s)
{
	return is_sha(s, 86);
}

static bool is_bcrypt(struct span s)
{
	uint64_t cost;

	return span_number(span_take_until(&s, '$'), ACCOUNTS_HASH_COST, &cost) && cost >= 4 && is_digest(s, 53);
}

/* Parameters as crypt_gensalt writes them: jXT up to 64 MiB. */
static bool is_yescrypt(struct span s)
{
	struct span parameters = span_take_until(&s, '$');

	return parameters.n == 3 && parameters.p[0] == 'j' && memchr("789AB", parameters.p[1], 5) != NULL &&
	       memchr("5T", parameters.p[2], 2) != NULL && is_salted(s, 32, 43);
}

/* "m=65536" */
static bool is_number(struct span word, const char *name, uint64_t most)
{
	uint64_t n;

	if (!span_starts(word, name))
		return false;
	span_take(&word, strlen(name));
	return span_number(word, most, &n) && n > 0;
}

static bool is_base64(struct span s, size_t least)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_alnum(s.p[i]) && s.p[i] != '+' && s.p[i] != '/')
			return false;
	return s.n >= least;
}

/* v=19$m=KIB,t=PASSES,p=LANES$SALT$DIGEST, as libsodium reads it. */
static bool is_argon2id(struct span s)
{
	struct span version = span_take_until(&s, '$'), parameters = span_take_until(&s, '$'), salt = span_take_until(&s, '$');

	return span_is(version, "v=19") && is_number(span_take_until(&parameters, ','), "m=", ACCOUNTS_HASH_KIB) &&
	       is_number(span_take_until(&parameters, ','), "t=", ACCOUNTS_HASH_PASSES) && is_number(parameters, "p=", 255) &&
	       is_base64(salt, 11) && is_base64(s, 22);
}

static const struct {
	const char *prefix;
	bool (*fits)(struct span rest);
} schemes[] = {
	{ "$1$", is_md5 },     { "$5$", is_sha256 },  { "$6$", is_sha512 },  { "$2a$", is_bcrypt },
	{ "$2b$", is_bcrypt }, { "$2y$", is_bcrypt }, { "$y$", is_yescrypt },
};

bool accounts_hash_foreign(struct span hash)
{
	for (size_t i = 0; hash.n < ACCOUNTS_HASH && i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (!span_starts(hash, schemes[i].prefix))
			continue;
		span_take(&hash, strlen(schemes[i].prefix));
		return schemes[i].fits(hash);
	}
	return false;
}

/* Dovecot's names of schemes whose strings say by themselves what they are. */
static bool is_named(struct span name)
{
	static const char *const names[] = { "CRYPT", "MD5-CRYPT", "SHA256-CRYPT", "SHA512-CRYPT", "BLF-CRYPT", "ARGON2ID" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_is_nocase(name, names[i]))
			return true;
	return false;
}

static bool is_ours(struct span hash)
{
	static const char prefix[] = "$argon2id$";

	if (!span_starts(hash, prefix))
		return false;
	span_take(&hash, sizeof(prefix) - 1);
	return is_argon2id(hash);
}

int accounts_hash_take(const char *text, char out[ACCOUNTS_HASH], struct error *err)
{
	struct span rest = span_of(text), name;

	out[0] = '\0';
	if (*text == '{') {
		span_take(&rest, 1);
		name = span_take_until(&rest, '}');
		if (!is_named(name))
			return error_set(err, -EINVAL, "hashes of the scheme %.*s can't be taken over: the account needs a new password",
					 name.n < 40 ? (int)name.n : 40, (const char *)name.p);
	}
	if (rest.n >= ACCOUNTS_HASH || (!accounts_hash_foreign(rest) && !is_ours(rest)))
		return error_set(err, -EINVAL,
				 "that is no hash that can be taken over: $1$ $5$ $6$ $2a$ $2b$ $2y$ $y$ $argon2id$, with up to %d rounds, a cost of %d, or %d passes over %d MiB",
				 ACCOUNTS_HASH_ROUNDS, ACCOUNTS_HASH_COST, ACCOUNTS_HASH_PASSES, ACCOUNTS_HASH_KIB / 1024);
	memcpy(out, rest.p, rest.n);
	out[rest.n] = '\0';
	return 0;
}
