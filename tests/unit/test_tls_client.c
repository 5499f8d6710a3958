/* test_tls_client.c - certificates of clients: no, optional, require; and again when a
 * session is resumed.
 * link: tests/unit/tls_peer.o tests/unit/tls_papers.o tests/unit/tls_port.o common/tls common/base */
#include "tests/unit/unit.h"

#include "tests/unit/tls_port.h"

static void test_verdicts(void **state)
{
	struct peer_pair ca = peer_ca(), other_ca = peer_authority("Other CA", NULL, -1, 100);
	struct peer_pair good = peer_client("Alice"), gone = peer_client("Bob");
	struct peer_pair stranger = peer_own("P-256", "SHA256", "Mallory", -1, 10);
	struct peer_pair late = peer_signed("P-256", "SHA256", "Late", other_ca, -10, -1);
	struct peer_pair weak = peer_signed("RSA-1024", "SHA256", "Weak", other_ca, -1, 10);
	struct span revoked = peer_crl(ca, &gone, 1), nobody = peer_crl(ca, NULL, 0);
	struct span both = peer_join(ca.certificate, other_ca.certificate);
	const struct tls_port no = { .verify = TLS_VERIFY_NO, .ca = ca.certificate, .crl = revoked };
	const struct tls_port blind = { .verify = TLS_VERIFY_NO, .ca = span_of("x"), .crl = span_of("x") };
	const struct {
		const char *why;
		struct span ca, crl;
		const struct peer_pair *own;
		const char *subject, *optional;
		bool require;
	} rows[] = {
		{ "no certificate", ca.certificate, { NULL, 0 }, NULL, "", "", false },
		{ "a good one", ca.certificate, { NULL, 0 }, &good, "CN=Alice", "ok", true },
		{ "not revoked", ca.certificate, nobody, &gone, "CN=Bob", "ok", true },
		{ "revoked", ca.certificate, revoked, &gone, "CN=Bob", "certificate revoked", false },
		{ "another is revoked", ca.certificate, revoked, &good, "CN=Alice", "ok", true },
		{ "nobody knows it", ca.certificate, { NULL, 0 }, &stranger, "CN=Mallory", "self-signed certificate", false },
		{ "another authority's", other_ca.certificate, { NULL, 0 }, &good, "CN=Alice",
		  "self-signed certificate in certificate chain", false },
		{ "one of two authorities", both, { NULL, 0 }, &good, "CN=Alice", "ok", true },
		{ "no list of its authority", other_ca.certificate, revoked, &late, "CN=Late",
		  "unable to get certificate CRL", false },
		{ "expired", other_ca.certificate, { NULL, 0 }, &late, "CN=Late", "certificate has expired", false },
		{ "a weak key", other_ca.certificate, { NULL, 0 }, &weak, "CN=Weak", "EE certificate key too weak", false },
	};

	(void)state;
	port_check("not asked", &no, &stranger, "", "");
	port_check("nothing is looked at", &blind, &good, "", "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_port port = { .verify = TLS_VERIFY_OPTIONAL, .ca = rows[i].ca, .crl = rows[i].crl };

		port_check(rows[i].why, &port, rows[i].own, rows[i].subject, rows[i].optional);
		port.verify = TLS_VERIFY_REQUIRE;
		port_check(rows[i].why, &port, rows[i].own, rows[i].subject, rows[i].require ? "ok" : NULL);
	}
}

/* ClientVerifyDepth counts authorities above the certificate. */
static void test_depth(void **state)
{
	struct peer_pair root = peer_authority("Root", NULL, -1, 100), middle = peer_authority("Middle", &root, -1, 100);
	struct peer_pair low = peer_authority("Low", &middle, -1, 100);
	struct peer_pair own = peer_signed("P-256", "SHA256", "Deep", low, -1, 10);
	struct tls_port port = { .verify = TLS_VERIFY_OPTIONAL, .ca = root.certificate, .depth = 3 };

	(void)state;
	own.certificate = peer_join(peer_join(own.certificate, low.certificate), middle.certificate);
	port_check("three authorities", &port, &own, "CN=Deep", "ok");
	port.depth = 2;
	port_check("one too many", &port, &own, "CN=Deep", "certificate chain too long");
	port.ca = low.certificate;
	port.depth = 1;
	port_check("an intermediate authority is enough", &port, &own, "CN=Deep", "ok");
	port.ca = root.certificate;
	port.depth = 3;
	port.crl = peer_crl(low, NULL, 0);
	port_check("a list of the last authority alone", &port, &own, "CN=Deep", "ok");
	port.crl = peer_join(port.crl, peer_crl(middle, &low, 1));
	port_check("the last authority is revoked", &port, &own, "CN=Deep", "certificate revoked");
}

