/* facts.c - what a handshake came to, and the line that says so. */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/escape.h"
#include "common/tls/inside.h"

/* A resumed session of TLS 1.2 has made no key exchange of its own. */
static void group_read(struct tls_session *s)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(s->ssl);
	bool old = SSL_version(s->ssl) < TLS1_3_VERSION;
	const char *name = NULL;
	int id = 0;

	if (!old)
		id = (int)SSL_get_negotiated_group(s->ssl);
	else if (cipher != NULL && SSL_CIPHER_get_kx_nid(cipher) == NID_kx_ecdhe && !s->facts.resumed)
		id = (int)SSL_get_shared_group(s->ssl, 0);	/* the one that OpenSSL has taken */
	if (id > 0)
		name = SSL_group_to_name(s->ssl, id);
	snprintf(s->facts.group, sizeof(s->facts.group), "%s", name != NULL ? name : "none");
}

static void subject_read(struct tls_facts *f, X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n = 0;

	if (bio != NULL && X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0,
					      XN_FLAG_ONELINE & ~(unsigned long)XN_FLAG_SPC_EQ) >= 0)
		n = BIO_get_mem_data(bio, &text);
	escape_text(f->client_subject, sizeof(f->client_subject),
		    (struct span){ (const uint8_t *)text, n > 0 ? (size_t)n : 0 });
	BIO_free(bio);
}

static void fingerprint_read(struct tls_facts *f, X509 *cert)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (X509_digest(cert, EVP_sha256(), digest, &n) != 1)
		n = 0;
	for (unsigned i = 0; i < n && 2 * i + 2 < sizeof(f->client_fingerprint); i++)
		snprintf(f->client_fingerprint + (size_t)2 * i, 3, "%02x", digest[i]);
}

void tls_facts_read(struct tls_session *s)
{
	struct tls_facts *f = &s->facts;
	X509 *cert = SSL_get0_peer_certificate(s->ssl);

	snprintf(f->protocol, sizeof(f->protocol), "%s", SSL_get_version(s->ssl));
	snprintf(f->cipher, sizeof(f->cipher), "%s", SSL_get_cipher_name(s->ssl));
	f->resumed = SSL_session_reused(s->ssl) == 1;
	group_read(s);
	if (cert == NULL)
		return;
	subject_read(f, cert);
	fingerprint_read(f, cert);
	snprintf(f->client_verify, sizeof(f->client_verify), "%s",
		 s->objection == X509_V_OK ? "ok" : X509_verify_cert_error_string(s->objection));
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
