/* issue.c - the contract is in issue.h. RFC 5280 throughout. */
#include "common/tls/issue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/tls/issuer.h"
#include "common/tls/pem.h"

enum {
	CA_DAYS = 3650,
	SETBACK_S = 3600,	/* for clients whose clocks are behind */
	SERIAL_SIZE = 16,	/* bytes */
	BUNDLE_ROUNDS = 100000,	/* of the key's derivation */
	BUNDLE_ROUNDS_OLD = 2048,
	COMMON_NAME_MAX = 64	/* RFC 5280 A.1 ub-common-name */
};

/* What differs between authority, server and client. */
struct extension {
	int nid;
	const char *value;	/* NULL behind the last */
};

static const struct extension ca_extensions[] = {
	{ NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
	{ NID_key_usage, "critical,keyCertSign,cRLSign" },
	{ NID_subject_key_identifier, "hash" },
	{ 0, NULL },
};

static const struct extension p256_server[] = {
	{ NID_basic_constraints, "critical,CA:FALSE" },
	{ NID_key_usage, "critical,digitalSignature" },
	{ NID_ext_key_usage, "serverAuth" },
	{ NID_subject_key_identifier, "hash" },
	{ NID_authority_key_identifier, "keyid:always" },
	{ 0, NULL },
};

/* keyEncipherment: static RSA (TlsProfile epost) needs it. */
static const struct extension rsa_server[] = {
	{ NID_basic_constraints, "critical,CA:FALSE" },
	{ NID_key_usage, "critical,digitalSignature,keyEncipherment" },
	{ NID_ext_key_usage, "serverAuth" },
	{ NID_subject_key_identifier, "hash" },
	{ NID_authority_key_identifier, "keyid:always" },
	{ 0, NULL },
};

static const struct extension client_extensions[] = {
	{ NID_basic_constraints, "critical,CA:FALSE" },
	{ NID_key_usage, "critical,digitalSignature" },
	{ NID_ext_key_usage, "clientAuth" },
	{ NID_subject_key_identifier, "hash" },
	{ NID_authority_key_identifier, "keyid:always" },
	{ 0, NULL },
};

int tls_issuer_broken(struct error *err, const char *what)
{
	char text[200];

	ERR_error_string_n(ERR_peek_error(), text, sizeof(text));
	ERR_clear_error();
	return error_set(err, -EIO, "OpenSSL could not %s: %s", what, text);
}

static EVP_PKEY *key_make(enum tls_key_kind kind)
{
	if (kind == TLS_KEY_RSA2048)
		return EVP_RSA_gen(2048);
	return EVP_EC_gen("P-256");
}

/* RFC 5280 4.1.2.2: positive, at most 20 bytes; random, so that nobody can guess it. */
static bool serial_set(X509 *cert)
{
	uint8_t random[SERIAL_SIZE];
	BIGNUM *n;
	bool done;

	if (RAND_bytes(random, sizeof(random)) != 1)
		return false;
	random[0] = (random[0] & 0x7f) | 0x40;
	n = BN_bin2bn(random, sizeof(random), NULL);
	done = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL;
	BN_free(n);
	return done;
}

static bool common_name_set(X509 *cert, const char *name)
{
	size_t n = strlen(name);

	/* A host name that is longer than a common name may be stands as subjectAltName alone. */
	if (n == 0 || n > COMMON_NAME_MAX)
		return true;
	return X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName, MBSTRING_UTF8,
					  (const unsigned char *)name, (int)n, -1, 0) == 1;
}

/* The setback is part of the days: an hour over 825 days is too long for Apple's clients and for testssl. */
static bool dates_set(X509 *cert, int days, const X509 *ca)
{
	const ASN1_TIME *end = ca != NULL ? X509_get0_notAfter(ca) : NULL;

	if (X509_gmtime_adj(X509_getm_notBefore(cert), -SETBACK_S) == NULL ||
	    X509_time_adj_ex(X509_getm_notAfter(cert), days, -SETBACK_S, NULL) == NULL)
		return false;
	if (end != NULL && ASN1_TIME_compare(end, X509_get0_notAfter(cert)) < 0)
		return X509_set1_notAfter(cert, end) == 1;
	return true;
}

