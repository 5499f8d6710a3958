/* test_mime_search.c - a needle across any cut, whatever its case; text parts as a stream.
 * link: mime common/base */
#include "tests/unit/unit.h"

#include <errno.h>

#include "common/base/buf.h"
#include "mime/search.h"
#include "mime/text.h"

static const struct {
	const char *why, *needle, *text;
	bool want;
} cases[] = {
	{ "at the start", "hello", "Hello world", true },
	{ "in the middle", "O W", "Hello world", true },
	{ "at the end", "WORLD", "Hello world", true },
	{ "not there", "worlds", "Hello world", false },
	{ "a false start", "aab", "aaab", true },
	{ "a longer false start", "abcabd", "abcabcabd", true },
	{ "overlapping", "abab", "abaabab", true },
	{ "an umlaut", "\xc3\x84pfel", "zwei \xc3\xa4pfel", true },
	{ "an umlaut in two parts", "\xc3\xa4pfel", "zwei a\xcc\x88pfel", true },
	{ "kanji", "\xe4\xbe\xbf", "\xe9\x83\xb5\xe4\xbe\xbf", true },
	{ "part of a character is none", "\xe4\xbe\xbf", "\xe9\x83\xb5\xe4\xbe\xbe", false },
	{ "empty", "", "x", true },
	{ "empty in nothing", "", "", true },
	{ "something in nothing", "x", "", false },
};

static bool cuts_a_character(const char *text, size_t cut)
{
	return ((unsigned char)text[cut] & 0xc0) == 0x80;
}

static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text = cases[i].text;
		struct mime_search *s;

		assert_int_equal(mime_search_new(&s, span_of(cases[i].needle), NULL), 0);
		for (size_t cut = 0; cut <= strlen(text); cut++) {
			unit_case(cases[i].why, cut);
			if (cuts_a_character(text, cut))
				continue;
			mime_search_reset(s);
			mime_search_feed(s, (struct span){ (const uint8_t *)text, cut });
			assert_int_equal(mime_search_feed(s, span_of(text + cut)), cases[i].want);
		}
		mime_search_free(s);
	}
}

/* 10 MB of what nearly matches, in one piece whose slices cut characters. */
static void test_linear(void **state)
{
	struct mime_search *s;
	struct buf text, needle;

	(void)state;
	buf_init(&text, 10000000);
	buf_init(&needle, 10000);
	for (int i = 0; i < 2000; i++)
		buf_put_text(&needle, "\xc3\xa4");
	buf_put_text(&needle, "b");
	while (text.n < 9999990 && !text.failed)
		buf_put_text(&text, "\xc3\xa4");
	assert_false(text.failed || needle.failed);
	assert_int_equal(mime_search_new(&s, buf_span(&needle), NULL), 0);
	assert_false(mime_search_feed(s, buf_span(&text)));
	assert_true(mime_search_feed(s, span_of("B")));
	assert_true(mime_search_feed(s, span_of("found stays found")));
	mime_search_reset(s);
	assert_false(mime_search_feed(s, span_of("B")));
	mime_search_free(s);
	assert_int_equal(mime_search_new(&s, buf_span(&text), NULL), -E2BIG);
	assert_null(s);
	buf_clear(&text);
	buf_clear(&needle);
}

static void collect(void *arg, struct span utf8)
{
	buf_put(arg, utf8);
}

static const struct {
	const char *why;
	enum mime_encoding encoding;
	const char *charset, *in, *out;
} texts[] = {
	{ "a character cut by a soft line break", MIME_ENCODING_QUOTED_PRINTABLE, "utf-8", "a=C3=\r\n=A4b",
	  "a\xc3\xa4"
	  "b" },
	{ "base64 of another charset", MIME_ENCODING_BASE64, "iso-8859-1", "5Pb8",
	  "\xc3\xa4\xc3\xb6\xc3\xbc" },
	{ "iso-2022-jp", MIME_ENCODING_IDENTITY, "iso-2022-jp", "\x1b$BM9JX\x1b(B",
	  "\xe9\x83\xb5\xe4\xbe\xbf" },
	{ "an unknown charset is taken as UTF-8", MIME_ENCODING_IDENTITY, "x-none", "a\xc3\xa4",
	  "a\xc3\xa4" },
	{ "half a character at the end", MIME_ENCODING_QUOTED_PRINTABLE, "", "a=C3", "a\xef\xbf\xbd" },
	{ "no padding at the end", MIME_ENCODING_BASE64, "us-ascii", "SGVsbG8", "Hello" },
};

static void test_text(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (size_t cut = 0; cut <= strlen(texts[i].in); cut++) {
			struct mime_text *t;

			unit_case(texts[i].why, cut);
			buf_reset(&out);
			assert_int_equal(mime_text_new(&t, texts[i].encoding, span_of(texts[i].charset),
						       collect, &out, NULL),
					 0);
			mime_text_feed(t, (struct span){ (const uint8_t *)texts[i].in, cut });
			mime_text_feed(t, span_of(texts[i].in + cut));
			assert_int_equal(mime_text_end(t, NULL), 0);
			unit_is(out.p, out.n, texts[i].out);
			mime_text_free(t);
		}
	buf_clear(&out);
}

/* Each byte becomes three: a large input goes through in pieces, none lost. */
static void test_large_text(void **state)
{
	struct mime_text *t;
	struct buf in, out;

	(void)state;
	buf_init(&in, 1000000);
	buf_init(&out, 3000000);
	for (int i = 0; i < 1000000; i++)
		buf_put_byte(&in, 0x80);
	assert_int_equal(
	    mime_text_new(&t, MIME_ENCODING_IDENTITY, span_of("iso-8859-1"), collect, &out, NULL), 0);
	mime_text_feed(t, buf_span(&in));
	assert_int_equal(mime_text_end(t, NULL), 0);
	assert_int_equal(out.n, 3000000);
	mime_text_free(t);
	buf_clear(&in);
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cut), cmocka_unit_test(test_linear),
					    cmocka_unit_test(test_text), cmocka_unit_test(test_large_text) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "mime_search");
}
