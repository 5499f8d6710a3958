/* test_admin_change.c - whom a change of etc/ would keep out, by what the running daemons count.
 * link: tests/unit/fake_site.o tests/unit/tls_papers.o admin setup auth sasl dkim common/proc common/ipc common/tls
 * link: common/config common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "admin/tls_change.h"
#include "common/tls/issue.h"
#include "tests/unit/fake_site.h"

enum { TEXT = 1 << 20 };

/* What is said of 127.0.0.1:993; $ in it is the Listen. */
#define SEEN                                                                                                 \
	"handshakes $ TLSv1.2 412 7\nhandshakes $ TLSv1.3 888 300\n"                                         \
	"client $ TLSv1.2 1700000100 192.0.2.7\nclient $ TLSv1.2 1700000200 anna@example.org\n"              \
	"client $ TLSv1.3 1700000300 bert@example.org\n"

static const struct {
	const char *why, *before, *after, *said, *want;	/* want: what stands behind "Listen L: ", a line each */
} rows[] = {
	{ "nothing", "", "", SEEN, "" },
	{ "a version that somebody used", "", "TlsVersions 1.3\n", SEEN,
	  "TLS 1.2 would end: 412 of 1,300 handshakes in the last 24 h used it, last by anna@example.org, 192.0.2.7\n" },
	{ "one that nobody used", "", "TlsVersions 1.3\n", "handshakes $ TLSv1.3 3 0\n",
	  "TLS 1.2 would end: none of 3 handshakes in the last 24 h used it\n" },
	{ "nobody was here", "", "TlsVersions 1.3\n", "",
	  "TLS 1.2 would end: no handshake in the last 24 h\n" },
	{ "one has ended before", "TlsVersions 1.3\n", "TlsVersions 1.3\n", SEEN, "" },
	{ "one that comes", "TlsVersions 1.3\n", "", SEEN, "TLS 1.2 would be taken too\n" },
	{ "a cipher", "", "CipherList ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384\n", SEEN,
	  "ciphers would end: ECDHE-ECDSA-CHACHA20-POLY1305, ECDHE-RSA-CHACHA20-POLY1305, ECDHE-ECDSA-AES128-GCM-SHA256, "
	  "ECDHE-RSA-AES128-GCM-SHA256; 1,300 handshakes in the last 24 h, by which cipher is not counted\n" },
	{ "a certificate is required", "", "VerifyClient require\nClientCA tls/ca.pem\n", SEEN,
	  "clients without a certificate would be refused (VerifyClient require): 1,300 handshakes in the last 24 h, with or "
	  "without one\n" },
	{ "one is asked for", "", "VerifyClient optional\nClientCA tls/ca.pem\n", SEEN,
	  "clients would be asked for a certificate (VerifyClient optional); those without one get in\n" },
	{ "none is asked for any more", "VerifyClient optional\nClientCA tls/ca.pem\n", "", SEEN,
	  "client certificates would no longer be asked for: who logs in with one (AUTH EXTERNAL) can't\n" },
	{ "it is no longer required", "VerifyClient require\nClientCA tls/ca.pem\n",
	  "VerifyClient optional\nClientCA tls/ca.pem\n", SEEN,
	  "clients without a certificate would get in (VerifyClient optional)\n" },
	{ "another authority", "VerifyClient require\nClientCA tls/ca.pem\n",
	  "VerifyClient require\nClientCA tls/other.pem\n", SEEN,
	  "client certificates of other authorities would be taken (ClientCA): 1,300 handshakes in the last 24 h\n" },
	{ "no TLS at all", "", "EnableSSL no\n", SEEN,
	  "TLS would end (the port is not opened: EnableSSL no in imapd.conf): 1,300 handshakes in the last 24 h\n" },
};

static void fail_on_error(void *arg, enum report_kind kind, const char *words)
{
	(void)arg;
	if (kind == REPORT_ERROR)
		fail_msg("%s", words);
}

static struct setup *read_site(const char *more, struct tls_ports **ports)
{
	const bool daemons[DAEMON_COUNT] = { [DAEMON_IMAPD] = true };
	struct report report = { .sink = fail_on_error };
	struct setup *setup;
	struct paths paths;

	fake_site_confs("mail.test", more);
	assert_int_equal(paths_set(&paths, fake_site, NULL), 0);
	const struct setup_source source = { .paths = &paths };

	assert_int_equal(setup_read(&setup, &source, &report), 0);
	assert_int_equal(tls_ports_new(ports, setup, daemons, NULL), 0);
	return setup;
}

static const char *listen_text(void)
{
	static char text[32];

	snprintf(text, sizeof(text), "127.0.0.1:%d", fake_site_port() + 993);
	return text;
}

