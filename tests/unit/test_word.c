/* test_word.c - which TLS another server must show. The tables are those of deliverd(8): each of
 * their cells is a case here.
 * link: deliverd common/base */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "deliverd/word.h"

enum { PAGE_MAX = 1 << 20, CELL_MAX = 40 };

static const char page_name[] = "docs/man/deliverd.8";

/* What the page's tables are about: the marks that stand before them. */
static const struct {
	const char *name;
	struct word_facts facts[4];	/* all of them give the same; the first may be all zero */
	size_t count;
} tables[] = {
	{ "nothing", { { 0 }, { .mx_secure = true }, { .auth = true }, { .sts_listed = true } }, 4 },
	{ "remembered", { { .had_tls = true }, { .had_tls = true, .auth = true } }, 2 },
	{ "dane",
	  { { .tlsa = true, .tlsa_usable = true },
	    { .tlsa = true, .tlsa_usable = true, .sts_enforce = true },
	    { .tlsa = true, .tlsa_usable = true, .sts_testing = true, .had_tls = true },
	    { .tlsa = true, .tlsa_usable = true, .sts_enforce = true, .sts_listed = true } },
	  4 },
	{ "dane-unusable", { { .tlsa = true }, { .tlsa = true, .had_tls = true } }, 2 },
	{ "sts-listed",
	  { { .sts_enforce = true, .sts_listed = true },
	    { .sts_enforce = true, .sts_listed = true, .had_tls = true },
	    { .sts_enforce = true, .sts_listed = true, .tlsa = true } },
	  3 },
	{ "sts-not-listed", { { .sts_enforce = true }, { .sts_enforce = true, .tlsa = true, .mx_secure = true } }, 2 },
	{ "sts-testing", { { .sts_testing = true }, { .sts_testing = true, .sts_listed = true } }, 2 },
	{ "requiretls-proved",
	  { { .require_tls = true, .mx_secure = true },
	    { .require_tls = true, .sts_enforce = true, .sts_listed = true },
	    { .require_tls = true, .sts_testing = true, .sts_listed = true },
	    { .require_tls = true, .mx_secure = true, .tls_optional = true, .had_tls = true } },
	  4 },
	{ "requiretls",
	  { { .require_tls = true },
	    { .require_tls = true, .sts_enforce = true },
	    { .require_tls = true, .sts_listed = true, .tls_optional = true } },
	  3 },
	{ "tls-required-no",
	  { { .tls_optional = true },
	    { .tls_optional = true, .tlsa = true, .tlsa_usable = true },
	    { .tls_optional = true, .sts_enforce = true, .had_tls = true },
	    { .tls_optional = true, .tlsa = true, .sts_testing = true, .mx_secure = true } },
	  4 },
};

enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

static void page_read(struct buf *page)
{
	FILE *f = fopen(page_name, "r");
	size_t n;

	if (f == NULL)
		fail_msg("%s is not there: a test runs at the top of the tree", page_name);
	buf_init(page, PAGE_MAX);
	n = fread(buf_room(page, PAGE_MAX), 1, PAGE_MAX, f);
	page->n += n;
	fclose(f);
}

static void cell_make(char out[CELL_MAX], const struct word_plan *p, enum word_then then)
{
	static const char *const thens[] = { "clear", "tls", "defer", "bounce" };

	snprintf(out, CELL_MAX, "%s%s", p->skip ? "not tried, " : "", thens[p->skip ? p->skipped : then]);
}

/* "may Ta clear Ta defer Ta tls" against the plan. */
static void row_check(struct span row, size_t table, enum word w)
{
	for (size_t i = 0; i < tables[table].count; i++) {
		struct word_facts f = tables[table].facts[i];
		char cells[3][CELL_MAX], want[160];
		struct word_plan p;

		f.word = w;
		word_plan(&f, &p);
		cell_make(cells[0], &p, p.not_offered);
		cell_make(cells[1], &p, p.failed);
		cell_make(cells[2], &p, p.unverified);
		snprintf(want, sizeof(want), "%s Ta %s Ta %s Ta %s", word_text(w), cells[0], cells[1], cells[2]);
		if (!span_is(row, want))
			fail_msg("%s, table %s, facts %zu: the page has \"%.*s\", the code \"%s\"", page_name,
				 tables[table].name, i, (int)row.n, row.p, want);
	}
}

