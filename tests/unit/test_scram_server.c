/* test_scram_server.c - the client's messages of SCRAM: what is taken, what is refused (RFC 5802 7).
 * link: sasl common/base */
#include "tests/unit/unit.h"

#include "common/base/base64.h"
#include "sasl/sasl.h"

#define NONCE "fyko+d2lbbFgONRv9qkxdawL"
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X256 X64 X64 X64 X64

static const struct {
	const char *why, *mechanism, *message;
	bool offered;		/* -PLUS is */
	enum sasl_status want;
	const char *authzid, *user, *bare, *binding;
} firsts[] = {
	{ "RFC 5802 5", "SCRAM-SHA-1", "n,,n=user,r=" NONCE, true, SASL_VERIFY, "", "user", "n=user,r=" NONCE, "" },
	{ "for another", "SCRAM-SHA-256", "n,a=boss,n=user,r=" NONCE, true, SASL_VERIFY, "boss", "user", "n=user,r=" NONCE, "" },
	{ "a comma and an equals sign", "SCRAM-SHA-256", "n,,n=a=2Cb=3Dc,r=" NONCE, true, SASL_VERIFY, "", "a,b=c",
	  "n=a=2Cb=3Dc,r=" NONCE, "" },
	{ "another escape", "SCRAM-SHA-256", "n,,n=a=2cb,r=" NONCE, true, SASL_BAD, "", "", "", "" },
	{ "half an escape", "SCRAM-SHA-256", "n,,n=a=2,r=" NONCE, true, SASL_BAD, "", "", "", "" },
	{ "an extension behind", "SCRAM-SHA-256", "n,,n=u,r=" NONCE ",x=y", true, SASL_VERIFY, "", "u", "n=u,r=" NONCE ",x=y", "" },
	{ "one that must be understood", "SCRAM-SHA-256", "n,,m=x,n=u,r=" NONCE, true, SASL_BAD, "", "", "", "" },
	{ "y where -PLUS is not offered", "SCRAM-SHA-256", "y,,n=u,r=" NONCE, false, SASL_VERIFY, "", "u", "n=u,r=" NONCE, "" },
	{ "y where it is", "SCRAM-SHA-256", "y,,n=u,r=" NONCE, true, SASL_REFUSED, "", "", "", "" },
	{ "bound without -PLUS", "SCRAM-SHA-256", "p=tls-exporter,,n=u,r=" NONCE, true, SASL_BAD, "", "", "", "" },
	{ "by tls-exporter", "SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=u,r=" NONCE, true, SASL_VERIFY, "", "u", "n=u,r=" NONCE,
	  "tls-exporter" },
	{ "by tls-server-end-point", "scram-sha-1-plus", "p=tls-server-end-point,,n=u,r=" NONCE, true, SASL_VERIFY, "", "u",
	  "n=u,r=" NONCE, "tls-server-end-point" },
	{ "by something else", "SCRAM-SHA-256-PLUS", "p=tls-other,,n=u,r=" NONCE, true, SASL_REFUSED, "", "", "", "" },
	{ "-PLUS unbound", "SCRAM-SHA-256-PLUS", "n,,n=u,r=" NONCE, true, SASL_BAD, "", "", "", "" },
	{ "-PLUS, and y", "SCRAM-SHA-256-PLUS", "y,,n=u,r=" NONCE, true, SASL_BAD, "", "", "", "" },
	{ "no flag", "SCRAM-SHA-256", ",,n=u,r=" NONCE, true, SASL_BAD, "", "", "", "" },
	{ "no user", "SCRAM-SHA-256", "n,,n=,r=" NONCE, true, SASL_BAD, "", "", "", "" },
	{ "no nonce", "SCRAM-SHA-256", "n,,n=u", true, SASL_BAD, "", "", "", "" },
	{ "a nonce of 7 bytes", "SCRAM-SHA-256", "n,,n=u,r=1234567", true, SASL_BAD, "", "", "", "" },
	{ "a nonce of 256 bytes", "SCRAM-SHA-256", "n,,n=u,r=" X256, true, SASL_VERIFY, "", "u", "n=u,r=" X256, "" },
	{ "a nonce of 257 bytes", "SCRAM-SHA-256", "n,,n=u,r=y" X256, true, SASL_BAD, "", "", "", "" },
	{ "a blank in it", "SCRAM-SHA-256", "n,,n=u,r=1234 5678", true, SASL_BAD, "", "", "", "" },
	{ "a user of 320 bytes", "SCRAM-SHA-256", "n,,n=" X256 X64 ",r=" NONCE, true, SASL_VERIFY, "", X256 X64,
	  "n=" X256 X64 ",r=" NONCE, "" },
	{ "a user of 321 bytes", "SCRAM-SHA-256", "n,,n=y" X256 X64 ",r=" NONCE, true, SASL_BAD, "", "", "", "" },
	{ "no UTF-8", "SCRAM-SHA-256", "n,,n=\xff,r=" NONCE, true, SASL_BAD, "", "", "", "" },
	{ "an authzid without its name", "SCRAM-SHA-256", "n,boss,n=u,r=" NONCE, true, SASL_BAD, "", "", "", "" },
	{ "nothing", "SCRAM-SHA-256", "", true, SASL_BAD, "", "", "", "" },
};

