/* test_supervisor_renew.c - files that were replaced: taken if they are good, refused in words if not.
 * link: tests/unit/fake_site.o tests/unit/tls_papers.o admin setup auth sasl dkim common/proc common/ipc common/tls
 * link: common/config common/base */
#include "tests/unit/unit.h"

#include <unistd.h>

#include "common/tls/paper.h"
#include "setup/renew.h"
#include "tests/unit/fake_site.h"
#include "tests/unit/tls_peer.h"

/* The Hostname of most tests, which the certificates are for. */
#define HOST "localhost"

static void put_pair(struct peer_pair pair)
{
	fake_site_replace("etc/tls/server.pem", pair.certificate);
	fake_site_replace("etc/tls/server.key", pair.key);
}

/* A pair in force, made once, and one that would do as well. */
static struct peer_pair good(void)
{
	static struct peer_pair pair;

	if (pair.key.n == 0)
		pair = peer_signed("P-256", "SHA256", HOST, peer_ca(), -1, 90);
	return pair;
}

static struct peer_pair other(void)
{
	return peer_signed("P-256", "SHA256", HOST, peer_ca(), -1, 90);
}

struct heard {
	unsigned notes, warnings, errors;
	char words[8192];
};

static void hear(void *arg, enum report_kind kind, const char *words)
{
	struct heard *h = arg;
	size_t used = strlen(h->words);

	h->notes += kind == REPORT_NOTE;
	h->warnings += kind == REPORT_WARNING;
	h->errors += kind == REPORT_ERROR;
	snprintf(h->words + used, sizeof(h->words) - used, "%s\n", words);
}

static struct paths site_paths(void)
{
	struct paths paths;
	struct error err;

	assert_int_equal(paths_set(&paths, fake_site, &err), 0);
	return paths;
}

static struct setup *read_site(void)
{
	struct heard h = { .errors = 0 };
	struct report report = { .sink = hear, .arg = &h };
	const struct paths paths = site_paths();
	const struct setup_source source = { .paths = &paths };
	struct setup *setup;

	if (setup_read(&setup, &source, &report) != 0)
		fail_msg("%s", h.words);
	return setup;
}

/* All files anew; NULL: nothing was taken. */
static struct setup *renew_all(const struct setup *s, struct heard *h)
{
	struct report report = { .sink = hear, .arg = h };
	const struct paths paths = site_paths();
	bool which[SETUP_FILES];
	struct setup *fresh;

	*h = (struct heard){ .errors = 0 };
	for (size_t i = 0; i < SETUP_FILES; i++)
		which[i] = true;
	setup_renew(&fresh, s, which, &paths, &report);
	assert_int_equal(h->errors, 0);
	return fresh;
}

static bool has_file(const struct setup *s, const char *name, struct span want)
{
	struct span text;

	return setup_file(s, name, &text) && span_equal(text, want);
}

static struct peer_pair same_key(void)
{
	return peer_renewed(good(), HOST, peer_ca(), -1, 90);
}

static struct peer_pair expired(void)
{
	return peer_signed("P-256", "SHA256", HOST, peer_ca(), -9, -2);
}

static struct peer_pair early(void)
{
	return peer_signed("P-256", "SHA256", HOST, peer_ca(), 2, 90);
}

static struct peer_pair elsewhere(void)
{
	return peer_signed("P-256", "SHA256", "mail.example.org", peer_ca(), -1, 90);
}

static struct peer_pair weak(void)
{
	return peer_signed("RSA-1024", "SHA256", HOST, peer_ca(), -1, 90);
}

static struct peer_pair rsa(void)
{
	return peer_signed("RSA-2048", "SHA256", HOST, peer_ca(), -1, 90);
}

static struct peer_pair mismatched(void)
{
	return (struct peer_pair){ other().certificate, good().key };
}

static struct peer_pair key_alone(void)
{
	return (struct peer_pair){ good().certificate, other().key };
}

