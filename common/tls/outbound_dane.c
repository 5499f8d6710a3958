/* outbound_dane.c - the contract is in outbound_dane.h, that of the public calls in outbound.h.
 * OpenSSL matches the records (X509_verify_cert asks them); here they are handed over, and put into
 * words. */
#include "common/tls/outbound_dane.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tls/inside.h"

enum {
	TA = 2,			/* DANE-TA (RFC 6698 7.2) */
	EE = 3,			/* DANE-EE */
	DATA_SHOWN = 64,	/* bytes of a record's data in words: SHA2-512 whole */
	RECORDS_SHOWN = 3
};

int tls_outbound_dane_allow(SSL_CTX *ctx, struct error *err)
{
	return SSL_CTX_dane_enable(ctx) == 1 ? 0 : error_set(err, -ENOMEM, "no memory for DANE");
}

/* --- records --------------------------------------------------------------- */

static size_t records_size(const struct tls_tlsa *records, size_t count)
{
	size_t size = count * sizeof(records[0]);

	for (size_t i = 0; i < count; i++)
		size += records[i].data.n;
	return size;
}

/* to: records_size bytes. The data stands behind the records. */
static void records_put(struct tls_tlsa *to, const struct tls_tlsa *records, size_t count)
{
	uint8_t *data = (uint8_t *)(to + count);

	for (size_t i = 0; i < count; i++) {
		to[i] = records[i];
		to[i].data.p = data;
		memcpy(data, records[i].data.p, records[i].data.n);
		data += records[i].data.n;
	}
}

struct tls_tlsa *tls_tlsa_copy(const struct tls_tlsa *records, size_t count)
{
	struct tls_tlsa *copy = malloc(records_size(records, count));

	if (copy != NULL)
		records_put(copy, records, count);
	return copy;
}

/* --- records in words ------------------------------------------------------ */

static void record_text(char out[TLS_DANE_TEXT], unsigned usage, unsigned selector, unsigned matching, struct span data)
{
	size_t shown = data.n < DATA_SHOWN ? data.n : DATA_SHOWN;
	int used = snprintf(out, TLS_DANE_TEXT, "%u %u %u ", usage, selector, matching);

	for (size_t i = 0; i < shown; i++)
		used += snprintf(out + used, TLS_DANE_TEXT - (size_t)used, "%02x", data.p[i]);
	if (shown < data.n)
		snprintf(out + used, TLS_DANE_TEXT - (size_t)used, "...");
}

void tls_outbound_dane_text(const struct tls_dane *dane, struct buf *out)
{
	char text[TLS_DANE_TEXT];

	for (size_t i = 0; i < dane->count && i < RECORDS_SHOWN; i++) {
		const struct tls_tlsa *r = &dane->records[i];

		record_text(text, r->usage, r->selector, r->matching, r->data);
		buf_printf(out, "%s%s", i > 0 ? ", " : "", text);
	}
	if (dane->count > RECORDS_SHOWN)
		buf_printf(out, " and %zu more", dane->count - RECORDS_SHOWN);
}

/* --- asking ---------------------------------------------------------------- */

/* RFC 7672 3.1.3: other usages are for others; a record that OpenSSL can't use is passed over. */
static int records_add(SSL *ssl, const struct tls_dane *dane, struct error *err)
{
	size_t usable = 0;

	for (size_t i = 0; i < dane->count; i++) {
		const struct tls_tlsa *r = &dane->records[i];
		int rc = 0;

		if (r->usage == TA || r->usage == EE)
			rc = SSL_dane_tlsa_add(ssl, r->usage, r->selector, r->matching, r->data.p, r->data.n);
		if (rc < 0)
			return error_set(err, -ENOMEM, "no memory for a TLSA record");
		usable += rc > 0 ? 1 : 0;
	}
	return usable > 0 ? 0 : error_set(err, -EINVAL, "%s: no TLSA record that can be used", dane->base);
}

/* RFC 7672 3.2.3: for DANE-TA the certificate is for the name of the records, or for one that led there. */
static int names_add(SSL *ssl, const struct tls_outbound_dane *dane, struct error *err)
{
	char name[TLS_NAME_MAX];

	for (size_t i = 0; i < dane->name_count; i++)
		if (tls_name_fold(name, span_of(dane->names[i])) && SSL_add1_host(ssl, name) != 1)
			return error_set(err, -ENOMEM, "no memory for the name of a server");
	return 0;
}

