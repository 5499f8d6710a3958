/* test_tls_policy.c - keys of a conf file become a policy, or an error with words.
 * link: common/tls/policy.o common/tls/policy_read.o common/tls/protocol.o common/base/span.o common/base/buf.o
 * link: common/base/error.o common/base/arena.o common/base/escape.o common/base/utf8.o
 * link: common/config/config.o common/config/parse.o common/config/rows.o common/config/value.o
 * link: common/config/network.o common/config/port.o common/config/commented.o */
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
		assert_string_equal(warned, rows[i].warned);
		config_free(config);
	}
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
					    cmocka_unit_test(test_the_rest), cmocka_unit_test(test_texts) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls policy");
}
