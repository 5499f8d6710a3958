/* revoke.c - the contract is in revoke.h. RFC 5280 5 throughout. */
#include "common/tls/revoke.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/ascii.h"
#include "common/base/escape.h"
#include "common/tls/issuer.h"
#include "common/tls/pem.h"
#include "common/tls/text.h"

/* RFC 5280 5.3.1, those that an end's certificate can have. */
static const struct {
	const char *word;
	int code;
} reasons[] = {
	{ "unspecified", CRL_REASON_UNSPECIFIED },
	{ "key-compromise", CRL_REASON_KEY_COMPROMISE },
	{ "affiliation-changed", CRL_REASON_AFFILIATION_CHANGED },
	{ "superseded", CRL_REASON_SUPERSEDED },
	{ "cessation-of-operation", CRL_REASON_CESSATION_OF_OPERATION },
	{ "privilege-withdrawn", CRL_REASON_PRIVILEGE_WITHDRAWN },
};
enum { REASONS = sizeof(reasons) / sizeof(reasons[0]) };

const char *tls_revoke_reason(unsigned i)
{
	return i < REASONS ? reasons[i].word : NULL;
}

bool tls_revoke_serial(const char *text, char out[TLS_REVOKE_SERIAL])
{
	struct span in = span_of(text);
	size_t n = 0;

	if (span_starts_nocase(in, "0x"))
		span_take(&in, 2);
	for (; in.n > 0; span_take(&in, 1)) {
		uint8_t c = ascii_lower(in.p[0]);

		if (c == ':' && n > 0)
			continue;
		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
		if (n == 1 && out[0] == '0')
			n = 0;
		if (n + 2 >= TLS_REVOKE_SERIAL)
			return false;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return n > 0;
}

static ASN1_INTEGER *serial_of(const char *text)
{
	ASN1_INTEGER *serial = NULL;
	BIGNUM *number = NULL;

	if (BN_hex2bn(&number, text) > 0)
		serial = BN_to_ASN1_INTEGER(number, NULL);
	BN_free(number);
	return serial;
}

/* --- making ---------------------------------------------------------------- */

/* The list that stands in old; *out stays NULL where there is none. */
static int old_read(X509_CRL **out, struct span old, const struct tls_issuer *ca, struct error *err)
{
	STACK_OF(X509_CRL) *list = NULL;
	int rc;

	*out = NULL;
	if (old.n == 0)
		return 0;
	rc = tls_pem_crls(&list, old, "the revocation list", err);
	if (rc < 0)
		return rc;
	*out = sk_X509_CRL_shift(list);
	if (sk_X509_CRL_num(list) > 0 || X509_CRL_verify(*out, ca->key) != 1) {
		X509_CRL_free(*out);
		*out = NULL;
		rc = error_set(
		    err, -EINVAL,
		    "the revocation list that is there is not this CA's alone: move it away, or its entries "
		    "would be lost");
	}
	sk_X509_CRL_pop_free(list, X509_CRL_free);
	return rc;
}

static bool dates_set(X509_CRL *list, unsigned days)
{
	time_t now = time(NULL);
	ASN1_TIME *this = ASN1_TIME_adj(NULL, now, 0, 0), *next = ASN1_TIME_adj(NULL, now, (int)days, 0);
	bool done = this != NULL && next != NULL && X509_CRL_set1_lastUpdate(list, this) == 1 &&
		    X509_CRL_set1_nextUpdate(list, next) == 1;

	ASN1_TIME_free(this);
	ASN1_TIME_free(next);
	return done;
}

/* RFC 5280 5.2.3: one more than the last. */
static bool number_set(X509_CRL *list, X509_CRL *old)
{
	ASN1_INTEGER *last = old != NULL ? X509_CRL_get_ext_d2i(old, NID_crl_number, NULL, NULL) : NULL;
	BIGNUM *number = last != NULL ? ASN1_INTEGER_to_BN(last, NULL) : BN_new();
	ASN1_INTEGER *next = NULL;
	bool done;

	if (number != NULL && BN_add_word(number, 1) == 1)
		next = BN_to_ASN1_INTEGER(number, NULL);
	done = next != NULL && X509_CRL_add1_ext_i2d(list, NID_crl_number, next, 0, X509V3_ADD_DEFAULT) == 1;
	ASN1_INTEGER_free(next);
	ASN1_INTEGER_free(last);
	BN_free(number);
	return done;
}

/* RFC 5280 5.2.1 */
static bool authority_set(X509_CRL *list, X509 *ca)
{
	X509_EXTENSION *one;
	X509V3_CTX ctx;
	bool done;

	X509V3_set_ctx(&ctx, ca, NULL, NULL, list, 0);
	one = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
	done = one != NULL && X509_CRL_add_ext(list, one, -1) == 1;
	X509_EXTENSION_free(one);
	return done;
}

static bool entries_copy(X509_CRL *list, X509_CRL *old)
{
	STACK_OF(X509_REVOKED) *entries = old != NULL ? X509_CRL_get_REVOKED(old) : NULL;

	for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
		X509_REVOKED *copy = X509_REVOKED_dup(sk_X509_REVOKED_value(entries, i));

		if (copy == NULL || X509_CRL_add0_revoked(list, copy) != 1) {
			X509_REVOKED_free(copy);
			return false;
		}
	}
	return true;
}

