/* explain.c - a handshake that failed, in words that somebody can act on.
 *
 * A cause is one row: OpenSSL's reason, what else must hold, the words. The first row
 * that fits is taken, so the special ones stand before the general. {names} in the
 * words are filled in from the table of blanks. */
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <stdio.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/escape.h"
#include "common/tls/inside.h"

/* What is to be explained. */
struct story {
	const struct tls_session *s;
	enum tls_cut cut;
	const char *daemon;
};

/* --- what else must hold --------------------------------------------------- */

static bool level_bars(const struct story *t)
{
	unsigned barred = TLS_1_0 | TLS_1_1;

	return t->s->context->policy.level > 0 &&
	       (t->s->hello.versions & barred & ~t->s->context->policy.forbidden) != 0;
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
	for (size_t i = 0; i < t->s->first_n; i++) {
		uint8_t c = t->s->first[i];

		if ((ascii_control(c) && c != '\r' && c != '\n' && c != '\t') || c >= 0x80)
			return false;
	}
	return t->s->first_n > 0;
}

static bool troubled(const struct story *t)
{
	return t->s->trouble != NULL;
}

static bool eof_silent(const struct story *t)
{
	return t->cut == TLS_CUT_EOF && t->s->first_n == 0;
}

static bool eof_early(const struct story *t)
{
	return t->cut == TLS_CUT_EOF && !t->s->hello.seen;
}

static bool eof_late(const struct story *t)
{
	return t->cut == TLS_CUT_EOF && !t->s->up;
}

