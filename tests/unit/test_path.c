/* test_path.c - RFC 5321 4.1.2: each disguise of an address is the address, or none.
 * link: smtpd common/base */
#include "tests/unit/unit.h"

#include "smtpd/path.h"

static const struct {
	const char *why, *input, *address, *rest;
	enum path_status want;
} cases[] = {
	{ "a plain address", "<a@b.org> SIZE=1", "a@b.org", " SIZE=1", PATH_OK },
	{ "the domain in lower case, the local part as it is", "<Bob@B.ORG>", "Bob@b.org", "", PATH_OK },
	{ "the null path", "<>", "", "", PATH_NULL },
	{ "postmaster without a domain", "<Postmaster>", "Postmaster", "", PATH_BARE },
	{ "a source route is dropped", "<@x.org,@y.org:a@b.org>", "a@b.org", "", PATH_OK },
	{ "a source route without its end", "<@x.org a@b.org>", "", NULL, PATH_BAD },
	{ "quotes that are not needed", "<\"a.b\"@c.org>", "a.b@c.org", "", PATH_OK },
	{ "quotes that are", "<\"a b\"@c.org>", "\"a b\"@c.org", "", PATH_OK },
	{ "an @ inside quotes stays inside", "<\"a@evil.org\"@c.org>", "\"a@evil.org\"@c.org", "", PATH_OK },
	{ "a backslash that is not needed", "<\"a\\b\"@c.org>", "ab@c.org", "", PATH_OK },
	{ "a quote in quotes", "<\"a\\\"b\"@c.org>", "\"a\\\"b\"@c.org", "", PATH_OK },
	{ "percent is a letter like others", "<a%evil.org@c.org>", "a%evil.org@c.org", "", PATH_OK },
	{ "an address literal", "<a@[192.0.2.1]>", "a@[192.0.2.1]", "", PATH_OK },
	{ "the root's dot", "<a@b.org.>", "a@b.org", "", PATH_OK },
	{ "two at signs", "<a@b@c>", "", NULL, PATH_BAD },
	{ "no bracket", "a@b.org", "", NULL, PATH_BAD },
	{ "an open bracket", "<a@b.org", "", NULL, PATH_BAD },
	{ "a space inside", "<a @b.org>", "", NULL, PATH_BAD },
	{ "an empty local part", "<@b.org>", "", NULL, PATH_BAD },
	{ "an empty quoted local part", "<\"\"@b.org>", "", NULL, PATH_BAD },
	{ "an empty domain", "<a@>", "", NULL, PATH_BAD },
	{ "two dots in the domain", "<a@b..org>", "", NULL, PATH_BAD },
	{ "UTF-8 in front of the at sign", "<\xc3\xa9@b.org>", "\xc3\xa9@b.org", "", PATH_OK },
	{ "a U-label becomes an A-label", "<a@b\xc3\xbc" "cher.org>", "a@xn--bcher-kva.org", "", PATH_OK },
	{ "a U-label with a capital, and the root's dot", "<a@B\xc3\x9c" "CHER.org.>", "a@xn--bcher-kva.org", "", PATH_OK },
	{ "an A-label stays", "<a@XN--bcher-kva.org>", "a@xn--bcher-kva.org", "", PATH_OK },
	{ "UTF-8 on both sides", "<\xc3\xa9@b\xc3\xbc" "cher.org>", "\xc3\xa9@xn--bcher-kva.org", "", PATH_OK },
	{ "letters of another width", "<a@\xef\xbd\x88" "ere.org>", "a@here.org", "", PATH_OK },
	{ "the ideographic full stop", "<a@b\xe3\x80\x82org>", "a@b.org", "", PATH_OK },
	{ "two of them", "<a@b\xe3\x80\x82\xe3\x80\x82org>", "", NULL, PATH_BAD },
	{ "what is in no domain", "<a@\xf0\x9f\x93\xae.org>", "", NULL, PATH_BAD },
	{ "a U-label that is too long as an A-label",
	  "<a@\xc3\xbc" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.org>", "", NULL, PATH_BAD },
	{ "an IPv6 literal", "<a@[ipV6:2001:DB8:0::1]>", "a@[ipv6:2001:db8::1]", "", PATH_OK },
	{ "IPv6 without its tag", "<a@[2001:db8::1]>", "a@[2001:db8::1]", "", PATH_OK },
	{ "a tagged literal", "<a@[X400:/c=de;]>", "a@[x400:/c=de;]", "", PATH_OK },
	{ "a tag that ends in a hyphen", "<a@[x-:y]>", "", NULL, PATH_BAD },
	{ "a tag alone", "<a@[x:]>", "", NULL, PATH_BAD },
	{ "no tag", "<a@[:x]>", "", NULL, PATH_BAD },
	{ "a space in a literal", "<a@[x:y z]>", "", NULL, PATH_BAD },
	{ "a backslash in a literal", "<a@[x:\\]]>", "", NULL, PATH_BAD },
	{ "a bracket in a literal", "<a@[x:[]>", "", NULL, PATH_BAD },
	{ "an open literal", "<a@[192.0.2.1>", "", NULL, PATH_BAD },
	{ "an empty literal", "<a@[]>", "", NULL, PATH_BAD },
	{ "a short form of IPv4", "<a@[127.1]>", "", NULL, PATH_BAD },
	{ "no IPv6", "<a@[IPv6:2001:db8]>", "", NULL, PATH_BAD },
	{ "a source route of literals and U-labels", "<@[192.0.2.1],@b\xc3\xbc.org:a@b.org>", "a@b.org", "", PATH_OK },
	{ "dots where none should be", "<.a..b.@c.org>", "\".a..b.\"@c.org", "", PATH_OK },
	{ "UTF-8 in quotes", "<\"\xc3\xa9 a\"@b.org>", "\"\xc3\xa9 a\"@b.org", "", PATH_OK },
	{ "Latin-1", "<\xe9@b.org>", "", NULL, PATH_BAD },
	{ "half a letter", "<a@b\xc3.org>", "", NULL, PATH_BAD },
	{ "an over-long slash", "<a\xc0\xaf@b.org>", "", NULL, PATH_BAD },
	{ "an at sign of another width is a letter", "<a\xef\xbc\xa0" "b@c.org>", "a\xef\xbc\xa0" "b@c.org", "", PATH_OK },
	{ "a control character in quotes", "<\"a\tb\"@b.org>", "", NULL, PATH_BAD },
};

static void test_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span in = span_of(cases[i].input);
		char address[PATH_ADDRESS_MAX];

		unit_case(cases[i].why, 0);
		assert_int_equal(path_take(&in, address), cases[i].want);
		if (cases[i].want == PATH_BAD)
			continue;
		assert_string_equal(address, cases[i].address);
		unit_is(in.p, in.n, cases[i].rest);
	}
}

