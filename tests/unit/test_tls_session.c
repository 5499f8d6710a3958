/* test_tls_session.c - the engine: bytes cut anywhere, plain bytes both ways, its end, its
 * memory.
 * link: tests/unit/tls_peer.o tests/unit/tls_papers.o common/tls common/base */
#include "tests/unit/unit.h"

#include "tests/unit/tls_peer.h"

#include <malloc.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
enum { MALLOC_IS_OURS = 0 };	/* AddressSanitizer's malloc counts otherwise */
#else
enum { MALLOC_IS_OURS = 1 };
#endif

static struct peer_pair server;
static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

static struct tls_context *context(const char *alpn)
{
	struct tls_pair pairs[] = { { "server.pem", "server.key", server.certificate, server.key } };
	struct tls_material m = { .pairs = pairs, .pair_count = 1, .listen = "127.0.0.1:993", .alpn = alpn };
	struct tls_policy p;
	struct tls_context *c;

	assert_true(tls_policy_profile(&p, "intermediate"));
	assert_int_equal(tls_context_new(&c, &p, &m, NULL, NULL, NULL), 0);
	return c;
}

static void test_cut(void **state)
{
	static const size_t steps[] = { 1, 2, 3, 5, 7, 64, 1000, 65536 };
	struct tls_context *c = context(NULL);

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(steps) / sizeof(steps[0]); i++) {
		struct tls_peer p;

		unit_case("step", steps[i / 2]);
		tls_peer_init(&p);
		SSL_CTX_set_max_proto_version(p.ctx, versions[i % 2]);
		tls_peer_connect(&p, c, "mail.example.org");
		tls_peer_run(&p, steps[i / 2]);
		assert_int_equal(tls_session_status(p.session), TLS_UP);
		assert_int_equal(SSL_write(p.ssl, "a LOGIN\r\n", 9), 9);
		assert_int_equal(SSL_write(p.ssl, "b NOOP\r\n", 8), 8);
		assert_true(tls_session_write(p.session, span_of("* OK\r\n")));
		tls_peer_run(&p, steps[i / 2]);
		unit_is(p.got.p, p.got.n, "a LOGIN\r\nb NOOP\r\n");
		unit_is(p.echo.p, p.echo.n, "* OK\r\n");
		SSL_shutdown(p.ssl);
		tls_peer_run(&p, steps[i / 2]);
		assert_int_equal(tls_session_status(p.session), TLS_CLOSED);
		tls_peer_clear(&p);
	}
	tls_context_drop(c);
}

/* Megabytes, in both directions, over record boundaries. */
static void test_bulk(void **state)
{
	static const size_t sizes[] = { 1, 16383, 16384, 16385, 100000, 3000000 };
	struct tls_context *c = context(NULL);
	uint8_t *text = malloc(3000000);
	struct tls_peer p;

	(void)state;
	for (size_t i = 0; i < 3000000; i++)
		text[i] = (uint8_t)(i * 31 + i / 251);
	tls_peer_init(&p);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unit_case("size", sizes[i]);
		assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
		assert_true(tls_session_write(p.session, (struct span){ text, sizes[i] }));
		assert_true(tls_session_out(p.session).n > sizes[i]);
		assert_true(tls_session_out(p.session).n < sizes[i] + sizes[i] / 200 + 1000);
		assert_int_equal(SSL_write(p.ssl, text, (int)sizes[i]), (int)sizes[i]);
		tls_peer_run(&p, 60000);
		assert_int_equal(p.got.n, sizes[i]);
		assert_int_equal(p.echo.n, sizes[i]);
		assert_memory_equal(p.got.p, text, sizes[i]);
		assert_memory_equal(p.echo.p, text, sizes[i]);
		assert_int_equal(tls_session_out(p.session).n, 0);
	}
	tls_peer_clear(&p);
	tls_context_drop(c);
	free(text);
}

