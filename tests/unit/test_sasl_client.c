/* test_sasl_client.c - mechanisms from the client's side; RFC 7677 3's exchange.
 * link: sasl common/base */
#include "tests/unit/unit.h"

#include <errno.h>

#include "common/base/base64.h"
#include "sasl/client.h"

static const struct {
	const char *why, *ours, *offered, *chosen;
} choices[] = {
	{ "the first of ours", "SCRAM-SHA-256,PLAIN,LOGIN", "LOGIN PLAIN SCRAM-SHA-256", "SCRAM-SHA-256" },
	{ "that it offers", "SCRAM-SHA-256,PLAIN,LOGIN", "LOGIN  PLAIN", "PLAIN" },
	{ "whatever the case", "scram-sha-256, plain", " login plain", "plain" },
	{ "none", "SCRAM-SHA-256,PLAIN", "LOGIN SCRAM-SHA-256-PLUS PLAINER CRAM-MD5", "" },
	{ "nothing is offered", "PLAIN", "", "" },
	{ "one that we don't know", "CRAM-MD5,LOGIN", "CRAM-MD5 LOGIN", "LOGIN" },
};

static void test_choose(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		struct span got = sasl_client_choose(choices[i].ours, span_of(choices[i].offered));

		unit_case(choices[i].why, 0);
		unit_is(got.p, got.n, choices[i].chosen);
	}
}

/* RFC 7677 3 */
#define NONCE "rOprNGfwEbeRWgbNEkqO"
#define FIRST "n,,n=user,r=" NONCE
#define SERVER "r=" NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define FINAL "c=biws,r=" NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define PROOF "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

/* "<" begins what the server says, ">" what is answered; "." the initial response; "-" done,
 * "!" bad. The exchange is over with either, or when the text is. */
