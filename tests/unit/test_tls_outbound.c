/* test_tls_outbound.c - TLS as a client: what we offer, and what we see of the server.
 * link: tests/unit/outbound_rig.o tests/unit/tls_papers.o common/tls common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <openssl/pem.h>

#include "tests/unit/outbound_rig.h"

static const char *const names[] = { "mx.example.org", "127.0.0.1", NULL };

/* Which version a server gets that has them all, and one that has only one. */
static void test_versions(void **state)
{
	static const struct {
		unsigned forbidden, level;
		const char *profile;
		int least, most;	/* of the server */
		const char *want;	/* NULL: none */
		const char *warned;
	} rows[] = {
		{ 15, 2, "intermediate", TLS1_VERSION, TLS1_3_VERSION, "TLSv1.3", "" },
		{ 15, 2, "intermediate", TLS1_VERSION, TLS1_2_VERSION, "TLSv1.2", "" },
		{ 15, 2, "intermediate", TLS1_VERSION, TLS1_1_VERSION, NULL, "" },
		{ 31, 2, "modern", TLS1_VERSION, TLS1_2_VERSION, NULL, "" },
		{ 3, 0, "exchange2015", TLS1_VERSION, TLS1_VERSION, "TLSv1", "" },
		{ 3, 0, "exchange2015", TLS1_1_VERSION, TLS1_1_VERSION, "TLSv1.1", "" },
		{ 3, 1, "exchange2015", TLS1_VERSION, TLS1_1_VERSION, NULL, "" },
		{ 3, 2, "epost", TLS1_VERSION, TLS1_1_VERSION, NULL, "" },	/* not over static RSA either */
		{ 8, 0, "exchange2015", TLS1_VERSION, TLS1_3_VERSION, "TLSv1.3",
		  "SecureLayOption 8 leaves a hole: to other servers we offer TLS 1.2 and TLS 1.3" },
		{ 8, 0, "exchange2015", TLS1_VERSION, TLS1_VERSION, NULL,
		  "SecureLayOption 8 leaves a hole: to other servers we offer TLS 1.2 and TLS 1.3" },
		{ 16, 0, "exchange2015", TLS1_VERSION, TLS1_3_VERSION, "TLSv1.3",
		  "SecureLayOption 16 leaves a hole: to other servers we offer TLS 1.3 alone" },
		{ 20, 0, "exchange2015", TLS1_VERSION, TLS1_3_VERSION, "TLSv1.3",
		  "SecureLayOption 20 leaves a hole: to other servers we offer TLS 1.3 alone" },
		{ 40, 0, "exchange2015", TLS1_VERSION, TLS1_3_VERSION, "TLSv1.2",
		  "SecureLayOption 40 leaves a hole: to other servers we offer TLS 1.2 alone" },
		{ 48, 0, "exchange2015", TLS1_VERSION, TLS1_3_VERSION, "TLSv1.1", "" },
	};
	struct peer_pair papers = peer_server(1, names);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_policy p = rig_policy(rows[i].profile, rows[i].forbidden, rows[i].level);
		struct rig r;

		unit_case(rows[i].profile, i);
		rig_init(&r, papers);
		SSL_CTX_set_min_proto_version(r.ctx, rows[i].least);
		SSL_CTX_set_max_proto_version(r.ctx, rows[i].most);
		rig_client(&r, &p, TLS_OUTBOUND_REQUIRE, peer_ca().certificate, NULL);
		assert_string_equal(r.warned, rows[i].warned);
		assert_int_equal(rig_try(&r, "mx.example.org"), rows[i].want != NULL ? TLS_UP : TLS_FAILED);
		if (rows[i].want != NULL) {
			assert_string_equal(tls_session_facts(r.client)->protocol, rows[i].want);
			assert_string_not_equal(tls_session_facts(r.client)->group, "none");
		} else {
			assert_non_null(strstr(rig_failure(&r, TLS_CUT_NO), "version"));
		}
		rig_clear(&r);
	}
}

