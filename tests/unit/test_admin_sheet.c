/* test_admin_sheet.c - what a person reads, and what a script does.
 * link: admin common/base */
#include "tests/unit/unit.h"

#include "admin/json.h"
#include "admin/sheet.h"

#define TEN "123456789 "
#define WORD60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_fold(void **state)
{
	static const struct {
		const char *why;
		unsigned indent;
		const char *label, *text, *want;
	} rows[] = {
		{ "short", 2, "TLS", "yes", "  TLS             yes\n" },
		{ "no label", 2, "", "yes", "                  yes\n" },
		{ "nothing", 0, "a", "", "a              \n" },
		{ "spaces are one", 0, "a", " b   c ", "a               b c\n" },
		{ "folded at words", 0, "a", TEN TEN TEN TEN TEN TEN TEN TEN TEN,
		  "a               " TEN TEN TEN TEN TEN TEN TEN "123456789\n"
		  "                123456789\n" },
		{ "exactly the width", 0, "a", TEN TEN TEN TEN TEN TEN TEN "1234567890",
		  "a               " TEN TEN TEN TEN TEN TEN TEN "1234567890\n" },
		{ "one more", 0, "a", TEN TEN TEN TEN TEN TEN TEN "12345678901",
		  "a               " TEN TEN TEN TEN TEN TEN "123456789\n                12345678901\n" },
		{ "a long word stays whole", 30, "a", "b " WORD60 WORD60,
		  "                              a               b\n"
		  "                                              " WORD60 WORD60 "\n" },
		{ "a long label", 0, "a-label-of-20-letters", "b c", "a-label-of-20-letters b c\n" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, i);
		buf_reset(&out);
		sheet_put(&out, rows[i].indent, rows[i].label, span_of(rows[i].text));
		unit_is(out.p, out.n, rows[i].want);
		buf_reset(&out);
		sheet_printf(&out, rows[i].indent, rows[i].label, "%s", rows[i].text);
		unit_is(out.p, out.n, rows[i].want);
	}
	buf_clear(&out);
}

/* Longer than what is put together on the stack. */
static void test_long(void **state)
{
	char text[3001];
	struct buf out;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	buf_init(&out, 8192);
	sheet_printf(&out, 0, "a", "%s end", text);
	assert_int_equal(out.n, 16 + 3000 + 1 + 16 + 3 + 1);
	assert_memory_equal(out.p + out.n - 4, "end\n", 4);
	buf_clear(&out);
}

static void test_number(void **state)
{
	static const struct {
		uint64_t n;
		const char *want;
	} rows[] = { { 0, "0" },	     { 999, "999" },		 { 1000, "1,000" },
		     { 1300, "1,300" },	     { 123456, "123,456" },	 { 1234567, "1,234,567" },
		     { UINT64_MAX, "18,446,744,073,709,551,615" } };
	char out[SHEET_NUMBER];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(sheet_number(rows[i].n, out), rows[i].want);
}

static void test_json(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	json_open(&out, NULL, '[');
	json_open(&out, NULL, '{');
	json_text(&out, "text", "a\"[");
	json_number(&out, "number", -5);
	json_bool(&out, "bool", true);
	json_null(&out, "null");
	json_words(&out, "words", span_of(" a  b "));
	json_open(&out, "empty", '[');
	json_close(&out, ']');
	json_close(&out, '}');
	json_number(&out, NULL, 7);
	json_close(&out, ']');
	unit_is(out.p, out.n,
		"[{\"text\":\"a\\\"[\",\"number\":-5,\"bool\":true,\"null\":null,\"words\":[\"a\",\"b\"],\"empty\":[]},7]");
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_json),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "admin sheet");
}
