/* test_tls_identity.c - certificates: which one a name gets, and what is refused.
 * link: tests/unit/tls_peer.o tests/unit/tls_papers.o common/tls common/base */
#include "tests/unit/unit.h"

#include "tests/unit/tls_peer.h"

#include <openssl/pem.h>

/* Warnings, one behind the other. */
struct heard {
	char text[4096];
};

static void hear(void *arg, const char *words)
{
	struct heard *h = arg;
	size_t n = strlen(h->text);

	snprintf(h->text + n, sizeof(h->text) - n, "%s\n", words);
}

static struct tls_context *context(const struct tls_pair *pairs, size_t count, unsigned level, struct heard *h,
				   struct error *err)
{
	struct tls_material m = { .pairs = pairs, .pair_count = count, .listen = "127.0.0.1:993" };
	struct tls_policy p;
	struct tls_context *c;

	assert_true(tls_policy_profile(&p, "intermediate"));
	p.level = level;
	*h = (struct heard){ "" };
	*err = (struct error){ 0 };
	tls_context_new(&c, &p, &m, hear, h, err);
	return c;
}

static struct tls_pair pair(const char *name, struct peer_pair p)
{
	return (struct tls_pair){ name, "some.key", p.certificate, p.key };
}

static X509 *served(struct tls_peer *p)
{
	return SSL_get0_peer_certificate(p->ssl);
}

static bool serves(struct tls_peer *p, struct peer_pair want)
{
	BIO *bio = BIO_new_mem_buf(want.certificate.p, (int)want.certificate.n);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	bool same = X509_cmp(cert, served(p)) == 0;

	X509_free(cert);
	BIO_free(bio);
	return same;
}

static const char *const names_a[] = { "a.example.org", "localhost", NULL };
static const char *const names_b[] = { "b.example.org", NULL };
static const char *const names_wild[] = { "*.example.net", "Example.NET", NULL };

static void test_names(void **state)
{
	struct peer_pair papers[] = { peer_server(0, names_a), peer_server(0, names_b), peer_server(1, names_a),
				      peer_server(1, names_wild),
				      peer_own("P-256", "SHA256", "old.example.com", -1, 100),
				      peer_own("P-256", "SHA256", "dot.example.com.", -1, 100),
				      peer_own("P-256", "SHA256", "*.Wild.example.com.", -1, 100) };
	static const struct {
		const char *name;
		size_t ecdsa, rsa;	/* which pair; 9: none of that kind for this name */
	} rows[] = {
		{ NULL, 0, 2 },		    { "a.example.org", 0, 2 },	     { "A.Example.ORG.", 0, 2 },
		{ "localhost", 0, 2 },	    { "b.example.org", 1, 9 },	     { "B.Example.ORG.", 1, 9 },
		{ "unknown.example.org", 0, 2 },
		{ "x.example.net", 9, 3 },  { "x.y.example.net", 0, 2 },     { "example.net", 9, 3 },
		{ "old.example.com", 4, 9 }, { "*.example.net", 9, 3 },	     { "x.example.net.", 9, 3 },
		{ "dot.example.com", 5, 9 }, { "dot.example.com.", 5, 9 },   { "x.dot.example.com", 0, 2 },
		{ "x.wild.example.com", 6, 9 }, { "X.WILD.example.com.", 6, 9 }, { "wild.example.com.", 0, 2 },
		{ ".example.net", 0, 2 },    { "x..example.net", 0, 2 },     { ".", 0, 2 },
	};
	struct tls_pair pairs[7];
	struct tls_context *c;
	struct heard h;
	struct error err;

	(void)state;
	for (size_t i = 0; i < 7; i++)
		pairs[i] = pair("x.pem", papers[i]);
	c = context(pairs, 7, 2, &h, &err);
	assert_non_null(c);
	assert_string_equal(h.text, "");
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		size_t want = i % 2 == 0 ? rows[i / 2].ecdsa : rows[i / 2].rsa;
		struct tls_peer p;

		unit_case(rows[i / 2].name != NULL ? rows[i / 2].name : "no name", i % 2);
		tls_peer_init(&p);
		SSL_CTX_set_max_proto_version(p.ctx, TLS1_2_VERSION);
		SSL_CTX_set_cipher_list(p.ctx, i % 2 == 0 ? "ECDHE-ECDSA-AES256-GCM-SHA384" : "ECDHE-RSA-AES256-GCM-SHA384");
		assert_int_equal(tls_peer_try(&p, c, rows[i / 2].name), want == 9 ? TLS_FAILED : TLS_UP);
		if (want != 9)
			assert_true(serves(&p, papers[want]));
		tls_peer_clear(&p);
	}
	tls_context_drop(c);
}