/* OpenSSL tells that the handshake is done; from then on it can say which record matched. */
static void on_done(const SSL *ssl, int where, int value)
{
	struct tls_session *s = tls_session_of(ssl);
	uint8_t usage, selector, matching;
	const unsigned char *data;
	size_t n;

	(void)value;
	if ((where & SSL_CB_HANDSHAKE_DONE) != 0 &&
	    SSL_get0_dane_tlsa((SSL *)ssl, &usage, &selector, &matching, &data, &n) >= 0)
		record_text(s->dane->matched, usage, selector, matching, (struct span){ data, n });
}

int tls_outbound_dane_set(struct tls_session *s, const struct tls_outbound_dane *dane, struct error *err)
{
	int rc;

	s->dane = calloc(1, sizeof(*s->dane) + records_size(dane->records, dane->count));
	if (s->dane == NULL)
		return error_set(err, -ENOMEM, "no memory for TLSA records");
	s->dane->count = dane->count;
	records_put(s->dane->records, dane->records, dane->count);
	if (!tls_name_fold(s->dane->base, span_of(dane->base)))
		return error_set(err, -EINVAL, "TLSA records stand under a host's name");
	/* RFC 7672 2.2.2: SNI is the name of the records, which OpenSSL sets here. */
	if (SSL_dane_enable(s->ssl, s->dane->base) != 1)
		return error_set(err, -ENOMEM, "no memory for DANE");
	SSL_set_hostflags(s->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	/* RFC 7672 3.1.1: neither names nor dates count where the record holds the server's own key. */
	SSL_dane_set_flags(s->ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	rc = records_add(s->ssl, s->dane, err);
	if (rc == 0)
		rc = names_add(s->ssl, dane, err);
	if (rc == 0)
		SSL_set_info_callback(s->ssl, on_done);
	tls_facts_name(s, span_of(s->dane->base));
	return rc;
}

/* --- what came of it ------------------------------------------------------- */

const char *tls_outbound_dane_matched(const struct tls_session *s)
{
	return s->dane != NULL ? s->dane->matched : "";
}

/* The record that would match cert, of the same kind as like. "": no memory. */
static void wanted_text(char out[TLS_DANE_TEXT], X509 *cert, const struct tls_tlsa *like)
{
	const EVP_MD *digest = like->matching == 1 ? EVP_sha256() : like->matching == 2 ? EVP_sha512() : NULL;
	uint8_t hash[EVP_MAX_MD_SIZE], *whole = NULL;
	unsigned hash_n = 0;
	int n = like->selector == 0 ? i2d_X509(cert, &whole) : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &whole);

	out[0] = '\0';
	if (n > 0 && digest == NULL)
		record_text(out, like->usage, like->selector, like->matching, (struct span){ whole, (size_t)n });
	else if (n > 0 && EVP_Digest(whole, (size_t)n, hash, &hash_n, digest, NULL) == 1)
		record_text(out, like->usage, like->selector, like->matching, (struct span){ hash, hash_n });
	OPENSSL_free(whole);
}

static const struct tls_tlsa *first_of(const struct tls_dane *dane, unsigned usage)
{
	for (size_t i = 0; i < dane->count; i++)
		if (dane->records[i].usage == usage)
			return &dane->records[i];
	return NULL;
}

void tls_outbound_dane_note(struct tls_session *s, X509_STORE_CTX *store)
{
	const struct tls_tlsa *leaf = first_of(s->dane, EE), *anchor = first_of(s->dane, TA);
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);
	char leaf_text[TLS_DANE_TEXT] = "", anchor_text[TLS_DANE_TEXT] = "";

	if (leaf != NULL)
		wanted_text(leaf_text, X509_STORE_CTX_get0_cert(store), leaf);
	if (anchor != NULL && sk_X509_num(sent) > 0)
		wanted_text(anchor_text, sk_X509_value(sent, sk_X509_num(sent) - 1), anchor);
	snprintf(s->dane->shown, sizeof(s->dane->shown), "%s%s%s%s", leaf_text,
		 leaf_text[0] != '\0' && anchor_text[0] != '\0' ? ", " : "", anchor_text,
		 anchor_text[0] != '\0' ? " (the last of its chain)" : "");
}
