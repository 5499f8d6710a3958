/* test_dkim_keys.c - the list of a domain's signing keys, read and written.
 * link: dkim common/base */
#include "tests/unit/unit.h"

#include <errno.h>

#include "dkim/keys.h"

static const struct {
	const char *why, *text;
	size_t count;
	const char *wrong;	/* NULL: it is good */
} cases[] = {
	{ "nothing", "", 0, NULL },
	{ "a note and an empty line", "# mine\n\n", 0, NULL },
	{ "a pair", "y20261122r rsa active 2026-11-22T10:00:00Z\ny20261122e ed25519 active 2026-11-22T10:00:00Z\n", 2, NULL },
	{ "no line end, spaces", "  a.b-c   rsa  next  2026-11-22T10:00:00Z  ", 1, NULL },
	{ "a selector that climbs", "../x rsa active 2026-11-22T10:00:00Z\n", 0, "line 1: ../x rsa" },
	{ "an empty label", "a..b rsa active 2026-11-22T10:00:00Z\n", 0, "a selector has" },
	{ "no algorithm of ours", "\na dsa active 2026-11-22T10:00:00Z\n", 0, "line 2: a dsa" },
	{ "no state", "a rsa lively 2026-11-22T10:00:00Z\n", 0, "active, next or old" },
	{ "no time", "a rsa old\n", 0, "a line ends with a time" },
	{ "month 13", "a rsa old 2026-13-22T10:00:00Z\n", 0, "a line ends with a time" },
	{ "more behind it", "a rsa old 2026-11-22T10:00:00Z x\n", 0, "a line ends with a time" },
	{ "twice", "a rsa old 2026-11-22T10:00:00Z\na rsa old 2026-11-22T10:00:00Z\n", 1, "twice" },
};

static void test_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dkim_entry entries[DKIM_KEYS];
		struct error err = { .words = "" };
		size_t count;
		int rc = dkim_keys_read(span_of(cases[i].text), entries, &count, &err);

		unit_case(cases[i].why, i);
		assert_int_equal(rc, cases[i].wrong == NULL ? 0 : -EINVAL);
		assert_int_equal(count, cases[i].count);
		if (cases[i].wrong != NULL)
			assert_non_null(strstr(err.words, cases[i].wrong));
	}
}

/* Each entry comes back as it was, in leap years and at their ends too. */
static void test_round(void **state)
{
	static const int64_t times[] = { 0, 1795262478, 951782400, 951868799, 4102444799, 1798761599, 1798761600 };

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct dkim_entry one = { "y1r", DKIM_ED25519_SHA256, DKIM_OLD, times[i] }, back[DKIM_KEYS];
		struct error err;
		struct buf text;
		size_t count;

		unit_case("a time", i);
		buf_init(&text, 4096);
		dkim_keys_write(&one, 1, &text);
		if (i == 1)
			unit_is(text.p, text.n, "y1r ed25519 old 2026-11-21T12:01:18Z\n");
		assert_int_equal(dkim_keys_read(buf_span(&text), back, &count, &err), 0);
		assert_int_equal(count, 1);
		assert_string_equal(back[0].selector, "y1r");
		assert_int_equal(back[0].algorithm, one.algorithm);
		assert_int_equal(back[0].state, one.state);
		assert_true(back[0].created_s == times[i]);
		buf_clear(&text);
	}
}

static void test_full(void **state)
{
	struct dkim_entry entries[DKIM_KEYS];
	struct error err;
	struct buf text;
	size_t count;

	(void)state;
	buf_init(&text, 4096);
	for (unsigned i = 0; i <= DKIM_KEYS; i++)
		buf_printf(&text, "k%u rsa old 2026-11-22T10:00:00Z\n", i);
	assert_int_equal(dkim_keys_read(buf_span(&text), entries, &count, &err), -EINVAL);
	assert_int_equal(count, DKIM_KEYS);
	buf_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_read), cmocka_unit_test(test_round),
					    cmocka_unit_test(test_full) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "dkim_keys");
}
