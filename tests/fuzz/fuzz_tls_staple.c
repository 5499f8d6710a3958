/* fuzz_tls_staple.c - any bytes as an OCSP response: it is taken, or there is a line that
 * says why not; what is taken is what goes out.
 * link: common/tls common/base */
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/tls/staple.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool fits)
{
	if (!fits)
		abort();
}

static void name_set(X509_NAME *name, const char *text)
{
	check(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)text, -1, -1, 0) == 1);
}

/* Of CN=F, as the seeds have it. */
static X509 *certificate(const char *subject, long serial, EVP_PKEY *key)
{
	X509 *cert = X509_new();

	check(ASN1_INTEGER_set(X509_get_serialNumber(cert), serial) == 1);
	name_set(X509_get_subject_name(cert), subject);
	name_set(X509_get_issuer_name(cert), "F");
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_set_pubkey(cert, key);
	check(X509_sign(cert, key, EVP_sha256()) > 0);
	return cert;
}

/* One whose issuer is not at hand, and one whose is. */
static void identities(struct tls_identity ids[2])
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	for (int i = 0; i < 2; i++) {
		ids[i] = (struct tls_identity){ .file = i == 0 ? "a.pem" : "b.pem", .chain = sk_X509_new_null() };
		ids[i].leaf = certificate("l", 7 + i, key);
	}
	check(sk_X509_push(ids[1].chain, certificate("F", 1, key)) > 0);
	EVP_PKEY_free(key);
}

static void hear(void *arg, const char *words)
{
	check(strncmp(words, "OcspStaple 1: ", 14) == 0 && strchr(words, '\n') == NULL);
	*(bool *)arg = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tls_identity ids[2];
	struct span staple = { data, size };
	struct tls_material m = { .staples = &staple, .staple_count = 1 };
	struct tls_staples *set;
	bool warned = false, sent = false;

	if (ids[0].leaf == NULL)
		identities(ids);
	check(tls_staples_load(&set, &m, ids, 2, hear, &warned, NULL) == 0);
	for (int i = 0; i < 2; i++)
		sent |= tls_staples_find(set, ids[i].leaf, clock_real_ms() / 1000).n > 0;
	check(warned || sent);
	tls_staples_free(set);
	return 0;
}