/* RFC 5280 5.3.1: unspecified is said by saying nothing. */
static bool reason_set(X509_REVOKED *entry, int code)
{
	ASN1_ENUMERATED *value;
	bool done;

	if (code == CRL_REASON_UNSPECIFIED)
		return true;
	value = ASN1_ENUMERATED_new();
	done = value != NULL && ASN1_ENUMERATED_set(value, code) == 1 &&
	       X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, value, 0, X509V3_ADD_DEFAULT) == 1;
	ASN1_ENUMERATED_free(value);
	return done;
}

static bool entry_add(X509_CRL *list, const char *serial, int code)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_INTEGER *number = serial_of(serial);
	ASN1_TIME *now = ASN1_TIME_adj(NULL, time(NULL), 0, 0);
	bool done = entry != NULL && number != NULL && now != NULL &&
		    X509_REVOKED_set_serialNumber(entry, number) == 1 &&
		    X509_REVOKED_set_revocationDate(entry, now) == 1 && reason_set(entry, code);

	if (done && X509_CRL_add0_revoked(list, entry) == 1)
		entry = NULL;
	else
		done = false;
	X509_REVOKED_free(entry);
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(now);
	return done;
}

static int code_of(const char *reason)
{
	for (unsigned i = 0; i < REASONS; i++)
		if (strcmp(reasons[i].word, reason) == 0)
			return reasons[i].code;
	return -1;
}

static X509_CRL *list_make(const struct tls_issuer *ca, X509_CRL *old, const char *serial, int code,
			   unsigned days)
{
	X509_CRL *list = X509_CRL_new();

	if (list != NULL && X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1 &&
	    X509_CRL_set_issuer_name(list, X509_get_subject_name(ca->certificate)) == 1 &&
	    dates_set(list, days) && authority_set(list, ca->certificate) && number_set(list, old) &&
	    entries_copy(list, old) && (serial == NULL || entry_add(list, serial, code)) &&
	    X509_CRL_sort(list) == 1 && X509_CRL_sign(list, ca->key, EVP_sha256()) > 0)
		return list;
	X509_CRL_free(list);
	return NULL;
}

static int list_put(X509_CRL *list, struct buf *out, struct error *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int rc;

	if (bio != NULL && PEM_write_bio_X509_CRL(bio, list) == 1)
		rc = tls_issuer_write(bio, out, err);
	else
		rc = tls_issuer_broken(err, "write a revocation list");
	BIO_free(bio);
	return rc;
}

static bool holds(X509_CRL *list, const char *serial)
{
	ASN1_INTEGER *number = serial_of(serial);
	X509_REVOKED *entry;
	bool found = number != NULL && list != NULL && X509_CRL_get0_by_serial(list, &entry, number) == 1;

	ASN1_INTEGER_free(number);
	return found;
}

static int arguments_check(const char *serial, const char *reason, unsigned days, struct error *err)
{
	char folded[TLS_REVOKE_SERIAL];

	if (days == 0 || days > TLS_REVOKE_DAYS_MAX)
		return error_set(err, -EINVAL, "a revocation list is good for 1 to %d days",
				 TLS_REVOKE_DAYS_MAX);
	if (serial == NULL)
		return 0;
	if (!tls_revoke_serial(serial, folded))
		return error_set(err, -EINVAL, "a serial number is 1 to 40 hexadecimal digits");
	if (code_of(reason) < 0)
		return error_set(err, -EINVAL, "there is no reason %s to revoke a certificate", reason);
	return 0;
}

