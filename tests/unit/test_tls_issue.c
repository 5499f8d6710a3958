/* test_tls_issue.c - certificates of the site's own CA, judged by OpenSSL's verifier.
 * link: tests/unit/tls_peer.o tests/unit/tls_papers.o common/tls common/base */
#include "tests/unit/unit.h"

#include "tests/unit/tls_peer.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/tls/issue.h"
#include "common/tls/pem.h"

enum { DAY = 86400, TEXT_MAX = 65536 };

static STACK_OF(X509) *certificates(struct span text)
{
	STACK_OF(X509) *list;

	assert_int_equal(tls_pem_certificates(&list, text, "x", NULL), 0);
	return list;
}

/* Days between two times of a certificate. */
static int days(const ASN1_TIME *from, const ASN1_TIME *to)
{
	int d, s;

	assert_int_equal(ASN1_TIME_diff(&d, &s, from, to), 1);
	return d;
}

/* What OpenSSL's verifier says of list[0], trusting the last one. */
static int verdict(STACK_OF(X509) *list, const char *purpose, const char *host, const char *ip)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int out;

	X509_STORE_add_cert(store, sk_X509_value(list, sk_X509_num(list) - 1));
	X509_STORE_CTX_init(ctx, store, sk_X509_value(list, 0), NULL);
	X509_STORE_CTX_set_default(ctx, purpose);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
	if (host != NULL)
		X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(ctx), host, 0);
	if (ip != NULL)
		X509_VERIFY_PARAM_set1_ip_asc(X509_STORE_CTX_get0_param(ctx), ip);
	X509_verify_cert(ctx);
	out = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return out;
}

static void test_ca(void **state)
{
	STACK_OF(X509) *list = certificates(peer_ca().certificate);
	X509 *ca = sk_X509_value(list, 0);
	char name[64];

	(void)state;
	assert_int_equal(sk_X509_num(list), 1);
	assert_int_equal(X509_check_ca(ca), 1);
	assert_int_equal(X509_get_pathlen(ca), 0);
	assert_int_equal(X509_get_key_usage(ca), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_non_null(X509_get0_subject_key_id(ca));
	assert_int_equal(EVP_PKEY_get_base_id(X509_get0_pubkey(ca)), EVP_PKEY_EC);
	assert_int_equal(days(X509_get0_notBefore(ca), X509_get0_notAfter(ca)), 3650);
	X509_NAME_oneline(X509_get_subject_name(ca), name, sizeof(name));
	assert_string_equal(name, "/CN=Test CA");
	sk_X509_pop_free(list, X509_free);
}

static void test_server(void **state)
{
	static const char *const names[] = { "mail.example.org", "localhost", "127.0.0.1", "::1", NULL };

	(void)state;
	for (int rsa = 0; rsa < 2; rsa++) {
		struct peer_pair p = peer_server(rsa, names);
		STACK_OF(X509) *list = certificates(p.certificate);
		X509 *leaf = sk_X509_value(list, 0);
		EVP_PKEY *key;
		int d, s;

		unit_case(rsa ? "RSA" : "P-256", 0);
		assert_int_equal(sk_X509_num(list), 2);
		assert_int_equal(tls_pem_key(&key, p.key, "x", NULL), 0);
		assert_int_equal(X509_check_private_key(leaf, key), 1);
		EVP_PKEY_free(key);
		assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(leaf)), rsa ? 2048 : 256);
		assert_int_equal(verdict(list, "ssl_server", "mail.example.org", NULL), X509_V_OK);
		assert_int_equal(verdict(list, "ssl_server", "localhost", NULL), X509_V_OK);
		assert_int_equal(verdict(list, "ssl_server", NULL, "127.0.0.1"), X509_V_OK);
		assert_int_equal(verdict(list, "ssl_server", NULL, "::1"), X509_V_OK);
		assert_int_equal(verdict(list, "ssl_server", "other.example.org", NULL), X509_V_ERR_HOSTNAME_MISMATCH);
		assert_int_equal(verdict(list, "ssl_server", NULL, "127.0.0.2"), X509_V_ERR_IP_ADDRESS_MISMATCH);
		assert_int_equal(verdict(list, "ssl_client", NULL, NULL), X509_V_ERR_INVALID_PURPOSE);
		assert_int_equal(days(X509_get0_notBefore(leaf), X509_get0_notAfter(leaf)), 825);
		/* An hour ago, for clocks that are behind. */
		assert_int_equal(ASN1_TIME_diff(&d, &s, X509_get0_notBefore(leaf), NULL), 1);
		assert_int_equal(d, 0);
		assert_in_range(s, 3600, 3720);
		assert_int_equal(X509_get_key_usage(leaf), KU_DIGITAL_SIGNATURE | (rsa ? KU_KEY_ENCIPHERMENT : 0));
		assert_int_equal(X509_get_extended_key_usage(leaf), XKU_SSL_SERVER);
		assert_int_equal(X509_check_ca(leaf), 0);
		assert_non_null(X509_get0_authority_key_id(leaf));
		sk_X509_pop_free(list, X509_free);
	}
}

