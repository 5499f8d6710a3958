/* test_tls_paper.c - whose a certificate or a revocation list is, and until when.
 * link: tests/unit/tls_papers.o common/tls common/base */
#include "tests/unit/unit.h"

#include <time.h>

#include "common/tls/paper.h"
#include "tests/unit/tls_peer.h"

enum { DAY_S = 86400 };

struct heard {
	unsigned count;
	struct tls_paper paper[8];
};

static void hear(void *arg, const struct tls_paper *paper)
{
	struct heard *h = arg;

	if (h->count < 8)
		h->paper[h->count] = *paper;
	h->count++;
}

/* Keys, words and halves of blocks are passed over. */
static void test_all(void **state)
{
	struct peer_pair one = peer_own("P-256", "SHA256", "one.example", -1, 30);
	struct span text = peer_join(one.key, peer_join(span_of("words\n"), peer_join(one.certificate, peer_crl(peer_ca(), NULL, 0))));
	struct heard h = { 0 };

	(void)state;
	assert_int_equal(tls_papers(text, hear, &h), 2);
	assert_int_equal(h.count, 2);
	assert_int_equal(h.paper[0].kind, TLS_PAPER_CERTIFICATE);
	assert_string_equal(h.paper[0].subject, "CN=one.example");
	assert_int_equal(strlen(h.paper[0].fingerprint), 64);
	assert_in_range(h.paper[0].ends_s, time(NULL) + 30 * DAY_S - 60, time(NULL) + 30 * DAY_S + 60);
	assert_in_range(h.paper[0].begins_s, time(NULL) - DAY_S - 60, time(NULL) - DAY_S + 60);
	assert_int_equal(strlen(h.paper[0].ends), 10);
	assert_int_equal(h.paper[1].kind, TLS_PAPER_CRL);
	assert_string_equal(h.paper[1].subject, "CN=Test CA");
	assert_string_equal(h.paper[1].fingerprint, "");
	assert_int_equal(tls_papers(text, NULL, NULL), 2);
}

static void test_cut(void **state)
{
	struct span text = peer_own("P-256", "SHA256", "one.example", -1, 30).certificate;

	(void)state;
	for (size_t n = 0; n <= text.n; n++) {
		struct span part = { text.p, n };
		struct tls_paper paper;
		size_t count = tls_papers(part, NULL, NULL);

		unit_case("a certificate", n);
		assert_true(count == (n >= text.n - 1)); /* its last line end may be missing */
		assert_int_equal(tls_paper_first(part, &paper), count);
	}
}

static void test_names(void **state)
{
	static const char *const many[] = { "mail.example.org", "*.example.net", "192.0.2.1", "2001:db8::1", NULL };
	static const char *const few[] = { "mail.example.org", NULL };
	static const struct {
		const char *name;
		bool covered;
	} rows[] = {
		{ "mail.example.org", true }, { "MAIL.example.ORG", true },  { "smtp.example.org", false },
		{ "a.example.net", true },    { "a.b.example.net", false },  { "example.net", false },
		{ "192.0.2.1", true },	      { "192.0.2.2", false },	     { "2001:db8::1", true },
		{ "", false },
	};
	struct span with = peer_server(0, many).certificate, without = peer_server(0, few).certificate;
	char lost[100], shorter[8];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].name, i);
		assert_int_equal(tls_paper_covers(with, rows[i].name), rows[i].covered);
	}
	tls_paper_lost(with, without, lost, sizeof(lost));
	assert_string_equal(lost, "*.example.net");
	tls_paper_lost(with, without, shorter, sizeof(shorter));
	assert_string_equal(shorter, "*.examp");
	tls_paper_lost(without, with, lost, sizeof(lost));
	assert_string_equal(lost, "");
	tls_paper_lost(span_of("nothing"), with, lost, sizeof(lost));
	assert_string_equal(lost, "");
	assert_false(tls_paper_covers(span_of("nothing"), "mail.example.org"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_names),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls_paper");
}
