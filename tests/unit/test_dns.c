/* test_dns.c - questions in the loop, against a server of the test's own.
 * link: tests/unit/dns_packet_kit.o tests/unit/dns_kit.o common/dns common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "tests/unit/dns_kit.h"

static const char *const zone[] = {
	"mx.test A 192.0.2.7",
	"d.test MX 10 mx.test",
	"w.test CNAME mx.test",
	"bad.test SERVFAIL",
	"still.test SILENT",
	"long.test TRUNCATED",
	"long.test TXT one|two",
	"xn--mnchen-3ya.test A 192.0.2.8",
	"7.2.0.192.in-addr.arpa PTR mx.test",
	"home.arpa A 192.0.2.9",
	NULL,
};

struct place {
	uv_loop_t loop;
	struct dns_kit *kit;
	struct dns *dns;
	unsigned answers;
	enum dns_status status;
	size_t count;
	char name[DNS_NAME_MAX], words[400];
	bool secure, in_call;
	uint32_t ttl_s;
	uint64_t cancel, again;
};

static void begin(struct place *p, const char *const *lines, const char *anchors)
{
	*p = (struct place){ .answers = 0 };
	uv_loop_init(&p->loop);
	p->kit = dns_kit_new(&p->loop, lines);
	p->dns = dns_kit_resolve(p->kit, &p->loop, anchors);
}

/* The loop must have nothing left: a handle that was lost would hang it. */
static void end(struct place *p)
{
	dns_free(p->dns);
	dns_kit_free(p->kit);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&p->loop), 0);
}

static void on_answer(void *arg, const struct dns_answer *a)
{
	struct place *p = arg;

	assert_false(p->in_call);
	p->answers++;
	p->status = a->status;
	p->count = a->count;
	p->secure = a->secure;
	p->ttl_s = a->ttl_s;
	snprintf(p->name, sizeof(p->name), "%s", a->name);
	snprintf(p->words, sizeof(p->words), "%s", a->words);
}

static uint64_t ask(struct place *p, const char *name, enum dns_type type)
{
	uint64_t number;

	p->in_call = true;
	number = dns_ask(p->dns, name, type, on_answer, p);
	p->in_call = false;
	assert_int_not_equal(number, 0);
	return number;
}

static void wait_for(struct place *p, unsigned answers)
{
	while (p->answers < answers)
		uv_run(&p->loop, UV_RUN_ONCE);
}

static const struct {
	const char *why, *asked;
	enum dns_type type;
	enum dns_status status;
	size_t count;
	const char *name;
} rows[] = {
	{ "an address", "mx.test", DNS_A, DNS_OK, 1, "mx.test" },
	{ "once more, from memory", "MX.test.", DNS_A, DNS_OK, 1, "mx.test" },
	{ "MX", "d.test", DNS_MX, DNS_OK, 1, "d.test" },
	{ "no such record", "mx.test", DNS_AAAA, DNS_NO_DATA, 0, "mx.test" },
	{ "no such name", "gone.test", DNS_A, DNS_NO_NAME, 0, "gone.test" },
	{ "behind a CNAME", "w.test", DNS_A, DNS_OK, 1, "mx.test" },
	{ "a server that fails", "bad.test", DNS_A, DNS_FAILED, 0, "bad.test" },
	{ "over TCP", "long.test", DNS_TXT, DNS_OK, 1, "long.test" },
	{ "as people write it", "M\xc3\xbcnchen.test", DNS_A, DNS_OK, 1, "xn--mnchen-3ya.test" },
	{ "a private address's name", "7.2.0.192.in-addr.arpa", DNS_PTR, DNS_OK, 1,
	  "7.2.0.192.in-addr.arpa" },
	{ "the network's own names", "home.arpa", DNS_A, DNS_OK, 1, "home.arpa" },
	{ "no name", "a..b", DNS_A, DNS_INVALID, 0, "" },
	{ "localhost without a server", "localhost", DNS_A, DNS_OK, 1, "localhost" },
};

static void test_rows(void **state)
{
	struct place p;

	(void)state;
	begin(&p, zone, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_case(rows[i].why, 0);
		ask(&p, rows[i].asked, rows[i].type);
		wait_for(&p, (unsigned)i + 1);
		assert_int_equal(p.status, rows[i].status);
		assert_int_equal(p.count, rows[i].count);
		assert_string_equal(p.name, rows[i].name);
		assert_false(p.secure && p.status != DNS_OK);
		assert_int_equal(*p.words == '\0', p.status == DNS_OK);
	}
	assert_int_equal(dns_kit_asked_tcp(p.kit), 1);
	end(&p);
}

/* Without DNSSEC from the resolver nothing below an anchor is believed; what is above none is. */
static void test_anchor(void **state)
{
	struct place p;

	(void)state;
	begin(&p, zone,
	      "test. IN DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000\n");
	ask(&p, "mx.test", DNS_A);
	wait_for(&p, 1);
	assert_int_equal(p.status, DNS_BOGUS);
	assert_false(p.secure);
	assert_memory_equal(p.words, "DNSSEC: ", 8);
	ask(&p, "7.2.0.192.in-addr.arpa", DNS_PTR);
	wait_for(&p, 2);
	assert_int_equal(p.status, DNS_OK);
	end(&p);
}

