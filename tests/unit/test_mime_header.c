/* test_mime_header.c - RFC 5322 2.2: fields, folding, and RFC 9051 6.4.5.1: picking them.
 * link: mime common/base */
#include "tests/unit/unit.h"

#include "mime/header.h"

static const char header[] = "Received: from a\r\n by b;\r\n\tMon\r\n"
			     "Subject : Hi\r\n"
			     "no colon here\r\n"
			     "SUBJECT: second\r\n"
			     "To:\r\n"
			     "X-Empty: \r\n"
			     "\r\n"
			     "Body: is no field\r\n";

static const struct {
	const char *name, *value;
} walk[] = {
	{ "Received", " from a\r\n by b;\r\n\tMon" }, { "Subject", " Hi" }, { "", "no colon here" },
	{ "SUBJECT", " second" }, { "To", "" }, { "X-Empty", " " },
};

static void test_walk(void **state)
{
	struct span in = span_of(header);
	struct mime_header_field field;

	(void)state;
	for (size_t i = 0; i < sizeof(walk) / sizeof(walk[0]); i++) {
		unit_case(walk[i].value, i);
		assert_true(mime_header_next(&in, &field));
		unit_is(field.name.p, field.name.n, walk[i].name);
		unit_is(field.value.p, field.value.n, walk[i].value);
	}
	assert_false(mime_header_next(&in, &field));
	unit_is(in.p, in.n, "\r\nBody: is no field\r\n");
}

static void test_find_and_count(void **state)
{
	struct mime_header_field field;

	(void)state;
	assert_true(mime_header_find(span_of(header), "subject", &field));
	unit_is(field.raw.p, field.raw.n, "Subject : Hi\r\n");
	assert_false(mime_header_find(span_of(header), "body", &field));
	assert_false(mime_header_find(span_of(header), "sub", &field));
	assert_int_equal(mime_header_count(span_of(header), "Subject"), 2);
	assert_int_equal(mime_header_count(span_of(header), "From"), 0);
	assert_int_equal(mime_header_end(span_of(header)), strlen(header) - strlen("Body: is no field\r\n"));
	assert_int_equal(mime_header_end(span_of("A: b\r\n")), 6);
	assert_int_equal(mime_header_end(span_of("")), 0);
}

static const struct {
	const char *why, *in, *out;
} unfolds[] = {
	{ "one line", " Hi there ", "Hi there" },
	{ "folded by a space", " a\r\n b", "a b" },
	{ "folded by a tab", " a\r\n\tb", "a\tb" },
	{ "white space stays beside the fold", " a \r\n  b", "a   b" },
	{ "folded with LF", "a\n b\n", "a b" },
	{ "a lone CR", "a\rb", "a b" },
	{ "with its line end", " a\r\n", "a" },
	{ "nothing", " \r\n ", "" },
};

static void test_unfold(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	for (size_t i = 0; i < sizeof(unfolds) / sizeof(unfolds[0]); i++) {
		unit_case(unfolds[i].why, 0);
		buf_reset(&out);
		mime_header_unfold(span_of(unfolds[i].in), &out);
		unit_is(out.p, out.n, unfolds[i].out);
	}
	buf_reset(&out);
	mime_header_unfold((struct span){ (const uint8_t *)"a\0b", 3 }, &out);
	unit_is(out.p, out.n, "a b");
	buf_clear(&out);
}

static const struct {
	const char *why, *header, *named, *others;
} filters[] = {
	{ "the RFC's way: folding kept, blank line last", "To: x\r\nDate: a\r\n b\r\nFrom: y\r\n\r\nbody",
	  "Date: a\r\n b\r\nFrom: y\r\n\r\n", "To: x\r\n\r\n" },
	{ "names go without case, and twice", "DATE: 1\r\nX: 2\r\ndate: 3\r\n\r\n", "DATE: 1\r\ndate: 3\r\n\r\n",
	  "X: 2\r\n\r\n" },
	{ "a longer name is another", "Dates: 1\r\nDat: 2\r\n\r\n", "\r\n", "Dates: 1\r\nDat: 2\r\n\r\n" },
	{ "no blank line, none told", "From: a\r\nX: b\r\n", "From: a\r\n", "X: b\r\n" },
	{ "an empty header", "\r\n", "\r\n", "\r\n" },
	{ "a line without a colon is kept by NOT", "From\r\n\r\n", "\r\n", "From\r\n\r\n" },
	{ "bare LF", "From: a\nX: b\n\nbody", "From: a\n\n", "X: b\n\n" },
};

static void test_filter(void **state)
{
	const struct span names[] = { span_of("date"), span_of("FROM"), span_of("") };
	struct buf out;

	(void)state;
	buf_init(&out, 200);
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		unit_case(filters[i].why, 0);
		buf_reset(&out);
		mime_header_filter(span_of(filters[i].header), names, 3, &out);
		unit_is(out.p, out.n, filters[i].named);
		buf_reset(&out);
		mime_header_filter_not(span_of(filters[i].header), names, 3, &out);
		unit_is(out.p, out.n, filters[i].others);
	}
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_walk), cmocka_unit_test(test_find_and_count),
					    cmocka_unit_test(test_unfold), cmocka_unit_test(test_filter) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "mime_header");
}
