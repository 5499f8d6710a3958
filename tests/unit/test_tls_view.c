/* test_tls_view.c - what a port's TLS is, and the reasons for what it is not.
 * link: tests/unit/tls_peer.o tests/unit/tls_papers.o common/tls common/base */
#include "tests/unit/unit.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/tls/view.h"
#include "tests/unit/tls_peer.h"

enum { PAIRS = 3 };

static const char *const names[] = { "mail.example.org", "imap.example.org", NULL };

static struct tls_policy policy(const char *profile, unsigned forbidden, unsigned level)
{
	struct tls_policy p;

	assert_true(tls_policy_profile(&p, profile));
	p.forbidden = forbidden;
	p.level = level;
	p.ciphers = tls_policy_ciphers(&p);
	return p;
}

static struct tls_pair pair_of(const char *file, struct peer_pair papers)
{
	return (struct tls_pair){ file, "the.key", papers.certificate, papers.key };
}

/* The view of a port with these pairs; where its context can't be made it is looked at
 * without. */
static void view(struct tls_view *v, const struct tls_policy *p, const struct tls_pair *pairs, size_t count)
{
	struct tls_material m = { .pairs = pairs, .pair_count = count, .listen = "127.0.0.1:993" };
	struct tls_context *c;
	struct error err;

	tls_context_new(&c, p, &m, NULL, NULL, NULL);
	if (tls_view_make(v, p, &m, c, &err) < 0)
		fail_msg("%s", err.words);
	tls_context_drop(c);
}

/* The reasons of all versions but the two of SSL, those that are served marked with a +. */
static void versions_text(const struct tls_view *v, char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 2; i < TLS_VIEW_VERSIONS && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s%s", i > 2 ? "|" : "",
					 v->versions[i].served ? "+" : "", v->versions[i].reason);
}

