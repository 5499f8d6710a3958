/* test_supervisor_watch.c - files that are replaced under a running server: taken if they are
 * good, refused in words if not.
 * link: tests/unit/fake_yubind.o tests/unit/fake_daemon.o tests/unit/fake_site.o tests/unit/tls_papers.o
 * link: supervisor/supervisor.o supervisor/child.o supervisor/talk.o supervisor/slots.o supervisor/peers.o
 * link: supervisor/job.o supervisor/stop.o supervisor/orders.o supervisor/status.o supervisor/answers.o
 * link: supervisor/watch.o supervisor/sockets.o supervisor/lines.o supervisor/blocks.o supervisor/logfile.o
 * link: supervisor/lock.o supervisor/holder.o supervisor/notify.o setup/setup.o setup/confs.o setup/named.o
 * link: setup/pack.o setup/holders.o setup/check.o setup/check_tls.o setup/dates.o setup/material.o
 * link: setup/renew.o setup/pair.o setup/switches.o setup/daemons.o setup/report.o admin/site.o admin/conf.o
 * link: auth/accounts.o auth/accounts_certificate.o auth/accounts_change.o auth/accounts_file.o
 * link: auth/accounts_name.o auth/accounts_order.o auth/accounts_text.o
 * link: common/config/config.o common/config/parse.o common/config/rows.o common/config/value.o
 * link: common/config/network.o common/config/port.o common/config/paths.o common/config/file.o
 * link: common/config/commented.o common/proc/bundle.o common/proc/control.o common/ipc/ipc.o common/ipc/frame.o
 * link: common/ipc/record.o common/ipc/now.o common/ipc/wire.o common/base/arena.o common/base/buf.o
 * link: common/base/span.o common/base/error.o common/base/escape.o common/base/utf8.o common/base/clock.o
 * link: common/base/log.o common/base/table.o sasl/sasl.o sasl/plain.o sasl/login.o sasl/external.o
 * link: common/tls/bio.o common/tls/cause.o common/tls/chain.o common/tls/choice.o common/tls/client.o
 * link: common/tls/context.o common/tls/explain.o common/tls/facts.o common/tls/hello.o
 * link: common/tls/holder.o common/tls/identity.o common/tls/issue.o common/tls/paper.o common/tls/pem.o
 * link: common/tls/policy.o common/tls/policy_read.o common/tls/prints.o common/tls/protocol.o
 * link: common/tls/refusal.o common/tls/seal.o common/tls/session.o common/tls/staple.o
 * link: common/tls/tickets.o common/tls/trial.o */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/accounts.h"
#include "common/tls/paper.h"
#include "setup/daemons.h"
#include "setup/renew.h"
#include "tests/unit/fake_daemon.h"
#include "tests/unit/fake_site.h"
#include "tests/unit/fake_yubind.h"
#include "tests/unit/tls_peer.h"

/* --- the site -------------------------------------------------------------- */

/* The Hostname of most tests, which the certificates are for. */
#define HOST "localhost"

static void put_file(const char *name, struct span text)
{
	fake_site_write("etc/tls/fresh", text);
	assert_int_equal(chmod(fake_site_file("etc/tls/fresh"), 0600), 0);
	char from[600];

	snprintf(from, sizeof(from), "%s", fake_site_file("etc/tls/fresh"));
	assert_int_equal(rename(from, fake_site_file(name)), 0);
}

