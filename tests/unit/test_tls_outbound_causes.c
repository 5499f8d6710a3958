/* test_tls_outbound_causes.c - each row of the catalogue about other servers, provoked by one; and
 * versions that are offered alone.
 * link: tests/unit/outbound_rig.o tests/unit/tls_papers.o common/tls common/base */
#include "tests/unit/unit.h"

#include <openssl/sslerr.h>

#include "common/tls/cause_row.h"
#include "tests/unit/outbound_rig.h"

static bool provoked[256];	/* numbers of causes that some server here had */

static const char *const names[] = { "mx.example.org", "*.example.org", "a.example", "b.example", "c.example", NULL };

/* A row has that name, and the line shows its words. */
static void check(const char *line, const char *name, const char *words)
{
	bool found = false;

	if (strstr(line, words) == NULL)
		fail_msg("%s: got \"%s\"", name, line);
	assert_int_equal(strncmp(line, "TLS deferring: (", 16), 0);
	assert_null(strchr(line, '{'));
	for (size_t i = tls_cause_outbound(); i < tls_cause_count(); i++) {
		const struct tls_cause *c = tls_cause_at(i);
		size_t n = strcspn(c->words, "{");

		if (strcmp(c->name, name) == 0 && strstr(line, ") ") != NULL && strncmp(strstr(line, ") ") + 2, c->words, n) == 0)
			provoked[i] = found = true;
	}
	assert_true(found);
}

/* --- what servers show ----------------------------------------------------- */

static void test_certificates(void **state)
{
	const struct peer_pair ca = peer_ca(), stranger = peer_authority("Stranger", NULL, -1, 90);
	const struct peer_pair leaf = peer_signed("P-256", "SHA256", "mx.example.org", stranger, -1, 90);
	const struct {
		struct peer_pair papers;
		const char *host, *name, *words;
	} rows[] = {
		{ peer_server(0, names), "mx.example.net", "peer-cert-other-name",
		  "the server's certificate is for mx.example.org, *.example.org, a.example, b.example and 1 more, we asked for "
		  "mx.example.net: it does not verify (hostname mismatch); its administrator must get one for that name" },
		{ peer_server(0, names), "192.0.2.7", "peer-cert-other-name", "we asked for its address: " },
		{ peer_signed("P-256", "SHA256", "mx.example.org", ca, -9, -2), "mx.example.org", "peer-cert-expired",
		  ": it does not verify (certificate has expired); its administrator must renew it" },
		{ peer_signed("P-256", "SHA256", "mx.example.org", ca, 2, 9), "mx.example.org", "peer-cert-too-early",
		  "is not good yet: it does not verify (certificate is not yet valid)" },
		{ peer_own("P-256", "SHA256", "mx.example.org", -1, 90), "mx.example.org", "peer-cert-self-signed",
		  "is signed by itself: it does not verify (self-signed certificate)" },
		{ leaf, "mx.example.org", "peer-cert-unknown-ca", "of an authority that we don't know: it does not verify (unable" },
		{ { peer_join(leaf.certificate, stranger.certificate), leaf.key }, "mx.example.org", "peer-cert-unknown-ca",
		  "(self-signed certificate in certificate chain)" },
		{ peer_signed("RSA-1024", "SHA256", "mx.example.org", ca, -1, 90), "mx.example.org", "peer-cert-weak",
		  "too weak for SecureLevel 2: RSA-1024 in the chain" },
		{ peer_signed("P-256", "SHA1", "mx.example.org", ca, -1, 90), "mx.example.org", "peer-cert-weak",
		  "too weak for SecureLevel 2: SHA1 signs in the chain" },
		{ peer_client("mx.example.org"), "mx.example.org", "peer-cert-bad",
		  "is not good enough: it does not verify (unsuitable certificate purpose)" },
	};
	struct tls_policy p = rig_policy("intermediate", 15, 2);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig r;

		unit_case(rows[i].name, i);
		rig_init(&r, rows[i].papers);
		rig_client(&r, &p, TLS_OUTBOUND_REQUIRE, ca.certificate, NULL);
		assert_int_equal(rig_try(&r, rows[i].host), TLS_FAILED);
		check(rig_failure(&r, TLS_CUT_NO), rows[i].name, rows[i].words);
		assert_string_equal(tls_outbound_cause(r.client, TLS_CUT_NO), rows[i].name);
		rig_clear(&r);

		/* Where nobody asks it is known all the same. */
		rig_init(&r, rows[i].papers);
		rig_client(&r, &p, TLS_OUTBOUND_NOTE, ca.certificate, NULL);
		assert_int_equal(rig_try(&r, rows[i].host), TLS_UP);
		assert_string_equal(tls_outbound_peer_cause(r.client), rows[i].name);
		rig_clear(&r);
	}
	struct rig good;

	rig_init(&good, peer_server(0, names));
	rig_client(&good, &p, TLS_OUTBOUND_NOTE, ca.certificate, NULL);
	assert_int_equal(rig_try(&good, "mx.example.org"), TLS_UP);
	assert_null(tls_outbound_peer_cause(good.client));
	rig_clear(&good);
}

