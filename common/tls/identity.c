/* identity.c - the contract is in identity.h. */
#include "common/tls/identity.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/escape.h"
#include "common/tls/chain.h"
#include "common/tls/pem.h"

/* OpenSSL's security levels 1 to 5, in bits. */
static const int level_bits[] = { 80, 112, 128, 192, 256 };

static unsigned level_of(int bits)
{
	unsigned level = 0;

	while (level < 5 && bits >= level_bits[level])
		level++;
	return level;
}

unsigned tls_certificate_fits(X509 *cert)
{
	EVP_PKEY *pair = X509_get0_pubkey(cert);
	unsigned key = pair != NULL ? level_of(EVP_PKEY_get_security_bits(pair)) : 0, signature;
	int bits = -1;

	if (tls_chain_own(cert))
		return key;
	if (X509_get_signature_info(cert, NULL, NULL, &bits, NULL) != 1)
		bits = -1;
	signature = level_of(bits);
	return key < signature ? key : signature;
}

static bool kind_of(const EVP_PKEY *key, enum tls_kind *kind)
{
	static const struct {
		int id;
		enum tls_kind kind;
	} kinds[] = {
		{ EVP_PKEY_EC, TLS_KIND_EC },		{ EVP_PKEY_RSA, TLS_KIND_RSA },
		{ EVP_PKEY_RSA_PSS, TLS_KIND_RSA_PSS }, { EVP_PKEY_ED25519, TLS_KIND_ED25519 },
		{ EVP_PKEY_ED448, TLS_KIND_ED448 },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].id != EVP_PKEY_get_base_id(key))
			continue;
		*kind = kinds[i].kind;
		return true;
	}
	return false;
}

bool tls_name_fold(char out[TLS_NAME_MAX], struct span name)
{
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n == 0 || name.n >= TLS_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f)
			return false;
		out[i] = (char)ascii_lower(name.p[i]);
	}
	out[name.n] = '\0';
	return true;
}

bool tls_name_wildcard(char out[TLS_NAME_MAX], const char *name)
{
	const char *dot = strchr(name, '.');

	if (dot == NULL || dot == name || strlen(dot) + 2 > TLS_NAME_MAX)
		return false;
	snprintf(out, TLS_NAME_MAX, "*%s", dot);
	return true;
}

static void name_add(struct tls_identity *id, const ASN1_STRING *text)
{
	struct span name = { ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text) };

	if (tls_name_fold(id->names[id->name_count], name))
		id->name_count++;
}

