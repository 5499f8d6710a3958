/* test_exchange.c - base64 around a mechanism, and what a port offers when.
 * link: sasl common/base */
#include "tests/unit/unit.h"

#include "sasl/exchange.h"
#include "sasl/scram_keys.h"

static const struct sasl_offer offer = { "SCRAM-SHA-256-PLUS,SCRAM-SHA-256,PLAIN,LOGIN,EXTERNAL", "none", true, true, true,
					 1u << SCRAM_SHA_256 };

static const struct {
	const char *why, *clear;
	bool tls, require_tls, certificate;
	const char *name;
	bool allowed;
} offers[] = {
	{ "TLS is up", "none", true, true, false, "PLAIN", true },
	{ "before TLS", "none", false, true, false, "PLAIN", false },
	{ "no TLS wanted, but nothing listed", "none", false, false, false, "PLAIN", false },
	{ "no TLS wanted, and listed", "PLAIN,USER", false, false, false, "PLAIN", true },
	{ "a command counts as a mechanism", "PLAIN,USER", false, false, false, "USER", true },
	{ "listed, but TLS is required", "PLAIN", false, true, false, "PLAIN", false },
	{ "not the one that is listed", "PLAIN", false, false, false, "LOGIN", false },
	{ "EXTERNAL with a certificate", "none", true, true, true, "EXTERNAL", true },
	{ "its name in lower case", "none", true, true, true, "external", true },
	{ "EXTERNAL without a certificate", "none", true, false, false, "EXTERNAL", false },
	{ "EXTERNAL in clear, though listed", "EXTERNAL", false, false, false, "EXTERNAL", false },
	{ "EXTERNAL in clear with a certificate, which can't be", "EXTERNAL", false, false, true, "EXTERNAL", false },
	{ "a certificate allows nothing else in clear", "none", false, false, true, "PLAIN", false },
};

static void test_offers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		struct sasl_offer o = { "PLAIN,LOGIN,EXTERNAL", offers[i].clear, offers[i].tls, offers[i].require_tls,
					offers[i].certificate, 0 };

		unit_case(offers[i].why, 0);
		assert_int_equal(sasl_offer_allows(&o, span_of(offers[i].name)), offers[i].allowed);
	}
}

static void test_order(void **state)
{
	struct sasl_offer o = { "LOGIN, EXTERNAL, PLAIN,FOO", "none", true, true, false, 0 };
	struct span name;

	(void)state;
	assert_true(sasl_offer_mechanism(&o, 0, &name) && span_is(name, "LOGIN"));
	assert_true(sasl_offer_mechanism(&o, 1, &name) && span_is(name, "PLAIN"));
	assert_false(sasl_offer_mechanism(&o, 2, &name));
	o.certificate = true;
	assert_true(sasl_offer_mechanism(&o, 1, &name) && span_is(name, "EXTERNAL"));
	assert_true(sasl_offer_mechanism(&o, 2, &name) && span_is(name, "PLAIN"));
	assert_false(sasl_offer_mechanism(&o, 3, &name));
}

static const struct {
	const char *why, *clear;
	bool tls;
	unsigned hashes;
	const char *name;
	enum sasl_may want;
} scrams[] = {
	{ "keys are there", "none", true, 1u << SCRAM_SHA_256, "SCRAM-SHA-256", SASL_MAY },
	{ "bound", "none", true, 1u << SCRAM_SHA_256, "scram-sha-256-plus", SASL_MAY },
	{ "no keys are", "none", true, 0, "SCRAM-SHA-256", SASL_NOT_OFFERED },
	{ "those of another hash", "none", true, 1u << SCRAM_SHA_1, "SCRAM-SHA-256-PLUS", SASL_NOT_OFFERED },
	{ "in clear", "none", false, 1u << SCRAM_SHA_256, "SCRAM-SHA-256", SASL_NOT_IN_CLEAR },
	{ "in clear, as it may", "SCRAM-SHA-256", false, 1u << SCRAM_SHA_256, "SCRAM-SHA-256", SASL_MAY },
	{ "bound in clear, though listed", "SCRAM-SHA-256-PLUS", false, 1u << SCRAM_SHA_256, "SCRAM-SHA-256-PLUS",
	  SASL_NOT_IN_CLEAR },
};

