/* outbound.c - the contract is in outbound.h: contexts and sessions. What the server's
 * certificates are is judged in outbound_peer.c, put into words in outbound_text.c. */
#include "common/tls/outbound.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tls/inside.h"
#include "common/tls/outbound_dane.h"
#include "common/tls/outbound_peer.h"
#include "common/tls/pem.h"
#include "common/tls/protocol.h"

enum { CIPHERS_MAX = 4096 };	/* bytes */

/* --- the policy, for a client ---------------------------------------------- */

/* The highest version that is left, and those below it down to the first hole. */
static unsigned block_of(unsigned versions)
{
	unsigned bit = TLS_1_3, block = 0;

	while (bit != 0 && (versions & bit) == 0)
		bit >>= 1;
	for (; (versions & bit) != 0; bit >>= 1)
		block |= bit;
	return block;
}

static void hole_warn(const struct tls_policy *p, unsigned block, tls_warn warn, void *arg)
{
	char text[80], words[256];

	if (warn == NULL || block == tls_policy_versions(p))
		return;
	tls_versions_text(block, text, sizeof(text));
	snprintf(words, sizeof(words), "SecureLayOption %u leaves a hole: to other servers we offer %s", p->forbidden,
		 text);
	warn(arg, words);
}

static int policy_apply(SSL_CTX *ctx, const struct tls_policy *p, struct error *err)
{
	struct tls_policy ours = *p;
	struct buf ciphers;
	int rc;

	buf_init(&ciphers, CIPHERS_MAX);
	buf_printf(&ciphers, "%s%s", p->ciphers, strcmp(p->profile, "epost") == 0 ? "" : ":!kRSA");
	buf_put_byte(&ciphers, '\0');
	ours.ciphers = (const char *)ciphers.p;
	if (ciphers.failed)
		rc = error_set(err, -EINVAL, "CipherList: too long, or no memory for it");
	else
		rc = tls_protocol_apply(ctx, &ours, err);
	buf_clear(&ciphers);
	return rc;
}

/* --- what it is made of ---------------------------------------------------- */

static int authorities_set(SSL_CTX *ctx, struct span text, struct error *err)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	STACK_OF(X509) *list;
	int rc;

	if (text.n == 0)
		return SSL_CTX_set_default_verify_paths(ctx) == 1
			       ? 0
			       : error_set(err, -EINVAL, "OpenSSL does not find the authorities of the system");
	rc = tls_pem_certificates(&list, text, "the list of authorities", err);
	for (int i = 0; rc == 0 && i < sk_X509_num(list); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(list, i)) != 1)
			rc = error_set(err, -EINVAL, "the list of authorities: OpenSSL does not take number %d",
				       i + 1);
	if (rc == 0)
		sk_X509_pop_free(list, X509_free);
	/* An intermediate authority in the list is trusted by itself. */
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	return rc;
}

static int pair_set(SSL_CTX *ctx, const struct tls_pair *pair, const struct tls_policy *p, tls_warn warn,
		    void *arg, struct error *err)
{
	struct tls_identity id;
	char weak[240];
	int rc = tls_identity_load(&id, pair, err);

	if (rc < 0)
		return rc;
	tls_identity_warn(&id, warn, arg);
	if (id.fits < p->level) {
		tls_identity_weakest(&id, weak, sizeof(weak));
		rc = error_set(err, -EINVAL, "%s (%s): too weak for SecureLevel %u; set %u or get a stronger one",
			       pair->certificate_name, weak, p->level, id.fits);
	} else {
		rc = tls_identity_use(&id, ctx, err);
	}
	tls_identity_clear(&id);
	return rc;
}

static void options_set(SSL_CTX *ctx, enum tls_outbound_verify verify)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify == TLS_OUTBOUND_REQUIRE ? tls_outbound_peer_require
									     : tls_outbound_peer_note,
					 NULL);
}

static int context_fill(struct tls_context *c, const struct tls_policy *p, enum tls_outbound_verify verify,
			const struct tls_outbound_material *m, tls_warn warn, void *arg, struct error *err)
{
	int rc;

	c->outbound = SSL_CTX_new(TLS_client_method());
	if (c->outbound == NULL)
		return error_set(err, -ENOMEM, "no memory for a TLS context");
	rc = policy_apply(c->outbound, p, err);
	if (rc == 0)
		rc = authorities_set(c->outbound, m->authorities, err);
	if (rc == 0 && m->pair != NULL)
		rc = pair_set(c->outbound, m->pair, p, warn, arg, err);
	if (rc == 0)
		rc = tls_outbound_dane_allow(c->outbound, err);
	options_set(c->outbound, verify);
	return rc;
}

