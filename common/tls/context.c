/* context.c - the contract is in context.h. */
#include "common/tls/context.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/tls/inside.h"
#include "common/tls/protocol.h"

enum { LEAFS_MAX = 65536 };	/* bytes of fingerprints */
enum { NUMBER_OF_TICKETS = 1 };	/* a client gets a fresh one at each resumption */

/* What the sets of one context are made from. */
struct plan {
	struct tls_context *context;
	const struct tls_policy *policy;
};

/* --- callbacks: OpenSSL asks in the middle of a handshake ------------------ */

static int on_hello(SSL *ssl, int *alert, void *arg)
{
	struct tls_session *s = tls_session_of(ssl);

	(void)alert;
	(void)arg;
	tls_hello_read(&s->hello, ssl);
	tls_facts_name(s, tls_hello_name(ssl));
	return SSL_CLIENT_HELLO_SUCCESS;
}

static int on_name(SSL *ssl, int *alert, void *arg)
{
	struct tls_session *s = tls_session_of(ssl);
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	SSL_CTX *ctx = tls_choice_find(s->context->choice, span_of(name));

	(void)alert;
	(void)arg;
	/* RFC 6066 3: a name that nobody has is no reason to refuse. */
	if (ctx == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	return SSL_set_SSL_CTX(ssl, ctx) != NULL ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* RFC 6066 8. OpenSSL has picked the certificate by now. */
static int on_status(SSL *ssl, void *arg)
{
	const struct tls_session *s = tls_session_of(ssl);
	X509 *cert = SSL_get_certificate(ssl);
	struct span found = { NULL, 0 };
	uint8_t *copy;

	(void)arg;
	if (cert != NULL)
		found = tls_staples_find(s->context->staples, cert, clock_real_ms() / 1000);
	copy = found.n > 0 ? OPENSSL_memdup(found.p, found.n) : NULL;
	if (copy == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)found.n);	/* keeps it */
	return SSL_TLSEXT_ERR_OK;
}

/* RFC 7301 3.2: a client that names protocols, none of them ours, is at the wrong
 * door (or was led there: ALPACA). */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
		   unsigned n, void *arg)
{
	struct tls_session *s = tls_session_of(ssl);
	struct span rest = { in, n };

	(void)arg;
	while (rest.n > 0) {
		size_t length = span_take(&rest, 1).p[0];
		struct span one = span_take(&rest, length);

		if (!span_is(one, s->context->alpn))
			continue;
		*out = one.p;
		*out_n = (unsigned char)one.n;
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int on_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
			 EVP_MAC_CTX *mac, int sealing)
{
	const struct tls_session *s = tls_session_of(ssl);

	if (sealing)
		return tls_seal_new(&s->context->seal, name, iv, cipher, mac);
	return tls_seal_open(&s->context->seal, name, iv, cipher, mac);
}

/* A resumed session skips the client's certificate: it is looked at again here, with
 * the dates and revocation lists of today. One that is no longer good is not resumed,
 * and the full handshake that follows says why (or refuses). */
static SSL_TICKET_RETURN on_ticket(SSL *ssl, SSL_SESSION *old, const unsigned char *name, size_t name_n,
				   SSL_TICKET_STATUS status, void *arg)
{
	const struct tls_session *s = tls_session_of(ssl);
	const struct tls_context *c = s->context;
	X509 *cert;

	(void)name;
	(void)name_n;
	(void)arg;
	if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	cert = SSL_SESSION_get0_peer(old);
	if (c->policy.verify == TLS_VERIFY_REQUIRE && cert == NULL)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	if (cert != NULL && (c->client.store == NULL ||
			     tls_client_again(&c->client, SSL_get_SSL_CTX(ssl), cert, NULL) != X509_V_OK))
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	/* RFC 8446 C.4: clients use a ticket once, so each resumption brings the next one. */
	if (status == SSL_TICKET_SUCCESS && SSL_version(ssl) < TLS1_3_VERSION)
		return SSL_TICKET_RETURN_USE;
	return SSL_TICKET_RETURN_USE_RENEW;
}

/* --- one SSL_CTX ----------------------------------------------------------- */

/* Some cipher of the list exchanges keys by DHE. */
static bool dhe_listed(const SSL_CTX *ctx)
{
	STACK_OF(SSL_CIPHER) *list = SSL_CTX_get_ciphers(ctx);

	for (int i = 0; i < sk_SSL_CIPHER_num(list); i++)
		if (SSL_CIPHER_get_kx_nid(sk_SSL_CIPHER_value(list, i)) == NID_kx_dhe)
			return true;
	return false;
}

static void options_set(SSL_CTX *ctx, const struct tls_policy *p)
{
	SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
					 SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					 SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION |
					 SSL_OP_CLEANSE_PLAINTEXT);
	/* openssl.cnf could have allowed both. */
	SSL_CTX_clear_options(ctx, SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION |
					   SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
	if (!p->tickets)
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	/* NO_AUTO_CHAIN: else OpenSSL would complete our chain from ClientCA. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_max_early_data(ctx, 0);
	SSL_CTX_set_dh_auto(ctx, dhe_listed(ctx));
}

static int sessions_set(SSL_CTX *ctx, const struct tls_policy *p, const struct tls_context *c,
			struct error *err)
{
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ctx, p->ticket_lifetime_s);
	SSL_CTX_set_num_tickets(ctx, p->tickets ? NUMBER_OF_TICKETS : 0);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket_key);
	SSL_CTX_set_session_ticket_cb(ctx, NULL, on_ticket, NULL);
	/* Without it a session whose client was verified can't be resumed at all. */
	if (SSL_CTX_set_session_id_context(ctx, c->place, sizeof(c->place)) != 1)
		return error_set(err, -EINVAL, "OpenSSL does not take the session id context");
	return 0;
}

static int make(void *arg, SSL_CTX **out, struct error *err)
{
	const struct plan *plan = arg;
	struct tls_context *c = plan->context;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int rc;

	*out = ctx;
	if (ctx == NULL)
		return error_set(err, -ENOMEM, "no memory for a TLS context");
	rc = tls_protocol_apply(ctx, plan->policy, err);
	if (rc == 0)
		rc = sessions_set(ctx, plan->policy, c, err);
	if (rc == 0)
		rc = tls_client_apply(&c->client, ctx, plan->policy, err);
	options_set(ctx, plan->policy);
	SSL_CTX_set_client_hello_cb(ctx, on_hello, NULL);
	SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	SSL_CTX_set_tlsext_status_cb(ctx, on_status);
	if (c->alpn[0] != '\0')
		SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	return rc;
}

/* --- certificates ---------------------------------------------------------- */

static void weak_text(const struct tls_identity *id, const struct tls_policy *p, char *out, size_t size)
{
	char what[240];

	tls_identity_weakest(id, what, sizeof(what));
	snprintf(out, size, "%s (%s): too weak for SecureLevel %u, its keys and signatures fit %u at most",
		 id->file, what, p->level, id->fits);
}

/* Moves those that the level allows to the front of ids; *count is how many. */
static int weak_drop(struct tls_identity *ids, size_t *count, const struct tls_policy *p, tls_warn warn,
		     void *arg, struct error *err)
{
	size_t left = 0, best = 0;
	char words[400];

	for (size_t i = 0; i < *count; i++) {
		struct tls_identity id = ids[i];

		if (id.fits > ids[best].fits)
			best = i;
		if (id.fits < p->level)
			continue;
		ids[i] = ids[left];
		ids[left++] = id;
	}
	if (left == 0) {
		weak_text(&ids[best], p, words, sizeof(words));
		return error_set(err, -EINVAL, "no certificate is left: %s; set SecureLevel %u or get a stronger one",
				 words, ids[best].fits);
	}
	for (size_t i = left; i < *count && warn != NULL; i++) {
		size_t used;

		weak_text(&ids[i], p, words, sizeof(words));
		used = strlen(words);
		snprintf(words + used, sizeof(words) - used, "; it is left out");
		warn(arg, words);
	}
	for (size_t i = left; i < *count; i++)
		tls_identity_clear(&ids[i]);
	*count = left;
	return 0;
}

static void identities_warn(const struct tls_identity *ids, size_t count, tls_warn warn, void *arg)
{
	char words[400];

	for (size_t i = 0; i < count && warn != NULL; i++) {
		tls_identity_warn(&ids[i], warn, arg);
		if (ids[i].used)
			continue;
		snprintf(words, sizeof(words),
			 "%s: never used, an earlier certificate has the same names and kind of key", ids[i].file);
		warn(arg, words);
	}
}

static int identities_load(struct tls_identity *ids, const struct tls_material *m, struct error *err)
{
	for (size_t i = 0; i < m->pair_count; i++) {
		int rc = tls_identity_load(&ids[i], &m->pairs[i], err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int leafs_note(struct tls_context *c, const struct tls_identity *ids, size_t count, struct error *err)
{
	char print[TLS_PRINT_TEXT];

	for (size_t i = 0; i < count; i++) {
		if (!ids[i].used)
			continue;
		if (!tls_print_text(print, ids[i].leaf))
			c->leafs.failed = true;
		buf_printf(&c->leafs, "%s\n", print);
	}
	return c->leafs.failed ? error_set(err, -ENOMEM, "no memory for fingerprints") : 0;
}

static int choice_make(struct tls_context *c, const struct tls_policy *p, const struct tls_material *m,
		       tls_warn warn, void *arg, struct error *err)
{
	struct tls_identity *ids = calloc(m->pair_count, sizeof(*ids));
	struct plan plan = { c, p };
	size_t count = m->pair_count;
	int rc;

	if (ids == NULL)
		return error_set(err, -ENOMEM, "no memory for %zu certificates", m->pair_count);
	rc = identities_load(ids, m, err);
	if (rc == 0)
		rc = tls_identities_complete(ids, count, p->level, err);
	if (rc == 0 && p->explain_refusal)
		rc = tls_refusal_new(&c->refusal, ids, count, err);
	if (rc == 0)
		rc = weak_drop(ids, &count, p, warn, arg, err);
	if (rc == 0)
		rc = tls_choice_new(&c->choice, ids, count, make, &plan, err);
	if (rc == 0)
		rc = tls_staples_load(&c->staples, m, ids, count, warn, arg, err);
	if (rc == 0)
		rc = leafs_note(c, ids, count, err);
	if (rc == 0)
		identities_warn(ids, count, warn, arg);
	for (size_t i = 0; i < count && rc == 0; i++)
		c->kinds |= 1U << ids[i].kind;
	for (size_t i = 0; i < m->pair_count; i++)
		tls_identity_clear(&ids[i]);
	free(ids);
	return rc;
}

/* --- the context ----------------------------------------------------------- */

/* Tickets and sessions of another port, another set of authorities or another
 * VerifyClient mean nothing here. */
static bool place_make(uint8_t place[TLS_PLACE], const struct tls_policy *p, const struct tls_material *m)
{
	const uint8_t verify = (uint8_t)p->verify;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	struct span listen = span_of(m->listen);
	bool done;

	done = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
	       EVP_DigestUpdate(md, listen.p, listen.n) == 1 && EVP_DigestUpdate(md, "", 1) == 1 &&
	       EVP_DigestUpdate(md, &verify, 1) == 1 &&
	       EVP_DigestUpdate(md, m->client_ca.p, m->client_ca.n) == 1 &&
	       EVP_DigestFinal_ex(md, place, NULL) == 1;
	EVP_MD_CTX_free(md);
	return done;
}

/* Keys of its own until tls_context_tickets brings the site's. */
static void own_keys(struct tls_context *c)
{
	struct tls_tickets t = { 0 };

	tls_tickets_rotate(&t, clock_real_ms() / 1000);
	tls_seal_derive(&c->seal, &t, c->place);
	OPENSSL_cleanse(&t, sizeof(t));
}

static int context_fill(struct tls_context *c, const struct tls_policy *p, const struct tls_material *m,
			tls_warn warn, void *arg, struct error *err)
{
	int rc;

	if (m->pair_count == 0)
		return error_set(err, -EINVAL, "no Certificate is configured for this port");
	if (m->alpn != NULL && strlen(m->alpn) >= TLS_ALPN_MAX)
		return error_set(err, -EINVAL, "the ALPN name %s is too long", m->alpn);
	snprintf(c->alpn, sizeof(c->alpn), "%s", m->alpn != NULL ? m->alpn : "");
	if (!place_make(c->place, p, m))
		return error_set(err, -ENOMEM, "no memory for a TLS context");
	rc = tls_protocol_try(p, NULL, NULL, err);
	if (rc == 0)
		rc = tls_client_load(&c->client, p, m, warn, arg, err);
	if (rc == 0)
		rc = choice_make(c, p, m, warn, arg, err);
	if (rc == 0 && p->tickets)
		own_keys(c);
	return rc;
}

int tls_context_new(struct tls_context **out, const struct tls_policy *p, const struct tls_material *m,
		    tls_warn warn, void *arg, struct error *err)
{
	struct tls_context *c = calloc(1, sizeof(*c));
	int rc;

	*out = NULL;
	if (c == NULL)
		return error_set(err, -ENOMEM, "no memory for a TLS context");
	c->holders = 1;
	buf_init(&c->leafs, LEAFS_MAX);
	c->policy = *p;
	c->policy.ciphers = c->policy.suites = c->policy.groups = NULL;
	rc = context_fill(c, p, m, warn, arg, err);
	ERR_clear_error();
	if (rc < 0) {
		tls_context_drop(c);
		return rc;
	}
	*out = c;
	return 0;
}

struct span tls_context_leafs(const struct tls_context *c)
{
	return buf_span(&c->leafs);
}

struct tls_context *tls_context_hold(struct tls_context *c)
{
	c->holders++;
	return c;
}

void tls_context_drop(struct tls_context *c)
{
	if (c == NULL || --c->holders > 0)
		return;
	tls_choice_free(c->choice);
	tls_refusal_free(c->refusal);
	SSL_CTX_free(c->outbound);
	tls_client_clear(&c->client);
	tls_staples_free(c->staples);
	buf_clear(&c->leafs);
	OPENSSL_cleanse(&c->seal, sizeof(c->seal));
	free(c);
}

void tls_context_tickets(struct tls_context *c, struct span keys)
{
	struct tls_tickets t;

	if (c->policy.tickets && tls_tickets_read(&t, keys)) {
		tls_seal_derive(&c->seal, &t, c->place);
		OPENSSL_cleanse(&t, sizeof(t));
	}
}
