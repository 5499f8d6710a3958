/* tls_papers.c - certificates for tests; the contract is in tls_peer.h. */
#include "tests/unit/tls_peer.h"

#include "tests/unit/unit.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "common/tls/issue.h"

enum { TEXT_MAX = 65536 };

/* Kept until the end of the program: leak checkers see it through here. */
static struct buf papers[512];
static size_t paper_count;

static struct buf *paper(void)
{
	assert_true(paper_count < sizeof(papers) / sizeof(papers[0]));
	buf_init(&papers[paper_count], TEXT_MAX);
	return &papers[paper_count++];
}

struct span peer_join(struct span a, struct span b)
{
	struct buf *out = paper();

	buf_put(out, a);
	buf_put(out, b);
	return buf_span(out);
}

struct peer_pair peer_ca(void)
{
	static struct peer_pair ca;
	struct buf *certificate, *key;

	if (ca.key.n > 0)
		return ca;
	certificate = paper();
	key = paper();
	assert_int_equal(tls_issue_ca("Test CA", certificate, key, NULL), 0);
	ca = (struct peer_pair){ buf_span(certificate), buf_span(key) };
	return ca;
}

struct peer_pair peer_server(int rsa, const char *const *names)
{
	struct buf *chain = paper(), *key = paper();
	size_t count = 0;

	while (names[count] != NULL)
		count++;
	assert_int_equal(tls_issue_server(peer_ca().certificate, peer_ca().key,
					  rsa ? TLS_KEY_RSA2048 : TLS_KEY_P256, names, count, chain, key, NULL),
			 0);
	return (struct peer_pair){ buf_span(chain), buf_span(key) };
}

struct peer_pair peer_client(const char *common_name)
{
	struct buf *chain = paper(), *key = paper();

	assert_int_equal(tls_issue_client(peer_ca().certificate, peer_ca().key, common_name, "a@example.org",
					  TLS_ISSUE_DAYS, chain, key, NULL),
			 0);
	return (struct peer_pair){ buf_span(chain), buf_span(key) };
}

static EVP_PKEY *key_make(const char *kind)
{
	EVP_PKEY *key;

	if (strncmp(kind, "RSA-", 4) == 0)
		key = EVP_RSA_gen((unsigned)strtoul(kind + 4, NULL, 10));
	else if (strcmp(kind, "Ed25519") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		key = EVP_EC_gen(kind);
	assert_non_null(key);
	return key;
}

static struct span text_take(BIO *bio)
{
	struct buf *out = paper();
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);

	buf_put(out, (struct span){ (const uint8_t *)p, (size_t)n });
	BIO_free(bio);
	return buf_span(out);
}

static struct span certificate_text(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_X509(bio, cert), 1);
	return text_take(bio);
}

static struct span key_text(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	return text_take(bio);
}

static X509 *certificate_read(struct span text)
{
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	assert_non_null(cert);
	BIO_free(bio);
	return cert;
}

static EVP_PKEY *key_read(struct span text)
{
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	assert_non_null(key);
	BIO_free(bio);
	return key;
}

static X509 *blank(EVP_PKEY *key, const char *name, const X509 *issuer, int from, int to)
{
	X509 *cert = X509_new();
	uint64_t serial;

	assert_int_equal(RAND_bytes((uint8_t *)&serial, sizeof(serial)), 1);
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1);
	X509_time_adj_ex(X509_getm_notBefore(cert), from, 0, NULL);
	X509_time_adj_ex(X509_getm_notAfter(cert), to, 0, NULL);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
				   -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(issuer != NULL ? issuer : cert));
	return cert;
}

static void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *one;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	one = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(one);
	X509_add_ext(cert, one, -1);
	X509_EXTENSION_free(one);
}

static struct peer_pair finish(X509 *cert, EVP_PKEY *key, EVP_PKEY *signer, const char *digest)
{
	struct peer_pair out;

	assert_true(X509_sign(cert, signer, digest != NULL ? EVP_get_digestbyname(digest) : NULL) > 0);
	out = (struct peer_pair){ certificate_text(cert), key_text(key) };
	X509_free(cert);
	EVP_PKEY_free(key);
	return out;
}

struct peer_pair peer_own(const char *key, const char *digest, const char *name, int from, int to)
{
	EVP_PKEY *pair = key_make(key);

