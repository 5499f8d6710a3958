/* test_setup_outward.c - what deliverd is handed, and what `yubin config check` says of its conf.
 * link: tests/unit/fake_site.o tests/unit/tls_papers.o admin setup auth sasl dkim common/proc common/ipc common/tls
 * link: common/config common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/proc/bundle.h"
#include "dkim/dkim.h"
#include "setup/renew.h"
#include "tests/unit/fake_site.h"
#include "tests/unit/tls_peer.h"

struct heard {
	unsigned warnings, errors;
	char words[8192];		/* all, a line each */
};

static void hear(void *arg, enum report_kind kind, const char *words)
{
	struct heard *h = arg;
	size_t used = strlen(h->words);

	h->warnings += kind == REPORT_WARNING;
	h->errors += kind == REPORT_ERROR;
	snprintf(h->words + used, sizeof(h->words) - used, "%s\n", words);
}

static struct setup *read_site(const char *deliverd, struct heard *h)
{
	struct report report = { .sink = hear, .arg = h };
	struct setup *setup;
	struct paths paths;
	struct error err;

	*h = (struct heard){ .errors = 0 };
	fake_site_confs("mail.test", "");
	fake_site_write("etc/deliverd.conf", span_of(deliverd));
	assert_int_equal(paths_set(&paths, fake_site, &err), 0);
	const struct setup_source source = { .paths = &paths };
	int rc = setup_read(&setup, &source, &report);

	assert_int_equal(rc, h->errors > 0 ? -EINVAL : 0);
	return setup;
}

static void put(const char *name, const char *text, mode_t mode)
{
	fake_site_write(name, span_of(text));
	assert_int_equal(chmod(fake_site_file(name), mode), 0);
}

static void put_key(const char *name, enum dkim_algorithm algorithm)
{
	struct error err;
	struct buf pem;

	buf_init(&pem, 8192);
	assert_int_equal(dkim_key_make(algorithm, &pem, &err), 0);
	fake_site_write(name, buf_span(&pem));
	assert_int_equal(chmod(fake_site_file(name), 0600), 0);
	buf_wipe(&pem);
}

/* --- words ----------------------------------------------------------------- */

static const struct {
	const char *why, *conf;
	unsigned warnings, errors;
	const char *words;
} cases[] = {
	{ "nothing", "", 0, 0, "" },
	{ "a smarthost", "Route * relay.test:587 auth=good.auth\n", 0, 0, "" },
	{ "a host with a certificate", "Route * relay.test:587 cert=both.pem\n", 0, 0, "" },
	{ "a line that can't be", "Route *\n", 0, 1, "deliverd.conf:1: Route *: " },
	{ "a line further down", "Route a.test b.test:25\n\nRoute *\n", 0, 1, "deliverd.conf:3: Route *: " },
	{ "its file", "Route a.test b.test:25\nRoute * c.test:25 auth=none.auth\n", 0, 1, "deliverd.conf:2: Route: " },
	{ "an unknown word", "Route * relay.test:25 hurry\n", 0, 1, "hurry" },
	{ "no such file", "Route * relay.test:587 auth=none.auth\n", 0, 1, "none.auth: No such file" },
	{ "a secret for all to read", "Route * relay.test:587 auth=open.auth\n", 1, 0, "other users may read this secret (mode 644)" },
	{ "a secret that is none", "Route * relay.test:587 auth=bad.auth\n", 0, 1, "etc/bad.auth: " },
	{ "a certificate without its key", "Route * relay.test:587 cert=tls/server.pem\n", 0, 1, "Route * relay.test:587 cert=tls/server.pem: tls/server.pem: " },
	{ "a name that is taken", "Route * relay.test:587 auth=dkim/x\n", 0, 1, "call the file something else" },
	{ "authorities that are none", "HttpsCA good.auth\n", 0, 1, "there is no certificate (PEM) in it" },
	{ "an authority", "HttpsCA tls/server.pem\n", 0, 0, "" },
	{ "an anchor that is none", "TrustAnchor good.auth\n", 0, 1, "there is no DS or DNSKEY line in it" },
	{ "an anchor", "TrustAnchor good.anchor\n", 0, 0, "" },
	{ "a mask that leaves nothing", "SecureLayOption 63\n", 0, 1, "SecureLayOption" },
	{ "a cipher list with a level in it", "CipherList DEFAULT:@SECLEVEL=0\n", 0, 1, "@SECLEVEL" },
	{ "a mask with a hole", "SecureLayOption 19\nSecureLevel 0\n", 2, 0, "to other servers we offer TLS 1.3 alone" },
};

