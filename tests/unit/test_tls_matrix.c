/* test_tls_matrix.c - mask x level x key x hash x version: what a server of ours serves, what
 * a client of ours takes, which certificates of clients are good. What is right stands in the
 * tables of this file and is not asked of the code.
 * link: tests/unit/tls_peer.o tests/unit/tls_papers.o common/tls common/config common/base */
#include "tests/unit/unit.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "common/tls/outbound.h"
#include "tests/unit/tls_peer.h"

/* --- what is right --------------------------------------------------------- */

enum { V10 = 1, V11 = 2, V12 = 4, V13 = 8, OLD = V10 | V11, ALL = 15 };

static const struct {
	const char *name;
	unsigned bit;
	int number;
} versions[] = { { "TLSv1", V10, TLS1_VERSION },
		 { "TLSv1.1", V11, TLS1_1_VERSION },
		 { "TLSv1.2", V12, TLS1_2_VERSION },
		 { "TLSv1.3", V13, TLS1_3_VERSION } };

/* What a mask leaves at level 0, and of that what a client can offer: it has no holes. Above
 * level 0 nothing is left of TLS 1.0 and 1.1. */
static const struct {
	const char *text;
	unsigned served, offered;
} masks[] = {
	{ "3", ALL, ALL },
	{ "7", V11 | V12 | V13, V11 | V12 | V13 },
	{ "15", V12 | V13, V12 | V13 },
	{ "31", V13, V13 },
	{ "0x1f", V13, V13 },
	{ "8", V10 | V12 | V13, V12 | V13 },
	{ "16", V10 | V11 | V13, V13 },
	{ "20", V11 | V13, V13 },
	{ "24", V10 | V13, V13 },
	{ "0", ALL, ALL },
	{ "47", V12, V12 },
	{ "60", 0, 0 },
};

enum { H_MD5, H_SHA1, H_SHA224, H_SHA256, H_SHA384, H_SHA512, HASHES };
enum { RSA1024, RSA2048, RSA3072, RSA4096, P256, P384, P521, ED25519, KEYS };

/* fits: the highest level that takes a key, of 80, 112, 128, 192, 256 bits of security. */
static const struct {
	const char *name;
	unsigned bits, primes;	/* of RSA: more than two are made faster, and nobody can tell */
	unsigned fits;
	unsigned versions;	/* that know such keys at all */
	size_t hash;		/* strong enough for it at each of its levels */
} keys[KEYS] = {
	[RSA1024] = { "RSA-1024", 1024, 2, 1, ALL, H_SHA256 }, [RSA2048] = { "RSA-2048", 2048, 2, 2, ALL, H_SHA256 },
	[RSA3072] = { "RSA-3072", 3072, 3, 3, ALL, H_SHA256 }, [RSA4096] = { "RSA-4096", 4096, 4, 3, ALL, H_SHA256 },
	[P256] = { "P-256", 0, 0, 3, ALL, H_SHA256 },	     [P384] = { "P-384", 0, 0, 4, ALL, H_SHA384 },
	[P521] = { "P-521", 0, 0, 5, ALL, H_SHA512 },	     [ED25519] = { "ED25519", 0, 0, 3, V12 | V13, H_SHA256 },
};

/* fits: the highest level that takes a signature of somebody else's, whose key is no weaker (RSA for
 * MD5, which ECDSA does not know). */
static const struct {
	const char *name;
	unsigned fits;
	const char *signer;
} hashes[HASHES] = {
	[H_MD5] = { "MD5", 0, "RSA-2048" },    [H_SHA1] = { "SHA1", 0, "P-256" },
	[H_SHA224] = { "SHA224", 2, "P-256" }, [H_SHA256] = { "SHA256", 3, "P-256" },
	[H_SHA384] = { "SHA384", 4, "P-384" }, [H_SHA512] = { "SHA512", 5, "P-521" },
};

enum {
	LEVELS = 6,
	MASKS = sizeof(masks) / sizeof(masks[0]),
	VERSIONS = sizeof(versions) / sizeof(versions[0])
};

static unsigned served_by(size_t mask, unsigned level)
{
	return masks[mask].served & (level > 0 ? ~(unsigned)OLD : ~0U);
}

static unsigned offered_by(size_t mask, unsigned level)
{
	return masks[mask].offered & (level > 0 ? ~(unsigned)OLD : ~0U);
}

static bool chain_fits(size_t key, size_t hash, unsigned level)
{
	return keys[key].fits >= level && hashes[hash].fits >= level;
}

/* What can't differ is left out. A hash is good or bad at a level, whatever the mask: all of them
 * with mask 3, one with each. Masks that are others written differently: two keys. */
