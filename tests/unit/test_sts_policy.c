/* test_sts_policy.c - MTA-STS: records, policies, and which hosts they list (RFC 8461 3, 4.1).
 * link: deliverd common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "deliverd/sts_policy.h"

static void test_records(void **state)
{
	static const struct {
		const char *why, *texts[3], *id;	/* id NULL: none */
	} rows[] = {
		{ "the usual one", { "v=STSv1; id=20160831085700Z;" }, "20160831085700Z" },
		{ "no semicolon at the end", { "v=STSv1; id=a1" }, "a1" },
		{ "no spaces", { "v=STSv1;id=a1" }, "a1" },
		{ "spaces everywhere", { "v=STSv1 ;\tid=a1 ; " }, "a1" },
		{ "a field of the future", { "v=STSv1; x-y=1; id=a1; z=2" }, "a1" },
		{ "others beside it", { "v=spf1 -all", "v=STSv1; id=a1", "v=TLSRPTv1; rua=mailto:a@b" }, "a1" },
		{ "32 letters", { "v=STSv1; id=abcdefghijklmnopqrstuvwxyz012345" }, "abcdefghijklmnopqrstuvwxyz012345" },
		{ "33 letters", { "v=STSv1; id=abcdefghijklmnopqrstuvwxyz0123456" }, NULL },
		{ "two records", { "v=STSv1; id=a1", "v=STSv1; id=a2" }, NULL },
		{ "another version", { "v=STSv2; id=a1" }, NULL },
		{ "a longer version", { "v=STSv10; id=a1" }, NULL },
		{ "a version in other letters", { "v=stsv1; id=a1" }, NULL },
		{ "no id", { "v=STSv1;" }, NULL },
		{ "no id either", { "v=STSv1" }, NULL },
		{ "an empty id", { "v=STSv1; id=" }, NULL },
		{ "an id with a sign", { "v=STSv1; id=a-1" }, NULL },
		{ "the first id counts", { "v=STSv1; id=a1; id=a2" }, "a1" },
		{ "a field without a value", { "v=STSv1; id=a1; x" }, NULL },
		{ "a field without a name", { "v=STSv1; =x; id=a1" }, NULL },
		{ "an empty field in between", { "v=STSv1;; id=a1" }, NULL },
		{ "nothing", { "" }, NULL },
		{ "none", { NULL }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span texts[3];
		size_t count = 0;
		char id[STS_ID];

		unit_case(rows[i].why, i);
		while (count < 3 && rows[i].texts[count] != NULL) {
			texts[count] = span_of(rows[i].texts[count]);
			count++;
		}
		assert_int_equal(sts_record_find(texts, count, id), rows[i].id != NULL);
		if (rows[i].id != NULL)
			assert_string_equal(id, rows[i].id);
	}
}

#define HEAD "version: STSv1\nmode: enforce\n"

static const struct {
	const char *why, *text;
	enum sts_mode mode;
	uint32_t max_age_s;
	const char *kept;	/* NULL: refused, and then why: */
	const char *wrong;
} policies[] = {
	{ "the RFC's example",
	  "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmx: backupmx.example.com\nmax_age: 604800\n",
	  STS_ENFORCE, 604800,
	  "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmx: backupmx.example.com\nmax_age: 604800\n", NULL },
	{ "CRLF, spaces, capitals, no end", "version:STSv1\r\nmode:  testing \r\nmx: MX.Example.COM.\r\nmax_age :  0099", STS_TESTING,
	  99, "version: STSv1\nmode: testing\nmx: mx.example.com\nmax_age: 99\n", NULL },
	{ "none needs no mx", "version: STSv1\nmode: none\nmax_age: 86400\n", STS_NONE, 86400,
	  "version: STSv1\nmode: none\nmax_age: 86400\n", NULL },
	{ "other fields, empty lines, another order", "max_age: 1\n\nfuture: 1\nmode: enforce\nmx: a.example\nversion: STSv1\n\n",
	  STS_ENFORCE, 1, HEAD "mx: a.example\nmax_age: 1\n", NULL },
	{ "the first of two counts", HEAD "mode: none\nmx: a.example\nmax_age: 5\nmax_age: 6\n", STS_ENFORCE, 5,
	  HEAD "mx: a.example\nmax_age: 5\n", NULL },
	{ "over a year", HEAD "mx: a.example\nmax_age: 9999999999\n", STS_ENFORCE, STS_AGE_MAX,
	  HEAD "mx: a.example\nmax_age: 31557600\n", NULL },
	{ "a name in other letters is another field", "Version: STSv1\nmode: none\nmax_age: 1\n", STS_NONE, 0, NULL, "it has no version" },
	{ "a JSON policy of long ago", "{ \"version\": \"STSv1\" }", STS_NONE, 0, NULL, "it has no version" },
	{ "a page", "<html>\n", STS_NONE, 0, NULL, "a line without a colon" },
	{ "empty", "", STS_NONE, 0, NULL, "it has no version" },
	{ "another version", "version: STSv2\n", STS_NONE, 0, NULL, "its version is not STSv1" },
	{ "another mode", "version: STSv1\nmode: report\n", STS_NONE, 0, NULL, "its mode is none of enforce, testing, none" },
	{ "no mode", "version: STSv1\nmx: a.example\nmax_age: 1\n", STS_NONE, 0, NULL, "it has no mode" },
	{ "no mx", HEAD "max_age: 1\n", STS_NONE, 0, NULL, "it has no mx" },
	{ "no max_age", HEAD "mx: a.example\n", STS_NONE, 0, NULL, "it has no max_age" },
	{ "max_age of eleven digits", HEAD "max_age: 10000000000\n", STS_NONE, 0, NULL, "its max_age is no number of seconds" },
	{ "max_age with a sign", HEAD "max_age: -1\n", STS_NONE, 0, NULL, "its max_age is no number of seconds" },
	{ "an mx that is none", HEAD "mx: a..example\n", STS_NONE, 0, NULL, "an mx is no host's name" },
	{ "an empty mx", HEAD "mx:\n", STS_NONE, 0, NULL, "an mx is no host's name" },
	{ "a star alone", HEAD "mx: *\n", STS_NONE, 0, NULL, "an mx is no host's name" },
	{ "a star and a dot", HEAD "mx: *.\n", STS_NONE, 0, NULL, "an mx is no host's name" },
	{ "a star in a label", HEAD "mx: m*.example\n", STS_NONE, 0, NULL, "an mx is no host's name" },
	{ "a star further on", HEAD "mx: a.*.example\n", STS_NONE, 0, NULL, "an mx is no host's name" },
	{ "two stars", HEAD "mx: *.*.example\n", STS_NONE, 0, NULL, "an mx is no host's name" },
	{ "several in one line", HEAD "mx: a.example, b.example\n", STS_NONE, 0, NULL, "an mx is no host's name" },
};