static void make_files(void)
{
	struct peer_pair pair = peer_signed("P-256", "SHA256", "client.test", peer_ca(), -1, 90);
	char both[8192];

	snprintf(both, sizeof(both), "%.*s%.*s", (int)pair.certificate.n, (const char *)pair.certificate.p,
		 (int)pair.key.n, (const char *)pair.key.p);
	put("etc/both.pem", both, 0600);
	put("etc/good.auth", "user anna\npassword a b\n", 0600);
	put("etc/open.auth", "user anna\npassword a b\n", 0644);
	put("etc/bad.auth", "name anna\n", 0600);
	put("etc/good.anchor", "; the root\n.\t172800 IN DS 20326 8 2 E06D44B8\n", 0644);
}

static void test_words(void **state)
{
	(void)state;
	make_files();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct heard h;

		unit_case(cases[i].why, i);
		setup_drop(read_site(cases[i].conf, &h));
		if (h.warnings != cases[i].warnings || h.errors != cases[i].errors ||
		    strstr(h.words, cases[i].words) == NULL)
			fail_msg("%s: %u warnings, %u errors:\n%s", cases[i].why, h.warnings, h.errors, h.words);
	}
}

/* --- signing keys ---------------------------------------------------------- */

static const struct {
	const char *why, *keys;	/* NULL: no list */
	unsigned warnings, errors;
	const char *words;
} lists[] = {
	{ "one that signs", "a rsa active 2026-11-22T10:00:00Z\n", 0, 0, "" },
	{ "no list", NULL, 1, 0, "mail from d.test is not signed (`yubin dkim new d.test`)" },
	{ "a list that can't be", "a rsa\n", 0, 1, "dkim/d.test/keys: line 1" },
	{ "a key that is not there", "c rsa active 2026-11-22T10:00:00Z\n", 0, 1, "c.pem: No such file" },
	{ "but one for later need not be", "c rsa next 2026-11-22T10:00:00Z\n", 0, 0, "" },
	{ "another kind", "a ed25519 active 2026-11-22T10:00:00Z\n", 0, 1, "of another kind than the list says" },
	{ "no key", "x rsa active 2026-11-22T10:00:00Z\n", 0, 1, "x.pem: there is no private key" },
	{ "for all to read", "o ed25519 active 2026-11-22T10:00:00Z\n", 1, 0, "other users may read this private key" },
};

static void make_keys(void)
{
	mkdir(fake_site_file("etc/dkim"), 0700);
	mkdir(fake_site_file("etc/dkim/d.test"), 0700);
	put_key("etc/dkim/d.test/a.pem", DKIM_RSA_SHA256);
	put_key("etc/dkim/d.test/b.pem", DKIM_ED25519_SHA256);
	put_key("etc/dkim/d.test/o.pem", DKIM_ED25519_SHA256);
	assert_int_equal(chmod(fake_site_file("etc/dkim/d.test/o.pem"), 0640), 0);
	put("etc/dkim/d.test/x.pem", "nothing\n", 0600);
}

