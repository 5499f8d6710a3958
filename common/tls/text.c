/* text.c - the contract is in text.h. */
#include "common/tls/text.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/escape.h"

void tls_dn_text(const X509_NAME *name, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n = 0;

	if (bio != NULL &&
	    X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE & ~(unsigned long)XN_FLAG_SPC_EQ) >= 0)
		n = BIO_get_mem_data(bio, &text);
	escape_text(out, size, (struct span){ (const uint8_t *)text, n > 0 ? (size_t)n : 0 });
	BIO_free(bio);
}

void tls_subject_text(X509 *cert, char *out, size_t size)
{
	tls_dn_text(X509_get_subject_name(cert), out, size);
}

void tls_date_text(const ASN1_TIME *time, char *out, size_t size)
{
	struct tm tm;

	snprintf(out, size, "an unknown day");
	if (ASN1_TIME_to_tm(time, &tm) == 1)
		strftime(out, size, "%Y-%m-%d", &tm);
}

int tls_days_left(const ASN1_TIME *time)
{
	int days = 0, seconds = 0;

	if (ASN1_TIME_diff(&days, &seconds, NULL, time) != 1)
		return 0;
	return days == 0 && seconds < 0 ? -1 : days;
}

void tls_key_text(const EVP_PKEY *key, char *out, size_t size)
{
	static const struct {
		const char *openssl, *common;
	} curves[] = { { "prime256v1", "P-256" }, { "secp384r1", "P-384" }, { "secp521r1", "P-521" } };
	char group[64] = "";

	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) {
		const char *type = EVP_PKEY_get0_type_name(key);

		if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA || EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA_PSS)
			snprintf(out, size, "%s-%d", type, EVP_PKEY_get_bits(key));
		else
			snprintf(out, size, "%s", type != NULL ? type : "unknown");
		return;
	}
	EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
	snprintf(out, size, "%s", group);
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (strcmp(group, curves[i].openssl) == 0)
			snprintf(out, size, "%s", curves[i].common);
}

bool tls_print_text(char out[TLS_PRINT_TEXT], const X509 *cert)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	out[0] = '\0';
	if (X509_digest(cert, EVP_sha256(), digest, &n) != 1 || n != TLS_PRINT)
		return false;
	for (size_t i = 0; i < TLS_PRINT; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
	return true;
}
