/* client.c - the contract is in client.h. */
#include "common/tls/client.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>

#include "common/tls/chain.h"
#include "common/tls/inside.h"
#include "common/tls/pem.h"

enum { CRL_DAYS = 7, ISSUER_MAX = 200 };	/* warned of so long before its end; bytes */

static bool name_known(STACK_OF(X509_NAME) *names, const X509_NAME *name)
{
	for (int i = 0; i < sk_X509_NAME_num(names); i++)
		if (X509_NAME_cmp(sk_X509_NAME_value(names, i), name) == 0)
			return true;
	return false;
}

/* A folder often has the same authority twice, under a name and a hash. */
static bool name_add(STACK_OF(X509_NAME) *names, const X509_NAME *name)
{
	X509_NAME *copy;

	if (name_known(names, name))
		return true;
	copy = X509_NAME_dup(name);
	if (copy != NULL && sk_X509_NAME_push(names, copy) > 0)
		return true;
	X509_NAME_free(copy);
	return false;
}

static int authorities_add(struct tls_client *c, const struct tls_material *m, struct error *err)
{
	STACK_OF(X509) *list;
	int rc = tls_pem_certificates(&list, m->client_ca, "ClientCA", err);

	if (rc < 0)
		return rc;
	for (int i = 0; i < sk_X509_num(list) && rc == 0; i++) {
		X509 *ca = sk_X509_value(list, i);

		if (!name_add(c->names, X509_get_subject_name(ca)))
			rc = error_set(err, -ENOMEM, "no memory for ClientCA");
		else if (X509_STORE_add_cert(c->store, ca) != 1)
			rc = error_set(err, -EINVAL, "ClientCA: OpenSSL does not take certificate %d in it", i + 1);
	}
	sk_X509_pop_free(list, X509_free);
	return rc;
}

/* The same authority has one that holds longer: OpenSSL takes that. */
static bool list_replaced(STACK_OF(X509_CRL) *lists, const X509_CRL *crl)
{
	for (int i = 0; i < sk_X509_CRL_num(lists); i++) {
		const X509_CRL *one = sk_X509_CRL_value(lists, i);
		const ASN1_TIME *end = X509_CRL_get0_nextUpdate(one);

		if (X509_NAME_cmp(X509_CRL_get_issuer(one), X509_CRL_get_issuer(crl)) == 0 &&
		    (end == NULL || ASN1_TIME_compare(end, X509_CRL_get0_nextUpdate(crl)) > 0))
			return true;
	}
	return false;
}

static void list_warn(const X509_CRL *crl, tls_warn warn, void *arg)
{
	const ASN1_TIME *begin = X509_CRL_get0_lastUpdate(crl), *end = X509_CRL_get0_nextUpdate(crl);
	char issuer[ISSUER_MAX], date[TLS_DATE_MAX], words[400];
	int days = 0, seconds = 0;

	tls_dn_text(X509_CRL_get_issuer(crl), issuer, sizeof(issuer));
	tls_date_text(end, date, sizeof(date));
	words[0] = '\0';
	if (X509_cmp_current_time(begin) > 0) {
		tls_date_text(begin, date, sizeof(date));
		snprintf(words, sizeof(words),
			 "ClientCRL: the list of %s is not valid before %s; until then no certificate of its is good",
			 issuer, date);
	} else if (X509_cmp_current_time(end) < 0) {
		snprintf(words, sizeof(words),
			 "ClientCRL: the list of %s expired on %s; until it is renewed no certificate of its is good",
			 issuer, date);
	} else if (ASN1_TIME_diff(&days, &seconds, NULL, end) == 1 && days < CRL_DAYS) {
		snprintf(words, sizeof(words),
			 "ClientCRL: the list of %s expires on %s; if it is not renewed by then no certificate of its "
			 "is good",
			 issuer, date);
	}
	if (words[0] != '\0')
		warn(arg, words);
}

