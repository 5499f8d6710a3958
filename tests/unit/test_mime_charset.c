/* test_mime_charset.c - charsets to UTF-8, cut at each byte; and folding.
 * link: mime common/base */
#include "tests/unit/unit.h"

#include <errno.h>

#include "mime/charset.h"

#define BAD "\xef\xbf\xbd"

static const struct {
	const char *charset, *in, *out;
} cases[] = {
	{ "utf-8", "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xae z", "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xae z" },
	{ "UTF-8", "a\xff" "b\xc3(\xe2\x82" "c", "a" BAD "b" BAD "(" BAD BAD "c" },
	{ "utf-8", "end\xf0\x9f", "end" BAD },
	{ "utf8", "\xc0\x80\xed\xa0\x80", BAD BAD BAD BAD BAD },
	{ "", "a\xc3\xa4", "a\xc3\xa4" },
	{ "US-ASCII", "plain", "plain" },
	{ "ISO-8859-1", "\xe4\xf6\xfc \x80", "\xc3\xa4\xc3\xb6\xc3\xbc \xe2\x82\xac" },
	{ "windows-1252", "\x93hi\x94\x81", "\xe2\x80\x9chi\xe2\x80\x9d" BAD },
	{ " latin1 ", "\xdf", "\xc3\x9f" },
	{ "ISO-8859-15", "\xa4", "\xe2\x82\xac" },
	{ "iso-2022-jp", "\x1b$BM9JX\x1b(B!", "\xe9\x83\xb5\xe4\xbe\xbf!" },
	{ "Shift_JIS", "\x97X\x95\xd6", "\xe9\x83\xb5\xe4\xbe\xbf" },
	{ "euc-jp", "\xcd\xb9\xca\xd8", "\xe9\x83\xb5\xe4\xbe\xbf" },
	{ "gb2312", "\xd3\xca", "\xe9\x82\xae" },
	{ "big5", "\xb6l", "\xe9\x83\xb5" },
	{ "koi8-r", "\xf0", "\xd0\x9f" },
	{ "euc-kr", "\xbf\xec", "\xec\x9a\xb0" },
	{ "utf-7", "+kPU-", "\xe9\x83\xb5" },
};

static void check_cut(size_t i, size_t cut)
{
	struct span a = { (const uint8_t *)cases[i].in, cut };
	struct span b = { a.p + cut, strlen(cases[i].in) - cut };
	struct mime_charset *c;
	struct buf out;

	unit_case(cases[i].charset, cut);
	buf_init(&out, 1000);
	assert_int_equal(mime_charset_open(&c, span_of(cases[i].charset), NULL), 0);
	for (int round = 0; round < 2; round++) {	/* the second time behind an end */
		buf_reset(&out);
		mime_charset_feed(c, a, &out);
		mime_charset_feed(c, b, &out);
		mime_charset_end(c, &out);
		unit_is(out.p, out.n, cases[i].out);
	}
	mime_charset_close(c);
	buf_clear(&out);
}

static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t cut = 0; cut <= strlen(cases[i].in); cut++)
			check_cut(i, cut);
}

static void test_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mime_charset *c;
		struct buf out;

		unit_case(cases[i].charset, SIZE_MAX);
		buf_init(&out, 1000);
		assert_int_equal(mime_charset_open(&c, span_of(cases[i].charset), NULL), 0);
		for (const char *at = cases[i].in; *at != '\0'; at++)
			mime_charset_feed(c, (struct span){ (const uint8_t *)at, 1 }, &out);
		mime_charset_end(c, &out);
		unit_is(out.p, out.n, cases[i].out);
		mime_charset_close(c);
		buf_clear(&out);
	}
}