static void test_keys(void **state)
{
	(void)state;
	make_keys();
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct heard h;

		unit_case(lists[i].why, i);
		unlink(fake_site_file("etc/dkim/d.test/keys"));
		if (lists[i].keys != NULL)
			put("etc/dkim/d.test/keys", lists[i].keys, 0644);
		setup_drop(read_site("", &h));
		if (h.warnings != lists[i].warnings || h.errors != lists[i].errors ||
		    strstr(h.words, lists[i].words) == NULL)
			fail_msg("%s: %u warnings, %u errors:\n%s", lists[i].why, h.warnings, h.errors, h.words);
	}
}

/* --- the bundle ------------------------------------------------------------ */

static struct bundle *bundle_of(const struct setup *s, enum daemon d)
{
	struct bundle *b;
	struct error err;
	int fd;

	assert_int_equal(setup_bundle(s, d, &fd, &err), 0);
	assert_int_equal(bundle_read(&b, fd, &err), 0);
	close(fd);
	return b;
}

static void assert_text(const struct bundle *b, const char *name, const char *want)
{
	struct span text = { NULL, 0 };

	unit_case(name, 0);
	assert_true(bundle_get(b, name, &text));
	unit_is(text.p, text.n, want);
}

static void test_bundle(void **state)
{
	static const char keys[] = "a rsa active 2026-11-22T10:00:00Z\nb ed25519 next 2026-11-22T10:00:00Z\n";
	char listens[80];
	struct bundle *b;
	struct setup *s;
	struct span text;
	struct heard h;

	(void)state;
	put("etc/dkim/d.test/keys", keys, 0644);
	s = read_site("Route * relay.test:587 auth=good.auth\nRoute x.test relay.test:587 auth=good.auth\nTrustAnchor good.anchor\n", &h);
	assert_non_null(s);
	b = bundle_of(s, DAEMON_DELIVERD);
	assert_text(b, "good.auth", "user anna\npassword a b\n");
	assert_true(bundle_get(b, "good.anchor", &text));
	assert_true(bundle_get(b, "authorities", &text));
	assert_true(bundle_get(b, "resolv.conf", &text));
	assert_true(bundle_get(b, "deliverd.conf", &text));
	snprintf(listens, sizeof(listens), "127.0.0.1:%d\n[::1]:%d\n", fake_site_port() + 25, fake_site_port() + 25);
	assert_text(b, "listens", listens);
	assert_text(b, "dkim", "d.test\n");
	assert_text(b, "dkim/d.test/keys", keys);
	assert_true(bundle_get(b, "dkim/d.test/a.pem", &text));
	assert_true(memmem(text.p, text.n, "PRIVATE KEY", 11) != NULL);
	assert_false(bundle_get(b, "dkim/d.test/b.pem", &text));	/* it does not sign yet */
	bundle_free(b);
	b = bundle_of(s, DAEMON_SMTPD);
	assert_false(bundle_get(b, "dkim", &text));
	assert_false(bundle_get(b, "good.auth", &text));
	bundle_free(b);
	setup_drop(s);
	s = read_site("HttpsCA tls/server.pem\n", &h);
	b = bundle_of(s, DAEMON_DELIVERD);
	assert_true(bundle_get(b, "tls/server.pem", &text));
	assert_false(bundle_get(b, "authorities", &text));
	bundle_free(b);
	setup_drop(s);
}

/* --- renewal --------------------------------------------------------------- */

static struct setup *renew(const struct setup *s, struct heard *h)
{
	struct report report = { .sink = hear, .arg = h };
	bool which[SETUP_FILES] = { false };
	struct setup *fresh;
	struct paths paths;
	struct error err;
	struct buf now;

	*h = (struct heard){ .errors = 0 };
	buf_init(&now, 1 << 20);
	for (size_t i = 0; i < setup_file_count(s); i++) {
		buf_reset(&now);
		setup_file_look(s, i, &now);
		which[i] = !span_equal(buf_span(&now), setup_file_stamp(s, i));
	}
	buf_clear(&now);
	assert_int_equal(paths_set(&paths, fake_site, &err), 0);
	setup_renew(&fresh, s, which, &paths, &report);
	return fresh;
}

