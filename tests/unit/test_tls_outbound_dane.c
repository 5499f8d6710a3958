/* test_tls_outbound_dane.c - TLSA records against what a server shows (RFC 7672 3).
 * link: tests/unit/outbound_rig.o tests/unit/tls_papers.o common/tls common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "tests/unit/outbound_rig.h"

enum { RECORDS = 3, RECORD_MAX = 4096 };

static const char *const names[] = { "mx.example.org", NULL };

enum spoil { GOOD, SPOILED };

/* A record as text would have it, and the certificate that it is made of. */
struct wanted {
	unsigned usage, selector, matching;
	struct peer_pair from;
	enum spoil spoil;
};

static struct tls_tlsa record(const struct wanted *w, uint8_t data[RECORD_MAX])
{
	BIO *bio = BIO_new_mem_buf(w->from.certificate.p, (int)w->from.certificate.n);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	const EVP_MD *digest = w->matching == 2 ? EVP_sha512() : EVP_sha256();
	struct tls_tlsa out = { .usage = (uint8_t)w->usage, .selector = (uint8_t)w->selector, .matching = (uint8_t)w->matching };
	uint8_t *whole = NULL;
	unsigned n = 0;
	int size;

	assert_non_null(cert);
	size = w->selector == 0 ? i2d_X509(cert, &whole) : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &whole);
	if (w->matching == 0) {
		assert_in_range(size, 1, RECORD_MAX);
		memcpy(data, whole, (size_t)size);
		n = (unsigned)size;
	} else {
		assert_int_equal(EVP_Digest(whole, (size_t)size, data, &n, digest, NULL), 1);
	}
	if (w->spoil == SPOILED)
		data[n - 1] ^= 1;
	out.data = (struct span){ data, n };
	OPENSSL_free(whole);
	X509_free(cert);
	BIO_free(bio);
	return out;
}

struct row {
	const char *why;
	struct peer_pair papers;
	struct wanted wanted[RECORDS];	/* those with usage 0 are none */
	const char *name;	/* that counts besides mx.example.org; NULL: none */
	unsigned level;
	bool enters;
	const char *says;	/* entered: of the record that matched; else: of the failure */
	const char *trouble;	/* entered: what is noted all the same */
	const char *cause;	/* not entered */
};

static void row_try(const struct row *row, size_t number, enum tls_outbound_verify verify)
{
	struct tls_policy p = rig_policy("intermediate", 15, row->level);
	const char *const further[] = { "other.example", row->name };
	uint8_t data[RECORDS][RECORD_MAX];
	struct tls_tlsa records[RECORDS];
	struct tls_outbound_dane dane = { .records = records, .base = "MX.example.org", .names = further };
	struct tls_outbound_wish wish = { .host = "not.looked.at", .dane = &dane };
	struct rig r;

	unit_case(row->why, number);
	dane.name_count = row->name != NULL ? 2 : 1;
	for (size_t i = 0; i < RECORDS && row->wanted[i].usage != 0; i++)
		records[dane.count++] = record(&row->wanted[i], data[i]);
	rig_init(&r, row->papers);
	/* No authority that we know has signed any of it. */
	rig_client(&r, &p, verify, peer_own("P-256", "SHA256", "nobody", -1, 9).certificate, NULL);
	if ((rig_begin(&r, &wish) == TLS_UP) != row->enters)
		fail_msg("%s: \"%s\"", row->why, rig_failure(&r, TLS_CUT_NO));
	if (row->enters) {
		assert_string_equal(tls_session_facts(r.client)->sni, "mx.example.org");
		assert_int_equal(strncmp(tls_outbound_dane_matched(r.client), row->says, strlen(row->says)), 0);
		assert_string_equal(tls_outbound_peer_trouble(r.client), row->trouble);
		tls_outbound_success_text(r.client, r.words, sizeof(r.words));
		assert_non_null(strstr(r.words, " dane=\""));
		assert_non_null(strstr(r.words, tls_outbound_dane_matched(r.client)));
	} else {
		assert_string_equal(tls_outbound_dane_matched(r.client), "");
		assert_string_equal(tls_outbound_cause(r.client, TLS_CUT_NO), row->cause);
		if (strstr(rig_failure(&r, TLS_CUT_NO), row->says) == NULL)
			fail_msg("%s: \"%s\"", row->why, r.words);
	}
	rig_clear(&r);
}

