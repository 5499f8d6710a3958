/* client.c - the contract is in client.h. */
#include "common/tls/client.h"

#include <errno.h>
#include <openssl/err.h>

#include "common/tls/inside.h"
#include "common/tls/pem.h"

static int authorities_add(struct tls_client *c, const struct tls_material *m, struct error *err)
{
	STACK_OF(X509) *list;
	int rc = tls_pem_certificates(&list, m->client_ca, "ClientCA", err);

	if (rc < 0)
		return rc;
	for (int i = 0; i < sk_X509_num(list) && rc == 0; i++) {
		X509 *ca = sk_X509_value(list, i);
		X509_NAME *name = X509_NAME_dup(X509_get_subject_name(ca));

		if (name == NULL || sk_X509_NAME_push(c->names, name) == 0) {
			X509_NAME_free(name);
			rc = error_set(err, -ENOMEM, "no memory for ClientCA");
		} else if (X509_STORE_add_cert(c->store, ca) != 1) {
			rc = error_set(err, -EINVAL, "ClientCA: OpenSSL does not take certificate %d in it", i + 1);
		}
	}
	sk_X509_pop_free(list, X509_free);
	return rc;
}

static int revocations_add(struct tls_client *c, const struct tls_material *m, struct error *err)
{
	STACK_OF(X509_CRL) *list;
	int rc = tls_pem_crls(&list, m->client_crl, "ClientCRL", err);

	if (rc < 0)
		return rc;
	for (int i = 0; i < sk_X509_CRL_num(list) && rc == 0; i++)
		if (X509_STORE_add_crl(c->store, sk_X509_CRL_value(list, i)) != 1)
			rc = error_set(err, -EINVAL, "ClientCRL: OpenSSL does not take list %d in it", i + 1);
	X509_STORE_set_flags(c->store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	sk_X509_CRL_pop_free(list, X509_CRL_free);
	return rc;
}

int tls_client_load(struct tls_client *c, const struct tls_policy *p, const struct tls_material *m,
		    struct error *err)
{
	int rc;

	*c = (struct tls_client){ NULL, NULL };
	if (p->verify == TLS_VERIFY_NO)
		return 0;
	if (m->client_ca.n == 0)
		return error_set(err, -EINVAL, "VerifyClient %s needs ClientCA, the authorities to check against",
				 p->verify == TLS_VERIFY_REQUIRE ? "require" : "optional");
	c->store = X509_STORE_new();
	c->names = sk_X509_NAME_new_null();
	if (c->store == NULL || c->names == NULL)
		rc = error_set(err, -ENOMEM, "no memory for ClientCA");
	else
		rc = authorities_add(c, m, err);
	if (rc == 0 && m->client_crl.n > 0)
		rc = revocations_add(c, m, err);
	/* An intermediate authority in ClientCA is trusted by itself. */
	if (rc == 0)
		X509_STORE_set_flags(c->store, X509_V_FLAG_PARTIAL_CHAIN);
	if (rc < 0)
		tls_client_clear(c);
	ERR_clear_error();
	return rc;
}

void tls_client_clear(struct tls_client *c)
{
	X509_STORE_free(c->store);
	sk_X509_NAME_pop_free(c->names, X509_NAME_free);
	*c = (struct tls_client){ NULL, NULL };
}

/* Notes the first objection of a session. Under `optional` nothing stops the
 * handshake: what became of it stands in the facts. */
static int judge(int fine, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_session *s = tls_session_of(ssl);
	int objection = X509_STORE_CTX_get_error(store);

	if (fine == 1)
		return 1;
	/* The client's own certificate needs a list; its authorities are looked up where
	 * there is one. */
	if (objection == X509_V_ERR_UNABLE_TO_GET_CRL && X509_STORE_CTX_get_error_depth(store) > 0) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	if (s->objection == X509_V_OK)
		s->objection = objection;
	return s->context->policy.verify == TLS_VERIFY_OPTIONAL;
}

int tls_client_apply(const struct tls_client *c, SSL_CTX *ctx, const struct tls_policy *p, struct error *err)
{
	STACK_OF(X509_NAME) *names;

	if (c->store == NULL) {
		SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
		return 0;
	}
	names = SSL_dup_CA_list(c->names);
	if (names == NULL)
		return error_set(err, -ENOMEM, "no memory for ClientCA");
	SSL_CTX_set_client_CA_list(ctx, names);
	SSL_CTX_set1_cert_store(ctx, c->store);
	SSL_CTX_set_verify(
		ctx, SSL_VERIFY_PEER | (p->verify == TLS_VERIFY_REQUIRE ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
		judge);
	/* OpenSSL counts what stands between the client's certificate and the trusted one;
	 * ClientVerifyDepth counts authorities. */
	SSL_CTX_set_verify_depth(ctx, p->verify_depth > 0 ? (int)p->verify_depth - 1 : 0);
	return 0;
}

/* As OpenSSL does it for a full handshake. False: nothing was verified. */
static bool again_prepare(X509_STORE_CTX *store, const struct tls_client *c, SSL *ssl, X509 *cert)
{
	X509_VERIFY_PARAM *param;

	if (X509_STORE_CTX_init(store, c->store, cert, NULL) != 1 ||
	    X509_STORE_CTX_set_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx(), ssl) != 1 ||
	    X509_STORE_CTX_set_default(store, "ssl_client") != 1)
		return false;
	param = X509_STORE_CTX_get0_param(store);
	X509_VERIFY_PARAM_set_auth_level(param, SSL_get_security_level(ssl));
	X509_STORE_CTX_set_verify_cb(store, judge);
	return X509_VERIFY_PARAM_set1(param, SSL_get0_param(ssl)) == 1;
}

int tls_client_again(const struct tls_client *c, SSL *ssl, X509 *cert)
{
	struct tls_session *s = tls_session_of(ssl);
	X509_STORE_CTX *store = X509_STORE_CTX_new();
	bool fine;
	int verdict;

	s->objection = X509_V_OK;
	fine = store != NULL && again_prepare(store, c, ssl, cert) && X509_verify_cert(store) == 1;
	verdict = s->objection;
	if (!fine && verdict == X509_V_OK)
		verdict = X509_V_ERR_UNSPECIFIED;
	s->objection = X509_V_OK;
	X509_STORE_CTX_free(store);
	ERR_clear_error();
	return verdict;
}
