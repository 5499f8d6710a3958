/* test_admin_running.c - what several processes say of their TLS, put together by port.
 * link: admin common/tls common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "admin/tls_running.h"

#define A "aaaa"
#define B "bbbb"

/* Two workers of imapd and one of smtpd, one of another version. */
static const char answer[] =
    "what stands before the first daemon is nobody's\n"
    "daemon imapd 1\n"
    "openssl OpenSSL 3.0.15 3 Sep 2024\n"
    "since 1700000000\n"
    "served *:993 " A "\n"
    "served *:143 " A "\n"
    "rules *:993 48 no 0011223344556677 TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256\n"
    "handshakes *:993 TLSv1.2 400 7\n"
    "handshakes *:993 TLSv1.3 800 300\n"
    "handshakes *:143 TLSv1.3 5 0\n"
    "failures *:993 version-too-old 2\n"
    "client *:993 TLSv1.2 1700000100 192.0.2.7\n"
    "client *:993 TLSv1.2 1700000050 anna@example.org\n"
    "daemon imapd 2\n"
    "openssl OpenSSL 3.0.16 11 Feb 2025\n"
    "served *:993 " B "\n"
    "served *:993 " A "\n"
    "handshakes *:993 TLSv1.2 12 1\n"
    "handshakes *:993 TLSv1.3 88 20\n"
    "failures *:993 version-too-old 1\n"
    "failures *:993 client-distrusts-us 9\n"
    "client *:993 TLSv1.2 1700000200 anna@example.org\n"
    "something *:993 new\n"
    "cut 100\n"
    "daemon smtpd 1\n"
    "openssl OpenSSL 3.0.16 11 Feb 2025\n"
    "cut 23\n"
    "handshakes *:993 TLSv1.3 1000000 0\n"
    "served *:25 " B "\n";

static struct tls_running *read_text(const char *text)
{
	struct tls_running *r;

	assert_int_equal(tls_running_read(&r, span_of(text), NULL), 0);
	return r;
}

static void test_openssl(void **state)
{
	struct tls_running *r = read_text(answer);

	(void)state;
	assert_string_equal(tls_running_openssl(r, 0), "OpenSSL 3.0.15 3 Sep 2024");
	assert_string_equal(tls_running_openssl(r, 1), "OpenSSL 3.0.16 11 Feb 2025");
	assert_null(tls_running_openssl(r, 2));
	assert_int_equal(tls_running_cut(r), 123);
	tls_running_free(r);
}

static void test_sum(void **state)
{
	struct tls_running *r = read_text(answer);
	struct tls_tally t = { 0 };

	(void)state;
	tls_running_add(r, "imapd", "*:993", &t);
	assert_int_equal(t.processes, 2);
	assert_int_equal(tls_tally_handshakes(&t), 1300);
	assert_int_equal(tls_tally_failures(&t), 12);
	assert_int_equal(t.version_count, 2);
	unit_is(t.versions[0].protocol.p, t.versions[0].protocol.n, "TLSv1.3");
	assert_int_equal(t.versions[0].count, 888);
	assert_int_equal(t.versions[0].resumed, 320);
	assert_int_equal(t.versions[1].count, 412);
	assert_int_equal(t.cause_count, 2);
	unit_is(t.causes[0].name.p, t.causes[0].name.n, "client-distrusts-us");
	assert_int_equal(t.causes[1].count, 3);
	assert_true(t.has_rules);
	assert_int_equal(t.rules.versions, TLS_1_2 | TLS_1_3);
	tls_running_free(r);
}

/* The newest first, each once. */
static void test_clients(void **state)
{
	struct tls_running *r = read_text(answer);
	struct tls_tally t = { 0 };

	(void)state;
	tls_running_add(r, "imapd", "*:993", &t);
	assert_int_equal(t.client_count, 2);
	unit_is(t.clients[0].who.p, t.clients[0].who.n, "anna@example.org");
	assert_int_equal(t.clients[0].when_s, 1700000200);
	unit_is(t.clients[1].who.p, t.clients[1].who.n, "192.0.2.7");
	tls_running_free(r);
}

static void test_served(void **state)
{
	static const struct {
		const char *why, *daemon, *listen, *fingerprint;
		enum tls_tally_state want;
	} rows[] = {
		{ "both workers", "imapd", "*:993", A, TLS_TALLY_ALL },
		{ "one of two", "imapd", "*:993", B, TLS_TALLY_SOME },
		{ "the case does not matter", "imapd", "*:993", "AAAA", TLS_TALLY_ALL },
		{ "nobody", "imapd", "*:993", "cccc", TLS_TALLY_NONE },
		{ "one worker has the port", "imapd", "*:143", A, TLS_TALLY_ALL },
		{ "another daemon's", "smtpd", "*:25", B, TLS_TALLY_ALL },
		{ "no such port", "smtpd", "*:26", B, TLS_TALLY_NONE },
	};
	struct tls_running *r = read_text(answer);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_tally t = { 0 };

		unit_case(rows[i].why, i);
		tls_running_add(r, rows[i].daemon, rows[i].listen, &t);
		assert_int_equal(tls_tally_serves(&t, rows[i].fingerprint), rows[i].want);
	}
	tls_running_free(r);
}