static void test_versions(void **state)
{
	static const struct {
		const char *why, *profile, *key;
		unsigned forbidden, level;
		const char *ciphers, *suites, *groups;	/* NULL: the profile's */
		const char *want;
	} rows[] = {
		{ "the default", "intermediate", "P-256", 15, 2, NULL, NULL, NULL,
		  "SecureLayOption 15 forbids it|SecureLayOption 15 forbids it|+|+" },
		{ "all", "exchange2015", "RSA-2048", 3, 0, NULL, NULL, NULL, "+|+|+|+" },
		{ "the level", "exchange2015", "RSA-2048", 7, 2, NULL, NULL, NULL,
		  "SecureLayOption 7 forbids it|works at SecureLevel 0 only, this port has 2|+|+" },
		{ "the kind of key", "exchange2015", "Ed25519", 3, 0, NULL, NULL, NULL,
		  "no certificate of this port works with it; RSA or P-256 would|"
		  "no certificate of this port works with it; RSA or P-256 would|+|+" },
		{ "the other kind of key", "intermediate", "P-256", 15, 2, "ECDHE-RSA-AES256-GCM-SHA384", NULL, NULL,
		  "SecureLayOption 15 forbids it|SecureLayOption 15 forbids it|"
		  "no certificate of this port works with it; RSA or P-256 would|+" },
		{ "the ciphers", "exchange2015", "RSA-2048", 3, 0, "ECDHE-RSA-AES256-GCM-SHA384", NULL, NULL,
		  "no cipher of CipherList works with it at SecureLevel 0|"
		  "no cipher of CipherList works with it at SecureLevel 0|+|+" },
		{ "the suites", "intermediate", "P-384", 15, 4, NULL, "TLS_AES_128_GCM_SHA256", NULL,
		  "SecureLayOption 15 forbids it|SecureLayOption 15 forbids it|+|"
		  "no cipher of CipherSuites works with it at SecureLevel 4" },
		{ "the groups", "intermediate", "P-256", 15, 2, NULL, NULL, "ffdhe2048",
		  "SecureLayOption 15 forbids it|SecureLayOption 15 forbids it|"
		  "no group of Groups works with it at SecureLevel 2|+" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_policy p = policy(rows[i].profile, rows[i].forbidden, rows[i].level);
		const char *digest = strcmp(rows[i].key, "Ed25519") == 0 ? NULL : "SHA384";
		struct tls_pair pair = pair_of("a.pem", peer_own(rows[i].key, digest, "mail.example.org", -1, 90));
		struct tls_view v;
		char text[600];

		unit_case(rows[i].why, i);
		p.ciphers = rows[i].ciphers != NULL ? rows[i].ciphers : p.ciphers;
		p.suites = rows[i].suites != NULL ? rows[i].suites : p.suites;
		p.groups = rows[i].groups != NULL ? rows[i].groups : p.groups;
		view(&v, &p, &pair, 1);
		versions_text(&v, text, sizeof(text));
		assert_string_equal(text, rows[i].want);
		assert_string_equal(v.versions[0].reason, "OpenSSL 3 has no SSL 2.0");
		assert_string_equal(v.versions[1].reason, "OpenSSL 3 has no SSL 3.0");
		assert_string_equal(v.versions[5].name, "TLS 1.3");
		assert_string_equal(v.versions[5].protocol, "TLSv1.3");
		tls_view_clear(&v);
	}
}

/* In the server's order, the newest version first, and none without a certificate for it. */
static void test_ciphers(void **state)
{
	struct tls_pair pairs[] = { pair_of("a.pem", peer_server(0, names)), pair_of("b.pem", peer_server(1, names)) };
	struct tls_policy p = policy("intermediate", 15, 2);
	struct tls_view v;

	(void)state;
	p.ciphers = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-SHA";
	p.suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384";
	view(&v, &p, pairs, 2);
	unit_is(v.ciphers.p, v.ciphers.n,
		"TLS 1.3 TLS_AES_128_GCM_SHA256\nTLS 1.3 TLS_AES_256_GCM_SHA384\n"
		"TLS 1.2 ECDHE-RSA-AES128-GCM-SHA256\nTLS 1.2 ECDHE-ECDSA-AES256-GCM-SHA384\n"
		"TLS 1.2 ECDHE-ECDSA-AES256-SHA\n");
	assert_true(v.server_order);
	tls_view_clear(&v);
	view(&v, &p, pairs, 1);
	unit_is(v.ciphers.p, v.ciphers.n,
		"TLS 1.3 TLS_AES_128_GCM_SHA256\nTLS 1.3 TLS_AES_256_GCM_SHA384\n"
		"TLS 1.2 ECDHE-ECDSA-AES256-GCM-SHA384\nTLS 1.2 ECDHE-ECDSA-AES256-SHA\n");
	tls_view_clear(&v);
}

static void test_groups(void **state)
{
	static const struct {
		unsigned level;
		const char *key, *groups, *want;
	} rows[] = {
		{ 2, "P-256", "NONSENSE:X25519:P-256:P-521", "X25519 P-256 P-521" },
		{ 4, "P-384", "X25519:P-256:P-384:P-521", "P-384 P-521" },
		{ 5, "P-521", "X25519:P-256:P-384:P-521", "P-521" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_policy p = policy("intermediate", 15, rows[i].level);
		struct tls_pair pair = pair_of("a.pem", peer_own(rows[i].key, "SHA512", "a.example.org", -1, 90));
		struct tls_view v;

		unit_case(rows[i].want, i);
		p.groups = rows[i].groups;
		view(&v, &p, &pair, 1);
		unit_is(v.groups.p, v.groups.n, rows[i].want);
		tls_view_clear(&v);
	}
}

static void check_link(const struct tls_view_link *l, const char *key, const char *hash, unsigned fits, int days)
{
	assert_string_equal(l->key, key);
	assert_string_equal(l->hash, hash);
	assert_int_equal(l->fits, fits);
	assert_in_range(l->days_left + 1000, days - 1 + 1000, days + 1000);
	assert_int_equal(strlen(l->fingerprint), 64);
	assert_int_equal(strlen(l->ends), 10);
}

static void test_links(void **state)
{
	static const struct {
		const char *key, *digest, *hash;
		unsigned fits;
		int from, to, left;
	} rows[] = {
		{ "RSA-2048", "SHA256", "SHA256", 2, -1, 90, 90 }, { "RSA-1024", "SHA1", "SHA1", 1, -1, 30, 30 },
		{ "RSA-2048", "MD5", "MD5", 2, -1, 90, 90 },  { "P-521", "SHA512", "SHA512", 5, -1, 90, 90 },
		{ "Ed25519", NULL, "ED25519", 3, -90, -3, -3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peer_pair papers = peer_own(rows[i].key, rows[i].digest, "mail.example.org", rows[i].from, rows[i].to);
		struct tls_policy p = policy("intermediate", 15, 0);
		struct tls_pair pair = pair_of("a.pem", papers);
		struct tls_view v;

		unit_case(rows[i].key, i);
		view(&v, &p, &pair, 1);
		assert_int_equal(v.certificate_count, 1);
		assert_true(v.certificates[0].used && v.certificates[0].key_matches && v.certificates[0].complete);
		assert_string_equal(v.certificates[0].reason, "");
		assert_string_equal(v.certificates[0].names, "mail.example.org");
		assert_int_equal(v.certificates[0].link_count, 1);
		assert_string_equal(v.certificates[0].links[0].subject, "CN=mail.example.org");
		assert_string_equal(v.certificates[0].links[0].issuer, "CN=mail.example.org");
		check_link(&v.certificates[0].links[0], rows[i].digest != NULL ? rows[i].key : "ED25519", rows[i].hash, rows[i].fits, rows[i].left);
		tls_view_clear(&v);
	}
}

/* The chain goes up to the authority; without it the view says so. */
static void test_chain(void **state)
{
	struct peer_pair root = peer_authority("Root", NULL, -10, 100);
	struct peer_pair middle = peer_authority("Middle", &root, -10, 100);
	struct peer_pair leaf = peer_signed("P-384", "SHA384", "mail.example.org", middle, -10, 100);
	struct peer_pair whole = { peer_join(leaf.certificate, peer_join(middle.certificate, root.certificate)), leaf.key };
	struct peer_pair half = { peer_join(leaf.certificate, middle.certificate), leaf.key };
	struct tls_pair pairs[] = { pair_of("whole.pem", whole), pair_of("half.pem", half) };
	struct tls_policy p = policy("intermediate", 15, 2);
	struct tls_view v;

	(void)state;
	view(&v, &p, &pairs[0], 1);
	assert_true(v.certificates[0].complete);
	assert_int_equal(v.certificates[0].link_count, 3);
	assert_string_equal(v.certificates[0].links[0].issuer, "CN=Middle");
	assert_string_equal(v.certificates[0].links[1].issuer, "CN=Root");
	assert_string_equal(v.certificates[0].links[2].subject, "CN=Root");
	check_link(&v.certificates[0].links[0], "P-384", "SHA384", 4, 100);
	check_link(&v.certificates[0].links[1], "P-256", "SHA256", 3, 100);
	tls_view_clear(&v);
	view(&v, &p, &pairs[1], 1);
	assert_false(v.certificates[0].complete);
	assert_int_equal(v.certificates[0].link_count, 2);
	tls_view_clear(&v);
}

/* What is not used tells why; what can't be read hides nothing of the others. */
static void test_unused(void **state)
{
	struct peer_pair good = peer_server(0, names), twin = peer_server(0, names);
	struct peer_pair weak = peer_own("RSA-1024", "SHA256", "mail.example.org", -1, 90);
	struct tls_pair pairs[PAIRS] = { pair_of("weak.pem", weak), pair_of("good.pem", good),
					 pair_of("twin.pem", twin) };
	struct tls_pair wrong[] = { { "good.pem", "twin.key", good.certificate, twin.key }, pair_of("weak.pem", weak),
				    { "none.pem", "none.key", span_of("no PEM"), span_of("") } };
	struct tls_policy p = policy("intermediate", 15, 2);
	struct tls_view v;

	(void)state;
	view(&v, &p, pairs, PAIRS);
	assert_false(v.certificates[0].used);
	assert_string_equal(v.certificates[0].reason, "too weak for SecureLevel 2 (RSA-1024): it fits 1 at most");
	assert_true(v.certificates[0].key_matches);
	assert_true(v.certificates[1].used);
	assert_string_equal(v.certificates[1].file, "good.pem");
	assert_string_equal(v.certificates[1].names, "mail.example.org imap.example.org");
	assert_false(v.certificates[2].used);
	assert_string_equal(v.certificates[2].reason, "an earlier certificate has the same names and kind of key");
	assert_true(v.versions[5].served);
	tls_view_clear(&v);

	/* No context can be made of these: mask and level alone tell of versions. */
	view(&v, &p, wrong, PAIRS);
	assert_false(v.certificates[0].used || v.certificates[0].key_matches);
	assert_non_null(strstr(v.certificates[0].reason, "is not the key of good.pem"));
	assert_string_equal(v.certificates[0].links[0].key, "P-256");
	assert_false(v.certificates[1].used);
	assert_false(v.certificates[2].used);
	assert_int_equal(v.certificates[2].link_count, 0);
	assert_non_null(strstr(v.certificates[2].reason, "none.pem"));
	assert_true(v.versions[5].served && v.versions[4].served);
	assert_false(v.versions[3].served);
	assert_int_equal(v.ciphers.n, 0);
	tls_view_clear(&v);
}

/* --- under an openssl.cnf of its own, in a process of its own -------------- */

static const char settings[] =
	"openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\nsystem_default = tls\n[tls]\n"
	"MinProtocol = TLSv1.3\nCipherString = DEFAULT@SECLEVEL=5\nGroups = P-521\nSignatureAlgorithms = RSA+SHA512\n";

/* Everything that Yubin sets is as Yubin sets it; what it does not set is seen and told. */
static void under_settings(void **state)
{
	struct tls_pair pair = pair_of("a.pem", peer_own("P-256", "SHA256", "mail.example.org", -1, 90));
	struct tls_pair rsa = pair_of("b.pem", peer_own("RSA-2048", "SHA256", "mail.example.org", -1, 90));
	struct tls_policy p = policy("intermediate", 15, 2);
	struct tls_view_openssl openssl;
	struct tls_view v;

	(void)state;
	tls_view_openssl(&openssl);
	assert_string_equal(openssl.config, getenv("OPENSSL_CONF"));
	assert_string_equal(openssl.settings,
			    "MinProtocol TLSv1.3 (SecureLayOption overrides it), CipherString DEFAULT@SECLEVEL=5 "
			    "(CipherList and SecureLevel override it), Groups P-521 (Groups overrides it), "
			    "SignatureAlgorithms RSA+SHA512 (acts)");
	view(&v, &p, &rsa, 1);
	assert_true(v.versions[4].served);
	unit_is(v.groups.p, v.groups.n, "X25519 P-256 P-384 P-521");
	tls_view_clear(&v);
	view(&v, &p, &pair, 1);
	assert_false(v.versions[4].served || v.versions[5].served);
	assert_non_null(strstr(v.versions[5].reason, openssl.config));
	assert_non_null(strstr(v.versions[5].reason, "tried, and failed: "));
	tls_view_clear(&v);
}

static void test_system(void **state)
{
	char path[] = "/tmp/test_tls_view.XXXXXX";
	int fd = mkstemp(path), status;
	pid_t child;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, settings, strlen(settings)), (ssize_t)strlen(settings));
	close(fd);
	child = fork();
	if (child == 0) {
		setenv("OPENSSL_CONF", path, 1);
		execl("/proc/self/exe", "test_tls_view", "under-settings", (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	unlink(path);
	assert_int_equal(status, 0);
}

static void test_openssl(void **state)
{
	struct tls_view_openssl openssl;

	(void)state;
	tls_view_openssl(&openssl);
	assert_string_equal(openssl.built, OPENSSL_VERSION_TEXT);
	assert_string_equal(openssl.running, OpenSSL_version(OPENSSL_VERSION));
	setenv("OPENSSL_CONF", "/nowhere/openssl.cnf", 1);
	tls_view_openssl(&openssl);
	assert_string_equal(openssl.config, "");
	assert_string_equal(openssl.settings, "");
	unsetenv("OPENSSL_CONF");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_versions), cmocka_unit_test(test_ciphers),
					    cmocka_unit_test(test_groups),   cmocka_unit_test(test_links),
					    cmocka_unit_test(test_chain),    cmocka_unit_test(test_unused),
					    cmocka_unit_test(test_system),   cmocka_unit_test(test_openssl) };
	const struct CMUnitTest inner[] = { cmocka_unit_test(under_settings) };

	if (argc == 2 && strcmp(argv[1], "under-settings") == 0)
		return unit_run(inner, 1, "tls view under settings");
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls view");
}
