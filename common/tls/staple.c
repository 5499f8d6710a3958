/* staple.c - the contract is in staple.h. */
#include "common/tls/staple.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/tls/chain.h"

enum { DAY_S = 86400, SKEW_S = 300 };	/* SKEW_S: clocks of responders go ahead of ours */

struct staple {
	X509 *about;		/* held */
	uint8_t *der;
	size_t n;
	int64_t from_s, to_s;	/* since 1970 */
};

struct tls_staples {
	size_t count;
	struct staple staple[];
};

/* One response being judged. */
struct judged {
	const char *name;	/* "OcspStaple 2" */
	const struct tls_identity *ids;
	size_t count;
	tls_warn warn;
	void *arg;
	OCSP_RESPONSE *response;
	OCSP_BASICRESP *basic;
};

static void tell(const struct judged *j, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(const struct judged *j, const char *format, ...)
{
	char words[400];
	va_list args;
	int used = snprintf(words, sizeof(words), "%s: ", j->name);

	if (j->warn == NULL || used < 0 || (size_t)used >= sizeof(words))
		return;
	va_start(args, format);
	vsnprintf(words + used, sizeof(words) - (size_t)used, format, args);
	va_end(args);
	j->warn(j->arg, words);
}

/* --- reading --------------------------------------------------------------- */

/* NULL: DER that is none, or with something behind it. */
static OCSP_RESPONSE *der_read(struct span der)
{
	const unsigned char *p = der.p;
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &p, (long)der.n);

	if (response == NULL || p == der.p + der.n)
		return response;
	OCSP_RESPONSE_free(response);
	return NULL;
}

static OCSP_RESPONSE *response_read(struct span text)
{
	OCSP_RESPONSE *response;
	uint8_t *der = NULL;
	long n = 0;
	BIO *bio;

	if (text.n == 0 || text.n > INT_MAX)
		return NULL;
	response = der_read(text);
	bio = response == NULL ? BIO_new_mem_buf(text.p, (int)text.n) : NULL;
	if (bio != NULL && PEM_bytes_read_bio(&der, &n, NULL, PEM_STRING_OCSP_RESPONSE, bio, NULL, NULL) == 1)
		response = der_read((struct span){ der, (size_t)n });
	OPENSSL_free(der);
	BIO_free(bio);
	return response;
}

/* What stands in it, if it is a response that says something (RFC 6960 4.2.1). */
static bool response_open(struct judged *j, struct span text)
{
	int status;

	j->response = response_read(text);
	if (j->response == NULL) {
		tell(j, "is no OCSP response (DER, or PEM with -----BEGIN OCSP RESPONSE-----); it is left out");
		return false;
	}
	status = OCSP_response_status(j->response);
	if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
		tell(j, "the responder has not answered (%s); it is left out", OCSP_response_status_str(status));
		return false;
	}
	j->basic = OCSP_response_get1_basic(j->response);
	if (j->basic == NULL)
		tell(j, "is an OCSP response of a kind that nobody knows; it is left out");
	return j->basic != NULL;
}

/* --- whose it is ----------------------------------------------------------- */

/* The issuer's certificate; NULL: not at hand. */
static X509 *issuer_of(const struct tls_identity *id)
{
	if (sk_X509_num(id->chain) > 0)
		return sk_X509_value(id->chain, 0);
	return tls_chain_own(id->leaf) ? id->leaf : NULL;
}

/* The certificate's issuer, by the hash of its name, and the serial number. */
static bool about_by_name(OCSP_CERTID *id, X509 *cert)
{
	ASN1_OCTET_STRING *name = NULL;
	ASN1_INTEGER *serial = NULL;
	ASN1_OBJECT *hash = NULL;
	uint8_t digest[EVP_MAX_MD_SIZE];
	const EVP_MD *md;
	unsigned n = 0;

	if (OCSP_id_get0_info(&name, &hash, NULL, &serial, id) != 1)
		return false;
	md = EVP_get_digestbyobj(hash);
	return md != NULL && X509_NAME_digest(X509_get_issuer_name(cert), md, digest, &n) == 1 &&
	       (size_t)ASN1_STRING_length(name) == n && memcmp(ASN1_STRING_get0_data(name), digest, n) == 0 &&
	       ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(cert)) == 0;
}

/* The issuer's key too, where it is at hand. */
static bool about_by_key(OCSP_CERTID *id, X509 *cert, X509 *issuer)
{
	ASN1_OBJECT *hash = NULL;
	OCSP_CERTID *want = NULL;
	const EVP_MD *md;
	bool same;

	if (OCSP_id_get0_info(NULL, &hash, NULL, NULL, id) != 1)
		return false;
	md = EVP_get_digestbyobj(hash);
	want = md != NULL ? OCSP_cert_to_id(md, cert, issuer) : NULL;
	same = want != NULL && OCSP_id_cmp(want, id) == 0;
	OCSP_CERTID_free(want);
	return same;
}

static bool about(OCSP_SINGLERESP *single, const struct tls_identity *id)
{
	OCSP_CERTID *named = (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single);	/* OpenSSL asks for no const */
	X509 *issuer = issuer_of(id);

	return about_by_name(named, id->leaf) && (issuer == NULL || about_by_key(named, id->leaf, issuer));
}

/* RFC 6960 4.2.2.2: the authority itself has signed it, or one whom it made a responder. */
static bool signature_fits(OCSP_BASICRESP *basic, const struct tls_identity *id)
{
	X509 *issuer = issuer_of(id);
	X509_STORE *store = X509_STORE_new();
	bool fits = store != NULL && X509_STORE_add_cert(store, issuer) == 1 &&
		    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
		    OCSP_basic_verify(basic, id->chain, store, 0) == 1;

	X509_STORE_free(store);
	return fits;
}

