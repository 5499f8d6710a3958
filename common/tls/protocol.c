/* protocol.c - the contract is in protocol.h. */
#include "common/tls/protocol.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <stdio.h>
#include <string.h>

enum {
	LIST_MAX = 4096,	/* bytes of a list of ciphers or groups */
	GROUP_MAX = 64	/* bytes of a group's name */
};

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

/* The next name of a list; false: it is empty, or none that OpenSSL could know. */
static bool group_take(struct span *rest, char out[GROUP_MAX])
{
	struct span name = span_trim(span_take_until(rest, ':'));

	if (name.n >= GROUP_MAX)
		return false;
	snprintf(out, GROUP_MAX, "%.*s", (int)name.n, (const char *)name.p);
	return name.n > 0;
}

int tls_protocol_groups(SSL_CTX *ctx, const char *list, struct error *err)
{
	struct span rest = span_of(list);
	struct buf known;
	int rc = 0;

	buf_init(&known, LIST_MAX);
	while (rest.n > 0) {
		char text[GROUP_MAX];

		if (!group_take(&rest, text) || SSL_CTX_set1_groups_list(ctx, text) != 1)
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

/* --- groups that are of use ------------------------------------------------- */

/* Takes a vector: its length in so many bytes, then its bytes (RFC 8446 3.4). */
static struct span vector_take(struct span *in, size_t length_bytes)
{
	struct span length = span_take(in, length_bytes);
	size_t n = 0;

	for (size_t i = 0; i < length.n; i++)
		n = n << 8 | length.p[i];
	return span_take(in, n);
}

/* A ClientHello as OpenSSL has written it names groups (RFC 8446 4.1.2, 4.2.7). */
static bool hello_has_groups(BIO *out)
{
	enum { UP_TO_SESSION_ID = 5 + 4 + 2 + 32, TYPE_GROUPS = 10 };
	uint8_t *p = NULL;
	long n = BIO_get_mem_data(out, &p);
	struct span hello = { p, n > 0 ? (size_t)n : 0 }, extensions;

	span_take(&hello, UP_TO_SESSION_ID);
	vector_take(&hello, 1);
	vector_take(&hello, 2);
	vector_take(&hello, 1);
	extensions = vector_take(&hello, 2);
	while (extensions.n > 0) {
		struct span type = span_take(&extensions, 2);

		vector_take(&extensions, 2);
		if (type.n == 2 && type.p[0] == 0 && type.p[1] == TYPE_GROUPS)
			return true;
	}
	return false;
}

/* OpenSSL names no groups, or makes no ClientHello at all, where version and level leave
 * none of the list. */
static bool group_fits(SSL_CTX *taker, const char *name)
{
	SSL *ssl = SSL_new(taker);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	bool fits = false;

	if (ssl == NULL || in == NULL || out == NULL) {
		BIO_free(in);
		BIO_free(out);
	} else {
		SSL_set_bio(ssl, in, out);
		ERR_clear_error();
		fits = SSL_set1_groups_list(ssl, name) == 1 &&
		       SSL_get_error(ssl, SSL_connect(ssl)) == SSL_ERROR_WANT_READ && hello_has_groups(out);
	}
	SSL_free(ssl);
	ERR_clear_error();
	return fits;
}

/* What a group is of use for changes with TLS 1.3 alone. */
static int takers_make(SSL_CTX *takers[2], const struct tls_policy *p, struct error *err)
{
	unsigned left = tls_policy_versions(p), old = left & ~(unsigned)TLS_1_3;
	enum tls_version highest = (old & TLS_1_2) != 0 ? TLS_1_2 : (old & TLS_1_1) != 0 ? TLS_1_1 : TLS_1_0;
	int rc = 0;

	takers[0] = takers[1] = NULL;
	if (old != 0)
		rc = tls_protocol_taker(&takers[0], highest, p->level, err);
	if (rc == 0 && (left & TLS_1_3) != 0)
		rc = tls_protocol_taker(&takers[1], TLS_1_3, p->level, err);
	return rc;
}

int tls_protocol_groups_fit(const struct tls_policy *p, struct buf *out, struct error *err)
{
	struct span rest = span_of(p->groups);
	SSL_CTX *takers[2];
	int rc = takers_make(takers, p, err);

	while (rc == 0 && rest.n > 0) {
		char name[GROUP_MAX];

		if (group_take(&rest, name) && ((takers[0] != NULL && group_fits(takers[0], name)) ||
						(takers[1] != NULL && group_fits(takers[1], name))))
			buf_printf(out, "%s%s", out->n > 0 ? " " : "", name);
	}
	SSL_CTX_free(takers[0]);
	SSL_CTX_free(takers[1]);
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

/* A group of the list is known to be strong enough: then nothing needs to be tried, which costs a
 * key pair for each group. */
static bool groups_strong(const struct tls_policy *p)
{
	static const struct {
		const char *name;
		unsigned fits;
	} known[] = { { "X25519", 3 }, { "P-256", 3 }, { "P-384", 4 }, { "P-521", 5 } };
	struct span rest = span_of(p->groups);
	char name[GROUP_MAX];

	while (rest.n > 0) {
		bool taken = group_take(&rest, name);

		for (size_t i = 0; taken && i < sizeof(known) / sizeof(known[0]); i++)
			if (strcmp(name, known[i].name) == 0 && p->level <= known[i].fits)
				return true;
	}
	return false;
}

static int groups_check(const struct tls_policy *p, struct error *err)
{
	static const char *const would_do[] = { [4] = "P-384:P-521", [5] = "P-521" };
	const char *instead = p->level >= 4 ? would_do[p->level] : "X25519:P-256:P-384";
	struct buf fit;
	int rc;

	if (groups_strong(p))
		return 0;
	buf_init(&fit, LIST_MAX);
	rc = tls_protocol_groups_fit(p, &fit, err);
	if (rc == 0 && fit.n == 0)
		rc = error_set(err, -EINVAL,
			       "Groups: SecureLevel %u and the versions that are left take nothing of \"%s\"; %s would do",
			       p->level, p->groups, instead);
	buf_clear(&fit);
	return rc;
}

/* Versions that are asked for by the mask and can't be had. */
static void barred_warn(const struct tls_policy *p, tls_warn warn, void *arg)
{
	unsigned old = (TLS_SSL2 | TLS_SSL3) & ~p->forbidden;
	unsigned barred = (TLS_1_0 | TLS_1_1) & ~p->forbidden;
	char text[64], words[256];

	tls_versions_text(old, text, sizeof(text));
	snprintf(words, sizeof(words),
		 "SecureLayOption %u does not forbid %.*s, but OpenSSL 3 has neither SSL 2.0 nor SSL 3.0: no setting "
		 "brings them back; add %u",
		 p->forbidden, old == (TLS_SSL2 | TLS_SSL3) ? (int)sizeof(text) : 7, text, old);
	if (old != 0)
		warn(arg, words);
	tls_versions_text(barred, text, sizeof(text));
	snprintf(words, sizeof(words),
		 "SecureLayOption %u allows %.*s too, but what is below TLS 1.2 works at SecureLevel 0 only, and here "
		 "that is %u",
		 p->forbidden, barred == (TLS_1_0 | TLS_1_1) ? (int)sizeof(text) : 7, text, p->level);
	if (barred != 0 && p->level > 0)
		warn(arg, words);
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
	if (rc == 0)
		rc = groups_check(p, err);
	if (rc == 0 && warn != NULL) {
		barred_warn(p, warn, arg);
		hole_warn(p, warn, arg);
		unknown_warn(ctx, p, warn, arg);
	}
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}