/* First a visit at one port, then another with what the server gave. */
static void again(const char *why, const struct tls_port *first, const struct tls_port *second, const struct peer_pair *own,
		  enum tls_status status, bool resumed, const char *verify)
{
	for (size_t i = 0; i < 2; i++) {
		struct tls_context *a = port_of_site(first), *b = port_of_site(second);
		const struct tls_facts *f;
		struct tls_peer p;

		unit_case(why, i);
		tls_peer_init(&p);
		SSL_CTX_set_max_proto_version(p.ctx, port_versions[i]);
		if (own != NULL)
			port_carry(&p, *own);
		assert_int_equal(tls_peer_try(&p, a, NULL), TLS_UP);
		assert_non_null(p.ticket);
		assert_int_equal(tls_peer_try(&p, b, NULL), status);
		f = tls_session_facts(p.session);
		if (status == TLS_UP) {
			assert_int_equal(f->resumed, resumed);
			assert_string_equal(f->client_verify, verify);
			assert_int_equal(strlen(f->client_fingerprint), own != NULL ? 64 : 0);
		}
		tls_peer_clear(&p);
		tls_context_drop(a);
		tls_context_drop(b);
	}
}

static void test_resumed(void **state)
{
	struct peer_pair ca = peer_ca(), own = peer_client("Alice"), other_ca = peer_authority("Other CA", NULL, -1, 100);
	struct peer_pair stranger = peer_own("P-256", "SHA256", "Mallory", -1, 10);
	struct span fine = peer_crl(ca, NULL, 0), revoked = peer_crl(ca, &own, 1);
	const struct tls_port optional = { .verify = TLS_VERIFY_OPTIONAL, .ca = ca.certificate, .crl = fine };
	const struct tls_port optional_revoked = { .verify = TLS_VERIFY_OPTIONAL, .ca = ca.certificate, .crl = revoked };
	const struct tls_port require = { .verify = TLS_VERIFY_REQUIRE, .ca = ca.certificate, .crl = fine };
	const struct tls_port require_revoked = { .verify = TLS_VERIFY_REQUIRE, .ca = ca.certificate, .crl = revoked };
	const struct tls_port no = { .verify = TLS_VERIFY_NO, .ca = ca.certificate };
	const struct tls_port other = { .verify = TLS_VERIFY_OPTIONAL, .ca = other_ca.certificate };
	const struct tls_port known = { .verify = TLS_VERIFY_REQUIRE,
				    .ca = ca.certificate,
				    .self_signed = true,
				    .prints = peer_print(stranger) };
	const struct tls_port forgotten = { .verify = TLS_VERIFY_REQUIRE, .ca = ca.certificate, .self_signed = true };
	struct tls_port switched = known;
	struct tls_port over = require;

	(void)state;
	again("optional", &optional, &optional, &own, TLS_UP, true, "ok");
	again("optional, none", &optional, &optional, NULL, TLS_UP, true, "");
	again("optional, unknown", &optional, &optional, &stranger, TLS_UP, false, "self-signed certificate");
	again("require", &require, &require, &own, TLS_UP, true, "ok");
	again("revoked since, optional", &optional, &optional_revoked, &own, TLS_UP, false, "certificate revoked");
	again("revoked since, require", &require, &require_revoked, &own, TLS_FAILED, false, NULL);
	again("a ticket from before VerifyClient", &no, &optional, &own, TLS_UP, false, "ok");
	again("a ticket without certificate", &optional, &require, NULL, TLS_FAILED, false, NULL);
	again("other authorities since", &optional, &other, &own, TLS_UP, false,
	      "self-signed certificate in certificate chain");
	again("a known fingerprint", &known, &known, &stranger, TLS_UP, true, "ok");
	again("removed from the list since", &known, &forgotten, &stranger, TLS_FAILED, false, NULL);
	switched.self_signed = false;
	again("AllowSelfSigned no since", &known, &switched, &stranger, TLS_FAILED, false, NULL);
	over.crl = peer_crl_days(ca, NULL, 0, -9, -1);
	again("the list has expired since", &require, &over, &own, TLS_FAILED, false, NULL);
	over.verify = TLS_VERIFY_OPTIONAL;
	again("the list has expired since, optional", &optional, &over, &own, TLS_UP, false, "CRL has expired");
}

