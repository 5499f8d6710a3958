/* test_tls_chain.c - chains out of files that people put together by hand.
 * link: tests/unit/tls_peer.o tests/unit/tls_papers.o common/tls common/base */
#include "tests/unit/unit.h"

#include "tests/unit/tls_peer.h"

#include <openssl/pem.h>

#include "common/tls/chain.h"

enum { FILE_MAX = 6 };

static struct peer_pair root, middle, low, leaf, leaf_two, imposter, late, plain, under_plain, tired, under_tired, dead,
	under_dead, weak, under_weak, stranger, renewed;

/* Warnings, one a line. */
struct heard {
	char text[4096];
};

static void hear(void *arg, const char *words)
{
	struct heard *h = arg;
	size_t n = strlen(h->text);

	snprintf(h->text + n, sizeof(h->text) - n, "%s\n", words);
}

static struct span file_of(const struct peer_pair *const papers[FILE_MAX])
{
	struct span text = { NULL, 0 };

	for (size_t i = 0; i < FILE_MAX && papers[i] != NULL; i++)
		text = peer_join(text, papers[i]->certificate);
	return text;
}

static X509 *read_one(struct peer_pair p)
{
	BIO *bio = BIO_new_mem_buf(p.certificate.p, (int)p.certificate.n);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	assert_non_null(cert);
	BIO_free(bio);
	return cert;
}

static struct tls_context *context(const struct tls_pair *pairs, size_t count, unsigned level, struct heard *h,
				   struct error *err)
{
	struct tls_material m = { .pairs = pairs, .pair_count = count, .listen = "127.0.0.1:993" };
	struct tls_policy p;
	struct tls_context *c;

	assert_true(tls_policy_profile(&p, "intermediate"));
	p.level = level;
	*h = (struct heard){ "" };
	tls_context_new(&c, &p, &m, hear, h, err);
	return c;
}

/* What a client gets that asks for name: the common names, in order. */
static void served(struct tls_context *c, const char *name, char *out, size_t size)
{
	STACK_OF(X509) *chain;
	struct tls_peer p;

	tls_peer_init(&p);
	assert_int_equal(tls_peer_try(&p, c, name), TLS_UP);
	chain = SSL_get_peer_cert_chain(p.ssl);
	out[0] = '\0';
	for (int i = 0; i < sk_X509_num(chain); i++) {
		size_t n = strlen(out);
		char one[64];

		X509_NAME_get_text_by_NID(X509_get_subject_name(sk_X509_value(chain, i)), NID_commonName, one,
					  sizeof(one));
		snprintf(out + n, size - n, "%s%s", n > 0 ? " " : "", one);
	}
	tls_peer_clear(&p);
}

