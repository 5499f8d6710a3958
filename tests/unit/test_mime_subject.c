/* test_mime_subject.c - RFC 5256 2.1: what is left of a subject.
 * link: mime common/base */
#include "tests/unit/unit.h"

#include <time.h>

#include "mime/subject.h"

static const struct {
	const char *why, *subject, *base;
	bool reply;
} rows[] = {
	{ "plain", "Hello", "Hello", false },
	{ "empty", "", "", false },
	{ "only space", " \t ", "", false },
	{ "space evened out", "  a \t\r\n  b  ", "a b", false },
	{ "a reply", "Re: Hello", "Hello", true },
	{ "any case, space before the colon", "rE  : Hello", "Hello", true },
	{ "fw and fwd", "FW: fwd: Hello", "Hello", true },
	{ "replies of replies", "Re: re:Re:  Hello", "Hello", true },
	{ "a blob before re", "[list] Re: Hello", "Hello", true },
	{ "a blob in re", "Re[2]: Hello", "Hello", true },
	{ "a blob in re behind a space", "Re [2]: Hello", "Hello", true },
	{ "a blob", "[list] Hello", "Hello", false },
	{ "blobs", "[a][b]  [c]Hello", "Hello", false },
	{ "a blob is all there is", "[list]", "[list]", false },
	{ "the last blob stays", "[a] [b] ", "[b]", false },
	{ "re and a blob that stays", "Re: [list]", "[list]", true },
	{ "no blob: a bracket inside", "[a[b] Hello", "[a[b] Hello", false },
	{ "no blob: no end", "[a Hello", "[a Hello", false },
	{ "trailer", "Hello (fwd)", "Hello", true },
	{ "trailers", "Hello (FWD) (fwd) ", "Hello", true },
	{ "only a trailer", "(fwd)", "", true },
	{ "forwarded", "[fwd: Hello]", "Hello", true },
	{ "forwarded reply", "[Fwd: Re: Hello (fwd)]", "Hello", true },
	{ "forwarded twice", "[fwd: [fwd: Hello]]", "Hello", true },
	{ "forwarded and more", "[fwd: Hello] x", "x", false },
	{ "reply of a forward", "Re: [fwd: Re: Hello]", "Hello", true },
	{ "not a reply", "Rex: Hello", "Rex: Hello", false },
	{ "no colon", "Re Hello", "Re Hello", false },
	{ "re alone", "Re:", "", true },
	{ "fwd is no fw and d", "fwdx: a", "fwdx: a", false },
	{ "8-bit", "Re: gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", true },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b;
		struct span base;
		bool reply;

		unit_case(rows[i].why, i);
		buf_init(&b, 1000);
		buf_put_text(&b, rows[i].subject);
		base = mime_subject_base(&b, &reply);
		assert_int_equal(base.n, strlen(rows[i].base));
		if (base.n > 0)
			assert_memory_equal(base.p, rows[i].base, base.n);
		assert_int_equal(reply, rows[i].reply);
		buf_clear(&b);
	}
}

/* Twice as long takes about twice as long, whatever it is made of. */
static void test_linear(void **state)
{
	static const char *const pieces[] = { "[a]", "re:", "[fwd:", "re [a", "[a] re", "(fwd)", " ", "[" };

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct buf b;
		bool reply;
		clock_t begin;

		unit_case(pieces[i], i);
		buf_init(&b, 8 << 20);
		while (b.n < 2 << 20 && !b.failed)
			buf_put_text(&b, pieces[i]);
		assert_false(b.failed);
		begin = clock();
		mime_subject_base(&b, &reply);
		assert_true(clock() - begin < CLOCKS_PER_SEC);	/* the square of it would take hours */
		buf_clear(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_linear) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
