/* test_token.c - a token says what was granted, and nothing else makes one.
 * link: storage common/base */
#include "tests/unit/unit.h"

#include <sodium.h>

#include "storage/token.h"

static const uint8_t key[STORE_TOKEN_KEY] = { 1, 2, 3 };

static struct store_grant grant(const char *account)
{
	struct store_grant g = { .rights = STORE_RIGHT_READ,
				 .session = 0x1122334455667788,
				 .made_ms = 1795262478123,
				 .ends_s = 1795266078 };

	snprintf(g.account, sizeof(g.account), "%s", account);
	return g;
}

static void test_round(void **state)
{
	char longest[STORE_ACCOUNT_MAX];
	const char *const accounts[] = { "a@b", "mitsuko@post.example", longest };

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < 3; i++) {
		struct store_grant g = grant(accounts[i]), back;
		struct store_token t;

		unit_case(accounts[i], i);
		store_token_make(&t, key, &g);
		assert_true(store_token_check(&t, key, g.ends_s - 1, &back));
		assert_string_equal(back.account, g.account);
		assert_int_equal(back.rights, g.rights);
		assert_int_equal(back.session, g.session);
		assert_int_equal(back.made_ms, g.made_ms);
		assert_int_equal(back.ends_s, g.ends_s);
		assert_false(store_token_check(&t, key, g.ends_s, &back));
	}
}

/* Every bit counts, and every length but the right one is refused. */
static void test_forged(void **state)
{
	struct store_grant g = grant("mitsuko@post.example"), back;
	uint8_t other[STORE_TOKEN_KEY] = { 1, 2, 4 };
	struct store_token t;

	(void)state;
	store_token_make(&t, key, &g);
	for (size_t i = 0; i < (size_t)t.n * 8; i++) {
		struct store_token bad = t;

		unit_case("one bit turned", i);
		bad.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(store_token_check(&bad, key, 0, &back));
	}
	for (size_t n = 0; n <= UINT16_MAX; n++) {
		struct store_token bad = t;

		unit_case("another length", n);
		bad.n = (uint16_t)n;
		if (n != t.n)
			assert_false(store_token_check(&bad, key, 0, &back));
	}
	assert_false(store_token_check(&t, other, 0, &back));
	assert_true(store_token_check(&t, key, 0, &back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_forged),
	};

	return sodium_init() < 0 || unit_run(tests, 2, "token");
}
