/* test_path.c - RFC 5321 4.1.2: each disguise of an address is the address, or none.
 * link: smtpd/path.o common/base/span.o */
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
	{ "8-bit", "<\xc3\xa9@b.org>", "", NULL, PATH_BAD },
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
					    cmocka_unit_test(test_helo) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "path");
}
