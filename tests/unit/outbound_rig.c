/* outbound_rig.c - the contract is in outbound_rig.h. */
#include "tests/unit/outbound_rig.h"

#include "tests/unit/unit.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>

static void hear(void *arg, const char *words)
{
	snprintf(arg, 256, "%s", words);
}

struct tls_policy rig_policy(const char *profile, unsigned forbidden, unsigned level)
{
	struct tls_policy p;

	assert_true(tls_policy_profile(&p, profile));
	p.forbidden = forbidden;
	p.level = level;
	p.ciphers = tls_policy_ciphers(&p);
	return p;
}

static void papers_use(SSL_CTX *ctx, struct peer_pair papers)
{
	BIO *bio = BIO_new_mem_buf(papers.certificate.p, (int)papers.certificate.n);
	BIO *key_bio = BIO_new_mem_buf(papers.key.p, (int)papers.key.n);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	assert_int_equal(SSL_CTX_use_certificate(ctx, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
	X509_free(cert);
	EVP_PKEY_free(key);
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		assert_int_equal(SSL_CTX_add0_chain_cert(ctx, cert), 1);
	BIO_free(bio);
	BIO_free(key_bio);
}

void rig_init(struct rig *r, struct peer_pair papers)
{
	*r = (struct rig){ .ctx = SSL_CTX_new(TLS_server_method()) };
	SSL_CTX_set_security_level(r->ctx, 0);
	assert_int_equal(SSL_CTX_set_cipher_list(r->ctx, "ALL:@SECLEVEL=0"), 1);
	assert_int_equal(SSL_CTX_set_min_proto_version(r->ctx, TLS1_VERSION), 1);
	SSL_CTX_set_mode(r->ctx, SSL_MODE_NO_AUTO_CHAIN);
	papers_use(r->ctx, papers);
}

void rig_client(struct rig *r, const struct tls_policy *p, enum tls_outbound_verify verify, struct span authorities,
		const struct tls_pair *pair)
{
	struct tls_outbound_material m = { .pair = pair, .authorities = authorities };
	struct error err;

	if (tls_outbound_new(&r->context, p, verify, &m, hear, r->warned, &err) < 0)
		fail_msg("%s", err.words);
}

void rig_clear(struct rig *r)
{
	tls_session_free(r->client);
	tls_context_drop(r->context);
	SSL_free(r->ssl);
	SSL_CTX_free(r->ctx);
}

bool rig_to_server(struct rig *r)
{
	struct span out = tls_session_out(r->client);
	size_t n = out.n < 1000 ? out.n : 1000;

	if (n == 0)
		return false;
	assert_int_equal(BIO_write(SSL_get_rbio(r->ssl), out.p, (int)n), (int)n);
	tls_session_sent(r->client, n);
	return true;
}

bool rig_to_client(struct rig *r)
{
	uint8_t bytes[700];
	int n = BIO_read(SSL_get_wbio(r->ssl), bytes, sizeof(bytes));
	struct span in = { bytes, n > 0 ? (size_t)n : 0 };

	if (in.n == 0)
		return false;
	tls_session_feed(r->client, &in);
	assert_int_equal(in.n, 0);
	return true;
}

static void rig_run(struct rig *r)
{
	bool moved = true;

	while (moved) {
		moved = rig_to_server(r);
		if (!SSL_is_init_finished(r->ssl))
			SSL_do_handshake(r->ssl);
		while (rig_to_client(r))
			moved = true;
	}
	ERR_clear_error();
}

enum tls_status rig_begin(struct rig *r, const struct tls_outbound_wish *wish)
{
	struct error err;

	tls_session_free(r->client);
	SSL_free(r->ssl);
	r->ssl = SSL_new(r->ctx);
	SSL_set_bio(r->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_accept_state(r->ssl);
	if (tls_outbound_begin(&r->client, r->context, wish, &err) < 0)
		fail_msg("%s", err.words);
	rig_run(r);
	return tls_session_status(r->client);
}

enum tls_status rig_try(struct rig *r, const char *host)
{
	return rig_begin(r, &(struct tls_outbound_wish){ .host = host });
}

const char *rig_failure(struct rig *r, enum tls_cut cut)
{
	tls_outbound_failure_text(r->client, cut, r->words, sizeof(r->words));
	return r->words;
}
