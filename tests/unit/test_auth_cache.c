/* test_auth_cache.c - the cache of verified passwords, and the guesses of an address.
 * link: auth/authd common/base */
#include "tests/unit/unit.h"

#include <sodium.h>

#include "auth/authd/cache.h"
#include "auth/authd/throttle.h"

enum { BURST = 50, STEP_MS = 6000 };

static const struct throttle_limits limits = { BURST, STEP_MS };
static const struct span secret = { (const uint8_t *)"secret", 6 };

static struct cache_key key_of(struct cache *c, const char *account, const char *stored, const char *password)
{
	struct cache_key k;

	cache_key(c, &k, account, stored, (struct span){ (const uint8_t *)password, strlen(password) });
	return k;
}

static void test_key_holds_all_three(void **state)
{
	static const struct {
		const char *why, *account, *stored, *password;
	} others[] = {
		{ "another password", "a@x", "hash", "Secret" },
		{ "the password was changed since", "a@x", "hash2", "secret" },
		{ "another account", "b@x", "hash", "secret" },
		{ "bytes moved from one to the next", "a@xhash", "", "secret" },
		{ "an empty password", "a@x", "hash", "" },
	};
	struct cache_key k;
	struct cache *c;

	(void)state;
	assert_int_equal(cache_new(&c, NULL), 0);
	cache_key(c, &k, "a@x", "hash", secret);
	assert_false(cache_has(c, &k, 0));
	cache_put(c, &k, "a@x", 1000);
	assert_true(cache_has(c, &k, 0));
	assert_true(cache_has(c, &k, 999));
	assert_false(cache_has(c, &k, 1000));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct cache_key other = key_of(c, others[i].account, others[i].stored, others[i].password);

		unit_case(others[i].why, 0);
		assert_false(cache_has(c, &other, 0));
	}
	cache_free(c);
}

static void test_keys_are_of_the_process(void **state)
{
	struct cache *one, *two;
	struct cache_key a, b;

	(void)state;
	assert_int_equal(cache_new(&one, NULL), 0);
	assert_int_equal(cache_new(&two, NULL), 0);
	cache_key(one, &a, "a@x", "hash", secret);
	cache_key(two, &b, "a@x", "hash", secret);
	assert_memory_not_equal(a.bytes, b.bytes, sizeof(a.bytes));
	cache_free(one);
	cache_free(two);
}

static void test_forgetting(void **state)
{
	struct cache_key a, b;
	struct cache *c;

	(void)state;
	assert_int_equal(cache_new(&c, NULL), 0);
	a = key_of(c, "a@x", "hash", "secret");
	b = key_of(c, "b@x", "hash", "secret");
	cache_put(c, &a, "a@x", 1000);
	cache_put(c, &b, "b@x", 1000);
	cache_forget(c, "a@x");
	assert_false(cache_has(c, &a, 0));
	assert_true(cache_has(c, &b, 0));
	cache_clear(c);
	assert_false(cache_has(c, &b, 0));
	cache_free(c);
}

/* Bounded: of many more than it holds, some are still there and the newest is. */
static void test_bounded(void **state)
{
	enum { MANY = 4 * CACHE_ENTRIES };
	struct cache *c;
	size_t there = 0;
	char account[32];

	(void)state;
	assert_int_equal(cache_new(&c, NULL), 0);
	for (int i = 0; i < MANY; i++) {
		struct cache_key k;

		snprintf(account, sizeof(account), "u%d@x", i);
		k = key_of(c, account, "hash", "secret");
		cache_put(c, &k, account, 1000 + (uint64_t)i);
		assert_true(cache_has(c, &k, 0));
	}
	for (int i = 0; i < MANY; i++) {
		struct cache_key k;

		snprintf(account, sizeof(account), "u%d@x", i);
		k = key_of(c, account, "hash", "secret");
		there += cache_has(c, &k, 0);
	}
	assert_in_range(there, CACHE_ENTRIES / 2, CACHE_ENTRIES);
	cache_free(c);
}

static const struct {
	const char *why, *peer, *plain; /* plain NULL: no address */
	uint8_t last[2];                /* bytes 14 and 15 */
} peers[] = {
	{ "IPv4", "192.0.2.7", "192.0.2.7", { 2, 7 } },
	{ "IPv4 with its port", "192.0.2.7:50112", "192.0.2.7", { 2, 7 } },
	{ "IPv6 by its first half", "2001:db8::1:2", "2001:db8::1:2", { 0, 0 } },
	{ "IPv6 with its port", "[2001:db8::1:2]:25", "2001:db8::1:2", { 0, 0 } },
	{ "IPv4 in IPv6 is IPv4", "::ffff:192.0.2.7", "::ffff:192.0.2.7", { 2, 7 } },
	{ "nothing", "", NULL, { 0, 0 } },
	{ "a bracket that stays open", "[2001:db8::1", NULL, { 0, 0 } },
	{ "a name", "localhost", NULL, { 0, 0 } },
	{ "too long", "1111111111111111111111111111111111111111111111111111111111", NULL, { 0, 0 } },
};

