/* explain.c - a handshake that failed, in words that somebody can act on.
 *
 * The causes are rows of the catalogue (cause.c). What a row says must hold beside
 * OpenSSL's reason is tested here; {names} in its words are filled in from the table of
 * blanks. */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/ascii.h"
#include "common/base/escape.h"
#include "common/tls/cause_row.h"
#include "common/tls/inside.h"

/* What is to be explained. Without a session: there was no handshake, just first bytes. */
struct story {
	const struct tls_session *s;
	enum tls_cut cut;
	const char *daemon;
	struct span first;
};

/* --- what else must hold --------------------------------------------------- */

static bool level_bars(const struct story *t)
{
	unsigned barred = TLS_1_0 | TLS_1_1;

	return t->s->context->policy.level > 0 &&
	       (t->s->hello.versions & barred & ~t->s->context->policy.forbidden) != 0;
}

/* A higher version has a higher bit: the lowest that the client offers is above all that we take. */
static bool too_new(const struct story *t)
{
	unsigned offered = t->s->hello.versions, taken = tls_policy_versions(&t->s->context->policy);

	if (offered == 0)
		return t->s->hello.listed;	/* versions that nobody knew when this was written */
	return (offered & (0 - offered)) > taken;
}

static bool hole(const struct story *t)
{
	unsigned offered = t->s->hello.versions, taken = tls_policy_versions(&t->s->context->policy);

	return t->s->hello.listed && offered > taken;
}

/* Not TLS 1.3, whose ciphers say nothing of key exchange and certificates. */
static bool old_hello(const struct story *t)
{
	return t->s->hello.seen && SSL_version(t->s->ssl) < TLS1_3_VERSION;
}

static bool static_only(const struct story *t)
{
	return old_hello(t) && !t->s->hello.ecdhe;
}

static bool no_group(const struct story *t)
{
	return t->s->hello.group_count > 0 && SSL_get_shared_group(t->s->ssl, -1) == 0;
}

static bool cbc_only(const struct story *t)
{
	return old_hello(t) && !t->s->hello.aead;
}

static bool wants_rsa(const struct story *t)
{
	return old_hello(t) && !t->s->hello.ecdsa && (t->s->context->kinds & 1U << TLS_KIND_RSA) == 0;
}

static bool wants_ecdsa(const struct story *t)
{
	return old_hello(t) && !t->s->hello.rsa && (t->s->context->kinds & 1U << TLS_KIND_EC) == 0;
}

static bool ours_expired(const struct story *t)
{
	const X509 *ours = SSL_get_certificate(t->s->ssl);

	return ours != NULL && X509_cmp_time(X509_get0_notAfter(ours), NULL) < 0;
}

static bool stranger(const struct story *t)
{
	int o = t->s->objection;

	return o == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT || o == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	       o == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE || o == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
	       o == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;
}

static bool expired(const struct story *t)
{
	return t->s->objection == X509_V_ERR_CERT_HAS_EXPIRED;
}

static bool revoked(const struct story *t)
{
	return t->s->objection == X509_V_ERR_CERT_REVOKED;
}

static bool list_stale(const struct story *t)
{
	return t->s->objection == X509_V_ERR_CRL_HAS_EXPIRED || t->s->objection == X509_V_ERR_UNABLE_TO_GET_CRL;
}

/* Letters, spaces and line ends: somebody greets us in clear. */
static bool plain_text(const struct story *t)
{
	for (size_t i = 0; i < t->first.n; i++) {
		uint8_t c = t->first.p[i];

		if ((ascii_control(c) && c != '\r' && c != '\n' && c != '\t') || c >= 0x80)
			return false;
	}
	return t->first.n > 0;
}

static bool after_hello(const struct story *t)
{
	return t->s->hello.seen;
}

static bool alert_received(const struct story *t)
{
	return ERR_GET_LIB(t->s->error) == ERR_LIB_SSL && ERR_GET_REASON(t->s->error) >= SSL_AD_REASON_OFFSET;
}

static bool alert_sent(const struct story *t)
{
	return t->s->alert >> 8 == SSL3_AL_FATAL && (t->s->alert & 0xff) != SSL_AD_INTERNAL_ERROR;
}

static bool renegotiation(const struct story *t)
{
	return t->s->renegotiating;
}

static bool troubled(const struct story *t)
{
	return t->s->trouble != NULL;
}

static bool eof_silent(const struct story *t)
{
	return t->cut == TLS_CUT_EOF && t->first.n == 0;
}

static bool eof_early(const struct story *t)
{
	return t->cut == TLS_CUT_EOF && !t->s->hello.seen;
}

