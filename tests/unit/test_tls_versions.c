/* test_tls_versions.c - mask x level x what a client speaks: who gets in, with what.
 * link: tests/unit/tls_peer.o tests/unit/tls_papers.o common/tls common/base */
#include "tests/unit/unit.h"

#include "tests/unit/tls_peer.h"

static const unsigned bits[] = { TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 };
static const int numbers[] = { TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION };
static const char *const names[] = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" };

static struct peer_pair ecdsa, rsa;

static int papers_make(void **state)
{
	static const char *const hosts[] = { "mail.example.org", NULL };

	(void)state;
	ecdsa = peer_server(0, hosts);
	rsa = peer_server(1, hosts);
	return 0;
}

/* A context with both certificates; NULL and words if the policy is refused. */
static struct tls_context *context(const struct tls_policy *p, struct error *err)
{
	struct tls_pair pairs[] = { { "server.pem", "server.key", ecdsa.certificate, ecdsa.key },
				    { "rsa.pem", "rsa.key", rsa.certificate, rsa.key } };
	struct tls_material m = { .pairs = pairs, .pair_count = 2, .listen = "127.0.0.1:993" };
	struct tls_context *c;

	tls_context_new(&c, p, &m, NULL, NULL, err);
	return c;
}

static struct tls_policy policy(const char *profile, unsigned forbidden, unsigned level)
{
	struct tls_policy p;

	assert_true(tls_policy_profile(&p, profile));
	p.forbidden = forbidden;
	p.level = level;
	p.ciphers = tls_policy_ciphers(&p);
	return p;
}

/* One client that speaks exactly one version. */
static void check_client(struct tls_context *c, size_t version, bool enters)
{
	struct tls_peer p;

	tls_peer_init(&p);
	SSL_CTX_set_min_proto_version(p.ctx, numbers[version]);
	SSL_CTX_set_max_proto_version(p.ctx, numbers[version]);
	assert_int_equal(tls_peer_try(&p, c, NULL), enters ? TLS_UP : TLS_FAILED);
	if (enters) {
		assert_string_equal(tls_session_facts(p.session)->protocol, names[version]);
		assert_int_equal(SSL_is_init_finished(p.ssl), 1);
	}
	tls_peer_clear(&p);
}

/* All 64 masks at every level that the certificates fit; every client. */
static void test_matrix(void **state)
{
	char why[64];

	(void)state;
	for (unsigned level = 0; level <= 2; level++) {
		for (unsigned mask = 0; mask < 64; mask += 1) {
			struct tls_policy p = policy("intermediate", mask, level);
			unsigned left = 60 & ~mask & (level > 0 ? ~12U : ~0U);
			struct error err = { 0 };
			struct tls_context *c = context(&p, &err);

			snprintf(why, sizeof(why), "mask %u level %u", mask, level);
			unit_case(why, 0);
			assert_int_equal(tls_policy_versions(&p), left);
			if (left == 0) {
				assert_null(c);
				assert_non_null(strstr(err.words, "SecureLayOption"));
				continue;
			}
			assert_non_null(c);
			for (size_t v = 0; v < 4; v++)
				check_client(c, v, (left & bits[v]) != 0);
			tls_context_drop(c);
		}
	}
}

