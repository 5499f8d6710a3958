/* test_tlsrpt_count.c - TLS sessions counted, kept, and put into a report (RFC 8460 4).
 * link: deliverd common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "deliverd/tlsrpt_count.h"

static const struct tlsrpt_head head = {
	.hostname = "mx.sender.example",
	.domain = "company-y.example",
	.id = "5065427c.23d3@mx.sender.example",
	.start_s = 1459468800,
	.end_s = 1459468800 + 86400,
};

/* One session, all of whose texts are there. */
static struct tlsrpt_session session(enum tlsrpt_policy policy, const char *host, const char *address, const char *cause)
{
	return (struct tlsrpt_session){
		.domain = "company-y.example",
		.policy = policy,
		.host = host,
		.helo = "",
		.address = address,
		.own_address = "2001:db8:abcd:12::1",
		.cause = cause,
		.reason = "",
	};
}

static void add(struct tlsrpt_counts *c, const struct tlsrpt_session *s, size_t times)
{
	while (times-- > 0)
		assert_true(tlsrpt_counts_add(c, s));
}

static void check_json(const struct tlsrpt_counts *c, const char *want)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	tlsrpt_json(c, &head, &out);
	unit_is(out.p, out.n, want);
	buf_clear(&out);
}

/* Written and read again, it gives the same report. */
static void check_kept(const struct tlsrpt_counts *c)
{
	struct tlsrpt_counts *again;
	struct buf note, twice;
	struct error err;

	buf_init(&note, TLSRPT_NOTE);
	buf_init(&twice, TLSRPT_NOTE);
	tlsrpt_counts_write(c, &note);
	assert_false(note.failed);
	if (tlsrpt_counts_read(&again, buf_span(&note), &err) < 0)
		fail_msg("%s: %.*s", err.words, (int)note.n, (const char *)note.p);
	assert_int_equal(tlsrpt_counts_total(again), tlsrpt_counts_total(c));
	tlsrpt_counts_write(again, &twice);
	assert_true(span_equal(buf_span(&note), buf_span(&twice)));
	tlsrpt_counts_free(again);
	buf_clear(&note);
	buf_clear(&twice);
}

/* The RFC's example (appendix B), as far as we count what it counts. */
static void test_example(void **state)
{
	struct tlsrpt_session good = session(TLSRPT_STS, "mx1.mail.company-y.example", "203.0.113.10", NULL);
	struct tlsrpt_session expired = session(TLSRPT_STS, "mx1.mail.company-y.example", "203.0.113.58", "peer-cert-expired");
	struct tlsrpt_session no_tls = session(TLSRPT_STS, "mx2.mail.company-y.example", "203.0.113.56", "peer-no-starttls");
	struct tlsrpt_session other = session(TLSRPT_STS, "mx-backup.mail.company-y.example", "203.0.113.58", "peer-broken");
	struct tlsrpt_counts *c;
	struct sts_policy *policy;

	(void)state;
	assert_int_equal(sts_policy_read(&policy, span_of("version: STSv1\nmode: testing\nmx: *.mail.company-y.example\n"
							  "max_age: 86400\n"), NULL), 0);
	assert_int_equal(tlsrpt_counts_new(&c, NULL), 0);
	good.sts = expired.sts = no_tls.sts = other.sts = policy;
	other.reason = "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED";
	other.own_address = "198.51.100.62";
	no_tls.helo = "mx2";
	add(c, &good, 5326);
	add(c, &expired, 100);
	add(c, &no_tls, 200);
	add(c, &other, 3);
	assert_int_equal(tlsrpt_counts_total(c), 5629);
	check_json(c,
		   "{\"organization-name\":\"mx.sender.example\",\"date-range\":{\"start-datetime\":\"2016-04-01T00:00:00Z\","
		   "\"end-datetime\":\"2016-04-01T23:59:59Z\"},\"contact-info\":\"postmaster@mx.sender.example\","
		   "\"report-id\":\"5065427c.23d3@mx.sender.example\",\"policies\":[{\"policy\":{\"policy-type\":\"sts\","
		   "\"policy-string\":[\"version: STSv1\",\"mode: testing\",\"mx: *.mail.company-y.example\",\"max_age: 86400\"],"
		   "\"policy-domain\":\"company-y.example\",\"mx-host\":[\"*.mail.company-y.example\"]},"
		   "\"summary\":{\"total-successful-session-count\":5326,\"total-failure-session-count\":303},"
		   "\"failure-details\":[{\"result-type\":\"certificate-expired\",\"sending-mta-ip\":\"2001:db8:abcd:12::1\","
		   "\"receiving-mx-hostname\":\"mx1.mail.company-y.example\",\"receiving-ip\":\"203.0.113.58\","
		   "\"failure-reason-code\":\"peer-cert-expired\",\"failed-session-count\":100},"
		   "{\"result-type\":\"starttls-not-supported\",\"sending-mta-ip\":\"2001:db8:abcd:12::1\","
		   "\"receiving-mx-hostname\":\"mx2.mail.company-y.example\",\"receiving-mx-helo\":\"mx2\","
		   "\"receiving-ip\":\"203.0.113.56\",\"failure-reason-code\":\"peer-no-starttls\",\"failed-session-count\":200},"
		   "{\"result-type\":\"validation-failure\",\"sending-mta-ip\":\"198.51.100.62\","
		   "\"receiving-mx-hostname\":\"mx-backup.mail.company-y.example\",\"receiving-ip\":\"203.0.113.58\","
		   "\"failure-reason-code\":\"X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED\",\"failed-session-count\":3}]}]}\n");
	check_kept(c);
	tlsrpt_counts_free(c);
	sts_policy_drop(policy);
}

