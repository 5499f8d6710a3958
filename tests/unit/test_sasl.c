/* test_sasl.c - PLAIN, LOGIN and EXTERNAL: what is taken, what is refused.
 * link: sasl common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "sasl/sasl.h"

#define BYTES(text) text, sizeof(text) - 1
#define X64	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X256	    X64 X64 X64 X64
#define X4096	    X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256

/* One message of PLAIN. */
static const struct {
	const char *why, *message;
	size_t n;
	enum sasl_status want;
	const char *authzid, *user, *password;
} plain[] = {
	{ "user and password", BYTES("\0tim\0secret"), SASL_VERIFY, "", "tim", "secret" },
	{ "acting for another", BYTES("Ursel\0Kurt\0xipj3plmq"), SASL_VERIFY, "Ursel", "Kurt", "xipj3plmq" },
	{ "UTF-8 in all of it", BYTES("\xc3\xbc\0\xe9\x83\xb5\0\xc3\xa4"), SASL_VERIFY, "\xc3\xbc",
	  "\xe9\x83\xb5", "\xc3\xa4" },
	{ "a user of 320 bytes", BYTES("\0" X256 X64 "\0p"), SASL_VERIFY, "", X256 X64, "p" },
	{ "a user of 321 bytes", BYTES("\0y" X256 X64 "\0p"), SASL_BAD, "", "", "" },
	{ "an authzid of 321 bytes", BYTES("y" X256 X64 "\0u\0p"), SASL_BAD, "", "", "" },
	{ "a password of 4096 bytes", BYTES("\0u\0" X4096), SASL_VERIFY, "", "u", X4096 },
	{ "a password of 4097 bytes", BYTES("\0u\0y" X4096), SASL_BAD, "", "", "" },
	{ "nothing", BYTES(""), SASL_BAD, "", "", "" },
	{ "no NUL", BYTES("tim"), SASL_BAD, "", "", "" },
	{ "one NUL", BYTES("tim\0secret"), SASL_BAD, "", "", "" },
	{ "three NULs", BYTES("\0tim\0secret\0"), SASL_BAD, "", "", "" },
	{ "a NUL in the password", BYTES("\0tim\0sec\0ret"), SASL_BAD, "", "", "" },
	{ "no user", BYTES("\0\0secret"), SASL_BAD, "", "", "" },
	{ "no password", BYTES("\0tim\0"), SASL_BAD, "", "", "" },
	{ "two NULs alone", BYTES("\0\0"), SASL_BAD, "", "", "" },
	{ "an authzid that is not UTF-8", BYTES("\xff\0tim\0secret"), SASL_BAD, "", "", "" },
	{ "a user that is not UTF-8", BYTES("\0t\xc3\0secret"), SASL_BAD, "", "", "" },
	{ "a password that is not UTF-8", BYTES("\0tim\0s\xe4"), SASL_BAD, "", "", "" },
};

/* User name and password as LOGIN has them. */
static const struct {
	const char *why, *user;
	size_t user_n;
	enum sasl_status after_user;
	const char *password;
	size_t password_n;
	enum sasl_status want;
} login[] = {
	{ "the draft's example", BYTES("tim"), SASL_CHALLENGE, BYTES("tanstaaftanstaaf"), SASL_VERIFY },
	{ "a password of any bytes", BYTES("tim"), SASL_CHALLENGE, BYTES("\xe4\x01 \xff"), SASL_VERIFY },
	{ "the longest", BYTES(X256 X64), SASL_CHALLENGE, BYTES(X4096), SASL_VERIFY },
	{ "an empty user", BYTES(""), SASL_BAD, BYTES("x"), SASL_BAD },
	{ "a user with a NUL", BYTES("a\0b"), SASL_BAD, BYTES("x"), SASL_BAD },
	{ "a user that is not UTF-8", BYTES("\xe4"), SASL_BAD, BYTES("x"), SASL_BAD },
	{ "a user too long", BYTES("y" X256 X64), SASL_BAD, BYTES("x"), SASL_BAD },
	{ "an empty password", BYTES("tim"), SASL_CHALLENGE, BYTES(""), SASL_BAD },
	{ "a password with a NUL", BYTES("tim"), SASL_CHALLENGE, BYTES("a\0b"), SASL_BAD },
	{ "a password with a CR", BYTES("tim"), SASL_CHALLENGE, BYTES("ab\r"), SASL_BAD },
	{ "a password with a LF", BYTES("tim"), SASL_CHALLENGE, BYTES("ab\n"), SASL_BAD },
	{ "a password too long", BYTES("tim"), SASL_CHALLENGE, BYTES("y" X4096), SASL_BAD },
};