/* RFC 6125 6.4.4: the common name counts only where no DNS name is in subjectAltName. */
static int names_read(struct tls_identity *id, struct error *err)
{
	GENERAL_NAMES *list = X509_get_ext_d2i(id->leaf, NID_subject_alt_name, NULL, NULL);
	X509_NAME *subject = X509_get_subject_name(id->leaf);
	int count = list != NULL ? sk_GENERAL_NAME_num(list) : 0;

	id->names = calloc((size_t)count + 1, sizeof(*id->names));
	if (id->names == NULL) {
		GENERAL_NAMES_free(list);
		return error_set(err, -ENOMEM, "no memory for the names in %s", id->file);
	}
	for (int i = 0; i < count; i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(list, i);

		if (one->type == GEN_DNS)
			name_add(id, one->d.dNSName);
	}
	GENERAL_NAMES_free(list);
	if (id->name_count == 0) {
		int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

		if (at >= 0)
			name_add(id, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	}
	return 0;
}

static int key_check(const struct tls_identity *id, const struct tls_pair *pair, struct error *err)
{
	char have[64], want[64];

	if (X509_check_private_key(id->leaf, id->key) == 1)
		return 0;
	ERR_clear_error();
	tls_key_text(id->key, have, sizeof(have));
	tls_key_text(X509_get0_pubkey(id->leaf), want, sizeof(want));
	return error_set(err, -EINVAL,
			 "%s (%s) is not the key of %s (%s): Certificate and PrivateKey must stand in the same order",
			 pair->key_name, have, pair->certificate_name, want);
}

/* The weakest of leaf and chain. */
static X509 *weakest(const struct tls_identity *id)
{
	X509 *least = id->leaf;

	for (int i = 0; i < sk_X509_num(id->chain); i++)
		if (tls_certificate_fits(sk_X509_value(id->chain, i)) < tls_certificate_fits(least))
			least = sk_X509_value(id->chain, i);
	return least;
}

void tls_identity_weakest(const struct tls_identity *id, char *out, size_t size)
{
	X509 *cert = weakest(id);
	size_t used;

	out[0] = '\0';
	if (cert != id->leaf) {
		tls_subject_text(cert, out, size);
		used = strlen(out);
		snprintf(out + used, size - used, ", ");
	}
	used = strlen(out);
	tls_key_text(X509_get0_pubkey(cert), out + used, size - used);
}

/* Takes the leaf off loose: the one that fits the key, alive rather than not, the first
 * of those; where none fits, the first of all. */
static void leaf_take(struct tls_identity *id)
{
	int best = -1;

	for (int i = 0; i < sk_X509_num(id->loose); i++) {
		X509 *one = sk_X509_value(id->loose, i);
		bool alive = X509_cmp_current_time(X509_get0_notAfter(one)) > 0;

		if ((best >= 0 && !alive) || X509_check_private_key(one, id->key) != 1)
			continue;
		best = i;
		if (alive)
			break;
	}
	ERR_clear_error();
	id->misplaced = best > 0;
	id->leaf = sk_X509_delete(id->loose, best > 0 ? best : 0);
}

static int chain_make(struct tls_identity *id, struct error *err)
{
	id->chain = sk_X509_new_null();
	if (id->chain == NULL || !tls_chain_order(id->leaf, id->chain, id->loose, NULL))
		return error_set(err, -ENOMEM, "no memory for the chain in %s", id->file);
	id->fits = tls_certificate_fits(weakest(id));
	return 0;
}

int tls_identity_load(struct tls_identity *id, const struct tls_pair *pair, struct error *err)
{
	int rc;

	*id = (struct tls_identity){ .file = pair->certificate_name };
	rc = tls_pem_certificates(&id->loose, pair->certificate, pair->certificate_name, err);
	if (rc < 0)
		goto out;
	rc = tls_pem_key(&id->key, pair->key, pair->key_name, err);
	if (rc < 0)
		goto out;
	leaf_take(id);
	if (X509_get0_pubkey(id->leaf) == NULL || !kind_of(X509_get0_pubkey(id->leaf), &id->kind)) {
		rc = error_set(err, -EINVAL, "%s: its kind of key serves no TLS; use P-256 or RSA",
			       pair->certificate_name);
		goto out;
	}
	rc = key_check(id, pair, err);
	if (rc == 0)
		rc = chain_make(id, err);
	if (rc == 0)
		rc = names_read(id, err);
out:
	ERR_clear_error();
	if (rc < 0)
		tls_identity_clear(id);
	return rc;
}

/* Puts the authorities of list that fit the level into pool; they are lent. */
static bool pool_add(STACK_OF(X509) *pool, STACK_OF(X509) *list, unsigned level)
{
	for (int i = 0; i < sk_X509_num(list); i++) {
		X509 *one = sk_X509_value(list, i);

		if (X509_check_ca(one) > 0 && tls_certificate_fits(one) >= level && sk_X509_push(pool, one) == 0)
			return false;
	}
	return true;
}

int tls_identities_complete(struct tls_identity *ids, size_t count, unsigned level, struct error *err)
{
	STACK_OF(X509) *pool = sk_X509_new_null();
	bool done = pool != NULL;

	for (size_t i = 0; i < count && done; i++)
		done = pool_add(pool, ids[i].chain, level) && pool_add(pool, ids[i].loose, level);
	for (size_t i = 0; i < count && done; i++) {
		done = tls_chain_order(ids[i].leaf, ids[i].chain, ids[i].loose, pool);
		ids[i].fits = tls_certificate_fits(weakest(&ids[i]));
	}
	sk_X509_free(pool);
	return done ? 0 : error_set(err, -ENOMEM, "no memory for the chains of %zu certificates", count);
}

void tls_identity_clear(struct tls_identity *id)
{
	X509_free(id->leaf);
	sk_X509_pop_free(id->chain, X509_free);
	sk_X509_pop_free(id->loose, X509_free);
	EVP_PKEY_free(id->key);
	free(id->names);
	*id = (struct tls_identity){ 0 };
}

bool tls_identity_stale(const struct tls_identity *id, char *out, size_t size)
{
	const ASN1_TIME *from = X509_get0_notBefore(id->leaf), *to = X509_get0_notAfter(id->leaf);
	char date[TLS_DATE_MAX];

	if (X509_cmp_current_time(to) < 0) {
		tls_date_text(to, date, sizeof(date));
		snprintf(out, size, "%s: expired on %s; clients will refuse it", id->file, date);
		return true;
	}
	if (X509_cmp_current_time(from) > 0) {
		tls_date_text(from, date, sizeof(date));
		snprintf(out, size, "%s: not valid before %s; clients will refuse it", id->file, date);
		return true;
	}
	return false;
}

void tls_identity_warn(const struct tls_identity *id, tls_warn warn, void *arg)
{
	char words[400];

	if (warn == NULL)
		return;
	if (tls_identity_stale(id, words, sizeof(words)))
		warn(arg, words);
	if (id->misplaced) {
		snprintf(words, sizeof(words),
			 "%s: the certificate that fits the key does not stand first; other programs want it there",
			 id->file);
		warn(arg, words);
	}
	tls_chain_warn(id->file, id->leaf, id->chain, id->loose, warn, arg);
}

bool tls_identity_covers(const struct tls_identity *id, const char *name)
{
	char wildcard[TLS_NAME_MAX];
	bool wild = tls_name_wildcard(wildcard, name);

	for (size_t i = 0; i < id->name_count; i++)
		if (strcmp(id->names[i], name) == 0 || (wild && strcmp(id->names[i], wildcard) == 0))
			return true;
	return false;
}

int tls_identity_use(const struct tls_identity *id, SSL_CTX *ctx, struct error *err)
{
	char text[256];
	unsigned long e;

	if (SSL_CTX_use_cert_and_key(ctx, id->leaf, id->key, id->chain, 1) == 1)
		return 0;
	e = ERR_peek_error();
	ERR_error_string_n(e, text, sizeof(text));
	ERR_clear_error();
	return error_set(err, -EINVAL, "%s: OpenSSL does not take it: %s", id->file, text);
}