static void test_records(void **state)
{
	const struct peer_pair ca = peer_authority("DANE CA", NULL, -1, 90), other = peer_server(0, names);
	const struct peer_pair own = peer_own("P-256", "SHA256", "somebody.example", -1, 90);
	const struct peer_pair over = peer_own("P-256", "SHA256", "mx.example.org", -9, -2);
	const struct peer_pair weak = peer_own("RSA-1024", "SHA256", "mx.example.org", -1, 90);
	const struct peer_pair old = peer_signed("P-256", "SHA1", "mx.example.org", ca, -1, 90);
	const struct peer_pair leaf = peer_signed("P-256", "SHA256", "mx.example.org", ca, -1, 90);
	const struct peer_pair gone = peer_signed("P-256", "SHA256", "mx.example.org", ca, -9, -2);
	const struct peer_pair away = peer_signed("P-256", "SHA256", "a.example", ca, -1, 90);
	const struct peer_pair chain = { peer_join(leaf.certificate, ca.certificate), leaf.key };
	const struct peer_pair gone_chain = { peer_join(gone.certificate, ca.certificate), gone.key };
	const struct peer_pair away_chain = { peer_join(away.certificate, ca.certificate), away.key };
	const struct row rows[] = {
		{ "EE: key", own, { { 3, 1, 1, own, GOOD } }, NULL, 2, true, "3 1 1 ", "", NULL },
		{ "EE: certificate", own, { { 3, 0, 1, own, GOOD } }, NULL, 2, true, "3 0 1 ", "", NULL },
		{ "EE: SHA2-512", own, { { 3, 1, 2, own, GOOD } }, NULL, 2, true, "3 1 2 ", "", NULL },
		{ "EE: the whole key", own, { { 3, 1, 0, own, GOOD } }, NULL, 2, true, "3 1 0 3059", "", NULL },
		{ "EE: over, and nobody minds", over, { { 3, 1, 1, over, GOOD } }, NULL, 2, true, "3 1 1 ", "", NULL },
		{ "EE: the second", own, { { 3, 1, 1, other, GOOD }, { 3, 1, 1, own, GOOD } }, NULL, 2, true, "3 1 1 ", "", NULL },
		{ "EE: another key", own, { { 3, 1, 1, own, SPOILED } }, NULL, 2, false,
		  "no TLSA record of mx.example.org matches: expected 3 1 1 ", NULL, "peer-cert-not-in-dane" },
		{ "EE: a certificate of a good authority does not help", leaf, { { 3, 1, 1, own, GOOD } }, NULL, 2, false,
		  "; shown 3 1 1 ", NULL, "peer-cert-not-in-dane" },
		{ "EE: the strongest hash counts (RFC 7671 9)", own, { { 3, 1, 1, own, GOOD }, { 3, 1, 2, own, SPOILED } }, NULL, 2,
		  false, "expected 3 1 1 ", NULL, "peer-cert-not-in-dane" },
		{ "EE: weak at our level", weak, { { 3, 1, 1, weak, GOOD } }, NULL, 2, false,
		  "RSA-1024 in the chain is below SecureLevel 2", NULL, "peer-cert-weak" },
		{ "EE: weak, seen all the same", weak, { { 3, 1, 1, weak, GOOD } }, NULL, 1, true, "3 1 1 ",
		  "RSA-1024 in the chain is below SecureLevel 2", NULL },
		{ "EE: SHA-1 is seen", old, { { 3, 1, 1, old, GOOD } }, NULL, 2, true, "3 1 1 ", "SHA1 signs in the chain", NULL },
		{ "TA: certificate", chain, { { 2, 0, 1, ca, GOOD } }, NULL, 2, true, "2 0 1 ", "", NULL },
		{ "TA: key", chain, { { 2, 1, 2, ca, GOOD } }, NULL, 2, true, "2 1 2 ", "", NULL },
		{ "TA: the whole key, and not sent along", leaf, { { 2, 1, 0, ca, GOOD } }, NULL, 2, true, "2 1 0 ", "", NULL },
		{ "EE: the whole certificate", own, { { 3, 0, 0, own, GOOD } }, NULL, 2, true, "3 0 0 3082", "", NULL },
		{ "EE: another whole certificate", own, { { 3, 0, 0, other, GOOD } }, NULL, 2, false, "expected 3 0 0 3082", NULL,
		  "peer-cert-not-in-dane" },
		{ "TA: the whole certificate, and not sent along", leaf, { { 2, 0, 0, ca, GOOD } }, NULL, 2, true, "2 0 0 3082", "", NULL },
		{ "TA: not sent along", leaf, { { 2, 0, 1, ca, GOOD } }, NULL, 2, false, "no TLSA record", NULL,
		  "peer-cert-not-in-dane" },
		{ "TA: another", chain, { { 2, 0, 1, other, GOOD } }, NULL, 2, false, " (the last of its chain)", NULL,
		  "peer-cert-not-in-dane" },
		{ "TA: over", gone_chain, { { 2, 0, 1, ca, GOOD } }, NULL, 2, false, "the server's certificate ended on ", NULL,
		  "peer-cert-expired" },
		{ "TA: another name", away_chain, { { 2, 0, 1, ca, GOOD } }, NULL, 2, false,
		  "is for CN=a.example, we asked for mx.example.org", NULL, "peer-cert-other-name" },
		{ "TA: a name that led there", away_chain, { { 2, 0, 1, ca, GOOD } }, "a.example", 2, true, "2 0 1 ", "", NULL },
		{ "both: TA", chain, { { 3, 1, 1, own, GOOD }, { 2, 0, 1, ca, GOOD } }, NULL, 2, true, "2 0 1 ", "", NULL },
		{ "both: EE", away_chain, { { 2, 0, 1, ca, GOOD }, { 3, 1, 1, away, GOOD } }, NULL, 2, true, "3 1 1 ", "", NULL },
		{ "both: neither", chain, { { 3, 1, 1, own, GOOD }, { 2, 0, 1, own, GOOD } }, NULL, 2, false, ", 2 0 1 ", NULL,
		  "peer-cert-not-in-dane" },
		{ "an authority is not asked (PKIX-EE)", leaf, { { 1, 1, 1, leaf, GOOD }, { 3, 1, 1, own, GOOD } }, NULL, 2, false,
		  "no TLSA record", NULL, "peer-cert-not-in-dane" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row_try(&rows[i], i, TLS_OUTBOUND_NOTE);
		row_try(&rows[i], i, TLS_OUTBOUND_REQUIRE);
	}
}

/* Records that nobody can use never become "no records". */
static void test_unusable(void **state)
{
	const struct peer_pair own = peer_own("P-256", "SHA256", "mx.example.org", -1, 90);
	uint8_t data[RECORD_MAX];
	struct tls_tlsa good = record(&(struct wanted){ 3, 1, 1, own, GOOD }, data);
	static const uint8_t junk[33] = { 1 };
	const struct {
		const char *why;
		struct tls_tlsa record;
	} rows[] = {
		{ "PKIX-TA", { 0, 1, 1, { junk, 32 } } },
		{ "PKIX-EE", { 1, 1, 1, { junk, 32 } } },
		{ "no such usage", { 4, 1, 1, { junk, 32 } } },
		{ "no such selector", { 3, 2, 1, { junk, 32 } } },
		{ "no such hash", { 3, 1, 3, { junk, 32 } } },
		{ "a hash too short", { 3, 1, 1, { junk, 31 } } },
		{ "a hash too long", { 3, 1, 1, { junk, 33 } } },
		{ "one byte", { 3, 1, 1, { junk, 1 } } },
		{ "a certificate that is none", { 3, 0, 0, { junk, 32 } } },
		{ "a key that is none", { 2, 1, 0, { junk, 32 } } },
	};
	struct tls_policy p = rig_policy("intermediate", 15, 2);
	struct rig r;

	(void)state;
	rig_init(&r, own);
	rig_client(&r, &p, TLS_OUTBOUND_NOTE, peer_ca().certificate, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_tlsa both[] = { rows[i].record, good };
		struct tls_outbound_dane dane = { .records = both, .count = 1, .base = "mx.example.org" };
		struct tls_session *s;
		struct error err;

		unit_case(rows[i].why, i);
		assert_int_equal(tls_outbound_session_dane(&s, r.context, &dane, &err), -EINVAL);
		assert_null(s);
		assert_string_equal(err.words, "mx.example.org: no TLSA record that can be used");
		dane.count = 2;	/* beside a good one it is passed over */
		assert_int_equal(rig_begin(&r, &(struct tls_outbound_wish){ .dane = &dane }), TLS_UP);
		dane.base = "two words";
		assert_int_equal(tls_outbound_session_dane(&s, r.context, &dane, &err), -EINVAL);
	}
	rig_clear(&r);
}

/* A record's data that does not fit into a line, and records that do not. */
static void test_long(void **state)
{
	const struct peer_pair own = peer_own("P-256", "SHA256", "mx.example.org", -1, 90);
	uint8_t data[5][RECORD_MAX];
	struct tls_tlsa records[5];
	struct tls_outbound_dane dane = { .records = records, .count = 5, .base = "mx.example.org" };
	struct tls_policy p = rig_policy("intermediate", 15, 2);
	struct rig r;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		records[i] = record(&(struct wanted){ 3, 1, i == 0 ? 0 : 2, own, SPOILED }, data[i]);
	/* A whole key must be a key: only its last byte may be another. */
	rig_init(&r, peer_own("P-256", "SHA256", "mx.example.org", -1, 90));
	rig_client(&r, &p, TLS_OUTBOUND_NOTE, peer_ca().certificate, NULL);
	records[0] = record(&(struct wanted){ 3, 1, 0, own, GOOD }, data[0]);
	assert_int_equal(rig_begin(&r, &(struct tls_outbound_wish){ .dane = &dane }), TLS_FAILED);
	assert_non_null(strstr(rig_failure(&r, TLS_CUT_NO), "..., 3 1 2 "));
	assert_non_null(strstr(r.words, " and 2 more; shown 3 1 0 3059"));
	assert_true(strlen(r.words) < 1400);
	rig_clear(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_unusable),
		cmocka_unit_test(test_long),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls outbound dane");
}