/* A client that offers a range gets the highest that both have. */
static void test_range(void **state)
{
	static const struct {
		unsigned forbidden, level;
		int highest;
		const char *want;
	} rows[] = {
		{ 15, 2, TLS1_3_VERSION, "TLSv1.3" }, { 15, 2, TLS1_2_VERSION, "TLSv1.2" },
		{ 47, 2, TLS1_3_VERSION, "TLSv1.2" }, { 3, 0, TLS1_3_VERSION, "TLSv1.3" },
		{ 3, 0, TLS1_1_VERSION, "TLSv1.1" },  { 51, 0, TLS1_3_VERSION, "TLSv1.1" },
		{ 23, 0, TLS1_2_VERSION, "TLSv1.1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_policy p = policy("intermediate", rows[i].forbidden, rows[i].level);
		struct tls_context *c = context(&p, NULL);
		struct tls_peer peer;

		unit_case(rows[i].want, i);
		tls_peer_init(&peer);
		SSL_CTX_set_max_proto_version(peer.ctx, rows[i].highest);
		assert_int_equal(tls_peer_try(&peer, c, NULL), TLS_UP);
		assert_string_equal(tls_session_facts(peer.session)->protocol, rows[i].want);
		tls_peer_clear(&peer);
		tls_context_drop(c);
	}
}

/* What a client's ciphers and groups come to under each profile. NULL: refused. */
static void test_ciphers(void **state)
{
	static const struct {
		const char *why, *profile, *ciphers, *groups;
		int version;
		const char *cipher, *group;
	} rows[] = {
		{ "ours first: ECDSA and AES-256", "intermediate", "ALL", "X25519:P-256", TLS1_2_VERSION,
		  "ECDHE-ECDSA-AES256-GCM-SHA384", "x25519" },
		{ "the client's order does not count", "intermediate",
		  "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384", "P-256:X25519", TLS1_2_VERSION,
		  "ECDHE-RSA-AES256-GCM-SHA384", "x25519" },
		{ "but ChaCha first is a phone's wish", "intermediate",
		  "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES256-GCM-SHA384", "P-384", TLS1_2_VERSION,
		  "ECDHE-RSA-CHACHA20-POLY1305", "secp384r1" },
		{ "static RSA", "intermediate", "AES256-GCM-SHA384:AES128-SHA", "P-256", TLS1_2_VERSION, NULL, NULL },
		{ "DHE", "intermediate", "DHE-RSA-AES256-GCM-SHA384", "P-256", TLS1_2_VERSION, NULL, NULL },
		{ "CBC", "intermediate", "ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA", "P-256", TLS1_2_VERSION,
		  NULL, NULL },
		{ "CBC", "exchange2015", "ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA", "P-256", TLS1_2_VERSION,
		  "ECDHE-RSA-AES256-SHA384", "secp256r1" },
		{ "static RSA", "exchange2015", "AES256-GCM-SHA384:AES128-SHA", "P-256", TLS1_2_VERSION, NULL, NULL },
		{ "TLS 1.0 with ECDHE", "exchange2015", "ECDHE-RSA-AES128-SHA", "P-256", TLS1_VERSION,
		  "ECDHE-RSA-AES128-SHA", "secp256r1" },
		{ "TLS 1.0 with ECDSA", "exchange2015", "ECDHE-ECDSA-AES256-SHA", "P-256", TLS1_VERSION,
		  "ECDHE-ECDSA-AES256-SHA", "secp256r1" },
		{ "TLS 1.1 with RSA", "exchange2015", "ECDHE-RSA-AES256-SHA", "P-256", TLS1_1_VERSION,
		  "ECDHE-RSA-AES256-SHA", "secp256r1" },
		{ "TLS 1.1 with ECDSA", "exchange2015", "ECDHE-ECDSA-AES128-SHA", "P-256", TLS1_1_VERSION,
		  "ECDHE-ECDSA-AES128-SHA", "secp256r1" },
		{ "a client of Windows XP's time", "exchange2015", "AES128-SHA:AES256-SHA:RC4-MD5:DES-CBC3-SHA", "P-256",
		  TLS1_VERSION, NULL, NULL },
		{ "the same", "epost", "AES128-SHA:AES256-SHA:RC4-MD5:DES-CBC3-SHA", "P-256", TLS1_VERSION, "AES256-SHA",
		  "none" },
		{ "AES before ChaCha20", "exchange2015", "ECDHE-RSA-AES128-SHA:ECDHE-RSA-CHACHA20-POLY1305", "P-256",
		  TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA", "secp256r1" },
		{ "GCM before CBC", "exchange2015", "ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-GCM-SHA256", "P-256",
		  TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", "secp256r1" },
		{ "static RSA", "epost", "AES256-GCM-SHA384:AES128-SHA", "P-256", TLS1_2_VERSION, "AES256-GCM-SHA384",
		  "none" },
		{ "TLS 1.0 with static RSA", "epost", "AES128-SHA", "P-256", TLS1_VERSION, "AES128-SHA", "none" },
		{ "DHE", "epost", "DHE-RSA-AES256-GCM-SHA384", "P-256", TLS1_2_VERSION, "DHE-RSA-AES256-GCM-SHA384",
		  "none" },
		{ "no group in common", "intermediate", "ALL", "X448", TLS1_2_VERSION, NULL, NULL },
		{ "no group in common", "intermediate", "ALL", "X448", TLS1_3_VERSION, NULL, NULL },
		{ "TLS 1.3", "intermediate", "ALL", "X448:P-521", TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384",
		  "secp521r1" },
		{ "TLS 1.3", "modern", "ALL", "X25519", TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384", "x25519" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_policy p;
		struct tls_context *c;
		struct tls_peer peer;
		char list[256];

		unit_case(rows[i].why, i);
		assert_true(tls_policy_profile(&p, rows[i].profile));
		c = context(&p, NULL);
		assert_non_null(c);
		tls_peer_init(&peer);
		snprintf(list, sizeof(list), "%s:@SECLEVEL=0", rows[i].ciphers);
		assert_int_equal(SSL_CTX_set_cipher_list(peer.ctx, list), 1);
		assert_int_equal(SSL_CTX_set1_groups_list(peer.ctx, rows[i].groups), 1);
		SSL_CTX_set_max_proto_version(peer.ctx, rows[i].version);
		SSL_CTX_set_min_proto_version(peer.ctx, rows[i].version);
		assert_int_equal(tls_peer_try(&peer, c, "mail.example.org"), rows[i].cipher != NULL ? TLS_UP : TLS_FAILED);
		if (rows[i].cipher != NULL) {
			assert_string_equal(tls_session_facts(peer.session)->cipher, rows[i].cipher);
			assert_string_equal(tls_session_facts(peer.session)->group, rows[i].group);
		}
		tls_peer_clear(&peer);
		tls_context_drop(c);
	}
}

/* The levels that the certificates are too weak for name the one that fits. */
static void test_level(void **state)
{
	(void)state;
	for (unsigned level = 0; level <= 6; level++) {
		struct tls_policy p = policy("intermediate", 15, level);
		struct error err = { 0 };
		struct tls_context *c = context(&p, &err);

		unit_case("level", level);
		if (level <= 3) {
			assert_non_null(c);
			check_client(c, 3, true);
			check_client(c, 2, true);
			tls_context_drop(c);
			continue;
		}
		assert_null(c);
		assert_non_null(strstr(err.words, level == 6 ? "0 to 5" : "set SecureLevel 3"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_matrix), cmocka_unit_test(test_range),
					    cmocka_unit_test(test_ciphers), cmocka_unit_test(test_level) };

	papers_make(NULL);
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls versions");
}
