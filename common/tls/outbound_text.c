/* outbound_text.c - what became of a handshake with another server, in words. The contract
 * is in outbound.h. */
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <stdio.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/tls/inside.h"
#include "common/tls/outbound.h"

enum { WORDS_MAX = 1400 };	/* bytes */

/* The first row that fits; {names} are filled in. Reason 0: OpenSSL has none. */
static const struct {
	int reason;
	const char *words;
} causes[] = {
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, "the server's certificate is not good enough: {peer}" },
	{ SSL_R_UNSUPPORTED_PROTOCOL,
	  "the server chose a version that we do not take, we offer {offer}; see SecureLayOption" },
	{ SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "the server takes no version that we offer ({offer}); see SecureLayOption" },
	{ SSL_R_WRONG_SSL_VERSION, "the server chose a version that we did not offer" },
	{ SSL_R_WRONG_VERSION_NUMBER, "the server answered with bytes that are not TLS (\"{first}\")" },
	{ SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
	  "server and we have no cipher, group or signature in common, or it asks for a certificate; see CipherList, "
	  "Groups and SecureLevel" },
	{ SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY, "the server asks for stronger ciphers or keys than we have" },
	{ SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "the server asks for a certificate and we have none" },
	{ SSL_R_TLSV1_ALERT_UNKNOWN_CA, "the server does not know the authority that signed our certificate" },
	{ SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the server refuses our certificate" },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "the server refuses our certificate" },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "the server says that our certificate is expired" },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, "the server says that our certificate is revoked" },
	{ SSL_R_TLSV1_UNRECOGNIZED_NAME, "the server knows no host called {sni}" },
	{ SSL_R_DH_KEY_TOO_SMALL, "the server's DH key is too small for SecureLevel {level}" },
	{ SSL_R_EE_KEY_TOO_SMALL, "the server's key is too small for SecureLevel {level}" },
	{ SSL_R_WRONG_SIGNATURE_TYPE, "the server signs with something that SecureLevel {level} does not allow" },
	{ SSL_R_WRONG_CURVE, "the server chose a group that we did not offer; see Groups" },
	{ SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED,
	  "the server does not know secure renegotiation and is open to an old attack" },
	{ SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "bytes were changed on the way, or one end has a fault" },
	{ SSL_R_SSLV3_ALERT_BAD_RECORD_MAC, "bytes were changed on the way, or one end has a fault" },
};

static const char *cause_of(const struct tls_session *s, enum tls_cut cut)
{
	if (s->trouble != NULL)
		return "{trouble}";
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]) && s->error != 0; i++)
		if (ERR_GET_LIB(s->error) == ERR_LIB_SSL && ERR_GET_REASON(s->error) == causes[i].reason)
			return causes[i].words;
	if (s->error != 0)
		return "the connection broke within TLS; the text before tells where";
	if (cut == TLS_CUT_TIME)
		return s->first_n > 0 ? "the server did not finish the handshake in time"
				      : "the server did not answer our ClientHello in time";
	if (cut == TLS_CUT_EOF)
		return s->first_n > 0 ? "the server closed the connection within the handshake, without a word"
				      : "the server closed the connection after our ClientHello, without a word";
	return "the server broke the handshake off (close_notify)";
}

static void blank_put(const struct tls_session *s, struct span name, struct buf *out)
{
	char text[80] = "";

	if (span_is(name, "trouble"))
		buf_put_text(out, s->trouble);
	else if (span_is(name, "peer"))
		buf_put_text(out, tls_outbound_peer_trouble(s));
	else if (span_is(name, "sni"))
		buf_put_text(out, s->sni != NULL ? s->sni : "");
	else if (span_is(name, "level"))
		buf_printf(out, "%u", s->context->policy.level);
	else if (span_is(name, "first"))
		buf_put_text(out, escape_text(text, sizeof(text), (struct span){ s->first, s->first_n }));
	else if (span_is(name, "offer")) {
		tls_versions_text(tls_policy_versions(&s->context->policy), text, sizeof(text));
		buf_put_text(out, text);
	}
}

void tls_outbound_failure_text(const struct tls_session *s, enum tls_cut cut, char *out, size_t size)
{
	struct span rest = span_of(cause_of(s, cut));
	char text[256] = "none";
	struct buf words;

	if (s->error != 0)
		ERR_error_string_n(s->error, text, sizeof(text));
	buf_init(&words, WORDS_MAX);
	while (rest.n > 0) {
		bool more = span_find(rest, '{') >= 0;

		buf_put(&words, span_take_until(&rest, '{'));
		if (more)
			blank_put(s, span_take_until(&rest, '}'), &words);
	}
	snprintf(out, size, "TLS deferring: (%lu, '%s') %.*s", s->error, text, (int)words.n,
		 words.n > 0 ? (const char *)words.p : "");
	buf_clear(&words);
}

void tls_outbound_success_text(const struct tls_session *s, char *out, size_t size)
{
	const struct tls_facts *f = &s->facts;
	const char *trouble = tls_outbound_peer_trouble(s);

	snprintf(out, size,
		 "TLS success protocol %s cipher %s group=%s resumed=%s sni=%s server-cert=\"%s\" server-fingerprint=%s "
		 "server-verify=\"%s\"",
		 f->protocol, f->cipher, f->group, f->resumed ? "yes" : "no", f->sni[0] != '\0' ? f->sni : "none",
		 f->client_subject, f->client_fingerprint, trouble[0] != '\0' ? trouble : "ok");
}
