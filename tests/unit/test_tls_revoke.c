/* test_tls_revoke.c - revocation lists of the site's own CA, judged by OpenSSL's verifier; PKCS#12 files.
 * link: common/tls common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include "common/tls/issue.h"
#include "common/tls/pem.h"
#include "common/tls/revoke.h"

enum { TEXT_MAX = 65536 };

/* A CA with two clients. */
struct world {
	struct buf ca, ca_key, chain[2], key[2];
	char serial[2][TLS_REVOKE_SERIAL];
};

static X509 *first_of(struct span text)
{
	STACK_OF(X509) *list;
	X509 *x;

	assert_int_equal(tls_pem_certificates(&list, text, "x", NULL), 0);
	x = sk_X509_shift(list);
	sk_X509_pop_free(list, X509_free);
	return x;
}

static void serial_of(struct span chain, char out[TLS_REVOKE_SERIAL])
{
	X509 *x = first_of(chain);
	BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *hex = BN_bn2hex(n);

	assert_true(tls_revoke_serial(hex, out));
	OPENSSL_free(hex);
	BN_free(n);
	X509_free(x);
}

static void world_make(struct world *w)
{
	buf_init(&w->ca, TEXT_MAX);
	buf_init(&w->ca_key, TEXT_MAX);
	assert_int_equal(tls_issue_ca("Test CA", &w->ca, &w->ca_key, NULL), 0);
	for (size_t i = 0; i < 2; i++) {
		buf_init(&w->chain[i], TEXT_MAX);
		buf_init(&w->key[i], TEXT_MAX);
		assert_int_equal(tls_issue_client(buf_span(&w->ca), buf_span(&w->ca_key), "Anna", "anna@example.org", 90,
						  &w->chain[i], &w->key[i], NULL),
				 0);
		serial_of(buf_span(&w->chain[i]), w->serial[i]);
	}
}

static void world_clear(struct world *w)
{
	buf_clear(&w->ca);
	buf_wipe(&w->ca_key);
	for (size_t i = 0; i < 2; i++) {
		buf_clear(&w->chain[i]);
		buf_wipe(&w->key[i]);
	}
}

/* One more turn: *list is taken and made anew. */
static int turn(const struct world *w, struct buf *list, const char *serial, const char *reason, struct error *err)
{
	struct buf next;
	int rc;

	buf_init(&next, TEXT_MAX);
	rc = tls_revoke_make(buf_span(&w->ca), buf_span(&w->ca_key), buf_span(list), serial, reason, 30, &next, err);
	if (rc == 0) {
		buf_clear(list);
		*list = next;
	} else {
		assert_int_equal(next.n, 0);
		buf_clear(&next);
	}
	return rc;
}

/* What OpenSSL's verifier says of a client by that list. */
static int verdict(const struct world *w, size_t client, const struct buf *list)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509 *ca = first_of(buf_span(&w->ca)), *leaf = first_of(buf_span(&w->chain[client]));
	STACK_OF(X509_CRL) *lists;
	int out;

	assert_int_equal(tls_pem_crls(&lists, buf_span(list), "x", NULL), 0);
	assert_int_equal(sk_X509_CRL_num(lists), 1);
	X509_STORE_add_cert(store, ca);
	X509_STORE_add_crl(store, sk_X509_CRL_value(lists, 0));
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_X509_STRICT);
	X509_STORE_CTX_init(ctx, store, leaf, NULL);
	X509_STORE_CTX_set_default(ctx, "ssl_client");
	X509_verify_cert(ctx);
	out = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_CRL_pop_free(lists, X509_CRL_free);
	X509_free(ca);
	X509_free(leaf);
	return out;
}

static void facts_are(const struct buf *list, const char *number, size_t count)
{
	struct tls_revoke_list facts;
	struct tls_revocations *r;

	assert_int_equal(tls_revoke_read(&r, buf_span(list), "x", NULL), 0);
	assert_int_equal(tls_revoke_count(r), 1);
	tls_revoke_at(r, 0, &facts);
	assert_string_equal(facts.issuer, "CN=Test CA");
	assert_string_equal(facts.number, number);
	assert_int_equal(facts.count, count);
	assert_in_range(facts.days_left, 29, 30);
	assert_int_equal(strlen(facts.ends), 10);
	tls_revoke_free(r);
}

