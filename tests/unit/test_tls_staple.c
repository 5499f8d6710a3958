/* test_tls_staple.c - OCSP responses: which are taken, and who gets which when.
 * link: tests/unit/tls_peer.o tests/unit/tls_papers.o common/tls common/base */
#include "tests/unit/unit.h"

#include "tests/unit/tls_peer.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <time.h>

#include "common/tls/staple.h"

enum { HOUR_S = 3600, DAY_S = 86400, STAPLES = 64 };

static struct peer_pair root, issuer, imposter, leaf, leaf_rsa, other, responder, guest;
static uint8_t *kept[STAPLES];	/* DER, until the end */
static size_t kept_count;

/* Warnings, one a line. */
struct heard {
	char text[4096];
};

static void hear(void *arg, const char *words)
{
	struct heard *h = arg;
	size_t n = strlen(h->text);

	snprintf(h->text + n, sizeof(h->text) - n, "%s\n", words);
}

static X509 *certificate_of(struct peer_pair p)
{
	BIO *bio = BIO_new_mem_buf(p.certificate.p, (int)p.certificate.n);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	assert_non_null(cert);
	BIO_free(bio);
	return cert;
}

static EVP_PKEY *key_of(struct peer_pair p)
{
	BIO *bio = BIO_new_mem_buf(p.key.p, (int)p.key.n);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	assert_non_null(key);
	BIO_free(bio);
	return key;
}

/* What a response is to be; zeros: good, of `issuer` about `leaf`, signed by it. */
struct answer {
	const struct peer_pair *about, *by, *signer;
	int status;		/* V_OCSP_CERTSTATUS_... */
	int from_s, to_s;	/* from now; to_s 0: a day, below 0 and to_none: not said */
	bool to_none;
	const EVP_MD *hash;	/* NULL: SHA-1 */
};

static OCSP_BASICRESP *answer_make(const struct answer *a)
{
	X509 *cert = certificate_of(a->about != NULL ? *a->about : leaf);
	X509 *by = certificate_of(a->by != NULL ? *a->by : issuer);
	X509 *signer = certificate_of(a->signer != NULL ? *a->signer : issuer);
	EVP_PKEY *key = key_of(a->signer != NULL ? *a->signer : issuer);
	OCSP_CERTID *id = OCSP_cert_id_new(a->hash != NULL ? a->hash : EVP_sha1(), X509_get_subject_name(by),
					   X509_get0_pubkey_bitstr(by), X509_get0_serialNumber(cert));
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	time_t now = time(NULL);
	ASN1_TIME *from = ASN1_GENERALIZEDTIME_set(NULL, now + a->from_s);
	ASN1_TIME *to = ASN1_GENERALIZEDTIME_set(NULL, now + (a->to_s != 0 ? a->to_s : DAY_S));

	assert_non_null(OCSP_basic_add1_status(basic, id, a->status, OCSP_REVOKED_STATUS_KEYCOMPROMISE, from, from,
					       a->to_none ? NULL : to));
	assert_int_equal(OCSP_basic_sign(basic, signer, key, EVP_sha256(), NULL, 0), 1);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	OCSP_CERTID_free(id);
	EVP_PKEY_free(key);
	X509_free(signer);
	X509_free(by);
	X509_free(cert);
	return basic;
}

/* Its DER, kept until the program ends. */
static struct span der_of(OCSP_RESPONSE *response)
{
	uint8_t *der = NULL;
	int n = i2d_OCSP_RESPONSE(response, &der);

	assert_true(n > 0 && kept_count < STAPLES);
	kept[kept_count++] = der;
	OCSP_RESPONSE_free(response);
	return (struct span){ der, (size_t)n };
}

static struct span answer(struct answer a)
{
	OCSP_BASICRESP *basic = answer_make(&a);
	struct span der = der_of(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic));

	OCSP_BASICRESP_free(basic);
	return der;
}

static struct span refusal(void)
{
	return der_of(OCSP_response_create(OCSP_RESPONSE_STATUS_TRYLATER, NULL));
}

static struct span pem(struct span der)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n;

	PEM_write_bio(bio, "OCSP RESPONSE", "", der.p, (long)der.n);
	n = BIO_get_mem_data(bio, &text);
	assert_true(n > 0 && kept_count < STAPLES);
	kept[kept_count] = OPENSSL_memdup(text, (size_t)n);
	BIO_free(bio);
	return (struct span){ kept[kept_count++], (size_t)n };
}

