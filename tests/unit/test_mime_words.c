/* test_mime_words.c - RFC 2047 8 and RFC 2231 4: the RFCs' examples, and words cut by
 * careless senders. The charset function here knows UTF-8 and ISO-8859-1 alone.
 * link: mime common/base */
#include "tests/unit/unit.h"

#include "common/base/utf8.h"
#include "mime/words.h"

static bool convert(void *arg, struct span charset, struct span bytes, struct buf *out)
{
	uint8_t two[4];

	(void)arg;
	if (charset.n == 0 || span_is_nocase(charset, "utf-8") || span_is_nocase(charset, "us-ascii")) {
		buf_put(out, bytes);
		return true;
	}
	if (!span_is_nocase(charset, "iso-8859-1"))
		return false;
	for (size_t i = 0; i < bytes.n; i++)
		buf_put(out, (struct span){ two, utf8_write(two, bytes.p[i]) });
	return true;
}

static const struct {
	const char *why, *in, *out;
} words[] = {
	{ "nothing to decode", "Hello  there = ok", "Hello  there = ok" },
	{ "RFC 2047 8: one", "(=?ISO-8859-1?Q?a?=)", "(a)" },
	{ "RFC 2047 8: one and a letter", "(=?ISO-8859-1?Q?a?= b)", "(a b)" },
	{ "RFC 2047 8: two", "(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)" },
	{ "RFC 2047 8: two spaces", "(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)" },
	{ "RFC 2047 8: a space inside", "(=?ISO-8859-1?Q?a_b?=)", "(a b)" },
	{ "RFC 2047 8: a space in the second", "(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?_b?=)", "(a b)" },
	{ "RFC 2047 8: an umlaut", "=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@dkuug.dk>",
	  "Keld J\xc3\xb8rn Simonsen <keld@dkuug.dk>" },
	{ "RFC 2047 8: base64", "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=",
	  "If you can read this yo" },
	{ "RFC 2231 5: a language", "=?US-ASCII*EN?Q?Keith_Moore?= <moore@cs.utk.edu>",
	  "Keith Moore <moore@cs.utk.edu>" },
	{ "a character cut in two", "=?utf-8?B?w4M=?= =?utf-8?B?pA==?=", "\xc3\x83\xa4" },
	{ "a character cut in two, really", "=?utf-8?Q?=C3?=\t=?UTF-8?Q?=A4?=", "\xc3\xa4" },
	{ "two charsets", "=?utf-8?Q?=C3=A4?= =?iso-8859-1?Q?=E4?=", "\xc3\xa4\xc3\xa4" },
	{ "an unknown charset stays", "a =?x-none?Q?=41?= b", "a =?x-none?Q?=41?= b" },
	{ "two of an unknown charset stay as they are", "=?x?Q?=41?=  =?x?Q?B?=", "=?x?Q?=41?=  =?x?Q?B?=" },
	{ "small letters", "=?iso-8859-1?q?=e4?=", "\xc3\xa4" },
	{ "spaces inside the text", "=?utf-8?Q?a b?=", "a b" },
	{ "text right before and behind", "x=?utf-8?Q?a?=y", "xay" },
	{ "no end", "=?utf-8?Q?abc", "=?utf-8?Q?abc" },
	{ "no end, then one", "=?utf-8?Q =?utf-8?Q?a?=", "=?utf-8?Q a" },
	{ "another encoding", "=?utf-8?X?abc?=", "=?utf-8?X?abc?=" },
	{ "no charset", "=??Q?abc?=", "=??Q?abc?=" },
	{ "a question mark in the text", "=?utf-8?Q?what?\?=", "what?" },
	{ "an escape right at the start", "=?utf-8?Q?=41?=", "A" },
	{ "half an escape", "=?utf-8?Q?a=4?= =zz", "a=4 =zz" },
	{ "empty", "", "" },
	{ "an underscore by its number", "=?utf-8?Q?a=5Fb?=", "a_b" },
	{ "white space at the end", "=?utf-8?Q?a?= ", "a " },
};

static void test_words(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		unit_case(words[i].why, 0);
		buf_reset(&out);
		mime_words_decode(span_of(words[i].in), convert, NULL, &out);
		assert_false(out.failed);
		unit_is(out.p, out.n, words[i].out);
	}
	buf_clear(&out);
}

static const struct {
	const char *why, *in, *out;
} values[] = {
	{ "RFC 2231 4", "us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "This is ***fun***" },
	{ "no language", "iso-8859-1''%E4", "\xc3\xa4" },
	{ "no charset", "''a%20b", "a b" },
	{ "an apostrophe in the text", "utf-8''isn't", "isn't" },
	{ "no such form", "it's", "it's" },
	{ "an unknown charset", "x-none''a%41", "aA" },
	{ "half an escape", "utf-8''a%4", "a%4" },
	{ "empty", "", "" },
};

static void test_values(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		unit_case(values[i].why, 0);
		buf_reset(&out);
		mime_words_ext_value(span_of(values[i].in), convert, NULL, &out);
		unit_is(out.p, out.n, values[i].out);
	}
	buf_clear(&out);
}

/* Starts of words that never end: each must not cost a look at all the rest. */
static void test_linear(void **state)
{
	static const char *const repeats[] = { "=?a?Q?", "=?", "=?a", " =?a?B?x", "=?a?Q?b?= " };
	struct buf in, out;

	(void)state;
	for (size_t i = 0; i < sizeof(repeats) / sizeof(repeats[0]); i++) {
		unit_case(repeats[i], 0);
		buf_init(&in, 20000000);
		buf_init(&out, 20000000);
		for (int n = 0; n < 1000000; n++)
			buf_put_text(&in, repeats[i]);
		mime_words_decode(buf_span(&in), convert, NULL, &out);
		assert_int_equal(out.n, in.n);	/* all raw: none is a word, or of a charset */
		buf_clear(&in);
		buf_clear(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_words), cmocka_unit_test(test_values),
					    cmocka_unit_test(test_linear) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "mime_words");
}
