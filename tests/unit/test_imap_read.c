/* test_imap_read.c - lines and literals to commands, cut at every byte (RFC 3501 4.3, RFC 7888).
 * link: imapd common/base */
#include "tests/unit/unit.h"

#include "common/base/buf.h"
#include "imapd/read.h"

enum { LINE_LIMIT = 40, LITERAL_LIMIT = 20, SKIP = 50 };

static const struct {
	const char *why, *input, *events;
} rows[] = {
	{ "a line", "a NOOP\r\n", "C[a NOOP]" },
	{ "two lines", "a\r\nb\r\n", "C[a]C[b]" },
	{ "an empty line", "\r\n", "C[]" },
	{ "a literal", "a {3}\r\nx\r\n\r\n", "L[a ]3C[a {3}\r\nx\r\n]" },
	{ "a literal without sync", "a {3+}\r\nabc d\r\n", "L[a ]3+C[a {3+}\r\nabc d]" },
	{ "two literals", "a {1}\r\nb {2}\r\ncd\r\n", "L[a ]1L[a {1}\r\nb ]2C[a {1}\r\nb {2}\r\ncd]" },
	{ "an empty literal", "a {0}\r\n\r\n", "L[a ]0C[a {0}\r\n]" },
	{ "no number", "a {x}\r\n", "C[a {x}]" },
	{ "nothing inside", "a {}\r\n", "C[a {}]" },
	{ "only a plus", "a {+}\r\n", "C[a {+}]" },
	{ "not at the end", "a {3} b\r\n", "C[a {3} b]" },
	{ "too large a number", "a {99999999999999999999}\r\nb\r\n", "L[a ]badC[b]" },
	{ "refused, with sync", "a {30}\r\nb\r\n", "L[a ]30C[b]" },
	{ "refused, without sync", "a {30+}\r\n123456789012345678901234567890 x\r\nb\r\n", "L[a ]30+C[b]" },
	{ "refused, and another one behind it", "a {21+}\r\n123456789012345678901{3+}\r\nabc\r\nb\r\n", "L[a ]21+C[b]" },
	{ "more than may be skipped", "a {21+}\r\n123456789012345678901{30+}\r\n", "L[a ]21+X" },
	{ "a line too long", "12345678901234567890123456789012345678901\r\nb\r\n", "TC[b]" },
	{ "too long with its literals", "123456789012345678 {1}\r\na1234567890123456789012\r\nb\r\n",
	  "L[123456789012345678 ]1TC[b]" },
	{ "too long, and a literal behind it", "12345678901234567890123456789012345678901{5+}\r\nb x\r\n\r\nc\r\n", "TC[c]" },
	{ "too long, and one with sync", "12345678901234567890123456789012345678901{5}\r\nb\r\n", "TC[b]" },
	{ "a lone LF, and a literal behind it", "a\nb {5+}\r\nb x\r\n\r\nc\r\n", "B[a\nb {5+}]C[c]" },
	{ "a rest too long, and a literal behind it",
	  "a {21+}\r\n12345678901234567890112345678901234567890123456789012345678901 {5+}\r\nb x\r\n\r\nc\r\n", "L[a ]21+C[c]" },
	{ "a lone LF", "a\nb\r\nc\r\n", "B[a\nb]C[c]" },
	{ "half a command", "a NOOP\r", "" },
};

static void literal(struct imap_reader *r, struct buf *out)
{
	struct imap_literal l = imap_reader_literal(r);

	if (l.size == UINT64_MAX)
		buf_put_text(out, "bad");
	else
		buf_printf(out, "%llu%s", (unsigned long long)l.size, l.sync ? "" : "+");
	if (l.size <= LITERAL_LIMIT)
		imap_reader_accept(r);
	else
		imap_reader_refuse(r, SKIP);
}

static void feed(struct imap_reader *r, struct span in, struct buf *out)
{
	static const char letters[] = { [IMAP_READ_COMMAND] = 'C', [IMAP_READ_LITERAL] = 'L', [IMAP_READ_BARE] = 'B',
					[IMAP_READ_LONG] = 'T', [IMAP_READ_LOST] = 'X' };
	enum imap_read status;
	struct span text;

	while ((status = imap_reader_feed(r, &in, &text)) != IMAP_READ_MORE) {
		buf_put_byte(out, (uint8_t)letters[status]);
		if (status == IMAP_READ_LOST)
			return;
		if (status != IMAP_READ_LONG) {
			buf_put_byte(out, '[');
			buf_put(out, text);
			buf_put_byte(out, ']');
		}
		if (status == IMAP_READ_LITERAL)
			literal(r, out);
		else if (status != IMAP_READ_COMMAND && !imap_reader_literal(r).sync)
			imap_reader_refuse(r, SKIP);
	}
}

static void check_cut(size_t i, size_t cut)
{
	struct span all = span_of(rows[i].input), head = span_take(&all, cut);
	struct imap_reader *r;
	struct buf out;

	unit_case(rows[i].why, cut);
	buf_init(&out, 4096);
	assert_int_equal(imap_reader_new(&r, LINE_LIMIT, NULL), 0);
	feed(r, head, &out);
	feed(r, all, &out);
	unit_is(out.p, out.n, rows[i].events);
	imap_reader_free(r);
	buf_clear(&out);
}

static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t cut = 0; cut <= strlen(rows[i].input); cut++)
			check_cut(i, cut);
}

static void test_stream(void **state)
{
	const char *text = "a APPEND x {10}\r\n0123456789\r\nb NOOP\r\n";

	(void)state;
	for (size_t cut = 17; cut < strlen(text); cut++) {
		struct span all = span_of(text), head = span_take(&all, cut), line;
		struct imap_reader *r;
		struct buf got;

		unit_case("stream", cut);
		buf_init(&got, 100);
		assert_int_equal(imap_reader_new(&r, LINE_LIMIT, NULL), 0);
		assert_int_equal(imap_reader_feed(r, &head, &line), IMAP_READ_LITERAL);
		imap_reader_stream(r);
		buf_put(&got, imap_reader_take(r, &head, 100));
		while (imap_reader_left(r) > 0)
			buf_put(&got, imap_reader_take(r, &all, 3));
		unit_is(got.p, got.n, "0123456789");
		if (imap_reader_feed(r, &head, &line) == IMAP_READ_MORE)
			assert_int_equal(imap_reader_feed(r, &all, &line), IMAP_READ_COMMAND);
		assert_int_equal(line.n, 0);
		imap_reader_free(r);
		buf_clear(&got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cut), cmocka_unit_test(test_stream) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "imap read");
}