static void test_no_record(void **state)
{
	static const uint8_t digest[32] = { 0xab };
	struct tls_tlsa record = { 3, 1, 1, { digest, sizeof(digest) } };
	struct tls_outbound_dane dane = { .records = &record, .count = 1, .base = "mx.example.org" };
	struct tls_policy p = rig_policy("intermediate", 15, 2);
	struct rig r;

	(void)state;
	rig_init(&r, peer_server(0, names));
	rig_client(&r, &p, TLS_OUTBOUND_NOTE, peer_ca().certificate, NULL);
	assert_int_equal(rig_begin(&r, &(struct tls_outbound_wish){ .dane = &dane }), TLS_FAILED);
	check(rig_failure(&r, TLS_CUT_NO), "peer-cert-not-in-dane", "expected 3 1 1 ab0000");
	rig_clear(&r);
}

/* --- what servers answer --------------------------------------------------- */

#define ALERT(code) "\x15\x03\x03\x00\x02\x02" code, 7
/* A ServerHello that begins with this version and has no extensions. */
#define HELLO(version)                                                                                                       \
	"\x16\x03\x03\x00\x2a\x02\x00\x00\x26" version "0123456789abcdef0123456789abcdef\x00\xc0\x2f\x00", 47

static void test_answers(void **state)
{
	static const struct {
		const char *answer;
		size_t size;
		enum tls_cut cut;
		const char *name, *words;
	} rows[] = {
		{ "554 go away\r\n", 13, TLS_CUT_EOF, "peer-not-tls", "bytes that are not TLS (\"554 go a\"); its administrator" },
		{ "", 0, TLS_CUT_EOF, "peer-drops-hello",
		  "(0, 'none') the server closed the connection after our ClientHello, without a word; it is tried once more" },
		{ "", 0, TLS_CUT_TIME, "peer-drops-hello", "the server did not answer our ClientHello in time" },
		{ "\x16\x03\x03", 3, TLS_CUT_TIME, "peer-timeout", "the server did not finish the handshake in time" },
		{ "\x16\x03\x03", 3, TLS_CUT_EOF, "peer-closed", "closed the connection within the handshake" },
		{ "\x15\x03\x03\x00\x02\x01\x00", 7, TLS_CUT_NO, "peer-closed", "broke the handshake off (close_notify)" },
		{ HELLO("\x03\x02"), TLS_CUT_NO, "peer-no-common-version",
		  "the server chose a version that we do not take, we offer TLS 1.2 and TLS 1.3; see SecureLayOption in deliverd.conf" },
		{ HELLO("\x03\x03"), TLS_CUT_NO, "peer-old-renegotiation", "does not know secure renegotiation" },
		{ ALERT("\x46"), TLS_CUT_NO, "peer-no-common-version", "takes no version that we offer (TLS 1.2 and TLS 1.3)" },
		{ ALERT("\x28"), TLS_CUT_NO, "peer-no-common-cipher", "no cipher, group or signature in common" },
		{ ALERT("\x47"), TLS_CUT_NO, "peer-no-common-cipher", "asks for stronger ciphers or keys" },
		{ ALERT("\x74"), TLS_CUT_NO, "peer-wants-certificate", "asks for a certificate and we have none; see cert=" },
		{ ALERT("\x30"), TLS_CUT_NO, "peer-refuses-our-certificate", "does not know the authority" },
		{ ALERT("\x2d"), TLS_CUT_NO, "peer-refuses-our-certificate", "is expired" },
		{ ALERT("\x2c"), TLS_CUT_NO, "peer-refuses-our-certificate", "is revoked" },
		{ ALERT("\x2e"), TLS_CUT_NO, "peer-refuses-our-certificate", "can't tell whether" },
		{ ALERT("\x2a"), TLS_CUT_NO, "peer-refuses-our-certificate", "the server refuses our certificate" },
		{ ALERT("\x70"), TLS_CUT_NO, "peer-no-such-name", "the server knows no host called mx.example.org" },
		{ ALERT("\x14"), TLS_CUT_NO, "peer-damaged", "the server says that bytes were changed on the way" },
		{ ALERT("\x50"), TLS_CUT_NO, "peer-broken", "'error:0A000438:SSL routines::tlsv1 alert internal error') the connection" },
	};
	struct tls_policy p = rig_policy("intermediate", 15, 2);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span in = { (const uint8_t *)rows[i].answer, rows[i].size };
		struct rig r;

		unit_case(rows[i].words, i);
		rig_init(&r, peer_server(0, names));
		rig_client(&r, &p, TLS_OUTBOUND_NOTE, peer_ca().certificate, NULL);
		assert_int_equal(tls_outbound_session(&r.client, r.context, "mx.example.org", NULL), 0);
		tls_session_feed(r.client, &in);
		check(rig_failure(&r, rows[i].cut), rows[i].name, rows[i].words);
		assert_string_equal(tls_outbound_cause(r.client, rows[i].cut), rows[i].name);
		rig_clear(&r);
	}
}

