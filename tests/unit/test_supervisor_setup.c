/* test_supervisor_setup.c - what `yubin config check` says, and who is handed what.
 * link: tests/unit/fake_site.o tests/unit/tls_papers.o admin supervisor setup auth sasl dkim common/proc common/ipc
 * link: common/tls common/config common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/proc/bundle.h"
#include "setup/setup.h"
#include "supervisor/sockets.h"
#include "tests/unit/fake_site.h"
#include "tests/unit/tls_peer.h"

struct heard {
	unsigned notes, warnings, errors;
	char words[8192];		/* all, a line each */
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

static struct setup *read_site(const char *flags, struct heard *h)
{
	struct report report = { .sink = hear, .arg = h };
	struct setup *setup;
	struct paths paths;
	struct error err;

	*h = (struct heard){ .errors = 0 };
	assert_int_equal(paths_set(&paths, fake_site, &err), 0);
	const struct setup_source source = { .paths = &paths, .flags = flags };
	int rc = setup_read(&setup, &source, &report);

	assert_int_equal(rc, h->errors > 0 ? -EINVAL : 0);
	return setup;
}

/* more stands in imapd.conf; PORT in it is the base. */
static const struct {
	const char *why, *hostname, *more;
	unsigned warnings, errors;
	const char *words;
} cases[] = {
	{ "all is well", "mail.test", "", 0, 0, "" },
	{ "a host name with a space", "\"a b\"", "", 0, 1, "Hostname must be a name" },
	{ "a certificate that is not there", "mail.test", "ClientCA tls/none.pem\n", 0, 1, "etc/tls/none.pem: No such file" },
	{ "a certificate without its key", "mail.test", "Certificate tls/server.pem\n", 0, 1, "go in pairs" },
	{ "a key in place of a certificate", "mail.test", "Certificate tls/server.key\nPrivateKey tls/server.key\n", 0, 1, "tls/server.key" },
	{ "a mask that leaves nothing", "mail.test", "SecureLayOption 63\n", 0, 1, "SecureLayOption" },
	{ "a cipher list with a level in it", "mail.test", "CipherList DEFAULT:@SECLEVEL=0\n", 0, 1, "@SECLEVEL" },
	{ "EXTERNAL", "mail.test", "Mechanisms EXTERNAL\nClientNames email, CN\n", 0, 0, "" },
	{ "a name that no certificate has", "mail.test", "ClientNames email,dns\n", 0, 1, "\"dns\" is none of fingerprint" },
	{ "no names", "mail.test", "ClientNames none\n", 0, 0, "" },
	{ "a mechanism that we have not", "mail.test", "Mechanisms PLAIN,CRAM-MD5\n", 0, 1, "no mechanism \"CRAM-MD5\"" },
	{ "nobody can log in", "mail.test", "Listen 127.0.0.1:20999 plain\n", 1, 0, "nobody can log in at Listen 127.0.0.1:20999" },
	{ "RequireTLS no alone is not enough", "mail.test", "Listen 127.0.0.1:20999 plain\n  RequireTLS no\n", 1, 0, "nobody can log in" },
	{ "but with a mechanism it is", "mail.test", "Listen 127.0.0.1:20999 plain\n  RequireTLS no\n  AuthWithoutTLS PLAIN\n", 0, 0, "" },
	{ "STARTTLS switched off", "mail.test", "EnableTLS no\n", 2, 0, "nobody can log in" },
	{ "User without root", "mail.test", "User somebody\n", 1, 0, "only root can become another user" },
	{ "a port of another daemon", "mail.test", "Listen 127.0.0.1:POP3 explicit\n", 0, 1, "that port is pop3d's already" },
	{ "a port of another daemon, by *", "mail.test", "Listen *:POP3 explicit\n", 0, 2, "that port is pop3d's already" },
	{ "a typo", "mail.test", "SecureLevell 1\n", 0, 1, "did you mean SecureLevel?" },
};

