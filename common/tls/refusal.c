/* refusal.c - the contract is in refusal.h. */
#include "common/tls/refusal.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tls/bio.h"
#include "common/tls/cause.h"
#include "common/tls/inside.h"
#include "common/tls/protocol.h"

enum {
	HELLO_MAX = 65536,	/* bytes of a ClientHello that are kept */
	ALERT = 7,		/* bytes of an alert in clear: record header, level, number */
	ALERT_TYPE = 21
};

struct tls_refusal {
	struct tls_choice *choice;
};

struct tls_second {
	struct buf hello;
	bool begun;
	unsigned cause;
	uint8_t alert[ALERT];
};

/* What the policy alone can refuse, and how the client is told. */
static const struct {
	const char *cause, *words;
} told[] = {
	{ "version-too-old", "this server takes {takes}, your program offers {offer}; update it" },
	{ "level-bars-version", "this server takes {takes}, your program offers {offer}; update it" },
	{ "version-too-new",
	  "this server takes {takes}, your program offers {offer}; allow an older version in it, or ask this server's "
	  "administrator" },
	{ "no-common-version", "this server takes {takes}, your program offers {offer}; update it" },
	{ "no-common-cipher", "this server and your program have no cipher in common; update it" },
	{ "no-common-group", "this server takes none of the groups that your program offers ({groups}); update it" },
	{ "no-common-signature", "your program can't check signatures as strong as this server's; update it" },
};

/* --- the context ----------------------------------------------------------- */

static int on_name(SSL *ssl, int *alert, void *arg)
{
	const struct tls_session *s = tls_session_of(ssl);
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	SSL_CTX *ctx = tls_choice_find(s->context->refusal->choice, span_of(name));

	(void)alert;
	(void)arg;
	if (ctx == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	return SSL_set_SSL_CTX(ssl, ctx) != NULL ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* No tickets, no client certificates, no ALPN: nothing that could outlive the one line. */
static int make(void *arg, SSL_CTX **out, struct error *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	struct tls_policy all;
	int rc;

	(void)arg;
	*out = ctx;
	if (ctx == NULL || !tls_policy_profile(&all, "epost"))
		return error_set(err, -ENOMEM, "no memory for a TLS context");
	all.forbidden = TLS_SSL2 | TLS_SSL3;
	all.level = 0;
	all.ciphers = "ALL:!aNULL:!eNULL";
	all.groups = "X25519MLKEM768:X25519:P-256:P-384:P-521:X448:secp224r1:ffdhe2048:ffdhe3072:ffdhe4096:"
		     "brainpoolP256r1:brainpoolP384r1:brainpoolP512r1:secp256k1";
	rc = tls_protocol_apply(ctx, &all, err);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_max_early_data(ctx, 0);
	SSL_CTX_set_dh_auto(ctx, 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	return rc;
}

int tls_refusal_new(struct tls_refusal **out, struct tls_identity *identities, size_t count, struct error *err)
{
	struct tls_refusal *r = calloc(1, sizeof(*r));
	int rc;

	*out = NULL;
	if (r == NULL)
		return error_set(err, -ENOMEM, "no memory for ExplainRefusal");
	rc = tls_choice_new(&r->choice, identities, count, make, NULL, err);
	for (size_t i = 0; i < count; i++)
		identities[i].used = false;
	if (rc < 0) {
		free(r);
		return error_context(err, "ExplainRefusal");
	}
	*out = r;
	return 0;
}

void tls_refusal_free(struct tls_refusal *r)
{
	if (r == NULL)
		return;
	tls_choice_free(r->choice);
	free(r);
}

/* --- the session ----------------------------------------------------------- */

struct tls_second *tls_second_new(void)
{
	struct tls_second *t = calloc(1, sizeof(*t));

	if (t != NULL)
		buf_init(&t->hello, HELLO_MAX);
	return t;
}

void tls_second_free(struct tls_second *t)
{
	if (t == NULL)
		return;
	buf_clear(&t->hello);
	free(t);
}

void tls_second_keep(struct tls_session *s, struct span in)
{
	if (s->second != NULL && !s->second->begun && s->written == 0)
		buf_put(&s->second->hello, in);
}

static const char *words_for(unsigned cause)
{
	const char *name = tls_cause_at(cause)->name;

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		if (strcmp(told[i].cause, name) == 0)
			return told[i].words;
	return NULL;
}

/* RFC 8446 6: the record of an alert, in clear; and nothing went out before it. */
static bool alert_alone(const struct tls_session *s)
{
	struct span out = tls_session_out(s);

	return s->written == ALERT && out.n == ALERT && out.p[0] == ALERT_TYPE;
}

static void buffers_renew(struct tls_session *s, struct span hello)
{
	buf_clear(&s->in);
	buf_clear(&s->out);
	s->out_sent = s->unasked = s->written = 0;
	s->in_used = s->in_whole = 0;
	s->begun = s->raw = false;
	buf_put(&s->in, hello);
	tls_bio_frame(s);
}

bool tls_second_begin(struct tls_session *s)
{
	struct tls_second *t = s->second;
	unsigned cause = tls_session_cause(s, TLS_CUT_NO);
	BIO *bio = NULL;
	SSL *ssl;

	if (t == NULL || t->begun || t->hello.failed || !s->hello.seen || !alert_alone(s) ||
	    words_for(cause) == NULL)
		return false;
	ssl = SSL_new(tls_choice_default(s->context->refusal->choice));
	if (ssl != NULL)
		bio = tls_bio_new(s);
	if (bio == NULL) {
		SSL_free(ssl);
		return false;
	}
	SSL_set_bio(ssl, bio, bio);
	SSL_set_accept_state(ssl);
	SSL_free(s->ssl);
	s->ssl = ssl;
	t->begun = true;
	t->cause = cause;
	memcpy(t->alert, tls_session_out(s).p, ALERT);
	buffers_renew(s, buf_span(&t->hello));
	buf_clear(&t->hello);
	s->status = TLS_MORE;
	return !s->in.failed;
}

void tls_second_undo(struct tls_session *s)
{
	buf_clear(&s->out);
	s->out_sent = 0;
	buf_put(&s->out, (struct span){ s->second->alert, ALERT });
}

int tls_second_cause(const struct tls_session *s)
{
	return s->second != NULL && s->second->begun ? (int)s->second->cause : -1;
}

bool tls_session_refused(const struct tls_session *s)
{
	return s->up && tls_second_cause(s) >= 0;
}

void tls_session_refusal(const struct tls_session *s, char *out, size_t size)
{
	int cause = tls_second_cause(s);
	struct buf words;

	out[0] = '\0';
	if (cause < 0)
		return;
	buf_init(&words, 1024);
	tls_explain_fill(s, words_for((unsigned)cause), &words);
	snprintf(out, size, "%.*s", (int)words.n, words.n > 0 ? (const char *)words.p : "");
	buf_clear(&words);
}
