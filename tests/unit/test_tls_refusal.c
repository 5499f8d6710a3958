/* test_tls_refusal.c - ExplainRefusal: who is told what, and that nothing else passes.
 * link: tests/unit/tls_peer.o tests/unit/tls_papers.o common/tls common/base */
#include "tests/unit/unit.h"

#include "tests/unit/tls_peer.h"

#include "common/tls/cause.h"
#include "common/tls/trial.h"

static struct peer_pair ecdsa, rsa, weak;

enum explain { SILENT, EXPLAIN };

static struct tls_context *context(const char *profile, int forbidden, const struct peer_pair *second,
				   enum explain explain)
{
	struct tls_pair pairs[] = { { "server.pem", "server.key", ecdsa.certificate, ecdsa.key }, { 0 } };
	struct tls_material m = { .pairs = pairs,
				  .pair_count = second != NULL ? 2 : 1,
				  .listen = "127.0.0.1:993",
				  .alpn = "imap" };
	struct tls_context *c;
	struct tls_policy p;
	struct error err;

	if (second != NULL)
		pairs[1] = (struct tls_pair){ "second.pem", "second.key", second->certificate, second->key };
	assert_true(tls_policy_profile(&p, profile));
	p.forbidden = forbidden >= 0 ? (unsigned)forbidden : p.forbidden;
	p.explain_refusal = explain == EXPLAIN;
	if (tls_context_new(&c, &p, &m, NULL, NULL, &err) < 0)
		fail_msg("%s", err.words);
	return c;
}

/* What a client can do, and what it gets to read. */
struct row {
	const char *why, *profile;
	int forbidden;
	const struct peer_pair *second;
	int lowest, highest;
	const char *ciphers, *groups;
	const char *name;	/* of the cause */
	const char *words;
};

static const struct row rows[] = {
	{ "a client of 2008", "intermediate", -1, &rsa, TLS1_VERSION, TLS1_VERSION, "ALL", NULL, "version-too-old",
	  "this server takes TLS 1.2 and up, your program offers TLS 1.0 at most; update it" },
	{ "TLS 1.1, ECDSA alone", "intermediate", -1, NULL, TLS1_VERSION, TLS1_1_VERSION, "ALL", NULL,
	  "version-too-old", "this server takes TLS 1.2 and up, your program offers TLS 1.1 at most; update it" },
	{ "TLS 1.3 alone", "modern", -1, NULL, TLS1_VERSION, TLS1_2_VERSION, "ALL", NULL, "version-too-old",
	  "this server takes TLS 1.3 alone, your program offers TLS 1.2 at most; update it" },
	{ "too new", "intermediate", 47, NULL, TLS1_3_VERSION, TLS1_3_VERSION, "ALL", NULL, "version-too-new",
	  "this server takes TLS 1.2 alone, your program offers TLS 1.3 alone; allow an older version in it, or ask "
	  "this server's administrator" },
	{ "the level is in the way", "intermediate", 3, NULL, TLS1_VERSION, TLS1_1_VERSION, "ALL", NULL,
	  "level-bars-version", "this server takes TLS 1.2 and up, your program offers TLS 1.1 at most; update it" },
	{ "CBC", "intermediate", -1, &rsa, TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA", NULL,
	  "no-common-cipher", "this server and your program have no cipher in common; update it" },
	{ "static RSA", "intermediate", -1, &rsa, TLS1_2_VERSION, TLS1_2_VERSION, "AES128-SHA", NULL,
	  "no-common-cipher", "this server and your program have no cipher in common; update it" },
	{ "DHE", "intermediate", -1, &rsa, TLS1_2_VERSION, TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256", NULL,
	  "no-common-cipher", "this server and your program have no cipher in common; update it" },
	{ "groups, TLS 1.3", "intermediate", -1, NULL, TLS1_3_VERSION, TLS1_3_VERSION, "ALL", "X448:ffdhe2048",
	  "no-common-group",
	  "this server takes none of the groups that your program offers (x448, ffdhe2048); update it" },
	{ "groups, TLS 1.2", "intermediate", -1, NULL, TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384",
	  "X448:P-256", NULL, NULL },
	{ "a certificate that the level drops", "intermediate", -1, &weak, TLS1_VERSION, TLS1_VERSION, "AES128-SHA",
	  NULL, "version-too-old",
	  "this server takes TLS 1.2 and up, your program offers TLS 1.0 at most; update it" },
};