static void test_ciphers(void **state)
{
	static const struct {
		const char *why, *profile, *server;
		bool enters;
	} rows[] = {
		{ "static RSA", "intermediate", "AES256-GCM-SHA384", false },
		{ "static RSA", "exchange2015", "AES256-GCM-SHA384", false },
		{ "static RSA", "epost", "AES256-GCM-SHA384", true },
		{ "ECDHE", "intermediate", "ECDHE-RSA-AES256-GCM-SHA384", true },
		{ "CBC", "intermediate", "ECDHE-RSA-AES256-SHA384", false },
		{ "CBC", "exchange2015", "ECDHE-RSA-AES256-SHA384", true },
	};
	struct peer_pair papers = peer_server(1, names);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_policy p;
		char list[64];
		struct rig r;

		unit_case(rows[i].why, i);
		assert_true(tls_policy_profile(&p, rows[i].profile));
		rig_init(&r, papers);
		snprintf(list, sizeof(list), "%s:@SECLEVEL=0", rows[i].server);
		assert_int_equal(SSL_CTX_set_cipher_list(r.ctx, list), 1);
		SSL_CTX_set_max_proto_version(r.ctx, TLS1_2_VERSION);
		rig_client(&r, &p, TLS_OUTBOUND_NOTE, peer_ca().certificate, NULL);
		assert_int_equal(rig_try(&r, NULL), rows[i].enters ? TLS_UP : TLS_FAILED);
		if (!rows[i].enters)
			assert_non_null(strstr(rig_failure(&r, TLS_CUT_NO), "no cipher, group or signature in common"));
		rig_clear(&r);
	}
	/* A list of the administrator's own does not bring static RSA back either. */
	struct tls_policy p = rig_policy("intermediate", 15, 2);
	struct tls_outbound_material m = { .authorities = peer_ca().certificate };
	struct tls_context *c;
	struct error err;

	p.ciphers = "kRSA";
	p.forbidden = 47;
	assert_int_equal(tls_outbound_new(&c, &p, TLS_OUTBOUND_NOTE, &m, NULL, NULL, &err), -EINVAL);
	assert_non_null(strstr(err.words, "CipherList"));
}

/* What the server shows, and what NOTE says of it; REQUIRE takes it only if that is nothing, or
 * at a level that does not mind. */
