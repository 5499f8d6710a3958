/* test_mime_preview.c - one line of plain text out of any body (RFC 8970 3.3).
 * link: mime common/base */
#include "tests/unit/unit.h"

#include "common/base/utf8.h"
#include "mime/parse.h"
#include "mime/preview.h"

static const struct {
	const char *why;
	enum mime_preview_kind kind;
	const char *text, *want;
} rows[] = {
	{ "nothing", MIME_PREVIEW_PLAIN, "", "" },
	{ "a line", MIME_PREVIEW_PLAIN, "Hello\r\n", "Hello" },
	{ "lines", MIME_PREVIEW_PLAIN, "\r\n\r\n  Hello\r\n\tworld\r\n\r\n.\r\n", "Hello world ." },
	{ "quoted lines", MIME_PREVIEW_PLAIN, "> you said\r\n>> I said\r\nYes > no\r\n> what\r\nBye", "Yes > no Bye" },
	{ "markup is text", MIME_PREVIEW_PLAIN, "a <b> &amp; c", "a <b> &amp; c" },
	{ "controls", MIME_PREVIEW_PLAIN, "a\x01" "b\x1b[31mc\x7f", "a b [31mc" },
	{ "wide spaces", MIME_PREVIEW_PLAIN, "a\xc2\xa0\xe3\x80\x80" "b", "a b" },
	{ "soft hyphen, byte order mark, right-to-left override", MIME_PREVIEW_PLAIN,
	  "\xef\xbb\xbf" "co\xc2\xad" "op \xe2\x80\xaegnp.exe", "coop gnp.exe" },
	{ "a joiner inside a word stays", MIME_PREVIEW_PLAIN, "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae", "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae" },
	{ "joiners as padding go", MIME_PREVIEW_PLAIN, "Hi \xe2\x80\x8c \xe2\x80\x8c \xe2\x80\x8c", "Hi" },
	{ "kanji", MIME_PREVIEW_PLAIN, "\xe9\x83\xb5\xe4\xbe\xbf\r\n", "\xe9\x83\xb5\xe4\xbe\xbf" },
	{ "encrypted", MIME_PREVIEW_PLAIN, "-----BEGIN PGP MESSAGE-----\r\n\r\nhQEM\r\n", "" },

	{ "nothing", MIME_PREVIEW_HTML, "", "" },
	{ "tags", MIME_PREVIEW_HTML, "<html><body><p>Hello <b>wor</b>ld</p><p>Bye</p></body></html>", "Hello world Bye" },
	{ "line breaks", MIME_PREVIEW_HTML, "a<br>b<BR/>c<hr />d", "a b c d" },
	{ "a style, a script, a title", MIME_PREVIEW_HTML,
	  "<title>T</title><style type=\"a\">p { x: '</p>' }</STYLE ><script>if (a < b && c) \"</scrip\" </script>Yes", "Yes" },
	{ "a script without an end", MIME_PREVIEW_HTML, "a<script>b", "a" },
	{ "comments", MIME_PREVIEW_HTML, "a<!-- b > c -- d -->e<!---->f<!doctype html>g<?xml x?>h<!-x>i", "aefghi" },
	{ "a comment without an end", MIME_PREVIEW_HTML, "a<!-- b --", "a" },
	{ "attributes", MIME_PREVIEW_HTML, "<a href=\"x>y\" title='>'>link</a>", "link" },
	{ "not a tag", MIME_PREVIEW_HTML, "1 < 2 <3 << a", "1 < 2 <3 << a" },
	{ "entities", MIME_PREVIEW_HTML, "&lt;b&gt; &amp;amp; Gr&uuml;&szlig;e&nbsp;&euro;5 &#8364;&#x41;&#X42;", "<b> &amp; Gr\xc3\xbc\xc3\x9f" "e \xe2\x82\xac" "5 \xe2\x82\xac" "AB" },
	{ "entities without an end", MIME_PREVIEW_HTML, "a &amp b&lt", "a & b<" },
	{ "entities that are none", MIME_PREVIEW_HTML, "a & b &nope; &;&#; &#xzz; &abcdefghijklmnop;", "a & b &nope; &;&#; &#xzz; &abcdefghijklmnop;" },
	{ "numbers that are no characters", MIME_PREVIEW_HTML, "a&#0;&#xd800;&#1114112;&#4294967361;b", "a&#0;b" },
	{ "entities inside each other", MIME_PREVIEW_HTML, "&amp&amp&lt&", "&&<&" },
	{ "padding", MIME_PREVIEW_HTML, "Hi&zwnj;&nbsp;&zwnj;&nbsp;&#847; &#8203;there", "Hi\xe2\x80\x8c there" },
	{ "a long name", MIME_PREVIEW_HTML, "<averylongtagnamethatis>x</averylongtagnamethatis>", "x" },
};