static size_t table_find(struct span name)
{
	for (size_t i = 0; i < TABLES; i++)
		if (span_is(name, tables[i].name))
			return i;
	fail_msg("%s: no table is called %.*s here", page_name, (int)name.n, name.p);
	return 0;
}

static void test_page(void **state)
{
	bool seen[TABLES][WORD_COUNT] = { { false } };
	size_t table = TABLES;
	struct span rest;
	struct buf page;

	(void)state;
	page_read(&page);
	rest = buf_span(&page);
	while (rest.n > 0) {
		struct span line = span_take_until(&rest, '\n'), name;
		enum word w;

		if (span_starts(line, ".\\\" table: ")) {
			span_take(&line, strlen(".\\\" table: "));
			table = table_find(line);
		}
		if (span_starts(line, ".El"))
			table = TABLES;
		if (table == TABLES || !span_starts(line, ".It ") || span_starts(line, ".It Sy"))
			continue;
		span_take(&line, strlen(".It "));
		name = line;
		w = word_find(span_take_until(&name, ' '));
		assert_int_not_equal(w, WORD_COUNT);
		row_check(line, table, w);
		seen[table][w] = true;
	}
	for (size_t i = 0; i < TABLES; i++)
		for (enum word w = 0; w < WORD_COUNT; w++)
			if (!seen[i][w])
				fail_msg("%s: table %s has no row for %s", page_name, tables[i].name, word_text(w));
	buf_clear(&page);
}