/* RFC 8446 4.1.4: our answer to its hello was a HelloRetryRequest. */
static bool eof_retry(const struct story *t)
{
	return t->cut == TLS_CUT_EOF && t->s->hello.seen && !t->s->answered &&
	       SSL_version(t->s->ssl) >= TLS1_3_VERSION;
}

static bool eof_expired(const struct story *t)
{
	return t->cut == TLS_CUT_EOF && !t->s->up && ours_expired(t);
}

static bool eof_late(const struct story *t)
{
	return t->cut == TLS_CUT_EOF && !t->s->up;
}

static bool time_silent(const struct story *t)
{
	return t->cut == TLS_CUT_TIME && t->first.n == 0;
}

static bool time_plain(const struct story *t)
{
	return t->cut == TLS_CUT_TIME && !t->s->hello.seen && plain_text(t);
}

static bool time_early(const struct story *t)
{
	return t->cut == TLS_CUT_TIME && !t->s->hello.seen;
}

static bool time_late(const struct story *t)
{
	return t->cut == TLS_CUT_TIME && !t->s->up;
}

static bool closed(const struct story *t)
{
	return t->s->status == TLS_FAILED && !t->s->up;
}

static bool (*const holds[WHEN_COUNT])(const struct story *t) = {
	[WHEN_LEVEL_BARS] = level_bars,
	[WHEN_TOO_NEW] = too_new,
	[WHEN_HOLE] = hole,
	[WHEN_STATIC_ONLY] = static_only,
	[WHEN_NO_GROUP] = no_group,
	[WHEN_CBC_ONLY] = cbc_only,
	[WHEN_WANTS_RSA] = wants_rsa,
	[WHEN_WANTS_ECDSA] = wants_ecdsa,
	[WHEN_OURS_EXPIRED] = ours_expired,
	[WHEN_STRANGER] = stranger,
	[WHEN_EXPIRED] = expired,
	[WHEN_REVOKED] = revoked,
	[WHEN_LIST_STALE] = list_stale,
	[WHEN_PLAIN_TEXT] = plain_text,
	[WHEN_AFTER_HELLO] = after_hello,
	[WHEN_ALERT] = alert_received,
	[WHEN_SENT_ALERT] = alert_sent,
	[WHEN_RENEGOTIATION] = renegotiation,
	[WHEN_TROUBLE] = troubled,
	[WHEN_EOF_SILENT] = eof_silent,
	[WHEN_EOF_EARLY] = eof_early,
	[WHEN_EOF_RETRY] = eof_retry,
	[WHEN_EOF_EXPIRED] = eof_expired,
	[WHEN_EOF_LATE] = eof_late,
	[WHEN_TIME_SILENT] = time_silent,
	[WHEN_TIME_PLAIN] = time_plain,
	[WHEN_TIME_EARLY] = time_early,
	[WHEN_TIME_LATE] = time_late,
	[WHEN_CLOSED] = closed,
};

/* --- the blanks ------------------------------------------------------------ */

static void fill_offer(const struct story *t, char *out, size_t size)
{
	tls_hello_versions_text(&t->s->hello, out, size);
}

static void fill_takes(const struct story *t, char *out, size_t size)
{
	tls_versions_range_text(tls_policy_versions(&t->s->context->policy), out, size);
}

static void fill_level(const struct story *t, char *out, size_t size)
{
	snprintf(out, size, "%u", t->s->context->policy.level);
}

static void fill_conf(const struct story *t, char *out, size_t size)
{
	snprintf(out, size, "%s.conf", t->daemon);
}

static void fill_groups(const struct story *t, char *out, size_t size)
{
	tls_hello_groups_text(&t->s->hello, out, size);
}

static void fill_sni(const struct story *t, char *out, size_t size)
{
	snprintf(out, size, "%s", t->s->sni != NULL ? t->s->sni : "it does not tell");
}

static void fill_verify(const struct story *t, char *out, size_t size)
{
	snprintf(out, size, "%s", X509_verify_cert_error_string(t->s->objection));
}

static void fill_first(const struct story *t, char *out, size_t size)
{
	escape_text(out, size, t->first);
}

static void fill_alpn(const struct story *t, char *out, size_t size)
{
	snprintf(out, size, "%s", t->s->context->alpn);
}

static void fill_trouble(const struct story *t, char *out, size_t size)
{
	snprintf(out, size, "%s", t->s->trouble);
}