static bool extensions_add(X509 *cert, X509 *issuer, const struct extension *rows)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	for (; rows->value != NULL; rows++) {
		X509_EXTENSION *one = X509V3_EXT_conf_nid(NULL, &ctx, rows->nid, rows->value);
		bool added = one != NULL && X509_add_ext(cert, one, -1) == 1;

		X509_EXTENSION_free(one);
		if (!added)
			return false;
	}
	return true;
}

/* Everything but the subject's other names and the signature. */
static X509 *certificate_make(EVP_PKEY *key, const char *common_name, const X509 *ca, int days)
{
	X509 *cert = X509_new();

	if (cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1 && serial_set(cert) &&
	    X509_set_pubkey(cert, key) == 1 && common_name_set(cert, common_name) && dates_set(cert, days, ca) &&
	    X509_set_issuer_name(cert, X509_get_subject_name(ca != NULL ? ca : cert)) == 1)
		return cert;
	X509_free(cert);
	return NULL;
}

/* --- other names ----------------------------------------------------------- */

static bool name_push(GENERAL_NAMES *list, int type, const void *p, size_t n)
{
	ASN1_STRING *text = ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
	GENERAL_NAME *one = GENERAL_NAME_new();

	if (text != NULL && one != NULL && ASN1_STRING_set(text, p, (int)n) == 1) {
		GENERAL_NAME_set0_value(one, type, text);
		text = NULL;
		if (sk_GENERAL_NAME_push(list, one) > 0)
			return true;
	}
	ASN1_STRING_free(text);
	GENERAL_NAME_free(one);
	return false;
}

/* Letters of ASCII without space and control characters, 1 to 255. */
static bool name_plain(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if ((uint8_t)name[i] <= ' ' || (uint8_t)name[i] >= 0x7f)
			return false;
	return n > 0 && n <= 255;
}

static int host_push(GENERAL_NAMES *list, const char *name, struct error *err)
{
	uint8_t address[16];

	if (inet_pton(AF_INET, name, address) == 1)
		return name_push(list, GEN_IPADD, address, 4) ? 0 : tls_issuer_broken(err, "add an address");
	if (inet_pton(AF_INET6, name, address) == 1)
		return name_push(list, GEN_IPADD, address, 16) ? 0 : tls_issuer_broken(err, "add an address");
	if (!name_plain(name)) {
		char shown[64];

		return error_set(err, -EINVAL,
				 "a certificate can't be for the name \"%s\": it takes 1 to 255 ASCII characters "
				 "without space (xn--... for others)",
				 escape_text(shown, sizeof(shown), span_of(name)));
	}
	return name_push(list, GEN_DNS, name, strlen(name)) ? 0 : tls_issuer_broken(err, "add a name");
}

/* RFC 5280 4.2.1.6: critical only where there is no subject. */
static int names_add(X509 *cert, GENERAL_NAMES *list, struct error *err)
{
	int critical = X509_NAME_entry_count(X509_get_subject_name(cert)) == 0;

	if (X509_add1_ext_i2d(cert, NID_subject_alt_name, list, critical, X509V3_ADD_DEFAULT) != 1)
		return tls_issuer_broken(err, "add the names");
	return 0;
}

/* --- writing --------------------------------------------------------------- */

int tls_issuer_write(BIO *bio, struct buf *out, struct error *err)
{
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);

	buf_put(out, (struct span){ (const uint8_t *)p, n > 0 ? (size_t)n : 0 });
	if (n > 0)
		OPENSSL_cleanse(p, (size_t)n);
	return out->failed ? error_set(err, -ENOMEM, "no room for a certificate or key") : 0;
}

static int certificate_put(X509 *cert, struct buf *out, struct error *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int rc;

	if (bio != NULL && PEM_write_bio_X509(bio, cert) == 1)
		rc = tls_issuer_write(bio, out, err);
	else
		rc = tls_issuer_broken(err, "write a certificate");
	BIO_free(bio);
	return rc;
}