/* What the tables don't show: what is looked at, and why. */
static void test_plans(void **state)
{
	static const struct {
		const char *why;
		struct word_facts facts;
		enum word_check check;
		const char *because, *skip;	/* skip: its cause, or NULL */
		bool start_tls, ask;
	} rows[] = {
		{ "off", { .word = WORD_OFF, .tlsa = true, .tlsa_usable = true }, WORD_CHECK_NONE, "off", NULL, false, false },
		{ "may", { .word = WORD_MAY }, WORD_CHECK_NONE, "may", NULL, true, false },
		{ "try looks", { .word = WORD_TRY }, WORD_CHECK_NOTE, "try", NULL, true, false },
		{ "require does not", { .word = WORD_REQUIRE }, WORD_CHECK_NONE, "require", NULL, true, false },
		{ "verify", { .word = WORD_VERIFY }, WORD_CHECK_NAME, "verify", NULL, true, false },
		{ "dane without records", { .word = WORD_DANE }, WORD_CHECK_DANE, "dane", "dane-no-records", true, false },
		{ "dane with some that can't be used", { .word = WORD_DANE, .tlsa = true }, WORD_CHECK_DANE, "dane",
		  "dane-no-records", true, false },
		{ "a policy that is tested is looked at", { .word = WORD_MAY, .sts_testing = true }, WORD_CHECK_NOTE, "may",
		  NULL, true, false },
		{ "DANE before MTA-STS",
		  { .word = WORD_MAY, .tlsa = true, .tlsa_usable = true, .sts_enforce = true },
		  WORD_CHECK_DANE, "dane", NULL, true, false },
		{ "DANE before names", { .word = WORD_VERIFY, .tlsa = true, .tlsa_usable = true }, WORD_CHECK_DANE, "dane",
		  NULL, true, false },
		{ "MTA-STS where DANE can't be", { .word = WORD_MAY, .tlsa = true, .sts_enforce = true, .sts_listed = true },
		  WORD_CHECK_NAME, "mta-sts", NULL, true, false },
		{ "not the policy's", { .word = WORD_MAY, .sts_enforce = true }, WORD_CHECK_NONE, "mta-sts",
		  "sts-host-not-listed", true, false },
		{ "remembered", { .word = WORD_MAY, .had_tls = true }, WORD_CHECK_NONE, "remembered", NULL, true, false },
		{ "REQUIRETLS by name", { .word = WORD_MAY, .require_tls = true, .mx_secure = true }, WORD_CHECK_NAME,
		  "requiretls", NULL, true, true },
		{ "REQUIRETLS by DANE",
		  { .word = WORD_DANE, .require_tls = true, .mx_secure = true, .tlsa = true, .tlsa_usable = true },
		  WORD_CHECK_DANE, "requiretls", NULL, true, true },
		{ "REQUIRETLS to a name from anywhere", { .word = WORD_VERIFY, .require_tls = true }, WORD_CHECK_NAME,
		  "requiretls", "name-not-proved", true, true },
		{ "REQUIRETLS to a host that the policy does not have",
		  { .word = WORD_MAY, .require_tls = true, .sts_enforce = true, .mx_secure = true },
		  WORD_CHECK_NAME, "requiretls", "sts-host-not-listed", true, true },
		{ "REQUIRETLS under off", { .word = WORD_OFF, .require_tls = true, .mx_secure = true }, WORD_CHECK_NAME,
		  "requiretls", "requiretls-without-tls", false, true },
		{ "No: TLS is tried, and looked at", { .word = WORD_MAY, .tls_optional = true }, WORD_CHECK_NOTE,
		  "tls-required-no", NULL, true, false },
		{ "No under off", { .word = WORD_OFF, .tls_optional = true }, WORD_CHECK_NONE, "off", NULL, false, false },
		{ "a password goes only where the word says",
		  { .word = WORD_VERIFY, .tls_optional = true, .auth = true }, WORD_CHECK_NAME, "verify", NULL, true, false },
		{ "a password, DANE", { .word = WORD_MAY, .tls_optional = true, .auth = true, .tlsa = true, .tlsa_usable = true },
		  WORD_CHECK_DANE, "dane", NULL, true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct word_plan p;

		unit_case(rows[i].why, i);
		word_plan(&rows[i].facts, &p);
		assert_int_equal(p.check, rows[i].check);
		assert_string_equal(p.because, rows[i].because);
		assert_int_equal(p.skip, rows[i].skip != NULL);
		if (rows[i].skip != NULL)
			assert_string_equal(p.skip_cause, rows[i].skip);
		assert_int_equal(p.start_tls, rows[i].start_tls);
		assert_int_equal(p.ask_require_tls, rows[i].ask);
	}
}

/* Whatever is known, some things never come about. */
static void test_never(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 1U << 10; bits++) {
		for (enum word w = 0; w < WORD_COUNT; w++) {
			struct word_facts f = {
				w,		   bits & 1,	 bits & 2,	bits & 4,	bits & 8, bits & 16,
				bits & 32,	   bits & 64,	 bits & 128,	bits & 256,	bits & 512,
			};
			struct word_plan p;
			bool clear;

			unit_case(word_text(w), bits);
			word_plan(&f, &p);
			clear = !p.skip && (p.not_offered == WORD_CLEAR || p.failed == WORD_CLEAR);
			if (w >= WORD_REQUIRE || f.require_tls)
				assert_false(clear);
			if (w != WORD_OFF && !f.tls_optional)
				assert_true(p.skip || p.failed != WORD_CLEAR);
			if (w != WORD_OFF && (!f.tls_optional || f.auth || f.require_tls) &&
			    (f.tlsa || f.sts_enforce || f.had_tls))
				assert_false(clear);
			if (f.require_tls)
				assert_true(p.ask_require_tls && p.unverified == WORD_BOUNCE);
			if (p.check == WORD_CHECK_DANE && !p.skip)
				assert_true(f.tlsa && f.tlsa_usable);
			assert_true(w == WORD_OFF || p.unverified != WORD_CLEAR);
			assert_int_equal(p.skip, p.skip_cause != NULL);
		}
	}
}

static void test_names(void **state)
{
	(void)state;
	for (enum word w = 0; w < WORD_COUNT; w++)
		assert_int_equal(word_find(span_of(word_text(w))), w);
	assert_int_equal(word_find(span_of("VERIFY")), WORD_VERIFY);
	assert_int_equal(word_find(span_of("")), WORD_COUNT);
	assert_int_equal(word_find(span_of("ma")), WORD_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_plans),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_names),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "word");
}