static bool worth_it(size_t mask, size_t key, size_t hash)
{
	const char *text = masks[mask].text;

	if (strcmp(text, "0x1f") == 0 || strcmp(text, "0") == 0)
		return hash == keys[key].hash && (key == RSA2048 || key == P521);
	return hash == keys[key].hash || strcmp(text, "3") == 0;
}

/* --- papers ---------------------------------------------------------------- */

static const char *const host = "mx.example.org";

/* A chain: a leaf of that key, signed with that hash by the hash's authority. */
static struct chain {
	struct peer_pair papers;	/* leaf and authority */
	X509 *leaf;
	EVP_PKEY *key;
	SSL_CTX *server;	/* OpenSSL's own, that shows it */
	struct tls_peer client;	/* OpenSSL's own, that shows it */
} chains[KEYS][HASHES];

static struct {
	EVP_PKEY *key;
	X509 *cert;
} authorities[HASHES];

static struct span authority_texts;
static size_t cells;

static EVP_PKEY *rsa_make(unsigned bits, unsigned primes)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;

	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_primes(ctx, (int)primes), 1);
	assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *key_make(size_t i)
{
	if (keys[i].bits > 0)
		return rsa_make(keys[i].bits, keys[i].primes);
	if (i == ED25519)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	return EVP_EC_gen(keys[i].name);
}

static X509 *certificate_make(EVP_PKEY *key, const char *name, const X509 *issuer)
{
	static long serial;
	X509 *cert = X509_new();

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
	X509_time_adj_ex(X509_getm_notBefore(cert), -1, 0, NULL);
	X509_time_adj_ex(X509_getm_notAfter(cert), 90, 0, NULL);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
				   -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(issuer != NULL ? issuer : cert));
	return cert;
}

static void authority_make(size_t i)
{
	bool rsa = strcmp(hashes[i].signer, "RSA-2048") == 0;
	EVP_PKEY *key = rsa ? rsa_make(2048, 2) : EVP_EC_gen(hashes[i].signer);
	X509 *cert = certificate_make(key, hashes[i].name, NULL);
	X509_EXTENSION *ca = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");

	X509_add_ext(cert, ca, -1);
	X509_EXTENSION_free(ca);
	assert_true(X509_sign(cert, key, EVP_sha512()) > 0);
	authorities[i].key = key;
	authorities[i].cert = cert;
}

/* Lives until the end of the program. */
static struct span text_of(X509 *cert, X509 *above, EVP_PKEY *key)
{
	static BIO *texts[2 * KEYS * HASHES + HASHES];
	static size_t count;
	BIO *bio = BIO_new(BIO_s_mem());
	uint8_t *p = NULL;
	long n;

	assert_true(count < sizeof(texts) / sizeof(texts[0]));
	texts[count++] = bio;
	if (key != NULL)
		assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	if (cert != NULL)
		assert_int_equal(PEM_write_bio_X509(bio, cert), 1);
	if (above != NULL)
		assert_int_equal(PEM_write_bio_X509(bio, above), 1);
	n = BIO_get_mem_data(bio, &p);
	return (struct span){ p, (size_t)n };
}

static void papers_use(SSL_CTX *ctx, const struct chain *c)
{
	assert_int_equal(SSL_CTX_use_certificate(ctx, c->leaf), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, c->key), 1);
}

static void chain_make(struct chain *c, EVP_PKEY *key, size_t hash)
{
	c->key = key;
	c->leaf = certificate_make(key, host, authorities[hash].cert);
	assert_true(X509_sign(c->leaf, authorities[hash].key, EVP_get_digestbyname(hashes[hash].name)) > 0);
	c->papers.certificate = text_of(c->leaf, authorities[hash].cert, NULL);
	c->papers.key = text_of(NULL, NULL, key);

	c->server = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_security_level(c->server, 0);
	SSL_CTX_set_min_proto_version(c->server, TLS1_VERSION);
	SSL_CTX_set_num_tickets(c->server, 0);
	assert_int_equal(SSL_CTX_set_cipher_list(c->server, "ALL:@SECLEVEL=0"), 1);
	papers_use(c->server, c);
	tls_peer_init(&c->client);
	papers_use(c->client.ctx, c);
}

static void papers_make(void)
{
	for (size_t i = 0; i < HASHES; i++) {
		authority_make(i);
		authority_texts = peer_join(authority_texts, text_of(authorities[i].cert, NULL, NULL));
	}
	for (size_t i = 0; i < KEYS; i++) {
		EVP_PKEY *key = key_make(i);

		for (size_t j = 0; j < HASHES; j++) {
			EVP_PKEY_up_ref(key);
			chain_make(&chains[i][j], key, j);
		}
		EVP_PKEY_free(key);
	}
}

