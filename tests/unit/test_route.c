/* test_route.c - Route's values: who, where, how; and the file of an auth=.
 * link: common/config common/base */
#include "tests/unit/unit.h"

#include "common/config/route.h"

static const struct {
	const char *why, *text;
	enum route_kind kind;
	const char *who, *first;
	uint16_t port;
	size_t count;
	const char *tls, *auth, *cert;
	bool lmtp, implicit;
} good[] = {
	{ "everything to a smarthost", "* smtp.isp.example:587 auth=isp.auth", ROUTE_ALL, "", "smtp.isp.example", 587, 1,
	  "", "isp.auth", "", false, false },
	{ "a domain, its own hosts, another word", "Example.ORG mx tls=VERIFY", ROUTE_DOMAIN, "example.org", "", 0, 0,
	  "verify", "", "", false, false },
	{ "what lies under it", ".example.org 192.0.2.1:25", ROUTE_SUBDOMAINS, "example.org", "192.0.2.1", 25, 1, "", "",
	  "", false, false },
	{ "a sender", "Bob.x@Our.Example [2001:DB8::1]:2525,b.example:26 tls=off", ROUTE_SENDER, "Bob.x@our.example",
	  "2001:db8::1", 2525, 2, "off", "", "", false, false },
	{ "a sender's domain", "@our.example a.example:465 implicit cert=me.pem", ROUTE_SENDER_DOMAIN, "our.example",
	  "a.example", 465, 1, "", "", "me.pem", false, true },
	{ "LMTP", "lists.example  127.0.0.1:24   lmtp ", ROUTE_DOMAIN, "lists.example", "127.0.0.1", 24, 1, "", "", "",
	  true, false },
	{ "a domain beyond ASCII", "\xc3\xa9.example a:1", ROUTE_DOMAIN, "\xc3\xa9.example", "a", 1, 1, "", "", "", false,
	  false },
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct route r;
		struct error err = { 0 };

		unit_case(good[i].why, 0);
		assert_int_equal(route_parse(&r, span_of(good[i].text), &err), 0);
		assert_int_equal(r.kind, good[i].kind);
		assert_string_equal(r.who, good[i].who);
		assert_int_equal(r.count, good[i].count);
		assert_string_equal(r.hosts[0].name, good[i].first);
		assert_int_equal(r.hosts[0].port, good[i].port);
		assert_string_equal(r.tls, good[i].tls);
		assert_string_equal(r.auth, good[i].auth);
		assert_string_equal(r.cert, good[i].cert);
		assert_int_equal(r.lmtp, good[i].lmtp);
		assert_int_equal(r.implicit, good[i].implicit);
	}
}

static const struct {
	const char *why, *text, *words;
} bad[] = {
	{ "nothing", "", "write Route" },
	{ "no host", "example.org", "write Route" },
	{ "no port", "* smtp.example", "not HOST:PORT" },
	{ "port 0", "* smtp.example:0", "from 1 to 65535" },
	{ "port too large", "* smtp.example:65536", "from 1 to 65535" },
	{ "a bare IPv6 address", "* 2001:db8::1:25", "a name, an IPv4 address" },
	{ "a name in brackets", "* [smtp.example]:25", "IPv6 address" },
	{ "an empty place in the list", "* a.example:25,,b.example:25", "not HOST:PORT" },
	{ "nine hosts", "* a:1,b:1,c:1,d:1,e:1,f:1,g:1,h:1,i:1", "8 hosts at most" },
	{ "a domain with a hole", "a..b x:1", "is no domain" },
	{ "a dot alone", ". x:1", "is no domain" },
	{ "a sender without a domain", "bob@ x:1", "is no sender" },
	{ "an unknown word", "* x:1 fast", "can't stand here" },
	{ "tls twice", "* x:1 tls=may tls=off", "can't stand here" },
	{ "an unknown TLS word", "* x:1 tls=maybe", "tls= must be one of" },
	{ "auth without a file", "* x:1 auth=", "names a file" },
	{ "mx with a password", "a.example mx auth=f", "behind mx" },
	{ "mx over LMTP", "a.example mx lmtp", "behind mx" },
	{ "TLS at once and never", "* x:1 implicit tls=off", "implicit" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct route r;
		struct error err = { 0 };

		unit_case(bad[i].why, 0);
		assert_true(route_parse(&r, span_of(bad[i].text), &err) < 0);
		assert_non_null(strstr(err.words, bad[i].words));
	}
}

/* The best of a list, as deliverd takes it. */
static const char *const table[] = { "* all:1", "@our.example sender-domain:1", "boss@our.example boss:1",
				     ".example.org under:1", ".deep.example.org deep:1", "example.org exact:1" };

static const struct {
	const char *why, *domain, *sender, *host;
} fits[] = {
	{ "nothing special", "there.example", "x@y.example", "all" },
	{ "a bounce", "there.example", "", "all" },
	{ "the sender's domain", "there.example", "x@OUR.example", "sender-domain" },
	{ "the sender", "there.example", "boss@our.example", "boss" },
	{ "the domain beats the sender", "Example.org", "boss@our.example", "exact" },
	{ "under it", "a.example.org", "boss@our.example", "under" },
	{ "the longest suffix", "a.deep.example.org", "x@y", "deep" },
	{ "the suffix itself is not under it", "deep.example.org", "x@y", "under" },
	{ "a name that only ends so", "notexample.org", "x@y", "all" },
};

static void test_fits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++) {
		struct route best = { .count = 0 };
		unsigned most = 0;

		unit_case(fits[i].why, 0);
		for (size_t k = 0; k < sizeof(table) / sizeof(table[0]); k++) {
			struct route r;
			unsigned n;

			assert_int_equal(route_parse(&r, span_of(table[k]), NULL), 0);
			n = route_fits(&r, span_of(fits[i].domain), span_of(fits[i].sender));
			if (n > most) {
				most = n;
				best = r;
			}
		}
		assert_string_equal(best.hosts[0].name, fits[i].host);
	}
}

static const struct {
	const char *why, *text, *user, *password;	/* user NULL: refused */
} auths[] = {
	{ "two lines", "user bob\npassword a b#c \n", "bob", "a b#c " },
	{ "the other way round, CRLF, a comment", "# mine\r\npassword p\r\n\r\nuser u", "u", "p" },
	{ "the certificate alone", "external\n", "", "" },
	{ "the certificate and a password", "external\nuser a\npassword p\n", NULL, NULL },
	{ "no password", "user bob\n", NULL, NULL },
	{ "nothing", "# later\n", NULL, NULL },
	{ "two users", "user a\nuser b\npassword p\n", NULL, NULL },
	{ "an unknown line", "user a\npassword p\nport 25\n", NULL, NULL },
	{ "an empty password", "user a\npassword \n", NULL, NULL },
};

static void test_auth(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(auths) / sizeof(auths[0]); i++) {
		struct route_auth a;
		int r;

		unit_case(auths[i].why, 0);
		r = route_auth_parse(&a, span_of(auths[i].text), NULL);
		assert_int_equal(r == 0, auths[i].user != NULL);
		if (r == 0) {
			assert_string_equal(a.user, auths[i].user);
			assert_string_equal(a.password, auths[i].password);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_good), cmocka_unit_test(test_bad),
					    cmocka_unit_test(test_fits), cmocka_unit_test(test_auth) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "route");
}
