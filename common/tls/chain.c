/* chain.c - the contract is in chain.h. */
#include "common/tls/chain.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/tls/identity.h"

enum { SUBJECT_MAX = 200, WORDS_MAX = 640 };	/* bytes */

/* Where words about a chain go. */
struct teller {
	const char *file;
	tls_warn warn;
	void *arg;
};

static void tell(const struct teller *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(const struct teller *t, const char *format, ...)
{
	char words[WORDS_MAX];
	va_list args;
	int used = snprintf(words, sizeof(words), "%s: ", t->file);

	if (used < 0 || (size_t)used >= sizeof(words))
		return;
	va_start(args, format);
	vsnprintf(words + used, sizeof(words) - (size_t)used, format, args);
	va_end(args);
	t->warn(t->arg, words);
}

static bool signature_fits(X509 *cert, X509 *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	bool fits = key != NULL && X509_verify(cert, key) == 1;

	ERR_clear_error();
	return fits;
}

/* By name and key identifier, by what its key may be used for, and by the signature. */
static bool issued(X509 *cert, X509 *issuer)
{
	return X509_check_issued(issuer, cert) == X509_V_OK && signature_fits(cert, issuer);
}

bool tls_chain_own(X509 *cert)
{
	return (X509_get_extension_flags(cert) & EXFLAG_SS) != 0;
}

static bool alive(X509 *cert)
{
	return X509_cmp_current_time(X509_get0_notAfter(cert)) > 0 &&
	       X509_cmp_current_time(X509_get0_notBefore(cert)) < 0;
}

static bool holds(STACK_OF(X509) *list, X509 *cert)
{
	for (int i = 0; i < sk_X509_num(list); i++)
		if (X509_cmp(sk_X509_value(list, i), cert) == 0)
			return true;
	return false;
}

static X509 *last_of(X509 *leaf, STACK_OF(X509) *chain)
{
	int n = sk_X509_num(chain);

	return n > 0 ? sk_X509_value(chain, n - 1) : leaf;
}

/* Where in list the issuer of the chain's last stands, if it is not in the chain yet (two
 * authorities may certify each other); one that is alive comes before one that is not.
 * -1: nowhere. */
static int issuer_find(STACK_OF(X509) *list, X509 *leaf, STACK_OF(X509) *chain)
{
	X509 *last = last_of(leaf, chain);
	int found = -1;

	for (int i = 0; i < sk_X509_num(list); i++) {
		X509 *one = sk_X509_value(list, i);

		if ((found >= 0 && !alive(one)) || holds(chain, one) || !issued(last, one))
			continue;
		if (alive(one))
			return i;
		found = i;
	}
	return found;
}

/* Gives the next link, or NULL. */
static X509 *link_take(X509 *leaf, STACK_OF(X509) *chain, STACK_OF(X509) *loose, STACK_OF(X509) *pool)
{
	int at = issuer_find(loose, leaf, chain);
	X509 *shared;

	if (at >= 0)
		return sk_X509_delete(loose, at);
	at = issuer_find(pool, leaf, chain);
	shared = at >= 0 ? sk_X509_value(pool, at) : NULL;
	if (shared != NULL)
		X509_up_ref(shared);
	return shared;
}

bool tls_chain_order(X509 *leaf, STACK_OF(X509) *chain, STACK_OF(X509) *loose, STACK_OF(X509) *pool)
{
	while (!tls_chain_own(last_of(leaf, chain)) && sk_X509_num(chain) < TLS_CHAIN_MAX) {
		X509 *next = link_take(leaf, chain, loose, pool);

		if (next == NULL)
			break;
		if (sk_X509_push(chain, next) > 0)
			continue;
		X509_free(next);
		return false;
	}
	return true;
}

bool tls_chain_complete(X509 *leaf, STACK_OF(X509) *chain, X509_STORE *system)
{
	X509 *last = last_of(leaf, chain), *issuer = NULL;
	X509_STORE_CTX *look;
	bool found = false;

	if (tls_chain_own(last) || system == NULL)
		return tls_chain_own(last);
	look = X509_STORE_CTX_new();
	if (look != NULL && X509_STORE_CTX_init(look, system, NULL, NULL) == 1 &&
	    X509_STORE_CTX_get1_issuer(&issuer, look, last) == 1)
		found = signature_fits(last, issuer);
	X509_free(issuer);
	X509_STORE_CTX_free(look);
	ERR_clear_error();
	return found;
}

/* --- words ----------------------------------------------------------------- */

/* The link that one pretends to have signed: its key is another, as after a renewal of
 * the authority. NULL: none. */
static X509 *pretended(X509 *leaf, STACK_OF(X509) *chain, X509 *one)
{
	for (int i = -1; i < sk_X509_num(chain); i++) {
		X509 *link = i < 0 ? leaf : sk_X509_value(chain, i);

		if (X509_NAME_cmp(X509_get_issuer_name(link), X509_get_subject_name(one)) == 0 &&
		    !signature_fits(link, one))
			return link;
	}
	return NULL;
}

static void loose_warn(const struct teller *t, X509 *leaf, STACK_OF(X509) *chain, X509 *one)
{
	char subject[SUBJECT_MAX], other[SUBJECT_MAX];
	X509 *link = pretended(leaf, chain, one);

	tls_subject_text(one, subject, sizeof(subject));
	if (X509_cmp(one, leaf) == 0 || holds(chain, one)) {
		tell(t, "%s stands twice in it; the second is left out", subject);
	} else if (link != NULL) {
		tls_subject_text(link, other, sizeof(other));
		tell(t, "%s has the name of the issuer of %s, but its key did not sign that; it is left out", subject,
		     other);
	} else {
		tell(t, "%s does not belong to the chain of its certificate; it is left out", subject);
	}
}

static void link_warn(const struct teller *t, X509 *leaf, X509 *link)
{
	const ASN1_TIME *from = X509_get0_notBefore(link), *to = X509_get0_notAfter(link);
	char subject[SUBJECT_MAX], date[TLS_DATE_MAX], end[TLS_DATE_MAX];

	tls_subject_text(link, subject, sizeof(subject));
	tls_date_text(to, date, sizeof(date));
	if (X509_check_ca(link) == 0)
		tell(t, "%s stands in its chain but is no authority (basicConstraints); clients will refuse it",
		     subject);
	if (X509_cmp_current_time(to) < 0) {
		tell(t, "%s in its chain expired on %s; clients will refuse it", subject, date);
	} else if (X509_cmp_current_time(from) > 0) {
		tls_date_text(from, date, sizeof(date));
		tell(t, "%s in its chain is not valid before %s; clients will refuse it", subject, date);
	} else if (ASN1_TIME_compare(to, X509_get0_notAfter(leaf)) < 0) {
		tls_date_text(X509_get0_notAfter(leaf), end, sizeof(end));
		tell(t, "%s in its chain expires on %s, before the certificate itself (%s)", subject, date, end);
	}
}

void tls_chain_warn(const char *file, X509 *leaf, STACK_OF(X509) *chain, STACK_OF(X509) *loose, tls_warn warn,
		    void *arg)
{
	const struct teller t = { file, warn, arg };

	for (int i = 0; i < sk_X509_num(loose) && warn != NULL; i++)
		loose_warn(&t, leaf, chain, sk_X509_value(loose, i));
	for (int i = 0; i < sk_X509_num(chain) && warn != NULL; i++)
		link_warn(&t, leaf, sk_X509_value(chain, i));
}
