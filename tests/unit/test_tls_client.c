/* test_tls_client.c - certificates of clients: no, optional, require; and again when a
 * session is resumed.
 * link: tests/unit/tls_peer.o tests/unit/tls_papers.o common/tls/policy.o common/tls/protocol.o common/tls/pem.o
 * link: common/tls/chain.o common/tls/identity.o common/tls/holder.o common/tls/prints.o common/tls/staple.o common/tls/choice.o common/tls/seal.o common/tls/tickets.o common/tls/client.o
 * link: common/tls/hello.o common/tls/context.o common/tls/bio.o common/tls/session.o common/tls/facts.o
 * link: common/tls/explain.o common/tls/cause.o common/tls/issue.o common/base/span.o common/base/buf.o common/base/error.o
 * link: common/base/escape.o common/base/utf8.o common/base/table.o common/base/clock.o */
#include "tests/unit/unit.h"

#include "tests/unit/tls_peer.h"

#include <openssl/pem.h>

#include "common/tls/tickets.h"

static struct peer_pair server;
static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

/* What a port is made from; the rest is the same for all. */
struct port {
	enum tls_verify verify;
	struct span ca, crl;
	unsigned depth;		/* 0: 5 */
};

static struct tls_context *context(const struct port *port, struct error *err)
{
	struct tls_pair pairs[] = { { "server.pem", "server.key", server.certificate, server.key } };
	struct tls_material m = { .pairs = pairs,
				  .pair_count = 1,
				  .listen = "127.0.0.1:993",
				  .client_ca = port->ca,
				  .client_crl = port->crl };
	struct tls_policy p;
	struct tls_context *c;

	assert_true(tls_policy_profile(&p, "intermediate"));
	p.verify = port->verify;
	p.verify_depth = port->depth > 0 ? port->depth : 5;
	tls_context_new(&c, &p, &m, NULL, NULL, err);
	return c;
}

/* Keys shared by all contexts of this test, as those of one site. */
static struct tls_context *site_context(const struct port *port)
{
	static struct buf keys;
	struct tls_tickets t = { 0 };
	struct tls_context *c = context(port, NULL);

	assert_non_null(c);
	if (keys.n == 0) {
		buf_init(&keys, 1024);
		tls_tickets_rotate(&t, 1);
		tls_tickets_write(&t, &keys);
	}
	tls_context_tickets(c, buf_span(&keys));
	return c;
}

