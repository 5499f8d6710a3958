/* facts.c - what a handshake came to, and the line that says so. */
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/escape.h"
#include "common/tls/chain.h"
#include "common/tls/holder.h"
#include "common/tls/inside.h"
#include "common/tls/text.h"

enum { SUBJECT_MAX = 256 };	/* bytes, the NUL too */

/* A resumed session of TLS 1.2 has made no key exchange of its own. */
static const char *group_name(const struct tls_session *s)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(s->ssl);
	const char *name = NULL;
	int id = 0;

	if (SSL_version(s->ssl) >= TLS1_3_VERSION || SSL_is_server(s->ssl) == 0)
		id = (int)SSL_get_negotiated_group(s->ssl);
	else if (cipher != NULL && SSL_CIPHER_get_kx_nid(cipher) == NID_kx_ecdhe && SSL_session_reused(s->ssl) == 0)
		id = (int)SSL_get_shared_group(s->ssl, 0);	/* the one that OpenSSL has taken */
	if (id > 0)
		name = SSL_group_to_name(s->ssl, id);
	return name != NULL ? name : "none";
}

static char *subject_text(X509 *cert)
{
	char text[SUBJECT_MAX];

	tls_subject_text(cert, text, sizeof(text));
	return strdup(text);
}

static char *fingerprint_text(X509 *cert)
{
	char text[TLS_PRINT_TEXT];

	return tls_print_text(text, cert) ? strdup(text) : NULL;
}

void tls_facts_name(struct tls_session *s, struct span name)
{
	char text[TLS_NAME_MAX];

	/* A second hello, after our HelloRetryRequest, comes here again. */
	free(s->sni);
	s->sni = name.n > 0 ? strdup(escape_text(text, sizeof(text), name)) : NULL;
}

void tls_facts_clear(struct tls_session *s)
{
	free(s->sni);
	free(s->subject);
	free(s->fingerprint);
	free(s->names);
}

/* NULL: no memory. */
static char *names_text(X509 *cert)
{
	struct buf text;

	buf_init(&text, TLS_HOLDER_TEXT);
	tls_holder_names(cert, &text);
	buf_put_byte(&text, '\0');
	if (!text.failed)
		return (char *)text.p;
	buf_clear(&text);
	return NULL;
}

static bool client_read(struct tls_session *s, X509 *cert)
{
	struct tls_facts *f = &s->facts;

	s->subject = subject_text(cert);
	s->fingerprint = fingerprint_text(cert);
	if (s->subject == NULL || s->fingerprint == NULL)
		return false;
	f->client_subject = s->subject;
	f->client_fingerprint = s->fingerprint;
	f->client_verify = s->objection == X509_V_OK ? "ok" : X509_verify_cert_error_string(s->objection);
	/* Who signs for himself may call himself anything. */
	if (s->objection != X509_V_OK || tls_chain_own(cert))
		return true;
	s->names = names_text(cert);
	if (s->names != NULL)
		f->client_names = s->names;
	return s->names != NULL;
}

bool tls_facts_read(struct tls_session *s)
{
	X509 *cert = SSL_get0_peer_certificate(s->ssl);

	s->facts = (struct tls_facts){
		.protocol = SSL_get_version(s->ssl),
		.cipher = SSL_get_cipher_name(s->ssl),
		.group = group_name(s),
		.sni = s->sni != NULL ? s->sni : "",
		.resumed = SSL_session_reused(s->ssl) == 1,
		.client_subject = "",
		.client_fingerprint = "",
		.client_verify = "",
		.client_names = "",
	};
	return cert == NULL || client_read(s, cert);
}

/* A name that a person would give a host stands as it is, all else in quotes. */
static bool plain_name(const char *name)
{
	for (; *name != '\0'; name++)
		if (!ascii_alnum((uint8_t)*name) && strchr(".-_:", *name) == NULL)
			return false;
	return true;
}

void tls_session_success_text(const struct tls_session *s, char *out, size_t size)
{
	const struct tls_facts *f = &s->facts;
	const char *quote = plain_name(f->sni) ? "" : "\"";
	const char *sni = f->sni[0] != '\0' ? f->sni : "none";
	int used = snprintf(out, size, "TLS success protocol %s cipher %s group=%s resumed=%s sni=%s%s%s", f->protocol,
			    f->cipher, f->group, f->resumed ? "yes" : "no", quote, sni, quote);

	if (used < 0 || (size_t)used >= size)
		return;
	if (f->client_fingerprint[0] == '\0')
		snprintf(out + used, size - (size_t)used, " client-cert=none");
	else
		snprintf(out + used, size - (size_t)used,
			 " client-cert=\"%s\" client-fingerprint=%s client-verify=\"%s\"", f->client_subject,
			 f->client_fingerprint, f->client_verify);
}
