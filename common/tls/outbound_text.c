/* outbound_text.c - what became of a handshake with another server, in words. The contract
 * is in outbound.h; the words are the catalogue's (cause.c). */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/tls/cause_row.h"
#include "common/tls/inside.h"
#include "common/tls/outbound_dane.h"
#include "common/tls/text.h"

enum {
	WORDS_MAX = 1600,	/* bytes */
	NAMES_SHOWN = 4,
	VALUE_MAX = 300
};

/* What a line is about. s is NULL where no handshake was begun. */
struct tale {
	const struct tls_session *s;
	enum tls_cut cut;
	const char *said;
};

/* --- which row ------------------------------------------------------------- */

static bool objection_is(const struct tls_session *s, enum cause_when when)
{
	static const struct {
		int objection;
		enum cause_when when;
	} table[] = {
		{ X509_V_ERR_DANE_NO_MATCH, WHEN_PEER_NO_RECORD },
		{ X509_V_ERR_HOSTNAME_MISMATCH, WHEN_PEER_NAME },
		{ X509_V_ERR_IP_ADDRESS_MISMATCH, WHEN_PEER_NAME },
		{ X509_V_ERR_CERT_HAS_EXPIRED, WHEN_PEER_EXPIRED },
		{ X509_V_ERR_CERT_NOT_YET_VALID, WHEN_PEER_EARLY },
		{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, WHEN_PEER_OWN },
		{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, WHEN_PEER_STRANGER },
		{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, WHEN_PEER_STRANGER },
		{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, WHEN_PEER_STRANGER },
		{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, WHEN_PEER_STRANGER },
		{ X509_V_ERR_EE_KEY_TOO_SMALL, WHEN_PEER_WEAK },
		{ X509_V_ERR_CA_KEY_TOO_SMALL, WHEN_PEER_WEAK },
		{ X509_V_ERR_CA_MD_TOO_WEAK, WHEN_PEER_WEAK },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].objection == s->objection)
			return table[i].when == when;
	return false;
}

static bool holds(const struct tale *t, enum cause_when when)
{
	switch (when) {
	case WHEN_ALWAYS:
		return true;
	case WHEN_PEER_TROUBLE:
		return t->s->trouble != NULL;
	case WHEN_PEER_DROPPED:
		return t->cut == TLS_CUT_EOF && t->s->first_n == 0;
	case WHEN_PEER_SILENT:
		return t->cut == TLS_CUT_TIME && t->s->first_n == 0;
	case WHEN_PEER_SLOW:
		return t->cut == TLS_CUT_TIME;
	case WHEN_PEER_GONE:
		return t->cut == TLS_CUT_EOF;
	default:
		return objection_is(t->s, when);
	}
}

static bool row_fits(const struct tale *t, const struct cause_row *row)
{
	if (row->reason == CAUSE_MODE || (row->reason == CAUSE_NONE && t->s->error != 0))
		return false;
	/* The same number means something else in another library of OpenSSL's. */
	if (row->reason != CAUSE_NONE && row->reason != CAUSE_ANY &&
	    (t->s->trouble != NULL || ERR_GET_LIB(t->s->error) != ERR_LIB_SSL ||
	     ERR_GET_REASON(t->s->error) != row->reason))
		return false;
	return holds(t, row->when);
}

static const struct tls_cause *cause_of(const struct tale *t)
{
	size_t i = tls_cause_outbound();

	while (i + 1 < tls_cause_count() && !row_fits(t, tls_cause_row(i)))
		i++;
	return tls_cause_at(i);
}

const char *tls_outbound_cause(const struct tls_session *s, enum tls_cut cut)
{
	return cause_of(&(struct tale){ s, cut, NULL })->name;
}

const char *tls_outbound_peer_cause(const struct tls_session *s)
{
	size_t i = tls_cause_outbound();

	if (s->objection == X509_V_OK)
		return NULL;
	/* The last row about certificates holds always. */
	while (tls_cause_row(i)->reason != SSL_R_CERTIFICATE_VERIFY_FAILED ||
	       !holds(&(struct tale){ s, TLS_CUT_NO, NULL }, tls_cause_row(i)->when))
		i++;
	return tls_cause_at(i)->name;
}

/* --- {names} --------------------------------------------------------------- */

static void name_put(const GENERAL_NAME *one, size_t shown, struct buf *out)
{
	struct span name = { ASN1_STRING_get0_data(one->d.dNSName), (size_t)ASN1_STRING_length(one->d.dNSName) };
	char text[80];

	buf_printf(out, "%s%s", shown > 0 ? ", " : "", escape_text(text, sizeof(text), name));
}

/* The names that the certificate is for; its subject where it has none. */
static void fill_names(const struct tale *t, struct buf *out)
{
	GENERAL_NAMES *list = t->s->peer != NULL ? X509_get_ext_d2i(t->s->peer, NID_subject_alt_name, NULL, NULL) : NULL;
	char subject[200] = "";
	size_t count = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(list); i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(list, i);

		if (one->type == GEN_DNS && count++ < NAMES_SHOWN)
			name_put(one, count - 1, out);
	}
	if (count > NAMES_SHOWN)
		buf_printf(out, " and %zu more", count - NAMES_SHOWN);
	if (count == 0 && t->s->peer != NULL)
		tls_subject_text(t->s->peer, subject, sizeof(subject));
	buf_put_text(out, subject);
	GENERAL_NAMES_free(list);
}

static void fill_trouble(const struct tale *t, struct buf *out)
{
	buf_put_text(out, t->s->trouble);
}