/* TLS 1.3: the client's signature algorithms decide, ECDSA first. The chain comes along. */
static void test_kinds(void **state)
{
	struct peer_pair ecdsa = peer_server(0, names_a), rsa = peer_server(1, names_a);
	struct tls_pair pairs[] = { pair("rsa.pem", rsa), pair("ecdsa.pem", ecdsa) };
	struct heard h;
	struct error err;
	struct tls_context *c = context(pairs, 2, 2, &h, &err);
	struct tls_peer p;

	(void)state;
	tls_peer_init(&p);
	assert_int_equal(tls_peer_try(&p, c, "a.example.org"), TLS_UP);
	assert_true(serves(&p, ecdsa));
	assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(p.ssl)), 2);
	SSL_CTX_set1_sigalgs_list(p.ctx, "rsa_pss_rsae_sha256");
	SSL_SESSION_free(p.ticket);
	p.ticket = NULL;
	assert_int_equal(tls_peer_try(&p, c, "a.example.org"), TLS_UP);
	assert_true(serves(&p, rsa));
	assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(p.ssl)), 2);
	tls_peer_clear(&p);
	tls_context_drop(c);
}

/* What each certificate fits: one below, and one above. */
static void test_levels(void **state)
{
	static const struct {
		const char *key, *digest;
		unsigned fits;
	} rows[] = {
		{ "RSA-1024", "SHA256", 1 }, { "RSA-2048", "SHA256", 2 }, { "RSA-3072", "SHA256", 3 },
		{ "P-256", "SHA256", 3 },    { "P-384", "SHA384", 4 },	  { "P-521", "SHA512", 5 },
		{ "P-384", "SHA256", 3 },    { "P-256", "SHA1", 0 },	  { "P-521", "SHA384", 4 },
		{ "Ed25519", NULL, 3 },
	};
	struct peer_pair ca = peer_own("P-521", "SHA512", "Strong CA", -1, 100);
	char want[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* An Ed25519 certificate signs itself: nothing is asked of that signature. */
		struct peer_pair one = rows[i].digest == NULL ?
					       peer_own(rows[i].key, NULL, "x.example.org", -1, 100) :
					       peer_signed(rows[i].key, rows[i].digest, "x.example.org", ca, -1, 100);
		struct tls_pair pairs[] = { pair("x.pem", one) };

		unit_case(rows[i].key, rows[i].fits);
		snprintf(want, sizeof(want), "set SecureLevel %u", rows[i].fits);
		for (unsigned level = 0; level <= 5; level++) {
			struct heard h;
			struct error err;
			struct tls_context *c = context(pairs, 1, level, &h, &err);

			assert_string_equal(h.text, "");
			if (level <= rows[i].fits) {
				assert_non_null(c);
				tls_context_drop(c);
				continue;
			}
			assert_null(c);
			assert_non_null(strstr(err.words, want));
			assert_non_null(strstr(err.words, "x.pem"));
		}
	}
}

/* One of two is too weak: it is left out, with words, and the other serves. */
static void test_left_out(void **state)
{
	struct peer_pair ecdsa = peer_server(0, names_a), rsa = peer_server(1, names_a);
	struct tls_pair pairs[] = { pair("rsa.pem", rsa), pair("ecdsa.pem", ecdsa), pair("again.pem", ecdsa) };
	struct heard h;
	struct error err;
	struct tls_context *c = context(pairs, 3, 3, &h, &err);
	struct tls_peer p;

	(void)state;
	assert_non_null(c);
	assert_string_equal(h.text, "rsa.pem (RSA-2048): too weak for SecureLevel 3, its keys and signatures fit 2 at "
				    "most; it is left out\n"
				    "again.pem: never used, an earlier certificate has the same names and kind of key\n");
	tls_peer_init(&p);
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
	assert_true(serves(&p, ecdsa));
	tls_peer_clear(&p);
	tls_context_drop(c);
}

static void test_dates(void **state)
{
	struct tls_pair late[] = { pair("late.pem", peer_own("P-256", "SHA256", "x", -10, -1)) };
	struct tls_pair early[] = { pair("early.pem", peer_own("P-256", "SHA256", "x", 1, 10)) };
	struct heard h;
	struct error err;

	(void)state;
	tls_context_drop(context(late, 1, 2, &h, &err));
	assert_non_null(strstr(h.text, "late.pem: expired on 20"));
	tls_context_drop(context(early, 1, 2, &h, &err));
	assert_non_null(strstr(h.text, "early.pem: not valid before 20"));
}

static struct span cut(struct span s, size_t less)
{
	return (struct span){ s.p, s.n - less };
}

/* The same key behind a passphrase. */
static struct span lock(struct span key)
{
	static uint8_t text[4096];
	BIO *in = BIO_new_mem_buf(key.p, (int)key.n), *out = BIO_new(BIO_s_mem());
	EVP_PKEY *pair = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	int n;

