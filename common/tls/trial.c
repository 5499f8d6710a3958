/* trial.c - the contract is in trial.h. */
#include "common/tls/trial.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>

#include "common/tls/inside.h"
#include "common/tls/protocol.h"

enum { STEP = 4096 };	/* bytes carried at once */

struct trial {
	SSL_CTX *ctx;
	SSL *client;
	unsigned long error;	/* the client's first; 0: none */
	struct tls_session *server;
};

/* That cipher and no other; TLS 1.3 has a list of its own. */
static int cipher_set(SSL *client, const struct tls_trial *what, struct error *err)
{
	char list[128];
	int fine;

	snprintf(list, sizeof(list), "%s:@SECLEVEL=0", what->cipher);
	if (what->version == TLS_1_3)
		fine = SSL_set_ciphersuites(client, what->cipher);
	else
		fine = SSL_set_cipher_list(client, list);
	return fine == 1 ? 0 : error_set(err, -EPROTO, "this OpenSSL knows no cipher %s", what->cipher);
}

static int client_make(struct trial *t, const struct tls_trial *what, struct error *err)
{
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	int rc = tls_protocol_taker(&t->ctx, what->version, 0, err);

	t->client = rc == 0 ? SSL_new(t->ctx) : NULL;
	if (t->client == NULL || in == NULL || out == NULL) {
		BIO_free(in);
		BIO_free(out);
		return rc < 0 ? rc : error_set(err, -ENOMEM, "no memory for a TLS session");
	}
	SSL_set_bio(t->client, in, out);
	SSL_set_connect_state(t->client);
	if (what->name != NULL && SSL_set_tlsext_host_name(t->client, what->name) != 1)
		return error_set(err, -EPROTO, "\"%s\" is no name that a client could ask for", what->name);
	return what->cipher != NULL ? cipher_set(t->client, what, err) : 0;
}

static bool to_server(struct trial *t)
{
	uint8_t bytes[STEP];
	int n = BIO_read(SSL_get_wbio(t->client), bytes, sizeof(bytes));
	struct span in = { bytes, n > 0 ? (size_t)n : 0 };

	if (in.n == 0)
		return false;
	tls_session_feed(t->server, &in);
	return true;
}

static bool to_client(struct trial *t)
{
	struct span out = tls_session_out(t->server);
	int n = out.n < STEP ? (int)out.n : STEP;

	if (n == 0 || BIO_write(SSL_get_rbio(t->client), out.p, n) != n)
		return false;
	tls_session_sent(t->server, (size_t)n);
	return true;
}

static bool handshake(struct trial *t)
{
	bool moved = true;

	while (moved && t->server->status == TLS_MORE) {
		ERR_clear_error();
		if (SSL_do_handshake(t->client) != 1 && t->error == 0)
			t->error = ERR_peek_error();
		moved = to_server(t);
		while (to_client(t))
			moved = true;
	}
	return t->server->status == TLS_UP && !tls_session_refused(t->server);
}

/* The server's own error tells more than the alert that the client makes of it; an alert
 * that came from the client tells less than the client's error. */
static int failure(const struct trial *t, struct error *err)
{
	unsigned long e = t->server->error;
	const char *reason;

	if (e == 0 || ERR_GET_REASON(e) >= SSL_AD_REASON_OFFSET)
		e = t->error != 0 ? t->error : e;
	reason = e != 0 ? ERR_reason_error_string(e) : NULL;
	if (t->server->trouble != NULL)
		reason = t->server->trouble;
	return error_set(err, -EPROTO, "%s", reason != NULL ? reason : "the handshake does not come to its end");
}

static int trial_run(struct trial *t, struct tls_context *c, const struct tls_trial *what, struct error *err)
{
	int rc = client_make(t, what, err);

	if (rc == 0)
		rc = tls_session_new(&t->server, c, err);
	if (rc < 0)
		return rc;
	SSL_set_verify(t->server->ssl, SSL_VERIFY_NONE, NULL);
	return handshake(t) ? 0 : failure(t, err);
}

int tls_trial_of(struct tls_context *c, const struct tls_trial *what, struct error *err)
{
	struct trial t = { NULL };
	int rc;

	if (tls_protocol_number(what->version) == 0)
		return error_set(err, -EPROTO, "OpenSSL 3 has neither SSL 2.0 nor SSL 3.0");
	rc = trial_run(&t, c, what, err);
	tls_session_free(t.server);
	SSL_free(t.client);
	SSL_CTX_free(t.ctx);
	ERR_clear_error();
	return rc;
}

int tls_trial(struct tls_context *c, enum tls_version version, const char *name, struct error *err)
{
	return tls_trial_of(c, &(struct tls_trial){ .version = version, .name = name }, err);
}

unsigned tls_trial_versions(struct tls_context *c)
{
	static const enum tls_version all[] = { TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 };
	unsigned served = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (tls_trial(c, all[i], NULL, NULL) == 0)
			served |= all[i];
	return served;
}