/* Output taken in odd pieces while more is written. */
static void test_sent(void **state)
{
	struct tls_context *c = context(NULL);
	struct tls_peer p;
	struct span out;

	(void)state;
	tls_peer_init(&p);
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
	for (size_t i = 0; i < 200; i++) {
		assert_true(tls_session_write(p.session, span_of("0123456789")));
		out = tls_session_out(p.session);
		out.n = out.n < 23 ? out.n : 23 + i % 9;
		BIO_write(SSL_get_rbio(p.ssl), out.p, (int)out.n);
		tls_session_sent(p.session, out.n);
	}
	tls_peer_run(&p, 65536);
	assert_int_equal(p.echo.n, 2000);
	for (size_t i = 0; i < 2000; i++)
		assert_int_equal(p.echo.p[i], '0' + i % 10);
	tls_session_sent(p.session, 5);	/* more than there is does no harm */
	assert_int_equal(tls_session_out(p.session).n, 0);
	tls_peer_clear(&p);
	tls_context_drop(c);
}

static void test_ends(void **state)
{
	struct tls_context *c = context(NULL);
	uint8_t text[64];
	struct tls_peer p;
	struct span in;

	(void)state;
	tls_peer_init(&p);
	tls_peer_connect(&p, c, NULL);
	assert_int_equal(tls_session_status(p.session), TLS_MORE);
	assert_false(tls_session_write(p.session, span_of("early")));
	tls_session_close(p.session);	/* nothing to close yet */
	assert_int_equal(tls_session_out(p.session).n, 0);
	assert_int_equal(tls_session_read(p.session, text, sizeof(text)), 0);

	/* Ours: close_notify once, and nothing behind it. */
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
	tls_session_close(p.session);
	tls_session_close(p.session);
	assert_false(tls_session_write(p.session, span_of("late")));
	SSL_write(p.ssl, "still", 5);
	tls_peer_run(&p, 65536);
	assert_int_equal(SSL_get_shutdown(p.ssl), SSL_RECEIVED_SHUTDOWN);
	unit_is(p.got.p, p.got.n, "still");

	/* Theirs: what came before it is read, we may still answer. */
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
	SSL_write(p.ssl, "LOGOUT", 6);
	SSL_shutdown(p.ssl);
	tls_peer_run(&p, 65536);
	unit_is(p.got.p, p.got.n, "LOGOUT");
	assert_int_equal(tls_session_status(p.session), TLS_CLOSED);
	assert_true(tls_session_write(p.session, span_of("BYE")));
	in = span_of("garbage behind the end");
	assert_int_equal(tls_session_feed(p.session, &in), TLS_CLOSED);
	assert_int_equal(in.n, 0);

	/* A record that was changed on the way. */
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
	SSL_write(p.ssl, "secret", 6);
	assert_int_equal(BIO_read(SSL_get_wbio(p.ssl), text, sizeof(text)), 5 + 6 + 17);
	text[10] ^= 1;
	in = (struct span){ text, 28 };
	assert_int_equal(tls_session_feed(p.session, &in), TLS_UP);
	assert_int_equal(tls_session_read(p.session, text, sizeof(text)), 0);
	assert_int_equal(tls_session_status(p.session), TLS_FAILED);
	assert_true(tls_session_out(p.session).n > 0);	/* the alert */
	assert_false(tls_session_write(p.session, span_of("x")));
	tls_peer_clear(&p);
	tls_context_drop(c);
	tls_session_free(NULL);
}