static void test_policies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		struct sts_policy *p, *again;
		struct error err;

		unit_case(policies[i].why, i);
		if (policies[i].kept == NULL) {
			assert_int_equal(sts_policy_read(&p, span_of(policies[i].text), &err), -EINVAL);
			assert_null(p);
			assert_string_equal(err.words, policies[i].wrong);
			continue;
		}
		if (sts_policy_read(&p, span_of(policies[i].text), &err) < 0)
			fail_msg("%s: %s", policies[i].why, err.words);
		assert_int_equal(p->mode, policies[i].mode);
		assert_int_equal(p->max_age_s, policies[i].max_age_s);
		unit_is(p->text.p, p->text.n, policies[i].kept);
		assert_int_equal(sts_policy_read(&again, p->text, &err), 0);
		unit_is(again->text.p, again->text.n, policies[i].kept);
		sts_policy_drop(again);
		sts_policy_drop(sts_policy_hold(p));
		sts_policy_drop(p);
	}
	sts_policy_drop(NULL);
}

/* A policy cut off anywhere is none, or says the same of the mode: never another one. */
static void test_cut(void **state)
{
	const char *whole = policies[0].text;

	(void)state;
	for (size_t n = 0; n < strlen(whole); n++) {
		struct sts_policy *p;

		unit_case("cut", n);
		if (sts_policy_read(&p, (struct span){ (const uint8_t *)whole, n }, NULL) < 0)
			continue;
		assert_int_equal(p->mode, STS_ENFORCE);
		assert_true(n >= strlen(whole) - 7);	/* within the digits of max_age */
		sts_policy_drop(p);
	}
}

static void test_long(void **state)
{
	size_t n = STS_TEXT + 1, head = strlen(HEAD "mx: a.example\nmax_age: 1\n");
	char *text = malloc(n);
	struct sts_policy *p;
	struct error err;

	(void)state;
	memset(text, '\n', n);
	memcpy(text, HEAD "mx: a.example\nmax_age: 1\n", head);
	assert_int_equal(sts_policy_read(&p, (struct span){ (uint8_t *)text, n }, &err), -EINVAL);
	assert_int_equal(sts_policy_read(&p, (struct span){ (uint8_t *)text, n - 1 }, &err), 0);
	sts_policy_drop(p);
	/* Each line grows by a space when it is written: what is too long then is refused now. */
	head = strlen(HEAD "max_age: 1\n");
	memcpy(text, HEAD "max_age: 1\n", head);
	for (; head + 5 < n; head += 5)
		memcpy(text + head, "mx:a\n", 5);
	assert_int_equal(sts_policy_read(&p, (struct span){ (uint8_t *)text, head }, &err), -EINVAL);
	assert_non_null(strstr(err.words, "it is longer than"));
	free(text);
}

static void test_hosts(void **state)
{
	static const struct {
		const char *host;
		bool listed;
	} rows[] = {
		{ "mail.example.com", true },	  { "MAIL.Example.Com", true },	  { "ail.example.com", false },
		{ "mail.example.com.", false },	  { "a.example.net", true },	  { "example.net", false },
		{ ".example.net", false },	  { "a.b.example.net", false },	  { "a.bexample.net", false },
		{ "backupmx.example.com", true }, { "x.mail.example.com", false }, { "", false },
		{ "*.example.net", true },
	};
	struct sts_policy *p;

	(void)state;
	assert_int_equal(sts_policy_read(&p, span_of(policies[0].text), NULL), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].host, i);
		assert_int_equal(sts_policy_lists(p, rows[i].host), rows[i].listed);
	}
	sts_policy_drop(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records), cmocka_unit_test(test_policies), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_long),	cmocka_unit_test(test_hosts),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "sts policy");
}
