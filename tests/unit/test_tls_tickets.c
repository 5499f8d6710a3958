/* test_tls_tickets.c - sessions resumed: across workers, never across ports.
 * link: tests/unit/tls_peer.o tests/unit/tls_papers.o common/tls common/base */
#include "tests/unit/unit.h"

#include "tests/unit/tls_peer.h"

#include "common/tls/seal.h"
#include "common/tls/tickets.h"

static struct peer_pair server;
static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

static struct tls_policy policy(unsigned level, bool tickets)
{
	struct tls_policy p;

	assert_true(tls_policy_profile(&p, "intermediate"));
	p.level = level;
	p.tickets = tickets;
	return p;
}

/* A context of one listen; keys: of the site, or NULL for its own. */
static struct tls_context *context(const struct tls_policy *p, const char *listen, const struct tls_tickets *keys)
{
	struct tls_pair pairs[] = { { "server.pem", "server.key", server.certificate, server.key } };
	struct tls_material m = { .pairs = pairs, .pair_count = 1, .listen = listen };
	struct tls_context *c;
	struct buf text;

	assert_int_equal(tls_context_new(&c, p, &m, NULL, NULL, NULL), 0);
	if (keys != NULL) {
		buf_init(&text, 4096);
		tls_tickets_write(keys, &text);
		tls_context_tickets(c, buf_span(&text));
		buf_clear(&text);
	}
	return c;
}

/* A full handshake with the first context, then a second try with the other. */
static void check(struct tls_context *first, struct tls_context *second, int version, bool resumed)
{
	struct tls_peer p;

	tls_peer_init(&p);
	SSL_CTX_set_max_proto_version(p.ctx, version);
	assert_int_equal(tls_peer_try(&p, first, "a.example.org"), TLS_UP);
	assert_false(tls_session_facts(p.session)->resumed);
	tls_session_close(p.session);	/* else OpenSSL would forget the session in any case */
	assert_int_equal(tls_peer_try(&p, second, "a.example.org"), TLS_UP);
	assert_int_equal(tls_session_facts(p.session)->resumed, resumed);
	assert_int_equal(SSL_session_reused(p.ssl), resumed);
	assert_string_equal(tls_session_facts(p.session)->sni, "a.example.org");
	tls_peer_clear(&p);
}

static void test_shared(void **state)
{
	struct tls_policy p = policy(2, true);
	struct tls_tickets site = { 0 }, older, other = { 0 };

	(void)state;
	tls_tickets_rotate(&site, 1000);
	tls_tickets_rotate(&other, 1000);
	older = site;
	tls_tickets_rotate(&site, 2000);
	for (size_t i = 0; i < 2; i++) {
		struct tls_context *a = context(&p, "127.0.0.1:993", &site), *b = context(&p, "127.0.0.1:993", &site);
		struct tls_context *old = context(&p, "127.0.0.1:993", &older);
		struct tls_context *port = context(&p, "127.0.0.1:995", &site);
		struct tls_context *foreign = context(&p, "127.0.0.1:993", &other);
		struct tls_context *own = context(&p, "127.0.0.1:993", NULL);

		unit_case("version", i);
		check(a, a, versions[i], true);
		check(a, b, versions[i], true);
		check(old, a, versions[i], true);	/* the key has been rotated since */
		check(a, old, versions[i], false);
		check(a, port, versions[i], false);
		check(a, foreign, versions[i], false);
		check(own, own, versions[i], true);
		check(own, a, versions[i], false);
		tls_context_drop(a);
		tls_context_drop(b);
		tls_context_drop(old);
		tls_context_drop(port);
		tls_context_drop(foreign);
		tls_context_drop(own);
	}
}

/* RFC 8446 C.4: a client uses a ticket once, and finds the next one in the connection that it
 * resumed. */