/* Gives the client a certificate with whatever chain stands in the text. */
static void carry(struct tls_peer *p, struct peer_pair own)
{
	BIO *bio = BIO_new_mem_buf(own.certificate.p, (int)own.certificate.n);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL), *more;
	EVP_PKEY *key;

	assert_int_equal(SSL_CTX_use_certificate(p->ctx, cert), 1);
	X509_free(cert);
	SSL_CTX_clear_chain_certs(p->ctx);
	while ((more = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		SSL_CTX_add0_chain_cert(p->ctx, more);
	BIO_free(bio);
	bio = BIO_new_mem_buf(own.key.p, (int)own.key.n);
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	assert_int_equal(SSL_CTX_use_PrivateKey(p->ctx, key), 1);
	EVP_PKEY_free(key);
	BIO_free(bio);
}

/* One client at one port. */
static void check(const char *why, const struct port *port, const struct peer_pair *own, const char *subject,
		  const char *verify)
{
	for (size_t i = 0; i < 2; i++) {
		struct tls_context *c = context(port, NULL);
		struct tls_peer p;

		unit_case(why, i);
		assert_non_null(c);
		tls_peer_init(&p);
		SSL_CTX_set_max_proto_version(p.ctx, versions[i]);
		if (own != NULL)
			carry(&p, *own);
		assert_int_equal(tls_peer_try(&p, c, NULL), verify != NULL ? TLS_UP : TLS_FAILED);
		if (verify != NULL) {
			const struct tls_facts *f = tls_session_facts(p.session);

			assert_string_equal(f->client_subject, subject);
			assert_string_equal(f->client_verify, verify);
			assert_int_equal(strlen(f->client_fingerprint), subject[0] != '\0' ? 64 : 0);
		}
		tls_peer_clear(&p);
		tls_context_drop(c);
	}
}

static void test_verdicts(void **state)
{
	struct peer_pair ca = peer_ca(), other_ca = peer_authority("Other CA", NULL, -1, 100);
	struct peer_pair good = peer_client("Alice"), gone = peer_client("Bob");
	struct peer_pair stranger = peer_own("P-256", "SHA256", "Mallory", -1, 10);
	struct peer_pair late = peer_signed("P-256", "SHA256", "Late", other_ca, -10, -1);
	struct peer_pair weak = peer_signed("RSA-1024", "SHA256", "Weak", other_ca, -1, 10);
	struct span revoked = peer_crl(ca, &gone, 1), nobody = peer_crl(ca, NULL, 0);
	struct span both = peer_join(ca.certificate, other_ca.certificate);
	const struct port no = { TLS_VERIFY_NO, ca.certificate, revoked, 0 };
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
	check("not asked", &no, &stranger, "", "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct port port = { TLS_VERIFY_OPTIONAL, rows[i].ca, rows[i].crl, 0 };

		check(rows[i].why, &port, rows[i].own, rows[i].subject, rows[i].optional);
		port.verify = TLS_VERIFY_REQUIRE;
		check(rows[i].why, &port, rows[i].own, rows[i].subject, rows[i].require ? "ok" : NULL);
	}
}

/* ClientVerifyDepth counts authorities above the certificate. */
static void test_depth(void **state)
{
	struct peer_pair root = peer_authority("Root", NULL, -1, 100), middle = peer_authority("Middle", &root, -1, 100);
	struct peer_pair low = peer_authority("Low", &middle, -1, 100);
	struct peer_pair own = peer_signed("P-256", "SHA256", "Deep", low, -1, 10);
	struct port port = { TLS_VERIFY_OPTIONAL, root.certificate, { NULL, 0 }, 3 };

	(void)state;
	own.certificate = peer_join(peer_join(own.certificate, low.certificate), middle.certificate);
	check("three authorities", &port, &own, "CN=Deep", "ok");
	port.depth = 2;
	check("one too many", &port, &own, "CN=Deep", "certificate chain too long");
	port.ca = low.certificate;
	port.depth = 1;
	check("an intermediate authority is enough", &port, &own, "CN=Deep", "ok");
	port.ca = root.certificate;
	port.depth = 3;
	port.crl = peer_crl(low, NULL, 0);
	check("a list of the last authority alone", &port, &own, "CN=Deep", "ok");
	port.crl = peer_join(port.crl, peer_crl(middle, &low, 1));
	check("the last authority is revoked", &port, &own, "CN=Deep", "certificate revoked");
}

/* First a visit at one port, then another with what the server gave. */
static void again(const char *why, const struct port *first, const struct port *second, const struct peer_pair *own,
		  enum tls_status status, bool resumed, const char *verify)
{
	for (size_t i = 0; i < 2; i++) {
		struct tls_context *a = site_context(first), *b = site_context(second);
		const struct tls_facts *f;
		struct tls_peer p;

		unit_case(why, i);
		tls_peer_init(&p);
		SSL_CTX_set_max_proto_version(p.ctx, versions[i]);
		if (own != NULL)
			carry(&p, *own);
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
	const struct port optional = { TLS_VERIFY_OPTIONAL, ca.certificate, fine, 0 };
	const struct port optional_revoked = { TLS_VERIFY_OPTIONAL, ca.certificate, revoked, 0 };
	const struct port require = { TLS_VERIFY_REQUIRE, ca.certificate, fine, 0 };
	const struct port require_revoked = { TLS_VERIFY_REQUIRE, ca.certificate, revoked, 0 };
	const struct port no = { TLS_VERIFY_NO, ca.certificate, { NULL, 0 }, 0 };
	const struct port other = { TLS_VERIFY_OPTIONAL, other_ca.certificate, { NULL, 0 }, 0 };

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
}

static void test_refused(void **state)
{
	const struct {
		struct port port;
		const char *words;
	} rows[] = {
		{ { TLS_VERIFY_REQUIRE, { NULL, 0 }, { NULL, 0 }, 0 }, "VerifyClient require needs ClientCA" },
		{ { TLS_VERIFY_OPTIONAL, span_of("x"), { NULL, 0 }, 0 }, "ClientCA: holds no certificate" },
		{ { TLS_VERIFY_OPTIONAL, peer_ca().certificate, span_of("x"), 0 }, "ClientCRL: holds no revocation list" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error err = { 0 };

		unit_case(rows[i].words, i);
		assert_null(context(&rows[i].port, &err));
		assert_non_null(strstr(err.words, rows[i].words));
	}
}

/* The authorities' names go to the client, so that it can choose. */
static void test_asked(void **state)
{
	const struct port port = { TLS_VERIFY_OPTIONAL, peer_ca().certificate, { NULL, 0 }, 0 };
	struct tls_context *c = context(&port, NULL);
	struct tls_peer p;
	char text[64];

	(void)state;
	tls_peer_init(&p);
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
	assert_int_equal(sk_X509_NAME_num(SSL_get0_peer_CA_list(p.ssl)), 1);
	X509_NAME_oneline(sk_X509_NAME_value(SSL_get0_peer_CA_list(p.ssl), 0), text, sizeof(text));
	assert_string_equal(text, "/CN=Test CA");
	tls_peer_clear(&p);
	tls_context_drop(c);
}

static void test_line(void **state)
{
	const struct port port = { TLS_VERIFY_OPTIONAL, peer_ca().certificate, { NULL, 0 }, 0 };
	struct tls_context *c = context(&port, NULL);
	char text[1024], want[1024];
	struct tls_peer p;

	(void)state;
	tls_peer_init(&p);
	carry(&p, peer_client("Bob \"x\"\n"));
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
	const struct port port = { TLS_VERIFY_OPTIONAL, peer_ca().certificate, { NULL, 0 }, 0 };
	struct peer_pair kept = server;
	struct tls_context *c;
	struct tls_peer p;

	(void)state;
	server = peer_signed("P-256", "SHA256", "bare.example.org", peer_ca(), -1, 10);
	c = context(&port, NULL);
	server = kept;
	tls_peer_init(&p);
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
	assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(p.ssl)), 1);
	tls_peer_clear(&p);
	tls_context_drop(c);
}

int main(void)
{
	static const char *const hosts[] = { "a.example.org", NULL };
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_verdicts), cmocka_unit_test(test_depth),
					    cmocka_unit_test(test_resumed), cmocka_unit_test(test_refused),
					    cmocka_unit_test(test_asked), cmocka_unit_test(test_line),
					    cmocka_unit_test(test_chain_is_ours) };

	server = peer_server(0, hosts);
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls client");
}