static void test_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		struct throttle_address a;
		char plain[46];

		unit_case(peers[i].why, 0);
		assert_int_equal(throttle_parse(&a, plain, peers[i].peer), peers[i].plain != NULL);
		if (peers[i].plain == NULL)
			continue;
		assert_string_equal(plain, peers[i].plain);
		assert_memory_equal(a.bytes + 14, peers[i].last, 2);
	}
}

static struct throttle_address address(const char *text)
{
	struct throttle_address a;
	char plain[46];

	assert_true(throttle_parse(&a, plain, text));
	return a;
}

static void test_guesses(void **state)
{
	struct throttle_address a = address("2001:db8::1"), near = address("2001:db8::2"),
				far = address("2001:db9::1");
	uint64_t now = 5;
	struct throttle *t;

	(void)state;
	assert_int_equal(throttle_new(&t, NULL), 0);
	for (int i = 0; i < BURST; i++)
		assert_true(throttle_take(t, &limits, &a, now));
	assert_false(throttle_take(t, &limits, &a, now));
	assert_false(throttle_take(t, &limits, &near, now));
	assert_true(throttle_take(t, &limits, &far, now));
	assert_false(throttle_take(t, &limits, &a, now + STEP_MS - 1));
	assert_true(throttle_take(t, &limits, &a, now + STEP_MS));
	assert_false(throttle_take(t, &limits, &a, now + STEP_MS));
	throttle_give(t, &limits, &a, now + STEP_MS);
	assert_true(throttle_take(t, &limits, &a, now + STEP_MS));
	throttle_free(t);
}

/* A /48 has 16 times what a /64 has: to go through its /64s helps for so long. */
static void test_sites(void **state)
{
	size_t taken = 0;
	struct throttle *t;

	(void)state;
	assert_int_equal(throttle_new(&t, NULL), 0);
	for (size_t i = 0; i < 65536; i++) {
		struct throttle_address a;
		char text[40];

		snprintf(text, sizeof(text), "2001:db8:1:%zx::1", i);
		a = address(text);
		taken += throttle_take(t, &limits, &a, 5);
	}
	assert_int_equal(taken, THROTTLE_SITE * BURST);
	throttle_free(t);
}

static void test_texts(void **state)
{
	static const struct {
		const char *peer, *text;
	} rows[] = { { "192.0.2.7:50112", "192.0.2.7" }, { "::ffff:192.0.2.7", "192.0.2.7" }, { "2001:db8:1:2:3::4", "2001:db8:1:2::/64" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct throttle_address a = address(rows[i].peer);
		char text[THROTTLE_TEXT];

		throttle_text(&a, text);
		assert_string_equal(text, rows[i].text);
	}
}

/* What is given back never makes more than a full bucket. */
static void test_giving_too_much(void **state)
{
	struct throttle_address a = address("192.0.2.7");
	struct throttle *t;

	(void)state;
	assert_int_equal(throttle_new(&t, NULL), 0);
	throttle_give(t, &limits, &a, 100);
	assert_true(throttle_take(t, &limits, &a, 100));
	throttle_give(t, &limits, &a, 100);
	throttle_give(t, &limits, &a, 100);
	for (int i = 0; i < BURST; i++)
		assert_true(throttle_take(t, &limits, &a, 100));
	assert_false(throttle_take(t, &limits, &a, 100));
	throttle_free(t);
}

/* An address that guesses is remembered while thousands of others pass by. */
static void test_many_addresses(void **state)
{
	struct throttle_address a = address("192.0.2.7");
	struct throttle *t;

	(void)state;
	assert_int_equal(throttle_new(&t, NULL), 0);
	for (int i = 0; i < BURST; i++)
		assert_true(throttle_take(t, &limits, &a, 100));
	for (int i = 0; i < 4 * THROTTLE_ADDRESSES; i++) {
		char text[32];
		struct throttle_address other;

		snprintf(text, sizeof(text), "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
		other = address(text);
		assert_true(throttle_take(t, &limits, &other, 100));
	}
	assert_false(throttle_take(t, &limits, &a, 100));
	throttle_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_holds_all_three), cmocka_unit_test(test_keys_are_of_the_process),
		cmocka_unit_test(test_forgetting),          cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_addresses),           cmocka_unit_test(test_guesses),
		cmocka_unit_test(test_giving_too_much),     cmocka_unit_test(test_many_addresses),
		cmocka_unit_test(test_sites),		    cmocka_unit_test(test_texts),
	};

	return sodium_init() < 0 || unit_run(tests, sizeof(tests) / sizeof(tests[0]), "auth_cache");
}
