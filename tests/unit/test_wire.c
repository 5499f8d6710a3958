/* test_wire.c - numbers and strings in a message's body: nothing is read past its end.
 * link: common/ipc common/base */
#include "tests/unit/unit.h"

#include "common/ipc/wire.h"

static const uint64_t numbers[] = {
	0, 1, 127, 128, 255, 16383, 16384, 1ull << 32, (1ull << 63) - 1, 1ull << 63, UINT64_MAX
};

static void write_all(struct buf *b)
{
	wire_put_u8(b, 0xfe);
	wire_put_u32(b, 0x01020304);
	wire_put_u64(b, 0x0102030405060708);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		wire_put_varint(b, numbers[i]);
	wire_put_span(b, (struct span){ (const uint8_t *)"a\0b", 3 });
	wire_put_text(b, "imapd");
	wire_put_text(b, NULL);
}

static void test_round_trip(void **state)
{
	struct buf b;
	char text[6];

	(void)state;
	buf_init(&b, 4096);
	write_all(&b);
	struct wire w = { .in = buf_span(&b) };

	assert_int_equal(wire_u8(&w), 0xfe);
	assert_int_equal(wire_u32(&w), 0x01020304);
	assert_int_equal(wire_u64(&w), 0x0102030405060708);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_int_equal(wire_varint(&w), numbers[i]);
	struct span s = wire_span(&w);

	assert_int_equal(s.n, 3);
	assert_memory_equal(s.p, "a\0b", 3);
	wire_text(&w, text, sizeof(text));
	assert_string_equal(text, "imapd");
	assert_false(wire_done(&w));
	wire_text(&w, text, sizeof(text));
	assert_string_equal(text, "");
	assert_true(wire_done(&w));
	buf_clear(&b);
}

/* Every cut fails, at the end and not before, and gives nothing more. */
static void test_cut(void **state)
{
	struct buf b;
	char text[6];

	(void)state;
	buf_init(&b, 4096);
	write_all(&b);
	for (size_t cut = 0; cut < b.n; cut++) {
		struct wire w = { .in = { b.p, cut } };

		unit_case("cut", cut);
		wire_u8(&w);
		wire_u32(&w);
		wire_u64(&w);
		for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
			wire_varint(&w);
		wire_span(&w);
		wire_text(&w, text, sizeof(text));
		wire_text(&w, text, sizeof(text));
		assert_true(w.failed);
		assert_false(wire_done(&w));
		assert_int_equal(wire_u64(&w), 0);
		assert_int_equal(wire_span(&w).n, 0);
	}
	buf_clear(&b);
}

static const struct {
	const char *why, *in;
	size_t n;
	bool good;
} varints[] = {
	{ "the largest", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, true },
	{ "over 64 bits", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, false },
	{ "eleven bytes", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11, false },
	{ "not the shortest form", "\x80\x00", 2, false },
	{ "not the shortest form of 1", "\x81\x80\x00", 3, false },
	{ "zero", "\x00", 1, true },
	{ "unfinished", "\x80", 1, false },
};

static void test_varint(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(varints) / sizeof(varints[0]); i++) {
		struct wire w = { .in = { (const uint8_t *)varints[i].in, varints[i].n } };

		unit_case(varints[i].why, 0);
		wire_varint(&w);
		assert_int_equal(wire_done(&w), varints[i].good);
	}
}

static const struct {
	const char *why, *in;
	size_t n;
	const char *text;
} texts[] = {
	{ "fits",
	  "\x03"
	  "abc",
	  4, "abc" },
	{ "no room for the NUL",
	  "\x04"
	  "abcd",
	  5, NULL },
	{ "a NUL inside",
	  "\x03"
	  "a\0c",
	  4, NULL },
	{ "longer than the body",
	  "\x03"
	  "ab",
	  3, NULL },
	{ "a length of 2^63",
	  "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"
	  "a",
	  11, NULL },
};

static void test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct wire w = { .in = { (const uint8_t *)texts[i].in, texts[i].n } };
		char out[4] = "xxx";

		unit_case(texts[i].why, 0);
		wire_text(&w, out, sizeof(out));
		assert_int_equal(wire_done(&w), texts[i].text != NULL);
		assert_string_equal(out, texts[i].text != NULL ? texts[i].text : "");
	}
}

static void test_count(void **state)
{
	struct wire fits = { .in = span_of("\x02"
					   "12345678") };
	struct wire over = { .in = span_of("\x03"
					   "12345678") };

	(void)state;
	assert_int_equal(wire_count(&fits, 4), 2);
	assert_false(fits.failed);
	assert_int_equal(wire_count(&over, 4), 0);
	assert_true(over.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_round_trip), cmocka_unit_test(test_cut),
					    cmocka_unit_test(test_varint), cmocka_unit_test(test_text),
					    cmocka_unit_test(test_count) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "wire");
}
