/* test_exchange.c - base64 around a mechanism, and what a port offers when.
 * link: sasl/exchange.o sasl/sasl.o sasl/plain.o sasl/login.o
 * link: common/base/base64.o common/base/buf.o common/base/span.o common/base/error.o common/base/arena.o common/base/utf8.o */
#include "tests/unit/unit.h"

#include "sasl/exchange.h"

static const struct {
	const char *why, *clear;
	bool tls, require_tls;
	const char *name;
	bool allowed;
} offers[] = {
	{ "TLS is up", "none", true, true, "PLAIN", true },
	{ "before TLS", "none", false, true, "PLAIN", false },
	{ "no TLS wanted, but nothing listed", "none", false, false, "PLAIN", false },
	{ "no TLS wanted, and listed", "PLAIN,USER", false, false, "PLAIN", true },
	{ "a command counts as a mechanism", "PLAIN,USER", false, false, "USER", true },
	{ "listed, but TLS is required", "PLAIN", false, true, "PLAIN", false },
	{ "not the one that is listed", "PLAIN", false, false, "LOGIN", false },
};

static void test_offers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		struct sasl_offer o = { "PLAIN,LOGIN", offers[i].clear, offers[i].tls, offers[i].require_tls, false };

		unit_case(offers[i].why, 0);
		assert_int_equal(sasl_offer_allows(&o, span_of(offers[i].name)), offers[i].allowed);
	}
}

static void test_order(void **state)
{
	struct sasl_offer o = { "LOGIN, PLAIN,FOO", "none", true, true, false };
	struct span name;

	(void)state;
	assert_true(sasl_offer_mechanism(&o, 0, &name) && span_is(name, "LOGIN"));
	assert_true(sasl_offer_mechanism(&o, 1, &name) && span_is(name, "PLAIN"));
	assert_false(sasl_offer_mechanism(&o, 2, &name));
}

static void test_exchanges(void **state)
{
	struct exchange x = { 0 };
	struct span out, none = { NULL, 0 };

	(void)state;
	assert_int_equal(exchange_start(&x, span_of("login"), none, &out), EXCHANGE_CHALLENGE);
	unit_is(out.p, out.n, "VXNlcm5hbWU6");
	assert_int_equal(exchange_line(&x, span_of("dXNlcg=="), &out), EXCHANGE_CHALLENGE);
	unit_is(out.p, out.n, "UGFzc3dvcmQ6");
	assert_int_equal(exchange_line(&x, span_of("c2VjcmV0"), &out), EXCHANGE_VERIFY);
	assert_true(span_is(exchange_credentials(&x)->password, "secret"));
	assert_int_equal(exchange_start(&x, span_of("PLAIN"), none, &out), EXCHANGE_CHALLENGE);
	assert_int_equal(out.n, 0);
	assert_int_equal(exchange_line(&x, span_of("*"), &out), EXCHANGE_CANCELLED);
	assert_int_equal(exchange_start(&x, span_of("PLAIN"), span_of("AHVzZXIAc2VjcmV0"), &out), EXCHANGE_VERIFY);
	assert_int_equal(exchange_start(&x, span_of("PLAIN"), span_of("="), &out), EXCHANGE_BAD);
	assert_int_equal(exchange_start(&x, span_of("PLAIN"), span_of("?"), &out), EXCHANGE_BAD);
	assert_int_equal(exchange_start(&x, span_of("X"), none, &out), EXCHANGE_UNKNOWN);
	exchange_clear(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_offers), cmocka_unit_test(test_order),
					    cmocka_unit_test(test_exchanges) };

	return unit_run(tests, 3, "exchange");
}