/* The word that the list has for a client; NULL: not on it. */
static const char *reason_of(const struct world *w, size_t client, const struct buf *list)
{
	struct tls_revoke_entry entry;
	struct tls_revocations *r;
	bool found;

	assert_int_equal(tls_revoke_read(&r, buf_span(list), "x", NULL), 0);
	found = tls_revoke_find(r, "CN=Test CA", w->serial[client], &entry);
	assert_false(tls_revoke_find(r, "CN=Another CA", w->serial[client], &entry));
	tls_revoke_free(r);
	if (found)
		assert_int_equal(strlen(entry.when), 10);
	return found ? entry.reason : NULL;
}

static void test_turns(void **state)
{
	struct world w;
	struct error err;
	struct buf list;

	(void)state;
	world_make(&w);
	buf_init(&list, TEXT_MAX);
	assert_int_equal(turn(&w, &list, NULL, NULL, &err), 0);
	facts_are(&list, "1", 0);
	assert_int_equal(verdict(&w, 0, &list), X509_V_OK);
	assert_null(reason_of(&w, 0, &list));

	assert_int_equal(turn(&w, &list, w.serial[0], "key-compromise", &err), 0);
	facts_are(&list, "2", 1);
	assert_int_equal(verdict(&w, 0, &list), X509_V_ERR_CERT_REVOKED);
	assert_int_equal(verdict(&w, 1, &list), X509_V_OK);
	assert_string_equal(reason_of(&w, 0, &list), "key-compromise");

	assert_int_equal(turn(&w, &list, w.serial[0], "superseded", &err), -EEXIST);
	facts_are(&list, "2", 1);

	assert_int_equal(turn(&w, &list, w.serial[1], "unspecified", &err), 0);
	facts_are(&list, "3", 2);
	assert_int_equal(verdict(&w, 0, &list), X509_V_ERR_CERT_REVOKED);
	assert_int_equal(verdict(&w, 1, &list), X509_V_ERR_CERT_REVOKED);
	assert_string_equal(reason_of(&w, 0, &list), "key-compromise");
	assert_string_equal(reason_of(&w, 1, &list), "unspecified");

	assert_int_equal(turn(&w, &list, NULL, NULL, &err), 0);	/* refreshed: nothing is forgotten */
	facts_are(&list, "4", 2);
	assert_int_equal(verdict(&w, 0, &list), X509_V_ERR_CERT_REVOKED);
	buf_clear(&list);
	world_clear(&w);
}

static void test_refused(void **state)
{
	struct world w, other;
	struct buf list, both, out;

	(void)state;
	world_make(&w);
	world_make(&other);
	buf_init(&list, TEXT_MAX);
	buf_init(&both, TEXT_MAX);
	buf_init(&out, TEXT_MAX);
	assert_int_equal(turn(&w, &list, w.serial[0], "superseded", NULL), 0);
	buf_put(&both, buf_span(&list));
	buf_put(&both, buf_span(&list));
	const struct {
		const char *why;
		const struct world *ca;
		struct span old;
		const char *serial, *reason;
		unsigned days;
		const char *words;
	} rows[] = {
		{ "another CA's list", &other, buf_span(&list), NULL, NULL, 30, "not this CA's" },
		{ "two lists", &w, buf_span(&both), NULL, NULL, 30, "not this CA's" },
		{ "no list", &w, span_of("hello"), NULL, NULL, 30, "holds no revocation list" },
		{ "no days", &w, buf_span(&list), NULL, NULL, 0, "1 to 3650 days" },
		{ "too many days", &w, buf_span(&list), NULL, NULL, 3651, "1 to 3650 days" },
		{ "no serial", &w, buf_span(&list), "xyz", "superseded", 30, "hexadecimal" },
		{ "no such reason", &w, buf_span(&list), "01", "boredom", 30, "no reason boredom" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error err = { 0 };

		unit_case(rows[i].why, i);
		assert_int_equal(tls_revoke_make(buf_span(&rows[i].ca->ca), buf_span(&rows[i].ca->ca_key), rows[i].old,
						 rows[i].serial, rows[i].reason, rows[i].days, &out, &err),
				 -EINVAL);
		if (strstr(err.words, rows[i].words) == NULL)
			fail_msg("got \"%s\"", err.words);
		assert_int_equal(out.n, 0);
	}
	buf_clear(&list);
	buf_clear(&both);
	buf_clear(&out);
	world_clear(&w);
	world_clear(&other);
}

static void test_serials(void **state)
{
	static const struct {
		const char *why, *text, *want;	/* NULL: it is none */
	} rows[] = {
		{ "as openssl shows it", "4A1B", "4a1b" },
		{ "with colons", "4A:1B:00", "4a1b00" },
		{ "with 0x", "0x4a", "4a" },
		{ "leading zeros", "000F", "f" },
		{ "nought", "00", "0" },
		{ "40 digits", "ffffffffffffffffffffffffffffffffffffffff", "ffffffffffffffffffffffffffffffffffffffff" },
		{ "42 digits", "ffffffffffffffffffffffffffffffffffffffffff", NULL },
		{ "a fingerprint is none", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", NULL },
		{ "no digit", "4g", NULL },
		{ "a file", "clients/anna.pem", NULL },
		{ "nothing", "", NULL },
		{ "a colon alone", ":", NULL },
	};
	char out[TLS_REVOKE_SERIAL];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, i);
		assert_int_equal(tls_revoke_serial(rows[i].text, out), rows[i].want != NULL);
		if (rows[i].want != NULL)
			assert_string_equal(out, rows[i].want);
	}
}

