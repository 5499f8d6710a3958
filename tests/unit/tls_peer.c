/* tls_peer.c - the contract is in tls_peer.h. */
#include "tests/unit/tls_peer.h"

#include "tests/unit/unit.h"

#include <stdlib.h>

enum { TEXT_MAX = 1 << 22 };

static int on_ticket(SSL *ssl, SSL_SESSION *ticket)
{
	struct tls_peer *p = SSL_get_app_data(ssl);

	SSL_SESSION_free(p->ticket);
	p->ticket = ticket;
	return 1;
}

void tls_peer_init(struct tls_peer *p)
{
	*p = (struct tls_peer){ .ctx = SSL_CTX_new(TLS_client_method()) };
	assert_non_null(p->ctx);
	SSL_CTX_set_security_level(p->ctx, 0);
	assert_int_equal(SSL_CTX_set_cipher_list(p->ctx, "ALL:@SECLEVEL=0"), 1);
	assert_int_equal(SSL_CTX_set_min_proto_version(p->ctx, TLS1_VERSION), 1);
	assert_int_equal(SSL_CTX_set_max_proto_version(p->ctx, 0), 1);
	SSL_CTX_set_session_cache_mode(p->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(p->ctx, on_ticket);
	buf_init(&p->got, TEXT_MAX);
	buf_init(&p->echo, TEXT_MAX);
}

void tls_peer_clear(struct tls_peer *p)
{
	tls_peer_hang_up(p);
	SSL_SESSION_free(p->ticket);
	SSL_CTX_free(p->ctx);
	buf_clear(&p->got);
	buf_clear(&p->echo);
}

void tls_peer_hang_up(struct tls_peer *p)
{
	tls_session_free(p->session);
	/* Without it OpenSSL takes the session for a bad one. */
	if (p->ssl != NULL)
		SSL_set_shutdown(p->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(p->ssl);
	p->session = NULL;
	p->ssl = NULL;
	buf_reset(&p->got);
	buf_reset(&p->echo);
}

void tls_peer_connect(struct tls_peer *p, struct tls_context *c, const char *name)
{
	struct error err;

	tls_peer_hang_up(p);
	p->ssl = SSL_new(p->ctx);
	assert_non_null(p->ssl);
	SSL_set_app_data(p->ssl, p);
	SSL_set_bio(p->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(p->ssl);
	if (name != NULL)
		assert_int_equal(SSL_set_tlsext_host_name(p->ssl, name), 1);
	if (p->ticket != NULL)
		assert_int_equal(SSL_set_session(p->ssl, p->ticket), 1);
	assert_non_null(c);
	assert_int_equal(tls_session_new(&p->session, c, &err), 0);
}

/* The client's turn: handshake, then whatever can be read. */
static void client_turn(struct tls_peer *p)
{
	uint8_t text[4096];
	size_t n;

	if (SSL_is_init_finished(p->ssl) == 0 && SSL_do_handshake(p->ssl) != 1)
		return;
	while (SSL_read_ex(p->ssl, text, sizeof(text), &n) == 1)
		buf_put(&p->echo, (struct span){ text, n });
}

static void session_turn(struct tls_peer *p, struct span in)
{
	uint8_t text[4096];
	size_t n;

	tls_session_feed(p->session, &in);
	assert_int_equal(in.n, 0);
	while ((n = tls_session_read(p->session, text, sizeof(text))) > 0)
		buf_put(&p->got, (struct span){ text, n });
}

static bool to_session(struct tls_peer *p, size_t step)
{
	uint8_t text[65536];
	int n = BIO_read(SSL_get_wbio(p->ssl), text, (int)(step < sizeof(text) ? step : sizeof(text)));

	if (n <= 0)
		return false;
	session_turn(p, (struct span){ text, (size_t)n });
	return true;
}

static bool to_client(struct tls_peer *p, size_t step)
{
	struct span out = tls_session_out(p->session);

	out.n = out.n < step ? out.n : step;
	if (out.n == 0)
		return false;
	assert_int_equal(BIO_write(SSL_get_rbio(p->ssl), out.p, (int)out.n), (int)out.n);
	tls_session_sent(p->session, out.n);
	client_turn(p);
	return true;
}

void tls_peer_run(struct tls_peer *p, size_t step)
{
	bool moved;

	client_turn(p);
	do {
		moved = false;
		while (to_session(p, step))
			moved = true;
		while (to_client(p, step))
			moved = true;
	} while (moved);
}

/* OpenSSL's callback is silent about a ticket that was renewed in TLS 1.2. */
static void ticket_renew(struct tls_peer *p)
{
	SSL_SESSION *now = SSL_get0_session(p->ssl);

	if (SSL_version(p->ssl) >= TLS1_3_VERSION || now == NULL || SSL_SESSION_has_ticket(now) == 0)
		return;
	SSL_SESSION_free(p->ticket);
	p->ticket = SSL_get1_session(p->ssl);
}

enum tls_status tls_peer_try(struct tls_peer *p, struct tls_context *c, const char *name)
{
	tls_peer_connect(p, c, name);
	tls_peer_run(p, 65536);
	if (SSL_is_init_finished(p->ssl) == 1)
		ticket_renew(p);
	return tls_session_status(p->session);
}

const char *tls_peer_failure(struct tls_peer *p, enum tls_cut cut)
{
	tls_session_failure_text(p->session, cut, "imapd", p->words, sizeof(p->words));
	return p->words;
}