static void test_peer(void **state)
{
	const struct peer_pair ca = peer_ca();
	const struct {
		const char *why;
		struct peer_pair papers;
		const char *host;
		unsigned level;
		const char *trouble;
		bool enters;	/* under REQUIRE */
	} rows[] = {
		{ "all is well", peer_server(0, names), "mx.example.org", 2, "", true },
		{ "another case, a dot", peer_server(0, names), "MX.example.org.", 2, "", true },
		{ "by its address", peer_server(0, names), "127.0.0.1", 2, "", true },
		{ "no name is asked for", peer_server(0, names), NULL, 2, "", true },
		{ "another name", peer_server(0, names), "mx.example.net", 2, "it does not verify (hostname mismatch)", false },
		{ "another address", peer_server(0, names), "127.0.0.2", 2, "it does not verify (IP address mismatch)",
		  false },
		{ "signed by itself", peer_own("P-256", "SHA256", "mx.example.org", -1, 90), "mx.example.org", 2,
		  "it does not verify (self-signed certificate)", false },
		{ "and weak", peer_own("RSA-1024", "SHA256", "mx.example.org", -1, 90), "mx.example.org", 2,
		  "it does not verify (self-signed certificate); RSA-1024 in the chain is below SecureLevel 2", false },
		{ "over", peer_signed("P-256", "SHA256", "mx.example.org", ca, -9, -2), "mx.example.org", 2,
		  "it does not verify (certificate has expired)", false },
		{ "over, and another name", peer_signed("P-256", "SHA256", "mx.example.org", ca, -9, -2), "a.example", 2,
		  "it does not verify (hostname mismatch); it does not verify (certificate has expired)", false },
		{ "RSA-1024", peer_signed("RSA-1024", "SHA256", "mx.example.org", ca, -1, 90), "mx.example.org", 2,
		  "RSA-1024 in the chain is below SecureLevel 2", false },
		{ "RSA-1024 at level 1", peer_signed("RSA-1024", "SHA256", "mx.example.org", ca, -1, 90),
		  "mx.example.org", 1, "RSA-1024 in the chain is below SecureLevel 2", true },
		{ "SHA-1", peer_signed("P-256", "SHA1", "mx.example.org", ca, -1, 90), "mx.example.org", 2,
		  "SHA1 signs in the chain", false },
		{ "SHA-1 at level 0", peer_signed("P-256", "SHA1", "mx.example.org", ca, -1, 90), "mx.example.org", 0,
		  "SHA1 signs in the chain", true },
		{ "below level 3", peer_signed("RSA-2048", "SHA256", "mx.example.org", ca, -1, 90), "mx.example.org", 3,
		  "RSA-2048 in the chain is below SecureLevel 3", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_policy p = rig_policy("intermediate", 15, rows[i].level);
		struct rig r;

		unit_case(rows[i].why, i);
		rig_init(&r, rows[i].papers);
		rig_client(&r, &p, TLS_OUTBOUND_NOTE, ca.certificate, NULL);
		if (rig_try(&r, rows[i].host) != TLS_UP)
			fail_msg("%s: \"%s\"", rows[i].why, rig_failure(&r, TLS_CUT_NO));
		if (strcmp(tls_outbound_peer_trouble(r.client), rows[i].trouble) != 0)
			fail_msg("%s: \"%s\"", rows[i].why, tls_outbound_peer_trouble(r.client));
		rig_clear(&r);

		rig_init(&r, rows[i].papers);
		rig_client(&r, &p, TLS_OUTBOUND_REQUIRE, ca.certificate, NULL);
		assert_int_equal(rig_try(&r, rows[i].host), rows[i].enters ? TLS_UP : TLS_FAILED);
		if (!rows[i].enters)
			assert_non_null(strstr(rig_failure(&r, TLS_CUT_NO), rows[i].trouble));
		rig_clear(&r);
	}
}

/* A chain with MD5 in it, of RSA keys (ECDSA knows no MD5). */
static void test_md5(void **state)
{
	struct peer_pair ca = peer_own("RSA-2048", "SHA256", "Old CA", -1, 90);
	struct peer_pair papers = peer_signed("RSA-2048", "MD5", "mx.example.org", ca, -1, 90);
	struct peer_pair chain = { peer_join(papers.certificate, ca.certificate), papers.key };
	struct tls_policy p = rig_policy("intermediate", 15, 2);
	struct rig r;

	(void)state;
	rig_init(&r, chain);
	rig_client(&r, &p, TLS_OUTBOUND_NOTE, ca.certificate, NULL);
	assert_int_equal(rig_try(&r, "mx.example.org"), TLS_UP);
	assert_non_null(strstr(tls_outbound_peer_trouble(r.client), "; MD5 signs in the chain"));
	rig_clear(&r);
}

static int on_name(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	snprintf(arg, 64, "%s", name != NULL ? name : "none");
	return SSL_TLSEXT_ERR_OK;
}

static void test_sni(void **state)
{
	static const struct {
		const char *host, *asked;
	} rows[] = {
		{ "mx.example.org", "mx.example.org" }, { "mx.example.org.", "mx.example.org" },
		{ "127.0.0.1", "none" },		{ "::1", "none" },
		{ NULL, "none" },
	};
	struct tls_policy p = rig_policy("intermediate", 15, 2);
	struct tls_session *s;
	struct error err;
	struct rig r;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char asked[64] = "nothing came";

		unit_case(rows[i].asked, i);
		rig_init(&r, peer_server(0, names));
		SSL_CTX_set_tlsext_servername_callback(r.ctx, on_name);
		SSL_CTX_set_tlsext_servername_arg(r.ctx, asked);
		rig_client(&r, &p, TLS_OUTBOUND_NOTE, peer_ca().certificate, NULL);
		assert_int_equal(rig_try(&r, rows[i].host), TLS_UP);
		assert_string_equal(asked, rows[i].asked);
		assert_string_equal(tls_session_facts(r.client)->sni, strcmp(asked, "none") == 0 ? "" : asked);
		rig_clear(&r);
	}
	rig_init(&r, peer_server(0, names));
	rig_client(&r, &p, TLS_OUTBOUND_NOTE, peer_ca().certificate, NULL);
	assert_int_equal(tls_outbound_session(&s, r.context, "two words", &err), -EINVAL);
	assert_null(s);
	rig_clear(&r);
}