static void client_make(struct tls_peer *p, const struct row *r)
{
	tls_peer_init(p);
	SSL_CTX_set_min_proto_version(p->ctx, r->lowest);
	SSL_CTX_set_max_proto_version(p->ctx, r->highest);
	assert_int_equal(SSL_CTX_set_cipher_list(p->ctx, r->ciphers), 1);
	SSL_CTX_set_security_level(p->ctx, 0);
	if (r->groups != NULL)
		assert_int_equal(SSL_CTX_set1_groups_list(p->ctx, r->groups), 1);
}

static void check_cause(struct tls_peer *p, const struct row *r)
{
	const char *line = tls_peer_failure(p, TLS_CUT_NO), *end = strstr(line, " (told to the client)");

	assert_string_equal(tls_cause_at(tls_session_cause(p->session, TLS_CUT_NO))->name, r->name);
	assert_int_equal(strncmp(line, "TLS failed: (1677", 17), 0);
	assert_non_null(end);
	assert_string_equal(end, " (told to the client)");
}

/* Whatever a client says now, nobody hears it; however the bytes come. */
static void check_deaf(struct tls_peer *p, size_t step)
{
	static const char *const said[] = { "EHLO a\r\nAUTH PLAIN AGEAYg==\r\n", "a LOGIN alice secret\r\n",
					    "USER a\r\nPASS b\r\n" };
	uint8_t text[64];

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		assert_true(SSL_write(p->ssl, said[i], (int)strlen(said[i])) > 0);
		tls_peer_run(p, step);
		assert_int_equal(p->got.n, 0);
		assert_int_equal(tls_session_read(p->session, text, sizeof(text)), 0);
		assert_int_equal(tls_session_status(p->session), TLS_UP);
		assert_int_equal(tls_session_out(p->session).n, 0);
	}
}

