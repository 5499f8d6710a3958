/* test_conn_client.c - whom a certificate may log in: ClientNames, and nothing of one that is not good.
 * link: common/net common/config common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/net/conn.h"

#define PRINT "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define EMAIL "email:anna@example.org"
#define UPN   "upn:anna@corp.example"
#define CN    "cn:Anna A."

/* The connection, played here. */
struct conn {
	const struct config *config;
	struct tls_facts facts;
	bool clear;
};

const struct config_scope *conn_config(const struct conn *c)
{
	return config_listen_scope(c->config, 0);
}

const struct tls_facts *conn_tls(const struct conn *c)
{
	return c->clear ? NULL : &c->facts;
}

const char *conn_client_fingerprint(const struct conn *c)
{
	return !c->clear && strcmp(c->facts.client_verify, "ok") == 0 ? c->facts.client_fingerprint : "";
}

static const struct {
	const char *why, *conf, *verify, *names;
	const char *bound, *want;
} rows[] = {
	{ "the default takes all", "", "ok", EMAIL "\n" UPN "\n" CN, PRINT, EMAIL "\n" UPN "\n" CN },
	{ "no certificate", "", "", "", "", "" },
	{ "one that is not good", "", "certificate has expired", EMAIL, "", "" },
	{ "a good one without names", "", "ok", "", PRINT, "" },
	{ "fingerprints alone", "ClientNames fingerprint\n", "ok", EMAIL "\n" CN, PRINT, "" },
	{ "addresses alone", "ClientNames email\n", "ok", EMAIL "\n" UPN "\nemail:b@c.d", "", EMAIL "\nemail:b@c.d" },
	{ "by spaces and capitals", "ClientNames \"UPN , Cn\"\n", "ok", EMAIL "\n" UPN "\n" CN, "", UPN "\n" CN },
	{ "none", "ClientNames none\n", "ok", EMAIL "\n" CN, "", "" },
	{ "part of a word is not the word", "ClientNames emails,finger\n", "ok", EMAIL, "", "" },
	{ "a port's own", "ClientNames none\nListen 127.0.0.1:993 implicit\n ClientNames cn\n", "ok", EMAIL "\n" CN, "", CN },
	{ "a line that names nobody", "", "ok", "email:\n:x\nemail\n" CN, PRINT, CN },
};

static void say(void *arg, enum config_severity severity, const char *file, unsigned line, const char *words)
{
	(void)arg;
	(void)severity;
	fail_msg("%s:%u: %s", file, line, words);
}

static struct config *parse(const char *conf)
{
	struct config *config;
	char text[300];

	snprintf(text, sizeof(text), "%s%s", conf, strstr(conf, "Listen") == NULL ? "Listen 127.0.0.1:993 implicit\n" : "");
	assert_int_equal(config_parse(&config, CONFIG_IMAPD, span_of(text), "imapd.conf", say, NULL), 0);
	return config;
}

static void test_rows(void **state)
{
	char names[CONN_NAMES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *config = parse(rows[i].conf);
		struct conn c = { .config = config, .facts = { .client_fingerprint = PRINT, .client_verify = rows[i].verify,
							       .client_names = rows[i].names } };

		unit_case(rows[i].why, 0);
		assert_string_equal(conn_client_bound(&c), rows[i].bound);
		assert_ptr_equal(conn_client_names(&c, names), names);
		assert_string_equal(names, rows[i].want);
		assert_int_equal(conn_client_known(&c), *rows[i].bound != '\0' || *rows[i].want != '\0');
		c.clear = true;
		assert_false(conn_client_known(&c));
		config_free(config);
	}
}

/* What does not fit is left out, whole lines at a time. */
static void test_many_names(void **state)
{
	struct config *config = parse("");
	struct conn c = { .config = config, .facts = { .client_fingerprint = PRINT, .client_verify = "ok" } };
	char all[4000] = "", *names = malloc(CONN_NAMES);
	size_t used = 0, n;

	(void)state;
	for (int i = 0; used + 20 < sizeof(all); i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "email:%03d@x.org\n", i);
	c.facts.client_names = all;
	conn_client_names(&c, names);
	n = strlen(names);
	assert_in_range(n, CONN_NAMES - 20, CONN_NAMES - 1);
	assert_memory_equal(names, all, n);
	assert_int_equal(all[n], '\n');
	free(names);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_many_names) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "conn_client");
}
