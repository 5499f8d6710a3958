/* test_tls_binding.c - what binds a login to a TLS connection: both ends get the same bytes, and another connection others
 * (RFC 5929, RFC 9266).
 * link: tests/unit/tls_peer.o tests/unit/tls_papers.o common/tls common/base */
#include "tests/unit/unit.h"

#include "tests/unit/tls_peer.h"

static struct peer_pair server;

static struct tls_context *context(void)
{
	struct tls_pair pairs[] = { { "server.pem", "server.key", server.certificate, server.key } };
	struct tls_material m = { .pairs = pairs, .pair_count = 1, .listen = "127.0.0.1:993" };
	struct tls_policy p;
	struct tls_context *c;

	assert_true(tls_policy_profile(&p, "intermediate"));
	assert_int_equal(tls_context_new(&c, &p, &m, NULL, NULL, NULL), 0);
	return c;
}

/* What the client has of its end. */
static size_t far_binding(struct tls_peer *p, const char *type, uint8_t out[TLS_BINDING])
{
	unsigned n = 0;
	X509 *x;

	if (strcmp(type, "tls-exporter") == 0)
		return SSL_export_keying_material(p->ssl, out, 32, "EXPORTER-Channel-Binding", 24, (const uint8_t *)"", 0, 1) == 1 ? 32 : 0;
	if (strcmp(type, "tls-unique") == 0)	/* of the first Finished: a client's own, unless it is resumed */
		return SSL_get_finished(p->ssl, out, TLS_BINDING);
	x = SSL_get1_peer_certificate(p->ssl);
	assert_int_equal(X509_digest(x, EVP_sha256(), out, &n), 1);
	X509_free(x);
	return n;
}

static const struct {
	const char *type;
	int version;
	bool there, fresh;	/* fresh: of this connection alone */
} rows[] = {
	{ "tls-exporter", TLS1_3_VERSION, true, true },
	{ "tls-server-end-point", TLS1_3_VERSION, true, false },
	{ "tls-server-end-point", TLS1_2_VERSION, true, false },
	{ "tls-unique", TLS1_2_VERSION, true, true },
	{ "tls-unique", TLS1_3_VERSION, false, false },	/* not defined there */
	{ "tls-unheard-of", TLS1_3_VERSION, false, false },
	{ "", TLS1_3_VERSION, false, false },
};

static void test_rows(void **state)
{
	struct tls_context *c = context();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t ours[2][TLS_BINDING] = { { 0 } }, far[TLS_BINDING] = { 0 };

		unit_case(rows[i].type, i);
		for (size_t k = 0; k < 2; k++) {
			struct tls_peer p;
			size_t n;

			tls_peer_init(&p);
			SSL_CTX_set_max_proto_version(p.ctx, rows[i].version);
			tls_peer_connect(&p, c, "mail.example.org");
			assert_int_equal(tls_session_binding(p.session, rows[i].type, ours[k]), 0);	/* nothing before TLS is up */
			tls_peer_run(&p, 65536);
			assert_int_equal(tls_session_status(p.session), TLS_UP);
			n = tls_session_binding(p.session, rows[i].type, ours[k]);
			assert_int_equal(n > 0, rows[i].there);
			if (n > 0) {
				assert_int_equal(far_binding(&p, rows[i].type, far), n);
				assert_memory_equal(ours[k], far, n);
			}
			tls_peer_clear(&p);
		}
		if (rows[i].there)
			assert_int_equal(memcmp(ours[0], ours[1], TLS_BINDING) != 0, rows[i].fresh);
	}
	tls_context_drop(c);
}

int main(void)
{
	static const char *const hosts[] = { "mail.example.org", NULL };
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	server = peer_server(0, hosts);
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls binding");
}
