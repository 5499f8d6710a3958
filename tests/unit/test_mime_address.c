/* test_mime_address.c - RFC 5322 3.4, 4.4 and appendix A; and what real senders write.
 * link: mime common/base */
#include "tests/unit/unit.h"

#include "mime/address.h"

/* Each address comes out as name|route|local|domain; groups as name: and ; */
static const struct {
	const char *why, *in, *out;
} cases[] = {
	{ "RFC 5322 A.1.1", "John Doe <jdoe@machine.example>", "John Doe||jdoe|machine.example" },
	{ "RFC 5322 A.1.2", "\"Joe Q. Public\" <john.q.public@example.com>",
	  "Joe Q. Public||john.q.public|example.com" },
	{ "RFC 5322 A.1.2, several", "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
	  "Mary Smith||mary|x.test,||jdoe|example.org,Who?||one|y.test" },
	{ "RFC 5322 A.1.2, quoted pairs",
	  "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
	  "||boss|nil.test,Giant; \"Big\" Box||sysservices|example.net" },
	{ "RFC 5322 A.1.3", "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
	  "A Group:,Ed Jones||c|a.test,||joe|where.test,John||jdoe|one.test,;" },
	{ "RFC 5322 A.1.3, empty group", "Undisclosed recipients:;", "Undisclosed recipients:,;" },
	{ "RFC 5322 A.5", "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
	  "Pete||pete|silly.test" },
	{ "RFC 5322 A.5, group",
	  "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n"
	  "         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
	  "A Group:,Chris Jones||c|public.example,||joe|example.org,John||jdoe|one.test,;" },
	{ "RFC 5322 A.5, empty group", "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
	  "Hidden recipients:,;" },
	{ "RFC 5322 A.6.1", "Joe Q. Public <john.q.public@example.com>",
	  "Joe Q. Public||john.q.public|example.com" },
	{ "RFC 5322 A.6.1, routes", "Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
	  "Mary Smith|@node.test|mary|example.net,||jdoe|test.example" },
	{ "a longer route", "<@a,@b.c:x@y>", "|@a,@b.c|x|y" },
	{ "RFC 5322 A.6.3", "John Doe <jdoe@machine(comment).  example>", "John Doe||jdoe|machine.example" },
	{ "spaces beside dots in a local part", "john . q . public @ example . com",
	  "||john.q.public|example.com" },
	{ "a quoted local part", "\"joe blow\"@x.test", "||joe blow|x.test" },
	{ "a quoted local part with a sign", "<\"a@b,c\"@x>", "||a@b,c|x" },
	{ "a domain literal", "joe@[192.0.2.1], <x@[IPv6:2001:db8::1]>",
	  "||joe|[192.0.2.1],||x|[IPv6:2001:db8::1]" },
	{ "RFC 6532: UTF-8", "J\xc3\xb6rg <j\xc3\xb6rg@b\xc3\xbc.example>",
	  "J\xc3\xb6rg||j\xc3\xb6rg|b\xc3\xbc.example" },
	{ "an encoded word stays", "=?utf-8?Q?J=C3=B6rg?= <j@x>", "=?utf-8?Q?J=C3=B6rg?=||j|x" },
	{ "the comment is the name", "jdoe@x.test (John Doe)", "John Doe||jdoe|x.test" },
	{ "an address as a name", "jdoe@x.test <jdoe@x.test>", "jdoe@x.test||jdoe|x.test" },
	{ "a quoted name without a space", "\"Doe, John\"<j@x>", "Doe, John||j|x" },
	{ "two words, one quoted", "John \"the man\" Doe <j@x>", "John the man Doe||j|x" },
	{ "no domain", "root", "||root|" },
	{ "no domain in angles", "Root <root>", "Root||root|" },
	{ "empty angles", "<>", "|||" },
	{ "a name and empty angles", "Nobody <>", "Nobody|||" },
	{ "only a name and comment", "(nobody)", "" },
	{ "semicolons as separators", "a@x; b@y", "||a|x,||b|y" },
	{ "empty members", ",, a@x ,,", "||a|x" },
	{ "nothing", "", "" },
	{ "white space", " \r\n ", "" },
	{ "angles without an end", "John <j@x, b@y", "John||j|x,||b|y" },
	{ "a quote without an end", "\"John <j@x>, b@y", "||John <j@x>, b@y|" },
	{ "a comment without an end", "a@x (b, c@y", "b, c@y||a|x" },
	{ "text behind the address", "<a@x> junk, b@y", "||a|x,||b|y" },
	{ "text behind a bare address", "a@x junk, b@y", "||a|x,||b|y" },
	{ "two signs", "a@b@c", "||a@b|c" },
	{ "a group without an end", "g: a@x", "g:,||a|x,;" },
	{ "a colon inside a group", "g: b:c <a@x>;", "g:,b:c||a|x,;" },
	{ "only a sign", "@", "|||" },
	{ "a lone colon", ":", ":,;" },
	{ "a backslash at the end", "a\\", "||a\\|" },
	{ "two angles", "<a@x><b@y>", "||a|x" },
};

