/* test_deliver_texts.c - RetryTimes, BindAddress, Resolver.
 * link: common/config common/base */
#include "tests/unit/unit.h"

#include "common/config/deliver.h"

static void test_times(void **state)
{
	int64_t ms[DELIVER_TIMES];
	char many[200] = "";
	size_t n;

	(void)state;
	assert_int_equal(deliver_times_parse(ms, &n, span_of("5m 15m  1h"), NULL), 0);
	assert_int_equal(n, 3);
	assert_int_equal(ms[0], 300000);
	assert_int_equal(ms[2], 3600000);
	assert_true(deliver_times_parse(ms, &n, span_of(""), NULL) < 0);
	assert_true(deliver_times_parse(ms, &n, span_of("5m 0s"), NULL) < 0);
	assert_true(deliver_times_parse(ms, &n, span_of("soon"), NULL) < 0);
	assert_true(deliver_times_parse(ms, &n, span_of("8d"), NULL) < 0);
	for (unsigned i = 0; i < DELIVER_TIMES; i++)
		memcpy(many + 3 * i, "1m ", 4);
	assert_int_equal(deliver_times_parse(ms, &n, span_of(many), NULL), 0);
	memcpy(many + 3 * DELIVER_TIMES, "1m", 3);
	assert_true(deliver_times_parse(ms, &n, span_of(many), NULL) < 0);
}

static const struct {
	const char *text;
	bool bind, resolver;	/* good as one */
} addresses[] = {
	{ "192.0.2.1", true, true },	   { "2001:DB8::1", true, true },     { "192.0.2.1:53", false, true },
	{ "[2001:db8::1]:53", false, true }, { "root", false, true },	      { "192.0.2.1:0", false, false },
	{ "192.0.2.1:65536", false, false }, { "[2001:db8::1]", false, false }, { "[2001:db8::1", false, false },
	{ "mail.example.org", false, false }, { "192.0.2", false, false },	      { "", false, false },
	{ "[]:53", false, false },	   { "[192.0.2.1]53", false, false },
};

static void test_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		char host[INET6_ADDRSTRLEN];
		bool v6;

		unit_case(addresses[i].text, 0);
		assert_int_equal(deliver_bind_parse(host, &v6, span_of(addresses[i].text), NULL) == 0, addresses[i].bind);
		assert_int_equal(deliver_resolver_parse(span_of(addresses[i].text), NULL) == 0, addresses[i].resolver);
	}
}

static const struct {
	const char *text, *words;	/* NULL: good */
	enum config_key key;
} confs[] = {
	{ "", NULL, 0 },
	{ "RetryTimes 1m 2m\nBindAddress 192.0.2.1\nBindAddress ::1\nResolver root\n", NULL, 0 },
	{ "RetryTimes now\n", "no time", CONFIG_RETRY_TIMES },
	{ "BindAddress 192.0.2.1\nBindAddress 192.0.2.2\n", "one IPv4", CONFIG_BIND_ADDRESS },
	{ "BindAddress here\n", "no address", CONFIG_BIND_ADDRESS },
	{ "Resolver 192.0.2.1\nResolver dns\n", "neither", CONFIG_RESOLVER },
};

static void say(void *arg, enum config_severity severity, const char *file, unsigned line, const char *words)
{
	(void)arg, (void)severity, (void)file, (void)line;
	fail_msg("%s", words);
}

static void test_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(confs) / sizeof(confs[0]); i++) {
		struct config *c;
		enum config_key key;
		struct error err;
		int rc;

		unit_case(confs[i].text, 0);
		assert_int_equal(config_parse(&c, CONFIG_DELIVERD, span_of(confs[i].text), "deliverd.conf", say, NULL), 0);
		rc = deliver_check(config_top(c), &key, &err);
		assert_int_equal(rc == 0, confs[i].words == NULL);
		if (rc != 0) {
			assert_int_equal(key, confs[i].key);
			assert_non_null(strstr(err.words, confs[i].words));
		}
		config_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_times), cmocka_unit_test(test_addresses),
					    cmocka_unit_test(test_check) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "deliver_texts");
}