static struct peer_pair garbage(void)
{
	return (struct peer_pair){ span_of("-----BEGIN nothing\n"), good().key };
}

#define ECDSA_ALONE "TlsVersions 1.2\nCipherList ECDHE-ECDSA-AES128-GCM-SHA256\n"

static const struct {
	const char *why, *more;	/* of imapd.conf */
	struct peer_pair (*make)(void);
	const char *words;
} refusals[] = {
	{ "a certificate before its key", "", mismatched, "file=tls/server.pem reason=\"tls/server.key (P-256) is not the key of tls/server.pem" },
	{ "a key before its certificate", "", key_alone, "file=tls/server.key reason=\"tls/server.key (P-256) is not the key of tls/server.pem" },
	{ "expired", "", expired, "tls/server.pem: expired on " },
	{ "not valid yet", "", early, "tls/server.pem: is not valid yet" },
	{ "another name", "", elsewhere, "is not for localhost (Hostname)" },
	{ "below the level", "", weak, "too weak for SecureLevel 2" },
	{ "no cipher for it", ECDSA_ALONE, rsa, "a trial handshake fails with every version" },
	{ "half a file", "", garbage, "tls/server.pem" },
};

static void test_refused(void **state)
{
	char until[64];
	struct tls_paper paper;

	(void)state;
	assert_true(tls_paper_first(good().certificate, &paper));
	snprintf(until, sizeof(until), "\" the old one stays in force until %s\n", paper.ends);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct setup *setup;
		struct heard h;

		unit_case(refusals[i].why, i);
		put_pair(good());
		fake_site_confs(HOST, refusals[i].more);
		setup = read_site();
		put_pair(refusals[i].make());
		assert_null(renew_all(setup, &h));
		if (h.notes != 0 || h.warnings != 1 || strstr(h.words, "renewal refused file=tls/server.") == NULL ||
		    strstr(h.words, refusals[i].words) == NULL || strstr(h.words, until) == NULL)
			fail_msg("%s", h.words);
		setup_drop(setup);
	}
}

/* A level that leaves a certificate out does so after its renewal too: no reason to refuse. */
static void test_left_out(void **state)
{
	struct setup *setup, *fresh;
	struct heard h;

	(void)state;
	put_pair(good());
	fake_site_confs(HOST, "");
	struct peer_pair second = rsa();

	fake_site_replace("etc/tls/server-rsa.pem", second.certificate);
	fake_site_replace("etc/tls/server-rsa.key", second.key);
	fake_site_confs(HOST, "SecureLevel 3\n");
	setup = read_site();
	second = rsa();
	fake_site_replace("etc/tls/server-rsa.pem", second.certificate);
	fake_site_replace("etc/tls/server-rsa.key", second.key);
	fresh = renew_all(setup, &h);
	assert_non_null(fresh);
	assert_int_equal(h.warnings, 0);
	assert_true(has_file(fresh, "tls/server-rsa.pem", second.certificate));
	setup_drop(fresh);
	setup_drop(setup);
}

static const struct {
	const char *why;
	struct peer_pair (*make)(void);
} taken[] = {
	{ "a new certificate for the old key", same_key },
	{ "a new pair", other },
	{ "another kind of key", rsa },
};

static void test_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		struct peer_pair pair = taken[i].make();
		struct setup *setup, *fresh;
		struct tls_paper paper;
		struct heard h;
		char want[600];

		unit_case(taken[i].why, i);
		put_pair(good());
		fake_site_confs(HOST, "");
		setup = read_site();
		put_pair(pair);
		fresh = renew_all(setup, &h);
		assert_non_null(fresh);
		assert_true(has_file(fresh, "tls/server.pem", pair.certificate));
		assert_true(has_file(fresh, "tls/server.key", pair.key));
		assert_true(has_file(setup, "tls/server.pem", good().certificate));
		assert_true(tls_paper_first(pair.certificate, &paper));
		snprintf(want, sizeof(want), "certificate renewed file=tls/server.pem subject=\"%s\" ends=%s fingerprint=%s\n",
			 paper.subject, paper.ends, paper.fingerprint);
		assert_string_equal(h.words, want);
		setup_drop(setup);
		assert_null(renew_all(fresh, &h)); /* and now all is as it lies there */
		assert_string_equal(h.words, "");
		setup_drop(fresh);
	}
}

