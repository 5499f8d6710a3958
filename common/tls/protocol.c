/* protocol.c - the contract is in protocol.h. */
#include "common/tls/protocol.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <stdio.h>

#include "common/base/buf.h"

enum { LIST_MAX = 4096 };	/* bytes of a list of ciphers or groups */

static const struct {
	enum tls_version bit;
	int number;
	uint64_t refuse;
} wire[] = {
	{ TLS_1_0, TLS1_VERSION, SSL_OP_NO_TLSv1 },
	{ TLS_1_1, TLS1_1_VERSION, SSL_OP_NO_TLSv1_1 },
	{ TLS_1_2, TLS1_2_VERSION, SSL_OP_NO_TLSv1_2 },
	{ TLS_1_3, TLS1_3_VERSION, SSL_OP_NO_TLSv1_3 },
};

enum { WIRE_COUNT = sizeof(wire) / sizeof(wire[0]) };

static int versions_none(const struct tls_policy *p, struct error *err)
{
	if ((p->forbidden & (TLS_1_0 | TLS_1_1)) != (TLS_1_0 | TLS_1_1))
		return error_set(err, -EINVAL,
				 "SecureLayOption %u leaves TLS 1.0 or 1.1 alone, and those work at SecureLevel 0 only: "
				 "allow TLS 1.2 and 1.3 (SecureLayOption 15)",
				 p->forbidden);
	return error_set(err, -EINVAL,
			 "SecureLayOption %u forbids every version of TLS: 15 forbids all below TLS 1.2", p->forbidden);
}

/* Both the range and the single switches: system-wide settings of openssl.cnf could
 * have set either, and a hole can be made with switches only. */
static int versions_apply(SSL_CTX *ctx, const struct tls_policy *p, struct error *err)
{
	unsigned left = tls_policy_versions(p);
	int lowest = 0, highest = 0;

	if (left == 0)
		return versions_none(p, err);
	for (size_t i = 0; i < WIRE_COUNT; i++) {
		if ((left & wire[i].bit) == 0) {
			SSL_CTX_set_options(ctx, wire[i].refuse);
			continue;
		}
		SSL_CTX_clear_options(ctx, wire[i].refuse);
		lowest = lowest == 0 ? wire[i].number : lowest;
		highest = wire[i].number;
	}
	if (SSL_CTX_set_min_proto_version(ctx, lowest) != 1 || SSL_CTX_set_max_proto_version(ctx, highest) != 1)
		return error_set(err, -EINVAL, "this OpenSSL was built without what SecureLayOption %u leaves",
				 p->forbidden);
	return 0;
}

/* One name of a cipher list, or several joined by +; "!" and "-" take away. */
static int cipher_name_check(struct span name, struct error *err)
{
	ptrdiff_t at = span_find(name, '@');	/* OpenSSL takes it without a colon before it too */

	if (at >= 0 && span_starts_nocase((struct span){ name.p + at, name.n - (size_t)at }, "@SECLEVEL"))
		return error_set(err, -EINVAL, "CipherList: @SECLEVEL does not belong here: say SecureLevel");
	if (name.n > 0 && (name.p[0] == '!' || name.p[0] == '-'))
		return 0;
	while (name.n > 0) {
		struct span part = span_take_until(&name, '+');

		if (span_is_nocase(part, "aNULL") || span_is_nocase(part, "eNULL") || span_is_nocase(part, "NULL"))
			return error_set(err, -EINVAL,
					 "CipherList: %.*s would allow TLS without a certificate or without "
					 "encryption: take it out",
					 (int)part.n, (const char *)part.p);
	}
	return 0;
}

/* The next name of a list that OpenSSL cuts at colons, commas, semicolons and spaces. */
static struct span cipher_name_take(struct span *rest)
{
	size_t n = 0;
	struct span name;

	while (n < rest->n && span_find(span_of(":,; "), rest->p[n]) < 0)
		n++;
	name = span_take(rest, n);
	span_take(rest, 1);
	return name;
}

static int ciphers_check_result(SSL_CTX *ctx, struct error *err)
{
	const STACK_OF(SSL_CIPHER) *list = SSL_CTX_get_ciphers(ctx);

	for (int i = 0; i < sk_SSL_CIPHER_num(list); i++) {
		const SSL_CIPHER *c = sk_SSL_CIPHER_value(list, i);

		if (SSL_CIPHER_get_auth_nid(c) == NID_auth_null || SSL_CIPHER_get_cipher_nid(c) == NID_undef)
			return error_set(err, -EINVAL,
					 "CipherList: %s has no authentication or no encryption: add :!aNULL:!eNULL",
					 SSL_CIPHER_get_name(c));
	}
	return 0;
}