static struct sasl *begin(const char *mechanism, bool offered)
{
	struct sasl *s;

	assert_int_equal(sasl_new(&s, span_of(mechanism), NULL), 0);
	if (offered)
		sasl_binding_offered(s);
	return s;
}

static void test_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		struct sasl *s = begin(firsts[i].mechanism, firsts[i].offered);
		const struct sasl_credentials *c = sasl_credentials(s);
		struct span out;

		unit_case(firsts[i].why, 0);
		assert_int_equal(sasl_start(s, span_of(firsts[i].message), &out), firsts[i].want);
		assert_int_equal(*sasl_trouble(s) != '\0', firsts[i].want == SASL_REFUSED);
		if (firsts[i].want == SASL_VERIFY) {
			unit_is(c->user.p, c->user.n, firsts[i].user);
			unit_is(c->authzid.p, c->authzid.n, firsts[i].authzid);
			unit_is(c->scram->bare.p, c->scram->bare.n, firsts[i].bare);
			assert_string_equal(c->scram->binding, firsts[i].binding);
			assert_int_equal(c->scram->proof.n, 0);
		}
		assert_int_equal(sasl_step(s, span_of(""), &out), SASL_BAD);	/* nobody was asked */
		sasl_free(s);
	}
}

/* No beginning of a good message is one, until the nonce is long enough. */
static void test_cut(void **state)
{
	static const char whole[] = "n,a=b,n=u,r=" NONCE;

	(void)state;
	for (size_t cut = 0; cut < sizeof(whole); cut++) {
		struct sasl *s = begin("SCRAM-SHA-256", false);
		struct span out;

		unit_case(whole, cut);
		assert_int_equal(sasl_start(s, (struct span){ (const uint8_t *)whole, cut }, &out),
				 cut < sizeof("n,a=b,n=u,r=") - 1 + 8 ? SASL_BAD : SASL_VERIFY);
		sasl_free(s);
	}
}

#define SERVER "r=" NONCE "3rfc,s=QSXCR+Q6sek8bf92,i=4096"
#define FULL "r=" NONCE "3rfc"