/* The root's own anchors, and a resolver that keeps DNSSEC back: nothing is forged, but all must wait. */
static void test_stripped(void **state)
{
	static const char *const lines[] = { "mx.example A 192.0.2.7", NULL };
	struct place p;

	(void)state;
	begin(&p, lines, "");
	ask(&p, "mx.example", DNS_A);
	wait_for(&p, 1);
	assert_int_equal(p.status, DNS_FAILED);
	assert_non_null(strstr(p.words, "set Resolver"));
	end(&p);
}

static void test_cancel(void **state)
{
	uint64_t first, second;
	struct place p;

	(void)state;
	begin(&p, zone, NULL);
	first = ask(&p, "mx.test", DNS_A);
	second = ask(&p, "d.test", DNS_MX);
	assert_int_not_equal(first, second);
	dns_cancel(p.dns, first);
	dns_cancel(p.dns, first);
	dns_cancel(p.dns, 0);
	wait_for(&p, 1);
	assert_string_equal(p.name, "d.test");
	dns_cancel(p.dns, second);      /* long over */
	first = ask(&p, "a..b", DNS_A); /* ready at once */
	dns_cancel(p.dns, first);
	ask(&p, "mx.test", DNS_A);
	wait_for(&p, 2);
	assert_int_equal(p.answers, 2);
	end(&p);
}

static void on_free(void *arg, const struct dns_answer *a)
{
	struct place *p = arg;

	dns_free(p->dns);
	p->dns = NULL;
	p->answers++;
	p->count = strlen(a->name) + strlen(a->words) + a->records[0].address[0]; /* still lent */
}

/* A callback may free all of it, with questions open and others ready. */
static void test_free_inside(void **state)
{
	struct place p;

	(void)state;
	begin(&p, zone, NULL);
	dns_ask(p.dns, "mx.test", DNS_A, on_free, &p);
	dns_ask(p.dns, "mx.test", DNS_A, on_free, &p);
	ask(&p, "still.test", DNS_A);
	wait_for(&p, 1);
	end(&p);
	assert_int_equal(p.answers, 1);
	assert_int_equal(p.count, 7 + 0 + 192);
}

static void on_cancel(void *arg, const struct dns_answer *a)
{
	struct place *p = arg;

	(void)a;
	p->answers++;
	dns_cancel(p->dns, p->cancel);
	p->again = dns_ask(p->dns, "d.test", DNS_MX, on_answer, p);
}

static void test_cancel_inside(void **state)
{
	struct place p;

	(void)state;
	begin(&p, zone, NULL);
	dns_ask(p.dns, "a..b", DNS_A, on_cancel, &p);
	p.cancel = dns_ask(p.dns, "..", DNS_A, on_answer, &p); /* ready in the same turn */
	wait_for(&p, 2);
	assert_int_equal(p.answers, 2);
	assert_string_equal(p.name, "d.test");
	end(&p);
}

static void test_freed_with_open(void **state)
{
	struct place p;

	(void)state;
	begin(&p, zone, NULL);
	for (unsigned i = 0; i < 100; i++) {
		ask(&p, "still.test", DNS_A + (i & 1) * (DNS_MX - DNS_A));
		uv_run(&p.loop, UV_RUN_NOWAIT);
	}
	end(&p);
	assert_int_equal(p.answers, 0);
}

/* DNS_OPEN questions at once, each for a name of its own; then no more. */
static void test_many(void **state)
{
	struct place p;
	char name[64];

	(void)state;
	begin(&p, zone, NULL);
	for (unsigned i = 0; i < DNS_OPEN; i++) {
		snprintf(name, sizeof(name), "n%u.test", i);
		ask(&p, name, DNS_A);
	}
	assert_int_equal(dns_ask(p.dns, "mx.test", DNS_A, on_answer, &p), 0);
	wait_for(&p, DNS_OPEN);
	assert_int_equal(p.status, DNS_NO_NAME);
	ask(&p, "mx.test", DNS_A);
	wait_for(&p, DNS_OPEN + 1);
	assert_int_equal(p.status, DNS_OK);
	end(&p);
}

static void test_options(void **state)
{
	static const struct {
		const char *server, *anchors;
		bool good;
	} o[] = {
		{ "127.0.0.1", NULL, true },
		{ "127.0.0.1:5353", NULL, true },
		{ "[::1]:5353", NULL, true },
		{ "2001:db8::1", NULL, true },
		{ "[2001:db8::1]", NULL, true },
		{ "resolver.example", NULL, false },
		{ "127.0.0.1:0", NULL, false },
		{ "127.0.0.1:65536", NULL, false },
		{ "[::1]x", NULL, false },
		{ "", NULL, false },
		{ "127.0.0.1", "not an anchor\n", false },
		{ "127.0.0.1",
		  "; a comment\r\n\r\n. IN DS 20326 8 2 "
		  "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D ; why\n",
		  true },
	};
	uv_loop_t loop;

	(void)state;
	uv_loop_init(&loop);
	for (size_t i = 0; i < sizeof(o) / sizeof(o[0]); i++) {
		struct dns_options opt = { &o[i].server, 1, false, span_of(o[i].anchors) };
		struct error err = { .words = "" };
		struct dns *d;
		int code = dns_new(&d, &loop, &opt, &err);

		unit_case(o[i].server, i);
		assert_int_equal(code == 0, o[i].good);
		assert_int_equal(*err.words != '\0', !o[i].good);
		dns_free(d);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void quiet(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_anchor),
		cmocka_unit_test(test_stripped),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_free_inside),
		cmocka_unit_test(test_cancel_inside),
		cmocka_unit_test(test_freed_with_open),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_options),
	};

	log_to_function(quiet, NULL);
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "dns");
}
