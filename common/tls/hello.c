/* hello.c - the contract is in hello.h. */
#include "common/tls/hello.h"

#include <stdio.h>

#include "common/tls/policy.h"

static struct span extension(SSL *ssl, unsigned type)
{
	const unsigned char *p = NULL;
	size_t n = 0;

	if (SSL_client_hello_get0_ext(ssl, type, &p, &n) != 1)
		return (struct span){ NULL, 0 };
	return (struct span){ p, n };
}

/* Takes a number of 1 or 2 bytes; 0 where none is left. */
static unsigned take_number(struct span *in, size_t bytes)
{
	struct span s = span_take(in, bytes);
	unsigned n = 0;

	for (size_t i = 0; i < s.n; i++)
		n = n << 8 | s.p[i];
	return s.n == bytes ? n : 0;
}

/* Takes a vector: its length in so many bytes, then its bytes (RFC 8446 3.4). */
static struct span take_vector(struct span *in, size_t length_bytes)
{
	return span_take(in, take_number(in, length_bytes));
}

static unsigned version_bit(unsigned number)
{
	static const struct {
		unsigned number, bit;
	} known[] = { { 0x0002, TLS_SSL2 }, { 0x0300, TLS_SSL3 }, { 0x0301, TLS_1_0 },
		      { 0x0302, TLS_1_1 },  { 0x0303, TLS_1_2 },  { 0x0304, TLS_1_3 } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].number == number)
			return known[i].bit;
	return 0;
}

/* RFC 8446 4.2.1: with the extension the old field says nothing. */
static void versions_read(struct tls_hello *h, SSL *ssl)
{
	struct span body = extension(ssl, TLSEXT_TYPE_supported_versions);

	if (body.p == NULL) {
		h->versions = version_bit(SSL_client_hello_get0_legacy_version(ssl));
		return;
	}
	h->listed = true;
	for (struct span list = take_vector(&body, 1); list.n > 0;)
		h->versions |= version_bit(take_number(&list, 2));
}

static void ciphers_read(struct tls_hello *h, SSL *ssl)
{
	const unsigned char *p = NULL;
	struct span list = { NULL, SSL_client_hello_get0_ciphers(ssl, &p) };

	list.p = p;
	while (list.n >= 2) {
		const SSL_CIPHER *c = SSL_CIPHER_find(ssl, list.p);
		int exchange = c != NULL ? SSL_CIPHER_get_kx_nid(c) : NID_undef;
		int who = c != NULL ? SSL_CIPHER_get_auth_nid(c) : NID_undef;

		span_take(&list, 2);
		if (exchange != NID_kx_ecdhe)
			continue;
		h->ecdhe = true;
		h->aead |= SSL_CIPHER_is_aead(c) == 1;
		h->ecdsa |= who == NID_auth_ecdsa;
		h->rsa |= who == NID_auth_rsa;
	}
}

/* RFC 8701: numbers that mean nothing, sent to keep servers honest. */
static bool grease(unsigned number)
{
	return (number & 0x0f0f) == 0x0a0a && number >> 8 == (number & 0xff);
}

static void groups_read(struct tls_hello *h, SSL *ssl)
{
	struct span body = extension(ssl, TLSEXT_TYPE_supported_groups);

	for (struct span list = take_vector(&body, 2); list.n > 0 && h->group_count < TLS_HELLO_GROUPS;) {
		unsigned one = take_number(&list, 2);

		if (!grease(one))
			h->groups[h->group_count++] = (uint16_t)one;
	}
}

void tls_hello_read(struct tls_hello *h, SSL *ssl)
{
	*h = (struct tls_hello){ .seen = true };
	versions_read(h, ssl);
	ciphers_read(h, ssl);
	groups_read(h, ssl);
}

/* RFC 6066 3: a list of (type, name), of which type 0 is a host name. */
struct span tls_hello_name(SSL *ssl)
{
	struct span body = extension(ssl, TLSEXT_TYPE_server_name), list = take_vector(&body, 2);

	while (list.n > 0) {
		unsigned type = take_number(&list, 1);
		struct span name = take_vector(&list, 2);

		if (type == TLSEXT_NAMETYPE_host_name)
			return name;
	}
	return (struct span){ NULL, 0 };
}

void tls_hello_versions_text(const struct tls_hello *h, char *out, size_t size)
{
	char text[80];
	int cut;

	if (h->versions == 0) {
		snprintf(out, size, "no version that is known here");
		return;
	}
	tls_versions_text(h->versions, text, sizeof(text));
	/* "TLS 1.0 alone" without the last word: what is not listed is offered downwards. */
	cut = h->listed ? (int)sizeof(text) : 7;
	snprintf(out, size, "%.*s%s", cut, text, h->listed ? "" : " at most");
}

void tls_hello_groups_text(const struct tls_hello *h, char *out, size_t size)
{
	static const struct {
		unsigned number;
		const char *name;
	} known[] = { { 21, "secp224r1" },  { 23, "secp256r1" },    { 24, "secp384r1" },
		      { 25, "secp521r1" },  { 29, "x25519" },	    { 30, "x448" },
		      { 256, "ffdhe2048" }, { 4588, "X25519MLKEM768" } };
	size_t used = 0;

	snprintf(out, size, "no group at all");
	for (size_t i = 0; i < h->group_count && used < size; i++) {
		const char *name = NULL;

		for (size_t j = 0; j < sizeof(known) / sizeof(known[0]); j++)
			if (known[j].number == h->groups[i])
				name = known[j].name;
		if (name != NULL)
			used += (size_t)snprintf(out + used, size - used, "%s%s", i > 0 ? ", " : "", name);
		else
			used += (size_t)snprintf(out + used, size - used, "%sgroup %u", i > 0 ? ", " : "",
						 h->groups[i]);
	}
}