static const struct {
	const char *why, *mechanism, *first, *last;
	enum sasl_status want;
	const char *out, *bound, *final;
} lasts[] = {
	{ "RFC 5802 5", "SCRAM-SHA-1", "n,,n=user,r=" NONCE, "c=biws," FULL ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SASL_VERIFY, "", "",
	  "c=biws," FULL },
	{ "with an extension", "SCRAM-SHA-1", "n,,n=user,r=" NONCE, "c=biws," FULL ",x=y,p=AAAA", SASL_VERIFY, "", "",
	  "c=biws," FULL ",x=y" },
	{ "bound to abc", "SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=u,r=" NONCE,
	  "c=cD10bHMtZXhwb3J0ZXIsLGFiYw==," FULL ",p=AAAA", SASL_VERIFY, "", "abc", "c=cD10bHMtZXhwb3J0ZXIsLGFiYw==," FULL },
	{ "-PLUS bound to nothing", "SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=u,r=" NONCE, "c=cD10bHMtZXhwb3J0ZXIsLA==," FULL ",p=AAAA",
	  SASL_CHALLENGE, "e=channel-bindings-dont-match", "", "" },
	{ "another flag than at first", "SCRAM-SHA-256", "n,,n=u,r=" NONCE, "c=eSws," FULL ",p=AAAA", SASL_CHALLENGE,
	  "e=channel-bindings-dont-match", "", "" },
	{ "bound, though it is not", "SCRAM-SHA-256", "n,,n=u,r=" NONCE, "c=biwsYWJj," FULL ",p=AAAA", SASL_CHALLENGE,
	  "e=channel-bindings-dont-match", "", "" },
	{ "the client's nonce alone", "SCRAM-SHA-256", "n,,n=u,r=" NONCE, "c=biws,r=" NONCE ",p=AAAA", SASL_CHALLENGE, "e=other-error",
	  "", "" },
	{ "another nonce", "SCRAM-SHA-256", "n,,n=u,r=" NONCE, "c=biws," FULL "x,p=AAAA", SASL_CHALLENGE, "e=other-error", "", "" },
	{ "no proof", "SCRAM-SHA-256", "n,,n=u,r=" NONCE, "c=biws," FULL, SASL_BAD, "", "", "" },
	{ "an empty one", "SCRAM-SHA-256", "n,,n=u,r=" NONCE, "c=biws," FULL ",p=", SASL_BAD, "", "", "" },
	{ "one that is not base64", "SCRAM-SHA-256", "n,,n=u,r=" NONCE, "c=biws," FULL ",p=AAA", SASL_BAD, "", "", "" },
	{ "not at the end", "SCRAM-SHA-256", "n,,n=u,r=" NONCE, "c=biws," FULL ",p=AAAA,x=y", SASL_BAD, "", "", "" },
	{ "no binding", "SCRAM-SHA-256", "n,,n=u,r=" NONCE, FULL ",p=AAAA", SASL_BAD, "", "", "" },
	{ "nothing", "SCRAM-SHA-256", "n,,n=u,r=" NONCE, "", SASL_BAD, "", "", "" },
};

static void test_last(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lasts) / sizeof(lasts[0]); i++) {
		struct sasl *s = begin(lasts[i].mechanism, true);
		const struct sasl_scram *c;
		struct span out;

		unit_case(lasts[i].why, 0);
		assert_int_equal(sasl_start(s, span_of(lasts[i].first), &out), SASL_VERIFY);
		c = sasl_credentials(s)->scram;
		assert_false(sasl_told(s, &out));
		sasl_tell(s, span_of(SERVER));
		assert_true(sasl_told(s, &out));
		unit_is(out.p, out.n, SERVER);
		assert_false(sasl_told(s, &out));
		assert_int_equal(sasl_step(s, span_of(lasts[i].last), &out), lasts[i].want);
		unit_is(out.p, out.n, lasts[i].out);
		if (lasts[i].want == SASL_VERIFY) {
			unit_is(c->bound.p, c->bound.n, lasts[i].bound);
			unit_is(c->final.p, c->final.n, lasts[i].final);
			assert_true(c->proof.n > 0);
			assert_false(sasl_told(s, &out));	/* not the challenge again */
			sasl_tell(s, span_of("v=x"));
			assert_true(sasl_told(s, &out));
		}
		assert_int_equal(sasl_step(s, span_of(""), &out), lasts[i].want == SASL_BAD ? SASL_BAD : SASL_HEARD);
		assert_int_equal(sasl_step(s, span_of(""), &out), SASL_BAD);
		sasl_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_first), cmocka_unit_test(test_cut), cmocka_unit_test(test_last) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "scram_server");
}
