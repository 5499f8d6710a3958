/* identity.c - the contract is in identity.h. */
#include "common/tls/identity.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
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

/* What OpenSSL asks of a certificate at a level: its key, and who signed how (but
 * for a certificate that signed itself). */
static unsigned certificate_fits(X509 *cert)
{
	unsigned key = level_of(EVP_PKEY_get_security_bits(X509_get0_pubkey(cert))), signature;
	int bits = -1;

	if ((X509_get_extension_flags(cert) & EXFLAG_SS) != 0)
		return key;
	if (X509_get_signature_info(cert, NULL, NULL, &bits, NULL) != 1)
		bits = -1;
	signature = level_of(bits);
	return key < signature ? key : signature;
}

void tls_key_text(const EVP_PKEY *key, char *out, size_t size)
{
	static const struct {
		const char *openssl, *common;
	} curves[] = { { "prime256v1", "P-256" }, { "secp384r1", "P-384" }, { "secp521r1", "P-521" } };
	char group[64] = "";

	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) {
		const char *type = EVP_PKEY_get0_type_name(key);

		if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA || EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA_PSS)
			snprintf(out, size, "%s-%d", type, EVP_PKEY_get_bits(key));
		else
			snprintf(out, size, "%s", type != NULL ? type : "unknown");
		return;
	}
	EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
	snprintf(out, size, "%s", group);
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (strcmp(group, curves[i].openssl) == 0)
			snprintf(out, size, "%s", curves[i].common);
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
			 "%s (%s) is not the key of %s (%s): Certificate and PrivateKey must stand in the same order, "
			 "and the server's own certificate first in its file",
			 pair->key_name, have, pair->certificate_name, want);
}

static unsigned chain_fits(const struct tls_identity *id)
{
	unsigned least = certificate_fits(id->leaf);

	for (int i = 0; i < sk_X509_num(id->chain); i++) {
		unsigned one = certificate_fits(sk_X509_value(id->chain, i));

		least = one < least ? one : least;
	}
	return least;
}

int tls_identity_load(struct tls_identity *id, const struct tls_pair *pair, struct error *err)
{
	int rc;

	*id = (struct tls_identity){ .file = pair->certificate_name };
	rc = tls_pem_certificates(&id->chain, pair->certificate, pair->certificate_name, err);
	if (rc < 0)
		goto out;
	id->leaf = sk_X509_shift(id->chain);
	rc = tls_pem_key(&id->key, pair->key, pair->key_name, err);
	if (rc < 0)
		goto out;
	if (X509_get0_pubkey(id->leaf) == NULL || !kind_of(X509_get0_pubkey(id->leaf), &id->kind)) {
		rc = error_set(err, -EINVAL, "%s: its kind of key serves no TLS; use P-256 or RSA",
			       pair->certificate_name);
		goto out;
	}
	rc = key_check(id, pair, err);
	if (rc < 0)
		goto out;
	id->fits = chain_fits(id);
	rc = names_read(id, err);
out:
	ERR_clear_error();
	if (rc < 0)
		tls_identity_clear(id);
	return rc;
}

void tls_identity_clear(struct tls_identity *id)
{
	X509_free(id->leaf);
	sk_X509_pop_free(id->chain, X509_free);
	EVP_PKEY_free(id->key);
	free(id->names);
	*id = (struct tls_identity){ 0 };
}

static void date_text(const ASN1_TIME *time, char *out, size_t size)
{
	struct tm tm;

	snprintf(out, size, "an unknown day");
	if (ASN1_TIME_to_tm(time, &tm) == 1)
		strftime(out, size, "%Y-%m-%d", &tm);
}

bool tls_identity_stale(const struct tls_identity *id, char *out, size_t size)
{
	const ASN1_TIME *from = X509_get0_notBefore(id->leaf), *to = X509_get0_notAfter(id->leaf);
	char date[32];

	if (X509_cmp_current_time(to) < 0) {
		date_text(to, date, sizeof(date));
		snprintf(out, size, "%s: expired on %s; clients will refuse it", id->file, date);
		return true;
	}
	if (X509_cmp_current_time(from) > 0) {
		date_text(from, date, sizeof(date));
		snprintf(out, size, "%s: not valid before %s; clients will refuse it", id->file, date);
		return true;
	}
	return false;
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
