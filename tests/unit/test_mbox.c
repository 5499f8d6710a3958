/* test_mbox.c - messages taken out of an mbox, and put into one; line ends of files from elsewhere.
 * link: formats common/base */
#include "tests/unit/unit.h"

#include "formats/lines.h"
#include "formats/mbox.h"

static const struct {
	const char *why, *line;
	int64_t time_s; /* 0: no such line */
} froms[] = {
	{ "asctime", "From a@b.test Sat Nov 21 20:41:18 2026", 1795293678 },
	{ "a day padded by a space", "From a@b.test Sat Nov  7 20:41:18 2026", 1794084078 },
	{ "Thunderbird", "From - Sat Nov 21 20:41:18 2026", 1795293678 },
	{ "Gmail", "From 1234567890@xxx Sat Nov 21 20:41:18 +0900 2026", 1795261278 },
	{ "a zone behind the year", "From a Sat Nov 21 20:41:18 2026 +0900", 1795261278 },
	{ "a named zone before it", "From a Sat Nov 21 20:41:18 GMT 2026", 1795293678 },
	{ "no seconds", "From a Sat Nov 21 20:41 2026", 1795293660 },
	{ "a quoted sender", "From \"a Mon b\"@c Sat Nov 21 20:41:18 2026", 1795293678 },
	{ "a remote behind it", "From a Sat Nov 21 20:41:18 2026 remote from b", 1795293678 },
	{ "a sentence", "From here on Sat Nov we go", 0 },
	{ "a header field", "From: a@b.test Sat Nov 21 20:41:18 2026", 0 },
	{ "no year", "From a Sat Nov 21 20:41:18", 0 },
	{ "no clock", "From a Sat Nov 21 2026", 0 },
	{ "an hour that can't be", "From a Sat Nov 21 24:41:18 2026", 0 },
	{ "nothing", "", 0 },
};

static void test_from(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(froms) / sizeof(froms[0]); i++) {
		int64_t time_s;

		unit_case(froms[i].why, 0);
		assert_int_equal(mbox_from_read(span_of(froms[i].line), &time_s), froms[i].time_s != 0);
		assert_int_equal(time_s, froms[i].time_s);
	}
}

#define FROM "From a@b Sat Nov 21 20:41:18 2026"

static const struct {
	const char *why, *file;
	const char *skipped, *messages; /* messages with | behind each */
} mboxes[] = {
	{ "one", FROM "\nA: b\n\nc\n\n", "", "A: b\n\nc\n|" },
	{ "two", FROM "\nA: b\n\nc\n\n" FROM "\nD: e\n\nf\n\n", "", "A: b\n\nc\n|D: e\n\nf\n|" },
	{ "CRLF", FROM "\r\nA: b\r\n\r\nc\r\n\r\n" FROM "\r\nD: e\r\n\r\n", "", "A: b\r\n\r\nc\r\n|D: e\r\n|" },
	{ "no line end at the end", FROM "\nA: b\n\nc", "", "A: b\n\nc|" },
	{ "no empty line at the end", FROM "\nA: b\n\nc\n", "", "A: b\n\nc\n|" },
	{ "From without an empty line before it", FROM "\nA: b\n\nc\n" FROM "\nd\n\n", "", "A: b\n\nc\n" FROM "\nd\n|" },
	{ "From that is a sentence", FROM "\nA: b\n\nc\n\nFrom here on\n\n", "", "A: b\n\nc\n\nFrom here on\n|" },
	{ "Content-Length lies", FROM "\nContent-Length: 9999\n\nc\n\n" FROM "\nD: e\n\nf\n\n", "",
	  "Content-Length: 9999\n\nc\n|D: e\n\nf\n|" },
	{ "empty lines at the end are the message's but one", FROM "\nA: b\n\nc\n\n\n\n", "", "A: b\n\nc\n\n\n|" },
	{ "no From at the start", "A: b\n\nc\n\n" FROM "\nD: e\n\n", "A: b\n\nc\n\n", "D: e\n|" },
	{ "no From at all", "A: b\n\nc\n", "A: b\n\nc\n", "" },
	{ "a first From without a date", "From somebody\nA: b\n\nc\n\n", "", "A: b\n\nc\n|" },
	{ "a message of nothing", FROM "\n" FROM "\nA: b\n\n", "", "|A: b\n|" },
	{ "empty", "", "", "" },
};