int tls_outbound_new(struct tls_context **out, const struct tls_policy *p, enum tls_outbound_verify verify,
		     const struct tls_outbound_material *m, tls_warn warn, void *arg, struct error *err)
{
	struct tls_context *c = calloc(1, sizeof(*c));
	struct tls_policy ours = *p;
	unsigned block = block_of(tls_policy_versions(p));
	int rc;

	*out = NULL;
	if (c == NULL)
		return error_set(err, -ENOMEM, "no memory for a TLS context");
	if (block != 0)
		ours.forbidden = (TLS_SSL2 | TLS_SSL3 | TLS_1_0 | TLS_1_1 | TLS_1_2 | TLS_1_3) & ~block;
	c->holders = 1;
	c->policy = ours;
	c->policy.ciphers = c->policy.suites = c->policy.groups = NULL;
	c->policy.tickets = c->policy.explain_refusal = false;
	rc = context_fill(c, &ours, verify, m, warn, arg, err);
	ERR_clear_error();
	if (rc < 0) {
		tls_context_drop(c);
		return rc;
	}
	hole_warn(p, block, warn, arg);
	*out = c;
	return 0;
}

/* --- a session ------------------------------------------------------------- */

static bool is_address(const char *host)
{
	uint8_t any[16];

	return inet_pton(AF_INET, host, any) == 1 || inet_pton(AF_INET6, host, any) == 1;
}

/* RFC 6066 3: SNI is for names, without a dot at the end, and not for addresses. */
static int host_set(struct tls_session *s, const char *host, struct error *err)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(s->ssl);
	char name[TLS_NAME_MAX];

	if (is_address(host))
		return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1
			       ? 0
			       : error_set(err, -ENOMEM, "no memory for the address of a server");
	if (!tls_name_fold(name, span_of(host)))
		return error_set(err, -EINVAL, "what is to be connected to is neither a host's name nor an address");
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_host(param, name, 0) != 1 || SSL_set_tlsext_host_name(s->ssl, name) != 1)
		return error_set(err, -ENOMEM, "no memory for the name of a server");
	tls_facts_name(s, span_of(name));
	return 0;
}

/* A version that the context does not offer (the policy was changed since) asks for nothing. */
static int version_set(struct tls_session *s, unsigned version, struct error *err)
{
	int number = tls_protocol_number((enum tls_version)version);

	if ((tls_policy_versions(&s->context->policy) & version) == 0)
		return 0;
	if (SSL_set_min_proto_version(s->ssl, number) != 1 || SSL_set_max_proto_version(s->ssl, number) != 1)
		return error_set(err, -EINVAL, "OpenSSL does not offer that version of TLS alone");
	s->alone = version;
	return 0;
}

unsigned tls_outbound_lower(const struct tls_context *c, unsigned version)
{
	unsigned offered = tls_policy_versions(&c->policy), bit = TLS_1_3;

	while (bit != 0 && (offered & bit) == 0)
		bit >>= 1;	/* now the highest that is offered */
	if (version != 0 && version < bit)
		bit = version;
	return bit >> 1 & offered;	/* one block: below it comes the next, or nothing */
}

static int wish_apply(struct tls_session *s, const struct tls_outbound_wish *wish, struct error *err)
{
	int rc = version_set(s, wish->version, err);

	if (rc == 0 && wish->dane != NULL)
		return tls_outbound_dane_set(s, wish->dane, err);
	return rc == 0 && wish->host != NULL ? host_set(s, wish->host, err) : rc;
}

int tls_outbound_begin(struct tls_session **out, struct tls_context *c, const struct tls_outbound_wish *wish,
		       struct error *err)
{
	struct tls_session *s;
	int rc = tls_session_make(&s, c, SSL_new(c->outbound), err);

	*out = NULL;
	if (rc < 0)
		return rc;
	SSL_set_connect_state(s->ssl);
	s->begun = true;	/* a server begins with no SSL 2.0 hello */
	rc = wish_apply(s, wish, err);
	if (rc == 0) {
		tls_session_shake(s);
		if (s->status == TLS_FAILED)
			rc = error_set(err, -EPROTO, "OpenSSL makes no ClientHello out of the policy: %s",
				       ERR_reason_error_string(s->error));
	}
	ERR_clear_error();
	if (rc < 0) {
		tls_session_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

int tls_outbound_session(struct tls_session **out, struct tls_context *c, const char *host, struct error *err)
{
	return tls_outbound_begin(out, c, &(struct tls_outbound_wish){ .host = host }, err);
}

int tls_outbound_session_dane(struct tls_session **out, struct tls_context *c, const struct tls_outbound_dane *dane,
			      struct error *err)
{
	return tls_outbound_begin(out, c, &(struct tls_outbound_wish){ .dane = dane }, err);
}

const char *tls_outbound_peer_trouble(const struct tls_session *s)
{
	return s->peer_trouble != NULL ? s->peer_trouble : "";
}