static void test_one_after_another(void **state)
{
	struct tls_policy p = policy(2, true);
	struct tls_tickets site = { 0 };

	(void)state;
	tls_tickets_rotate(&site, 1000);
	for (size_t i = 0; i < 2; i++) {
		struct tls_context *c = context(&p, "127.0.0.1:993", &site);
		struct tls_peer peer;

		tls_peer_init(&peer);
		SSL_CTX_set_max_proto_version(peer.ctx, versions[i]);
		for (size_t round = 0; round < 5; round++) {
			unit_case("round", round);
			assert_int_equal(tls_peer_try(&peer, c, NULL), TLS_UP);
			assert_int_equal(tls_session_facts(peer.session)->resumed, round > 0);
			tls_session_close(peer.session);
		}
		tls_peer_clear(&peer);
		tls_context_drop(c);
	}
}

/* Keys that have left the set open nothing; those in it are renewed by use. */
static void test_rotation(void **state)
{
	struct tls_policy p = policy(2, true);
	struct tls_tickets site = { 0 };
	struct tls_peer peer;

	(void)state;
	tls_tickets_rotate(&site, 1000);
	for (size_t i = 0; i < 2; i++) {
		tls_peer_init(&peer);
		SSL_CTX_set_max_proto_version(peer.ctx, versions[i]);
		for (int round = 0; round < 6; round++) {
			struct tls_context *c = context(&p, "127.0.0.1:993", &site);

			unit_case("round", (size_t)round);
			assert_int_equal(tls_peer_try(&peer, c, NULL), TLS_UP);
			assert_int_equal(tls_session_facts(peer.session)->resumed, round > 0);
			tls_tickets_rotate(&site, 1000);
			tls_context_drop(c);
		}
		for (int gone = 0; gone < TLS_TICKET_KEYS; gone++)
			tls_tickets_rotate(&site, 1000);
		struct tls_context *c = context(&p, "127.0.0.1:993", &site);

		assert_int_equal(tls_peer_try(&peer, c, NULL), TLS_UP);
		assert_false(tls_session_facts(peer.session)->resumed);
		tls_context_drop(c);
		tls_peer_clear(&peer);
	}
}

