/* test_rate.c - how much an account may send, and what it is told.
 * link: auth/authd/rate.o common/base/error.o common/base/span.o common/base/table.o */
#include "tests/unit/unit.h"

#include <sodium.h>

#include "auth/authd/rate.h"

enum { HOUR = 3600 * 1000, START = 5000 };

/* Steps of one account, one behind the other. */
static const struct {
	const char *why;
	uint64_t messages[RATE_WINDOWS], recipients[RATE_WINDOWS];
	struct {
		uint64_t at_ms, recipients;
		const char *over;	/* NULL: counted; else what, window, limit */
		uint64_t ends_ms;
	} steps[6];
} rows[] = {
	{ "no limits", { 0, 0 }, { 0, 0 }, { { START, 1000000, NULL, 0 }, { START, 1000000, NULL, 0 } } },
	{ "messages by hour, and the next hour", { 2, 0 }, { 0, 0 },
	  { { START, 1, NULL, 0 }, { START + 1, 1, NULL, 0 }, { START + 2, 1, "messages 0 2", START + HOUR },
	    { START + HOUR - 1, 1, "messages 0 2", START + HOUR }, { START + HOUR, 1, NULL, 0 } } },
	{ "recipients by hour; what is refused does not count", { 0, 0 }, { 10, 0 },
	  { { START, 8, NULL, 0 }, { START, 3, "recipients 0 10", START + HOUR }, { START, 2, NULL, 0 },
	    { START, 1, "recipients 0 10", START + HOUR } } },
	{ "a message that is too large for any hour", { 0, 0 }, { 10, 0 },
	  { { START, 11, "recipients 0 10", 0 }, { START, 10, NULL, 0 } } },
	{ "messages by day", { 5, 2 }, { 0, 0 },
	  { { START, 1, NULL, 0 }, { START + HOUR, 1, NULL, 0 }, { START + 2 * HOUR, 1, "messages 1 2", START + 24 * HOUR },
	    { START + 24 * HOUR, 1, NULL, 0 } } },
	{ "recipients by day", { 0, 0 }, { 0, 3 },
	  { { START, 3, NULL, 0 }, { START + HOUR, 1, "recipients 1 3", START + 24 * HOUR } } },
	{ "of two the one that lasts longer", { 1, 1 }, { 0, 0 },
	  { { START, 1, NULL, 0 }, { START, 1, "messages 1 1", START + 24 * HOUR } } },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rate_limits limits;
		struct rate_over over;
		struct rate *r;

		memcpy(limits.messages, rows[i].messages, sizeof(limits.messages));
		memcpy(limits.recipients, rows[i].recipients, sizeof(limits.recipients));
		assert_int_equal(rate_new(&r, NULL), 0);
		for (size_t k = 0; k < 6 && rows[i].steps[k].at_ms > 0; k++) {
			const char *want = rows[i].steps[k].over;
			char got[64];

			unit_case(rows[i].why, k);
			assert_int_equal(rate_take(r, &limits, "a@x", rows[i].steps[k].recipients,
						   rows[i].steps[k].at_ms, &over),
					 want != NULL ? RATE_OVER : RATE_OK);
			if (want == NULL)
				continue;
			snprintf(got, sizeof(got), "%s %d %llu", over.what, (int)over.window,
				 (unsigned long long)over.limit);
			assert_string_equal(got, want);
			assert_int_equal(over.ends_ms, rows[i].steps[k].ends_ms);
		}
		rate_free(r);
	}
}

/* Each account has its own; those that are silent for a day are forgotten, and begin anew. */
static void test_many(void **state)
{
	const struct rate_limits limits = { .messages = { 1, 1 } };
	struct rate_over over;
	struct rate *r;

	(void)state;
	assert_int_equal(rate_new(&r, NULL), 0);
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 1000; i++) {
			char account[16];

			snprintf(account, sizeof(account), "u%d@x", i);
			assert_int_equal(rate_take(r, &limits, account, 1, START + (uint64_t)round * 25 * HOUR, &over),
					 RATE_OK);
			assert_int_equal(rate_take(r, &limits, account, 1, START + (uint64_t)round * 25 * HOUR, &over),
					 RATE_OVER);
		}
	rate_free(r);
	rate_free(NULL);
}

static void test_words(void **state)
{
	const struct rate_over hour = { RATE_HOUR, "messages", 300, 1 }, alone = { RATE_DAY, "recipients", 10, 0 };
	char words[160];

	(void)state;
	rate_words(words, sizeof(words), &hour, 1795261278);
	assert_string_equal(words, "300 messages an hour are this account's limit; again from 2026-11-21 11:41 UTC");
	rate_words(words, sizeof(words), &alone, 0);
	assert_string_equal(words, "10 recipients a day are this account's limit, and this message alone has more");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_many),
					    cmocka_unit_test(test_words) };

	return sodium_init() < 0 || unit_run(tests, sizeof(tests) / sizeof(tests[0]), "rate");
}