static void test_mboxes(void **state)
{
	struct buf all;

	(void)state;
	buf_init(&all, 4000);
	for (size_t i = 0; i < sizeof(mboxes) / sizeof(mboxes[0]); i++) {
		struct span in = span_of(mboxes[i].file), skipped;
		struct mbox_item item;

		unit_case(mboxes[i].why, 0);
		buf_reset(&all);
		skipped = mbox_skip(&in);
		unit_is(skipped.p, skipped.n, mboxes[i].skipped);
		while (mbox_next(&in, &item)) {
			buf_put(&all, item.bytes);
			buf_put_byte(&all, '|');
		}
		unit_is(all.p, all.n, mboxes[i].messages);
	}
	buf_clear(&all);
}

/* However a file was cut, its messages are a beginning of those of the whole one. */
static void test_cut(void **state)
{
	static const char file[] = FROM "\nA: b\n\nc\n\n" FROM "\nD: e\n\nf\n\n";

	(void)state;
	for (size_t cut = 0; cut < sizeof(file); cut++) {
		struct span in = { (const uint8_t *)file, cut };
		struct mbox_item item;
		size_t n = 0;

		unit_case("cut", cut);
		mbox_skip(&in);
		for (; mbox_next(&in, &item); n++)
			assert_true(item.bytes.p >= (const uint8_t *)file && item.bytes.p + item.bytes.n <= (const uint8_t *)file + cut);
		assert_int_equal(n, cut < 5 ? 0 : cut < sizeof(FROM) * 2 + 8 ? 1 : 2);
	}
}

static const struct {
	const char *why, *bytes;
	enum mbox_quoting quoting;
	const char *message;
	struct mbox_words words;
	const char *keywords;
} messages[] = {
	{ "fields of the mailbox", "A: b\nStatus: RO\nX-Status: AF\nX-Keywords: Work  $Forwarded \nX-UID: 17\n\nc\n", MBOX_RD,
	  "A: b\n\nc\n", { .flags = MBOX_SEEN | MBOX_OLD | MBOX_ANSWERED | MBOX_FLAGGED, .uid = 17 }, "Work  $Forwarded" },
	{ "draft and deleted", "x-status: DT\r\n\r\nc\r\n", MBOX_RD, "\r\nc\r\n", { .flags = MBOX_DRAFT | MBOX_DELETED }, "" },
	{ "X-IMAPbase", "X-IMAPbase: 1795261278 0000000040 Work\nA: b\n\n", MBOX_RD, "A: b\n\n",
	  { .uidvalidity = 1795261278, .uid_last = 40 }, "" },
	{ "X-IMAP folded", "A: b\nX-IMAP: 5 6\n Work\n more\nC: d\n\n", MBOX_RD, "A: b\nC: d\n\n",
	  { .uidvalidity = 5, .uid_last = 6 }, "" },
	{ "a UID that is none", "X-UID: 4294967295\n\n", MBOX_RD, "\n", { .uid = 0 }, "" },
	{ "in the body they are text", "A: b\n\nStatus: R\n", MBOX_RD, "A: b\n\nStatus: R\n", { .flags = 0 }, "" },
	{ "mboxrd", "A: b\n\n>From a\n>>From b\n> From c\n>from d\n", MBOX_RD, "A: b\n\nFrom a\n>From b\n> From c\n>from d\n",
	  { .flags = 0 }, "" },
	{ "mboxo", "A: b\n\n>From a\n>>From b\n", MBOX_O, "A: b\n\nFrom a\n>>From b\n", { .flags = 0 }, "" },
	{ "no last line end", "A: b\n\n>From a", MBOX_RD, "A: b\n\nFrom a", { .flags = 0 }, "" },
	{ "no body", "A: b", MBOX_RD, "A: b", { .flags = 0 }, "" },
	{ "as we write it: what follows is the message's own",
	  "X-UID: 9\nStatus: R\nX-Status: \nX-Keywords: \nStatus: sent\nX-UID: 3\n\nc\n", MBOX_RD, "Status: sent\nX-UID: 3\n\nc\n",
	  { .flags = MBOX_SEEN, .uid = 9 }, "" },
	{ "in another order: all are left out", "Status: R\nX-UID: 9\nA: b\nX-UID: 3\n\nc\n", MBOX_RD, "A: b\n\nc\n",
	  { .flags = MBOX_SEEN, .uid = 3 }, "" },
};

