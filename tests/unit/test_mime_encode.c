/* test_mime_encode.c - encodings made, cut at every byte; what is decoded is what was given.
 * link: mime common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "mime/encode.h"
#include "mime/encoding.h"

#define A74 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *why;
	enum mime_encode_kind kind;
	const char *in, *out;
} rows[] = {
	{ "plain", MIME_ENCODE_QUOTED_PRINTABLE, "a\r\n b\r\n", "a\r\n b\r\n" },
	{ "8-bit and =", MIME_ENCODE_QUOTED_PRINTABLE, "\xc3\xa4=\x7f\x01\r\n", "=C3=A4=3D=7F=01\r\n" },
	{ "LF ends a line", MIME_ENCODE_QUOTED_PRINTABLE, "a\nb\n", "a\r\nb\r\n" },
	{ "CR alone does not", MIME_ENCODE_QUOTED_PRINTABLE, "a\rb\r\r\n", "a=0Db=0D\r\n" },
	{ "CR at the end", MIME_ENCODE_QUOTED_PRINTABLE, "a \r", "a =0D=\r\n" },
	{ "space at a line's end", MIME_ENCODE_QUOTED_PRINTABLE, "a \r\n\t\r\n \n", "a=20\r\n=09\r\n=20\r\n" },
	{ "two of them", MIME_ENCODE_QUOTED_PRINTABLE, "a  \r\n", "a =20\r\n" },
	{ "at the end", MIME_ENCODE_QUOTED_PRINTABLE, "a ", "a=20=\r\n" },
	{ "before a CR alone", MIME_ENCODE_QUOTED_PRINTABLE, "a \rb", "a =0Db=\r\n" },
	{ "75 signs", MIME_ENCODE_QUOTED_PRINTABLE, A74 "b\r\n", A74 "b\r\n" },
	{ "76", MIME_ENCODE_QUOTED_PRINTABLE, A74 "bc\r\n", A74 "b=\r\nc\r\n" },
	{ "three signs don't fit", MIME_ENCODE_QUOTED_PRINTABLE, A74 "\xff\r\n", A74 "=\r\n=FF\r\n" },
	{ "nothing", MIME_ENCODE_QUOTED_PRINTABLE, "", "" },
	{ "base64", MIME_ENCODE_BASE64, "abc\r\n\xff", "YWJjDQr/\r\n" },
	{ "base64 with padding", MIME_ENCODE_BASE64, "abcd", "YWJjZA==\r\n" },
	{ "base64, nothing", MIME_ENCODE_BASE64, "", "" },
	{ "base64, LF as it is", MIME_ENCODE_BASE64, "a\n", "YQo=\r\n" },
	{ "base64 of text", MIME_ENCODE_BASE64_TEXT, "a\nb\r\n", "YQ0KYg0K\r\n" },
	{ "base64, 57 bytes", MIME_ENCODE_BASE64, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh\r\n" },
	{ "base64, 58", MIME_ENCODE_BASE64, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
	  "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh\r\nYg==\r\n" },
};

static void encode(struct span in, size_t piece, enum mime_encode_kind kind, struct buf *out)
{
	struct mime_encoder e;

	mime_encoder_init(&e, kind);
	while (in.n > 0)
		mime_encode(&e, span_take(&in, piece), out);
	mime_encode_end(&e, out);
	mime_encode_close(&e, out);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t piece = 1; piece <= strlen(rows[i].in) + 1; piece++) {
			struct buf out;

			unit_case(rows[i].why, piece);
			buf_init(&out, 1000);
			encode(span_of(rows[i].in), piece, rows[i].kind, &out);
			unit_is(out.p, out.n, rows[i].out);
			buf_clear(&out);
		}
}

/* Lines of 76 signs of ASCII at most, each with CRLF. */
static void check_lines(struct span out)
{
	while (out.n > 0) {
		struct span line = span_take_until(&out, '\n');

		assert_true(line.n > 0 && line.p[line.n - 1] == '\r');
		assert_true(line.n - 1 <= 76);
		for (size_t i = 0; i + 1 < line.n; i++)
			assert_true((line.p[i] >= ' ' && line.p[i] < 0x7f) || line.p[i] == '\t');
	}
}

/* Bytes at random, many of them such as matter: decoded they are what was given. */
static void test_round(void **state)
{
	static const uint8_t special[] = "\r\n\r\n  \t=.-\xff\x80";

	(void)state;
	srand(1);
	for (size_t round = 0; round < 3000; round++) {
		bool base64 = round % 2 == 0;
		uint8_t bytes[400];
		struct span in = { bytes, (size_t)rand() % sizeof(bytes) };
		struct mime_decoder d;
		struct buf out, back;

		unit_case("round", round);
		for (size_t i = 0; i < in.n; i++)
			bytes[i] = rand() % 3 == 0 ? special[(size_t)rand() % (sizeof(special) - 1)] : (uint8_t)rand();
		for (size_t i = 0; i < in.n && !base64; i++)
			if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r'))
				bytes[i] = 'n';	/* it would end a line */
		buf_init(&out, 8 * sizeof(bytes));
		buf_init(&back, 8 * sizeof(bytes));
		encode(in, 1 + (size_t)rand() % 50, base64 ? MIME_ENCODE_BASE64 : MIME_ENCODE_QUOTED_PRINTABLE, &out);
		check_lines(buf_span(&out));
		mime_decoder_init(&d, base64 ? MIME_ENCODING_BASE64 : MIME_ENCODING_QUOTED_PRINTABLE);
		mime_decode(&d, buf_span(&out), &back);
		mime_decode_end(&d, &back);
		assert_int_equal(back.n, in.n);
		assert_memory_equal(back.n > 0 ? back.p : bytes, bytes, in.n);
		buf_clear(&out);
		buf_clear(&back);
	}
}

static void test_shorter(void **state)
{
	(void)state;
	assert_false(mime_encode_base64_is_shorter(span_of("Gr\xc3\xbc\xc3\x9f" "e aus Wien, und auf bald\r\n")));
	assert_true(mime_encode_base64_is_shorter(span_of("\xe3\x81\x93\xe3\x82\x93\xe3\x81\xab\xe3\x81\xa1\r\n")));
	assert_false(mime_encode_base64_is_shorter(span_of("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_shorter),
	};

	return unit_run(tests, 3, "encodings made");
}