static void lists_warn(STACK_OF(X509_CRL) *lists, tls_warn warn, void *arg)
{
	for (int i = 0; i < sk_X509_CRL_num(lists) && warn != NULL; i++) {
		const X509_CRL *one = sk_X509_CRL_value(lists, i);

		/* RFC 5280 5.1.2.5 wants an end in every list; one without is good for ever. */
		if (X509_CRL_get0_nextUpdate(one) != NULL && !list_replaced(lists, one))
			list_warn(one, warn, arg);
	}
}

static int revocations_add(struct tls_client *c, const struct tls_material *m, tls_warn warn, void *arg,
			   struct error *err)
{
	STACK_OF(X509_CRL) *list;
	int rc = tls_pem_crls(&list, m->client_crl, "ClientCRL", err);

	if (rc < 0)
		return rc;
	for (int i = 0; i < sk_X509_CRL_num(list) && rc == 0; i++)
		if (X509_STORE_add_crl(c->store, sk_X509_CRL_value(list, i)) != 1)
			rc = error_set(err, -EINVAL, "ClientCRL: OpenSSL does not take list %d in it", i + 1);
	X509_STORE_set_flags(c->store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	if (rc == 0)
		lists_warn(list, warn, arg);
	sk_X509_CRL_pop_free(list, X509_CRL_free);
	return rc;
}

static int client_fill(struct tls_client *c, const struct tls_policy *p, const struct tls_material *m, tls_warn warn,
		       void *arg, struct error *err)
{
	int rc = 0;

	c->store = X509_STORE_new();
	c->names = sk_X509_NAME_new_null();
	if (c->store == NULL || c->names == NULL)
		return error_set(err, -ENOMEM, "no memory for ClientCA");
	if (m->client_ca.n > 0)
		rc = authorities_add(c, m, err);
	if (rc == 0 && m->client_crl.n > 0)
		rc = revocations_add(c, m, warn, arg, err);
	if (rc == 0 && p->allow_self_signed)
		rc = tls_prints_load(&c->prints, m->fingerprints, warn, arg, err);
	/* An intermediate authority in ClientCA is trusted by itself. */
	if (rc == 0)
		X509_STORE_set_flags(c->store, X509_V_FLAG_PARTIAL_CHAIN);
	return rc;
}

int tls_client_load(struct tls_client *c, const struct tls_policy *p, const struct tls_material *m, tls_warn warn,
		    void *arg, struct error *err)
{
	int rc;

	*c = (struct tls_client){ NULL, NULL, { 0, NULL } };
	if (p->verify == TLS_VERIFY_NO)
		return 0;
	if (m->client_ca.n == 0 && !p->allow_self_signed)
		return error_set(err, -EINVAL, "VerifyClient %s needs ClientCA, the authorities to check against",
				 p->verify == TLS_VERIFY_REQUIRE ? "require" : "optional");
	rc = client_fill(c, p, m, warn, arg, err);
	if (rc < 0)
		tls_client_clear(c);
	ERR_clear_error();
	return rc;
}

void tls_client_clear(struct tls_client *c)
{
	X509_STORE_free(c->store);
	sk_X509_NAME_pop_free(c->names, X509_NAME_free);
	tls_prints_clear(&c->prints);
	*c = (struct tls_client){ NULL, NULL, { 0, NULL } };
}

/* What OpenSSL objects to does not count here. */
static bool overlooked(const struct tls_client *c, X509_STORE_CTX *store)
{
	int objection = X509_STORE_CTX_get_error(store);
	X509 *cert = X509_STORE_CTX_get0_cert(store);

	/* The client's own certificate needs a list; its authorities are looked up where
	 * there is one. */
	if (objection == X509_V_ERR_UNABLE_TO_GET_CRL && X509_STORE_CTX_get_error_depth(store) > 0)
		return true;
	/* One that signed itself has no authority, and so nobody who would keep a list. */
	return (objection == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT || objection == X509_V_ERR_UNABLE_TO_GET_CRL) &&
	       tls_chain_own(cert) && tls_prints_hold(&c->prints, cert);
}

/* Notes the first objection of a session. Under `optional` nothing stops the
 * handshake: what became of it stands in the facts. */
static int judge(int fine, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_session *s = tls_session_of(ssl);

	if (fine == 1)
		return 1;
	if (overlooked(&s->context->client, store)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	if (s->objection == X509_V_OK)
		s->objection = X509_STORE_CTX_get_error(store);
	return s->context->policy.verify == TLS_VERIFY_OPTIONAL;
}

/* A client picks a certificate by these names; one that signed itself would not be
 * picked, so where those are allowed too nothing is said (RFC 5246 7.4.4: any will do). */
static STACK_OF(X509_NAME) *names_told(const struct tls_client *c, const struct tls_policy *p)
{
	return p->allow_self_signed ? sk_X509_NAME_new_null() : SSL_dup_CA_list(c->names);
}

int tls_client_apply(const struct tls_client *c, SSL_CTX *ctx, const struct tls_policy *p, struct error *err)
{
	STACK_OF(X509_NAME) *names;

	if (c->store == NULL) {
		SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
		return 0;
	}
	names = names_told(c, p);
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

/* A certificate looked at again: against what, and the first objection. */
struct hearing {
	const struct tls_client *client;
	int objection;
};

static int judge_again(int fine, X509_STORE_CTX *store)
{
	struct hearing *h = X509_STORE_CTX_get_app_data(store);

	if (fine == 1)
		return 1;
	if (overlooked(h->client, store)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	if (h->objection == X509_V_OK)
		h->objection = X509_STORE_CTX_get_error(store);
	return 0;
}

/* As OpenSSL does it for a full handshake. False: nothing was verified. */
static bool again_prepare(X509_STORE_CTX *store, struct hearing *h, SSL_CTX *ctx, X509 *cert, STACK_OF(X509) *sent)
{
	X509_VERIFY_PARAM *param;

	if (X509_STORE_CTX_init(store, h->client->store, cert, sent) != 1 ||
	    X509_STORE_CTX_set_app_data(store, h) != 1 || X509_STORE_CTX_set_default(store, "ssl_client") != 1)
		return false;
	param = X509_STORE_CTX_get0_param(store);
	X509_VERIFY_PARAM_set_auth_level(param, SSL_CTX_get_security_level(ctx));
	X509_STORE_CTX_set_verify_cb(store, judge_again);
	return X509_VERIFY_PARAM_set1(param, SSL_CTX_get0_param(ctx)) == 1;
}

int tls_client_again(const struct tls_client *c, SSL_CTX *ctx, X509 *cert, STACK_OF(X509) *sent)
{
	X509_STORE_CTX *store = X509_STORE_CTX_new();
	struct hearing h = { c, X509_V_OK };
	bool fine = store != NULL && again_prepare(store, &h, ctx, cert, sent) && X509_verify_cert(store) == 1;

	X509_STORE_CTX_free(store);
	ERR_clear_error();
	if (!fine && h.objection == X509_V_OK)
		return X509_V_ERR_UNSPECIFIED;
	return h.objection;
}

bool tls_session_client_holds(const struct tls_session *s, const struct tls_context *now, const char **why)
{
	X509 *cert = s->up ? SSL_get0_peer_certificate(s->ssl) : NULL;
	bool counts = cert != NULL && s->objection == X509_V_OK;
	int verdict;

	*why = "";
	/* One that was not good under `optional` has opened nothing that could be closed. */
	if (!s->up || now->policy.verify == TLS_VERIFY_NO || (!counts && now->policy.verify == TLS_VERIFY_OPTIONAL))
		return true;
	if (cert == NULL) {
		*why = "a client certificate is required now";
		return false;
	}
	verdict = tls_client_again(&now->client, tls_choice_default(now->choice), cert,
				   SSL_get_peer_cert_chain(s->ssl));
	if (verdict != X509_V_OK)
		*why = X509_verify_cert_error_string(verdict);
	return verdict == X509_V_OK;
}