/* text with POP3 in it made the port of pop3d. */
static void with_port(const char *text, char *out, size_t size)
{
	const char *at = strstr(text, "POP3");

	if (at == NULL)
		snprintf(out, size, "%s", text);
	else
		snprintf(out, size, "%.*s%d%s", (int)(at - text), text, fake_site_port() + 110, at + 4);
}

static void test_checks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct heard h;
		char more[400];

		unit_case(cases[i].why, i);
		with_port(cases[i].more, more, sizeof(more));
		fake_site_confs(cases[i].hostname, more);
		setup_drop(read_site(NULL, &h));
		if (h.warnings != cases[i].warnings || h.errors != cases[i].errors ||
		    strstr(h.words, cases[i].words) == NULL)
			fail_msg("%s: %u warnings, %u errors:\n%s", cases[i].why, h.warnings, h.errors, h.words);
	}
}

static void test_open_key(void **state)
{
	struct heard h;

	(void)state;
	fake_site_confs("mail.test", "");
	assert_int_equal(chmod(fake_site_file("etc/tls/server.key"), 0640), 0);
	setup_drop(read_site(NULL, &h));
	assert_int_equal(chmod(fake_site_file("etc/tls/server.key"), 0600), 0);
	assert_int_equal(h.warnings, 1);
	assert_non_null(strstr(h.words, "other users may read this private key (mode 640)"));
}

static void test_missing(void **state)
{
	struct heard h;

	(void)state;
	fake_site_confs("mail.test", "");
	assert_int_equal(unlink(fake_site_file("etc/pop3d.conf")), 0);
	setup_drop(read_site(NULL, &h));
	assert_int_equal(h.errors, 0);
	assert_non_null(strstr(h.words, "pop3d.conf is not there: defaults are used, and no port is opened"));
	assert_int_equal(rmdir(fake_site_file("queue")), 0);
	setup_drop(read_site(NULL, &h));
	assert_int_equal(mkdir(fake_site_file("queue"), 0700), 0);
	assert_non_null(strstr(h.words, "/queue: No such file or directory"));
	assert_int_equal(unlink(fake_site_file("etc/yubin.conf")), 0);
	setup_drop(read_site(NULL, &h));
	assert_non_null(strstr(h.words, "yubin.conf is not there: `yubin init` makes a site"));
}

