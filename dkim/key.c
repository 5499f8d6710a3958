/* key.c - private keys: read, made, and what is published of them. */
#include "dkim/inside.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"

enum { RSA_BITS = 2048, RSA_BITS_MAX = 8192, ED25519_BYTES = 32 };

/* Without one OpenSSL would ask on the terminal. */
static int no_passphrase(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

/* RFC 8301 3.2: what we make and sign with is never a weak one. */
static int take_kind(struct dkim_key *k, struct error *err)
{
	int bits = EVP_PKEY_get_bits(k->pkey);

	switch (EVP_PKEY_get_base_id(k->pkey)) {
	case EVP_PKEY_RSA:
		k->algorithm = DKIM_RSA_SHA256;
		if (bits >= RSA_BITS && bits <= RSA_BITS_MAX)
			return 0;
		return error_set(err, -EINVAL, "an RSA key of %d bits does not sign mail: 2048 are needed, and %d taken at most", bits,
				 RSA_BITS_MAX);
	case EVP_PKEY_ED25519:
		k->algorithm = DKIM_ED25519_SHA256;
		return 0;
	default:
		return error_set(err, -EINVAL, "the key is neither RSA nor Ed25519");
	}
}

static EVP_PKEY *read_pem(struct span pem)
{
	BIO *in = pem.n > 0 && pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	EVP_PKEY *pkey = in != NULL ? PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL) : NULL;

	BIO_free(in);
	ERR_clear_error();
	return pkey;
}

/* True if name fits. */
static bool take_name(char *out, size_t size, const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n >= size)
		return false;
	memcpy(out, name, n + 1);
	return true;
}

int dkim_key_read(struct dkim_key **out, struct span pem, const char *domain, const char *selector, struct error *err)
{
	struct dkim_key *k = calloc(1, sizeof(*k));
	int rc;

	*out = NULL;
	if (k == NULL)
		return error_set(err, -ENOMEM, "no memory for a key");
	k->pkey = read_pem(pem);
	if (k->pkey == NULL)
		rc = error_set(err, -EINVAL, "there is no private key (PEM, without a passphrase) in it");
	else if (!take_name(k->domain, sizeof(k->domain), domain) || !take_name(k->selector, sizeof(k->selector), selector))
		rc = error_set(err, -EINVAL, "the name of the key's domain or selector is too long");
	else
		rc = take_kind(k, err);
	if (rc != 0) {
		dkim_key_free(k);
		return rc;
	}
	*out = k;
	return 0;
}

void dkim_key_free(struct dkim_key *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *k)
{
	return k->algorithm;
}

const char *dkim_key_domain(const struct dkim_key *k)
{
	return k->domain;
}

const char *dkim_key_selector(const struct dkim_key *k)
{
	return k->selector;
}

/* --- making ---------------------------------------------------------------- */

int dkim_key_make(enum dkim_algorithm algorithm, struct buf *pem, struct error *err)
{
	EVP_PKEY *pkey = algorithm == DKIM_RSA_SHA256 ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS)
						      : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	BIO *out = BIO_new(BIO_s_secmem());
	int rc = -ENOMEM;
	char *text;
	long n;

	if (out == NULL || pkey == NULL || PEM_write_bio_PKCS8PrivateKey(out, pkey, NULL, NULL, 0, NULL, NULL) != 1) {
		error_set(err, rc, "can't make a key for signing mail");
	} else {
		n = BIO_get_mem_data(out, &text);
		buf_put_secret(pem, (struct span){ (const uint8_t *)text, (size_t)n });
		rc = pem->failed ? error_set(err, -ENOMEM, "no memory for a key") : 0;
	}
	BIO_free(out);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return rc;
}

/* --- what is published ----------------------------------------------------- */

/* RFC 6376 3.6.1: SubjectPublicKeyInfo, which is what everybody publishes for RSA. */
static void put_rsa(const struct dkim_key *k, struct buf *out)
{
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(k->pkey, &der);

	if (n > 0)
		base64_encode(out, (struct span){ der, (size_t)n });
	else
		out->failed = true;
	OPENSSL_free(der);
}

/* RFC 8463 4: the key's 32 bytes alone. */
static void put_ed25519(const struct dkim_key *k, struct buf *out)
{
	uint8_t raw[ED25519_BYTES];
	size_t n = sizeof(raw);

	if (EVP_PKEY_get_raw_public_key(k->pkey, raw, &n) == 1)
		base64_encode(out, (struct span){ raw, n });
	else
		out->failed = true;
}

void dkim_key_record(const struct dkim_key *k, struct buf *out)
{
	if (k->algorithm == DKIM_RSA_SHA256) {
		buf_put_text(out, "v=DKIM1; k=rsa; p=");
		put_rsa(k, out);
	} else {
		buf_put_text(out, "v=DKIM1; k=ed25519; p=");
		put_ed25519(k, out);
	}
}