static int ciphers_apply(SSL_CTX *ctx, const struct tls_policy *p, struct error *err)
{
	struct span rest = span_of(p->ciphers);

	while (rest.n > 0)
		if (cipher_name_check(cipher_name_take(&rest), err) < 0)
			return -EINVAL;
	if (SSL_CTX_set_cipher_list(ctx, p->ciphers) != 1)
		return error_set(err, -EINVAL,
				 "CipherList: \"%s\" matches no cipher; `openssl ciphers -v` lists the names",
				 p->ciphers);
	if (p->suites != NULL && (SSL_CTX_set_ciphersuites(ctx, p->suites) != 1))
		return error_set(err, -EINVAL,
				 "CipherSuites: \"%s\" holds a name that is none; `openssl ciphers -v -tls1_3 -s` "
				 "lists them",
				 p->suites);
	return ciphers_check_result(ctx, err);
}

int tls_protocol_groups(SSL_CTX *ctx, const char *list, struct error *err)
{
	struct span rest = span_of(list);
	struct buf known;
	int rc = 0;

	buf_init(&known, LIST_MAX);
	while (rest.n > 0) {
		struct span name = span_trim(span_take_until(&rest, ':'));
		char text[64];

		snprintf(text, sizeof(text), "%.*s", name.n < sizeof(text) ? (int)name.n : 0,
			 (const char *)name.p);
		if (text[0] == '\0' || SSL_CTX_set1_groups_list(ctx, text) != 1)
			continue;
		if (known.n > 0)
			buf_put_byte(&known, ':');
		buf_put_text(&known, text);
	}
	buf_put_byte(&known, '\0');
	if (known.n <= 1 || known.failed || SSL_CTX_set1_groups_list(ctx, (const char *)known.p) != 1)
		rc = error_set(err, -EINVAL,
			       "Groups: \"%s\" names nothing that OpenSSL knows, or a group twice; "
			       "X25519:P-256:P-384 would do",
			       list);
	buf_clear(&known);
	ERR_clear_error();
	return rc;
}

int tls_protocol_apply(SSL_CTX *ctx, const struct tls_policy *p, struct error *err)
{
	/* OpenSSL would store any number unchecked. */
	if (p->level > 5)
		return error_set(err, -EINVAL, "SecureLevel %u: 0 to 5 are allowed", p->level);
	SSL_CTX_set_security_level(ctx, (int)p->level);
	if (versions_apply(ctx, p, err) < 0 || ciphers_apply(ctx, p, err) < 0 ||
	    tls_protocol_groups(ctx, p->groups, err) < 0) {
		ERR_clear_error();
		return -EINVAL;
	}
	ERR_clear_error();
	return 0;
}

int tls_protocol_number(enum tls_version version)
{
	for (size_t i = 0; i < WIRE_COUNT; i++)
		if (wire[i].bit == version)
			return wire[i].number;
	return 0;
}

/* --- a client that takes everything ---------------------------------------- */

/* Without aNULL: it would hide that the certificates do not work. */
static const char every_cipher[] = "ALL:COMPLEMENTOFALL:!aNULL:@SECLEVEL=0";
static const char every_suite[] =
	"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256:"
	"TLS_AES_128_CCM_8_SHA256";
static const char every_signature[] =
	"ed25519:ed448:ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ECDSA+SHA224:ECDSA+SHA1:"
	"rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:"
	"rsa_pss_rsae_sha512:RSA+SHA256:RSA+SHA384:RSA+SHA512:RSA+SHA224:RSA+SHA1";
static const char every_group[] =
	"X25519:P-256:P-384:P-521:X448:X25519MLKEM768:SecP256r1MLKEM768:SecP384r1MLKEM1024:"
	"brainpoolP256r1:brainpoolP384r1:brainpoolP512r1:secp256k1:secp224r1:secp192r1:"
	"ffdhe2048:ffdhe3072:ffdhe4096:ffdhe6144:ffdhe8192";

static int taker_fill(SSL_CTX *ctx, enum tls_version version, unsigned level, struct error *err)
{
	int number = tls_protocol_number(version);

	SSL_CTX_clear_options(ctx, SSL_OP_NO_SSL_MASK);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	if (number == 0 || SSL_CTX_set_min_proto_version(ctx, number) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, number) != 1)
		return error_set(err, -EPROTO, "this OpenSSL was built without it");
	if (SSL_CTX_set_cipher_list(ctx, every_cipher) != 1 || SSL_CTX_set_ciphersuites(ctx, every_suite) != 1 ||
	    SSL_CTX_set1_sigalgs_list(ctx, every_signature) != 1)
		return error_set(err, -EPROTO, "this OpenSSL makes no client that takes everything");
	SSL_CTX_set_security_level(ctx, (int)level);
	return tls_protocol_groups(ctx, every_group, err);
}