static void test_ports(void **state)
{
	static const char *const want[][2] = {
		{ "imapd", "*:993" }, { "imapd", "*:143" }, { "smtpd", "*:993" }, { "smtpd", "*:25" },
	};
	struct tls_running *r = read_text(answer);
	struct span daemon, listen;
	size_t i = 0;

	(void)state;
	for (; tls_running_port(r, i, &daemon, &listen); i++) {
		assert_in_range(i, 0, 3);
		unit_is(daemon.p, daemon.n, want[i][0]);
		unit_is(listen.p, listen.n, want[i][1]);
	}
	assert_int_equal(i, 4);
	tls_running_free(r);
}

/* Several Listens in one sum: 127.0.0.1 and ::1. */
static void test_two_ports(void **state)
{
	struct tls_running *r = read_text(answer);
	struct tls_tally t = { 0 };

	(void)state;
	tls_running_add(r, "imapd", "*:993", &t);
	tls_running_add(r, "imapd", "*:143", &t);
	assert_int_equal(tls_tally_handshakes(&t), 1305);
	assert_int_equal(t.versions[0].count, 893);
	tls_running_free(r);
}

/* More clients than there is room for: the oldest are left out, wherever they come. */
static void test_many(void **state)
{
	char *text = calloc(1, 200 * 80), *at = text;
	struct tls_tally t = { 0 };
	struct tls_running *r;

	(void)state;
	at += snprintf(at, 80, "daemon imapd 1\n");
	for (int i = 0; i < 100; i++)
		at += snprintf(at, 80, "client *:993 TLSv1.2 %d u%d\n", (i * 37) % 100 + 1, (i * 37) % 100);
	r = read_text(text);
	tls_running_add(r, "imapd", "*:993", &t);
	assert_int_equal(t.client_count, TLS_TALLY_CLIENTS);
	for (size_t i = 0; i < t.client_count; i++)
		assert_int_equal(t.clients[i].when_s, 100 - i);
	tls_running_free(r);
	free(text);
}

/* Cut anywhere the text is still no harm. */
static void test_cut(void **state)
{
	char text[sizeof(answer)];

	(void)state;
	for (size_t n = 0; n < sizeof(answer); n++) {
		struct tls_tally t = { 0 };
		struct tls_running *r;
		char *exact = malloc(n + 1);

		unit_case("cut", n);
		memcpy(text, answer, n);
		memcpy(exact, answer, n);
		assert_int_equal(tls_running_read(&r, (struct span){ (uint8_t *)exact, n }, NULL), 0);
		free(exact);
		tls_running_add(r, "imapd", "*:993", &t);
		assert_in_range(tls_tally_handshakes(&t), 0, 1300);
		tls_running_free(r);
	}
}

static void test_rules(void **state)
{
	static const struct {
		const char *why, *line;
		bool good;
	} rows[] = {
		{ "whole", "rules *:993 48 require 00112233 A:B", true },
		{ "no ciphers", "rules *:993 48 no 00112233 ", true },
		{ "another word", "rule *:993 48 no 00112233 A", false },
		{ "no Listen", "rules  48 no 00112233 A", false },
		{ "a version that there is not", "rules *:993 64 no 00112233 A", false },
		{ "no number", "rules *:993 x no 00112233 A", false },
		{ "no such word", "rules *:993 48 maybe 00112233 A", false },
		{ "no authorities", "rules *:993 48 no", false },
		{ "more behind it", "rules *:993 48 no 00112233 A B", false },
	};
	struct tls_rules r;
	char lost[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, i);
		assert_int_equal(tls_rules_read(&r, span_of(rows[i].line)), rows[i].good);
	}
	assert_true(tls_rules_read(&r, span_of(rows[0].line)));
	assert_int_equal(r.verify, TLS_VERIFY_REQUIRE);
	tls_rules_lost(span_of("A:BB:C"), span_of("C:B:A"), lost, sizeof(lost));
	assert_string_equal(lost, "BB");
	tls_rules_lost(span_of("A:B"), span_of("B:A"), lost, sizeof(lost));
	assert_string_equal(lost, "");
	tls_rules_lost(span_of("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:X:Y"), span_of("Y"), lost,
		       sizeof(lost));
	assert_string_equal(lost, "ECDHE-RSA-AES128-GCM-SHA256 and 2 more");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openssl), cmocka_unit_test(test_sum),	  cmocka_unit_test(test_clients),
		cmocka_unit_test(test_served),	cmocka_unit_test(test_ports),	  cmocka_unit_test(test_two_ports),
		cmocka_unit_test(test_many),	cmocka_unit_test(test_cut),	  cmocka_unit_test(test_rules),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "admin running");
}
