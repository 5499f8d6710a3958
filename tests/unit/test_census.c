/* test_census.c - hours roll off, the last clients are kept, and what is written is read again.
 * link: common/tls common/base */
#include "tests/unit/unit.h"

#include "common/tls/cause.h"
#include "common/tls/census.h"

enum { HOUR = 3600 };

static const int64_t noon = INT64_C(1795262400);

static unsigned cause(const char *name)
{
	size_t number = tls_cause_find(span_of(name));

	assert_true(number < tls_cause_count());
	return (unsigned)number;
}

static void check(const struct census *c, int64_t now_s, const char *counts, const char *clients)
{
	struct buf out;

	buf_init(&out, 65536);
	census_write(c, "127.0.0.1:993", now_s, &out);
	unit_is(out.p, out.n, counts);
	buf_reset(&out);
	census_write_clients(c, "127.0.0.1:993", now_s, &out);
	unit_is(out.p, out.n, clients);
	buf_clear(&out);
}

static void test_counts(void **state)
{
	struct census *c;

	(void)state;
	assert_int_equal(census_new(&c, NULL), 0);
	check(c, noon, "", "");
	census_success(c, "TLSv1.3", false, noon);
	census_success(c, "TLSv1.3", true, noon + 1);
	census_success(c, "TLSv1", false, noon + 2);
	census_success(c, "SSLv3", false, noon + 2);
	census_success(c, "", false, noon + 2);
	census_failure(c, cause("probe-or-scan"), noon);
	census_failure(c, cause("version-too-old"), noon);
	census_failure(c, cause("version-too-old"), noon + HOUR);
	census_failure(c, (unsigned)tls_cause_count(), noon);	/* is none */
	check(c, noon + HOUR,
	      "handshakes 127.0.0.1:993 TLSv1 1 0\nhandshakes 127.0.0.1:993 TLSv1.3 2 1\n"
	      "failures 127.0.0.1:993 version-too-old 2\nfailures 127.0.0.1:993 probe-or-scan 1\n",
	      "");
	census_free(c);
	census_free(NULL);
}

/* Numbers that share a name are told as one. */
static void test_shared_names(void **state)
{
	unsigned last = cause("no-common-cipher"), others = 0;
	struct census *c;
	char want[100];

	(void)state;
	assert_int_equal(census_new(&c, NULL), 0);
	for (unsigned i = 0; i <= last; i++)
		if (strcmp(tls_cause_at(i)->name, "no-common-cipher") == 0) {
			census_failure(c, i, noon);
			others++;
		}
	assert_true(others > 1);
	snprintf(want, sizeof(want), "failures 127.0.0.1:993 no-common-cipher %u\n", others);
	check(c, noon, want, "");
	census_free(c);
}

static void test_hours_roll_off(void **state)
{
	static const struct {
		const char *why;
		int64_t after_s;
		const char *counts;
	} rows[] = {
		{ "at once", 0, "handshakes 127.0.0.1:993 TLSv1.2 1 0\nfailures 127.0.0.1:993 probe-or-scan 1\n" },
		{ "nearly a day later", 24 * HOUR - 1,
		  "handshakes 127.0.0.1:993 TLSv1.2 1 0\nfailures 127.0.0.1:993 probe-or-scan 1\n" },
		{ "within its 25th hour", 25 * HOUR - 1,
		  "handshakes 127.0.0.1:993 TLSv1.2 1 0\nfailures 127.0.0.1:993 probe-or-scan 1\n" },
		{ "after it", 25 * HOUR, "" },
		{ "a year later", INT64_C(365) * 24 * HOUR, "" },
		{ "the clock went back", -2 * HOUR, "" },
	};
	struct census *c;

	(void)state;
	assert_int_equal(census_new(&c, NULL), 0);
	census_success(c, "TLSv1.2", false, noon);
	census_failure(c, cause("probe-or-scan"), noon);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, i);
		check(c, noon + rows[i].after_s, rows[i].counts, "");
	}
	/* The bucket is used again: what it held is gone. */
	census_success(c, "TLSv1.3", false, noon + 25 * HOUR);
	check(c, noon + 25 * HOUR, "handshakes 127.0.0.1:993 TLSv1.3 1 0\n", "");
	census_success(c, "TLSv1.3", false, -5);
	census_free(c);
}

static void test_two_days(void **state)
{
	struct census *c;

	(void)state;
	assert_int_equal(census_new(&c, NULL), 0);
	for (int64_t at = 0; at < 48; at++)
		census_success(c, "TLSv1.3", at % 2 == 0, noon + at * HOUR);
	check(c, noon + 47 * HOUR, "handshakes 127.0.0.1:993 TLSv1.3 25 12\n", "");
	census_free(c);
}

