/* test_auth_wire.c - what a daemon and authd say comes out as it went in, and no cut body does.
 * link: auth common/ipc common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "auth/auth_wire.h"

static const struct auth_attempt attempt = {
	.service = "imap",
	.peer = "192.0.2.7",
	.authzid = { (const uint8_t *)"", 0 },
	.user = { (const uint8_t *)"alice@example.org", 17 },
	.password = { (const uint8_t *)"a\0b", 3 },
	.mechanism = "EXTERNAL",
	.fingerprint = "0123",
	.names = "email:alice@example.org\ncn:Alice",
};

/* Each reader in one form: does it take this body? */
static bool take_login(struct span body)
{
	struct auth_wire_login l;

	return auth_wire_get_login(body, &l);
}

static bool take_resolve(struct span body)
{
	struct span address, sender;

	return auth_wire_get_resolve(body, &address, &sender);
}

static bool take_owns(struct span body)
{
	char account[AUTH_ADDRESS_MAX];
	struct span address;

	return auth_wire_get_owns(body, account, &address);
}

static bool take_login_answer(struct span body)
{
	enum auth_status status;
	struct auth_grant grant;

	return auth_wire_get_login_answer(body, &status, &grant);
}

static bool take_resolve_answer(struct span body)
{
	struct auth_resolved r;
	enum auth_status status;
	bool ok = auth_wire_get_resolve_answer(body, &status, &r);

	auth_wire_resolved_clear(&r);
	return ok;
}

static bool take_owns_answer(struct span body)
{
	enum auth_status status;

	return auth_wire_get_owns_answer(body, &status);
}

static bool take_rate(struct span body)
{
	char account[AUTH_ADDRESS_MAX];
	uint32_t recipients;

	return auth_wire_get_rate(body, account, &recipients);
}

static bool take_rate_answer(struct span body)
{
	char words[AUTH_WORDS_MAX];
	enum auth_status status;

	return auth_wire_get_rate_answer(body, &status, words);
}

/* Whole it is taken; cut anywhere, or with a byte more, it is not. */
static void check(const char *why, struct buf *b, bool (*take)(struct span))
{
	assert_false(b->failed);
	for (size_t cut = 0; cut < b->n; cut++) {
		uint8_t *part = malloc(cut + 1); /* of its own, so that a sanitizer sees a read past it */

		unit_case(why, cut);
		memcpy(part, b->p, cut);
		assert_false(take((struct span){ part, cut }));
		free(part);
	}
	assert_true(take(buf_span(b)));
	buf_put_byte(b, 0);
	assert_false(take(buf_span(b)));
	buf_clear(b);
}

static void test_cut(void **state)
{
	struct auth_grant grant = { .account = "alice@example.org",
				    .token = { .n = 3, .bytes = { 1, 2, 3 } } };
	struct buf b;

	(void)state;
	buf_init(&b, AUTH_WIRE_MAX);
	auth_wire_put_login(&b, &attempt);
	check("login", &b, take_login);
	auth_wire_put_resolve(&b, span_of("alice@example.org"), span_of("x@elsewhere.example"));
	check("resolve", &b, take_resolve);
	auth_wire_put_owns(&b, "alice@example.org", span_of("team@example.org"));
	check("owns", &b, take_owns);
	auth_wire_put_login_answer(&b, AUTH_OK, &grant);
	check("login answer", &b, take_login_answer);
	auth_wire_put_login_answer(&b, AUTH_WRONG, NULL);
	check("login refused", &b, take_login_answer);
	auth_wire_put_resolve_answer(&b, AUTH_OK, 2, 1);
	auth_wire_put_target(&b, "alice@example.org", STORE_QUOTA_SITE);
	auth_wire_put_target(&b, "bob@example.org", 500);
	auth_wire_put_remote(&b, "x@elsewhere.example", "", "out@example.org");
	check("resolve answer", &b, take_resolve_answer);
	auth_wire_put_resolve_answer(&b, AUTH_OK, 0, 1);
	auth_wire_put_remote(&b, "x@elsewhere.example", "y@elsewhere.example", "");
	check("elsewhere alone", &b, take_resolve_answer);
	auth_wire_put_resolve_answer(&b, AUTH_NO_USER, 0, 0);
	check("nobody", &b, take_resolve_answer);
	auth_wire_put_owns_answer(&b, AUTH_OK);
	check("owns answer", &b, take_owns_answer);
	auth_wire_put_rate(&b, "alice@example.org", 7);
	check("rate", &b, take_rate);
	auth_wire_put_rate_answer(&b, AUTH_OVER_RATE, "300 an hour");
	check("rate answer", &b, take_rate_answer);
}