static struct sasl *begin(const char *mechanism)
{
	struct error err;
	struct sasl *s;

	assert_int_equal(sasl_new(&s, span_of(mechanism), &err), 0);
	return s;
}

static void check_is(struct span got, const char *want)
{
	unit_is(got.p, got.n, want);
}

/* A copy that ends exactly where the answer ends, so that a look beyond shows. */
static struct span exact(const char *p, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);

	memcpy(copy, p, n);
	return (struct span){ copy, n };
}

static void check_plain(size_t i, bool initial)
{
	struct sasl *s = begin("plain");
	struct span out, message = exact(plain[i].message, plain[i].n);
	enum sasl_status got;

	unit_case(plain[i].why, initial);
	if (initial) {
		got = sasl_start(s, message, &out);
	} else {
		assert_int_equal(sasl_start(s, (struct span){ NULL, 0 }, &out), SASL_CHALLENGE);
		check_is(out, "");
		got = sasl_step(s, message, &out);
	}
	free((void *)message.p);
	assert_int_equal(got, plain[i].want);
	if (got == SASL_VERIFY) {
		const struct sasl_credentials *c = sasl_credentials(s);

		assert_string_equal(c->mechanism, "PLAIN");
		check_is(c->authzid, plain[i].authzid);
		check_is(c->user, plain[i].user);
		check_is(c->password, plain[i].password);
	}
	assert_int_equal(sasl_step(s, span_of("more"), &out), SASL_BAD);
	sasl_free(s);
}

static void test_plain(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		check_plain(i, true);
		check_plain(i, false);
	}
}

static void check_login(size_t i, bool initial)
{
	struct sasl *s = begin("LOGIN");
	struct span out, user = exact(login[i].user, login[i].user_n);
	struct span password = exact(login[i].password, login[i].password_n);
	enum sasl_status got;

	unit_case(login[i].why, initial);
	if (initial) {
		got = sasl_start(s, user, &out);
	} else {
		assert_int_equal(sasl_start(s, (struct span){ NULL, 0 }, &out), SASL_CHALLENGE);
		check_is(out, "Username:");
		got = sasl_step(s, user, &out);
	}
	assert_int_equal(got, login[i].after_user);
	if (got == SASL_CHALLENGE)
		check_is(out, "Password:");
	assert_int_equal(sasl_step(s, password, &out), login[i].want);
	if (login[i].want == SASL_VERIFY) {
		const struct sasl_credentials *c = sasl_credentials(s);

		assert_string_equal(c->mechanism, "LOGIN");
		assert_int_equal(c->authzid.n, 0);
		check_is(c->user, login[i].user);
		check_is(c->password, login[i].password);
	}
	assert_int_equal(sasl_step(s, span_of("more"), &out), SASL_BAD);
	free((void *)user.p);
	free((void *)password.p);
	sasl_free(s);
}

static void test_login(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(login) / sizeof(login[0]); i++) {
		check_login(i, true);
		check_login(i, false);
	}
}