static void test_alpn(void **state)
{
	static const struct {
		const char *why, *ours;
		const uint8_t *offer;
		unsigned n;
		const char *chosen;	/* NULL: refused */
	} rows[] = {
		{ "none offered", "imap", NULL, 0, "" },
		{ "ours", "imap", (const uint8_t *)"\4imap", 5, "imap" },
		{ "ours among others", "imap", (const uint8_t *)"\2h2\4imap\10http/1.1", 17, "imap" },
		{ "others only", "imap", (const uint8_t *)"\2h2\10http/1.1", 12, NULL },
		{ "another mail protocol", "imap", (const uint8_t *)"\4pop3", 5, NULL },
		{ "a longer name", "imap", (const uint8_t *)"\5imap4", 6, NULL },
		{ "we have none", NULL, (const uint8_t *)"\2h2", 3, "" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		const char *chosen = rows[i / 2].chosen;
		struct tls_context *c = context(rows[i / 2].ours);
		const unsigned char *got;
		struct tls_peer p;
		unsigned n;

		unit_case(rows[i / 2].why, i % 2);
		tls_peer_init(&p);
		SSL_CTX_set_max_proto_version(p.ctx, versions[i % 2]);
		assert_int_equal(SSL_CTX_set_alpn_protos(p.ctx, rows[i / 2].offer, rows[i / 2].n), 0);
		assert_int_equal(tls_peer_try(&p, c, NULL), chosen != NULL ? TLS_UP : TLS_FAILED);
		SSL_get0_alpn_selected(p.ssl, &got, &n);
		unit_is(got, n, chosen != NULL ? chosen : "");
		tls_peer_clear(&p);
		tls_context_drop(c);
	}
}

static void test_success_text(void **state)
{
	static const struct {
		const char *sni, *text;
	} rows[] = {
		{ NULL, "TLS success protocol TLSv1.3 cipher TLS_AES_256_GCM_SHA384 group=x25519 resumed=no sni=none "
			"client-cert=none" },
		{ "mail.example.org", "TLS success protocol TLSv1.3 cipher TLS_AES_256_GCM_SHA384 group=x25519 "
				      "resumed=no sni=mail.example.org client-cert=none" },
		{ "a b=\"c\"\n", "TLS success protocol TLSv1.3 cipher TLS_AES_256_GCM_SHA384 group=x25519 resumed=no "
				 "sni=\"a b=\\\"c\\\"\\n\" client-cert=none" },
	};
	struct tls_context *c = context(NULL);
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_peer p;

		tls_peer_init(&p);
		assert_int_equal(tls_peer_try(&p, c, rows[i].sni), TLS_UP);
		tls_session_success_text(p.session, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
		tls_peer_clear(&p);
	}
	tls_context_drop(c);
}

/* TLS 1.2: a client that asks for a new handshake is told no, and that is the end. */
static void test_no_renegotiation(void **state)
{
	struct tls_context *c = context(NULL);
	uint8_t text[4096];
	struct tls_peer p;
	struct span in;

	(void)state;
	tls_peer_init(&p);
	SSL_CTX_set_max_proto_version(p.ctx, TLS1_2_VERSION);
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
	assert_int_equal(SSL_get_secure_renegotiation_support(p.ssl), 1);
	assert_int_equal(SSL_renegotiate(p.ssl), 1);
	SSL_do_handshake(p.ssl);
	in = (struct span){ text, (size_t)BIO_read(SSL_get_wbio(p.ssl), text, sizeof(text)) };
	assert_int_equal(tls_session_feed(p.session, &in), TLS_UP);
	assert_int_equal(tls_session_read(p.session, text, sizeof(text)), 0);
	assert_int_equal(tls_session_status(p.session), TLS_FAILED);
	assert_int_equal(tls_session_out(p.session).n, 5 + 8 + 2 + 16);	/* an alert and no more */
	assert_int_equal(tls_session_out(p.session).p[0], 21);
	assert_false(tls_session_write(p.session, span_of("no more")));
	tls_peer_clear(&p);
	tls_context_drop(c);
}

/* One request for new keys (RFC 8446 4.6.3) and a byte behind it. */
static enum tls_status key_update(struct tls_peer *p)
{
	uint8_t text[4096];
	struct span in;

	SSL_key_update(p->ssl, SSL_KEY_UPDATE_REQUESTED);
	SSL_write(p->ssl, "x", 1);
	in.n = (size_t)BIO_read(SSL_get_wbio(p->ssl), text, sizeof(text));
	in.p = text;
	tls_session_feed(p->session, &in);
	while (tls_session_read(p->session, text, sizeof(text)) > 0)
		;
	return tls_session_status(p->session);
}

/* Asked again and again by a peer that takes no answer: what waits for it has an end.
 * One that reads may ask as often as it likes, whatever else waits for it. */
static void test_key_updates(void **state)
{
	enum { ROUNDS = 10000, BULK = 200000 };
	static uint8_t bulk[BULK];
	struct tls_context *c = context(NULL);
	struct tls_peer p;
	int rounds = 0;

	(void)state;
	tls_peer_init(&p);
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
	assert_true(tls_session_write(p.session, (struct span){ bulk, BULK }));
	for (rounds = 0; rounds < 100; rounds++)
		assert_int_equal(key_update(&p), TLS_UP);
	tls_peer_run(&p, 65536);
	assert_int_equal(p.echo.n, BULK);
	for (rounds = 0; rounds < ROUNDS; rounds++) {
		assert_int_equal(key_update(&p), TLS_UP);
		tls_session_sent(p.session, tls_session_out(p.session).n);
	}
	for (rounds = 0; rounds < ROUNDS && key_update(&p) == TLS_UP;)
		rounds++;
	assert_int_equal(tls_session_status(p.session), TLS_FAILED);
	assert_in_range(tls_session_out(p.session).n, 65536 - 64, 65536 + 1024);
	assert_non_null(strstr(tls_peer_failure(&p, TLS_CUT_NO), "asks without end"));
	tls_peer_clear(&p);
	tls_context_drop(c);
}

static size_t heap(void)
{
	return mallinfo2().uordblks + mallinfo2().hblkhd;
}

/* What a session costs that waits (OpenSSL keeps the client's list of ciphers: the
 * client here has an ordinary one); and one whose peer has sent half a record. */
static void test_memory(void **state)
{
	enum { SESSIONS = 200, IDLE_MAX = 15 * 1024, HALF = 600 };
	struct tls_session *kept[SESSIONS];
	struct tls_context *c;
	struct span in;
	struct tls_peer p;
	size_t before, idle, half;
	uint8_t record[HALF] = { 23, 3, 3, 0x40, 0 };

	(void)state;
	if (!MALLOC_IS_OURS)
		skip();
	c = context("imap");
	for (size_t version = 0; version < 2; version++) {
		tls_peer_init(&p);
		SSL_CTX_set_max_proto_version(p.ctx, versions[version]);
		SSL_CTX_set_cipher_list(p.ctx, "DEFAULT");
		SSL_CTX_sess_set_new_cb(p.ctx, NULL);
		assert_int_equal(tls_peer_try(&p, c, "mail.example.org"), TLS_UP);
		tls_peer_hang_up(&p);
		before = heap();
		for (size_t i = 0; i < SESSIONS; i++) {
			SSL_SESSION_free(p.ticket);
			p.ticket = NULL;
			assert_int_equal(tls_peer_try(&p, c, "mail.example.org"), TLS_UP);
			SSL_write(p.ssl, "a NOOP\r\n", 8);
			tls_session_write(p.session, span_of("a OK\r\n"));
			tls_peer_run(&p, 65536);
			kept[i] = p.session;
			p.session = NULL;
			tls_peer_hang_up(&p);
		}
		idle = (heap() - before) / SESSIONS;
		for (size_t i = 0; i < SESSIONS; i++) {
			in = (struct span){ record, sizeof(record) };
			tls_session_feed(kept[i], &in);
			assert_int_equal(tls_session_read(kept[i], record + 5, 1), 0);
		}
		half = (heap() - before) / SESSIONS;
		print_message("idle %zu bytes, with half a record %zu\n", idle, half);
		assert_in_range(idle, 1000, IDLE_MAX);
		assert_in_range(half, idle, idle + 2 * HALF);
		for (size_t i = 0; i < SESSIONS; i++)
			tls_session_free(kept[i]);
		tls_peer_clear(&p);
	}
	tls_context_drop(c);
}

/* A session holds its context: a reload drops ours and the session lives on. */
static void test_held(void **state)
{
	struct tls_context *c = context(NULL);
	struct tls_peer p;

	(void)state;
	tls_peer_init(&p);
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
	tls_context_drop(c);
	assert_true(tls_session_write(p.session, span_of("alive")));
	tls_peer_run(&p, 65536);
	unit_is(p.echo.p, p.echo.n, "alive");
	tls_peer_clear(&p);
}

int main(void)
{
	static const char *const hosts[] = { "mail.example.org", NULL };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),	     cmocka_unit_test(test_bulk),
		cmocka_unit_test(test_sent),	     cmocka_unit_test(test_ends),
		cmocka_unit_test(test_alpn),	     cmocka_unit_test(test_success_text),
		cmocka_unit_test(test_no_renegotiation), cmocka_unit_test(test_key_updates),
		cmocka_unit_test(test_memory),	     cmocka_unit_test(test_held),
	};

	server = peer_server(0, hosts);
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls session");
}