static void fill_peer(const struct tale *t, struct buf *out)
{
	buf_put_text(out, tls_outbound_peer_trouble(t->s));
}

static void fill_sni(const struct tale *t, struct buf *out)
{
	buf_put_text(out, t->s->sni != NULL ? t->s->sni : "its address");
}

static void fill_level(const struct tale *t, struct buf *out)
{
	buf_printf(out, "%u", t->s->context->policy.level);
}

static void fill_first(const struct tale *t, struct buf *out)
{
	char text[80];

	buf_put_text(out, escape_text(text, sizeof(text), (struct span){ t->s->first, t->s->first_n }));
}

static void fill_offer(const struct tale *t, struct buf *out)
{
	char text[80];

	tls_versions_text(t->s->alone != 0 ? t->s->alone : tls_policy_versions(&t->s->context->policy), text, sizeof(text));
	buf_put_text(out, text);
}

static void fill_ended(const struct tale *t, struct buf *out)
{
	char text[TLS_DATE_MAX] = "an unknown day";

	if (t->s->peer != NULL)
		tls_date_text(X509_get0_notAfter(t->s->peer), text, sizeof(text));
	buf_put_text(out, text);
}

static void fill_tlsa(const struct tale *t, struct buf *out)
{
	if (t->s->dane != NULL)
		tls_outbound_dane_text(t->s->dane, out);
}

static void fill_shown(const struct tale *t, struct buf *out)
{
	buf_put_text(out, t->s->dane != NULL && t->s->dane->shown[0] != '\0' ? t->s->dane->shown : "nothing of that kind");
}

static void fill_said(const struct tale *t, struct buf *out)
{
	if (t->said != NULL && t->said[0] != '\0')
		buf_printf(out, ": %.*s", VALUE_MAX, t->said);
}

static void fill_conf(const struct tale *t, struct buf *out)
{
	(void)t;
	buf_put_text(out, "deliverd.conf");
}

static const struct blank {
	const char *name;
	void (*fill)(const struct tale *t, struct buf *out);
	bool always;		/* does not ask the session */
} blanks[] = {
	{ "names", fill_names, false }, { "trouble", fill_trouble, false }, { "peer", fill_peer, false },
	{ "sni", fill_sni, false },	{ "level", fill_level, false },	    { "first", fill_first, false },
	{ "offer", fill_offer, false }, { "ended", fill_ended, false },	    { "tlsa", fill_tlsa, false },
	{ "shown", fill_shown, false }, { "said", fill_said, true },	    { "conf", fill_conf, true },
};

/* --- the lines ------------------------------------------------------------- */

static void words_put(const struct tale *t, const char *words, struct buf *out)
{
	struct span rest = span_of(words);

	while (rest.n > 0) {
		bool more = span_find(rest, '{') >= 0;
		struct span name;

		buf_put(out, span_take_until(&rest, '{'));
		if (!more)
			continue;
		name = span_take_until(&rest, '}');
		for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++)
			if (span_is(name, blanks[i].name) && (t->s != NULL || blanks[i].always))
				blanks[i].fill(t, out);
	}
}

static void line_make(const struct tale *t, const struct tls_cause *cause, char *out, size_t size)
{
	unsigned long error = t->s != NULL ? t->s->error : 0;
	char text[256] = "none";
	struct buf words;

	if (error != 0)
		ERR_error_string_n(error, text, sizeof(text));
	buf_init(&words, WORDS_MAX);
	words_put(t, cause->words, &words);
	if (cause->advice[0] != '\0')
		buf_put_text(&words, "; ");
	words_put(t, cause->advice, &words);
	snprintf(out, size, "TLS deferring: (%lu, '%s') %.*s", error, text, (int)words.n,
		 words.n > 0 ? (const char *)words.p : "");
	buf_clear(&words);
}

void tls_outbound_failure_text(const struct tls_session *s, enum tls_cut cut, char *out, size_t size)
{
	struct tale t = { s, cut, NULL };

	line_make(&t, cause_of(&t), out, size);
}

void tls_outbound_cause_text(const char *cause, const char *said, char *out, size_t size)
{
	size_t number = tls_cause_find(span_of(cause));

	/* A name that is none stands for what nobody can explain. */
	line_make(&(struct tale){ NULL, TLS_CUT_NO, said },
		  tls_cause_at(number < tls_cause_count() ? number : tls_cause_count() - 1), out, size);
}

void tls_outbound_success_text(const struct tls_session *s, char *out, size_t size)
{
	const struct tls_facts *f = &s->facts;
	const char *trouble = tls_outbound_peer_trouble(s), *matched = tls_outbound_dane_matched(s);
	char version[80] = "";
	int used;

	used = snprintf(out, size,
			"TLS success protocol %s cipher %s group=%s resumed=%s sni=%s server-cert=\"%s\" "
			"server-fingerprint=%s server-verify=\"%s\"",
			f->protocol, f->cipher, f->group, f->resumed ? "yes" : "no", f->sni[0] != '\0' ? f->sni : "none",
			f->client_subject, f->client_fingerprint, trouble[0] != '\0' ? trouble : "ok");
	if (used > 0 && (size_t)used < size && matched[0] != '\0')
		used += snprintf(out + used, size - (size_t)used, " dane=\"%s\"", matched);
	if (s->alone != 0)
		tls_versions_text(s->alone, version, sizeof(version));
	if (used > 0 && (size_t)used < size && s->alone != 0)
		snprintf(out + used, size - (size_t)used, " offered=\"%s\"", version);
}
