/* view.c - the contract is in view.h: versions, ciphers and groups. Certificates are in
 * view_papers.c, OpenSSL itself in view_openssl.c. */
#include "common/tls/view.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tls/inside.h"
#include "common/tls/protocol.h"
#include "common/tls/trial.h"
#include "common/tls/view_papers.h"

enum { CIPHERS_MAX = 65536, GROUPS_MAX = 4096 };	/* bytes */

static const struct {
	enum tls_version bit;
	const char *name, *protocol;
} versions[TLS_VIEW_VERSIONS] = {
	{ TLS_SSL2, "SSL 2.0", "SSLv2" },   { TLS_SSL3, "SSL 3.0", "SSLv3" },	{ TLS_1_0, "TLS 1.0", "TLSv1" },
	{ TLS_1_1, "TLS 1.1", "TLSv1.1" }, { TLS_1_2, "TLS 1.2", "TLSv1.2" }, { TLS_1_3, "TLS 1.3", "TLSv1.3" },
};

/* What the view is made of. */
struct look {
	const struct tls_policy *policy;
	struct tls_context *context;	/* NULL: it could not be made */
	SSL_CTX *ctx;		/* of clients that ask for no name; NULL without a context */
};

/* --- versions -------------------------------------------------------------- */

/* What mask, level and OpenSSL's build say; false where they have nothing against it. */
static bool barred(const struct look *l, struct tls_view_version *v)
{
	const struct tls_policy *p = l->policy;
	SSL_CTX *taker = NULL;

	if (tls_protocol_number(v->bit) == 0)
		snprintf(v->reason, sizeof(v->reason), "OpenSSL 3 has no %s", v->name);
	else if ((p->forbidden & v->bit) != 0)
		snprintf(v->reason, sizeof(v->reason), "SecureLayOption %u forbids it", p->forbidden);
	else if ((tls_policy_versions(p) & v->bit) == 0)
		snprintf(v->reason, sizeof(v->reason), "works at SecureLevel 0 only, this port has %u", p->level);
	else if (tls_protocol_taker(&taker, v->bit, 0, NULL) < 0)
		snprintf(v->reason, sizeof(v->reason), "this OpenSSL was built without it");
	SSL_CTX_free(taker);
	return v->reason[0] != '\0';
}

/* Gives what of the lists this version has at this level, in their order; NULL: nothing. */
static STACK_OF(SSL_CIPHER) *ciphers_of(SSL_CTX *ctx, enum tls_version version)
{
	int number = tls_protocol_number(version);
	STACK_OF(SSL_CIPHER) *list = NULL;
	SSL *ssl = SSL_new(ctx);

	if (ssl != NULL && SSL_set_min_proto_version(ssl, number) == 1 && SSL_set_max_proto_version(ssl, number) == 1)
		list = SSL_get1_supported_ciphers(ssl);
	SSL_free(ssl);
	if (sk_SSL_CIPHER_num(list) > 0)
		return list;
	sk_SSL_CIPHER_free(list);
	return NULL;
}

static bool cipher_missing(const struct look *l, enum tls_version version)
{
	STACK_OF(SSL_CIPHER) *list = ciphers_of(l->ctx, version);
	bool missing = list == NULL;

	sk_SSL_CIPHER_free(list);
	return missing;
}

/* Static RSA needs no group. */
static bool group_missing(const struct look *l, enum tls_version version)
{
	struct tls_policy alone = *l->policy;
	struct buf fit;
	bool missing;

	alone.forbidden = ~(unsigned)version;
	buf_init(&fit, GROUPS_MAX);
	missing = tls_protocol_groups_fit(&alone, &fit, NULL) == 0 && fit.n == 0;
	buf_clear(&fit);
	return missing;
}

/* OpenSSL says the same of several faults: which one it is. */
static void fault_tell(const struct look *l, struct tls_view_version *v, const char *words)
{
	bool newest = v->bit == TLS_1_3;
	struct tls_view_openssl openssl;

	if (cipher_missing(l, v->bit)) {
		snprintf(v->reason, sizeof(v->reason), "no cipher of %s works with it at SecureLevel %u",
			 newest ? "CipherSuites" : "CipherList", l->policy->level);
		return;
	}
	if (group_missing(l, v->bit)) {
		snprintf(v->reason, sizeof(v->reason), "no group of Groups works with it at SecureLevel %u",
			 l->policy->level);
		return;
	}
	tls_view_openssl(&openssl);
	if (openssl.settings[0] != '\0')
		snprintf(v->reason, sizeof(v->reason), "tried, and failed: %.70s; %.80s holds settings for TLS", words,
			 openssl.config);
	else if (!newest && strcmp(words, "no shared cipher") == 0)
		snprintf(v->reason, sizeof(v->reason), "no certificate of this port works with it; RSA or P-256 would");
	else
		snprintf(v->reason, sizeof(v->reason), "tried, and failed: %.150s", words);
}

static void version_look(const struct look *l, struct tls_view_version *v)
{
	struct error err;

	if (barred(l, v))
		return;
	v->served = l->context == NULL || tls_trial(l->context, v->bit, NULL, &err) == 0;
	if (!v->served)
		fault_tell(l, v, err.words);
}

/* --- ciphers --------------------------------------------------------------- */

/* Each is tried: whether one can be used hangs on the certificates too. */
static void ciphers_look(const struct look *l, const struct tls_view_version *v, struct buf *out)
{
	STACK_OF(SSL_CIPHER) *list = v->served && l->context != NULL ? ciphers_of(l->ctx, v->bit) : NULL;

	for (int i = 0; i < sk_SSL_CIPHER_num(list); i++) {
		const char *name = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(list, i));
		struct tls_trial what = { .version = v->bit, .cipher = name };

		if (tls_trial_of(l->context, &what, NULL) == 0)
			buf_printf(out, "%s %s\n", v->name, name);
	}
	sk_SSL_CIPHER_free(list);
}

/* --- all of it ------------------------------------------------------------- */

int tls_view_make(struct tls_view *v, const struct tls_policy *p, const struct tls_material *m,
		  struct tls_context *c, struct error *err)
{
	struct look l = { .policy = p, .context = c, .ctx = c != NULL ? tls_choice_default(c->choice) : NULL };
	int rc;

	*v = (struct tls_view){ .server_order = true };
	buf_init(&v->ciphers, CIPHERS_MAX);
	buf_init(&v->groups, GROUPS_MAX);
	if (l.ctx != NULL)
		v->server_order = (SSL_CTX_get_options(l.ctx) & SSL_OP_CIPHER_SERVER_PREFERENCE) != 0;
	for (size_t i = 0; i < TLS_VIEW_VERSIONS; i++) {
		v->versions[i] = (struct tls_view_version){
			.bit = versions[i].bit, .name = versions[i].name, .protocol = versions[i].protocol
		};
		version_look(&l, &v->versions[i]);
	}
	for (size_t i = TLS_VIEW_VERSIONS; i-- > 0;)
		ciphers_look(&l, &v->versions[i], &v->ciphers);
	rc = tls_policy_versions(p) != 0 ? tls_protocol_groups_fit(p, &v->groups, err) : 0;
	if (rc == 0)
		rc = tls_view_papers(v, p, m, err);
	ERR_clear_error();
	if (rc < 0)
		tls_view_clear(v);
	return rc;
}

void tls_view_clear(struct tls_view *v)
{
	buf_clear(&v->ciphers);
	buf_clear(&v->groups);
	free(v->certificates);
	v->certificates = NULL;
	v->certificate_count = 0;
}