	assert_int_equal(PEM_write_bio_PrivateKey(out, pair, EVP_aes_128_cbc(), (const unsigned char *)"word", 4, NULL,
						  NULL),
			 1);
	n = BIO_read(out, text, sizeof(text));
	EVP_PKEY_free(pair);
	BIO_free(in);
	BIO_free(out);
	return (struct span){ text, (size_t)n };
}

/* Files that are broken: the words name the file and the fault. */
static void test_broken(void **state)
{
	static const char *const hosts[] = { "a", NULL };
	struct peer_pair good = peer_server(0, hosts), other = peer_server(0, hosts), rsa = peer_server(1, hosts);
	struct span locked = lock(good.key);
	struct {
		const char *why;
		struct span certificate, key;
		const char *words;
	} rows[] = {
		{ "no certificate", span_of(""), good.key, "server.pem: holds no certificate in PEM form" },
		{ "a key for a certificate", good.key, good.key, "server.pem: holds no certificate in PEM form" },
		{ "half a certificate", cut(good.certificate, 40), good.key, "server.pem: certificate 2 in it is damaged" },
		{ "no base64", span_of("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"), good.key,
		  "server.pem: certificate 1 in it is damaged" },
		{ "no certificate inside", span_of("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"),
		  good.key, "server.pem: certificate 1 in it is damaged" },
		{ "no key", good.certificate, span_of(""), "server.key: holds no private key" },
		{ "half a key", good.certificate, cut(good.key, 60), "server.key: holds no private key" },
		{ "a certificate for a key", good.certificate, good.certificate, "server.key: holds no private key" },
		{ "the key of another", good.certificate, other.key, "server.key (P-256) is not the key of server.pem (P-256)" },
		{ "a key of another kind", good.certificate, rsa.key, "server.key (RSA-2048) is not the key of server.pem (P-256)" },
		{ "a passphrase", good.certificate, locked, "server.key: is protected by a passphrase" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_pair pairs[] = { { "server.pem", "server.key", rows[i].certificate, rows[i].key } };
		struct heard h;
		struct error err;

		unit_case(rows[i].why, i);
		assert_null(context(pairs, 1, 2, &h, &err));
		if (strstr(err.words, rows[i].words) == NULL)
			fail_msg("got \"%s\"", err.words);
	}
}

/* DHE where a list names it and nowhere else; early data and compression never. */
static void test_switched_off(void **state)
{
	static const struct {
		const char *why, *ours, *theirs;
		enum tls_status status;
	} rows[] = {
		{ "DHE, not listed", "ECDHE+AESGCM", "DHE-RSA-AES256-GCM-SHA384", TLS_FAILED },
		{ "DHE, listed", "ECDHE+AESGCM:DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-AES256-GCM-SHA384", TLS_UP },
		{ "ECDHE", "ECDHE+AESGCM", "ALL", TLS_UP },
	};
	struct tls_pair pairs[] = { pair("rsa.pem", peer_server(1, names_a)) };
	struct tls_material m = { .pairs = pairs, .pair_count = 1, .listen = "127.0.0.1:993" };
	struct tls_policy policy;

	(void)state;
	assert_true(tls_policy_profile(&policy, "intermediate"));
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		bool newest = i % 2 == 1;	/* TLS 1.3, where the list means nothing */
		struct tls_context *c;
		struct tls_peer p;

		unit_case(rows[i / 2].why, i % 2);
		policy.ciphers = rows[i / 2].ours;
		assert_int_equal(tls_context_new(&c, &policy, &m, NULL, NULL, NULL), 0);
		tls_peer_init(&p);
		SSL_CTX_set_max_proto_version(p.ctx, newest ? TLS1_3_VERSION : TLS1_2_VERSION);
		SSL_CTX_set_cipher_list(p.ctx, rows[i / 2].theirs);
		SSL_CTX_clear_options(p.ctx, SSL_OP_NO_COMPRESSION);
		assert_int_equal(tls_peer_try(&p, c, NULL), newest ? TLS_UP : rows[i / 2].status);
		assert_null(SSL_get_current_compression(p.ssl));
		if (newest) {
			assert_non_null(p.ticket);
			assert_int_equal(SSL_SESSION_get_max_early_data(p.ticket), 0);
		}
		tls_peer_clear(&p);
		tls_context_drop(c);
	}
}

static void test_none(void **state)
{
	struct heard h;
	struct error err;

	(void)state;
	assert_null(context(NULL, 0, 2, &h, &err));
	assert_non_null(strstr(err.words, "no Certificate"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_names),    cmocka_unit_test(test_kinds),
					    cmocka_unit_test(test_levels),   cmocka_unit_test(test_left_out),
					    cmocka_unit_test(test_dates),    cmocka_unit_test(test_broken),
					    cmocka_unit_test(test_switched_off), cmocka_unit_test(test_none) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls identity");
}
