/* rules_write.c - the line of a context. The contract is in rules.h. */
#include "common/tls/inside.h"
#include "common/tls/rules.h"

enum { HASH = 8 }; /* bytes of it that are told */

/* What level and versions leave of the list, as a handshake would have it. */
static void put_ciphers(const struct tls_context *c, struct buf *out)
{
	SSL *ssl = SSL_new(tls_choice_default(c->choice));
	STACK_OF(SSL_CIPHER) *list = ssl != NULL ? SSL_get1_supported_ciphers(ssl) : NULL;

	for (int i = 0; i < sk_SSL_CIPHER_num(list); i++)
		buf_printf(out, "%s%s", i > 0 ? ":" : "", SSL_CIPHER_get_name(sk_SSL_CIPHER_value(list, i)));
	sk_SSL_CIPHER_free(list);
	SSL_free(ssl);
}

/* The subjects of the authorities; they stay when one is renewed. */
static void put_authorities(const struct tls_context *c, struct buf *out)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t hash[EVP_MAX_MD_SIZE];
	bool good = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;

	for (int i = 0; good && i < sk_X509_NAME_num(c->client.names); i++) {
		const unsigned char *der;
		size_t n;

		good = X509_NAME_get0_der(sk_X509_NAME_value(c->client.names, i), &der, &n) == 1 &&
		       EVP_DigestUpdate(md, der, n) == 1;
	}
	good = good && EVP_DigestFinal_ex(md, hash, NULL) == 1;
	for (size_t i = 0; i < HASH; i++)
		buf_printf(out, "%02x", good ? hash[i] : 0);
	EVP_MD_CTX_free(md);
}

static const char *verify_word(enum tls_verify verify)
{
	if (verify == TLS_VERIFY_NO)
		return "no";
	return verify == TLS_VERIFY_REQUIRE ? "require" : "optional";
}

void tls_rules_write(const struct tls_context *c, const char *listen, struct buf *out)
{
	buf_printf(out, "rules %s %u %s ", listen, tls_policy_versions(&c->policy),
		   verify_word(c->policy.verify));
	put_authorities(c, out);
	buf_put_byte(out, ' ');
	put_ciphers(c, out);
	buf_put_byte(out, '\n');
}
