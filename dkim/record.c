/* record.c - the contract is in record.h. */
#include "dkim/record.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "common/base/base64.h"
#include "dkim/tags.h"

enum { KEY_BYTES = 4096, ED25519_BYTES = 32 };

static void refuse(struct dkim_record *r, enum dkim_result result, const char *words)
{
	r->result = result;
	r->words = words;
}

/* One of the items of a list with colons is word, or "*". */
static bool lists(struct span list, const char *word)
{
	struct span item;

	while (dkim_tags_item(&list, &item))
		if (span_is(item, word) || span_is(item, "*"))
			return true;
	return false;
}

static void read_flags(struct dkim_record *r, struct span list)
{
	struct span item;

	while (dkim_tags_item(&list, &item)) {
		r->testing |= span_is(item, "y");
		r->strict |= span_is(item, "s");
	}
}

/* Base64 with white space in it. */
static bool decode(struct span text, struct buf *out)
{
	struct buf bare;
	bool good;

	buf_init(&bare, 2 * KEY_BYTES);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != ' ' && text.p[i] != '\t' && text.p[i] != '\r' && text.p[i] != '\n')
			buf_put_byte(&bare, text.p[i]);
	good = !bare.failed && base64_decode(out, buf_span(&bare)) && !out->failed;
	buf_clear(&bare);
	return good;
}

/* What everybody publishes is SubjectPublicKeyInfo; the RFC's grammar says RSAPublicKey. */
static EVP_PKEY *read_rsa(struct span der)
{
	const uint8_t *p = der.p;
	EVP_PKEY *key = der.n <= LONG_MAX ? d2i_PUBKEY(NULL, &p, (long)der.n) : NULL;

	if (key == NULL) {
		p = der.p;
		key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)der.n);
	}
	if (key != NULL && EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	ERR_clear_error();
	return key;
}

/* RFC 8301 3.2: below 1024 bits no signature is valid. */
static void judge_rsa(struct dkim_record *r)
{
	int bits = EVP_PKEY_get_bits(r->pkey);

	if (bits < DKIM_RSA_LEAST)
		refuse(r, DKIM_POLICY, "the RSA key has fewer than 1024 bits");
	else if (bits > DKIM_RSA_MOST)
		refuse(r, DKIM_POLICY, "the RSA key has more than 8192 bits");
}

static void read_key(struct dkim_record *r, struct span text)
{
	struct buf der;

	buf_init(&der, KEY_BYTES);
	if (!decode(text, &der))
		refuse(r, DKIM_PERMERROR, "the key in DNS is no base64");
	else if (r->algorithm == DKIM_RSA_SHA256)
		r->pkey = read_rsa(buf_span(&der));
	else if (der.n == ED25519_BYTES)
		r->pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, der.p, der.n);
	if (r->pkey == NULL && r->result == DKIM_PASS)
		refuse(r, DKIM_PERMERROR, "the key in DNS can't be read");
	else if (r->pkey != NULL && r->algorithm == DKIM_RSA_SHA256)
		judge_rsa(r);
	buf_clear(&der);
}

void dkim_record_read(struct dkim_record *r, struct span text)
{
	struct dkim_tags tags;
	struct span value;

	*r = (struct dkim_record){ .result = DKIM_PASS, .words = "" };
	if (!dkim_tags_read(&tags, text)) {
		refuse(r, DKIM_PERMERROR, "the record in DNS is no list of tags");
		return;
	}
	if (dkim_tags_find(&tags, "v", &value) &&
	    (!span_is(value, "DKIM1") || !span_is(tags.tags[0].name, "v"))) {
		refuse(r, DKIM_PERMERROR, "the record in DNS is of another version than DKIM1");
		return;
	}
	if (dkim_tags_find(&tags, "t", &value))
		read_flags(r, value);
	if (dkim_tags_find(&tags, "k", &value) && span_is(value, "ed25519"))
		r->algorithm = DKIM_ED25519_SHA256;
	else if (value.n > 0 && !span_is(value, "rsa"))
		refuse(r, DKIM_PERMERROR, "the key in DNS is of a kind that is not known");
	if (dkim_tags_find(&tags, "h", &value) && !lists(value, "sha256"))
		refuse(r, DKIM_PERMERROR, "the key in DNS is not for SHA-256");
	if (dkim_tags_find(&tags, "s", &value) && !lists(value, "email"))
		refuse(r, DKIM_PERMERROR, "the key in DNS is not for mail");
	if (!dkim_tags_find(&tags, "p", &value))
		refuse(r, DKIM_PERMERROR, "the record in DNS has no key");
	else if (value.n == 0)
		refuse(r, DKIM_PERMERROR, "the key was revoked");
	if (r->result == DKIM_PASS)
		read_key(r, value);
}

void dkim_record_clear(struct dkim_record *r)
{
	EVP_PKEY_free(r->pkey);
	r->pkey = NULL;
}