static void put_pair(struct peer_pair pair)
{
	put_file("etc/tls/server.pem", pair.certificate);
	put_file("etc/tls/server.key", pair.key);
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

/* --- one renewal, without a server ----------------------------------------- */

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

	put_file("etc/tls/server-rsa.pem", second.certificate);
	put_file("etc/tls/server-rsa.key", second.key);
	fake_site_confs(HOST, "SecureLevel 3\n");
	setup = read_site();
	second = rsa();
	put_file("etc/tls/server-rsa.pem", second.certificate);
	put_file("etc/tls/server-rsa.key", second.key);
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
	put_file("etc/tls/server-rsa.pem", two.certificate);
	put_file("etc/tls/server-rsa.key", two.key);
	fake_site_confs(HOST, "");
	setup = read_site();
	put_pair(bad);
	put_file("etc/tls/server-rsa.pem", one.certificate);
	put_file("etc/tls/server-rsa.key", one.key);
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
	put_file("etc/tls/clients.pem", mine.certificate);
	put_file("etc/tls/clients.crl", peer_crl(mine, NULL, 0));
	fake_site_confs(HOST, "VerifyClient optional\nClientCA tls/clients.pem\nClientCRL tls/clients.crl\n");
	setup = read_site();
	put_file("etc/tls/clients.pem", next.certificate);
	put_file("etc/tls/clients.crl", peer_crl(next, NULL, 0));
	fresh = renew_all(setup, &h);
	assert_non_null(fresh);
	assert_non_null(strstr(h.words, "client authorities renewed file=tls/clients.pem count=1\n"));
	assert_non_null(strstr(h.words, "revocation lists renewed file=tls/clients.crl count=1\n"));
	assert_int_equal(h.notes, 2);
	setup_drop(setup);
	put_file("etc/tls/clients.crl", span_of("nothing\n"));
	assert_null(renew_all(fresh, &h));
	assert_non_null(strstr(h.words, "renewal refused file=tls/clients.crl reason=\""));
	assert_int_equal(unlink(fake_site_file("etc/tls/clients.pem")), 0);
	assert_null(renew_all(fresh, &h));
	assert_non_null(strstr(h.words, "renewal refused file=tls/clients.pem reason=\"can't open "));
	assert_int_equal(h.warnings, 2);
	setup_drop(fresh);
}

/* --- a server -------------------------------------------------------------- */

static void put_watch_time(const char *value)
{
	FILE *f = fopen(fake_site_file("etc/yubin.conf"), "a");

	assert_non_null(f);
	fprintf(f, "WatchTime %s\n", value);
	assert_int_equal(fclose(f), 0);
}

static void assert_served(struct server *v, const char *label, struct peer_pair pair)
{
	assert_int_equal(status_number(v, label, "certificate"), (int)fake_daemon_sum(pair.certificate));
}

/* Until words have been logged so often. */
static void wait_count(const char *words, unsigned want)
{
	for (int i = 0; count_logged(words) < want; i++) {
		assert_true(i < 500);
		poll(NULL, 0, 20);
	}
	assert_int_equal(count_logged(words), want);
}

#define TAKEN   "info yubind certificate renewed file=tls/server.pem"
#define REFUSED "warn yubind renewal refused file=tls/server.pem"

/* A key that comes a moment after its certificate: refused once, then taken, by all workers; a
 * process that comes back later has it too, and no other process is a new one. */
static void test_key_later(void **state)
{
	struct peer_pair pair = other();
	struct server v;
	int pid;

	(void)state;
	put_pair(good());
	fake_site_confs(HOST, "");
	put_watch_time("1s");
	unlink(fake_site_file("log/yubin.log"));
	server_must_start(&v);
	pid = status_number(&v, "imapd[2]", "pid");
	put_file("etc/tls/server.pem", pair.certificate);
	wait_count(REFUSED, 1);
	assert_served(&v, "imapd[2]", good());
	put_file("etc/tls/server.key", pair.key);
	wait_count(TAKEN, 1);
	assert_served(&v, "imapd[1]", pair);
	assert_served(&v, "imapd[2]", pair);
	assert_served(&v, "smtpd[1]", pair);
	assert_served(&v, "pop3d[1]", pair);
	assert_int_equal(status_number(&v, "authd[1]", "settings"), 1);
	assert_int_equal(status_number(&v, "imapd[2]", "settings"), 2);
	assert_int_equal(status_number(&v, "imapd[2]", "pid"), pid);
	assert_int_equal(kill(pid, SIGKILL), 0);
	for (int i = 0; status_number(&v, "imapd[2]", "restarts") != 1 || !is_ready(&v, "imapd[2]"); i++) {
		assert_true(i < 500);
		poll(NULL, 0, 10);
	}
	assert_served(&v, "imapd[2]", pair);
	assert_int_equal(count_logged(REFUSED), 1);
	assert_int_equal(count_logged(TAKEN), 1);
	server_stop(&v);
}