/* Any word that is shown can be given. */
static void test_reasons(void **state)
{
	struct world w;
	struct buf list;

	(void)state;
	world_make(&w);
	buf_init(&list, TEXT_MAX);
	for (unsigned i = 0; tls_revoke_reason(i) != NULL; i++) {
		unit_case(tls_revoke_reason(i), i);
		buf_clear(&list);
		assert_int_equal(turn(&w, &list, w.serial[0], tls_revoke_reason(i), NULL), 0);
		assert_string_equal(reason_of(&w, 0, &list), tls_revoke_reason(i));
	}
	buf_clear(&list);
	world_clear(&w);
}

/* Days are those asked for, as long as the CA lives; and for authentication alone. */
static void test_client(void **state)
{
	struct world w;
	struct buf chain, key;
	X509 *leaf;
	int d, s;

	(void)state;
	world_make(&w);
	leaf = first_of(buf_span(&w.chain[0]));
	assert_int_equal(ASN1_TIME_diff(&d, &s, X509_get0_notBefore(leaf), X509_get0_notAfter(leaf)), 1);
	assert_int_equal(d, 90);
	assert_int_equal(X509_get_extended_key_usage(leaf), XKU_SSL_CLIENT);
	assert_int_equal(X509_check_email(leaf, "anna@example.org", 0, 0), 1);
	X509_free(leaf);
	buf_init(&chain, TEXT_MAX);
	buf_init(&key, TEXT_MAX);
	assert_int_equal(tls_issue_client(buf_span(&w.ca), buf_span(&w.ca_key), "", "a@b", 0, &chain, &key, NULL), -EINVAL);
	assert_int_equal(tls_issue_client(buf_span(&w.ca), buf_span(&w.ca_key), "", "a@b", 3651, &chain, &key, NULL),
			 -EINVAL);
	assert_int_equal(chain.n + key.n, 0);
	world_clear(&w);
}

static void test_bundle(void **state)
{
	struct world w;

	(void)state;
	world_make(&w);
	for (int kind = TLS_BUNDLE_AES; kind <= TLS_BUNDLE_OLD; kind++) {
		STACK_OF(X509) *others = NULL;
		EVP_PKEY *key = NULL;
		const uint8_t *p;
		PKCS12 *bundle;
		X509 *leaf = NULL;
		struct buf out;

		unit_case("kind of bundle", (size_t)kind);
		buf_init(&out, TEXT_MAX);
		assert_int_equal(tls_issue_bundle(buf_span(&w.chain[0]), buf_span(&w.key[0]), kind, "secret", "Anna",
						  &out, NULL),
				 0);
		p = out.p;
		bundle = d2i_PKCS12(NULL, &p, (long)out.n);
		assert_non_null(bundle);
		assert_int_equal(PKCS12_verify_mac(bundle, "wrong", -1), 0);
		assert_int_equal(PKCS12_parse(bundle, "secret", &key, &leaf, &others), 1);
		assert_int_equal(X509_check_private_key(leaf, key), 1);
		assert_int_equal(sk_X509_num(others), 1);	/* the CA's */
		EVP_PKEY_free(key);
		X509_free(leaf);
		sk_X509_pop_free(others, X509_free);
		PKCS12_free(bundle);
		buf_wipe(&out);
	}
	world_clear(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),	cmocka_unit_test(test_refused), cmocka_unit_test(test_serials),
		cmocka_unit_test(test_reasons), cmocka_unit_test(test_client),	cmocka_unit_test(test_bundle),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls revoke");
}
