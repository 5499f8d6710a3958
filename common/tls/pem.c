/* pem.c - the contract is in pem.h. */
#include "common/tls/pem.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

/* Without one OpenSSL would ask on the terminal. */
static int no_passphrase(char *out, int size, int writing, void *asked)
{
	(void)out;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

static BIO *text_open(struct span text, struct error *err)
{
	BIO *bio = text.n <= INT_MAX ? BIO_new_mem_buf(text.n > 0 ? (const void *)text.p : "", (int)text.n) : NULL;

	if (bio == NULL)
		error_set(err, -ENOMEM, "no memory to read PEM");
	return bio;
}

/* The reader has stopped: at the end of the text, or at a block that is broken. */
static bool at_end(void)
{
	unsigned long e = ERR_peek_last_error();
	bool end = ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE;

	ERR_clear_error();
	return end;
}

int tls_pem_certificates(STACK_OF(X509) **out, struct span text, const char *name, struct error *err)
{
	BIO *bio = text_open(text, err);
	STACK_OF(X509) *list = sk_X509_new_null();
	X509 *one;
	int rc = 0;

	*out = NULL;
	if (bio == NULL || list == NULL) {
		rc = error_set(err, -ENOMEM, "no memory for the certificates of %s", name);
		goto out;
	}
	while (rc == 0 && (one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_push(list, one) == 0) {
			X509_free(one);
			rc = error_set(err, -ENOMEM, "no memory for the certificates of %s", name);
		}
	}
	if (rc == 0 && !at_end())
		rc = error_set(err, -EINVAL, "%s: certificate %d in it is damaged", name, sk_X509_num(list) + 1);
	else if (rc == 0 && sk_X509_num(list) == 0)
		rc = error_set(err, -EINVAL, "%s: holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)",
			       name);
	if (rc == 0) {
		*out = list;
		list = NULL;
	}
out:
	sk_X509_pop_free(list, X509_free);
	BIO_free(bio);
	return rc;
}

int tls_pem_crls(STACK_OF(X509_CRL) **out, struct span text, const char *name, struct error *err)
{
	BIO *bio = text_open(text, err);
	STACK_OF(X509_CRL) *list = sk_X509_CRL_new_null();
	X509_CRL *one;
	int rc = 0;

	*out = NULL;
	if (bio == NULL || list == NULL) {
		rc = error_set(err, -ENOMEM, "no memory for the revocation lists of %s", name);
		goto out;
	}
	while (rc == 0 && (one = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_CRL_push(list, one) == 0) {
			X509_CRL_free(one);
			rc = error_set(err, -ENOMEM, "no memory for the revocation lists of %s", name);
		}
	}
	if (rc == 0 && !at_end())
		rc = error_set(err, -EINVAL, "%s: revocation list %d in it is damaged", name,
			       sk_X509_CRL_num(list) + 1);
	else if (rc == 0 && sk_X509_CRL_num(list) == 0)
		rc = error_set(err, -EINVAL, "%s: holds no revocation list in PEM form (-----BEGIN X509 CRL-----)",
			       name);
	if (rc == 0) {
		*out = list;
		list = NULL;
	}
out:
	sk_X509_CRL_pop_free(list, X509_CRL_free);
	BIO_free(bio);
	return rc;
}

int tls_pem_key(EVP_PKEY **out, struct span text, const char *name, struct error *err)
{
	BIO *bio = text_open(text, err);
	bool asked = false;

	*out = NULL;
	if (bio == NULL)
		return -ENOMEM;
	*out = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked);
	BIO_free(bio);
	ERR_clear_error();
	if (*out != NULL)
		return 0;
	if (asked)
		return error_set(err, -EINVAL,
				 "%s: is protected by a passphrase; `openssl pkey -in %s -out FILE` writes it without",
				 name, name);
	return error_set(err, -EINVAL, "%s: holds no private key in PEM form that can be read", name);
}