static void point_to(const char *what, const char *name)
{
	char fresh[600];

	snprintf(fresh, sizeof(fresh), "%s", fake_site_file("etc/tls/fresh"));
	assert_int_equal(symlink(what, fresh), 0);
	assert_int_equal(rename(fresh, fake_site_file(name)), 0);
}

/* As certbot does: live/ has symlinks, archive/ all that there ever were. */
static void test_symlinks(void **state)
{
	struct peer_pair pair = other();
	struct server v;

	(void)state;
	mkdir(fake_site_file("etc/archive"), 0700);
	put_file("etc/archive/cert1.pem", good().certificate);
	put_file("etc/archive/key1.pem", good().key);
	point_to("../archive/cert1.pem", "etc/tls/server.pem");
	point_to("../archive/key1.pem", "etc/tls/server.key");
	fake_site_confs(HOST, "");
	put_watch_time("1s");
	unlink(fake_site_file("log/yubin.log"));
	server_must_start(&v);
	put_file("etc/archive/cert2.pem", pair.certificate);
	put_file("etc/archive/key2.pem", pair.key);
	point_to("../archive/cert2.pem", "etc/tls/server.pem");
	point_to("../archive/key2.pem", "etc/tls/server.key");
	wait_count(TAKEN, 1);
	assert_served(&v, "pop3d[1]", pair);
	server_stop(&v);
}

/* A file that goes is told once; a reload that fails changes nothing, and the old one goes on. */
static void test_removed(void **state)
{
	struct server v;

	(void)state;
	unlink(fake_site_file("etc/tls/server.pem"));
	unlink(fake_site_file("etc/tls/server.key"));
	put_pair(good());
	fake_site_confs(HOST, "");
	put_watch_time("1s");
	unlink(fake_site_file("log/yubin.log"));
	server_must_start(&v);
	assert_int_equal(unlink(fake_site_file("etc/tls/server.pem")), 0);
	wait_count(REFUSED, 1);
	order_plain(&v, "reload", 1);
	poll(NULL, 0, 2500); /* two more looks: nothing more is said */
	assert_int_equal(count_logged(REFUSED), 1);
	assert_served(&v, "imapd[1]", good());
	assert_int_equal(status_number(&v, "imapd[1]", "settings"), 1);
	put_file("etc/tls/server.pem", same_key().certificate);
	wait_count(TAKEN, 1);
	assert_int_equal(status_number(&v, "imapd[1]", "settings"), 2);
	server_stop(&v);
}

/* 0s: nobody looks, until a reload says otherwise. */
static void test_never(void **state)
{
	struct peer_pair pair = same_key();
	struct server v;

	(void)state;
	put_pair(good());
	fake_site_confs(HOST, "");
	put_watch_time("0s");
	unlink(fake_site_file("log/yubin.log"));
	server_must_start(&v);
	put_pair(pair);
	poll(NULL, 0, 2500);
	assert_served(&v, "imapd[1]", good());
	order_plain(&v, "reload", 0);
	assert_served(&v, "imapd[1]", pair);
	fake_site_confs(HOST, "");
	put_watch_time("1s");
	order_plain(&v, "reload", 0);
	put_pair(same_key());
	wait_count(TAKEN, 1);
	server_stop(&v);
}