static bool time_silent(const struct story *t)
{
	return t->cut == TLS_CUT_TIME && t->s->first_n == 0;
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

/* --- the causes ------------------------------------------------------------ */

enum { NONE = 0, ANY = -1 };	/* instead of a reason: OpenSSL has none; whatever it is */

static const struct cause {
	int reason;			/* SSL_R_... */
	bool (*when)(const struct story *t);	/* NULL: always */
	const char *words;
} causes[] = {
	/* versions */
	{ SSL_R_UNSUPPORTED_PROTOCOL, level_bars,
	  "the client offers {offer}; that works at SecureLevel 0 only, and this port has {level}; update the client or "
	  "see SecureLevel in {conf}" },
	{ SSL_R_UNSUPPORTED_PROTOCOL, NULL,
	  "the client offers {offer}, this port takes {takes}; update the client or see SecureLayOption in {conf}" },
	{ SSL_R_INAPPROPRIATE_FALLBACK, NULL,
	  "the client falls back to {offer} after a better try failed, though this port takes {takes}; something "
	  "between us breaks its first try" },
	{ SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, NULL,
	  "the client does not take the version we chose, this port takes {takes}; update the client or see "
	  "SecureLayOption in {conf}" },

	/* ciphers, groups, signatures */
	{ SSL_R_NO_SHARED_CIPHER, static_only,
	  "the client offers ciphers without ECDHE only; update it or see TlsProfile and CipherList in {conf} "
	  "(epost takes static RSA)" },
	{ SSL_R_NO_SHARED_CIPHER, no_group,
	  "the client offers {groups}, none of them in Groups; update it or see Groups in {conf}" },
	{ SSL_R_NO_SHARED_CIPHER, wants_rsa,
	  "the client takes RSA certificates only and this port has none; add one with Certificate and PrivateKey in "
	  "{conf}" },
	{ SSL_R_NO_SHARED_CIPHER, wants_ecdsa,
	  "the client takes ECDSA certificates only and this port has none; add one with Certificate and PrivateKey in "
	  "{conf}" },
	{ SSL_R_NO_SHARED_CIPHER, cbc_only,
	  "the client offers CBC ciphers only; update it or see TlsProfile and CipherList in {conf} (exchange2015 "
	  "takes CBC)" },
	{ SSL_R_NO_SHARED_CIPHER, NULL,
	  "client and port have no cipher in common; update the client or see TlsProfile and CipherList in {conf}" },
	{ SSL_R_NO_SUITABLE_KEY_SHARE, NULL,
	  "the client offers {groups}, none of them in Groups; update it or see Groups in {conf}" },
	{ SSL_R_NO_SUITABLE_GROUPS, NULL,
	  "the client offers {groups}, none of them in Groups; update it or see Groups in {conf}" },
	{ SSL_R_NO_SHARED_GROUPS, NULL,
	  "the client offers {groups}, none of them in Groups; update it or see Groups in {conf}" },
	{ SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, NULL,
	  "the client can't check a signature of our certificate's kind at SecureLevel {level}; add a certificate of "
	  "the other kind (RSA, P-256) in {conf}" },
	{ SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, NULL,
	  "client and port have no signature algorithm in common at SecureLevel {level}; update the client or see "
	  "SecureLevel in {conf}" },
	{ SSL_R_WRONG_SIGNATURE_TYPE, NULL,
	  "the client signs with something that SecureLevel {level} does not allow; see SecureLevel in {conf}" },

	/* the client does not like us */
	{ SSL_R_TLSV1_ALERT_UNKNOWN_CA, NULL,
	  "the client does not know the authority that signed our certificate; import the site's ca.pem there, or use "
	  "a certificate of a public authority" },
	{ SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, NULL,
	  "the client refuses our certificate; does it know the authority, and is the name it connects to ({sni}) in "
	  "the certificate?" },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, NULL,
	  "the client refuses our certificate; does it know the authority, and is the name it connects to ({sni}) in "
	  "the certificate?" },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, NULL,
	  "the client says that our certificate is expired; renew it, or set the client's clock right" },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, NULL,
	  "the client says that our certificate is revoked; get a new one" },
	{ SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, NULL,
	  "the client can't use a certificate of this kind or purpose; try one with an RSA key" },
	{ SSL_R_TLSV1_UNRECOGNIZED_NAME, NULL, "the client takes no server for the name {sni}" },
	{ SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY, NULL,
	  "the client asks for stronger ciphers or keys than this port has; see TlsProfile in {conf}" },
	{ SSL_R_TLSV1_ALERT_DECRYPT_ERROR, NULL,
	  "the client could not verify our signature; certificate and key may be damaged, or bytes were changed on "
	  "the way" },
	{ SSL_R_TLSV1_ALERT_ACCESS_DENIED, NULL, "the client refuses us by its own rules" },
	{ SSL_R_TLSV1_ALERT_USER_CANCELLED, NULL, "the client's user cancelled" },
	{ SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, NULL,
	  "the client can't go on with what we chose; update it or see TlsProfile in {conf}" },

	/* we do not like the client's certificate */
	{ SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, NULL,
	  "the client sent no certificate and this port asks for one; install one in the client or see VerifyClient in "
	  "{conf}" },
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, stranger,
	  "the client's certificate is not from an authority in ClientCA ({verify}); see ClientCA in {conf}" },
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, expired, "the client's certificate is expired; give the client a new one" },
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, revoked,
	  "the client's certificate is revoked (ClientCRL); give the client a new one" },
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, list_stale,
	  "the client's certificate can't be checked for revocation ({verify}); see ClientCRL in {conf}" },
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, NULL,
	  "the client's certificate does not verify ({verify}); see ClientCA and SecureLevel in {conf}" },

	/* no TLS at all, or for somebody else */
	{ SSL_R_HTTP_REQUEST, NULL, "the client speaks HTTP; this is a mail port" },
	{ SSL_R_HTTPS_PROXY_REQUEST, NULL, "the client takes us for a web proxy; this is a mail port" },
	{ SSL_R_WRONG_VERSION_NUMBER, plain_text,
	  "the client sent plain text (\"{first}\") where TLS begins; set its connection security to SSL/TLS, or to "
	  "STARTTLS at the port for it" },
	{ SSL_R_WRONG_VERSION_NUMBER, NULL, "the client sent bytes that are not TLS (\"{first}\")" },
	{ SSL_R_NO_APPLICATION_PROTOCOL, NULL,
	  "the client asks for other protocols than {alpn} (ALPN); it wants another service" },

	/* damage */
	{ SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, NULL, "bytes were changed on the way, or one end has a fault" },
	{ SSL_R_SSLV3_ALERT_BAD_RECORD_MAC, NULL,
	  "the client says that bytes were changed on the way, or one end has a fault" },

	/* no error of OpenSSL's */
	{ ANY, troubled, "{trouble}" },
	{ NONE, eof_silent, "the client closed the connection without a byte; a port scan or a health check" },
	{ NONE, eof_early, "the client closed the connection within its ClientHello" },
	{ NONE, eof_late,
	  "the client closed the connection after our ServerHello, without a word; most often it does not know the "
	  "authority of our certificate, or the name it connects to ({sni}) is not in it" },
	{ NONE, time_silent,
	  "the client sent nothing in HandshakeTime; one that waits for a greeting needs SSL/TLS set as its connection "
	  "security, or the port for STARTTLS" },
	{ NONE, time_plain,
	  "the client sent plain text (\"{first}\") where TLS begins; set its connection security to SSL/TLS, or to "
	  "STARTTLS at the port for it" },
	{ NONE, time_early, "the client sent no whole ClientHello in HandshakeTime; the way between us may lose large "
			    "packets" },
	{ NONE, time_late,
	  "the client did not finish the handshake in HandshakeTime; it may be asking its user about our "
	  "certificate" },
	{ NONE, closed, "the client broke the handshake off (close_notify)" },
	{ ANY, NULL, "the connection broke within TLS; the text before tells where" },
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
	escape_text(out, size, (struct span){ t->s->first, t->s->first_n });
}