static void test_refused(void **state)
{
	const struct {
		struct tls_port port;
		const char *words;
	} rows[] = {
		{ { .verify = TLS_VERIFY_REQUIRE }, "VerifyClient require needs ClientCA" },
		{ { .verify = TLS_VERIFY_OPTIONAL, .ca = span_of("x") }, "ClientCA: holds no certificate" },
		{ { .verify = TLS_VERIFY_OPTIONAL, .ca = span_of("x"), .self_signed = true },
		  "ClientCA: holds no certificate" },
		{ { .verify = TLS_VERIFY_OPTIONAL, .ca = peer_ca().certificate, .crl = span_of("x") },
		  "ClientCRL: holds no revocation list" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error err = { 0 };

		unit_case(rows[i].words, i);
		assert_null(port_context(&rows[i].port, &err));
		assert_non_null(strstr(err.words, rows[i].words));
	}
}

static void asked(const struct tls_port *port, const char *want)
{
	struct tls_context *c = port_context(port, NULL);
	const STACK_OF(X509_NAME) *names;
	char text[256] = "";
	struct tls_peer p;

	tls_peer_init(&p);
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
	names = SSL_get0_peer_CA_list(p.ssl);
	for (int i = 0; i < sk_X509_NAME_num(names); i++) {
		size_t n = strlen(text);

		X509_NAME_oneline(sk_X509_NAME_value(names, i), text + n, (int)(sizeof(text) - n));
	}
	assert_string_equal(text, want);
	tls_peer_clear(&p);
	tls_context_drop(c);
}

/* The authorities' names go to the client, each once, so that it can choose; where a
 * certificate may sign itself, none, for such a one is among no authority's. */
static void test_asked(void **state)
{
	struct peer_pair ca = peer_ca(), other = peer_authority("Other CA", NULL, -1, 100);
	struct span folder = peer_join(peer_join(ca.certificate, span_of("what this is\n")),
				       peer_join(other.certificate, ca.certificate));
	struct tls_port port = { .verify = TLS_VERIFY_OPTIONAL, .ca = ca.certificate };

	(void)state;
	asked(&port, "/CN=Test CA");
	port.ca = folder;
	asked(&port, "/CN=Test CA/CN=Other CA");
	port.self_signed = true;
	asked(&port, "");
}

static void test_line(void **state)
{
	const struct tls_port port = { .verify = TLS_VERIFY_OPTIONAL, .ca = peer_ca().certificate };
	struct tls_context *c = port_context(&port, NULL);
	char text[1024], want[1024];
	struct tls_peer p;

	(void)state;
	tls_peer_init(&p);
	port_carry(&p, peer_client("Bob \"x\"\n"));
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
	tls_session_success_text(p.session, text, sizeof(text));
	snprintf(want, sizeof(want),
		 "TLS success protocol TLSv1.3 cipher TLS_AES_256_GCM_SHA384 group=x25519 resumed=no sni=none "
		 "client-cert=\"CN=Bob \\\\\\\"x\\\\\\\"\\\\0A\" client-fingerprint=%s client-verify=\"ok\"",
		 tls_session_facts(p.session)->client_fingerprint);
	assert_string_equal(text, want);
	tls_peer_clear(&p);
	tls_context_drop(c);
}

/* A server's file with nothing behind the leaf is sent so, though ClientCA could
 * complete the chain. */
static void test_chain_is_ours(void **state)
{
	struct peer_pair bare = peer_signed("P-256", "SHA256", "bare.example.org", peer_ca(), -1, 10);
	const struct tls_port port = { .verify = TLS_VERIFY_OPTIONAL, .ca = peer_ca().certificate, .server = &bare };
	struct tls_context *c = port_context(&port, NULL);
	struct tls_peer p;

	(void)state;
	tls_peer_init(&p);
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
	assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(p.ssl)), 1);
	tls_peer_clear(&p);
	tls_context_drop(c);
}