static struct tls_context *context(const struct tls_pair *pairs, size_t pair_count, const struct span *staples,
				   size_t count, struct heard *h)
{
	struct tls_material m = { .pairs = pairs,
				  .pair_count = pair_count,
				  .staples = staples,
				  .staple_count = count,
				  .listen = "127.0.0.1:993" };
	struct tls_policy p;
	struct tls_context *c;

	assert_true(tls_policy_profile(&p, "intermediate"));
	*h = (struct heard){ "" };
	assert_int_equal(tls_context_new(&c, &p, &m, hear, h, NULL), 0);
	return c;
}

/* What a client gets that asks, lent by its SSL. */
static struct span stapled(struct tls_peer *p)
{
	const unsigned char *der = NULL;
	long n = SSL_get_tlsext_status_ocsp_resp(p->ssl, &der);

	return (struct span){ der, n > 0 ? (size_t)n : 0 };
}

/* One response for one certificate: what is said of it, and whether it goes out. */
static void test_taken(void **state)
{
	struct span good = answer((struct answer){ 0 });
	const struct {
		const char *why;
		struct span response;
		const struct peer_pair *chain;	/* behind the leaf; NULL: nothing */
		bool sent;
		const char *warning;	/* its beginning */
	} rows[] = {
		{ "good", good, &issuer, true, "" },
		{ "PEM", pem(good), &issuer, true, "" },
		{ "another hash", answer((struct answer){ .hash = EVP_sha256() }), &issuer, true, "" },
		{ "a responder", answer((struct answer){ .signer = &responder }), &issuer, true, "" },
		{ "no end", answer((struct answer){ .to_none = true }), &issuer, true, "" },
		{ "the issuer is not at hand", good, NULL, true, "" },
		{ "not at hand, and nobody's signature", answer((struct answer){ .signer = &guest }), NULL, true, "" },
		{ "not at hand, another serial", answer((struct answer){ .about = &other }), NULL, false,
		  "OcspStaple 1: is about none of the certificates here; it is left out\n" },
		{ "not at hand, another name", answer((struct answer){ .by = &root }), NULL, false,
		  "OcspStaple 1: is about none of the certificates here; it is left out\n" },
		{ "nothing", span_of(""), &issuer, false, "OcspStaple 1: is no OCSP response" },
		{ "some text", span_of("hello\n"), &issuer, false, "OcspStaple 1: is no OCSP response" },
		{ "other PEM", issuer.certificate, &issuer, false, "OcspStaple 1: is no OCSP response" },
		{ "broken PEM", span_of("-----BEGIN OCSP RESPONSE-----\nMAA=\n-----END OCSP RESPONSE-----\n"), &issuer, false,
		  "OcspStaple 1: is no OCSP response" },
		{ "no answer", refusal(), &issuer, false, "OcspStaple 1: the responder has not answered (trylater)" },
		{ "another certificate", answer((struct answer){ .about = &other }), &issuer, false,
		  "OcspStaple 1: is about none of the certificates here; it is left out\n" },
		{ "the issuer's name, another key", answer((struct answer){ .by = &imposter, .signer = &imposter }), &issuer,
		  false, "OcspStaple 1: is about none of the certificates here; it is left out\n" },
		{ "another signer", answer((struct answer){ .signer = &imposter }), &issuer, false,
		  "OcspStaple 1: for x.pem is not signed by the authority of that certificate; it is left out\n" },
		{ "the authority above", answer((struct answer){ .signer = &root }), &issuer, false,
		  "OcspStaple 1: for x.pem is not signed by the authority of that certificate; it is left out\n" },
		{ "a signer who is no responder", answer((struct answer){ .signer = &guest }), &issuer, false,
		  "OcspStaple 1: for x.pem is not signed by the authority of that certificate; it is left out\n" },
		{ "over", answer((struct answer){ .from_s = -DAY_S, .to_s = -60 }), &issuer, false,
		  "OcspStaple 1: for x.pem is too old (20" },
		{ "no end, and more than a day old", answer((struct answer){ .from_s = -DAY_S - 60, .to_none = true }),
		  &issuer, false, "OcspStaple 1: for x.pem is too old (20" },
		{ "not yet", answer((struct answer){ .from_s = HOUR_S }), &issuer, false,
		  "OcspStaple 1: for x.pem is not valid before 20" },
		{ "by a clock that goes ahead", answer((struct answer){ .from_s = 60 }), &issuer, true, "" },
		{ "unknown", answer((struct answer){ .status = V_OCSP_CERTSTATUS_UNKNOWN }), &issuer, false,
		  "OcspStaple 1: the responder does not know the certificate in x.pem; it is left out\n" },
		{ "revoked", answer((struct answer){ .status = V_OCSP_CERTSTATUS_REVOKED }), &issuer, true,
		  "OcspStaple 1: says that the certificate in x.pem is revoked (keyCompromise)" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		const struct peer_pair *chain = rows[i / 2].chain;
		struct span file = chain != NULL ? peer_join(leaf.certificate, chain->certificate) : leaf.certificate;
		struct tls_pair pair = { "x.pem", "x.key", file, leaf.key };
		struct heard h;
		struct tls_context *c = context(&pair, 1, &rows[i / 2].response, 1, &h);
		struct tls_peer p;

		unit_case(rows[i / 2].why, i % 2);
		if (strncmp(h.text, rows[i / 2].warning, strlen(rows[i / 2].warning)) != 0)
			fail_msg("got \"%s\"", h.text);
		assert_int_equal(h.text[0] == '\0', rows[i / 2].warning[0] == '\0');
		tls_peer_init(&p);
		SSL_CTX_set_max_proto_version(p.ctx, i % 2 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION);
		SSL_CTX_set_tlsext_status_type(p.ctx, TLSEXT_STATUSTYPE_ocsp);
		assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
		assert_int_equal(stapled(&p).n > 0, rows[i / 2].sent);
		tls_peer_clear(&p);
		tls_context_drop(c);
	}
}

/* Each certificate has its own, by kind of key and by name; who does not ask gets none. */
static void test_right_one(void **state)
{
	struct span staples[] = { answer((struct answer){ .about = &leaf_rsa }), answer((struct answer){ .about = &leaf }) };
	struct tls_pair pairs[] = {
		{ "ec.pem", "ec.key", peer_join(leaf.certificate, issuer.certificate), leaf.key },
		{ "rsa.pem", "rsa.key", peer_join(leaf_rsa.certificate, issuer.certificate), leaf_rsa.key },
		{ "other.pem", "other.key", peer_join(other.certificate, issuer.certificate), other.key },
	};
	const struct {
		const char *why, *algorithms, *name;
		bool asks;
		int staple;	/* -1: none */
	} rows[] = {
		{ "ECDSA", "ecdsa_secp256r1_sha256", "leaf", true, 1 },
		{ "RSA", "rsa_pss_rsae_sha256", "leaf", true, 0 },
		{ "a certificate without one", "ecdsa_secp256r1_sha256", "other", true, -1 },
		{ "not asked", "ecdsa_secp256r1_sha256", "leaf", false, -1 },
	};
	struct heard h;
	struct tls_context *c = context(pairs, 3, staples, 2, &h);

	(void)state;
	assert_string_equal(h.text, "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span want = rows[i].staple >= 0 ? staples[rows[i].staple] : (struct span){ NULL, 0 };
		struct tls_peer p;

		unit_case(rows[i].why, i);
		tls_peer_init(&p);
		SSL_CTX_set1_sigalgs_list(p.ctx, rows[i].algorithms);
		if (rows[i].asks)
			SSL_CTX_set_tlsext_status_type(p.ctx, TLSEXT_STATUSTYPE_ocsp);
		assert_int_equal(tls_peer_try(&p, c, rows[i].name), TLS_UP);
		assert_true(span_equal(stapled(&p), want));
		tls_peer_clear(&p);
	}
	tls_context_drop(c);
}

static void identity(struct tls_identity *id)
{
	struct tls_pair pair = { "x.pem", "x.key", peer_join(leaf.certificate, issuer.certificate), leaf.key };

	assert_int_equal(tls_identity_load(id, &pair, NULL), 0);
}

/* As time goes by: the newest of those that are valid. */
static void test_time(void **state)
{
	int64_t now_s = (int64_t)time(NULL);
	struct span staples[] = { answer((struct answer){ .from_s = -2 * HOUR_S, .to_s = 4 * HOUR_S }),
				  answer((struct answer){ .from_s = -1 * HOUR_S, .to_s = 2 * HOUR_S }),
				  answer((struct answer){ .from_s = 3 * HOUR_S, .to_s = 5 * HOUR_S }) };
	struct tls_material m = { .staples = staples, .staple_count = 3 };
	static const struct {
		const char *why;
		int at_s, staple;
	} rows[] = {
		{ "now", 0, 1 },		     { "the newest is over", 2 * HOUR_S + 60, 0 },
		{ "the next has begun", 3 * HOUR_S + 60, 2 }, { "all are over", 5 * HOUR_S + 60, -1 },
		{ "none has begun", -3 * HOUR_S, -1 },
	};
	struct tls_identity id;
	struct tls_staples *set;
	struct heard h = { "" };
	X509 *stranger = certificate_of(other);

	(void)state;
	identity(&id);
	assert_int_equal(tls_staples_load(&set, &m, &id, 1, hear, &h, NULL), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span got = tls_staples_find(set, id.leaf, now_s + rows[i].at_s);
		struct span want = rows[i].staple >= 0 ? staples[rows[i].staple] : (struct span){ NULL, 0 };

		unit_case(rows[i].why, i);
		assert_true(span_equal(got, want));
	}
	assert_int_equal(tls_staples_find(set, stranger, now_s).n, 0);
	assert_int_equal(tls_staples_find(NULL, id.leaf, now_s).n, 0);
	X509_free(stranger);
	tls_staples_free(set);
	tls_identity_clear(&id);
}

/* Where the part of a response stands that its signature covers. */
static struct span signed_part(struct span response)
{
	const unsigned char *p = response.p;
	OCSP_RESPONSE *whole = d2i_OCSP_RESPONSE(NULL, &p, (long)response.n);
	OCSP_BASICRESP *basic = OCSP_response_get1_basic(whole);
	uint8_t *der = NULL;
	int n = i2d_OCSP_RESPDATA((OCSP_RESPDATA *)OCSP_resp_get0_respdata(basic), &der);
	const uint8_t *at = memmem(response.p, response.n, der, (size_t)n);

	assert_non_null(at);
	OPENSSL_free(der);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(whole);
	return (struct span){ at, (size_t)n };
}

static bool taken(const struct tls_identity *id, struct span staple)
{
	struct tls_material m = { .staples = &staple, .staple_count = 1 };
	struct tls_staples *set;
	struct heard h = { "" };
	bool found;

	assert_int_equal(tls_staples_load(&set, &m, id, 1, hear, &h, NULL), 0);
	found = tls_staples_find(set, id->leaf, (int64_t)time(NULL)).n > 0;
	assert_int_equal(h.text[0] == '\0', found);
	tls_staples_free(set);
	return found;
}

/* A response that is cut anywhere is none, nor one with something behind it; one with a
 * byte changed in what is signed is not taken. */
static void test_damaged(void **state)
{
	struct span good = answer((struct answer){ 0 }), inner = signed_part(good);
	struct tls_identity id;
	uint8_t text[4096] = { 0 };

	(void)state;
	identity(&id);
	assert_true(good.n < sizeof(text));
	memcpy(text, good.p, good.n);
	for (size_t i = 0; i <= good.n + 1; i++) {
		unit_case("cut", i);
		assert_int_equal(taken(&id, (struct span){ text, i }), i == good.n);
	}
	for (size_t i = (size_t)(inner.p - good.p), n = i + inner.n; i < n; i++) {
		unit_case("changed", i);
		text[i] ^= 0x11;
		assert_false(taken(&id, (struct span){ text, good.n }));
		text[i] ^= 0x11;
	}
	tls_identity_clear(&id);
}

static void papers_make(void)
{
	root = peer_authority("Root", NULL, -1, 400);
	issuer = peer_authority("Issuer", &root, -1, 300);
	imposter = peer_authority("Issuer", &root, -1, 300);
	leaf = peer_signed("P-256", "SHA256", "leaf", issuer, -1, 90);
	leaf_rsa = peer_signed("RSA-2048", "SHA256", "leaf", issuer, -1, 90);
	other = peer_signed("P-256", "SHA256", "other", issuer, -1, 90);
	responder = peer_responder("Responder", issuer);
	guest = peer_signed("P-256", "SHA256", "Guest", issuer, -1, 90);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_taken), cmocka_unit_test(test_right_one),
					    cmocka_unit_test(test_time), cmocka_unit_test(test_damaged) };

	papers_make();
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls staple");
}
