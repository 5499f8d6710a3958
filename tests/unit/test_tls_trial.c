/* test_tls_trial.c - a handshake with ourselves tells what a context serves.
 * link: tests/unit/tls_peer.o tests/unit/tls_papers.o common/tls common/base */
#include "tests/unit/unit.h"

#include <errno.h>

#include "common/tls/trial.h"
#include "tests/unit/tls_peer.h"

static struct tls_context *context(const struct tls_policy *p, const struct tls_pair *pairs, size_t count)
{
	struct tls_material m = {
		.pairs = pairs, .pair_count = count, .client_ca = peer_ca().certificate, .listen = "127.0.0.1:993"
	};
	struct tls_context *c;
	struct error err;

	if (tls_context_new(&c, p, &m, NULL, NULL, &err) < 0)
		fail_msg("%s", err.words);
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

static struct tls_pair pair_of(struct peer_pair papers)
{
	return (struct tls_pair){ "server.pem", "server.key", papers.certificate, papers.key };
}

static const char *const names[] = { "mail.example.org", NULL };

static void test_versions(void **state)
{
	static const struct {
		const char *why, *profile, *key;
		unsigned forbidden, level, served;
	} rows[] = {
		{ "the default", "intermediate", "P-256", 15, 2, TLS_1_2 | TLS_1_3 },
		{ "the newest alone", "modern", "P-256", 31, 2, TLS_1_3 },
		{ "all of them", "exchange2015", "P-256", 3, 0, TLS_1_0 | TLS_1_1 | TLS_1_2 | TLS_1_3 },
		{ "with RSA", "exchange2015", "RSA-2048", 3, 0, TLS_1_0 | TLS_1_1 | TLS_1_2 | TLS_1_3 },
		{ "the level forbids what the mask allows", "exchange2015", "RSA-2048", 3, 1, TLS_1_2 | TLS_1_3 },
		{ "a hole", "exchange2015", "P-256", 20, 0, TLS_1_1 | TLS_1_3 },
		{ "Ed25519 serves no old version", "exchange2015", "Ed25519", 3, 0, TLS_1_2 | TLS_1_3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_policy p = policy(rows[i].profile, rows[i].forbidden, rows[i].level);
		const char *digest = strcmp(rows[i].key, "Ed25519") == 0 ? NULL : "SHA256";
		struct tls_pair pair = pair_of(peer_own(rows[i].key, digest, "mail.example.org", -1, 90));
		struct tls_context *c = context(&p, &pair, 1);

		unit_case(rows[i].why, i);
		assert_int_equal(tls_trial_versions(c), rows[i].served);
		tls_context_drop(c);
	}
}

static void test_words(void **state)
{
	static const struct {
		enum tls_version version;
		const char *words;
	} rows[] = {
		{ TLS_SSL2, "OpenSSL 3 has neither SSL 2.0 nor SSL 3.0" },
		{ TLS_SSL3, "OpenSSL 3 has neither SSL 2.0 nor SSL 3.0" },
		{ TLS_1_1, "unsupported protocol" },
	};
	struct tls_policy p = policy("intermediate", 15, 2);
	struct tls_pair pair = pair_of(peer_server(0, names));
	struct tls_context *c = context(&p, &pair, 1);
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].words, i);
		assert_int_equal(tls_trial(c, rows[i].version, NULL, &err), -EPROTO);
		assert_string_equal(err.words, rows[i].words);
	}
	tls_context_drop(c);
}

/* Whom ExplainRefusal lets in to be told why is not served. */
static void test_refused(void **state)
{
	struct tls_policy p = policy("intermediate", 15, 2);
	struct tls_pair pair = pair_of(peer_server(0, names));
	struct tls_context *c;
	struct error err;

	(void)state;
	p.explain_refusal = true;
	c = context(&p, &pair, 1);
	assert_int_equal(tls_trial_versions(c), TLS_1_2 | TLS_1_3);
	assert_int_equal(tls_trial(c, TLS_1_0, NULL, &err), -EPROTO);
	assert_string_equal(err.words, "unsupported protocol");
	tls_context_drop(c);
}

/* Nobody is asked for a certificate in a trial, whatever VerifyClient says. */
static void test_verify(void **state)
{
	struct tls_policy p = policy("intermediate", 15, 2);
	struct tls_pair pair = pair_of(peer_server(0, names));
	struct tls_context *c;
	struct tls_peer peer;

	(void)state;
	p.verify = TLS_VERIFY_REQUIRE;
	c = context(&p, &pair, 1);
	assert_int_equal(tls_trial_versions(c), TLS_1_2 | TLS_1_3);
	tls_peer_init(&peer);
	assert_int_equal(tls_peer_try(&peer, c, NULL), TLS_FAILED);
	tls_peer_clear(&peer);
	tls_context_drop(c);
}

/* Each name has its own certificates. */
static void test_names(void **state)
{
	struct tls_policy p = policy("exchange2015", 3, 0);
	struct tls_pair pairs[] = { pair_of(peer_server(0, names)),
				    pair_of(peer_own("Ed25519", NULL, "b.example.org", -1, 90)) };
	struct tls_context *c = context(&p, pairs, 2);

	(void)state;
	assert_int_equal(tls_trial(c, TLS_1_0, NULL, NULL), 0);
	assert_int_equal(tls_trial(c, TLS_1_0, "mail.example.org", NULL), 0);
	assert_int_equal(tls_trial(c, TLS_1_0, "b.example.org", NULL), -EPROTO);
	assert_int_equal(tls_trial(c, TLS_1_2, "b.example.org", NULL), 0);
	assert_int_equal(tls_trial(c, TLS_1_0, "unknown.example.org", NULL), 0);
	tls_context_drop(c);
}

static void test_ciphers(void **state)
{
	static const struct {
		enum tls_version version;
		const char *cipher;
		int rc;
	} rows[] = {
		{ TLS_1_2, "ECDHE-ECDSA-AES128-GCM-SHA256", 0 },
		{ TLS_1_2, "ECDHE-RSA-AES128-GCM-SHA256", -EPROTO },	/* no RSA certificate */
		{ TLS_1_2, "ECDHE-ECDSA-AES128-SHA", -EPROTO },	/* not in the list */
		{ TLS_1_2, "NONSENSE", -EPROTO },
		{ TLS_1_3, "TLS_CHACHA20_POLY1305_SHA256", 0 },
		{ TLS_1_3, "TLS_AES_128_CCM_SHA256", -EPROTO },
	};
	struct tls_policy p = policy("intermediate", 15, 2);
	struct tls_pair pair = pair_of(peer_server(0, names));
	struct tls_context *c = context(&p, &pair, 1);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_trial what = { .version = rows[i].version, .cipher = rows[i].cipher };

		unit_case(rows[i].cipher, i);
		assert_int_equal(tls_trial_of(c, &what, NULL), rows[i].rc);
	}
	tls_context_drop(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_versions), cmocka_unit_test(test_words),
					    cmocka_unit_test(test_verify),   cmocka_unit_test(test_refused), cmocka_unit_test(test_names),
					    cmocka_unit_test(test_ciphers) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls trial");
}