static int key_put(EVP_PKEY *key, struct buf *out, struct error *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int rc;

	if (bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1)
		rc = tls_issuer_write(bio, out, err);
	else
		rc = tls_issuer_broken(err, "write a key");
	BIO_free(bio);
	return rc;
}

/* --- the three kinds ------------------------------------------------------- */

int tls_issue_ca(const char *common_name, struct buf *certificate, struct buf *key, struct error *err)
{
	EVP_PKEY *pair = key_make(TLS_KEY_P256);
	X509 *cert = NULL;
	int rc;

	if (common_name[0] == '\0' || strlen(common_name) > COMMON_NAME_MAX) {
		rc = error_set(err, -EINVAL, "the name of a CA has 1 to %d bytes", COMMON_NAME_MAX);
		goto out;
	}
	cert = pair != NULL ? certificate_make(pair, common_name, NULL, CA_DAYS) : NULL;
	if (cert == NULL || !extensions_add(cert, cert, ca_extensions) || X509_sign(cert, pair, EVP_sha256()) == 0) {
		rc = tls_issuer_broken(err, "make a CA");
		goto out;
	}
	rc = certificate_put(cert, certificate, err);
	if (rc == 0)
		rc = key_put(pair, key, err);
out:
	X509_free(cert);
	EVP_PKEY_free(pair);
	return rc;
}

void tls_issuer_clear(struct tls_issuer *ca)
{
	X509_free(ca->certificate);
	EVP_PKEY_free(ca->key);
}

int tls_issuer_read(struct tls_issuer *ca, struct span certificate, struct span key, struct error *err)
{
	STACK_OF(X509) *list = NULL;
	int rc;

	*ca = (struct tls_issuer){ NULL, NULL };
	rc = tls_pem_certificates(&list, certificate, "the CA's certificate", err);
	if (rc < 0)
		return rc;
	ca->certificate = sk_X509_shift(list);
	sk_X509_pop_free(list, X509_free);
	rc = tls_pem_key(&ca->key, key, "the CA's key", err);
	if (rc == 0 && X509_check_private_key(ca->certificate, ca->key) != 1)
		rc = error_set(err, -EINVAL, "the CA's key does not belong to its certificate");
	else if (rc == 0 && X509_check_ca(ca->certificate) == 0)
		rc = error_set(err, -EINVAL, "the CA's certificate is none of a CA");
	else if (rc == 0 && X509_cmp_current_time(X509_get0_notAfter(ca->certificate)) < 0)
		rc = error_set(err, -EINVAL, "the CA's certificate is expired: make a new CA");
	if (rc < 0)
		tls_issuer_clear(ca);
	ERR_clear_error();
	return rc;
}

/* A key, a certificate for it signed by ca, both written. */
static int leaf_issue(const struct tls_issuer *ca, enum tls_key_kind kind, const struct extension *rows,
		      const char *common_name, int days, GENERAL_NAMES *names, struct buf *chain, struct buf *key,
		      struct error *err)
{
	EVP_PKEY *pair = key_make(kind);
	X509 *cert = pair != NULL ? certificate_make(pair, common_name, ca->certificate, days) : NULL;
	int rc;

	if (cert == NULL || !extensions_add(cert, ca->certificate, rows))
		rc = tls_issuer_broken(err, "make a certificate");
	else
		rc = names_add(cert, names, err);
	if (rc == 0 && X509_sign(cert, ca->key, EVP_sha256()) == 0)
		rc = tls_issuer_broken(err, "sign a certificate");
	if (rc == 0)
		rc = certificate_put(cert, chain, err);
	if (rc == 0)
		rc = certificate_put(ca->certificate, chain, err);
	if (rc == 0)
		rc = key_put(pair, key, err);
	X509_free(cert);
	EVP_PKEY_free(pair);
	return rc;
}

int tls_issue_server(struct span ca_certificate, struct span ca_key, enum tls_key_kind kind,
		     const char *const *names, size_t name_count, struct buf *chain, struct buf *key,
		     struct error *err)
{
	GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
	struct tls_issuer ca = { NULL, NULL };
	int rc = 0;