static void test_order(void **state)
{
	static const struct {
		const char *why;
		const struct peer_pair *file[FILE_MAX];
		const struct peer_pair *key;
		const char *chain, *warnings;
	} rows[] = {
		{ "in order", { &leaf, &low, &middle, &root }, &leaf, "leaf Low Middle Root", "" },
		{ "without the root", { &leaf, &low, &middle }, &leaf, "leaf Low Middle", "" },
		{ "the leaf alone", { &leaf }, &leaf, "leaf", "" },
		{ "the links upside down", { &leaf, &root, &middle, &low }, &leaf, "leaf Low Middle Root", "" },
		{ "the leaf last", { &root, &middle, &low, &leaf }, &leaf, "leaf Low Middle Root",
		  "x.pem: the certificate that fits the key does not stand first; other programs want it there\n" },
		{ "the leaf in the middle", { &low, &leaf, &middle }, &leaf, "leaf Low Middle",
		  "x.pem: the certificate that fits the key does not stand first; other programs want it there\n" },
		{ "a link twice", { &leaf, &low, &low, &middle }, &leaf, "leaf Low Middle",
		  "x.pem: CN=Low stands twice in it; the second is left out\n" },
		{ "the leaf twice", { &leaf, &low, &leaf }, &leaf, "leaf Low",
		  "x.pem: CN=leaf stands twice in it; the second is left out\n" },
		{ "a stranger", { &leaf, &stranger, &low }, &leaf, "leaf Low",
		  "x.pem: CN=Stranger does not belong to the chain of its certificate; it is left out\n" },
		{ "a hole", { &leaf, &middle }, &leaf, "leaf",
		  "x.pem: CN=Middle does not belong to the chain of its certificate; it is left out\n" },
		{ "the name of an issuer, another key", { &leaf, &imposter }, &leaf, "leaf",
		  "x.pem: CN=Low has the name of the issuer of CN=leaf, but its key did not sign that; it is left out\n" },
		{ "both", { &leaf, &imposter, &low }, &leaf, "leaf Low",
		  "x.pem: CN=Low has the name of the issuer of CN=leaf, but its key did not sign that; it is left out\n" },
		{ "another server's leaf", { &leaf_two, &leaf, &low }, &leaf, "leaf Low",
		  "x.pem: the certificate that fits the key does not stand first; other programs want it there\n"
		  "x.pem: CN=two does not belong to the chain of its certificate; it is left out\n" },
		{ "the old one and its renewal with one key", { &late, &renewed, &low }, &late, "renewed Low",
		  "x.pem: the certificate that fits the key does not stand first; other programs want it there\n"
		  "x.pem: CN=late does not belong to the chain of its certificate; it is left out\n" },
		{ "a link that is no authority", { &under_plain, &plain }, &under_plain, "under plain plain",
		  "x.pem: CN=plain stands in its chain but is no authority (basicConstraints); clients will refuse it\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_pair pair = { "x.pem", "x.key", file_of(rows[i].file), rows[i].key->key };
		struct heard h;
		struct error err = { 0 };
		struct tls_context *c = context(&pair, 1, 2, &h, &err);
		char chain[256];

		unit_case(rows[i].why, i);
		assert_string_equal(err.words, "");
		served(c, NULL, chain, sizeof(chain));
		assert_string_equal(chain, rows[i].chain);
		assert_string_equal(h.text, rows[i].warnings);
		tls_context_drop(c);
	}
}

/* Dates of links; the words hold a date, so that both ends are looked at. */
static void test_dates(void **state)
{
	static const struct {
		const char *why;
		const struct peer_pair *file[FILE_MAX];
		const char *begins, *ends;
	} rows[] = {
		{ "a link that is over before the leaf", { &under_tired, &tired }, "x.pem: CN=Tired in its chain expires on 20",
		  ")\n" },
		{ "a link that is over", { &under_dead, &dead }, "x.pem: CN=Dead in its chain expired on 20",
		  "; clients will refuse it\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_pair pair = { "x.pem", "x.key", file_of(rows[i].file), rows[i].file[0]->key };
		struct heard h;
		struct error err = { 0 };
		struct tls_context *c = context(&pair, 1, 2, &h, &err);
		size_t n = strlen(h.text), end = strlen(rows[i].ends);

		unit_case(rows[i].why, i);
		assert_non_null(c);
		assert_int_equal(strncmp(h.text, rows[i].begins, strlen(rows[i].begins)), 0);
		assert_true(n > end && strcmp(h.text + n - end, rows[i].ends) == 0);
		assert_ptr_equal(strchr(h.text, '\n'), h.text + n - 1);
		tls_context_drop(c);
	}
}

/* The link is weaker than the leaf: the words name the link. */
static void test_weak(void **state)
{
	const struct peer_pair *file[FILE_MAX] = { &under_weak, &weak };
	struct tls_pair pair = { "x.pem", "x.key", file_of(file), under_weak.key };
	struct heard h;
	struct error err = { 0 };
	struct tls_context *c = context(&pair, 1, 1, &h, &err);

	(void)state;
	assert_non_null(c);
	tls_context_drop(c);
	assert_null(context(&pair, 1, 2, &h, &err));
	assert_string_equal(err.words, "no certificate is left: x.pem (CN=Weak, RSA-1024): too weak for SecureLevel 2, "
				       "its keys and signatures fit 1 at most; set SecureLevel 1 or get a stronger one");
}

/* A pair borrows the links that it lacks from the file of another, if they fit the level. */
static void test_completed(void **state)
{
	static const struct {
		const char *why;
		const struct peer_pair *one[FILE_MAX], *two[FILE_MAX];
		unsigned level;
		const char *chain;
	} rows[] = {
		{ "all of it", { &leaf }, { &leaf_two, &low, &middle, &root }, 2, "leaf Low Middle Root" },
		{ "the upper part", { &leaf, &low }, { &leaf_two, &low, &middle }, 2, "leaf Low Middle" },
		{ "a hole", { &leaf, &middle }, { &leaf_two, &low }, 2, "leaf Low Middle" },
		{ "what is loose there", { &leaf }, { &stranger, &low }, 2, "leaf Low" },
		{ "nothing that fits", { &leaf }, { &leaf_two, &middle }, 2, "leaf" },
		{ "a key that did not sign", { &leaf }, { &leaf_two, &imposter }, 2, "leaf" },
		{ "no authority", { &under_plain }, { &leaf_two, &plain }, 2, "under plain" },
		{ "one that is too weak", { &under_weak }, { &leaf_two, &weak }, 2, "under weak" },
		{ "one that is weak enough", { &under_weak }, { &leaf_two, &weak }, 1, "under weak Weak" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_pair pairs[] = { { "one.pem", "one.key", file_of(rows[i].one), rows[i].one[0]->key },
					    { "two.pem", "two.key", file_of(rows[i].two), rows[i].two[0]->key } };
		struct heard h;
		struct error err = { 0 };
		struct tls_context *c = context(pairs, 2, rows[i].level, &h, &err);
		char chain[256];

		unit_case(rows[i].why, i);
		assert_string_equal(err.words, "");
		served(c, NULL, chain, sizeof(chain));
		assert_string_equal(chain, rows[i].chain);
		tls_context_drop(c);
	}
	/* The file with the hole: its own upper link was used once the other gave the lower. */
	struct tls_pair pairs[] = { { "one.pem", "one.key", file_of(rows[2].one), leaf.key },
				    { "two.pem", "two.key", file_of(rows[2].two), leaf_two.key } };
	struct heard h;

	tls_context_drop(context(pairs, 2, 2, &h, NULL));
	assert_string_equal(h.text, "");
}

static void test_complete(void **state)
{
	const struct {
		const char *why;
		const struct peer_pair *leaf, *link, *known;
		bool complete;
	} rows[] = {
		{ "nobody knows the issuer", &leaf, NULL, NULL, false },
		{ "its issuer is known", &leaf, NULL, &low, true },
		{ "another is known", &leaf, NULL, &middle, false },
		{ "the name is known, with another key", &leaf, NULL, &imposter, false },
		{ "the issuer of the last link is known", &leaf, &low, &middle, true },
		{ "the last link alone is known", &leaf, &low, &low, false },
		{ "it signed itself", &root, NULL, NULL, true },
		{ "the last signed itself", &middle, &root, NULL, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		X509 *cert = read_one(*rows[i].leaf), *known = rows[i].known != NULL ? read_one(*rows[i].known) : NULL;
		STACK_OF(X509) *chain = sk_X509_new_null();
		X509_STORE *system = X509_STORE_new();

		unit_case(rows[i].why, i);
		if (rows[i].link != NULL)
			sk_X509_push(chain, read_one(*rows[i].link));
		if (known != NULL)
			assert_int_equal(X509_STORE_add_cert(system, known), 1);
		assert_int_equal(tls_chain_complete(cert, chain, system), rows[i].complete);
		if (known == NULL)
			assert_int_equal(tls_chain_complete(cert, chain, NULL), rows[i].complete);
		X509_STORE_free(system);
		sk_X509_pop_free(chain, X509_free);
		X509_free(known);
		X509_free(cert);
	}
}

/* Two authorities that certify each other: each link once, and an end. */
static void test_ring(void **state)
{
	struct peer_pair a = peer_authority("A", NULL, -1, 100), b = peer_authority("B", &a, -1, 90);
	struct peer_pair a_by_b = peer_cross("A", a, b, -1, 90);
	struct peer_pair own = peer_signed("P-256", "SHA256", "own", b, -1, 30);
	const struct peer_pair *file[FILE_MAX] = { &own, &a_by_b, &b };
	struct tls_pair pair = { "x.pem", "x.key", file_of(file), own.key };
	struct heard h;
	struct tls_context *c = context(&pair, 1, 2, &h, NULL);
	char chain[256];

	(void)state;
	served(c, NULL, chain, sizeof(chain));
	assert_string_equal(chain, "own B A");
	assert_string_equal(h.text, "");
	tls_context_drop(c);
}

static void papers_make(void)
{
	root = peer_authority("Root", NULL, -1, 400);
	middle = peer_authority("Middle", &root, -1, 300);
	low = peer_authority("Low", &middle, -1, 200);
	imposter = peer_authority("Low", &middle, -1, 200);
	leaf = peer_signed("P-256", "SHA256", "leaf", low, -1, 90);
	leaf_two = peer_signed("P-256", "SHA256", "two", low, -1, 90);
	stranger = peer_authority("Stranger", NULL, -1, 400);
	late = peer_signed("P-256", "SHA256", "late", low, -90, -1);
	renewed = peer_renewed(late, "renewed", low, -1, 90);
	plain = peer_signed("P-256", "SHA256", "plain", root, -1, 100);
	under_plain = peer_signed("P-256", "SHA256", "under plain", plain, -1, 90);
	tired = peer_authority("Tired", &root, -1, 20);
	under_tired = peer_signed("P-256", "SHA256", "under tired", tired, -1, 90);
	dead = peer_authority("Dead", &root, -20, -1);
	under_dead = peer_signed("P-256", "SHA256", "under dead", dead, -1, 90);
	weak = peer_authority_of("RSA-1024", "Weak", &root, -1, 200);
	under_weak = peer_signed("P-256", "SHA256", "under weak", weak, -1, 90);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_order),    cmocka_unit_test(test_dates),
					    cmocka_unit_test(test_weak),     cmocka_unit_test(test_completed),
					    cmocka_unit_test(test_complete), cmocka_unit_test(test_ring) };

	papers_make();
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls chain");
}