	return finish(blank(pair, name, NULL, from, to), pair, pair, digest);
}

/* Of a key that is given away, for name, signed by issuer (NULL: by itself). */
static struct peer_pair paper_sign(EVP_PKEY *key, const char *digest, const char *name, const struct peer_pair *issuer,
				   int from, int to, void (*fill)(X509 *cert))
{
	EVP_PKEY *signer = issuer != NULL ? key_read(issuer->key) : NULL;
	X509 *above = issuer != NULL ? certificate_read(issuer->certificate) : NULL;
	X509 *cert = blank(key, name, above, from, to);
	struct peer_pair out;

	if (fill != NULL)
		fill(cert);
	out = finish(cert, key, signer != NULL ? signer : key, digest);
	X509_free(above);
	EVP_PKEY_free(signer);
	return out;
}

static void authority_fill(X509 *cert)
{
	extend(cert, cert, NID_basic_constraints, "critical,CA:TRUE");
	extend(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	extend(cert, cert, NID_subject_key_identifier, "hash");
}

struct peer_pair peer_signed(const char *key, const char *digest, const char *name, struct peer_pair issuer,
			     int from, int to)
{
	return paper_sign(key_make(key), digest, name, &issuer, from, to, NULL);
}

struct peer_pair peer_renewed(struct peer_pair old, const char *name, struct peer_pair issuer, int from, int to)
{
	return paper_sign(key_read(old.key), "SHA256", name, &issuer, from, to, NULL);
}

struct peer_pair peer_authority_of(const char *key, const char *name, const struct peer_pair *issuer, int from, int to)
{
	return paper_sign(key_make(key), "SHA256", name, issuer, from, to, authority_fill);
}

struct peer_pair peer_authority(const char *name, const struct peer_pair *issuer, int from, int to)
{
	return peer_authority_of("P-256", name, issuer, from, to);
}

struct peer_pair peer_cross(const char *name, struct peer_pair one, struct peer_pair issuer, int from, int to)
{
	return paper_sign(key_read(one.key), "SHA256", name, &issuer, from, to, authority_fill);
}

static void responder_fill(X509 *cert)
{
	extend(cert, cert, NID_ext_key_usage, "OCSPSigning");
}

struct peer_pair peer_responder(const char *name, struct peer_pair issuer)
{
	return paper_sign(key_make("P-256"), "SHA256", name, &issuer, -1, 90, responder_fill);
}

struct span peer_crl(struct peer_pair issuer, const struct peer_pair *revoked, size_t count)
{
	return peer_crl_days(issuer, revoked, count, 0, 30);
}

struct span peer_crl_days(struct peer_pair issuer, const struct peer_pair *revoked, size_t count, int from, int to)
{
	X509 *ca = certificate_read(issuer.certificate);
	EVP_PKEY *signer = key_read(issuer.key);
	ASN1_TIME *now = X509_time_adj_ex(NULL, from, -60, NULL), *next = X509_time_adj_ex(NULL, to, -60, NULL);
	X509_CRL *crl = X509_CRL_new();
	BIO *bio = BIO_new(BIO_s_mem());

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca));
	X509_CRL_set1_lastUpdate(crl, now);
	X509_CRL_set1_nextUpdate(crl, next);
	for (size_t i = 0; i < count; i++) {
		X509 *cert = certificate_read(revoked[i].certificate);
		X509_REVOKED *one = X509_REVOKED_new();

		X509_REVOKED_set_serialNumber(one, X509_get_serialNumber(cert));
		X509_REVOKED_set_revocationDate(one, now);
		X509_CRL_add0_revoked(crl, one);
		X509_free(cert);
	}
	assert_true(X509_CRL_sign(crl, signer, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509_CRL(bio, crl), 1);
	X509_CRL_free(crl);
	ASN1_TIME_free(now);
	ASN1_TIME_free(next);
	EVP_PKEY_free(signer);
	X509_free(ca);
	return text_take(bio);
}

struct span peer_print(struct peer_pair p)
{
	X509 *cert = certificate_read(p.certificate);
	struct buf *out = paper();
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	assert_int_equal(X509_digest(cert, EVP_sha256(), digest, &n), 1);
	for (unsigned i = 0; i < n; i++)
		buf_printf(out, "%02x", digest[i]);
	buf_put_byte(out, '\n');
	X509_free(cert);
	return buf_span(out);
}