static void put_text(struct buf *out, const struct mime_address *a)
{
	if (out->n > 0)
		buf_put_byte(out, ',');
	if (a->kind == MIME_ADDRESS_GROUP_END) {
		buf_put_byte(out, ';');
		return;
	}
	buf_put(out, a->name);
	if (a->kind == MIME_ADDRESS_GROUP) {
		buf_put_byte(out, ':');
		return;
	}
	buf_put_byte(out, '|');
	buf_put(out, a->route);
	buf_put_byte(out, '|');
	buf_put(out, a->local);
	buf_put_byte(out, '|');
	buf_put(out, a->domain);
}

static void walk(struct span in, struct buf *out)
{
	struct mime_address_walk w;
	struct mime_address a;

	mime_address_walk_init(&w, in);
	while (mime_address_next(&w, &a))
		put_text(out, &a);
	assert_false(w.text.failed);
	mime_address_walk_clear(&w);
}

static void test_cases(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unit_case(cases[i].why, 0);
		buf_reset(&out);
		walk(span_of(cases[i].in), &out);
		unit_is(out.p, out.n, cases[i].out);
	}
	buf_clear(&out);
}

/* A value that breaks off anywhere does no harm: the walk ends. */
static void test_cut_off(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t n = 0; n <= strlen(cases[i].in); n++) {
			unit_case(cases[i].why, n);
			buf_reset(&out);
			walk((struct span){ (const uint8_t *)cases[i].in, n }, &out);
			assert_false(out.failed);
		}
	buf_clear(&out);
}

/* Inputs that would cost n * n in a parser that looks ahead to the end each time. */
static const char *const repeats[] = { "<",  "<,",   "<@,", "(",  "\"",    "a@", ":",
				       "@,", "<@a:", "<\"", "a(", "\\<@,", ";<" };

static void test_linear(void **state)
{
	struct buf in;

	(void)state;
	for (size_t i = 0; i < sizeof(repeats) / sizeof(repeats[0]); i++) {
		struct mime_address_walk w;
		struct mime_address a;
		size_t found = 0;

		unit_case(repeats[i], 0);
		buf_init(&in, 8000000);
		for (int n = 0; n < 1000000; n++)
			buf_put_text(&in, repeats[i]);
		mime_address_walk_init(&w, buf_span(&in));
		while (mime_address_next(&w, &a))
			found++;
		assert_in_range(found, 0, 2000000);
		mime_address_walk_clear(&w);
		buf_clear(&in);
	}
}

/* Addresses of the usual forms are taken a shorter way. White space behind one means nothing, but a tab
 * leads past that way: both must see the same. */
static void test_both_ways(void **state)
{
	static const char *const pieces[] = { "a", "b.c", "@", "<", ">", " ", "\"", ":", ";", ".", "\xc3\xbc", "d@e", "<f@g>", "  ", "\"h i\"", "=?q?" };
	struct buf in, plain, tabbed;
	uint32_t seed = 5;

	(void)state;
	buf_init(&in, 1000);
	buf_init(&plain, 10000);
	buf_init(&tabbed, 10000);
	for (unsigned round = 0; round < 200000; round++) {
		size_t quotes = 0;

		buf_reset(&in);
		for (unsigned i = 0; i < 1 + round % 7; i++) {
			seed = seed * 1664525 + 1013904223;
			buf_put_text(&in, pieces[(seed >> 12) % (sizeof(pieces) / sizeof(pieces[0]))]);
		}
		for (size_t i = 0; i < in.n; i++)
			quotes += in.p[i] == '"';
		if (quotes % 2 != 0)
			continue;	/* the tab would stand inside */
		buf_reset(&plain);
		walk(buf_span(&in), &plain);
		buf_put_byte(&in, '\t');
		buf_reset(&tabbed);
		walk(buf_span(&in), &tabbed);
		buf_put_byte(&in, '\0');
		unit_case((const char *)in.p, round);
		assert_int_equal(plain.n, tabbed.n);
		assert_memory_equal(plain.p, tabbed.p, plain.n);
	}
	buf_clear(&in);
	buf_clear(&plain);
	buf_clear(&tabbed);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases), cmocka_unit_test(test_cut_off),
					    cmocka_unit_test(test_linear), cmocka_unit_test(test_both_ways) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "mime_address");
}
