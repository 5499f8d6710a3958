/* paper.c - the contract is in paper.h. */
#include "common/tls/paper.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/escape.h"
#include "common/tls/text.h"

/* --- what one says --------------------------------------------------------- */

static int64_t time_read(const ASN1_TIME *time, int64_t otherwise)
{
	struct tm tm;

	return time != NULL && ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : otherwise;
}

static void dates_read(struct tls_paper *p, const ASN1_TIME *from, const ASN1_TIME *to)
{
	time_t end;
	struct tm tm;

	p->begins_s = time_read(from, 0);
	p->ends_s = time_read(to, INT64_MAX);
	snprintf(p->ends, sizeof(p->ends), "never");
	end = (time_t)p->ends_s;
	if (p->ends_s != INT64_MAX && gmtime_r(&end, &tm) != NULL)
		strftime(p->ends, sizeof(p->ends), "%Y-%m-%d", &tm);
}

static void certificate_read(struct tls_paper *p, X509 *cert)
{
	*p = (struct tls_paper){ .kind = TLS_PAPER_CERTIFICATE };
	tls_subject_text(cert, p->subject, sizeof(p->subject));
	dates_read(p, X509_get0_notBefore(cert), X509_get0_notAfter(cert));
	tls_print_text(p->fingerprint, cert);
}

static void crl_read(struct tls_paper *p, X509_CRL *crl)
{
	*p = (struct tls_paper){ .kind = TLS_PAPER_CRL };
	tls_dn_text(X509_CRL_get_issuer(crl), p->subject, sizeof(p->subject));
	dates_read(p, X509_CRL_get0_lastUpdate(crl), X509_CRL_get0_nextUpdate(crl));
}

/* --- a file of them -------------------------------------------------------- */

static BIO *text_open(struct span text)
{
	return text.n <= INT_MAX ? BIO_new_mem_buf(text.n > 0 ? (const void *)text.p : "", (int)text.n) : NULL;
}

/* One PEM block: true if it is a paper. */
static bool block_read(struct tls_paper *p, const char *label, const uint8_t *data, long n)
{
	X509 *cert = NULL;
	X509_CRL *crl = NULL;
	bool good = false;

	if (strcmp(label, PEM_STRING_X509) == 0 || strcmp(label, PEM_STRING_X509_OLD) == 0)
		cert = d2i_X509(NULL, &data, n);
	else if (strcmp(label, PEM_STRING_X509_TRUSTED) == 0)
		cert = d2i_X509_AUX(NULL, &data, n);
	else if (strcmp(label, PEM_STRING_X509_CRL) == 0)
		crl = d2i_X509_CRL(NULL, &data, n);
	if (cert != NULL)
		certificate_read(p, cert);
	if (crl != NULL)
		crl_read(p, crl);
	good = cert != NULL || crl != NULL;
	X509_free(cert);
	X509_CRL_free(crl);
	return good;
}

size_t tls_papers(struct span text, tls_paper_each each, void *arg)
{
	BIO *bio = text_open(text);
	char *label, *header;
	uint8_t *data;
	size_t count = 0;
	long n;

	while (bio != NULL && PEM_read_bio(bio, &label, &header, &data, &n) == 1) {
		struct tls_paper paper;

		if (block_read(&paper, label, data, n)) {
			count++;
			if (each != NULL)
				each(arg, &paper);
		}
		OPENSSL_free(label);
		OPENSSL_free(header);
		OPENSSL_clear_free(data, (size_t)n); /* keys pass here too */
	}
	BIO_free(bio);
	ERR_clear_error();
	return count;
}

/* Gives the first certificate in text, or NULL. */
static X509 *first_of(struct span text)
{
	BIO *bio = text_open(text);
	X509 *cert = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return cert;
}

bool tls_paper_first(struct span text, struct tls_paper *paper)
{
	X509 *cert = first_of(text);

	if (cert != NULL)
		certificate_read(paper, cert);
	X509_free(cert);
	return cert != NULL;
}

/* --- names ----------------------------------------------------------------- */

static bool is_for(X509 *cert, const char *name)
{
	return X509_check_host(cert, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1 ||
	       X509_check_ip_asc(cert, name, 0) == 1;
}

bool tls_paper_covers(struct span text, const char *name)
{
	X509 *cert = first_of(text);
	bool covers = cert != NULL && is_for(cert, name);

	X509_free(cert);
	ERR_clear_error();
	return covers;
}

static void name_lost(X509 *after, const GENERAL_NAME *name, char *out, size_t size)
{
	const ASN1_STRING *text = name->d.dNSName;
	char one[256], shown[260];
	size_t used = strlen(out);
	int n = ASN1_STRING_length(text);

	if (n <= 0 || (size_t)n >= sizeof(one) || memchr(ASN1_STRING_get0_data(text), '\0', (size_t)n) != NULL)
		return;
	snprintf(one, sizeof(one), "%.*s", n, (const char *)ASN1_STRING_get0_data(text));
	if (!is_for(after, one))
		snprintf(out + used, size - used, "%s%s", used > 0 ? " " : "",
			 escape_text(shown, sizeof(shown), span_of(one)));
}

void tls_paper_lost(struct span before, struct span after, char *out, size_t size)
{
	X509 *old = first_of(before), *now = first_of(after);
	GENERAL_NAMES *names = old != NULL ? X509_get_ext_d2i(old, NID_subject_alt_name, NULL, NULL) : NULL;

	out[0] = '\0';
	for (int i = 0; now != NULL && i < sk_GENERAL_NAME_num(names); i++)
		if (sk_GENERAL_NAME_value(names, i)->type == GEN_DNS)
			name_lost(now, sk_GENERAL_NAME_value(names, i), out, size);
	GENERAL_NAMES_free(names);
	X509_free(old);
	X509_free(now);
	ERR_clear_error();
}