/* The whole of imapd.conf. PORT: one that is free. */
static const struct {
	const char *why, *text;
	unsigned warnings, errors;
	const char *words;
} whole[] = {
	{ "implicit TLS without a certificate", "Listen 127.0.0.1:PORT implicit\n", 0, 1,
	  "it is implicit TLS, but there is no Certificate and PrivateKey: `yubin cert new` makes them, EnableSSL no" },
	{ "STARTTLS without a certificate", "Listen 127.0.0.1:PORT explicit\nListen [::1]:PORT explicit\n", 0, 1,
	  "it offers STARTTLS, but there is no Certificate and PrivateKey: `yubin cert new` makes them, EnableTLS no" },
	{ "all off: no file is looked for",
	  "EnableSSL no\nEnableTLS no\nCertificate tls/none.pem\nPrivateKey tls/none.key\nClientCA tls/none.pem\n"
	  "RequireTLS no\nAuthWithoutTLS PLAIN\nListen 127.0.0.1:PORT explicit\nListen 127.0.0.1:PORT1 implicit\n", 0, 0, "" },
	{ "ports in clear alone: the same",
	  "Certificate tls/none.pem\nPrivateKey tls/none.key\nRequireTLS no\nAuthWithoutTLS PLAIN\nListen 127.0.0.1:PORT plain\n", 0, 0, "" },
	{ "a file that every Listen overrides",
	  "Certificate tls/none.pem\nPrivateKey tls/none.key\nListen 127.0.0.1:PORT implicit\n"
	  "  Certificate tls/server.pem\n  PrivateKey tls/server.key\n", 0, 0, "" },
	{ "a version that no certificate can serve",
	  "Certificate tls/server.pem\nPrivateKey tls/server.key\nCipherList ECDHE-RSA-AES128-GCM-SHA256\n"
	  "Listen 127.0.0.1:PORT implicit\n", 1, 0, "TLS 1.2 is not forbidden, but no client will get it" },
	{ "no version at all",
	  "Certificate tls/server.pem\nPrivateKey tls/server.key\nCipherList ECDHE-RSA-AES128-GCM-SHA256\n"
	  "TlsVersions 1.2\nListen 127.0.0.1:PORT implicit\n", 0, 1, "a trial handshake fails with every version" },
	{ "a staple that is not there",
	  "Certificate tls/server.pem\nPrivateKey tls/server.key\nOcspStaple tls/none.ocsp\nListen 127.0.0.1:PORT implicit\n",
	  0, 1, "OcspStaple: can't open" },
	{ "a certificate that ends soon",
	  "Certificate tls/soon.pem\nPrivateKey tls/soon.key\nListen 127.0.0.1:PORT implicit\n", 1, 0, " days: time for a new one" },
	{ "one that has ended is told once",
	  "Certificate tls/old.pem\nPrivateKey tls/old.key\nListen 127.0.0.1:PORT implicit\n", 1, 0, "expired on" },
	{ "a folder of authorities",
	  "Certificate tls/server.pem\nPrivateKey tls/server.key\nVerifyClient optional\nClientCA tls/ca\n"
	  "Listen 127.0.0.1:PORT implicit\n", 1, 0, "tls/ca/c.crt: is not PEM (DER?) and was left out" },
	{ "an empty folder",
	  "Certificate tls/server.pem\nPrivateKey tls/server.key\nVerifyClient optional\nClientCA tls/empty\n"
	  "Listen 127.0.0.1:PORT implicit\nListen 127.0.0.1:PORT1 implicit\n", 0, 1,
	  "ClientCA: the folder " },
	{ "a folder is no certificate",
	  "Certificate tls/ca\nPrivateKey tls/server.key\nListen 127.0.0.1:PORT implicit\n", 0, 1, "tls/ca is not a regular file" },
};

static void put(const char *name, struct span text)
{
	fake_site_write(name, text);
	assert_int_equal(chmod(fake_site_file(name), 0600), 0);
}

/* Two authorities, what is none of them, and pairs whose time is short. */
static void make_papers(void)
{
	struct peer_pair soon = peer_signed("P-256", "SHA256", "localhost", peer_ca(), -1, 5);
	struct peer_pair old = peer_signed("P-256", "SHA256", "localhost", peer_ca(), -9, -2);

	mkdir(fake_site_file("etc/tls/ca"), 0700);
	mkdir(fake_site_file("etc/tls/empty"), 0700);
	put("etc/tls/soon.pem", soon.certificate);
	put("etc/tls/soon.key", soon.key);
	put("etc/tls/old.pem", old.certificate);
	put("etc/tls/old.key", old.key);
	put("etc/tls/ca/b.pem", peer_ca().certificate);
	put("etc/tls/ca/a.crt", peer_authority("Another CA", NULL, -1, 900).certificate);
	put("etc/tls/ca/c.crt", (struct span){ (const uint8_t *)"\x30\x82\x01", 3 });
	put("etc/tls/ca/README", span_of("-----BEGIN of a story\n"));
	put("etc/tls/empty/README", span_of("nothing\n"));
}

static void put_imapd(const char *text)
{
	char out[2000], *to = out;

	for (; *text != '\0' && to < out + sizeof(out) - 8; text++)
		if (strncmp(text, "PORT", 4) == 0) {
			bool next = text[4] == '1';

			to += snprintf(to, 8, "%d", fake_site_port() + 90 + next);
			text += 3 + next;
		} else {
			*to++ = *text;
		}
	fake_site_write("etc/imapd.conf", (struct span){ (const uint8_t *)out, (size_t)(to - out) });
}

