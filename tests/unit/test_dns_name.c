/* test_dns_name.c - names as people and programs write them; resolv.conf.
 * link: common/dns common/base */
#include "tests/unit/unit.h"

#include "common/dns/dns.h"

#define L63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static const struct {
	const char *why, *in, *out; /* out NULL: it is no name */
} names[] = {
	{ "a plain name", "example.org", "example.org" },
	{ "capitals fold", "MX1.Example.ORG", "mx1.example.org" },
	{ "the last dot goes", "example.org.", "example.org" },
	{ "one label", "localhost", "localhost" },
	{ "names of services", "_25._tcp.mx.example.org", "_25._tcp.mx.example.org" },
	{ "an A-label stays", "XN--MNCHEN-3YA.example", "xn--mnchen-3ya.example" },
	{ "a U-label", "m\xc3\xbcnchen.example", "xn--mnchen-3ya.example" },
	{ "a capital U-label", "M\xc3\x9cNCHEN.example", "xn--mnchen-3ya.example" },
	{ "not composed", "mu\xcc\x88nchen.example", "xn--mnchen-3ya.example" },
	{ "sharp s is itself, not ss", "fa\xc3\x9f.example", "xn--fa-hia.example" },
	{ "Japanese, with its own dot", "\xe9\x83\xb5\xe4\xbe\xbf\xe3\x80\x82jp", "xn--wtqs30n.jp" },
	{ "right to left", "\xd7\x90\xd7\x91.example", "xn--4dbc.example" },
	{ "an emoji is in no IDNA2008 name", "\xf0\x9f\x93\xae.example", NULL },
	{ "not UTF-8", "m\xfcnchen.example", NULL },
	{ "nothing", "", NULL },
	{ "the root", ".", NULL },
	{ "an empty label", "a..b", NULL },
	{ "a first dot", ".a", NULL },
	{ "two last dots", "a..", NULL },
	{ "a space", "a b.example", NULL },
	{ "a line end", "a.example\r\n", NULL },
	{ "a literal", "[192.0.2.7]", NULL },
	{ "an address with colons", "2001:db8::1", NULL },
	{ "a slash", "a/b", NULL },
	{ "63 bytes in a label", L63 ".example", L63 ".example" },
	{ "64 bytes in a label", L63 "x.example", NULL },
	{ "253 bytes",
	  L63 "." L63 "." L63 "."
	      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi",
	  L63 "." L63 "." L63 "."
	      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi" },
	{ "254 bytes",
	  L63 "." L63 "." L63 "."
	      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij",
	  NULL },
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char out[DNS_NAME_MAX];
		bool good = dns_name(span_of(names[i].in), out);

		unit_case(names[i].why, 0);
		assert_int_equal(good, names[i].out != NULL);
		assert_string_equal(out, good ? names[i].out : "");
	}
}

static const struct {
	const char *in, *out;
} addresses[] = {
	{ "192.0.2.7", "7.2.0.192.in-addr.arpa" },
	{ "2001:db8::567:89ab", "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa" },
	{ "mx.example", NULL },
	{ "192.0.2", NULL },
	{ "", NULL },
};

static void test_reverse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		char out[DNS_NAME_MAX];
		bool good = dns_reverse(addresses[i].in, out);

		unit_case(addresses[i].in, 0);
		assert_int_equal(good, addresses[i].out != NULL);
		assert_string_equal(out, good ? addresses[i].out : "");
	}
}

static void test_resolv_conf(void **state)
{
	static const char text[] =
	    "# made by hand\nsearch example.org\nnameserver 192.0.2.1\n  nameserver\t2001:db8::1  \r\n"
	    "nameserver fe80::1%eth0\nnameserver resolver.example\nnameserver\n;nameserver 192.0.2.9\n"
	    "options edns0\nnameserver 192.0.2.2 # second\nnameserver 192.0.2.3";
	char out[5][64];

	(void)state;
	assert_int_equal(dns_servers(span_of(text), out, 5), 5);
	assert_string_equal(out[0], "192.0.2.1");
	assert_string_equal(out[1], "2001:db8::1");
	assert_string_equal(out[2], "fe80::1%eth0");
	assert_string_equal(out[3], "192.0.2.2");
	assert_string_equal(out[4], "192.0.2.3");
	assert_int_equal(dns_servers(span_of(text), out, 2), 2);
	assert_int_equal(dns_servers(span_of(""), out, 5), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_reverse),
		cmocka_unit_test(test_resolv_conf),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "dns names");
}
