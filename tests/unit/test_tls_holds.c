/* test_tls_holds.c - certificates of clients as time goes by: lists that end, sessions that
 * live through a reload; and whom a good one names.
 * link: tests/unit/tls_peer.o tests/unit/tls_papers.o tests/unit/tls_port.o common/tls common/base */
#include "tests/unit/unit.h"

#include "tests/unit/tls_port.h"

/* Lists that are over, nearly over, or not yet good; and those of several authorities. */
static void test_lists(void **state)
{
	struct peer_pair ca = peer_ca(), other_ca = peer_authority("Other CA", NULL, -1, 100);
	struct peer_pair alice = peer_client("Alice");
	struct peer_pair bob = peer_signed("P-256", "SHA256", "Bob", other_ca, -1, 10);
	struct span both = peer_join(ca.certificate, other_ca.certificate);
	struct span fine = peer_crl(ca, NULL, 0), other_fine = peer_crl(other_ca, NULL, 0);
	struct span over = peer_crl_days(ca, NULL, 0, -9, -1), other_over = peer_crl_days(other_ca, NULL, 0, -9, -1);
	struct span revoked = peer_crl(ca, &alice, 1), other_revoked = peer_crl(other_ca, &bob, 1);
	const struct {
		const char *why;
		struct span crl;
		const char *alice, *bob;	/* what becomes of them under `optional` */
		const char *warnings;	/* what the warnings begin with, date and end apart */
	} rows[] = {
		{ "a list of each", peer_join(fine, other_fine), "ok", "ok", "" },
		{ "a list of one", fine, "ok", "unable to get certificate CRL", "" },
		{ "one of each is revoked", peer_join(revoked, other_revoked), "certificate revoked",
		  "certificate revoked", "" },
		{ "the other's is revoked", peer_join(fine, other_revoked), "ok", "certificate revoked", "" },
		{ "one list is over", peer_join(over, other_fine), "CRL has expired", "ok",
		  "ClientCRL: the list of CN=Test CA expired on 20" },
		{ "the other list is over", peer_join(fine, other_over), "ok", "CRL has expired",
		  "ClientCRL: the list of CN=Other CA expired on 20" },
		{ "an old list beside its successor", peer_join(peer_join(over, fine), other_fine), "ok", "ok", "" },
		{ "6 days left", peer_join(peer_crl_days(ca, NULL, 0, -1, 7), other_fine), "ok", "ok",
		  "ClientCRL: the list of CN=Test CA expires on 20" },
		{ "more than 7 days left", peer_join(peer_crl_days(ca, NULL, 0, -1, 8), other_fine), "ok", "ok", "" },
		{ "not good yet", peer_join(peer_crl_days(ca, NULL, 0, 2, 9), other_fine), "CRL is not yet valid", "ok",
		  "ClientCRL: the list of CN=Test CA is not valid before 20" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_port port = { .verify = TLS_VERIFY_OPTIONAL, .ca = both, .crl = rows[i].crl };
		struct port_heard h;

		port_check(rows[i].why, &port, &alice, "CN=Alice", rows[i].alice);
		port_check(rows[i].why, &port, &bob, "CN=Bob", rows[i].bob);
		tls_context_drop(port_heard(&port, &h, NULL));
		assert_int_equal(strncmp(h.text, rows[i].warnings, strlen(rows[i].warnings)), 0);
		assert_int_equal(h.text[0] == '\0', rows[i].warnings[0] == '\0');
		port.verify = TLS_VERIFY_REQUIRE;
		port_check(rows[i].why, &port, &alice, "CN=Alice", strcmp(rows[i].alice, "ok") == 0 ? "ok" : NULL);
	}
}

/* A good certificate's names, also when it is resumed; those of any other do not count. */
static void test_names(void **state)
{
	struct peer_pair alice = peer_client("Alice"), own = peer_own("P-256", "SHA256", "a@example.org", -1, 10);
	struct peer_pair other = peer_signed("P-256", "SHA256", "a@example.org", peer_authority("Other CA", NULL, -1, 100),
					     -1, 10);
	const struct {
		const char *why;
		const struct peer_pair *own;
		struct span ca;
		const char *verify, *names;
	} rows[] = {
		{ "good", &alice, { NULL, 0 }, "ok", "email:a@example.org\ncn:Alice\n" },
		{ "nobody's", &other, { NULL, 0 }, "unable to get local issuer certificate", "" },
		{ "its own, by its fingerprint", &own, { NULL, 0 }, "ok", "" },
		{ "its own, in ClientCA", &own, own.certificate, "ok", "" },
		{ "none", NULL, { NULL, 0 }, "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_port port = { .verify = TLS_VERIFY_OPTIONAL,
				     .ca = rows[i].ca.n > 0 ? rows[i].ca : peer_ca().certificate,
				     .self_signed = rows[i].ca.n == 0,
				     .prints = peer_print(own) };
		struct tls_context *c = port_context(&port, NULL);
		struct tls_peer p;

		unit_case(rows[i].why, i);
		tls_peer_init(&p);
		if (rows[i].own != NULL)
			port_carry(&p, *rows[i].own);
		for (int turn = 0; turn < 2; turn++) {
			assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
			assert_string_equal(tls_session_facts(p.session)->client_verify, rows[i].verify);
			assert_string_equal(tls_session_facts(p.session)->client_names, rows[i].names);
		}
		assert_int_equal(tls_session_facts(p.session)->resumed, rows[i].own != &other);
		tls_peer_clear(&p);
		tls_context_drop(c);
	}
}

/* A living session at a reload: is its certificate still good in the new context? */
static void holds(const char *why, const struct tls_port *before, const struct tls_port *after, const struct peer_pair *own,
		  const char *want)
{
	for (size_t i = 0; i < 4; i++) {
		struct tls_context *a = port_of_site(before), *b = port_of_site(after);
		const char *got = NULL;
		struct tls_peer p;

		unit_case(why, i);
		tls_peer_init(&p);
		SSL_CTX_set_max_proto_version(p.ctx, port_versions[i % 2]);
		if (own != NULL)
			port_carry(&p, *own);
		assert_int_equal(tls_peer_try(&p, a, NULL), TLS_UP);
		if (i >= 2)
			assert_int_equal(tls_peer_try(&p, a, NULL), TLS_UP);
		assert_int_equal(tls_session_client_holds(p.session, b, &got), want[0] == '\0');
		assert_string_equal(got, want);
		tls_peer_clear(&p);
		tls_context_drop(a);
		tls_context_drop(b);
	}
}

static void test_holds(void **state)
{
	struct peer_pair ca = peer_ca(), alice = peer_signed("P-256", "SHA256", "Alice", ca, -1, 10);
	struct peer_pair stranger = peer_own("P-256", "SHA256", "Mallory", -1, 10);
	struct peer_pair root = peer_authority("Root", NULL, -1, 100), low = peer_authority("Low", &root, -1, 100);
	struct peer_pair deep = peer_signed("P-256", "SHA256", "Deep", low, -1, 10);
	struct span list = peer_print(stranger);
	const struct tls_port no = { .verify = TLS_VERIFY_NO };
	const struct tls_port optional = { .verify = TLS_VERIFY_OPTIONAL, .ca = ca.certificate };
	const struct tls_port require = { .verify = TLS_VERIFY_REQUIRE, .ca = ca.certificate };
	const struct tls_port other = { .verify = TLS_VERIFY_OPTIONAL, .ca = root.certificate };
	const struct tls_port shallow = { .verify = TLS_VERIFY_OPTIONAL, .ca = root.certificate, .depth = 1 };
	const struct tls_port known = { .verify = TLS_VERIFY_OPTIONAL, .self_signed = true, .prints = list };
	const struct tls_port forgotten = { .verify = TLS_VERIFY_OPTIONAL, .self_signed = true };
	struct tls_port revoked = optional, deep_revoked = other;

	(void)state;
	deep.certificate = peer_join(deep.certificate, low.certificate);
	revoked.crl = peer_crl(ca, &alice, 1);
	deep_revoked.crl = peer_join(peer_crl(low, &deep, 1), peer_crl(root, NULL, 0));
	holds("nothing new", &optional, &optional, &alice, "");
	holds("none, and none is required", &optional, &optional, NULL, "");
	holds("none, but one is required now", &optional, &require, NULL, "a client certificate is required now");
	holds("nobody was asked, one is required now", &no, &require, &alice, "a client certificate is required now");
	holds("nobody is asked now", &require, &no, &alice, "");
	holds("revoked", &require, &revoked, &alice, "certificate revoked");
	holds("another authority", &optional, &other, &alice, "unable to get local issuer certificate");
	holds("it was never good", &optional, &optional, &stranger, "");
	holds("it was never good, and must be now", &optional, &require, &stranger, "self-signed certificate");
	holds("below an authority that the client sent", &other, &other, &deep, "");
	holds("the same, revoked", &other, &deep_revoked, &deep, "certificate revoked");
	holds("the same, too deep now", &other, &shallow, &deep, "certificate chain too long");
	holds("a known fingerprint", &known, &known, &stranger, "");
	holds("taken off the list", &known, &forgotten, &stranger, "self-signed certificate");
}

/* Before the handshake is over there is nothing to hold against anything. */
static void test_holds_early(void **state)
{
	const struct tls_port require = { .verify = TLS_VERIFY_REQUIRE, .ca = peer_ca().certificate };
	struct tls_context *c = port_context(&require, NULL);
	const char *why = NULL;
	struct tls_peer p;

	(void)state;
	tls_peer_init(&p);
	tls_peer_connect(&p, c, NULL);
	assert_true(tls_session_client_holds(p.session, c, &why));
	assert_string_equal(why, "");
	tls_peer_clear(&p);
	tls_context_drop(c);
}

/* From SecureLevel 3 on OpenSSL makes no tickets for TLS 1.2: each visit is a full
 * handshake, with the certificate and without, and nothing fails for it. */
static void test_level_three(void **state)
{
	const struct tls_port port = { .verify = TLS_VERIFY_OPTIONAL, .ca = peer_ca().certificate, .level = 3 };
	struct peer_pair alice = peer_client("Alice");

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct tls_context *c = port_of_site(&port);
		const struct tls_facts *f;
		struct tls_peer p;

		unit_case("level 3", i);
		tls_peer_init(&p);
		SSL_CTX_set_max_proto_version(p.ctx, port_versions[i % 2]);
		if (i >= 2)
			port_carry(&p, alice);
		assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
		assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
		f = tls_session_facts(p.session);
		assert_int_equal(f->resumed, i % 2 == 1);
		assert_string_equal(f->client_verify, i >= 2 ? "ok" : "");
		tls_peer_clear(&p);
		tls_context_drop(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lists), cmocka_unit_test(test_names),
					    cmocka_unit_test(test_holds), cmocka_unit_test(test_holds_early),
					    cmocka_unit_test(test_level_three) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls holds");
}