/* Our own certificate: shown when it is asked for; a weak one is refused at load. */
static void test_own(void **state)
{
	struct peer_pair papers = peer_client("yubin"), weak = peer_own("RSA-1024", "SHA256", "yubin", -1, 90);
	struct tls_pair pair = { "us.pem", "us.key", papers.certificate, papers.key };
	struct tls_pair weak_pair = { "weak.pem", "weak.key", weak.certificate, weak.key };
	struct tls_policy p = rig_policy("intermediate", 15, 2);
	struct tls_outbound_material m = { .pair = &weak_pair, .authorities = peer_ca().certificate };
	struct tls_context *c;
	struct error err;
	struct rig r;

	(void)state;
	for (int with = 0; with <= 1; with++) {
		rig_init(&r, peer_server(0, names));
		SSL_CTX_set_max_proto_version(r.ctx, TLS1_2_VERSION);
		SSL_CTX_set_verify(r.ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		X509_STORE *store = SSL_CTX_get_cert_store(r.ctx);
		BIO *bio = BIO_new_mem_buf(peer_ca().certificate.p, (int)peer_ca().certificate.n);
		X509 *ca = PEM_read_bio_X509(bio, NULL, NULL, NULL);

		X509_STORE_add_cert(store, ca);
		X509_free(ca);
		BIO_free(bio);
		rig_client(&r, &p, TLS_OUTBOUND_NOTE, peer_ca().certificate, with ? &pair : NULL);
		assert_int_equal(rig_try(&r, NULL), with ? TLS_UP : TLS_FAILED);
		rig_clear(&r);
	}
	assert_int_equal(tls_outbound_new(&c, &p, TLS_OUTBOUND_NOTE, &m, NULL, NULL, &err), -EINVAL);
	assert_string_equal(err.words, "weak.pem (RSA-1024): too weak for SecureLevel 2; set 1 or get a stronger one");
	m = (struct tls_outbound_material){ .authorities = span_of("no PEM") };
	assert_int_equal(tls_outbound_new(&c, &p, TLS_OUTBOUND_NOTE, &m, NULL, NULL, &err), -EINVAL);
	assert_non_null(strstr(err.words, "the list of authorities"));
	/* Those of the system can be had on any machine, be they few or none. */
	m = (struct tls_outbound_material){ .pair = NULL };
	assert_int_equal(tls_outbound_new(&c, &p, TLS_OUTBOUND_REQUIRE, &m, NULL, NULL, &err), 0);
	tls_context_drop(c);
}

/* Plain bytes both ways, the end of it, and the line for the log. */
static void test_bytes(void **state)
{
	struct tls_policy p = rig_policy("intermediate", 15, 2);
	char line[1024], text[64] = "";
	struct rig r;
	size_t n = 0;

	(void)state;
	rig_init(&r, peer_server(0, names));
	rig_client(&r, &p, TLS_OUTBOUND_REQUIRE, peer_ca().certificate, NULL);
	assert_int_equal(rig_try(&r, "mx.example.org"), TLS_UP);
	assert_true(tls_session_write(r.client, span_of("EHLO a\r\n")));
	while (rig_to_server(&r))
		;
	assert_int_equal(SSL_read_ex(r.ssl, text, sizeof(text), &n), 1);
	assert_int_equal(n, 8);
	assert_memory_equal(text, "EHLO a\r\n", 8);
	assert_int_equal(SSL_write_ex(r.ssl, "250 b\r\n", 7, &n), 1);
	while (rig_to_client(&r))
		;
	assert_int_equal(tls_session_read(r.client, (uint8_t *)text, sizeof(text)), 7);
	assert_memory_equal(text, "250 b\r\n", 7);
	tls_outbound_success_text(r.client, line, sizeof(line));
	assert_non_null(strstr(line, "TLS success protocol TLSv1.3 cipher TLS_AES_256_GCM_SHA384 group=x25519 resumed=no "
				     "sni=mx.example.org server-cert=\"CN=mx.example.org\" server-fingerprint="));
	assert_non_null(strstr(line, " server-verify=\"ok\""));
	SSL_shutdown(r.ssl);
	while (rig_to_client(&r))
		;
	assert_int_equal(tls_session_read(r.client, (uint8_t *)text, sizeof(text)), 0);
	assert_int_equal(tls_session_status(r.client), TLS_CLOSED);
	tls_session_close(r.client);
	assert_true(rig_to_server(&r));
	rig_clear(&r);
}

/* Servers that answer with something else. */
static void test_failures(void **state)
{
	static const struct {
		const char *answer;
		enum tls_cut cut;
		const char *words;
	} rows[] = {
		{ "554 go away\r\n", TLS_CUT_EOF, "bytes that are not TLS (\"554 go a\")" },
		{ "", TLS_CUT_EOF, "(0, 'none') the server closed the connection after our ClientHello, without a word" },
		{ "", TLS_CUT_TIME, "the server did not answer our ClientHello in time" },
		{ "\x16\x03\x03", TLS_CUT_TIME, "the server did not finish the handshake in time" },
		{ "\x16\x03\x03", TLS_CUT_EOF, "closed the connection within the handshake" },
		{ "\x15\x03\x03\x00\x02\x02\x28", TLS_CUT_NO, "no cipher, group or signature in common" },
		{ "\x15\x03\x03\x00\x02\x02\x46", TLS_CUT_NO, "takes no version that we offer (TLS 1.2 and TLS 1.3)" },
		{ "\x15\x03\x03\x00\x02\x02\x70", TLS_CUT_NO, "the server knows no host called mx.example.org" },
	};
	static const size_t sizes[] = { 13, 0, 0, 3, 3, 7, 7, 7 };
	struct tls_policy p = rig_policy("intermediate", 15, 2);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span in = { (const uint8_t *)rows[i].answer, sizes[i] };
		struct rig r;

		unit_case(rows[i].words, i);
		rig_init(&r, peer_server(0, names));
		rig_client(&r, &p, TLS_OUTBOUND_NOTE, peer_ca().certificate, NULL);
		assert_int_equal(tls_outbound_session(&r.client, r.context, "mx.example.org", NULL), 0);
		tls_session_feed(r.client, &in);
		if (strstr(rig_failure(&r, rows[i].cut), rows[i].words) == NULL)
			fail_msg("got \"%s\"", r.words);
		rig_clear(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_versions), cmocka_unit_test(test_ciphers),
					    cmocka_unit_test(test_peer),     cmocka_unit_test(test_md5),
					    cmocka_unit_test(test_sni),	     cmocka_unit_test(test_own),
					    cmocka_unit_test(test_bytes),    cmocka_unit_test(test_failures) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls outbound");
}
