/* test_tls_policy.c - keys of a conf file become a policy, or an error with words.
 * link: common/tls common/config common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "common/tls/policy.h"

static void say(void *arg, enum config_severity severity, const char *file, unsigned line, const char *words)
{
	(void)arg;
	(void)severity;
	fprintf(stderr, "%s:%u: %s\n", file, line, words);
}

static void hear(void *arg, const char *words)
{
	snprintf(arg, 512, "%s", words);
}

/* Reads the keys of the only Listen of an imapd.conf. */
static int policy_of(const char *text, struct config **config, struct tls_policy *p, char warned[512],
		     struct error *err)
{
	char conf[2048];

	snprintf(conf, sizeof(conf), "Listen 127.0.0.1:993 implicit\n%s", text);
	*warned = '\0';
	*err = (struct error){ 0 };
	assert_int_equal(config_parse(config, CONFIG_IMAPD, span_of(conf), "etc/imapd.conf", say, NULL), 0);
	return tls_policy_read(p, config_listen_scope(*config, 0), hear, warned, err);
}

static void test_accepted(void **state)
{
	static const struct {
		const char *why, *text;
		unsigned forbidden, level;
		const char *profile, *ciphers, *warned;
	} rows[] = {
		{ "nothing set", "", 15, 2, "intermediate", "ECDHE-ECDSA-AES256-GCM-SHA384", "" },
		{ "modern", "TlsProfile modern\n", 31, 2, "modern", "ECDHE-ECDSA-AES256-GCM-SHA384", "" },
		{ "exchange2015", "TlsProfile exchange2015\n", 3, 0, "exchange2015", "ECDHE-ECDSA-AES256-GCM-SHA384", "" },
		{ "epost", "TlsProfile epost\n", 3, 0, "epost", "DEFAULT", "" },
		{ "explicit keys beat the profile", "TlsProfile epost\nSecureLayOption 15\nSecureLevel 1\n", 15, 1, "epost",
		  "DEFAULT", "" },
		{ "the Listen's own", "  SecureLayOption 31\n", 31, 2, "intermediate", "ECDHE", "" },
		{ "versions as a range", "TlsVersions 1.2-1.3\n", 15, 2, "intermediate", "ECDHE", "" },
		{ "versions as a list", "TlsVersions \"1.2, 1.3\"\n", 15, 2, "intermediate", "ECDHE", "" },
		{ "TLS 1.3", "TlsVersions 1.3\n", 31, 2, "intermediate", "ECDHE", "" },
		{ "both say the same", "TlsVersions 1.3\nSecureLayOption 28\n", 31, 2, "intermediate", "ECDHE", "" },
		{ "ciphers with exclusions", "CipherList HIGH:!aNULL:!eNULL:-kRSA\n", 15, 2, "intermediate", "HIGH:!aNULL",
		  "" },
		{ "a hole", "SecureLayOption 8\nSecureLevel 0\n", 8, 0, "intermediate", "ECDHE",
		  "SecureLayOption 8 leaves a hole: TLS 1.0, TLS 1.2 and TLS 1.3; many clients offer a range and fall to "
		  "the lower end of it" },
		{ "a cipher with a slip", "CipherList ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES-GCM\n", 15, 2,
		  "intermediate", "ECDHE", "CipherList: ECDHE-RSA-AES-GCM matches no cipher of this OpenSSL" },
		{ "hexadecimal", "SecureLayOption 0x1f\n", 31, 2, "intermediate", "ECDHE", "" },
		{ "in capitals", "SecureLayOption 0X1F\n", 31, 2, "intermediate", "ECDHE", "" },
		{ "a hole of two", "SecureLayOption 20\nSecureLevel 0\nTlsProfile exchange2015\n", 20, 0, "exchange2015",
		  "ECDHE", "SecureLayOption 20 leaves a hole: TLS 1.1 and TLS 1.3" },
		{ "a hole in the middle", "SecureLayOption 24\nSecureLevel 0\nTlsProfile exchange2015\n", 24, 0,
		  "exchange2015", "ECDHE", "SecureLayOption 24 leaves a hole: TLS 1.0 and TLS 1.3" },
		{ "the newest but one left out", "SecureLayOption 16\nSecureLevel 0\nTlsProfile exchange2015\n", 16, 0,
		  "exchange2015", "ECDHE", "SecureLayOption 16 leaves a hole: TLS 1.0, TLS 1.1 and TLS 1.3" },
		{ "SSL can't be had", "SecureLayOption 12\n", 12, 2, "intermediate", "ECDHE",
		  "SecureLayOption 12 does not forbid SSL 2.0 and SSL 3.0, but OpenSSL 3 has neither SSL 2.0 nor SSL 3.0: "
		  "no setting brings them back; add 3" },
		{ "nor SSL 3.0 alone", "SecureLayOption 13\n", 13, 2, "intermediate", "ECDHE",
		  "SecureLayOption 13 does not forbid SSL 3.0, but" },
		{ "nor SSL 2.0 alone", "SecureLayOption 14\n", 14, 2, "intermediate", "ECDHE",
		  "SecureLayOption 14 does not forbid SSL 2.0, but" },
		{ "the level forbids more", "SecureLayOption 3\n", 3, 2, "intermediate", "ECDHE",
		  "SecureLayOption 3 allows TLS 1.0 and TLS 1.1 too, but what is below TLS 1.2 works at SecureLevel 0 only, "
		  "and here that is 2" },
		{ "the level forbids one", "SecureLayOption 7\nSecureLevel 1\n", 7, 1, "intermediate", "ECDHE",
		  "SecureLayOption 7 allows TLS 1.1 too, but" },
		{ "a profile here beats keys above",
		  "  TlsProfile modern\nSecureLayOption 3\nSecureLevel 0\nCipherList HIGH:!aNULL\n", 31, 2, "modern",
		  "ECDHE-ECDSA-AES256", "" },
		{ "keys here beat a profile above", "  SecureLayOption 31\n  SecureLevel 3\nTlsProfile epost\n", 31, 3,
		  "epost", "DEFAULT", "" },
		{ "and a profile here", "  SecureLevel 3\n  TlsProfile modern\nTlsProfile epost\nSecureLevel 1\n", 31, 3,
		  "modern", "ECDHE-ECDSA-AES256", "" },
		{ "keys above and a profile above", "TlsProfile modern\nSecureLevel 3\n", 31, 3, "modern",
		  "ECDHE-ECDSA-AES256", "" },
		{ "versions here beat a mask above", "  TlsVersions 1.3\nSecureLayOption 15\n", 31, 2, "intermediate",
		  "ECDHE", "" },
		{ "a mask here beats versions above", "  SecureLayOption 31\nTlsVersions 1.2\n", 31, 2, "intermediate",
		  "ECDHE", "" },
		{ "a profile here beats versions above", "  TlsProfile modern\nTlsVersions 1.2\n", 31, 2, "modern",
		  "ECDHE", "" },
		{ "a version without cipher", "SecureLayOption 3\nSecureLevel 0\nCipherList ECDHE-RSA-AES256-GCM-SHA384\n",
		  3, 0, "intermediate", "ECDHE",
		  "SecureLayOption allows TLS 1.0 and TLS 1.1 too, but no cipher of CipherList and CipherSuites works "
		  "there at SecureLevel 0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *config;
		struct tls_policy p;
		struct error err;
		char warned[512];

		unit_case(rows[i].why, i);
		if (policy_of(rows[i].text, &config, &p, warned, &err) < 0)
			fail_msg("%s", err.words);
		assert_int_equal(p.forbidden, rows[i].forbidden);
		assert_int_equal(p.level, rows[i].level);
		assert_string_equal(p.profile, rows[i].profile);
		assert_ptr_equal(strstr(p.ciphers, rows[i].ciphers), p.ciphers);
		if (strncmp(warned, rows[i].warned, strlen(rows[i].warned)) != 0 || (*rows[i].warned == '\0' && *warned))
			fail_msg("warned \"%s\"", warned);
		config_free(config);
	}
}

/* A key that is taken away is what it was before it was set. */
static void test_removed(void **state)
{
	static const struct {
		const char *with, *without;
		unsigned forbidden, level;
	} rows[] = {
		{ "SecureLayOption 31\nSecureLevel 3\n", "", 15, 2 },
		{ "TlsProfile exchange2015\nSecureLevel 1\n", "TlsProfile exchange2015\n", 3, 0 },
		{ "TlsProfile modern\n", "", 15, 2 },
		{ "  TlsProfile modern\nSecureLevel 1\n", "SecureLevel 1\n", 15, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *config;
		struct tls_policy p;
		struct error err;
		char warned[512];

		unit_case(rows[i].with, i);
		assert_int_equal(policy_of(rows[i].with, &config, &p, warned, &err), 0);
		assert_false(p.forbidden == rows[i].forbidden && p.level == rows[i].level);
		config_free(config);
		assert_int_equal(policy_of(rows[i].without, &config, &p, warned, &err), 0);
		assert_int_equal(p.forbidden, rows[i].forbidden);
		assert_int_equal(p.level, rows[i].level);
		config_free(config);
	}
}

/* Each of exchange2015's ciphers, in their order, as OpenSSL understands them: AES before
 * ChaCha20, ECDHE throughout, no 3DES, RC4 or MD5. */
static void test_exchange(void **state)
{
	struct tls_policy p;
	struct span rest;
	bool chacha = false, cbc = false;

	(void)state;
	assert_true(tls_policy_profile(&p, "exchange2015"));
	for (rest = span_of(p.ciphers); rest.n > 0;) {
		struct span name = span_take_until(&rest, ':');
		char text[64];

		snprintf(text, sizeof(text), "%.*s", (int)name.n, (const char *)name.p);
		unit_case(p.ciphers, 0);
		assert_ptr_equal(strstr(text, "ECDHE-"), text);
		assert_null(strstr(text, "DES"));
		assert_null(strstr(text, "RC4"));
		if (strstr(text, "AES") != NULL) {
			assert_false(chacha);
			assert_false(cbc && strstr(text, "GCM") != NULL);
			cbc |= strstr(text, "GCM") == NULL;
		}
		chacha |= strstr(text, "CHACHA20") != NULL;
	}
	assert_true(chacha && cbc);
	assert_ptr_equal(strstr(p.suites, "TLS_AES_"), p.suites);
}

static void test_refused(void **state)
{
	static const struct {
		const char *why, *text, *words;
	} rows[] = {
		{ "nothing is left", "SecureLayOption 60\n", "SecureLayOption 60 forbids every version of TLS" },
		{ "what is left needs level 0", "SecureLayOption 48\n", "work at SecureLevel 0 only" },
		{ "no versions", "TlsVersions 1.4\n", "TlsVersions: \"1.4\"" },
		{ "a range upside down", "TlsVersions 1.3-1.2\n", "TlsVersions: \"1.3-1.2\"" },
		{ "half a range", "TlsVersions 1.2-\n", "TlsVersions: \"1.2-\"" },
		{ "more than a version", "TlsVersions 1.23\n", "TlsVersions: \"1.23\"" },
		{ "two truths", "TlsVersions 1.3\nSecureLayOption 15\n", "leave one out" },
		{ "ciphers that match nothing", "CipherList NONSENSE\n", "matches no cipher" },
		{ "@SECLEVEL", "CipherList DEFAULT:@SECLEVEL=0\n", "say SecureLevel" },
		{ "@SECLEVEL without a colon", "CipherList DEFAULT@SECLEVEL=0\n", "say SecureLevel" },
		{ "@seclevel behind a comma", "CipherList \"DEFAULT,@seclevel=0\"\n", "say SecureLevel" },
		{ "aNULL", "CipherList DEFAULT:aNULL\n", "aNULL would allow" },
		{ "+aNULL in a sum", "CipherList DEFAULT:ECDH+aNULL\n", "aNULL would allow" },
		{ "eNULL", "CipherList DEFAULT:eNULL\n", "eNULL would allow" },
		{ "ALL holds them", "CipherList ALL\n", "has no authentication" },
		{ "another name for them", "CipherList ECDHE:ADH\n", "has no authentication" },
		{ "and another", "CipherList ECDHE:COMPLEMENTOFALL\n", "or no encryption" },
		{ "suites", "CipherSuites TLS_NONSENSE\n", "CipherSuites" },
		{ "groups", "Groups nonsense\n", "Groups: \"nonsense\"" },
		{ "63", "SecureLayOption 63\n", "SecureLayOption 63 forbids every version of TLS: 15 forbids" },
		{ "61", "SecureLayOption 61\n", "SecureLayOption 61 forbids every version of TLS: 15 forbids" },
		{ "62", "SecureLayOption 0x3e\n", "SecureLayOption 62 forbids every version of TLS: 15 forbids" },
		{ "two truths here", "  TlsVersions 1.3\n  SecureLayOption 15\n", "leave one out" },
		{ "groups below the level", "SecureLevel 5\nGroups X25519:P-256:P-384\n",
		  "Groups: SecureLevel 5 and the versions that are left take nothing of \"X25519:P-256:P-384\"; P-521 would do" },
		{ "groups below level 4", "SecureLevel 4\nGroups X25519:P-256\n", "P-384:P-521 would do" },
		{ "groups without a name", "Groups :\n", "Groups: \":\" names nothing" },
		{ "groups of TLS 1.2 for TLS 1.3", "SecureLayOption 31\nGroups brainpoolP256r1\n",
		  "take nothing of \"brainpoolP256r1\"" },
		{ "level 5 with AES-128 alone", "SecureLevel 5\nSecureLayOption 47\nCipherList ECDHE-RSA-AES128-GCM-SHA256\n",
		  "nothing in them works with TLS 1.2 alone at SecureLevel 5" },
		{ "a client CA is missing", "VerifyClient require\n", "VerifyClient require needs ClientCA" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *config;
		struct tls_policy p;
		struct error err;
		char warned[512];

		unit_case(rows[i].why, i);
		assert_int_equal(policy_of(rows[i].text, &config, &p, warned, &err), -EINVAL);
		if (strstr(err.words, rows[i].words) == NULL)
			fail_msg("got \"%s\"", err.words);
		config_free(config);
	}
}

static void test_the_rest(void **state)
{
	struct config *config;
	struct tls_policy p;
	struct error err;
	char warned[512];

	(void)state;
	assert_int_equal(policy_of("", &config, &p, warned, &err), 0);
	assert_true(p.tickets);
	assert_int_equal(p.ticket_lifetime_s, 12 * 3600);
	assert_int_equal(p.verify, TLS_VERIFY_NO);
	assert_int_equal(p.verify_depth, 5);
	assert_null(p.suites);
	assert_string_equal(p.groups, "X25519MLKEM768:X25519:P-256:P-384:P-521");
	config_free(config);
	assert_int_equal(policy_of("SessionTickets no\nTicketLifetime 5m\nVerifyClient optional\nClientCA tls/ca.pem\n"
				   "ClientVerifyDepth 2\nGroups P-384\nCipherSuites TLS_CHACHA20_POLY1305_SHA256\n",
				   &config, &p, warned, &err),
			 0);
	assert_false(p.tickets);
	assert_int_equal(p.ticket_lifetime_s, 300);
	assert_int_equal(p.verify, TLS_VERIFY_OPTIONAL);
	assert_int_equal(p.verify_depth, 2);
	assert_string_equal(p.suites, "TLS_CHACHA20_POLY1305_SHA256");
	assert_string_equal(p.groups, "P-384");
	config_free(config);
	/* Where every client signs itself there is no authority. */
	assert_int_equal(policy_of("VerifyClient require\nAllowSelfSigned yes\n", &config, &p, warned, &err), 0);
	assert_true(p.allow_self_signed);
	config_free(config);
}

static void test_texts(void **state)
{
	static const struct {
		unsigned versions;
		const char *text, *range;
	} rows[] = {
		{ 0, "nothing", "nothing" },
		{ TLS_1_3, "TLS 1.3 alone", "TLS 1.3 alone" },
		{ TLS_1_2, "TLS 1.2 alone", "TLS 1.2 alone" },
		{ TLS_1_2 | TLS_1_3, "TLS 1.2 and TLS 1.3", "TLS 1.2 and up" },
		{ TLS_1_0 | TLS_1_1 | TLS_1_2 | TLS_1_3, "TLS 1.0, TLS 1.1, TLS 1.2 and TLS 1.3", "TLS 1.0 and up" },
		{ TLS_1_0 | TLS_1_2 | TLS_1_3, "TLS 1.0, TLS 1.2 and TLS 1.3", "TLS 1.0, TLS 1.2 and TLS 1.3" },
		{ TLS_1_0 | TLS_1_1, "TLS 1.0 and TLS 1.1", "TLS 1.0 and TLS 1.1" },
		{ TLS_SSL3, "SSL 3.0 alone", "SSL 3.0 alone" },
	};
	char text[80], small[8];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		tls_versions_text(rows[i].versions, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
		tls_versions_range_text(rows[i].versions, text, sizeof(text));
		assert_string_equal(text, rows[i].range);
		tls_versions_text(rows[i].versions, small, sizeof(small));
		assert_int_equal(strlen(small), 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_accepted), cmocka_unit_test(test_refused),
					    cmocka_unit_test(test_removed),
					    cmocka_unit_test(test_exchange),
					    cmocka_unit_test(test_the_rest), cmocka_unit_test(test_texts) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls policy");
}