static void check(const char *want, struct mime_preview *p)
{
	struct span got = mime_preview_end(p);

	if (!span_is(got, want))
		printf("wanted \"%s\"\ngot    \"%.*s\"\n", want, (int)got.n, (const char *)got.p);
	assert_true(span_is(got, want));
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span all = span_of(rows[i].text);

		for (size_t cut = 0; cut <= all.n; cut++) {
			struct mime_preview p;

			unit_case(rows[i].why, cut);
			if (cut < all.n && (all.p[cut] & 0xc0) == 0x80)
				continue;
			mime_preview_init(&p, rows[i].kind);
			mime_preview_feed(&p, (struct span){ all.p, cut });
			mime_preview_feed(&p, (struct span){ all.p + cut, all.n - cut });
			check(rows[i].want, &p);
		}
	}
}

static void test_enough(void **state)
{
	static const char *const words[] = { "a", "ab ", "\xf0\x9f\x93\xae" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct mime_preview p;
		size_t chars = 0, fed = 0;
		struct span got;
		uint32_t c;

		unit_case(words[i], 0);
		mime_preview_init(&p, MIME_PREVIEW_HTML);
		while (mime_preview_feed(&p, span_of(words[i])))
			assert_true(++fed < 1000);
		got = mime_preview_end(&p);
		while (got.n > 0) {
			assert_true(utf8_take(&got, &c));
			chars++;
		}
		assert_true(chars == MIME_PREVIEW_CHARS || chars == MIME_PREVIEW_CHARS - 1);
	}
}

/* --- which part ------------------------------------------------------------ */

static const struct {
	const char *why, *message, *want;	/* "subtype@depth ..." */
} parts[] = {
	{ "no header", "\r\nHello\r\n", "plain@0 " },
	{ "HTML", "Content-Type: text/html\r\n\r\n<p>\r\n", "html@0 " },
	{ "a picture", "Content-Type: image/png\r\n\r\nx\r\n", "" },
	{ "an unknown encoding", "Content-Type: text/plain\r\nContent-Transfer-Encoding: x-y\r\n\r\nx\r\n", "" },
	{ "alternatives", "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: text/html\r\n\r\ny\r\n--b--\r\n",
	  "plain@1 html@1 " },
	{ "an attachment first", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Disposition: ATTACHMENT; filename=x\r\n\r\nx\r\n"
	  "--b\r\nContent-Disposition: inline\r\n\r\ny\r\n--b--\r\n", "plain@1 " },
	{ "a message inside is not looked into", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
	  "Subject: x\r\n\r\nx\r\n--b\r\nContent-Type: text/html\r\n\r\ny\r\n--b--\r\n", "html@1 " },
	{ "encrypted", "Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nx\r\n"
	  "--b\r\nContent-Type: application/octet-stream\r\n\r\ny\r\n--b--\r\n", "" },
};

static void test_parts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		enum mime_preview_kind kind;
		struct mime_content content;
		struct mime_parser *parser;
		struct mime_part part;
		struct mime_meta m;
		struct buf blob, got;
		size_t at = 0;

		unit_case(parts[i].why, 0);
		buf_init(&blob, MIME_LIMIT_META);
		buf_init(&got, 1000);
		assert_int_equal(mime_parser_new(&parser, NULL, NULL), 0);
		mime_parser_feed(parser, span_of(parts[i].message));
		assert_int_equal(mime_parser_finish(parser, &blob, NULL), 0);
		assert_int_equal(mime_meta_open(&m, buf_span(&blob), NULL), 0);
		while (mime_preview_part(&m, &at, &part, &content, &kind))
			buf_printf(&got, "%s@%u ", kind == MIME_PREVIEW_HTML ? "html" : "plain", part.depth);
		buf_put_byte(&got, 0);
		assert_string_equal((const char *)got.p, parts[i].want);
		mime_parser_free(parser);
		buf_clear(&blob);
		buf_clear(&got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_enough), cmocka_unit_test(test_parts) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