static void papers_free(void)
{
	for (size_t i = 0; i < KEYS * HASHES; i++) {
		struct chain *c = &chains[i / HASHES][i % HASHES];

		SSL_CTX_free(c->server);
		tls_peer_clear(&c->client);
		X509_free(c->leaf);
		EVP_PKEY_free(c->key);
	}
	for (size_t i = 0; i < HASHES; i++) {
		X509_free(authorities[i].cert);
		EVP_PKEY_free(authorities[i].key);
	}
}

/* --- one cell -------------------------------------------------------------- */

/* A policy as a conf file says it; NULL (and that was right) where nothing is left. */
static struct config *policy_of(struct tls_policy *p, size_t mask, unsigned level, const char *more)
{
	struct config *config;
	struct error err;
	char conf[256];
	int rc;

	snprintf(conf, sizeof(conf), "SecureLayOption %s\nSecureLevel %u\nSessionTickets no\n%s", masks[mask].text,
		 level, more);
	assert_int_equal(config_parse(&config, CONFIG_SMTPD, span_of(conf), "etc/smtpd.conf", NULL, NULL), 0);
	rc = tls_policy_read(p, config_top(config), NULL, NULL, &err);
	cells++;
	if ((rc == 0) != (served_by(mask, level) != 0))
		fail_msg("mask %s level %u: %s", masks[mask].text, level, rc < 0 ? err.words : "not refused");
	if (rc == 0)
		return config;
	assert_non_null(strstr(err.words, "SecureLayOption"));
	config_free(config);
	return NULL;
}

static void cell_check(const char *what, size_t mask, unsigned level, size_t key, size_t hash, size_t version,
		       bool want, bool got)
{
	cells++;
	if (want != got)
		fail_msg("%s: mask %s level %u %s %s %s: %s", what, masks[mask].text, level, keys[key].name,
			 hashes[hash].name, versions[version].name, got ? "entered" : "refused");
}

static void peer_version(struct tls_peer *peer, size_t version)
{
	SSL_CTX_set_min_proto_version(peer->ctx, versions[version].number);
	SSL_CTX_set_max_proto_version(peer->ctx, versions[version].number);
}

/* --- as server ------------------------------------------------------------- */

static struct tls_context *server_of(const struct tls_policy *p, size_t key, size_t hash)
{
	const struct peer_pair *papers = &chains[key][hash].papers;
	struct tls_pair pair = { "a.pem", "a.key", papers->certificate, papers->key };
	struct tls_material m = {
		.pairs = &pair, .pair_count = 1, .client_ca = authority_texts, .listen = "127.0.0.1:25"
	};
	struct tls_context *c;

	tls_context_new(&c, p, &m, NULL, NULL, NULL);
	ERR_clear_error();
	return c;
}

static void server_row(struct tls_peer *peer, const struct tls_policy *p, size_t mask, size_t key, size_t hash)
{
	bool fits = chain_fits(key, hash, p->level);
	unsigned served = served_by(mask, p->level) & keys[key].versions;
	struct tls_context *c = server_of(p, key, hash);

	cells++;
	if (fits != (c != NULL))
		fail_msg("server: level %u %s %s: %s", p->level, keys[key].name, hashes[hash].name,
			 fits ? "refused at load" : "not refused at load");
	for (size_t v = 0; v < VERSIONS && c != NULL; v++) {
		bool up;

		peer_version(peer, v);
		up = tls_peer_try(peer, c, NULL) == TLS_UP;
		cell_check("server", mask, p->level, key, hash, v, (served & versions[v].bit) != 0, up);
		if (up)
			assert_string_equal(tls_session_facts(peer->session)->protocol, versions[v].name);
	}
	tls_peer_hang_up(peer);
	tls_context_drop(c);
}

static void test_server(void **state)
{
	struct tls_peer peer;

	(void)state;
	tls_peer_init(&peer);
	for (size_t mask = 0; mask < MASKS; mask++)
		for (unsigned level = 0; level < LEVELS; level++) {
			struct tls_policy p;
			struct config *config = policy_of(&p, mask, level, "");

			for (size_t i = 0; i < KEYS * HASHES && config != NULL; i++)
				if (worth_it(mask, i / HASHES, i % HASHES))
					server_row(&peer, &p, mask, i / HASHES, i % HASHES);
			config_free(config);
		}
	tls_peer_clear(&peer);
}

/* --- as client that verifies ----------------------------------------------- */