static void test_policies(void **state)
{
	static const uint8_t data[] = { 0xab, 0x01, 0xff };
	const struct tls_tlsa records[] = { { 3, 1, 1, { data, 2 } }, { 2, 0, 1, { data + 2, 1 } } };
	struct tlsrpt_session none = session(TLSRPT_NO_POLICY, "mx.y", "192.0.2.1", NULL);
	struct tlsrpt_session dane = session(TLSRPT_TLSA, "mx.y", "192.0.2.1", NULL);
	struct tlsrpt_session fetch = session(TLSRPT_STS, "mx.y", "", "sts-fetch-failed");
	struct tlsrpt_counts *c;

	(void)state;
	assert_int_equal(tlsrpt_counts_new(&c, NULL), 0);
	dane.tlsa = records;
	dane.tlsa_count = 2;
	fetch.own_address = "";
	fetch.reason = "404 \"a\tb\n";
	add(c, &none, 1);
	add(c, &dane, 2);
	add(c, &fetch, 1);
	check_json(c,
		   "{\"organization-name\":\"mx.sender.example\",\"date-range\":{\"start-datetime\":\"2016-04-01T00:00:00Z\","
		   "\"end-datetime\":\"2016-04-01T23:59:59Z\"},\"contact-info\":\"postmaster@mx.sender.example\","
		   "\"report-id\":\"5065427c.23d3@mx.sender.example\",\"policies\":["
		   "{\"policy\":{\"policy-type\":\"no-policy-found\",\"policy-domain\":\"company-y.example\"},"
		   "\"summary\":{\"total-successful-session-count\":1,\"total-failure-session-count\":0}},"
		   "{\"policy\":{\"policy-type\":\"tlsa\",\"policy-string\":[\"3 1 1 ab01\",\"2 0 1 ff\"],"
		   "\"policy-domain\":\"company-y.example\",\"mx-host\":[\"mx.y\"]},"
		   "\"summary\":{\"total-successful-session-count\":2,\"total-failure-session-count\":0}},"
		   "{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":\"company-y.example\",\"mx-host\":[]},"
		   "\"summary\":{\"total-successful-session-count\":0,\"total-failure-session-count\":1},"
		   "\"failure-details\":[{\"result-type\":\"sts-policy-fetch-error\",\"receiving-mx-hostname\":\"mx.y\","
		   "\"failure-reason-code\":\"404 \\\"a b \",\"failed-session-count\":1}]}]}\n");
	check_kept(c);
	tlsrpt_counts_free(c);
}