/* AllowSelfSigned: the list of fingerprints decides, and the rest counts as well. */
static void test_self_signed(void **state)
{
	struct peer_pair ca = peer_ca(), signed_by_ca = peer_client("Alice");
	struct peer_pair known = peer_own("P-256", "SHA256", "Known", -1, 10), two = peer_own("P-256", "SHA256", "Two", -1, 10);
	struct peer_pair stranger = peer_own("P-256", "SHA256", "Known", -1, 10);
	struct peer_pair late = peer_own("P-256", "SHA256", "Late", -10, -1);
	struct peer_pair weak = peer_own("RSA-1024", "SHA256", "Weak", -1, 10);
	struct peer_pair other_ca = peer_authority("Other CA", NULL, -1, 100);
	struct peer_pair foreign = peer_signed("P-256", "SHA256", "Foreign", other_ca, -1, 10);
	struct span list = peer_join(peer_join(peer_print(late), peer_print(weak)),
				     peer_join(peer_print(foreign), peer_join(peer_print(two), peer_print(known))));
	const struct {
		const char *why;
		const struct peer_pair *own;
		struct span ca, crl;
		bool closed;	/* AllowSelfSigned no */
		const char *subject, *optional;
		bool require;
	} rows[] = {
		{ "known", &known, { NULL, 0 }, { NULL, 0 }, false, "CN=Known", "ok", true },
		{ "known, beside authorities", &two, ca.certificate, { NULL, 0 }, false, "CN=Two", "ok", true },
		{ "known, beside a list", &known, ca.certificate, peer_crl(ca, NULL, 0), false, "CN=Known", "ok", true },
		{ "known, but not allowed", &known, ca.certificate, { NULL, 0 }, true, "CN=Known",
		  "self-signed certificate", false },
		{ "unknown", &stranger, { NULL, 0 }, { NULL, 0 }, false, "CN=Known", "self-signed certificate", false },
		{ "known, expired", &late, { NULL, 0 }, { NULL, 0 }, false, "CN=Late", "certificate has expired", false },
		{ "known, too weak", &weak, { NULL, 0 }, { NULL, 0 }, false, "CN=Weak", "EE certificate key too weak",
		  false },
		{ "known, but it did not sign itself", &foreign, { NULL, 0 }, { NULL, 0 }, false, "CN=Foreign",
		  "unable to get local issuer certificate", false },
		{ "known, but its authority has no list", &foreign, other_ca.certificate, peer_crl(ca, NULL, 0), false,
		  "CN=Foreign", "unable to get certificate CRL", false },
		{ "an authority's", &signed_by_ca, ca.certificate, { NULL, 0 }, false, "CN=Alice", "ok", true },
		{ "an authority's, but there is none", &foreign, { NULL, 0 }, { NULL, 0 }, false, "CN=Foreign",
		  "unable to get local issuer certificate", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_port port = { .verify = TLS_VERIFY_OPTIONAL,
				     .ca = rows[i].ca,
				     .crl = rows[i].crl,
				     .self_signed = !rows[i].closed,
				     .prints = list };

		port_check(rows[i].why, &port, rows[i].own, rows[i].subject, rows[i].optional);
		port.verify = TLS_VERIFY_REQUIRE;
		port_check(rows[i].why, &port, rows[i].own, rows[i].subject, rows[i].require ? "ok" : NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_verdicts), cmocka_unit_test(test_depth),
					    cmocka_unit_test(test_resumed), cmocka_unit_test(test_refused),
					    cmocka_unit_test(test_asked), cmocka_unit_test(test_line),
					    cmocka_unit_test(test_chain_is_ours), cmocka_unit_test(test_self_signed) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls client");
}