static void test_damage(void **state)
{
	struct tls_policy p = rig_policy("intermediate", 15, 2);
	uint8_t flight[8192];
	struct span in;
	struct rig r;

	(void)state;
	rig_init(&r, peer_server(0, names));
	rig_client(&r, &p, TLS_OUTBOUND_NOTE, peer_ca().certificate, NULL);
	r.ssl = SSL_new(r.ctx);
	SSL_set_bio(r.ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_accept_state(r.ssl);
	assert_int_equal(tls_outbound_session(&r.client, r.context, NULL, NULL), 0);
	while (rig_to_server(&r))
		;
	SSL_do_handshake(r.ssl);
	in = (struct span){ flight, (size_t)BIO_read(SSL_get_wbio(r.ssl), flight, sizeof(flight)) };
	flight[in.n - 1] ^= 1;
	tls_session_feed(r.client, &in);
	check(rig_failure(&r, TLS_CUT_NO), "peer-damaged", "bytes were changed on the way, or one end has a fault");
	rig_clear(&r);
}

/* A key exchange below our level. */
static void test_weak_exchange(void **state)
{
	struct tls_policy p = rig_policy("intermediate", 47, 2);
	struct rig r;

	(void)state;
	p.ciphers = "DHE-RSA-AES256-GCM-SHA384";
	rig_init(&r, peer_own("RSA-1024", "SHA256", "mx.example.org", -1, 90));
	SSL_CTX_set_dh_auto(r.ctx, 1);
	rig_client(&r, &p, TLS_OUTBOUND_NOTE, peer_ca().certificate, NULL);
	assert_int_equal(rig_try(&r, NULL), TLS_FAILED);
	check(rig_failure(&r, TLS_CUT_NO), "peer-too-weak", "the server's DH key is too small for SecureLevel 2");
	rig_clear(&r);
}

/* --- no handshake at all --------------------------------------------------- */

static void test_before(void **state)
{
	static const struct {
		const char *name, *said, *words;
	} rows[] = {
		{ "peer-no-starttls", NULL, "TLS deferring: (0, 'none') the server offers no STARTTLS; tls= of a Route" },
		{ "peer-refuses-starttls", "454 4.7.0 no TLS", "refuses it: 454 4.7.0 no TLS; its administrator" },
		{ "peer-no-requiretls", "", "offers no REQUIRETLS; send it again" },
		{ "requiretls-without-tls", NULL, "its route says off; see DeliverTLS and Route in deliverd.conf" },
		{ "name-not-proved", NULL, "neither DNSSEC nor MTA-STS" },
		{ "dane-no-records", NULL, "has no TLSA records that can be used; see tls=" },
		{ "dane-unusable", NULL, "none that can be used: TLS is a must, with any certificate" },
		{ "dane-lookup-failed", "SERVFAIL", "has TLSA records: SERVFAIL; `yubin dns check" },
		{ "sts-host-not-listed", NULL, "does not list the host" },
		{ "sts-fetch-failed", "404", "can't be fetched: 404" },
		{ "sts-https-cert-bad", NULL, "is not good; see HttpsCA" },
		{ "sts-policy-bad", "no mode", "policy is none: no mode; its" },
		{ "no-such-cause", NULL, "the connection broke within TLS" },
	};
	char line[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].name, i);
		tls_outbound_cause_text(rows[i].name, rows[i].said, line, sizeof(line));
		if (tls_cause_find(span_of(rows[i].name)) < tls_cause_count())
			check(line, rows[i].name, rows[i].words);
		else
			assert_non_null(strstr(line, rows[i].words));
	}
}