static void test_results(void **state)
{
	static const struct {
		const char *cause, *result;
	} rows[] = {
		{ "peer-no-starttls", "starttls-not-supported" },
		{ "peer-refuses-starttls", "starttls-not-supported" },
		{ "peer-cert-other-name", "certificate-host-mismatch" },
		{ "peer-cert-expired", "certificate-expired" },
		{ "peer-cert-self-signed", "certificate-not-trusted" },
		{ "peer-cert-not-in-dane", "validation-failure" },
		{ "dane-unusable", "tlsa-invalid" },
		{ "dane-lookup-failed", "dnssec-invalid" },
		{ "dane-no-records", "dane-required" },
		{ "sts-fetch-failed", "sts-policy-fetch-error" },
		{ "sts-policy-bad", "sts-policy-invalid" },
		{ "sts-https-cert-bad", "sts-webpki-invalid" },
		{ "sts-host-not-listed", "validation-failure" },
		{ "peer-drops-hello", "validation-failure" },
		{ "", "validation-failure" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(tlsrpt_result(rows[i].cause), rows[i].result);
}

/* Hosts without end, policies without end, texts without end: the numbers stay right, the note small. */
static void test_bounds(void **state)
{
	char host[400], address[32], mx[32], text[8192];
	struct tlsrpt_counts *c;
	struct buf out;
	size_t sessions = 0;

	(void)state;
	assert_int_equal(tlsrpt_counts_new(&c, NULL), 0);
	memset(host, 'h', sizeof(host));
	host[sizeof(host) - 1] = '\0';
	for (size_t p = 0; p < TLSRPT_POLICIES + 3; p++) {
		size_t n = (size_t)snprintf(text, sizeof(text), "version: STSv1\nmode: enforce\nmax_age: %zu\n", p + 1);
		struct sts_policy *policy;

		for (size_t i = 0; n + 40 < sizeof(text) - p; i++)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "mx: m%zu\n", i % 10);
		assert_int_equal(sts_policy_read(&policy, span_of(text), NULL), 0);
		for (size_t i = 0; i < TLSRPT_DETAILS * 2; i++) {
			struct tlsrpt_session s = session(TLSRPT_STS, host, address, i % 2 == 0 ? "peer-broken" : "peer-cert-expired");

			snprintf(address, sizeof(address), "192.0.2.%zu", i);
			snprintf(mx, sizeof(mx), "%zu", i);
			s.sts = policy;
			s.helo = host;
			s.reason = mx;
			add(c, &s, 1);
			sessions++;
		}
		sts_policy_drop(policy);
	}
	assert_int_equal(tlsrpt_counts_total(c), sessions);
	buf_init(&out, TLSRPT_NOTE);
	tlsrpt_counts_write(c, &out);
	assert_false(out.failed);
	buf_clear(&out);
	check_kept(c);
	tlsrpt_counts_free(c);
}

static void test_notes(void **state)
{
	static const struct {
		const char *why, *note;
		bool good;
	} rows[] = {
		{ "nothing", "", true },
		{ "a policy", "policy no-policy-found 1 2 \n", true },
		{ "a failure", "policy tlsa 1 2 mx\nstring 3 1 1 ab\ndetail 2\tvalidation-failure\t\t\t\t\tx\n", true },
		{ "a failure of nobody's", "detail 2\tvalidation-failure\t\t\t\t\tx\n", false },
		{ "a failure without a result", "policy sts 0 1 \ndetail 1\t\t\t\t\t\t\n", false },
		{ "a text of nobody's", "string 3 1 1 ab\n", false },
		{ "no such policy", "policy dnssec 1 2 \n", false },
		{ "no number", "policy sts x 2 \n", false },
		{ "too large a number", "policy sts 4294967296 2 \n", false },
		{ "another line", "police sts 1 2 \n", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tlsrpt_counts *c;

		unit_case(rows[i].why, i);
		assert_int_equal(tlsrpt_counts_read(&c, span_of(rows[i].note), NULL), rows[i].good ? 0 : -EINVAL);
		assert_int_equal(c != NULL, rows[i].good);
		if (c != NULL)
			check_kept(c);
		tlsrpt_counts_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example), cmocka_unit_test(test_policies), cmocka_unit_test(test_results),
		cmocka_unit_test(test_bounds),	cmocka_unit_test(test_notes),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tlsrpt count");
}