static void test_clients(void **state)
{
	char who[32], lines[1024] = "";
	struct census *c;

	(void)state;
	assert_int_equal(census_new(&c, NULL), 0);
	census_client(c, "TLSv1", "old@example.org", noon);
	census_client(c, "TLSv1", "192.0.2.7", noon + 5);
	census_client(c, "TLSv1", "old@example.org", noon + 9);
	census_client(c, "TLSv1.3", "a\nb@example.org", noon + 1);
	census_client(c, "TLSv1.3", "", noon + 1);
	census_client(c, "none", "x", noon + 1);
	check(c, noon + 9, "",
	      "client 127.0.0.1:993 TLSv1 1795262409 old@example.org\n"
	      "client 127.0.0.1:993 TLSv1 1795262405 192.0.2.7\n"
	      "client 127.0.0.1:993 TLSv1.3 1795262401 a?b@example.org\n");
	check(c, noon + 24 * HOUR + 7, "", "client 127.0.0.1:993 TLSv1 1795262409 old@example.org\n");
	for (int i = 0; i < CENSUS_CLIENTS + 3; i++) {
		snprintf(who, sizeof(who), "user%d@example.org", i);
		census_client(c, "TLSv1", who, noon + 24 * HOUR + 100 + i);
	}
	for (int i = CENSUS_CLIENTS + 2; i > 2; i--)
		snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines),
			 "client 127.0.0.1:993 TLSv1 %lld user%d@example.org\n", (long long)noon + 24 * HOUR + 100 + i, i);
	check(c, noon + 24 * HOUR + 200, "", lines);
	census_free(c);
}

static void test_long_name(void **state)
{
	char who[CENSUS_CLIENT_NAME + 50];
	struct census_line l;
	struct census *c;
	struct buf out;

	(void)state;
	memset(who, 'w', sizeof(who) - 1);
	who[sizeof(who) - 1] = '\0';
	assert_int_equal(census_new(&c, NULL), 0);
	census_client(c, "TLSv1.2", who, noon);
	buf_init(&out, 4096);
	census_write_clients(c, "*:25", noon, &out);
	assert_true(out.n > 0);
	assert_true(census_read(&l, (struct span){ out.p, out.n - 1 }));
	assert_int_equal(l.who.n, CENSUS_CLIENT_NAME - 1);
	buf_clear(&out);
	census_free(c);
}

/* --- lines ------------------------------------------------------------------ */

static void test_read(void **state)
{
	static const struct {
		const char *line;
		enum census_kind kind;
		const char *listen, *name;
		uint64_t count, resumed;
		const char *who;
	} rows[] = {
		{ "handshakes 127.0.0.1:993 TLSv1.3 12 3", CENSUS_HANDSHAKES, "127.0.0.1:993", "TLSv1.3", 12, 3, "" },
		{ "failures [::1]:465 version-too-old 7", CENSUS_FAILURES, "[::1]:465", "version-too-old", 7, 0, "" },
		{ "client *:143 TLSv1 1795262400 a@example.org", CENSUS_CLIENT, "*:143", "TLSv1", 1795262400, 0,
		  "a@example.org" },
		{ "client *:143 TLSv1 0 \"a b\"@example.org", CENSUS_CLIENT, "*:143", "TLSv1", 0, 0,
		  "\"a b\"@example.org" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct census_line l;

		unit_case(rows[i].line, i);
		assert_true(census_read(&l, span_of(rows[i].line)));
		assert_int_equal(l.kind, rows[i].kind);
		unit_is(l.listen.p, l.listen.n, rows[i].listen);
		unit_is(l.name.p, l.name.n, rows[i].name);
		assert_int_equal(l.count, rows[i].count);
		assert_int_equal(l.resumed, rows[i].resumed);
		unit_is(l.who.p, l.who.n, rows[i].who);
	}
}

static void test_malformed(void **state)
{
	static const char *const rows[] = {
		"", " ", "handshakes", "handshakes ", "handshakes *:993", "handshakes *:993 TLSv1.3",
		"handshakes *:993 TLSv1.3 1", "handshakes *:993 TLSv1.3 1 2", "handshakes *:993 TLSv1.3 2 1 0",
		"handshakes *:993 TLSv1.3 -2 1", "handshakes *:993 TLSv1.3 2 1x", "handshakes  TLSv1.3 2 1",
		"handshakes *:993  2 1", "handshakes *:993 TLSv1.3 99999999999999999999 1",
		"Handshakes *:993 TLSv1.3 2 1", "handshakes *:993 TLS\tv1.3 2 1", "failures *:993 closed",
		"failures *:993 closed x", "failures *:993 closed 1 1", "client *:993 TLSv1.3 5", "client *:993 TLSv1.3 5 ",
		"client *:993 TLSv1.3 a@b.c", "client *:993 TLSv1.3 5 a\033b", "served *:993 00ff", "openssl OpenSSL 3.0.0",
	};
	char line[300];
	struct census_line l;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i], i);
		assert_false(census_read(&l, span_of(rows[i])));
	}
	/* One byte longer than a name can be. */
	snprintf(line, sizeof(line), "client *:993 TLSv1.3 5 %0*d", CENSUS_CLIENT_NAME, 0);
	assert_false(census_read(&l, span_of(line)));
	assert_true(census_read(&l, (struct span){ (const uint8_t *)line, strlen(line) - 1 }));
}

/* Cut anywhere, a line is refused, or a shorter one of its kind. */
static void test_cut(void **state)
{
	static const char line[] = "handshakes 127.0.0.1:993 TLSv1.3 12 10";
	struct census_line l;

	(void)state;
	for (size_t n = 0; n < strlen(line); n++) {
		unit_case("cut", n);
		assert_int_equal(census_read(&l, (struct span){ (const uint8_t *)line, n }), n == strlen(line) - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),	  cmocka_unit_test(test_shared_names),
		cmocka_unit_test(test_hours_roll_off), cmocka_unit_test(test_two_days),
		cmocka_unit_test(test_clients),	  cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_read),	  cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_cut),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "census");
}
