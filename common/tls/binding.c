/* binding.c - what binds a login to a TLS connection; the contract is in session.h. */
#include <openssl/x509.h>
#include <string.h>

#include "common/tls/inside.h"

enum { EXPORTED = 32 };	/* RFC 9266 2: bytes */

_Static_assert(TLS_BINDING >= EVP_MAX_MD_SIZE, "room for any hash");

/* RFC 9266 2: with the extended master secret, or TLS 1.3, which has it inside; else another connection could be
 * given the same. */
static size_t bind_exporter(SSL *ssl, uint8_t out[TLS_BINDING])
{
	static const char label[] = "EXPORTER-Channel-Binding";

	if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1)
		return 0;
	return SSL_export_keying_material(ssl, out, EXPORTED, label, sizeof(label) - 1, (const uint8_t *)"", 0, 1) == 1 ?
		       EXPORTED :
		       0;
}

/* RFC 5929 3.1: the handshake's first Finished: the client's, or ours where the session is resumed. RFC 9266 4: not
 * with TLS 1.3; and only with the extended master secret. */
static size_t bind_unique(SSL *ssl, uint8_t out[TLS_BINDING])
{
	size_t n;

	if (SSL_version(ssl) >= TLS1_3_VERSION || SSL_get_extms_support(ssl) != 1)
		return 0;
	n = SSL_session_reused(ssl) == 1 ? SSL_get_finished(ssl, out, TLS_BINDING) :
					   SSL_get_peer_finished(ssl, out, TLS_BINDING);
	return n <= TLS_BINDING ? n : 0;
}

/* RFC 5929 4.1: hashed as it was signed, but for MD5 and SHA-1. */
static size_t bind_end_point(SSL *ssl, uint8_t out[TLS_BINDING])
{
	X509 *cert = SSL_get_certificate(ssl);
	int hash = NID_undef;
	const EVP_MD *md;
	unsigned n = 0;

	if (cert == NULL)
		return 0;
	X509_get_signature_info(cert, &hash, NULL, NULL, NULL);
	if (hash == NID_undef || hash == NID_md5 || hash == NID_sha1)
		hash = NID_sha256;
	md = EVP_get_digestbynid(hash);
	return md != NULL && X509_digest(cert, md, out, &n) == 1 ? n : 0;
}

size_t tls_session_binding(const struct tls_session *s, const char *type, uint8_t out[TLS_BINDING])
{
	static const struct {
		const char *type;
		size_t (*bind)(SSL *ssl, uint8_t out[TLS_BINDING]);
	} types[] = {
		{ "tls-exporter", bind_exporter },
		{ "tls-server-end-point", bind_end_point },
		{ "tls-unique", bind_unique },
	};

	for (size_t i = 0; s->status == TLS_UP && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i].type) == 0)
			return types[i].bind(s->ssl, out);
	return 0;
}