/* The one message of EXTERNAL. */
static const struct {
	const char *why, *message;
	size_t n;
	enum sasl_status want;
} external[] = {
	{ "as whom the certificate names", BYTES(""), SASL_VERIFY },
	{ "as somebody", BYTES("fred@example.com"), SASL_VERIFY },
	{ "UTF-8", BYTES("\xe9\x83\xb5@example.org"), SASL_VERIFY },
	{ "320 bytes", BYTES(X256 X64), SASL_VERIFY },
	{ "321 bytes", BYTES("y" X256 X64), SASL_BAD },
	{ "a NUL", BYTES("a\0b"), SASL_BAD },
	{ "a NUL alone", BYTES("\0"), SASL_BAD },
	{ "PLAIN's message", BYTES("\0tim\0secret"), SASL_BAD },
	{ "no UTF-8", BYTES("\xc3"), SASL_BAD },
};

static void check_external(size_t i, bool initial)
{
	struct sasl *s = begin("external");
	struct span out, message = exact(external[i].message, external[i].n);
	enum sasl_status got;

	unit_case(external[i].why, initial);
	if (initial) {
		got = sasl_start(s, message, &out);
	} else {
		assert_int_equal(sasl_start(s, (struct span){ NULL, 0 }, &out), SASL_CHALLENGE);
		check_is(out, "");
		got = sasl_step(s, message, &out);
	}
	free((void *)message.p);
	assert_int_equal(got, external[i].want);
	if (got == SASL_VERIFY) {
		const struct sasl_credentials *c = sasl_credentials(s);

		assert_string_equal(c->mechanism, "EXTERNAL");
		check_is(c->authzid, external[i].message);
		assert_int_equal(c->user.n + c->password.n, 0);
	}
	assert_int_equal(sasl_step(s, span_of("more"), &out), SASL_BAD);
	sasl_free(s);
}

static void test_external(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(external) / sizeof(external[0]); i++) {
		check_external(i, true);
		check_external(i, false);
	}
}

static void test_order(void **state)
{
	struct sasl *s = begin("LOGIN");
	struct span out;

	(void)state;
	assert_int_equal(sasl_step(s, span_of("tim"), &out), SASL_BAD);
	assert_int_equal(sasl_start(s, (struct span){ NULL, 0 }, &out), SASL_CHALLENGE);
	assert_int_equal(sasl_start(s, (struct span){ NULL, 0 }, &out), SASL_BAD);
	sasl_free(s);
	sasl_free(NULL);
}

static void test_names(void **state)
{
	struct error err;
	struct sasl *s;

	(void)state;
	assert_string_equal(sasl_mechanism(0), "PLAIN");
	assert_string_equal(sasl_mechanism(1), "LOGIN");
	assert_string_equal(sasl_mechanism(2), "EXTERNAL");
	assert_string_equal(sasl_mechanism(3), "SCRAM-SHA-256-PLUS");
	assert_string_equal(sasl_mechanism(4), "SCRAM-SHA-256");
	assert_string_equal(sasl_mechanism(5), "SCRAM-SHA-1-PLUS");
	assert_string_equal(sasl_mechanism(6), "SCRAM-SHA-1");
	assert_null(sasl_mechanism(7));
	assert_true(sasl_known(span_of("pLaIn")));
	assert_false(sasl_known(span_of("PLAI")));
	assert_int_equal(sasl_new(&s, span_of("CRAM-MD5"), &err), -ENOENT);
	assert_null(s);
}

static void test_listed(void **state)
{
	static const struct {
		const char *list, *name;
		bool want;
	} rows[] = {
		{ "PLAIN,LOGIN", "PLAIN", true },  { "PLAIN,LOGIN", "login", true },
		{ "plain , Login", "LOGIN", true }, { "PLAIN", "LOGIN", false },
		{ "none", "PLAIN", false },	   { "none", "none", false },
		{ "", "PLAIN", false },		   { "", "", false },
		{ "PLAIN,,LOGIN", "", false },	   { "PLAINLOGIN", "PLAIN", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].list, i);
		assert_int_equal(sasl_listed(rows[i].list, span_of(rows[i].name)), rows[i].want);
	}
	assert_false(sasl_listed(NULL, span_of("PLAIN")));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_plain), cmocka_unit_test(test_login),
					    cmocka_unit_test(test_external), cmocka_unit_test(test_order), cmocka_unit_test(test_names),
					    cmocka_unit_test(test_listed) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "sasl");
}