static void test_whole(void **state)
{
	(void)state;
	make_papers();
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		struct heard h;

		unit_case(whole[i].why, i);
		fake_site_confs("mail.test", "");
		put_imapd(whole[i].text);
		setup_drop(read_site(NULL, &h));
		if (h.warnings != whole[i].warnings || h.errors != whole[i].errors ||
		    strstr(h.words, whole[i].words) == NULL)
			fail_msg("%s: %u warnings, %u errors:\n%s", whole[i].why, h.warnings, h.errors, h.words);
	}
}

static struct bundle *imapd_bundle(const char *text)
{
	struct setup *setup;
	struct bundle *b;
	struct error err;
	struct heard h;
	int fd;

	fake_site_confs("mail.test", "");
	put_imapd(text);
	setup = read_site(NULL, &h);
	assert_non_null(setup);
	assert_int_equal(setup_bundle(setup, DAEMON_IMAPD, &fd, &err), 0);
	assert_int_equal(bundle_read(&b, fd, &err), 0);
	close(fd);
	setup_drop(setup);
	return b;
}

/* What a folder holds goes under its name, in order; a file goes where a port with TLS needs it. */
static void test_bundle(void **state)
{
	struct span text, first = peer_authority("x", NULL, -1, 9).certificate;
	struct bundle *b;

	(void)state;
	put("etc/tls/ca/a.crt", first);
	b = imapd_bundle("Certificate tls/server.pem\nPrivateKey tls/server.key\nVerifyClient optional\nClientCA tls/ca\n"
			 "AllowSelfSigned yes\nListen 127.0.0.1:PORT implicit\n");
	assert_true(bundle_get(b, "tls/ca", &text));
	assert_int_equal(text.n, first.n + 1 + peer_ca().certificate.n + 1);
	assert_memory_equal(text.p, first.p, first.n);
	assert_memory_equal(text.p + first.n + 1, peer_ca().certificate.p, peer_ca().certificate.n);
	assert_true(bundle_get(b, SETUP_FINGERPRINTS, &text));
	bundle_free(b);
	b = imapd_bundle("Certificate tls/server.pem\nPrivateKey tls/server.key\nAllowSelfSigned yes\n"
			 "Listen 127.0.0.1:PORT explicit\n");
	assert_false(bundle_get(b, SETUP_FINGERPRINTS, &text));
	assert_true(bundle_get(b, "tls/server.key", &text));
	bundle_free(b);
	b = imapd_bundle("EnableTLS no\nCertificate tls/server.pem\nPrivateKey tls/server.key\n"
			 "Listen 127.0.0.1:PORT explicit\n");
	assert_false(bundle_get(b, "tls/server.key", &text));
	bundle_free(b);
}

/* A flag changes what the daemon reads, not only which ports are opened. */
static void test_flags(void **state)
{
	struct setup *setup;
	struct span text;
	struct bundle *b;
	struct heard h;
	struct error err;
	int fd;

	(void)state;
	fake_site_confs("mail.test", "EnableSSL yes\n");
	setup = read_site("-I-", &h);
	assert_non_null(setup);
	assert_true(setup_opens(setup, DAEMON_IMAPD, 0));
	assert_false(setup_opens(setup, DAEMON_IMAPD, 2));
	assert_true(setup_opens(setup, DAEMON_POP3D, 2));
	assert_int_equal(setup_bundle(setup, DAEMON_IMAPD, &fd, &err), 0);
	assert_int_equal(bundle_read(&b, fd, &err), 0);
	assert_true(bundle_get(b, "imapd.conf", &text));
	assert_true(memmem(text.p, text.n, "\nEnableSSL no\n", 14) != NULL);
	assert_true(memmem(text.p, text.n, "EnableSSL yes\n", 14) == NULL ||
		    memmem(text.p, text.n, "#EnableSSL yes\n", 15) != NULL);
	assert_true(bundle_get(b, "tls/server.key", &text));
	assert_false(bundle_get(b, "pop3d.conf", &text));
	bundle_free(b);
	close(fd);
	setup_drop(setup);
}