static void test_scram_offers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scrams) / sizeof(scrams[0]); i++) {
		struct sasl_offer o = { "SCRAM-SHA-256-PLUS,SCRAM-SHA-256,PLAIN", scrams[i].clear, scrams[i].tls, false, false,
					scrams[i].hashes };

		unit_case(scrams[i].why, 0);
		assert_int_equal(sasl_offer_may(&o, span_of(scrams[i].name)), scrams[i].want);
	}
}

/* RFC 4422 A: an empty name is as good as one, in the command and behind the challenge. */
static void test_external(void **state)
{
	struct exchange x = { 0 };
	struct span out, none = { NULL, 0 };

	(void)state;
	assert_int_equal(exchange_start(&x, &offer, span_of("EXTERNAL"), span_of("="), &out), EXCHANGE_VERIFY);
	assert_int_equal(exchange_credentials(&x)->authzid.n, 0);
	assert_int_equal(exchange_start(&x, &offer, span_of("EXTERNAL"), span_of("ZnJlZEBleGFtcGxlLmNvbQ=="), &out),
			 EXCHANGE_VERIFY);
	assert_true(span_is(exchange_credentials(&x)->authzid, "fred@example.com"));
	assert_int_equal(exchange_start(&x, &offer, span_of("EXTERNAL"), none, &out), EXCHANGE_CHALLENGE);
	assert_int_equal(out.n, 0);
	assert_int_equal(exchange_line(&x, span_of(""), &out), EXCHANGE_VERIFY);
	assert_int_equal(exchange_credentials(&x)->authzid.n, 0);
	assert_int_equal(exchange_start(&x, &offer, span_of("EXTERNAL"), none, &out), EXCHANGE_CHALLENGE);
	assert_int_equal(exchange_line(&x, span_of("*"), &out), EXCHANGE_CANCELLED);
	assert_int_equal(exchange_start(&x, &offer, span_of("EXTERNAL"), span_of("AA=="), &out), EXCHANGE_BAD);
	exchange_clear(&x);
}

static void test_exchanges(void **state)
{
	struct exchange x = { 0 };
	struct span out, none = { NULL, 0 };

	(void)state;
	assert_int_equal(exchange_start(&x, &offer, span_of("login"), none, &out), EXCHANGE_CHALLENGE);
	unit_is(out.p, out.n, "VXNlcm5hbWU6");
	assert_int_equal(exchange_line(&x, span_of("dXNlcg=="), &out), EXCHANGE_CHALLENGE);
	unit_is(out.p, out.n, "UGFzc3dvcmQ6");
	assert_int_equal(exchange_line(&x, span_of("c2VjcmV0"), &out), EXCHANGE_VERIFY);
	assert_true(span_is(exchange_credentials(&x)->password, "secret"));
	assert_int_equal(exchange_start(&x, &offer, span_of("PLAIN"), none, &out), EXCHANGE_CHALLENGE);
	assert_int_equal(out.n, 0);
	assert_int_equal(exchange_line(&x, span_of("*"), &out), EXCHANGE_CANCELLED);
	assert_int_equal(exchange_start(&x, &offer, span_of("PLAIN"), span_of("AHVzZXIAc2VjcmV0"), &out), EXCHANGE_VERIFY);
	assert_int_equal(exchange_start(&x, &offer, span_of("PLAIN"), span_of("="), &out), EXCHANGE_BAD);
	assert_int_equal(exchange_start(&x, &offer, span_of("PLAIN"), span_of("?"), &out), EXCHANGE_BAD);
	assert_int_equal(exchange_start(&x, &offer, span_of("X"), none, &out), EXCHANGE_UNKNOWN);
	exchange_clear(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_offers), cmocka_unit_test(test_order), cmocka_unit_test(test_scram_offers),
					    cmocka_unit_test(test_exchanges), cmocka_unit_test(test_external) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "exchange");
}