static void test_unknown(void **state)
{
	static const char *const names[] = { "x-none", "../../etc/passwd", "utf-16,version=1", "a b",
		"very-long-name-that-no-charset-has-and-that-is-over-the-limit-of-names" };
	struct mime_charset *c;
	struct error err;
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		unit_case(names[i], 0);
		assert_int_equal(mime_charset_open(&c, span_of(names[i]), &err), -ENOENT);
		assert_null(c);
		assert_false(mime_charset_known(span_of(names[i])));
		assert_false(mime_charset_convert(NULL, span_of(names[i]), span_of("x"), &out));
	}
	assert_true(mime_charset_known(span_of("Big5")));
	assert_int_equal(out.n, 0);
	buf_clear(&out);
}

static const struct {
	const char *why, *in, *out;
} folds[] = {
	{ "ASCII", "Hello, World 1", "HELLO, WORLD 1" },
	{ "umlauts, whole or in two", "\xc3\xa4\xc3\x84" "A\xcc\x88", "A\xcc\x88" "A\xcc\x88" "A\xcc\x88" },
	{ "Greek, both sigmas", "\xcf\x83\xcf\x82\xce\xa3", "\xce\xa3\xce\xa3\xce\xa3" },
	{ "full width", "\xef\xbd\x81", "A" },
	{ "a ligature", "\xef\xac\x81", "FI" },
	{ "Cyrillic", "\xd0\xbf", "\xd0\x9f" },
	{ "kanji stay", "\xe9\x83\xb5", "\xe9\x83\xb5" },
	{ "what is no UTF-8", "a\xff", "A" BAD },
};

static void test_fold(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof(folds) / sizeof(folds[0]); i++) {
		unit_case(folds[i].why, 0);
		buf_reset(&out);
		mime_fold(span_of(folds[i].in), &out);
		unit_is(out.p, out.n, folds[i].out);
	}
	buf_clear(&out);
}

static const char wrong[] = "";

static const struct {
	const char *why, *in, *out; /* out NULL: it is composed already */
} composed[] = {
	{ "nothing", "", NULL },
	{ "ASCII", "Lists/dev", NULL },
	{ "whole letters", "Entw\xc3\xbcrfe", NULL },
	{ "letters in two", "Entwu\xcc\x88rfe", "Entw\xc3\xbcrfe" },
	{ "three", "a\xcc\x8a\xcc\x81", "\xc7\xbb" },
	{ "marks in another order", "a\xcc\x88\xcc\xa3", "\xe1\xba\xa1\xcc\x88" },
	{ "Hangul", "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c" },
	{ "a sign that is a letter", "\xe2\x84\xab", "\xc3\x85" },
	{ "a letter that is taken apart", "\xe0\xa5\x98", "\xe0\xa4\x95\xe0\xa4\xbc" },
	{ "what only looks alike stays", "\xef\xac\x81", NULL },
	{ "out of the first plane", "\xf0\x9f\x93\xae" "e\xcc\x81", "\xf0\x9f\x93\xae\xc3\xa9" },
	{ "no UTF-8", "a\xff", wrong },
	{ "cut", "Entw\xc3", wrong },
};

static void test_compose(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(composed) / sizeof(composed[0]); i++) {
		const char *in = composed[i].in, *want = composed[i].out != NULL ? composed[i].out : in;
		bool bad = composed[i].out == wrong;
		struct buf out;

		unit_case(composed[i].why, 0);
		buf_init(&out, strlen(want));
		assert_int_equal(mime_compose(span_of(in), &out), !bad);
		assert_int_equal(mime_is_composed(span_of(in)), composed[i].out == NULL);
		if (!bad) {
			unit_is(out.p, out.n, want);
			assert_true(mime_is_composed(buf_span(&out)));
		}
		buf_clear(&out);
		buf_init(&out, strlen(want) > 0 ? strlen(want) - 1 : 0);
		assert_true(*want == '\0' || bad || !mime_compose(span_of(in), &out));
		buf_clear(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cut), cmocka_unit_test(test_bytes),
					    cmocka_unit_test(test_unknown), cmocka_unit_test(test_fold),
					    cmocka_unit_test(test_compose) };

	if (mime_charset_start(NULL) < 0)
		return 1;
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "mime_charset");
}