/* What imapd says with the settings `before`. */
static void say_running(const char *before, const char *said, struct buf *out)
{
	struct tls_ports *ports;
	struct setup *setup = read_site(before, &ports);

	buf_put_text(out, "daemon imapd 1\n");
	for (size_t i = 0; i < ports->count; i++) {
		const struct tls_port *p = &ports->port[i];

		if (p->off[0] != '\0' || strcmp(p->listen->text, listen_text()) != 0)
			continue;
		tls_rules_write(ports->port[p->like].context, p->listen->text, out);
		buf_printf(out, "served %s abcd\n", p->listen->text);
	}
	for (; *said != '\0'; said++)
		if (*said == '$')
			buf_put_text(out, listen_text());
		else
			buf_put_byte(out, (uint8_t)*said);
	tls_ports_free(ports);
	setup_drop(setup);
}

/* Each line of want, behind "FILE:LINE: Listen NAME: ". */
static void check_said(struct span said, const char *want)
{
	char head[48];

	snprintf(head, sizeof(head), "Listen %s: ", listen_text());
	while (*want != '\0') {
		struct span line = span_take_until(&said, '\n'), wanted = { (const uint8_t *)want, strcspn(want, "\n") };
		const char *at = line.n > 0 ? memmem(line.p, line.n, head, strlen(head)) : NULL;

		assert_non_null(at);
		assert_non_null(memmem(line.p, line.n, "etc/imapd.conf:", strlen("etc/imapd.conf:")));
		at += strlen(head);
		line = (struct span){ (const uint8_t *)at, (size_t)(line.p + line.n - (const uint8_t *)at) };
		if (!span_equal(line, wanted))
			fail_msg("got \"%.*s\"", (int)line.n, (const char *)line.p);
		want += wanted.n + 1;
	}
	if (said.n > 0)
		fail_msg("and more: \"%.*s\"", (int)said.n, (const char *)said.p);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_running *running;
		struct tls_ports *ports;
		struct setup *setup;
		struct buf said, out;

		unit_case(rows[i].why, i);
		buf_init(&said, TEXT);
		buf_init(&out, TEXT);
		say_running(rows[i].before, rows[i].said, &said);
		assert_int_equal(tls_running_read(&running, buf_span(&said), NULL), 0);
		setup = read_site(rows[i].after, &ports);
		tls_change_write(ports, running, &out);
		check_said(buf_span(&out), rows[i].want);
		tls_ports_free(ports);
		setup_drop(setup);
		tls_running_free(running);
		buf_clear(&said);
		buf_clear(&out);
	}
}

/* A port that is served and no longer there; and one that an older daemon tells no rules of. */
static void test_closed(void **state)
{
	struct tls_running *running;
	struct tls_ports *ports;
	struct setup *setup = read_site("TlsVersions 1.3\n", &ports);
	struct buf out;
	char said[400];

	(void)state;
	snprintf(said, sizeof(said),
		 "daemon imapd 1\nserved 192.0.2.1:993 abcd\nhandshakes 192.0.2.1:993 TLSv1.3 5 0\n"
		 "handshakes %s TLSv1.2 2 0\n",
		 listen_text());
	assert_int_equal(tls_running_read(&running, span_of(said), NULL), 0);
	buf_init(&out, TEXT);
	tls_change_write(ports, running, &out);
	buf_put_byte(&out, '\0');
	assert_non_null(strstr((char *)out.p, "TLS 1.2 would end: 2 of 2 handshakes in the last 24 h used it\n"));
	assert_non_null(
	    strstr((char *)out.p, "imapd.conf: Listen 192.0.2.1:993: would be closed: 5 handshakes in the last 24 h\n"));
	buf_clear(&out);
	tls_running_free(running);
	tls_ports_free(ports);
	setup_drop(setup);
}

/* 127.0.0.1 and ::1 are alike unless something stands under one of them. */
static void test_like(void **state)
{
	struct tls_ports *ports;
	struct setup *setup = read_site("", &ports);
	size_t own = 0;

	(void)state;
	for (size_t i = 0; i < ports->count; i++) {
		const struct tls_port *p = &ports->port[i];

		own += p->like == i;
		assert_int_equal(ports->port[p->like].listen->mode, p->listen->mode);
		assert_non_null(ports->port[p->like].context);
		if (p->like != i)
			assert_null(p->context);
	}
	assert_int_equal(own, 2);	/* implicit, explicit */
	tls_ports_free(ports);
	setup_drop(setup);
}

static void write_authority(const char *file, const char *name)
{
	struct buf certificate, key;

	buf_init(&certificate, TEXT);
	buf_init(&key, TEXT);
	assert_int_equal(tls_issue_ca(name, &certificate, &key, NULL), 0);
	fake_site_write(file, buf_span(&certificate));
	buf_clear(&certificate);
	buf_clear(&key);
}

static int make(void **state)
{
	(void)state;
	if (fake_site_make() != 0)
		return -1;
	write_authority("etc/tls/ca.pem", "One");
	write_authority("etc/tls/other.pem", "Other");
	return 0;
}

static int clear(void **state)
{
	(void)state;
	return fake_site_remove();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_like),
	};

	return cmocka_run_group_tests_name("admin change", tests, make, clear);
}