static bool carry(SSL *server, struct tls_session *client)
{
	struct span out = tls_session_out(client), in;
	uint8_t bytes[16384];
	bool moved = out.n > 0;
	int n;

	if (moved)
		assert_int_equal(BIO_write(SSL_get_rbio(server), out.p, (int)out.n), (int)out.n);
	tls_session_sent(client, out.n);
	if (!SSL_is_init_finished(server))
		SSL_do_handshake(server);
	while ((n = BIO_read(SSL_get_wbio(server), bytes, sizeof(bytes))) > 0) {
		in = (struct span){ bytes, (size_t)n };
		tls_session_feed(client, &in);
		moved = true;
	}
	return moved;
}

static bool client_enters(struct tls_context *c, SSL_CTX *ctx, size_t version)
{
	SSL *server = SSL_new(ctx);
	struct tls_session *client;
	struct error err;
	bool up;

	SSL_set_min_proto_version(server, versions[version].number);
	SSL_set_max_proto_version(server, versions[version].number);
	SSL_set_bio(server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_accept_state(server);
	if (tls_outbound_session(&client, c, host, &err) < 0)
		fail_msg("%s", err.words);
	while (carry(server, client))
		;
	up = tls_session_status(client) == TLS_UP && SSL_is_init_finished(server) == 1;
	if (up)
		assert_string_equal(tls_session_facts(client)->protocol, versions[version].name);
	tls_session_free(client);
	SSL_free(server);
	ERR_clear_error();
	return up;
}

static void client_rows(const struct tls_policy *p, size_t mask)
{
	struct tls_outbound_material m = { .authorities = authority_texts };
	unsigned offered = offered_by(mask, p->level);
	struct tls_context *c;
	struct error err;

	if (tls_outbound_new(&c, p, TLS_OUTBOUND_REQUIRE, &m, NULL, NULL, &err) < 0)
		fail_msg("%s", err.words);
	for (size_t i = 0; i < KEYS * HASHES * VERSIONS; i++) {
		size_t v = i % VERSIONS, hash = i / VERSIONS % HASHES, key = i / VERSIONS / HASHES;
		bool want = (offered & keys[key].versions & versions[v].bit) != 0 && chain_fits(key, hash, p->level);

		if (worth_it(mask, key, hash))
			cell_check("client", mask, p->level, key, hash, v, want,
				   client_enters(c, chains[key][hash].server, v));
	}
	tls_context_drop(c);
}

static void test_client(void **state)
{
	(void)state;
	for (size_t mask = 0; mask < MASKS; mask++)
		for (unsigned level = 0; level < LEVELS; level++) {
			struct tls_policy p;
			struct config *config = policy_of(&p, mask, level, "");

			if (config != NULL)
				client_rows(&p, mask);
			config_free(config);
		}
}

/* --- certificates of clients ----------------------------------------------- */

static void holder_rows(const struct tls_policy *p, size_t mask)
{
	/* Strong enough at the level: what fails, fails by the client's. */
	size_t own = p->level <= 3 ? P256 : P521;
	struct tls_context *c = server_of(p, own, keys[own].hash);
	unsigned served = served_by(mask, p->level);

	assert_non_null(c);
	for (size_t i = 0; i < KEYS * HASHES * VERSIONS; i++) {
		size_t v = i % VERSIONS, hash = i / VERSIONS % HASHES, key = i / VERSIONS / HASHES;
		bool want = (served & keys[key].versions & versions[v].bit) != 0 && chain_fits(key, hash, p->level);
		struct tls_peer *peer = &chains[key][hash].client;

		if (!worth_it(mask, key, hash))
			continue;
		peer_version(peer, v);
		cell_check("client's certificate", mask, p->level, key, hash, v, want,
			   tls_peer_try(peer, c, NULL) == TLS_UP);
		if (want)
			assert_string_equal(tls_session_facts(peer->session)->client_verify, "ok");
		tls_peer_hang_up(peer);
	}
	tls_context_drop(c);
}

static void test_holder(void **state)
{
	(void)state;
	for (size_t mask = 0; mask < MASKS; mask++)
		for (unsigned level = 0; level < LEVELS; level++) {
			struct tls_policy p;
			struct config *config = policy_of(&p, mask, level, "VerifyClient require\nClientCA ca.pem\n");

			if (config != NULL)
				holder_rows(&p, mask);
			config_free(config);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_server), cmocka_unit_test(test_client),
					    cmocka_unit_test(test_holder) };
	int rc;

	papers_make();
	rc = unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls matrix");
	printf("tls matrix: %zu cells\n", cells);
	papers_free();
	return rc;
}