/* What can go into a running process does not change the fingerprint; what can't, does. */
static void test_fingerprint(void **state)
{
	static const struct {
		const char *more;
		bool same;
	} changes[] = {
		{ "SecureLevel 1\nMaxConnections 7\n", true },
		{ "Workers 3\n", false },
		{ "EnableSSL no\n", false },
		{ "Listen 127.0.0.1:20999 explicit\n", false },
	};
	struct buf first, now;
	struct setup *setup;
	struct heard h;

	(void)state;
	buf_init(&first, 65536);
	fake_site_confs("mail.test", "");
	setup = read_site(NULL, &h);
	setup_fingerprint(setup, DAEMON_IMAPD, &first);
	setup_drop(setup);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		unit_case(changes[i].more, i);
		buf_init(&now, 65536);
		fake_site_confs("mail.test", changes[i].more);
		setup = read_site(NULL, &h);
		assert_non_null(setup);
		setup_fingerprint(setup, DAEMON_IMAPD, &now);
		assert_int_equal(span_equal(buf_span(&first), buf_span(&now)), changes[i].same);
		setup_drop(setup);
		buf_clear(&now);
	}
	buf_clear(&first);
}

/* Sockets: all or nothing, and those that are wanted still stay what they were. */
static void test_sockets(void **state)
{
	struct sockets_of all;
	struct sockets *sockets, *others;
	struct setup *setup, *less;
	struct report quiet = { .sink = NULL };
	struct error err;
	struct heard h;
	int fd;

	(void)state;
	for (enum daemon d = 0; d < DAEMON_COUNT; d++)
		all.daemon[d] = true;
	fake_site_confs("mail.test", "");
	setup = read_site(NULL, &h);
	fake_site_confs("mail.test", "EnableSSL no\n");
	less = read_site(NULL, &h);
	assert_int_equal(sockets_new(&sockets, &err), 0);
	assert_int_equal(sockets_new(&others, &err), 0);
	assert_int_equal(sockets_open(sockets, less, &all, 0, &quiet), 0);
	sockets_commit(sockets, less, &all);
	fd = sockets_find(sockets, less, DAEMON_IMAPD, 0);
	assert_true(fd >= 0);
	assert_int_equal(sockets_find(sockets, less, DAEMON_IMAPD, 2), -1);
	assert_int_equal(sockets_open(others, setup, &all, 0, &quiet), -EADDRINUSE);
	assert_int_equal(sockets_find(others, setup, DAEMON_IMAPD, 2), -1);	/* that one was free */
	assert_int_equal(sockets_open(sockets, setup, &all, 0, &quiet), 0);
	assert_true(sockets_find(sockets, setup, DAEMON_IMAPD, 2) >= 0);
	sockets_revert(sockets);
	assert_int_equal(sockets_find(sockets, setup, DAEMON_IMAPD, 2), -1);
	assert_int_equal(sockets_find(sockets, setup, DAEMON_IMAPD, 0), fd);
	sockets_free(sockets);
	sockets_free(others);
	setup_drop(setup);
	setup_drop(less);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checks), cmocka_unit_test(test_open_key),    cmocka_unit_test(test_missing),
		cmocka_unit_test(test_whole),  cmocka_unit_test(test_bundle),
		cmocka_unit_test(test_flags),  cmocka_unit_test(test_fingerprint), cmocka_unit_test(test_sockets),
	};
	int rc;

	if (fake_site_make() != 0)
		return 1;
	rc = unit_run(tests, sizeof(tests) / sizeof(tests[0]), "supervisor_setup");
	return fake_site_remove() != 0 ? 1 : rc;
}