int tls_protocol_taker(SSL_CTX **out, enum tls_version version, unsigned level, struct error *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int rc = ctx != NULL ? taker_fill(ctx, version, level, err)
			     : error_set(err, -ENOMEM, "no memory for a TLS context");

	if (rc < 0) {
		SSL_CTX_free(ctx);
		ctx = NULL;
	}
	*out = ctx;
	ERR_clear_error();
	return rc;
}

/* --- trying a policy out --------------------------------------------------- */

/* A cipher of the lists works with that version alone. One version at a time: OpenSSL
 * counts like a client, which sees the lowest block of a mask with a hole only. */
static bool usable(SSL_CTX *ctx, int number)
{
	SSL *ssl = SSL_new(ctx);
	STACK_OF(SSL_CIPHER) *list = NULL;
	bool found;

	if (ssl != NULL && SSL_set_min_proto_version(ssl, number) == 1 &&
	    SSL_set_max_proto_version(ssl, number) == 1)
		list = SSL_get1_supported_ciphers(ssl);
	found = list != NULL && sk_SSL_CIPHER_num(list) > 0;
	sk_SSL_CIPHER_free(list);
	SSL_free(ssl);
	return found;
}

static void unusable_warn(const struct tls_policy *p, unsigned versions, tls_warn warn, void *arg)
{
	char text[80], words[256];

	tls_versions_text(versions, text, sizeof(text));
	snprintf(words, sizeof(words),
		 "SecureLayOption allows %s too, but no cipher of CipherList and CipherSuites works there at "
		 "SecureLevel %u",
		 text, p->level);
	warn(arg, words);
}

static int usable_check(SSL_CTX *ctx, const struct tls_policy *p, tls_warn warn, void *arg, struct error *err)
{
	unsigned left = tls_policy_versions(p), dead = 0;
	char text[80];

	for (size_t i = 0; i < WIRE_COUNT; i++)
		if ((left & wire[i].bit) != 0 && !usable(ctx, wire[i].number))
			dead |= wire[i].bit;
	if (dead == left) {
		tls_versions_text(left, text, sizeof(text));
		return error_set(err, -EINVAL,
				 "CipherList, CipherSuites: nothing in them works with %s at SecureLevel %u", text,
				 p->level);
	}
	if (dead != 0 && warn != NULL)
		unusable_warn(p, dead, warn, arg);
	return 0;
}

static void hole_warn(const struct tls_policy *p, tls_warn warn, void *arg)
{
	unsigned left = tls_policy_versions(p), lowest = left & (0 - left), above = left + lowest;
	char text[64], words[256];

	/* Without a hole the bits are one block, and adding the lowest clears it. */
	if ((above & left) == 0)
		return;
	tls_versions_text(left, text, sizeof(text));
	snprintf(words, sizeof(words),
		 "SecureLayOption %u leaves a hole: %s; many clients offer a range and fall to the lower end of it",
		 p->forbidden, text);
	warn(arg, words);
}

static void unknown_warn(SSL_CTX *ctx, const struct tls_policy *p, tls_warn warn, void *arg)
{
	struct span rest = span_of(p->ciphers);
	char text[128], words[256];

	while (rest.n > 0) {
		struct span name = cipher_name_take(&rest);

		if (name.n == 0 || name.n >= sizeof(text) || span_find(span_of("!-+@"), name.p[0]) >= 0)
			continue;
		snprintf(text, sizeof(text), "%.*s", (int)name.n, (const char *)name.p);
		if (SSL_CTX_set_cipher_list(ctx, text) == 1)
			continue;
		snprintf(words, sizeof(words), "CipherList: %s matches no cipher of this OpenSSL", text);
		warn(arg, words);
	}
	ERR_clear_error();
}

int tls_protocol_try(const struct tls_policy *p, tls_warn warn, void *arg, struct error *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int rc;

	if (ctx == NULL)
		return error_set(err, -ENOMEM, "no memory for a TLS context");
	rc = tls_protocol_apply(ctx, p, err);
	if (rc == 0)
		rc = usable_check(ctx, p, warn, arg, err);
	if (rc == 0 && warn != NULL) {
		hole_warn(p, warn, arg);
		unknown_warn(ctx, p, warn, arg);
	}
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}