static void test_messages(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4000);
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct mbox_words words;

		unit_case(messages[i].why, 0);
		buf_reset(&out);
		assert_true(mbox_read(span_of(messages[i].bytes), messages[i].quoting, &words, &out));
		unit_is(out.p, out.n, messages[i].message);
		assert_int_equal(words.flags, messages[i].words.flags);
		assert_int_equal(words.uid, messages[i].words.uid);
		assert_int_equal(words.uidvalidity, messages[i].words.uidvalidity);
		assert_int_equal(words.uid_last, messages[i].words.uid_last);
		unit_is(words.keywords.p, words.keywords.n, messages[i].keywords);
	}
	buf_clear(&out);
}

/* What was written is read again, whatever the message looks like. */
static void test_again(void **state)
{
	static const char *const originals[] = {
		"A: b\n\nc\n", "A: b\n\nFrom x\n>From y\n\nFrom a@b Sat Nov 21 20:41:18 2026\n", "Status: RO\nX-UID: 5\n\nc\n",
		"X-UID: 1\nStatus: \nX-Status: \nX-Keywords: \nA: b\n\n\n\n", "\n\n", "",
	};
	const struct mbox_words words = { .flags = 63, .uid = 40, .uidvalidity = 7, .uid_last = 41, .keywords = span_of("Work $F") };
	struct buf file, out;

	(void)state;
	buf_init(&file, 4000);
	buf_init(&out, 4000);
	for (size_t i = 0; i < 6; i++)
		mbox_write(&file, span_of(originals[i]), 1795293678, &words);
	struct span in = buf_span(&file);

	assert_int_equal(mbox_skip(&in).n, 0);
	for (size_t i = 0; i < 6; i++) {
		struct mbox_words found;
		struct mbox_item item;

		unit_case(originals[i], i);
		buf_reset(&out);
		assert_true(mbox_next(&in, &item));
		assert_int_equal(item.time_s, 1795293678);
		assert_true(mbox_read(item.bytes, MBOX_RD, &found, &out));
		unit_is(out.p, out.n, originals[i]);
		assert_int_equal(found.flags, 63);
		assert_int_equal(found.uid, 40);
		assert_int_equal(found.uidvalidity, 7);
		assert_int_equal(found.uid_last, 41);
		unit_is(found.keywords.p, found.keywords.n, "Work $F");
	}
	assert_int_equal(in.n, 0);
	buf_clear(&file);
	buf_clear(&out);
}

static const struct {
	const char *why, *in, *out;
	uint64_t bare;
} ends[] = {
	{ "LF", "a\nb\n", "a\r\nb\r\n", 2 },          { "CRLF", "a\r\nb\r\n", "a\r\nb\r\n", 0 },
	{ "both", "a\r\nb\n", "a\r\nb\r\n", 1 },      { "a lone CR", "a\rb\n", "a\rb\r\n", 1 },
	{ "CR CR LF", "a\r\r\n", "a\r\r\n", 0 },      { "empty lines", "\n\n", "\r\n\r\n", 2 },
	{ "no last line end", "a\nb", "a\r\nb", 1 },  { "nothing", "", "", 0 },
};

static void test_ends(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		for (size_t cut = 0; cut <= strlen(ends[i].in); cut++) {
			struct span a = { (const uint8_t *)ends[i].in, cut };
			struct span b = { a.p + cut, strlen(ends[i].in) - cut };
			struct lines l = { .bare = 0 };

			unit_case(ends[i].why, cut);
			buf_reset(&out);
			lines_put(&l, a, &out);
			lines_put(&l, b, &out);
			unit_is(out.p, out.n, ends[i].out);
			assert_int_equal(l.bare, ends[i].bare);
		}
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_from), cmocka_unit_test(test_mboxes),
					    cmocka_unit_test(test_cut),  cmocka_unit_test(test_messages),
					    cmocka_unit_test(test_again), cmocka_unit_test(test_ends) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "mbox");
}
