/* test_dot.c - dots in and out, cut at every byte; only CRLF.CRLF ends the data.
 * link: common/base */
#include "tests/unit/unit.h"

#include "common/base/dot.h"

static const struct {
	const char *why, *in, *out, *rest;
	bool ended, bare;
} rows[] = {
	{ "a plain message", "a\r\nb\r\n.\r\nQUIT", "a\r\nb\r\n", "QUIT", true, false },
	{ "an empty one", ".\r\n", "", "", true, false },
	{ "a stuffed dot", "..\r\n..a\r\n.\r\n", ".\r\n.a\r\n", "", true, false },
	{ "a dot that was not stuffed", ".a\r\n.\r\n", "a\r\n", "", true, false },
	{ "LF.LF is data", "a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", "", true, true },
	{ "CRLF.LF is data", "a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", "", true, true },
	{ "LF.CRLF is data", "a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", "", true, true },
	{ "CRLF.CR is data", "a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", "", true, true },
	{ "CR.CR is data", "a\r.\rb\r\n.\r\n", "a\r.\rb\r\n", "", true, true },
	{ "CR CR LF", "a\r\r\n.\r\n", "a\r\r\n", "", true, true },
	{ "a dot inside a line", "a.\r\n.\r\n", "a.\r\n", "", true, false },
	{ "not over yet", "a\r\n.\r", "a\r\n", "", false, false },
};

static void check(size_t i, size_t cut)
{
	struct span a = { (const uint8_t *)rows[i].in, cut }, b = { a.p + cut, strlen(rows[i].in) - cut };
	struct dot_decoder d;
	struct buf out;
	bool ended;

	unit_case(rows[i].why, cut);
	buf_init(&out, 1000);
	dot_decoder_init(&d);
	ended = dot_decode(&d, &a, &out);
	if (!ended) {
		assert_int_equal(a.n, 0);
		ended = dot_decode(&d, &b, &out);
	} else {	/* cut behind the end: what is left of a, then b */
		b.p -= a.n;
		b.n += a.n;
	}
	assert_int_equal(ended, rows[i].ended);
	unit_is(out.p, out.n, rows[i].out);
	unit_is(b.p, b.n, rows[i].rest);
	assert_int_equal(d.bare, rows[i].bare);
	buf_clear(&out);
}

static void test_decode(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t cut = 0; cut <= strlen(rows[i].in); cut++)
			check(i, cut);
}

static const struct {
	const char *in, *out;
} encoded[] = {
	{ "", ".\r\n" },		     { "a", "a\r\n.\r\n" },	     { "a\r\n", "a\r\n.\r\n" },
	{ ".", "..\r\n.\r\n" },		     { ".\r\n.\r\n", "..\r\n..\r\n.\r\n" }, { "a\r", "a\r\n.\r\n" },
	{ "a\n.\nb", "a\n.\nb\r\n.\r\n" }, { "\r\n.x\r\n", "\r\n..x\r\n.\r\n" },
};

static void test_encode(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(encoded) / sizeof(encoded[0]); i++)
		for (size_t cut = 0; cut <= strlen(encoded[i].in); cut++) {
			struct dot_encoder e;
			struct buf out;

			unit_case(encoded[i].in, cut);
			buf_init(&out, 1000);
			dot_encoder_init(&e);
			dot_encode(&e, (struct span){ (const uint8_t *)encoded[i].in, cut }, &out);
			dot_encode(&e, span_of(encoded[i].in + cut), &out);
			dot_encode_end(&e, &out);
			unit_is(out.p, out.n, encoded[i].out);
			buf_clear(&out);
		}
}

/* Lines around the bytes that are searched at once: what goes out comes back. */
static void test_long_lines(void **state)
{
	static uint8_t text[600];

	(void)state;
	for (size_t n = 250; n < 530; n++) {
		struct dot_encoder e;
		struct dot_decoder d;
		struct buf out, back;
		struct span in;

		unit_case("a line of so many bytes", n);
		memset(text, 'x', sizeof(text));
		memcpy(text + n, "\r\n.\r\n..a.\r\n", 11);
		buf_init(&out, 2000);
		buf_init(&back, 2000);
		dot_encoder_init(&e);
		dot_encode(&e, (struct span){ text, n + 11 }, &out);
		dot_encode_end(&e, &out);
		assert_int_equal(out.n, n + 11 + 2 + 3);
		in = buf_span(&out);
		dot_decoder_init(&d);
		assert_true(dot_decode(&d, &in, &back));
		assert_false(d.bare);
		assert_int_equal(back.n, n + 11);
		assert_memory_equal(back.p, text, back.n);
		buf_clear(&out);
		buf_clear(&back);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_decode), cmocka_unit_test(test_encode), cmocka_unit_test(test_long_lines) };

	return unit_run(tests, 3, "dot");
}