/* What ends soon is told at the start. */
static void test_dates(void **state)
{
	struct peer_pair soon = peer_signed("P-256", "SHA256", HOST, peer_ca(), -1, 5);
	struct server v;

	(void)state;
	put_pair(soon);
	fake_site_confs(HOST, "");
	unlink(fake_site_file("log/yubin.log"));
	server_must_start(&v);
	wait_count("warn yubind certificate ends soon file=tls/server.pem subject=\"", 1);
	server_stop(&v);
	assert_true(count_logged(" days=4") + count_logged(" days=5") == 1);
}

static void hold_certificate(const char *fingerprint)
{
	const struct account_certificate held = { .fingerprint = fingerprint, .label = "x" };
	const struct account account = {
		.address = "a@test.example", .password = "", .enabled = true, .certificates = &held, .certificate_count = 1
	};
	const struct accounts_owner owner = { (uid_t)-1, (gid_t)-1 };
	int fd = open(fake_site_file("accounts"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err;

	assert_true(fd >= 0);
	accounts_domain_add(fd, &owner, "test.example", &err);
	if (accounts_add(fd, &owner, &account, &err) == -EEXIST)
		assert_int_equal(accounts_put(fd, &owner, &account, &err), 0);
	close(fd);
}

/* Who holds which certificate goes to imapd, which asked for it, and to no other; and anew when
 * the accounts have changed. */
static void test_fingerprints(void **state)
{
	char print[65], line[70];
	struct server v;

	(void)state;
	put_pair(good());
	put_file("etc/tls/clients.pem", peer_ca().certificate);
	fake_site_confs(HOST, "VerifyClient optional\nClientCA tls/clients.pem\nAllowSelfSigned yes\n");
	unlink(fake_site_file("log/yubin.log"));
	server_must_start(&v);
	assert_int_equal(status_number(&v, "imapd[1]", "holders"), (int)fake_daemon_sum(span_of("")));
	assert_int_equal(status_number(&v, "pop3d[1]", "holders"), 0);
	for (int i = 0; i < 2; i++) {
		memset(print, 'a' + i, 64);
		print[64] = '\0';
		snprintf(line, sizeof(line), "%s\n", print);
		hold_certificate(print);
		order_plain(&v, "accounts", 0);
		assert_int_equal(status_number(&v, "imapd[2]", "holders"), (int)fake_daemon_sum(span_of(line)));
		order_plain(&v, "accounts", 0);
		assert_int_equal(status_number(&v, "imapd[2]", "settings"), 2 + i);
	}
	assert_int_equal(status_number(&v, "pop3d[1]", "holders"), 0);
	assert_int_equal(count_logged("info yubind fingerprints of accounts renewed"), 2);
	server_stop(&v);
}

/* The same where authd tells it by itself. */
static void test_authd_tells(void **state)
{
	struct server v;

	(void)state;
	put_pair(good());
	fake_site_confs("tell.authd", "VerifyClient optional\nClientCA tls/clients.pem\nAllowSelfSigned yes\n");
	unlink(fake_site_file("log/yubin.log"));
	server_must_start(&v);
	hold_certificate("cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc");
	order_plain(&v, "status", 0);
	wait_count("fingerprints of accounts renewed", 1);
	server_stop(&v);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),   cmocka_unit_test(test_left_out), cmocka_unit_test(test_taken),
		cmocka_unit_test(test_apart),     cmocka_unit_test(test_authorities), cmocka_unit_test(test_key_later),
		cmocka_unit_test(test_symlinks),  cmocka_unit_test(test_removed),  cmocka_unit_test(test_never),
		cmocka_unit_test(test_dates),     cmocka_unit_test(test_fingerprints),
		cmocka_unit_test(test_authd_tells),
	};
	int rc;

	if (fake_yubind_main(argc, argv, &rc))
		return rc;
	if (fake_site_make() != 0)
		return 1;
	rc = unit_run(tests, sizeof(tests) / sizeof(tests[0]), "supervisor_watch");
	return fake_site_remove() != 0 ? 1 : rc;
}
