/* tls_port.c - the contract is in tls_port.h. */
#include "tests/unit/tls_port.h"

#include "tests/unit/unit.h"

#include <openssl/pem.h>

#include "common/tls/tickets.h"

const int port_versions[2] = { TLS1_2_VERSION, TLS1_3_VERSION };

static void hear(void *arg, const char *words)
{
	struct port_heard *h = arg;
	size_t n = strlen(h->text);

	snprintf(h->text + n, sizeof(h->text) - n, "%s\n", words);
}

static struct peer_pair server_of_all(void)
{
	static const char *const hosts[] = { "a.example.org", NULL };
	static struct peer_pair server;

	if (server.key.n == 0)
		server = peer_server(0, hosts);
	return server;
}

struct tls_context *port_heard(const struct tls_port *port, struct port_heard *h, struct error *err)
{
	struct peer_pair server = port->server != NULL ? *port->server : server_of_all();
	struct tls_pair pairs[] = { { "server.pem", "server.key", server.certificate, server.key } };
	struct tls_material m = { .pairs = pairs,
				  .pair_count = 1,
				  .listen = "127.0.0.1:993",
				  .client_ca = port->ca,
				  .client_crl = port->crl,
				  .fingerprints = port->prints };
	struct tls_policy p;
	struct tls_context *c;

	assert_true(tls_policy_profile(&p, "intermediate"));
	p.verify = port->verify;
	p.verify_depth = port->depth > 0 ? port->depth : 5;
	p.allow_self_signed = port->self_signed;
	p.level = port->level > 0 ? port->level : p.level;
	*h = (struct port_heard){ "" };
	tls_context_new(&c, &p, &m, hear, h, err);
	return c;
}

struct tls_context *port_context(const struct tls_port *port, struct error *err)
{
	struct port_heard h;

	return port_heard(port, &h, err);
}

struct tls_context *port_of_site(const struct tls_port *port)
{
	static struct buf keys;
	struct tls_tickets t = { 0 };
	struct tls_context *c = port_context(port, NULL);

	assert_non_null(c);
	if (keys.n == 0) {
		buf_init(&keys, 1024);
		tls_tickets_rotate(&t, 1);
		tls_tickets_write(&t, &keys);
	}
	tls_context_tickets(c, buf_span(&keys));
	return c;
}

void port_carry(struct tls_peer *p, struct peer_pair own)
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

void port_check(const char *why, const struct tls_port *port, const struct peer_pair *own, const char *subject,
		  const char *verify)
{
	for (size_t i = 0; i < 2; i++) {
		struct tls_context *c = port_context(port, NULL);
		struct tls_peer p;

		unit_case(why, i);
		assert_non_null(c);
		tls_peer_init(&p);
		SSL_CTX_set_max_proto_version(p.ctx, port_versions[i]);
		if (own != NULL)
			port_carry(&p, *own);
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