/* SessionTickets no; and TLS 1.2 from level 3 on. */
static void test_none(void **state)
{
	static const struct {
		const char *why;
		unsigned level;
		bool tickets;
		int version;
		bool resumed;
	} rows[] = {
		{ "switched off", 2, false, TLS1_2_VERSION, false },
		{ "switched off", 2, false, TLS1_3_VERSION, false },
		{ "TLS 1.2 at level 3", 3, true, TLS1_2_VERSION, false },
		{ "TLS 1.3 at level 3", 3, true, TLS1_3_VERSION, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_policy p = policy(rows[i].level, rows[i].tickets);
		struct tls_context *c = context(&p, "127.0.0.1:993", NULL);

		unit_case(rows[i].why, i);
		check(c, c, rows[i].version, rows[i].resumed);
		tls_context_drop(c);
	}
}

static void test_lifetime(void **state)
{
	struct tls_policy p = policy(2, true);
	struct tls_context *c;
	struct tls_peer peer;

	(void)state;
	p.ticket_lifetime_s = 77;
	c = context(&p, "127.0.0.1:993", NULL);
	for (size_t i = 0; i < 2; i++) {
		tls_peer_init(&peer);
		SSL_CTX_set_max_proto_version(peer.ctx, versions[i]);
		assert_int_equal(tls_peer_try(&peer, c, NULL), TLS_UP);
		assert_int_equal(SSL_SESSION_get_ticket_lifetime_hint(peer.ticket), 77);
		tls_peer_clear(&peer);
	}
	tls_context_drop(c);
}

/* The tickets stand in the same write as the first plain bytes. */
static void test_with_greeting(void **state)
{
	struct tls_policy p = policy(2, true);
	struct tls_context *c = context(&p, "127.0.0.1:993", NULL);
	struct tls_peer peer;
	uint8_t text[16384];
	size_t ticket, n;
	struct span in;

	(void)state;
	tls_peer_init(&peer);
	tls_peer_connect(&peer, c, NULL);
	for (int flight = 0; flight < 2; flight++) {
		SSL_do_handshake(peer.ssl);
		n = (size_t)BIO_read(SSL_get_wbio(peer.ssl), text, sizeof(text));
		in = (struct span){ text, n };
		tls_session_feed(peer.session, &in);
		if (flight == 1)
			break;
		in = tls_session_out(peer.session);
		BIO_write(SSL_get_rbio(peer.ssl), in.p, (int)in.n);
		tls_session_sent(peer.session, in.n);
	}
	assert_int_equal(tls_session_status(peer.session), TLS_UP);
	ticket = tls_session_out(peer.session).n;
	assert_in_range(ticket, 100, 400);	/* one ticket, not two */
	assert_true(tls_session_write(peer.session, span_of("* OK hello\r\n")));
	assert_int_equal(tls_session_out(peer.session).n, ticket + 5 + 12 + 17);
	tls_peer_run(&peer, 65536);
	unit_is(peer.echo.p, peer.echo.n, "* OK hello\r\n");
	tls_peer_clear(&peer);
	tls_context_drop(c);
}

static void test_written(void **state)
{
	struct tls_tickets t = { 0 }, back;
	struct buf text;

	(void)state;
	buf_init(&text, 4096);
	assert_false(tls_tickets_read(&back, (struct span){ NULL, 0 }));
	for (int64_t i = 1; i <= 5; i++) {
		tls_tickets_rotate(&t, i * 1000000007);
		assert_int_equal(t.count, i < TLS_TICKET_KEYS ? i : TLS_TICKET_KEYS);
		buf_reset(&text);
		tls_tickets_write(&t, &text);
		assert_true(tls_tickets_read(&back, buf_span(&text)));
		assert_int_equal(back.count, t.count);
		assert_memory_equal(back.secret, t.secret, sizeof(t.secret[0]) * t.count);
		assert_int_equal(back.made_s[0], i * 1000000007);
		for (size_t cut = 0; cut < text.n; cut++)
			assert_false(tls_tickets_read(&back, (struct span){ text.p, cut }));
		assert_int_equal(back.count, 0);
	}
	assert_int_equal(t.made_s[1], 4000000028);
	assert_memory_not_equal(t.secret[0], t.secret[1], TLS_TICKET_SECRET);
	buf_put_byte(&text, 0);
	assert_false(tls_tickets_read(&back, buf_span(&text)));
	text.p[0] = TLS_TICKET_KEYS + 1;
	assert_false(tls_tickets_read(&back, buf_span(&text)));
	buf_clear(&text);
}

/* Keys of two places have nothing in common; nor have the three of one place. */
static void test_derived(void **state)
{
	static const uint8_t here[TLS_PLACE] = "here", there[TLS_PLACE] = "there";
	struct tls_seal a, b, again;
	struct tls_tickets t = { 0 };

	(void)state;
	tls_tickets_rotate(&t, 1);
	assert_true(tls_seal_derive(&a, &t, here));
	assert_true(tls_seal_derive(&b, &t, there));
	assert_true(tls_seal_derive(&again, &t, here));
	assert_memory_equal(&a, &again, sizeof(a));
	assert_memory_not_equal(a.keys[0].name, b.keys[0].name, 16);
	assert_memory_not_equal(a.keys[0].cipher, b.keys[0].cipher, 32);
	assert_memory_not_equal(a.keys[0].mac, b.keys[0].mac, 32);
	assert_memory_not_equal(a.keys[0].mac, a.keys[0].cipher, 32);
}

int main(void)
{
	static const char *const hosts[] = { "a.example.org", NULL };
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_shared), cmocka_unit_test(test_one_after_another),   cmocka_unit_test(test_rotation),
					    cmocka_unit_test(test_none),     cmocka_unit_test(test_lifetime),
					    cmocka_unit_test(test_with_greeting), cmocka_unit_test(test_written),
					    cmocka_unit_test(test_derived) };

	server = peer_server(0, hosts);
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls tickets");
}