	if (name_count == 0)
		rc = error_set(err, -EINVAL, "a server's certificate needs a name");
	else if (list == NULL)
		rc = error_set(err, -ENOMEM, "no memory for the names of a certificate");
	for (size_t i = 0; i < name_count && rc == 0; i++)
		rc = host_push(list, names[i], err);
	if (rc == 0)
		rc = tls_issuer_read(&ca, ca_certificate, ca_key, err);
	if (rc == 0) {
		rc = leaf_issue(&ca, kind, kind == TLS_KEY_RSA2048 ? rsa_server : p256_server, names[0],
				TLS_ISSUE_DAYS, list, chain, key, err);
		tls_issuer_clear(&ca);
	}
	sk_GENERAL_NAME_pop_free(list, GENERAL_NAME_free);
	return rc;
}

int tls_issue_client(struct span ca_certificate, struct span ca_key, const char *common_name,
		     const char *email, unsigned days, struct buf *chain, struct buf *key, struct error *err)
{
	GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
	struct tls_issuer ca = { NULL, NULL };
	int rc = 0;

	if (!name_plain(email) || strlen(common_name) > COMMON_NAME_MAX)
		rc = error_set(err, -EINVAL,
			       "a client's certificate needs an address in ASCII and a name of at most %d bytes",
			       COMMON_NAME_MAX);
	else if (days == 0 || days > CA_DAYS)
		rc = error_set(err, -EINVAL, "a client's certificate lives 1 to %d days", CA_DAYS);
	else if (list == NULL || !name_push(list, GEN_EMAIL, email, strlen(email)))
		rc = error_set(err, -ENOMEM, "no memory for the name of a certificate");
	if (rc == 0)
		rc = tls_issuer_read(&ca, ca_certificate, ca_key, err);
	if (rc == 0) {
		rc = leaf_issue(&ca, TLS_KEY_P256, client_extensions, common_name, (int)days, list, chain, key, err);
		tls_issuer_clear(&ca);
	}
	sk_GENERAL_NAME_pop_free(list, GENERAL_NAME_free);
	return rc;
}

/* --- for import ------------------------------------------------------------ */

static const struct bundle_row {
	int cipher;
	const EVP_MD *(*mac)(void);
	int rounds;
} bundle_rows[] = {
	[TLS_BUNDLE_AES] = { NID_aes_256_cbc, EVP_sha256, BUNDLE_ROUNDS },
	[TLS_BUNDLE_OLD] = { NID_pbe_WithSHA1And3_Key_TripleDES_CBC, EVP_sha1, BUNDLE_ROUNDS_OLD },
};

/* list: the leaf first; it is taken off. */
static PKCS12 *bundle_make(STACK_OF(X509) *list, EVP_PKEY *key, const struct bundle_row *row, const char *passphrase,
			   const char *name)
{
	X509 *leaf = sk_X509_shift(list);
	PKCS12 *bundle = PKCS12_create(passphrase, name, key, leaf, list, row->cipher, row->cipher, row->rounds, -1, 0);

	X509_free(leaf);
	if (bundle == NULL || PKCS12_set_mac(bundle, passphrase, -1, NULL, 0, row->rounds, row->mac()) == 1)
		return bundle;
	PKCS12_free(bundle);
	return NULL;
}

int tls_issue_bundle(struct span chain, struct span key, enum tls_bundle_kind kind, const char *passphrase,
		     const char *name, struct buf *out, struct error *err)
{
	STACK_OF(X509) *list = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	EVP_PKEY *pair = NULL;
	PKCS12 *bundle = NULL;
	int rc;

	rc = tls_pem_certificates(&list, chain, "the client's certificate", err);
	if (rc == 0)
		rc = tls_pem_key(&pair, key, "the client's key", err);
	if (rc < 0)
		goto out;
	bundle = bundle_make(list, pair, &bundle_rows[kind], passphrase, name);
	if (bio != NULL && bundle != NULL && i2d_PKCS12_bio(bio, bundle) == 1)
		rc = tls_issuer_write(bio, out, err);
	else
		rc = tls_issuer_broken(err, "write a PKCS#12 file");
out:
	PKCS12_free(bundle);
	sk_X509_pop_free(list, X509_free);
	EVP_PKEY_free(pair);
	BIO_free(bio);
	return rc;
}
