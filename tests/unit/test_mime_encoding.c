/* test_mime_encoding.c - RFC 2045 6.7 and 6.8, each case cut in two at each place and
 * fed byte by byte.
 * link: mime common/base */
#include "tests/unit/unit.h"

#include "mime/encoding.h"

static const struct {
	const char *why;
	enum mime_encoding encoding;
	const char *in, *out;
} cases[] = {
	{ "plain", MIME_ENCODING_QUOTED_PRINTABLE, "hello\r\nworld", "hello\r\nworld" },
	{ "bytes in hexadecimal", MIME_ENCODING_QUOTED_PRINTABLE, "a=3Db=c3=A4", "a=b\xc3\xa4" },
	{ "RFC 2045 6.7 rule 5", MIME_ENCODING_QUOTED_PRINTABLE,
	  "Now's the time =\r\nfor all folk to come=\r\n to the aid of their country.",
	  "Now's the time for all folk to come to the aid of their country." },
	{ "a soft break with LF", MIME_ENCODING_QUOTED_PRINTABLE, "a=\nb", "ab" },
	{ "a soft break with white space", MIME_ENCODING_QUOTED_PRINTABLE, "a= \t\r\nb", "ab" },
	{ "white space at a line's end goes", MIME_ENCODING_QUOTED_PRINTABLE, "a b \t\r\nc \n d",
	  "a b\r\nc\n d" },
	{ "white space at the end goes", MIME_ENCODING_QUOTED_PRINTABLE, "a \t ", "a" },
	{ "encoded white space stays", MIME_ENCODING_QUOTED_PRINTABLE, "a=20\r\nb=09\r\n", "a \r\nb\t\r\n" },
	{ "an '=' that means nothing", MIME_ENCODING_QUOTED_PRINTABLE, "a=b =zz =4 =4z", "a=b =zz =4 =4z" },
	{ "half a byte before a line end", MIME_ENCODING_QUOTED_PRINTABLE, "a=4\r\nb", "a=4\r\nb" },
	{ "an '=' before another", MIME_ENCODING_QUOTED_PRINTABLE, "a==41=4=41", "a=A=4A" },
	{ "an '=' at the end", MIME_ENCODING_QUOTED_PRINTABLE, "a=", "a=" },
	{ "an '=' and spaces at the end", MIME_ENCODING_QUOTED_PRINTABLE, "a= b", "a= b" },
	{ "a lone CR stays", MIME_ENCODING_QUOTED_PRINTABLE, "a\rb", "a\rb" },
	{ "base64", MIME_ENCODING_BASE64, "SGVsbG8gd29ybGQ=", "Hello world" },
	{ "base64 in lines", MIME_ENCODING_BASE64, "SGVs\r\nbG8g\r\nd29y\r\nbGQ=\r\n", "Hello world" },
	{ "base64, two signs of padding", MIME_ENCODING_BASE64, "SGVsbA==", "Hell" },
	{ "base64 without padding", MIME_ENCODING_BASE64, "SGVsbG8gd29ybGQ", "Hello world" },
	{ "base64 behind padding", MIME_ENCODING_BASE64, "SGVsbA==SGVsbG8=", "HellHello" },
	{ "base64 with noise", MIME_ENCODING_BASE64, "S*G!V s\tb-G8g", "Hello " },
	{ "one sign is nothing", MIME_ENCODING_BASE64, "S", "" },
	{ "identity", MIME_ENCODING_IDENTITY, "a=20 \r\n", "a=20 \r\n" },
	{ "unknown", MIME_ENCODING_UNKNOWN, "begin 644 x\r\n", "begin 644 x\r\n" },
};

static void check_cut(size_t i, size_t cut)
{
	struct span a = { (const uint8_t *)cases[i].in, cut };
	struct span b = { a.p + cut, strlen(cases[i].in) - cut };
	struct mime_decoder d;
	struct buf out;

	unit_case(cases[i].why, cut);
	buf_init(&out, 1000);
	mime_decoder_init(&d, cases[i].encoding);
	mime_decode(&d, a, &out);
	mime_decode(&d, b, &out);
	mime_decode_end(&d, &out);
	unit_is(out.p, out.n, cases[i].out);
	buf_clear(&out);
}

static void check_bytes(size_t i)
{
	struct mime_decoder d;
	struct buf out;

	unit_case(cases[i].why, SIZE_MAX);
	buf_init(&out, 1000);
	mime_decoder_init(&d, cases[i].encoding);
	for (const char *c = cases[i].in; *c != '\0'; c++)
		mime_decode(&d, (struct span){ (const uint8_t *)c, 1 }, &out);
	mime_decode_end(&d, &out);
	unit_is(out.p, out.n, cases[i].out);
	buf_clear(&out);
}

static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t cut = 0; cut <= strlen(cases[i].in); cut++)
			check_cut(i, cut);
		check_bytes(i);
	}
}

/* A call appends no more than the header says, and all bytes come out in the end. */
static void test_slack(void **state)
{
	struct mime_decoder d;
	struct buf out;

	(void)state;
	buf_init(&out, 2000);
	mime_decoder_init(&d, MIME_ENCODING_QUOTED_PRINTABLE);
	for (int i = 0; i < 1000; i++) {
		size_t before = out.n;

		mime_decode(&d, span_of(" "), &out);
		assert_in_range(out.n - before, 0, 1 + MIME_DECODE_SLACK);
	}
	mime_decode(&d, span_of("x"), &out);
	assert_int_equal(out.n, 1001);
	buf_clear(&out);
}

static const struct {
	const char *value;
	enum mime_encoding encoding;
} names[] = {
	{ "", MIME_ENCODING_IDENTITY },
	{ " 7BIT ", MIME_ENCODING_IDENTITY },
	{ "8bit", MIME_ENCODING_IDENTITY },
	{ "binary", MIME_ENCODING_IDENTITY },
	{ "BASE64", MIME_ENCODING_BASE64 },
	{ "(c) base64 (c)", MIME_ENCODING_BASE64 },
	{ "base64;", MIME_ENCODING_BASE64 },
	{ "\"base64\"", MIME_ENCODING_BASE64 },
	{ "Quoted-Printable", MIME_ENCODING_QUOTED_PRINTABLE },
	{ "x-uuencode", MIME_ENCODING_UNKNOWN },
	{ "base", MIME_ENCODING_UNKNOWN },
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		unit_case(names[i].value, 0);
		assert_int_equal(mime_encoding_of(span_of(names[i].value)), names[i].encoding);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cut), cmocka_unit_test(test_slack),
					    cmocka_unit_test(test_names) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "mime_encoding");
}