/* An alert's name as RFC 8446 6 has it, but with spaces. */
static void fill_alert(const struct story *t, char *out, size_t size)
{
	int number = alert_received(t) ? ERR_GET_REASON(t->s->error) - SSL_AD_REASON_OFFSET : t->s->alert & 0xff;

	snprintf(out, size, "%s (%d)", SSL_alert_desc_string_long(number), number);
}

/* The last day of our certificate. */
static void fill_ended(const struct story *t, char *out, size_t size)
{
	const X509 *ours = SSL_get_certificate(t->s->ssl);
	struct tm end;

	if (ours != NULL && ASN1_TIME_to_tm(X509_get0_notAfter(ours), &end) == 1)
		strftime(out, size, "%Y-%m-%d", &end);
	else
		snprintf(out, size, "an unknown day");
}

static const struct blank {
	const char *name;
	void (*fill)(const struct story *t, char *out, size_t size);
	bool always;	/* does not ask the session */
} blanks[] = {
	{ "offer", fill_offer, false },	  { "takes", fill_takes, false },     { "level", fill_level, false },
	{ "conf", fill_conf, true },	  { "groups", fill_groups, false },   { "sni", fill_sni, false },
	{ "verify", fill_verify, false }, { "first", fill_first, true },      { "alpn", fill_alpn, false },
	{ "alert", fill_alert, false },	  { "trouble", fill_trouble, false }, { "ended", fill_ended, false },
};

/* --- putting it together --------------------------------------------------- */

static struct story story_of(const struct tls_session *s, enum tls_cut cut, const char *daemon)
{
	return (struct story){ s, cut, daemon, { s->first, s->first_n } };
}

static bool row_fits(const struct story *t, const struct cause_row *row)
{
	if (row->reason == CAUSE_NONE && t->s->error != 0)
		return false;
	/* The same number means something else in another library of OpenSSL's. */
	if (row->reason != CAUSE_NONE && row->reason != CAUSE_ANY &&
	    (ERR_GET_LIB(t->s->error) != ERR_LIB_SSL || ERR_GET_REASON(t->s->error) != row->reason))
		return false;
	return holds[row->when] == NULL || holds[row->when](t);
}

static size_t cause_find(const struct story *t)
{
	int refused = tls_second_cause(t->s);
	size_t i = 0;

	if (refused >= 0)
		return (size_t)refused;
	while (i + 1 < tls_cause_outbound() && !row_fits(t, tls_cause_row(i)))
		i++;
	return i;
}

static void blank_put(const struct story *t, struct span name, struct buf *out)
{
	char text[320] = "";

	for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++)
		if (span_is(name, blanks[i].name) && (t->s != NULL || blanks[i].always))
			blanks[i].fill(t, text, sizeof(text));
	buf_put_text(out, text);
}

static void words_put(const struct story *t, const char *words, struct buf *out)
{
	struct span rest = span_of(words);

	while (rest.n > 0) {
		bool more = span_find(rest, '{') >= 0;

		buf_put(out, span_take_until(&rest, '{'));
		if (more)
			blank_put(t, span_take_until(&rest, '}'), out);
	}
}

static void line_write(const struct story *t, size_t number, unsigned long error, char *out, size_t size)
{
	const struct tls_cause *cause = tls_cause_at(number);
	char text[256] = "none";
	struct buf words;

	if (error != 0)
		ERR_error_string_n(error, text, sizeof(text));
	buf_init(&words, 2048);
	words_put(t, cause->words, &words);
	if (cause->advice[0] != '\0')
		buf_put_text(&words, "; ");
	words_put(t, cause->advice, &words);
	if (t->s != NULL && tls_session_refused(t->s))
		buf_put_text(&words, " (told to the client)");
	snprintf(out, size, "TLS failed: (%lu, '%s') %.*s", error, text, (int)words.n,
		 words.n > 0 ? (const char *)words.p : "");
	buf_clear(&words);
}

void tls_session_failure_text(const struct tls_session *s, enum tls_cut cut, const char *daemon, char *out,
			      size_t size)
{
	struct story t = story_of(s, cut, daemon);

	line_write(&t, cause_find(&t), s->error, out, size);
}

unsigned tls_session_cause(const struct tls_session *s, enum tls_cut cut)
{
	struct story t = story_of(s, cut, "");

	return (unsigned)cause_find(&t);
}

void tls_explain_fill(const struct tls_session *s, const char *words, struct buf *out)
{
	struct story t = story_of(s, TLS_CUT_NO, "");

	words_put(&t, words, out);
}

void tls_cause_failure_text(unsigned cause, struct span first, const char *daemon, char *out, size_t size)
{
	struct story t = { NULL, TLS_CUT_NO, daemon, first };

	line_write(&t, cause, 0, out, size);
}