/* A key that begins to sign is taken without a reload; one that can't is refused. */
static void test_renewal(void **state)
{
	struct setup *s, *fresh;
	struct bundle *b;
	struct span text;
	struct heard h;

	(void)state;
	put("etc/dkim/d.test/keys", "a rsa active 2026-11-22T10:00:00Z\n", 0644);
	s = read_site("Route * relay.test:587 auth=good.auth\n", &h);
	assert_null(renew(s, &h));
	put("etc/dkim/d.test/keys", "a rsa old 2026-11-22T10:00:00Z\nb ed25519 active 2026-11-22T10:00:00Z\n", 0644);
	fresh = renew(s, &h);
	assert_non_null(fresh);
	assert_non_null(strstr(h.words, "signing keys renewed file=dkim"));
	b = bundle_of(fresh, DAEMON_DELIVERD);
	assert_true(bundle_get(b, "dkim/d.test/b.pem", &text));
	assert_false(bundle_get(b, "dkim/d.test/a.pem", &text));
	bundle_free(b);
	setup_drop(s);
	put("etc/dkim/d.test/keys", "c ed25519 active 2026-11-22T10:00:00Z\n", 0644);
	assert_null(renew(fresh, &h));
	assert_non_null(strstr(h.words, "renewal refused file=dkim"));
	put("etc/dkim/d.test/keys", "b ed25519 active 2026-11-22T10:00:00Z\n", 0644);
	fake_site_replace("etc/good.auth", span_of("user bob\npassword x\n"));
	s = renew(fresh, &h);
	assert_non_null(s);
	assert_non_null(strstr(h.words, "file renewed file=good.auth"));
	setup_drop(s);
	fake_site_replace("etc/good.auth", span_of("user bob\n"));
	s = renew(fresh, &h);
	assert_non_null(strstr(h.words, "renewal refused file=good.auth"));
	setup_drop(s);
	setup_drop(fresh);
}

/* The resolver and its trust are made when deliverd starts: other files need another process, other
 * keys that sign do not. */
static void test_fixed(void **state)
{
	static const struct {
		const char *why, *file, *text;
		bool same;
	} rows[] = {
		{ "an anchor", "etc/good.anchor", ". IN DS 1 2 3 AA\n", false },
		{ "a secret", "etc/good.auth", "user bob\npassword y\n", true },
		{ "keys", "etc/dkim/d.test/keys", "a rsa active 2026-11-22T10:00:00Z\n", true },
	};
	static const char conf[] = "TrustAnchor good.anchor\nRoute * relay.test:587 auth=good.auth\n";
	struct buf before, after;
	struct setup *s, *now;
	struct heard h;

	(void)state;
	make_files();
	buf_init(&before, 65536);
	buf_init(&after, 65536);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, i);
		s = read_site(conf, &h);
		assert_non_null(s);
		fake_site_replace(rows[i].file, span_of(rows[i].text));
		now = read_site(conf, &h);
		buf_reset(&before);
		buf_reset(&after);
		setup_fingerprint(s, DAEMON_DELIVERD, &before);
		setup_fingerprint(now, DAEMON_DELIVERD, &after);
		assert_int_equal(span_equal(buf_span(&before), buf_span(&after)), rows[i].same);
		setup_drop(now);
		now = renew(s, &h);
		assert_int_equal(now == NULL, !rows[i].same);
		setup_drop(now);
		setup_drop(s);
	}
	buf_clear(&before);
	buf_clear(&after);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_words), cmocka_unit_test(test_keys),
					    cmocka_unit_test(test_bundle), cmocka_unit_test(test_renewal),
					    cmocka_unit_test(test_fixed) };
	int rc;

	if (fake_site_make() != 0)
		return 1;
	rc = unit_run(tests, sizeof(tests) / sizeof(tests[0]), "setup_outward");
	return fake_site_remove() != 0 ? 1 : rc;
}