/* --- when it holds --------------------------------------------------------- */

static bool seconds_of(const ASN1_GENERALIZEDTIME *time, int64_t *out_s)
{
	struct tm tm;

	if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1)
		return false;
	*out_s = clock_days(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_mday) * DAY_S +
		 tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec;
	return true;
}

/* Fills in when it holds, and says what is wrong with that or with what it says. False:
 * it is of no use, now or later. */
static bool single_check(const struct judged *j, const char *file, OCSP_SINGLERESP *single, struct staple *s)
{
	ASN1_GENERALIZEDTIME *from = NULL, *to = NULL;
	int reason = 0, status = OCSP_single_get0_status(single, &reason, NULL, &from, &to);
	int64_t now_s = clock_real_ms() / 1000;
	char date[TLS_DATE_MAX];

	if (!seconds_of(from, &s->from_s)) {
		tell(j, "for %s does not say from when it holds; it is left out", file);
		return false;
	}
	if (!seconds_of(to, &s->to_s))
		s->to_s = s->from_s + DAY_S;
	if (s->to_s <= now_s) {
		tls_date_text(to != NULL ? to : from, date, sizeof(date));
		tell(j, "for %s is too old (%s); it is left out, fetch a new one", file, date);
		return false;
	}
	if (status != V_OCSP_CERTSTATUS_GOOD && status != V_OCSP_CERTSTATUS_REVOKED) {
		tell(j, "the responder does not know the certificate in %s; it is left out", file);
		return false;
	}
	if (status == V_OCSP_CERTSTATUS_REVOKED)
		tell(j, "says that the certificate in %s is revoked (%s); clients will refuse it", file,
		     OCSP_crl_reason_str(reason));
	if (s->from_s > now_s + SKEW_S) {
		tls_date_text(from, date, sizeof(date));
		tell(j, "for %s is not valid before %s; it is sent from then on", file, date);
	}
	return true;
}

/* --- the set --------------------------------------------------------------- */

static int staple_add(struct tls_staples *set, const struct judged *j, X509 *cert, const struct staple *when,
		      struct error *err)
{
	struct staple *s = &set->staple[set->count];
	uint8_t *der = NULL;
	int n = i2d_OCSP_RESPONSE(j->response, &der);

	if (n <= 0)
		return error_set(err, -ENOMEM, "no memory for OcspStaple");
	X509_up_ref(cert);
	*s = (struct staple){ cert, der, (size_t)n, when->from_s, when->to_s };
	set->count++;
	return 0;
}

/* One certificate that the response is about. */
static int single_take(struct tls_staples *set, const struct judged *j, const struct tls_identity *id,
		       OCSP_SINGLERESP *single, struct error *err)
{
	struct staple when = { 0 };

	if (!single_check(j, id->file, single, &when))
		return 0;
	if (issuer_of(id) != NULL && !signature_fits(j->basic, id)) {
		tell(j, "for %s is not signed by the authority of that certificate; it is left out", id->file);
		return 0;
	}
	return staple_add(set, j, id->leaf, &when, err);
}

/* Two files may hold the same certificate: the one response serves both, once. */
static int response_take(struct tls_staples *set, const struct judged *j, struct error *err)
{
	bool found = false;
	int rc = 0;

	for (int i = 0; i < OCSP_resp_count(j->basic) && rc == 0 && !found; i++) {
		OCSP_SINGLERESP *single = OCSP_resp_get0(j->basic, i);

		for (size_t k = 0; k < j->count && rc == 0 && !found; k++) {
			if (!about(single, &j->ids[k]))
				continue;
			found = true;
			rc = single_take(set, j, &j->ids[k], single, err);
		}
	}
	if (!found)
		tell(j, "is about none of the certificates here; it is left out");
	return rc;
}

int tls_staples_load(struct tls_staples **out, const struct tls_material *m, const struct tls_identity *ids,
		     size_t count, tls_warn warn, void *arg, struct error *err)
{
	struct tls_staples *set;
	int rc = 0;

	*out = NULL;
	if (m->staple_count == 0)
		return 0;
	set = calloc(1, sizeof(*set) + m->staple_count * sizeof(set->staple[0]));
	if (set == NULL)
		return error_set(err, -ENOMEM, "no memory for OcspStaple");
	for (size_t i = 0; i < m->staple_count && rc == 0; i++) {
		char name[40];
		struct judged j = { name, ids, count, warn, arg, NULL, NULL };

		snprintf(name, sizeof(name), "OcspStaple %zu", i + 1);
		if (response_open(&j, m->staples[i]))
			rc = response_take(set, &j, err);
		OCSP_BASICRESP_free(j.basic);
		OCSP_RESPONSE_free(j.response);
	}
	ERR_clear_error();
	if (rc < 0)
		tls_staples_free(set);
	else
		*out = set;
	return rc;
}

void tls_staples_free(struct tls_staples *s)
{
	for (size_t i = 0; s != NULL && i < s->count; i++) {
		X509_free(s->staple[i].about);
		OPENSSL_free(s->staple[i].der);
	}
	free(s);
}

struct span tls_staples_find(const struct tls_staples *s, X509 *cert, int64_t now_s)
{
	const struct staple *best = NULL;

	for (size_t i = 0; s != NULL && i < s->count; i++) {
		const struct staple *one = &s->staple[i];

		if (one->from_s > now_s + SKEW_S || one->to_s <= now_s || X509_cmp(one->about, cert) != 0)
			continue;
		if (best == NULL || one->from_s > best->from_s)
			best = one;
	}
	return best != NULL ? (struct span){ best->der, best->n } : (struct span){ NULL, 0 };
}
