/* test_imap_parse.c - the words of commands (RFC 3501 9).
 * link: imapd common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/base/utf7.h"
#include "imapd/format.h"
#include "imapd/match.h"
#include "imapd/parse.h"

static struct arena *arena;

static struct imap_parse begin(const char *text)
{
	arena_reset(arena);
	unit_case(text, 0);
	return (struct imap_parse){ span_of(text), arena, NULL, false };
}

static const struct {
	const char *input, *value;	/* value NULL: refused */
} strings[] = {
	{ "abc", "abc" },	  { "\"a b\"", "a b" },	     { "\"a\\\"\\\\b\"", "a\"\\b" }, { "\"\"", "" },
	{ "{3}\r\na\r\n", "a\r\n" }, { "{3+}\r\nabc", "abc" }, { "{0}\r\n", "" },	     { "a]b", "a]b" },
	{ "\"a", NULL },	  { "\"a\\x\"", NULL },	     { "{4}\r\nabc", NULL },	     { "{x}\r\nabc", NULL },
	{ "", NULL },		  { "(", NULL },	     { "\"a\rb\"", NULL },	     { "\xc3\xa9", NULL },
};

static void test_strings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		struct imap_parse p = begin(strings[i].input);
		struct span s;
		bool ok = imap_parse_astring(&p, &s);

		assert_int_equal(ok, strings[i].value != NULL);
		if (ok)
			unit_is(s.p, s.n, strings[i].value);
		else
			assert_non_null(p.wrong);
	}
}

static const struct {
	const char *input;
	uint32_t largest;
	const char *value;
} sets[] = {
	{ "1", 9, "1" },	     { "1:3,2:5,7", 9, "1:5,7" }, { "4:2", 9, "2:4" },
	{ "*", 9, "9" },	     { "12:*", 9, "9:12" },	  { "*:2", 9, "2:9" },
	{ "3,1,2", 9, "1:3" },	     { "*", 0, "" },		  { "4294967295", 9, "4294967295" },
	{ "4294967295,1:4294967295", 9, "1:4294967295" },	  { "5,1:2,9,4", 9, "1:2,4:5,9" },
	{ "0", 9, NULL },	     { "1:", 9, NULL },		  { ",1", 9, NULL },
	{ "4294967296", 9, NULL },   { "1,", 9, NULL },		  { "a", 9, NULL },
	{ "01", 9, NULL },	     { "007", 9, NULL },		  { "01:5", 9, NULL },
	{ "1:05", 9, NULL },	     { "1,02", 9, NULL },	  { "*:01", 9, NULL },
	{ "10:20,100", 200, "10:20,100" },
};

static void test_sets(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		struct imap_parse p = begin(sets[i].input);
		struct imap_set set;
		struct store_set out;
		struct buf text;

		assert_int_equal(imap_parse_set(&p, &set), sets[i].value != NULL);
		if (sets[i].value == NULL)
			continue;
		assert_int_equal(p.in.n, 0);
		assert_true(imap_set_resolve(&set, sets[i].largest, arena, &out));
		buf_init(&text, 1000);
		imap_set_write(&out, &text);
		unit_is(text.p, text.n, sets[i].value);
		buf_clear(&text);
	}
}

static const struct {
	const char *wire, *utf8;	/* utf8 NULL: refused */
} names[] = {
	{ "abc", "abc" },
	{ "a&-b", "a&b" },
	{ "~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" },
	{ "&2D3eAA-", "\xf0\x9f\x98\x80" },
	{ "Entw&APw-rfe", "Entw\xc3\xbcrfe" },
	{ "a&", NULL },		/* no end */
	{ "&AGE-", NULL },	/* "a" in disguise */
	{ "&2D0-", NULL },	/* half a pair */
	{ "&3gA-", NULL },
	{ "&APw", NULL },
	{ "&APw-&APw-", NULL },	/* two shifts side by side */
	{ "&APx-", NULL },	/* bits left over */
	{ "&A/w-", NULL },
	{ "\xc3\xbc", NULL },
	{ "a\tb", NULL },
};

static void test_utf7(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct buf out;

		unit_case(names[i].wire, 0);
		buf_init(&out, 1000);
		assert_int_equal(utf7_decode(span_of(names[i].wire), &out), names[i].utf8 != NULL);
		if (names[i].utf8 != NULL) {
			unit_is(out.p, out.n, names[i].utf8);
			buf_reset(&out);
			utf7_encode(span_of(names[i].utf8), &out);
			unit_is(out.p, out.n, names[i].wire);
		}
		buf_clear(&out);
	}
}