static void test_values(void **state)
{
	struct auth_grant grant = { .account = "alice@example.org",
				    .token = { .n = 3, .bytes = { 1, 2, 3 } } },
			  back;
	char account[AUTH_ADDRESS_MAX], words[AUTH_WORDS_MAX];
	struct auth_resolved r;
	struct auth_wire_login l;
	enum auth_status status;
	uint32_t recipients;
	struct buf b;

	(void)state;
	buf_init(&b, AUTH_WIRE_MAX);
	auth_wire_put_login(&b, &attempt);
	assert_true(auth_wire_get_login(buf_span(&b), &l));
	assert_string_equal(l.service, "imap");
	assert_string_equal(l.peer, "192.0.2.7");
	assert_string_equal(l.mechanism, "EXTERNAL");
	assert_string_equal(l.fingerprint, "0123");
	assert_true(span_is(l.names, "email:alice@example.org\ncn:Alice"));
	assert_true(span_is(l.user, "alice@example.org"));
	assert_true(span_equal(l.password, attempt.password));
	buf_reset(&b);
	auth_wire_put_login_answer(&b, AUTH_OK, &grant);
	assert_true(auth_wire_get_login_answer(buf_span(&b), &status, &back));
	assert_int_equal(status, AUTH_OK);
	assert_string_equal(back.account, grant.account);
	assert_int_equal(back.token.n, 3);
	assert_memory_equal(back.token.bytes, grant.token.bytes, 3);
	buf_reset(&b);
	auth_wire_put_resolve_answer(&b, AUTH_OK, 1, 1);
	auth_wire_put_target(&b, "bob@example.org", STORE_QUOTA_NONE);
	auth_wire_put_remote(&b, "x@elsewhere.example", "srs@example.org", "out@example.org");
	assert_true(auth_wire_get_resolve_answer(buf_span(&b), &status, &r));
	assert_int_equal(r.count, 1);
	assert_string_equal(r.targets[0].account, "bob@example.org");
	assert_int_equal(r.remote_count, 1);
	assert_string_equal(r.remotes[0].address, "x@elsewhere.example");
	assert_string_equal(r.remotes[0].sender, "srs@example.org");
	assert_string_equal(r.remotes[0].original, "out@example.org");
	auth_wire_resolved_clear(&r);
	buf_reset(&b);
	auth_wire_put_rate(&b, "bob@example.org", 1000);
	assert_true(auth_wire_get_rate(buf_span(&b), account, &recipients));
	assert_string_equal(account, "bob@example.org");
	assert_int_equal(recipients, 1000);
	buf_reset(&b);
	auth_wire_put_rate_answer(&b, AUTH_OVER_RATE, "300 an hour");
	assert_true(auth_wire_get_rate_answer(buf_span(&b), &status, words));
	assert_int_equal(status, AUTH_OVER_RATE);
	assert_string_equal(words, "300 an hour");
	buf_clear(&b);
}

static const struct {
	const char *why;
	size_t n;
	uint8_t body[9];
	bool (*take)(struct span);
} wrong[] = {
	{ "a status that there is not", 1, { AUTH_AUTHZID + 1 }, take_owns_answer },
	{ "a grant without an account", 4, { AUTH_OK, 0, 1, 7 }, take_login_answer },
	{ "a grant without a token", 4, { AUTH_OK, 1, 'a', 0 }, take_login_answer },
	{ "a grant with a wrong password", 5, { AUTH_WRONG, 1, 'a', 1, 7 }, take_login_answer },
	{ "delivered to nobody", 3, { AUTH_OK, 0, 0 }, take_resolve_answer },
	{ "a target of nobody", 5, { AUTH_NO_USER, 1, 0, 1, 'a' }, take_resolve_answer },
	{ "a remote of nobody", 7, { AUTH_NO_USER, 0, 1, 1, 'a', 0, 0 }, take_resolve_answer },
	{ "a remote without an address", 7, { AUTH_OK, 0, 1, 0, 1, 'a', 0 }, take_resolve_answer },
	{ "a count over all bounds", 5, { AUTH_OK, 0xff, 0xff, 0x7f, 0 }, take_resolve_answer },
	{ "remotes over all bounds", 5, { AUTH_OK, 0, 0xff, 0xff, 0x7f }, take_resolve_answer },
	{ "names with a NUL among them", 9, { 0, 0, 0, 0, 1, 0, 0, 0, 0 }, take_login },
	{ "an account with a NUL in it", 4, { 2, 'a', 0, 0 }, take_owns },
	{ "a rate of an account with a NUL in it", 7, { 2, 'a', 0, 1, 0, 0, 0 }, take_rate },
};

static void test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		unit_case(wrong[i].why, 0);
		assert_false(wrong[i].take((struct span){ wrong[i].body, wrong[i].n }));
	}
}

static void test_long_ones(void **state)
{
	struct auth_attempt a = attempt;
	struct buf b;

	(void)state;
	a.password.n = AUTH_WIRE_CREDENTIAL;
	a.password.p = calloc(1, AUTH_WIRE_CREDENTIAL + 1);
	buf_init(&b, AUTH_WIRE_MAX);
	auth_wire_put_login(&b, &a);
	assert_true(take_login(buf_span(&b)));
	buf_reset(&b);
	a.password.n++;
	auth_wire_put_login(&b, &a);
	assert_false(take_login(buf_span(&b)));
	buf_clear(&b);
	free((void *)a.password.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cut), cmocka_unit_test(test_values),
					    cmocka_unit_test(test_wrong), cmocka_unit_test(test_long_ones) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "auth_wire");
}