static void test_client(void **state)
{
	STACK_OF(X509) *list = certificates(peer_client("Alice").certificate);
	X509 *leaf = sk_X509_value(list, 0);

	(void)state;
	assert_int_equal(verdict(list, "ssl_client", NULL, NULL), X509_V_OK);
	assert_int_equal(verdict(list, "ssl_server", NULL, NULL), X509_V_ERR_INVALID_PURPOSE);
	assert_int_equal(X509_check_email(leaf, "a@example.org", 0, 0), 1);
	assert_int_equal(X509_check_email(leaf, "b@example.org", 0, 0), 0);
	sk_X509_pop_free(list, X509_free);
}

/* No two are alike, and none can be guessed: 16 random bytes, positive. */
static void test_serials(void **state)
{
	static const char *const names[] = { "a", NULL };
	uint8_t seen[8][16];

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		STACK_OF(X509) *list = certificates(peer_server(0, names).certificate);
		const ASN1_INTEGER *serial = X509_get0_serialNumber(sk_X509_value(list, 0));

		assert_int_equal(ASN1_STRING_type(serial), V_ASN1_INTEGER);
		assert_int_equal(ASN1_STRING_length(serial), 16);
		memcpy(seen[i], ASN1_STRING_get0_data(serial), 16);
		assert_int_equal(seen[i][0] & 0x80, 0);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(seen[i], seen[j], 16);
		sk_X509_pop_free(list, X509_free);
	}
}

/* A leaf does not outlive its CA. */
static void test_short_ca(void **state)
{
	static const char *const names[] = { "a" };
	struct peer_pair ca = peer_authority("Short", NULL, -1, 100);
	struct buf chain, key;
	STACK_OF(X509) *list;

	(void)state;
	buf_init(&chain, TEXT_MAX);
	buf_init(&key, TEXT_MAX);
	assert_int_equal(tls_issue_server(ca.certificate, ca.key, TLS_KEY_P256, names, 1, &chain, &key, NULL), 0);
	list = certificates(buf_span(&chain));
	assert_int_equal(verdict(list, "ssl_server", "a", NULL), X509_V_OK);
	assert_int_equal(ASN1_TIME_compare(X509_get0_notAfter(sk_X509_value(list, 0)),
					   X509_get0_notAfter(sk_X509_value(list, 1))),
			 0);
	sk_X509_pop_free(list, X509_free);
	buf_clear(&chain);
	buf_clear(&key);
}

static void test_refused(void **state)
{
	static const char long_name[] = "a234567890b234567890c234567890d234567890e234567890f2345678901234x";
	struct peer_pair ca = peer_ca(), other = peer_server(0, (const char *const[]){ "a", NULL });
	struct peer_pair expired = peer_authority("Old CA", NULL, -10, -1);
	const struct {
		const char *why;
		struct span certificate, key;
		const char *name, *words;
	} rows[] = {
		{ "no CA", { NULL, 0 }, ca.key, "a", "the CA's certificate: holds no certificate" },
		{ "no key", ca.certificate, { NULL, 0 }, "a", "the CA's key: holds no private key" },
		{ "another key", ca.certificate, other.key, "a", "does not belong" },
		{ "not a CA", other.certificate, other.key, "a", "none of a CA" },
		{ "expired", expired.certificate, expired.key, "a", "expired" },
		{ "a name with a space", ca.certificate, ca.key, "a b", "\"a b\"" },
		{ "a name in UTF-8", ca.certificate, ca.key, "\xc3\xbc", "\"\\xc3\\xbc\"" },
		{ "an empty name", ca.certificate, ca.key, "", "\"\"" },
	};
	struct buf chain, key;
	struct error err;

	(void)state;
	buf_init(&chain, TEXT_MAX);
	buf_init(&key, TEXT_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, i);
		assert_int_equal(tls_issue_server(rows[i].certificate, rows[i].key, TLS_KEY_P256, &rows[i].name, 1,
						  &chain, &key, &err),
				 -EINVAL);
		if (strstr(err.words, rows[i].words) == NULL)
			fail_msg("got \"%s\"", err.words);
		assert_int_equal(chain.n + key.n, 0);
	}
	assert_int_equal(tls_issue_server(ca.certificate, ca.key, TLS_KEY_P256, NULL, 0, &chain, &key, &err), -EINVAL);
	assert_int_equal(tls_issue_ca("", &chain, &key, &err), -EINVAL);
	assert_int_equal(tls_issue_ca(long_name, &chain, &key, &err), -EINVAL);
	assert_int_equal(tls_issue_client(ca.certificate, ca.key, "A", "\xc3\xbc@b", 30, &chain, &key, &err), -EINVAL);
	assert_int_equal(chain.n + key.n, 0);
	buf_clear(&chain);
	buf_clear(&key);
}

/* A host name too long for a common name stands as subjectAltName alone, critical. */
static void test_long_name(void **state)
{
	static const char *const names[] = { "a234567890b234567890c234567890d234567890.e234567890f234567890.example",
					     NULL };
	STACK_OF(X509) *list = certificates(peer_server(0, names).certificate);
	X509 *leaf = sk_X509_value(list, 0);

	(void)state;
	assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(leaf)), 0);
	assert_int_equal(verdict(list, "ssl_server", names[0], NULL), X509_V_OK);
	sk_X509_pop_free(list, X509_free);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ca),	 cmocka_unit_test(test_server),	 cmocka_unit_test(test_client),
		cmocka_unit_test(test_serials),	 cmocka_unit_test(test_short_ca), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_long_name),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls issue");
}