/* --- versions -------------------------------------------------------------- */

static void test_lower(void **state)
{
	static const struct {
		const char *profile;
		unsigned forbidden, level, from, want;
	} rows[] = {
		{ "intermediate", 15, 2, 0, TLS_1_2 },	      { "intermediate", 15, 2, TLS_1_3, TLS_1_2 },
		{ "intermediate", 15, 2, TLS_1_2, 0 },	      { "modern", 31, 2, 0, 0 },
		{ "exchange2015", 3, 0, 0, TLS_1_2 },	      { "exchange2015", 3, 0, TLS_1_2, TLS_1_1 },
		{ "exchange2015", 3, 0, TLS_1_1, TLS_1_0 },   { "exchange2015", 3, 0, TLS_1_0, 0 },
		{ "exchange2015", 3, 1, TLS_1_2, 0 },	      { "exchange2015", 47, 0, 0, 0 },
		{ "exchange2015", 8, 0, TLS_1_2, 0 },	      { "exchange2015", 35, 0, 0, TLS_1_1 },
		{ "exchange2015", 35, 0, TLS_1_3, TLS_1_1 },  { "intermediate", 15, 2, TLS_1_1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_policy p = rig_policy(rows[i].profile, rows[i].forbidden, rows[i].level);
		struct rig r;

		unit_case(rows[i].profile, i);
		rig_init(&r, peer_server(0, names));
		rig_client(&r, &p, TLS_OUTBOUND_NOTE, peer_ca().certificate, NULL);
		assert_int_equal(tls_outbound_lower(r.context, rows[i].from), rows[i].want);
		rig_clear(&r);
	}
}

static void test_alone(void **state)
{
	static const struct {
		unsigned version;
		const char *protocol, *text;	/* text: NULL: nothing is said of it */
		int most;	/* of the server */
	} rows[] = {
		{ 0, "TLSv1.3", NULL, TLS1_3_VERSION },
		{ TLS_1_3, "TLSv1.3", " offered=\"TLS 1.3 alone\"", TLS1_3_VERSION },
		{ TLS_1_2, "TLSv1.2", " offered=\"TLS 1.2 alone\"", TLS1_3_VERSION },
		{ TLS_1_1, "TLSv1.1", " offered=\"TLS 1.1 alone\"", TLS1_3_VERSION },
		{ TLS_1_1, NULL, "we offer (TLS 1.1 alone)", 0 },
		{ TLS_SSL3, "TLSv1.3", NULL, TLS1_3_VERSION },	/* not ours to offer */
	};
	struct tls_policy p = rig_policy("exchange2015", 7, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_outbound_wish wish = { .host = "mx.example.org", .version = rows[i].version };
		struct rig r;

		unit_case(rows[i].protocol != NULL ? rows[i].protocol : "none", i);
		rig_init(&r, peer_server(1, names));
		if (rows[i].most == 0)
			SSL_CTX_set_min_proto_version(r.ctx, TLS1_2_VERSION);
		rig_client(&r, &p, TLS_OUTBOUND_REQUIRE, peer_ca().certificate, NULL);
		assert_int_equal(rig_begin(&r, &wish), rows[i].protocol != NULL ? TLS_UP : TLS_FAILED);
		if (rows[i].protocol != NULL) {
			assert_string_equal(tls_session_facts(r.client)->protocol, rows[i].protocol);
			tls_outbound_success_text(r.client, r.words, sizeof(r.words));
			assert_int_equal(strstr(r.words, " offered=") != NULL, rows[i].text != NULL);
			assert_true(rows[i].text == NULL || strstr(r.words, rows[i].text) != NULL);
		} else {
			assert_non_null(strstr(rig_failure(&r, TLS_CUT_NO), rows[i].text));
		}
		rig_clear(&r);
	}
}

/* --- the catalogue --------------------------------------------------------- */

/* Whoever adds a row shows here how it comes about. */
static void test_every_row(void **state)
{
	static const struct {
		const char *why;
		int reason;
		enum cause_when when;
	} elsewhere[] = {
		{ "OpenSSL 3.0 has another reason for it", SSL_R_WRONG_SSL_VERSION, WHEN_ALWAYS },
		{ "no server of OpenSSL's does it", SSL_R_WRONG_CURVE, WHEN_ALWAYS },
		{ "no server of OpenSSL's does it", SSL_R_WRONG_SIGNATURE_TYPE, WHEN_ALWAYS },
		{ "the verdict on certificates comes first", SSL_R_EE_KEY_TOO_SMALL, WHEN_ALWAYS },
		{ "without memory", CAUSE_ANY, WHEN_PEER_TROUBLE },
	};

	(void)state;
	for (size_t i = tls_cause_outbound(); i < tls_cause_count(); i++) {
		const struct cause_row *row = tls_cause_row(i);
		bool shown = provoked[i];

		unit_case(row->cause.words, i);
		for (size_t j = 0; j < sizeof(elsewhere) / sizeof(elsewhere[0]); j++)
			shown |= row->reason == elsewhere[j].reason && row->when == elsewhere[j].when;
		assert_true(shown);
		assert_true(strspn(row->cause.name, "abcdefghijklmnopqrstuvwxyz-") == strlen(row->cause.name));
		assert_non_null(strstr("client server either nobody", row->cause.who));
		assert_true(row->cause.words[0] != '\0');
		assert_non_null(row->cause.advice);
		for (size_t j = 0; j < tls_cause_outbound(); j++)
			assert_string_not_equal(row->cause.name, tls_cause_at(j)->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificates), cmocka_unit_test(test_no_record), cmocka_unit_test(test_answers),
		cmocka_unit_test(test_damage),	     cmocka_unit_test(test_weak_exchange),
		cmocka_unit_test(test_before),	     cmocka_unit_test(test_lower),     cmocka_unit_test(test_alone),
		cmocka_unit_test(test_every_row),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls outbound causes");
}