/* One bad file does not keep a good one out; a lost name is told. */
static void test_apart(void **state)
{
	static const char *const both[] = { "localhost", "mail.example.org", NULL };
	struct peer_pair two = peer_server(1, both), one = rsa(), bad = expired();
	struct setup *setup, *fresh;
	struct heard h;

	(void)state;
	put_pair(good());
	fake_site_replace("etc/tls/server-rsa.pem", two.certificate);
	fake_site_replace("etc/tls/server-rsa.key", two.key);
	fake_site_confs(HOST, "");
	setup = read_site();
	put_pair(bad);
	fake_site_replace("etc/tls/server-rsa.pem", one.certificate);
	fake_site_replace("etc/tls/server-rsa.key", one.key);
	fresh = renew_all(setup, &h);
	assert_non_null(fresh);
	assert_true(has_file(fresh, "tls/server.pem", good().certificate));
	assert_true(has_file(fresh, "tls/server.key", good().key));
	assert_true(has_file(fresh, "tls/server-rsa.pem", one.certificate));
	assert_non_null(strstr(h.words, "renewal refused file=tls/server.pem reason=\"tls/server.pem: expired on"));
	assert_non_null(strstr(h.words, "certificate renewed file=tls/server-rsa.pem"));
	assert_non_null(strstr(h.words, "certificate lost names file=tls/server-rsa.pem names=\"mail.example.org\""));
	assert_int_equal(h.notes, 1);
	assert_int_equal(h.warnings, 2);
	setup_drop(fresh);
	setup_drop(setup);
}

static void test_authorities(void **state)
{
	struct peer_pair mine = peer_ca(), next = peer_authority("Next CA", NULL, -1, 900);
	struct setup *setup, *fresh;
	struct heard h;

	(void)state;
	put_pair(good());
	fake_site_replace("etc/tls/clients.pem", mine.certificate);
	fake_site_replace("etc/tls/clients.crl", peer_crl(mine, NULL, 0));
	fake_site_confs(HOST, "VerifyClient optional\nClientCA tls/clients.pem\nClientCRL tls/clients.crl\n");
	setup = read_site();
	fake_site_replace("etc/tls/clients.pem", next.certificate);
	fake_site_replace("etc/tls/clients.crl", peer_crl(next, NULL, 0));
	fresh = renew_all(setup, &h);
	assert_non_null(fresh);
	assert_non_null(strstr(h.words, "client authorities renewed file=tls/clients.pem count=1\n"));
	assert_non_null(strstr(h.words, "revocation lists renewed file=tls/clients.crl count=1\n"));
	assert_int_equal(h.notes, 2);
	setup_drop(setup);
	fake_site_replace("etc/tls/clients.crl", span_of("nothing\n"));
	assert_null(renew_all(fresh, &h));
	assert_non_null(strstr(h.words, "renewal refused file=tls/clients.crl reason=\""));
	assert_int_equal(unlink(fake_site_file("etc/tls/clients.pem")), 0);
	assert_null(renew_all(fresh, &h));
	assert_non_null(strstr(h.words, "renewal refused file=tls/clients.pem reason=\"can't open "));
	assert_int_equal(h.warnings, 2);
	setup_drop(fresh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_authorities),
	};
	int rc;

	if (fake_site_make() != 0)
		return 1;
	rc = unit_run(tests, sizeof(tests) / sizeof(tests[0]), "supervisor_renew");
	return fake_site_remove() != 0 ? 1 : rc;
}