static void fill_alpn(const struct story *t, char *out, size_t size)
{
	snprintf(out, size, "%s", t->s->context->alpn);
}

static void fill_trouble(const struct story *t, char *out, size_t size)
{
	snprintf(out, size, "%s", t->s->trouble);
}

static const struct blank {
	const char *name;
	void (*fill)(const struct story *t, char *out, size_t size);
} blanks[] = {
	{ "offer", fill_offer },   { "takes", fill_takes },   { "level", fill_level }, { "conf", fill_conf },
	{ "groups", fill_groups }, { "sni", fill_sni },	      { "verify", fill_verify }, { "first", fill_first },
	{ "alpn", fill_alpn },	   { "trouble", fill_trouble },
};

/* --- putting it together --------------------------------------------------- */

static const char *cause_find(const struct story *t)
{
	int reason = t->s->error == 0 ? NONE : ERR_GET_REASON(t->s->error);
	size_t last = sizeof(causes) / sizeof(causes[0]) - 1;

	for (size_t i = 0; i < last; i++) {
		const struct cause *c = &causes[i];
		bool ours = c->reason == ANY || c->reason == reason;

		/* The same number means something else in another library of OpenSSL's. */
		if (t->s->error != 0 && c->reason != ANY && ERR_GET_LIB(t->s->error) != ERR_LIB_SSL)
			ours = false;
		if (ours && (c->when == NULL || c->when(t)))
			return c->words;
	}
	return causes[last].words;
}

static void blank_put(const struct story *t, struct span name, struct buf *out)
{
	char text[320] = "";

	for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++)
		if (span_is(name, blanks[i].name))
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

void tls_session_failure_text(const struct tls_session *s, enum tls_cut cut, const char *daemon, char *out,
			      size_t size)
{
	struct story t = { s, cut, daemon };
	char text[256] = "none";
	struct buf words;

	if (s->error != 0)
		ERR_error_string_n(s->error, text, sizeof(text));
	buf_init(&words, 2048);
	words_put(&t, cause_find(&t), &words);
	snprintf(out, size, "TLS failed: (%lu, '%s') %.*s", s->error, text, (int)words.n,
		 words.n > 0 ? (const char *)words.p : "");
	buf_clear(&words);
}