static const struct {
	const char *why, *mechanism, *user, *password;
	const char *script[8];
	bool trusted;
} rows[] = {
	{ "SCRAM-SHA-256", "SCRAM-SHA-256", "user", "pencil", { "." FIRST, "<" SERVER, ">" FINAL, "<" PROOF, "-" }, true },
	{ "any case", "scram-sha-256", "user", "pencil", { "." FIRST, "<" SERVER, ">" FINAL, "<" PROOF, "-" }, true },
	{ "the initial response is asked for", "SCRAM-SHA-256", "user", "pencil",
	  { "<", ">" FIRST, "<" SERVER, ">" FINAL, "<" PROOF, "-" }, true },
	{ "and once more", "SCRAM-SHA-256", "user", "pencil", { "." FIRST, "<", ">" FIRST, "<", "!" }, false },
	{ "yes before the proof", "SCRAM-SHA-256", "user", "pencil", { "." FIRST, "<" SERVER, ">" FINAL }, false },
	{ "yes at once", "SCRAM-SHA-256", "user", "pencil", { "." FIRST }, false },
	{ "another signature", "SCRAM-SHA-256", "user", "pencil",
	  { "." FIRST, "<" SERVER, ">" FINAL, "<v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=", "!" }, false },
	{ "a signature that differs in its first byte", "SCRAM-SHA-256", "user", "pencil",
	  { "." FIRST, "<" SERVER, ">" FINAL, "<v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "!" }, false },
	{ "half a signature", "SCRAM-SHA-256", "user", "pencil", { "." FIRST, "<" SERVER, ">" FINAL, "<v=6rriTRBi", "!" }, false },
	{ "the server's error", "SCRAM-SHA-256", "user", "pencil",
	  { "." FIRST, "<" SERVER, ">" FINAL, "<e=invalid-proof", "!" }, false },
	{ "the proof twice", "SCRAM-SHA-256", "user", "pencil",
	  { "." FIRST, "<" SERVER, ">" FINAL, "<" PROOF, "-", "<" PROOF, "!" }, true },
	{ "another nonce", "SCRAM-SHA-256", "user", "pencil",
	  { "." FIRST, "<r=xOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "!" }, false },
	{ "our nonce alone", "SCRAM-SHA-256", "user", "pencil",
	  { "." FIRST, "<r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "!" }, false },
	{ "less than our nonce", "SCRAM-SHA-256", "user", "pencil", { "." FIRST, "<r=rOp,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "!" }, false },
	{ "too few rounds", "SCRAM-SHA-256", "user", "pencil",
	  { "." FIRST, "<r=" NONCE "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095", "!" }, false },
	{ "too many", "SCRAM-SHA-256", "user", "pencil",
	  { "." FIRST, "<r=" NONCE "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=100001", "!" }, false },
	{ "far too many", "SCRAM-SHA-256", "user", "pencil",
	  { "." FIRST, "<r=" NONCE "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999999999999999", "!" }, false },
	{ "no number", "SCRAM-SHA-256", "user", "pencil", { "." FIRST, "<r=" NONCE "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=-1", "!" }, false },
	{ "no salt", "SCRAM-SHA-256", "user", "pencil", { "." FIRST, "<r=" NONCE "x,s=,i=4096", "!" }, false },
	{ "salt that is no base64", "SCRAM-SHA-256", "user", "pencil", { "." FIRST, "<r=" NONCE "x,s=a,i=4096", "!" }, false },
	{ "an extension that must be understood", "SCRAM-SHA-256", "user", "pencil",
	  { "." FIRST, "<m=x,r=" NONCE "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "!" }, false },
	{ "noise", "SCRAM-SHA-256", "user", "pencil", { "." FIRST, "<,,,", "!" }, false },
	{ "a name that must be quoted", "SCRAM-SHA-256", "a=b,c", "x", { ".n,,n=a=3Db=2Cc,r=" NONCE }, false },
	{ "PLAIN", "PLAIN", "u", "p", { ".|u|p" }, true },
	{ "PLAIN, asked for", "PLAIN", "u", "p", { "<", ">|u|p", "<", "!" }, true },
	{ "PLAIN, asked for once more", "PLAIN", "u", "p", { ".|u|p", "<", ">|u|p", "<", "!" }, true },
	{ "PLAIN with a challenge", "PLAIN", "u", "p", { ".|u|p", "<what?", "!" }, true },
	{ "LOGIN", "LOGIN", "u", "p", { "<Username:", ">u", "<Password:", ">p" }, true },
	{ "LOGIN, other questions", "LOGIN", "u", "p", { "<", ">u", "<", ">p" }, true },
	{ "LOGIN, one more", "LOGIN", "u", "p", { "<", ">u", "<", ">p", "<", "!" }, true },
	{ "EXTERNAL", "EXTERNAL", "", "", { "." }, true },
	{ "EXTERNAL with a name", "EXTERNAL", "me@a.test", "", { ".me@a.test" }, true },
	{ "EXTERNAL, asked for", "EXTERNAL", "", "", { "<", ">", "<", "!" }, true },
};

/* "|" stands for NUL. */
static void check_bytes(struct span got, const char *want)
{
	assert_int_equal(got.n, strlen(want));
	for (size_t i = 0; i < got.n; i++)
		assert_int_equal(got.p[i], want[i] == '|' ? 0 : (uint8_t)want[i]);
}

static void step(struct sasl_client *c, const char *line, enum sasl_client_status *st, struct span *out)
{
	switch (line[0]) {
	case '.':
		assert_true(sasl_client_initial(c, out));
		check_bytes(*out, line + 1);
		break;
	case '<':
		*st = sasl_client_step(c, span_of(line + 1), out);
		break;
	case '>':
		assert_int_equal(*st, SASL_CLIENT_ANSWER);
		check_bytes(*out, line + 1);
		break;
	default:
		assert_int_equal(*st, line[0] == '-' ? SASL_CLIENT_DONE : SASL_CLIENT_BAD);
	}
}

static void test_rows(void **state)
{
	struct buf nonce;

	(void)state;
	buf_init(&nonce, 64);
	assert_true(base64_decode(&nonce, span_of(NONCE)));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum sasl_client_status st = SASL_CLIENT_BAD;
		struct sasl_client *c;
		struct span out;

		unit_case(rows[i].why, 0);
		assert_int_equal(sasl_client_new(&c, span_of(rows[i].mechanism), span_of(rows[i].user),
						 span_of(rows[i].password), buf_span(&nonce), NULL), 0);
		for (size_t k = 0; k < 8 && rows[i].script[k] != NULL; k++)
			step(c, rows[i].script[k], &st, &out);
		assert_int_equal(sasl_client_trusts(c), rows[i].trusted);
		sasl_client_free(c);
	}
	buf_clear(&nonce);
}

static void test_refused(void **state)
{
	static const char nul[] = { 'a', 0, 'b' };
	struct span bad = { (const uint8_t *)nul, 3 }, nonce = span_of("123456789012345");
	struct sasl_client *c;
	struct error err;

	(void)state;
	assert_int_equal(sasl_client_new(&c, span_of("CRAM-MD5"), nonce, nonce, nonce, &err), -EINVAL);
	assert_null(c);
	assert_int_equal(sasl_client_new(&c, span_of("PLAIN"), bad, span_of("p"), nonce, &err), -EINVAL);
	assert_int_equal(sasl_client_new(&c, span_of("PLAIN"), span_of("u"), bad, nonce, &err), -EINVAL);
	assert_int_equal(sasl_client_new(&c, span_of("PLAIN"), span_of(""), span_of("p"), nonce, &err), -EINVAL);
	assert_int_equal(sasl_client_new(&c, span_of("PLAIN"), span_of("u"), span_of(""), nonce, &err), -EINVAL);
	assert_int_equal(sasl_client_new(&c, span_of("SCRAM-SHA-256"), span_of("u"), span_of("p"), span_of("short"), &err),
			 -EINVAL);
	assert_null(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_refused),
	};

	return unit_run(tests, 3, "sasl client");
}