static void check_row(const struct row *r, size_t step)
{
	struct tls_context *c = context(r->profile, r->forbidden, r->second, EXPLAIN);
	char words[256];
	struct tls_peer p;

	client_make(&p, r);
	tls_peer_connect(&p, c, "mail.example.org");
	tls_peer_run(&p, step);
	assert_int_equal(tls_session_status(p.session), TLS_UP);
	assert_int_equal(tls_session_refused(p.session), r->name != NULL);
	tls_session_refusal(p.session, words, sizeof(words));
	assert_string_equal(words, r->words != NULL ? r->words : "");
	if (r->name != NULL) {
		check_cause(&p, r);
		check_deaf(&p, step);
		assert_true(tls_session_write(p.session, span_of(words)));
		tls_session_close(p.session);
		tls_peer_run(&p, step);
		unit_is(p.echo.p, p.echo.n, words);
		assert_int_equal(SSL_get_shutdown(p.ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
		assert_int_equal(SSL_SESSION_has_ticket(SSL_get0_session(p.ssl)), 0);
	}
	tls_peer_clear(&p);
	tls_context_drop(c);
}

static void test_told(void **state)
{
	static const size_t steps[] = { 1, 7, 100, 65536 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t j = 0; j < sizeof(steps) / sizeof(steps[0]); j++) {
			unit_case(rows[i].why, steps[j]);
			check_row(&rows[i], steps[j]);
		}
}

/* Off: an alert and no more. The same bytes are what a client gets for whom the second
 * handshake is no help either. */
static void test_not_told(void **state)
{
	static const struct {
		const char *why;
		enum explain explain;
		int lowest, highest;
		const char *ciphers;
	} all[] = {
		{ "off", SILENT, TLS1_VERSION, TLS1_VERSION, "ALL" },
		{ "no certificate of its kind", EXPLAIN, TLS1_VERSION, TLS1_VERSION, "AES128-SHA" },
		{ "the same in TLS 1.2", EXPLAIN, TLS1_2_VERSION, TLS1_2_VERSION, "AES128-SHA" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct tls_context *c = context("intermediate", -1, NULL, all[i].explain);
		const struct row r = { .lowest = all[i].lowest, .highest = all[i].highest, .ciphers = all[i].ciphers };
		uint8_t hello[4096], alert[2];
		struct span in;
		char words[64];
		struct tls_peer p;

		unit_case(all[i].why, i);
		client_make(&p, &r);
		tls_peer_connect(&p, c, NULL);
		SSL_do_handshake(p.ssl);
		in = (struct span){ hello, (size_t)BIO_read(SSL_get_wbio(p.ssl), hello, sizeof(hello)) };
		assert_int_equal(tls_session_feed(p.session, &in), TLS_FAILED);
		assert_int_equal(tls_session_out(p.session).n, 7);
		memcpy(alert, tls_session_out(p.session).p + 5, 2);
		assert_int_equal(alert[0], 2);
		assert_int_equal(alert[1], all[i].highest == TLS1_VERSION ? SSL_AD_PROTOCOL_VERSION :
									    SSL_AD_HANDSHAKE_FAILURE);
		assert_false(tls_session_refused(p.session));
		tls_session_refusal(p.session, words, sizeof(words));
		assert_null(strstr(tls_peer_failure(&p, TLS_CUT_NO), "told to the client"));
		tls_peer_clear(&p);
		tls_context_drop(c);
	}
}

/* Causes that are not the policy's: nothing is begun anew. */
static void test_others(void **state)
{
	static const char http[] = "GET / HTTP/1.1\r\n\r\n", text[] = "EHLO a.example.org\r\n";
	struct tls_context *c = context("intermediate", -1, NULL, EXPLAIN);
	struct span in;
	struct tls_peer p;

	(void)state;
	tls_peer_init(&p);
	SSL_CTX_set_alpn_protos(p.ctx, (const uint8_t *)"\10http/1.1", 9);
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_FAILED);
	assert_string_equal(tls_cause_at(tls_session_cause(p.session, TLS_CUT_NO))->name, "foreign-alpn");
	SSL_CTX_set_alpn_protos(p.ctx, NULL, 0);
	tls_peer_connect(&p, c, NULL);
	in = span_of(http);
	assert_int_equal(tls_session_feed(p.session, &in), TLS_FAILED);
	tls_peer_connect(&p, c, NULL);
	in = span_of(text);
	assert_int_equal(tls_session_feed(p.session, &in), TLS_FAILED);
	assert_false(tls_session_refused(p.session));
	/* A good client is served as ever, with tickets. */
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
	assert_false(tls_session_refused(p.session));
	assert_true(SSL_write(p.ssl, "a NOOP\r\n", 8) > 0);
	tls_peer_run(&p, 65536);
	unit_is(p.got.p, p.got.n, "a NOOP\r\n");
	assert_non_null(p.ticket);
	tls_peer_clear(&p);
	tls_context_drop(c);
}

/* A client that does not trust us breaks the second handshake off: the first cause stands, and
 * nobody was told. */
static void test_broken_off(void **state)
{
	struct tls_context *c = context("modern", -1, NULL, EXPLAIN);
	struct tls_peer p;

	(void)state;
	client_make(&p, &rows[2]);
	SSL_CTX_set_verify(p.ctx, SSL_VERIFY_PEER, NULL);
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_FAILED);
	assert_false(tls_session_refused(p.session));
	assert_string_equal(tls_cause_at(tls_session_cause(p.session, TLS_CUT_NO))->name, "version-too-old");
	assert_non_null(strstr(tls_peer_failure(&p, TLS_CUT_NO),
			       "the client offers TLS 1.2 at most, this port takes TLS 1.3 alone; update the client or "
			       "see SecureLayOption in imapd.conf"));
	assert_null(strstr(tls_peer_failure(&p, TLS_CUT_NO), "told"));
	tls_peer_clear(&p);
	tls_context_drop(c);
}

/* Where a HelloRetryRequest is out there is no way back: it fails as always. The client's second
 * hello asks for RSA, of which this port has a key below its level. */
static void test_after_retry(void **state)
{
	static const uint8_t found[] = { 0x00, 0x0d, 0x00, 0x04, 0x00, 0x02, 0x04, 0x03 };
	const struct row r = { .lowest = TLS1_3_VERSION, .highest = TLS1_3_VERSION, .ciphers = "ALL" };
	struct tls_context *c = context("intermediate", -1, &weak, EXPLAIN);
	struct tls_peer p;

	(void)state;
	for (int retry = 0; retry < 2; retry++) {
		uint8_t hello[4096], *at = NULL;
		struct span in;

		unit_case("hellos before", (size_t)retry);
		client_make(&p, &r);
		assert_int_equal(SSL_CTX_set1_groups_list(p.ctx, retry ? "X448:P-256" : "P-256"), 1);
		assert_int_equal(SSL_CTX_set1_sigalgs_list(p.ctx, "ECDSA+SHA256"), 1);
		tls_peer_connect(&p, c, NULL);
		for (int n = 0; n <= retry; n++) {
			SSL_do_handshake(p.ssl);
			in = (struct span){ hello, (size_t)BIO_read(SSL_get_wbio(p.ssl), hello, sizeof(hello)) };
			at = memmem(hello, in.n, found, sizeof(found));
			assert_non_null(at);
			if (n == retry)
				memcpy(at + 6, "\x08\x04", 2);	/* rsa_pss_rsae_sha256 */
			tls_session_feed(p.session, &in);
			BIO_write(SSL_get_rbio(p.ssl), tls_session_out(p.session).p,
				  (int)tls_session_out(p.session).n);
			tls_session_sent(p.session, n < retry ? tls_session_out(p.session).n : 0);
		}
		assert_int_equal(tls_session_status(p.session), retry ? TLS_FAILED : TLS_MORE);
		assert_string_equal(tls_cause_at(tls_session_cause(p.session, TLS_CUT_NO))->name,
				    "no-common-signature");
		assert_int_equal(tls_session_out(p.session).p[0], retry ? 21 : 22);
		tls_peer_clear(&p);
	}
	tls_context_drop(c);
}

/* More than anybody says in a ClientHello is not kept. */
static void test_bounded(void **state)
{
	enum { PIECE = 16384, PIECES = 6 };
	static uint8_t record[PIECE + 5] = { 22, 3, 1, PIECE >> 8, 0, 1, 1, 0x80, 0, 3, 1 };
	struct tls_context *c = context("intermediate", -1, NULL, EXPLAIN);
	struct tls_session *s;

	(void)state;
	assert_int_equal(tls_session_new(&s, c, NULL), 0);
	for (size_t i = 0; i < PIECES; i++) {
		struct span in = { record, sizeof(record) };

		tls_session_feed(s, &in);
	}
	assert_false(tls_session_refused(s));
	tls_session_free(s);
	tls_context_drop(c);
}

/* What a port serves is not more than before. */
static void test_trial(void **state)
{
	struct tls_context *c = context("modern", -1, NULL, EXPLAIN);

	(void)state;
	assert_int_equal(tls_trial_versions(c), TLS_1_3);
	tls_context_drop(c);
}

int main(void)
{
	static const char *const hosts[] = { "mail.example.org", NULL };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),	   cmocka_unit_test(test_not_told), cmocka_unit_test(test_others),
		cmocka_unit_test(test_broken_off), cmocka_unit_test(test_after_retry), cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_trial),
	};

	ecdsa = peer_server(0, hosts);
	rsa = peer_server(1, hosts);
	weak = peer_own("RSA-1024", "SHA256", "mail.example.org", -1, 10);
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls refusal");
}