static const struct {
	const char *pattern, *name;
	bool match;
} patterns[] = {
	{ "*", "a/b", true },	      { "%", "a/b", false },	   { "%", "a", true },
	{ "a/%", "a/b", true },	      { "a/%", "a/b/c", false },   { "a*c", "a/b/c", true },
	{ "%/%", "a/b", true },	      { "%b%", "abc", true },	   { "%b%", "a/b", false },
	{ "inbox", "INBOX", true },   { "Inbox/x", "INBOX/x", true }, { "sent", "Sent", false },
	{ "*a*b*c", "xaxbxc", true }, { "", "", true },		   { "", "a", false },
	{ "a", "", false },	      { "%*%", "a/b/c", true },	   { "INBOXx", "INBOXx", true },
	{ "inboxx", "INBOXx", false },
};

static void test_match(void **state)
{
	char many[2000];

	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		unit_case(patterns[i].pattern, i);
		assert_int_equal(imap_match(span_of(patterns[i].pattern), span_of(patterns[i].name)), patterns[i].match);
	}
	/* what makes backtracking matchers take for ever */
	for (size_t i = 0; i < 999; i++)
		memcpy(many + 2 * i, "*a", 2);
	many[1998] = 'b';
	many[1999] = '\0';
	char name[1000];

	memset(name, 'a', 999);
	name[999] = '\0';
	assert_false(imap_match(span_of(many), span_of(name)));
}

static void test_flags(void **state)
{
	struct imap_parse p = begin("(\\Seen $A \\recent $a \\DELETED)");
	struct imap_flags f;

	(void)state;
	assert_true(imap_parse_flags(&p, &f));
	assert_int_equal(f.flags, STORE_SEEN | STORE_DELETED);
	assert_int_equal(f.keyword_count, 1);
	assert_true(f.recent);
	p = begin("()");
	assert_true(imap_parse_flags(&p, &f));
	p = begin("\\Seen $B");
	assert_true(imap_parse_flags_open(&p, &f));
	assert_int_equal(f.keyword_count, 1);
	p = begin("(\\Seen ");
	assert_false(imap_parse_flags(&p, &f));
	p = begin("(\\Nope)");
	assert_false(imap_parse_flags(&p, &f));
	p = begin("(a(b)");
	assert_false(imap_parse_flags(&p, &f));
}

static void test_dates(void **state)
{
	/* RFC 9051 9: one digit or two, and four */
	static const char *const not_dates[] = { "0-Jan-1971", "001-Jan-1971", "-Jan-1971", "1-Jan-71", "1-Jan-197", "1-Jan-19711", "1-Jan-" };
	struct imap_parse p = begin("1-Feb-1970");
	int64_t day;

	(void)state;
	assert_true(imap_parse_date(&p, &day));
	assert_int_equal(day, 31);
	p = begin("\"01-Jan-1971\"");
	assert_true(imap_parse_date(&p, &day));
	assert_int_equal(day, 365);
	for (size_t i = 0; i < sizeof(not_dates) / sizeof(not_dates[0]); i++) {
		p = begin(not_dates[i]);
		unit_case(not_dates[i], i);
		assert_false(imap_parse_date(&p, &day));
	}
	p = begin("32-Jan-1971");
	assert_false(imap_parse_date(&p, &day));
	p = begin("1-Foo-1971");
	assert_false(imap_parse_date(&p, &day));
	p = begin("\" 1-Jan-1970 01:00:00 +0100\"");
	assert_true(imap_parse_date_time(&p, &day));
	assert_int_equal(day, 0);
}

static void test_format(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 5000);
	imap_put_string(&out, span_of("a\"b\\"));
	imap_put_string(&out, span_of("\xc3\xbc"));
	imap_put_mailbox(&out, span_of("\xc3\xbc\"&"));
	imap_put_number(&out, UINT64_MAX);
	unit_is(out.p, out.n, "\"a\\\"b\\\\\"{2}\r\n\xc3\xbc\"&APw-\\\"&-\"18446744073709551615");
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings), cmocka_unit_test(test_sets),  cmocka_unit_test(test_utf7),
		cmocka_unit_test(test_match),	cmocka_unit_test(test_flags), cmocka_unit_test(test_dates),
		cmocka_unit_test(test_format),
	};

	if (arena_new(&arena, 1 << 20, ARENA_PLAIN, NULL) != 0)
		return 1;
	int r = unit_run(tests, sizeof(tests) / sizeof(tests[0]), "imap parse");

	arena_free(arena);
	return r;
}
