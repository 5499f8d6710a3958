/* test_supervisor_watch.c - files that are replaced under a running yubind: noticed, handed out, told once.
 * link: tests/unit/fake_yubind.o tests/unit/fake_daemon.o tests/unit/fake_site.o tests/unit/tls_papers.o admin
 * link: supervisor setup auth storage sasl dkim common/proc common/ipc common/tls common/config common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/accounts.h"
#include "tests/unit/fake_daemon.h"
#include "tests/unit/fake_site.h"
#include "tests/unit/fake_yubind.h"
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

static struct peer_pair same_key(void)
{
	return peer_renewed(good(), HOST, peer_ca(), -1, 90);
}

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
	fake_site_replace("etc/tls/server.pem", pair.certificate);
	wait_count(REFUSED, 1);
	assert_served(&v, "imapd[2]", good());
	fake_site_replace("etc/tls/server.key", pair.key);
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
	fake_site_replace("etc/archive/cert1.pem", good().certificate);
	fake_site_replace("etc/archive/key1.pem", good().key);
	point_to("../archive/cert1.pem", "etc/tls/server.pem");
	point_to("../archive/key1.pem", "etc/tls/server.key");
	fake_site_confs(HOST, "");
	put_watch_time("1s");
	unlink(fake_site_file("log/yubin.log"));
	server_must_start(&v);
	fake_site_replace("etc/archive/cert2.pem", pair.certificate);
	fake_site_replace("etc/archive/key2.pem", pair.key);
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
	fake_site_replace("etc/tls/server.pem", same_key().certificate);
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
	fake_site_replace("etc/tls/clients.pem", peer_ca().certificate);
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
		cmocka_unit_test(test_key_later),
		cmocka_unit_test(test_symlinks),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_fingerprints),
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