static void test_lengths(void **state)
{
	char input[400] = "<", address[PATH_ADDRESS_MAX];
	struct span in;

	(void)state;
	memset(input + 1, 'x', 64);
	memcpy(input + 65, "@b>", 4);
	in = span_of(input);
	assert_int_equal(path_take(&in, address), PATH_OK);
	memset(input + 1, 'x', 65);
	memcpy(input + 66, "@b>", 4);
	in = span_of(input);
	assert_int_equal(path_take(&in, address), PATH_BAD);
	memcpy(input, "<a@", 3);
	memset(input + 3, 'd', 256);
	memcpy(input + 259, ">", 2);
	in = span_of(input);
	assert_int_equal(path_take(&in, address), PATH_BAD);
}

static const struct {
	const char *why, *address;
	bool want;
} routes[] = {
	{ "a domain", "a@b.org", true },
	{ "an A-label", "a@xn--b-xga.org", true },
	{ "an underscore", "a@_b.org", true },
	{ "IPv4", "a@[192.0.2.1]", true },
	{ "IPv6", "a@[ipv6:2001:db8::1]", true },
	{ "IPv6 without its tag", "a@[2001:db8::1]", false },
	{ "no IPv4", "a@[192.0.2.256]", false },
	{ "a short form of IPv4", "a@[127.1]", false },
	{ "another kind of literal", "a@[x400:y]", false },
	{ "an at sign in the local part", "\"a@b\"@c.org", true },
	{ "no dot", "a@localhost", false },
	{ "an empty label", "a@b..org", false },
	{ "a dot in front", "a@.org", false },
	{ "a hyphen in front", "a@-b.org", false },
	{ "a hyphen behind", "a@b-.org", false },
	{ "an address without brackets", "a@192.0.2.1", false },
	{ "a label of 63", "a@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.org", true },
	{ "a label of 64", "a@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.org", false },
	{ "no domain", "postmaster", false },
};

static void test_routes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		unit_case(routes[i].why, i);
		assert_int_equal(path_is_routable(routes[i].address), routes[i].want);
	}
	assert_true(path_is_utf8(span_of("a\xc3\xa9@b")));
	assert_false(path_is_utf8(span_of("a@b")));
}

static void test_helo(void **state)
{
	(void)state;
	assert_true(path_helo_valid(span_of("mail.example.org")));
	assert_true(path_helo_valid(span_of("[IPv6:2001:db8::1]")));
	assert_true(path_helo_valid(span_of("DESKTOP_7")));
	assert_false(path_helo_valid(span_of("")));
	assert_false(path_helo_valid(span_of("a b")));
	assert_false(path_helo_valid(span_of("a\r\nMAIL")));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_paths), cmocka_unit_test(test_lengths),
					    cmocka_unit_test(test_helo),  cmocka_unit_test(test_routes) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "path");
}