int tls_revoke_make(struct span ca_certificate, struct span ca_key, struct span old_text, const char *serial,
		    const char *reason, unsigned days, struct buf *out, struct error *err)
{
	struct tls_issuer ca = { NULL, NULL };
	X509_CRL *old = NULL, *list = NULL;
	int rc = arguments_check(serial, reason, days, err);

	if (rc < 0)
		return rc;
	rc = tls_issuer_read(&ca, ca_certificate, ca_key, err);
	if (rc < 0)
		return rc;
	rc = old_read(&old, old_text, &ca, err);
	if (rc < 0)
		goto out;
	if (serial != NULL && holds(old, serial)) {
		rc = error_set(err, -EEXIST, "the certificate %s is revoked already", serial);
		goto out;
	}
	list = list_make(&ca, old, serial, serial != NULL ? code_of(reason) : 0, days);
	rc = list != NULL ? list_put(list, out, err) : tls_issuer_broken(err, "make a revocation list");
out:
	X509_CRL_free(list);
	X509_CRL_free(old);
	tls_issuer_clear(&ca);
	ERR_clear_error();
	return rc;
}

/* --- reading --------------------------------------------------------------- */

struct tls_revocations {
	STACK_OF(X509_CRL) * lists;
};

int tls_revoke_read(struct tls_revocations **out, struct span text, const char *name, struct error *err)
{
	STACK_OF(X509_CRL) * lists;
	int rc = tls_pem_crls(&lists, text, name, err);

	*out = NULL;
	if (rc < 0)
		return rc;
	*out = malloc(sizeof(**out));
	if (*out == NULL) {
		sk_X509_CRL_pop_free(lists, X509_CRL_free);
		return error_set(err, -ENOMEM, "no memory for the revocation lists of %s", name);
	}
	(*out)->lists = lists;
	return 0;
}

void tls_revoke_free(struct tls_revocations *r)
{
	if (r != NULL)
		sk_X509_CRL_pop_free(r->lists, X509_CRL_free);
	free(r);
}

size_t tls_revoke_count(const struct tls_revocations *r)
{
	return (size_t)sk_X509_CRL_num(r->lists);
}

static void date_text(const ASN1_TIME *t, char *out, size_t size)
{
	struct tm tm = { 0 };

	*out = '\0';
	if (t != NULL && ASN1_TIME_to_tm(t, &tm) == 1)
		strftime(out, size, "%Y-%m-%d", &tm);
}

void tls_revoke_at(const struct tls_revocations *r, size_t i, struct tls_revoke_list *out)
{
	X509_CRL *list = sk_X509_CRL_value(r->lists, (int)i);
	ASN1_INTEGER *number = X509_CRL_get_ext_d2i(list, NID_crl_number, NULL, NULL);
	char *text = number != NULL ? i2s_ASN1_INTEGER(NULL, number) : NULL;
	int count = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list));

	*out = (struct tls_revoke_list){ .count = count > 0 ? (size_t)count : 0 };
	tls_dn_text(X509_CRL_get_issuer(list), out->issuer, sizeof(out->issuer));
	snprintf(out->number, sizeof(out->number), "%s", text != NULL ? text : "");
	date_text(X509_CRL_get0_nextUpdate(list), out->ends, sizeof(out->ends));
	out->days_left = tls_days_left(X509_CRL_get0_nextUpdate(list));
	OPENSSL_free(text);
	ASN1_INTEGER_free(number);
}

static void entry_read(const X509_REVOKED *entry, struct tls_revoke_entry *out)
{
	ASN1_ENUMERATED *value = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
	long code = value != NULL ? ASN1_ENUMERATED_get(value) : CRL_REASON_UNSPECIFIED;

	out->reason = "unspecified";
	for (unsigned i = 0; i < REASONS; i++)
		if (reasons[i].code == code)
			out->reason = reasons[i].word;
	date_text(X509_REVOKED_get0_revocationDate(entry), out->when, sizeof(out->when));
	ASN1_ENUMERATED_free(value);
}

bool tls_revoke_find(const struct tls_revocations *r, const char *issuer, const char *serial,
		     struct tls_revoke_entry *out)
{
	ASN1_INTEGER *number = r != NULL ? serial_of(serial) : NULL;
	X509_REVOKED *entry = NULL;
	bool found = false;

	for (int i = 0; number != NULL && !found && i < sk_X509_CRL_num(r->lists); i++) {
		X509_CRL *list = sk_X509_CRL_value(r->lists, i);
		char name[sizeof(((struct tls_revoke_list *)0)->issuer)];

		tls_dn_text(X509_CRL_get_issuer(list), name, sizeof(name));
		found = strcmp(name, issuer) == 0 && X509_CRL_get0_by_serial(list, &entry, number) == 1;
	}
	if (found)
		entry_read(entry, out);
	ASN1_INTEGER_free(number);
	return found;
}
