/* test_way.c - which hosts take mail for a domain, and where they are; DNS's answers from lines.
 * link: tests/unit/fake_dns.o tests/unit/dns_packet_kit.o deliverd common/dns common/base */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "deliverd/way_rules.h"
#include "tests/unit/dns_kit.h"
#include "tests/unit/fake_dns.h"

enum { LINES = 16 };

static const struct address listens[] = { { "192.0.2.1", 25 }, { "2001:db8::1", 25 }, { "127.0.0.1", 2525 } };
static const struct way_self self = { "mail.here.test", listens, 3 };

struct told {
	unsigned count;
	char text[2000];
	struct way *cancel; /* in the callback: must do nothing */
};

/* --- a domain's hosts ------------------------------------------------------------- */

static void on_hosts(void *arg, const struct way_answer *a)
{
	static const char *const fates[] = { "found", "never", "later" };
	struct told *t = arg;
	size_t n;

	t->count++;
	n = (size_t)snprintf(t->text, sizeof(t->text), "%s%s%s%s%s", fates[a->fate], a->mx ? " mx" : "",
			     a->secure ? " secure" : "", *a->status != '\0' ? " " : "", a->status);
	for (size_t i = 0; i < a->count; i++)
		n += (size_t)snprintf(t->text + n, sizeof(t->text) - n, " %s%s:%u/%u%s",
				      a->hosts[i].literal ? "=" : "", a->hosts[i].name, a->hosts[i].port,
				      a->hosts[i].preference, a->hosts[i].secure ? "+" : "");
	assert_int_equal(a->fate == WAY_FOUND, a->count > 0);
	assert_int_equal(a->fate == WAY_FOUND, a->words[0] == '\0');
	way_cancel(t->cancel);
}

static const struct {
	const char *why, *domain, *lines[LINES], *want;
} finds[] = {
	{ "MX by preference",
	  "d.test",
	  { "-d.test MX 20 b.test", "-d.test MX 10 a.test", "-d.test MX 30 c.test" },
	  "found mx a.test:25/10 b.test:25/20 c.test:25/30" },
	{ "proved", "d.test", { "+d.test MX 10 a.test" }, "found mx secure a.test:25/10+" },
	{ "one host twice: the better preference",
	  "d.test",
	  { "-d.test MX 20 a.test", "-d.test MX 5 A.test" },
	  "found mx a.test:25/5" },
	{ "behind a CNAME",
	  "d.test",
	  { "+d.test CNAME e.test", "+e.test MX 10 a.test" },
	  "found mx secure a.test:25/10+" },
	{ "a CNAME that is not proved",
	  "d.test",
	  { "-d.test CNAME e.test", "+e.test MX 10 a.test" },
	  "found mx a.test:25/10" },
	{ "without MX the domain itself", "d.test", { "-d.test A 192.0.2.7" }, "found d.test:25/0" },
	{ "that there is none is proved", "d.test", { "+d.test A 192.0.2.7" }, "found secure d.test:25/0+" },
	{ "no such domain", "gone.test", { NULL }, "never 5.1.2" },
	{ "a null MX", "d.test", { "-d.test MX 0 ." }, "never 5.1.10" },
	{ "a null MX of any preference", "d.test", { "-d.test MX 10 ." }, "never 5.1.10" },
	{ "beside others it says nothing",
	  "d.test",
	  { "-d.test MX 0 .", "-d.test MX 10 a.test" },
	  "found mx a.test:25/10" },
	{ "two of them", "d.test", { "-d.test MX 0 .", "-d.test MX 5 ." }, "never mx 5.1.10" },
	{ "a resolver that fails is no 'no MX'",
	  "d.test",
	  { "-d.test A 192.0.2.7", "-d.test MX FAILED" },
	  "later 4.4.3" },
	{ "nor a forged answer", "d.test", { "-d.test A 192.0.2.7", "-d.test MX BOGUS" }, "later 4.7.0" },
	{ "ourselves and worse ones are left out",
	  "d.test",
	  { "-d.test MX 10 a.test", "-d.test MX 20 Mail.Here.test", "-d.test MX 20 b.test",
	    "-d.test MX 30 c.test" },
	  "found mx a.test:25/10" },
	{ "nobody is left: a loop",
	  "d.test",
	  { "-d.test MX 10 mail.here.test", "-d.test MX 10 a.test", "-d.test MX 20 b.test" },
	  "never mx 5.4.6" },
	{ "our own name without MX", "mail.here.test", { "-mail.here.test A 192.0.2.1" }, "never 5.4.6" },
	{ "no name", "a..b", { NULL }, "never 5.1.2" },
	{ "an IPv4 literal", "[192.0.2.7]", { NULL }, "found secure =192.0.2.7:25/0+" },
	{ "an IPv6 literal", "[IPv6:2001:DB8:0::7]", { NULL }, "found secure =2001:db8::7:25/0+" },
	{ "IPv6 without its tag is none", "[2001:db8::7]", { NULL }, "never secure 5.1.2" },
	{ "IPv4 behind the tag is none", "[IPv6:192.0.2.7]", { NULL }, "never secure 5.1.2" },
	{ "no address behind the tag", "[IPv6:zz:zz]", { NULL }, "never secure 5.1.2" },
	{ "another kind of literal", "[x-net:7]", { NULL }, "never secure 5.1.2" },
	{ "an open bracket", "[192.0.2.7", { NULL }, "never secure 5.1.2" },
	{ "empty brackets", "[]", { NULL }, "never secure 5.1.2" },
};

static void test_finds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
		struct dns *d = fake_dns_new(finds[i].lines);
		struct told t = { .count = 0 };

		unit_case(finds[i].why, 0);
		t.cancel = way_find(d, &self, finds[i].domain, 25, on_hosts, &t);
		assert_non_null(t.cancel);
		assert_int_equal(t.count, 0);
		fake_dns_run(d);
		assert_int_equal(t.count, 1);
		assert_string_equal(t.text, finds[i].want);
		fake_dns_free(d);
	}
}

/* --- the order ---------------------------------------------------------------------- */

static uint32_t numbers[64], number_at;

static uint32_t next_number(uint32_t below)
{
	return numbers[number_at++ % 64] % below;
}

static void choose(const char *const *lines, struct way_choice *out)
{
	static uint8_t packet[65535];
	struct buf memory;
	struct dns_answer a;
	size_t n;

	buf_init(&memory, 256 << 10);
	n = dns_kit_packet(packet, "d.test", DNS_MX, 0, lines);
	assert_int_equal(dns_parse((struct span){ packet, n }, DNS_MX, "d.test", &memory, &a), 0);
	way_choose(&a, &self, "d.test", 25, next_number, out);
	buf_clear(&memory);
}

/* Equal ones come in every order, and never out of their place. */
static void test_shuffle(void **state)
{
	static const char *const lines[] = { "d.test MX 10 a.test",    "d.test MX 10 b.test",
					     "d.test MX 10 c.test",    "d.test MX 5 first.test",
					     "d.test MX 20 last.test", NULL };
	bool seen[3] = { false };

	(void)state;
	srand(7);
	for (int round = 0; round < 60; round++) {
		struct way_choice c;

		for (size_t i = 0; i < 64; i++)
			numbers[i] = (uint32_t)rand();
		choose(lines, &c);
		assert_int_equal(c.count, 5);
		assert_string_equal(c.hosts[0].name, "first.test");
		assert_string_equal(c.hosts[4].name, "last.test");
		seen[c.hosts[1].name[0] - 'a'] = true;
	}
	assert_true(seen[0] && seen[1] && seen[2]);
}

/* More than WAY_HOSTS: the best are kept. */
static void test_many(void **state)
{
	static char text[100][40];
	const char *lines[101] = { NULL };
	struct way_choice c;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text[i], sizeof(text[i]), "d.test MX %u h%u.test", (i * 37) % 100, (i * 37) % 100);
		lines[i] = text[i];
	}
	choose(lines, &c);
	assert_int_equal(c.count, WAY_HOSTS);
	for (unsigned i = 0; i < WAY_HOSTS; i++)
		assert_int_equal(c.hosts[i].preference, i);
}

/* --- a host's addresses ---------------------------------------------------------------- */

static void on_host(void *arg, const struct way_host_answer *a)
{
	static const char *const statuses[] = { "ok", "no-data", "no-name", "failed", "bogus", "invalid" };
	struct told *t = arg;
	size_t n;

	t->count++;
	n = (size_t)snprintf(t->text, sizeof(t->text), "%s%s%s%s%s", statuses[a->status],
			     a->secure ? " secure" : "", a->self ? " self" : "",
			     a->tlsa_there ? " there" : "", a->tlsa_failed ? " failed" : "");
	for (size_t i = 0; i < a->count; i++)
		n += (size_t)snprintf(t->text + n, sizeof(t->text) - n, " %s", a->addresses[i].host);
	for (size_t i = 0; i < a->tlsa_count; i++)
		n += (size_t)snprintf(t->text + n, sizeof(t->text) - n, " %u/%u/%u/%u", a->tlsa[i].usage,
				      a->tlsa[i].selector, a->tlsa[i].matching, (int)a->tlsa[i].data.n);
	if (*a->tlsa_base != '\0')
		snprintf(t->text + n, sizeof(t->text) - n, " at %s", a->tlsa_base);
	assert_int_equal(a->status != DNS_OK || a->tlsa_failed, a->words[0] != '\0');
	way_cancel(t->cancel);
}

#define D32        "1111111111111111111111111111111111111111111111111111111111111111"
#define TLSA(name) "+_25._tcp." name " TLSA 3 1 1 " D32

static const struct {
	const char *why;
	bool secure;                             /* the MX answer was */
	const char *lines[LINES], *want, *asked; /* NULL: not looked at */
} hosts[] = {
	{ "IPv6 and IPv4 in turns",
	  false,
	  { "-mx.test A 192.0.2.7", "-mx.test A 192.0.2.8", "-mx.test AAAA 2001:db8::7",
	    "-mx.test A 192.0.2.9" },
	  "ok 2001:db8::7 192.0.2.7 192.0.2.8 192.0.2.9",
	  "mx.test AAAA, mx.test A, " },
	{ "IPv4 alone", false, { "-mx.test A 192.0.2.7" }, "ok 192.0.2.7", NULL },
	{ "IPv6 alone", false, { "-mx.test AAAA 2001:db8::7" }, "ok 2001:db8::7", NULL },
	{ "IPv4 in IPv6's clothes", false, { "-mx.test AAAA ::ffff:192.0.2.7" }, "ok 192.0.2.7", NULL },
	{ "0.0.0.0 is no address", false, { "-mx.test A 0.0.0.0", "-mx.test AAAA ::" }, "no-data", NULL },
	{ "no address", false, { "-mx.test TXT x" }, "no-data", NULL },
	{ "no such name", false, { NULL }, "no-name", NULL },
	{ "one family fails, the other is there",
	  false,
	  { "-mx.test A 192.0.2.7", "-mx.test AAAA FAILED" },
	  "ok 192.0.2.7",
	  NULL },
	{ "one fails, the other is not there", false, { "-mx.test AAAA FAILED" }, "failed", NULL },
	{ "one is forged, the other is not there", false, { "-mx.test A BOGUS" }, "bogus", NULL },
	{ "ourselves, by address and port",
	  false,
	  { "-mx.test A 192.0.2.7", "-mx.test AAAA 2001:db8:0::1" },
	  "ok self 2001:db8::1 192.0.2.7",
	  NULL },
	{ "loopback is not, where we do not listen",
	  false,
	  { "-mx.test A 127.0.0.1" },
	  "ok 127.0.0.1",
	  NULL },

	{ "TLSA records",
	  true,
	  { "+mx.test A 192.0.2.7", TLSA("mx.test") },
	  "ok secure there 192.0.2.7 3/1/1/32 at mx.test",
	  "mx.test AAAA, mx.test A, _25._tcp.mx.test TLSA, " },
	{ "the MX answer was not proved: they are not asked for",
	  false,
	  { "+mx.test A 192.0.2.7", TLSA("mx.test") },
	  "ok secure 192.0.2.7",
	  "mx.test AAAA, mx.test A, " },
	{ "the addresses are not proved: neither",
	  true,
	  { "-mx.test A 192.0.2.7", TLSA("mx.test") },
	  "ok 192.0.2.7",
	  "mx.test AAAA, mx.test A, " },
	{ "TLSA records that are not proved are none",
	  true,
	  { "+mx.test A 192.0.2.7", "-_25._tcp.mx.test TLSA 3 1 1 " D32 },
	  "ok secure 192.0.2.7",
	  NULL },
	{ "there are none", true, { "+mx.test A 192.0.2.7" }, "ok secure 192.0.2.7", NULL },
	{ "they can't be had: not now",
	  true,
	  { "+mx.test A 192.0.2.7", "-_25._tcp.mx.test TLSA FAILED" },
	  "ok secure failed 192.0.2.7",
	  NULL },
	{ "they are forged: not now",
	  true,
	  { "+mx.test A 192.0.2.7", "-_25._tcp.mx.test TLSA BOGUS" },
	  "ok secure failed 192.0.2.7",
	  NULL },
	{ "one family fails, DANE holds for the other",
	  true,
	  { "+mx.test A 192.0.2.7", "-mx.test AAAA BOGUS", TLSA("mx.test") },
	  "ok secure there 192.0.2.7 3/1/1/32 at mx.test",
	  NULL },
	{ "none that can be used: still TLS is a must",
	  true,
	  { "+mx.test A 192.0.2.7", "+_25._tcp.mx.test TLSA 1 1 1 " D32, "+_25._tcp.mx.test TLSA 0 0 1 " D32,
	    "+_25._tcp.mx.test TLSA 3 1 1 11", "+_25._tcp.mx.test TLSA 3 2 1 " D32,
	    "+_25._tcp.mx.test TLSA 3 1 3 " D32, "+_25._tcp.mx.test TLSA 4 1 1 " D32 },
	  "ok secure there 192.0.2.7 at mx.test",
	  NULL },
	{ "those that can are kept",
	  true,
	  { "+mx.test A 192.0.2.7", "+_25._tcp.mx.test TLSA 1 1 1 " D32,
	    "+_25._tcp.mx.test TLSA 2 0 2 " D32 D32, "+_25._tcp.mx.test TLSA 3 0 0 111213" },
	  "ok secure there 192.0.2.7 2/0/2/64 3/0/0/3 at mx.test",
	  NULL },
	{ "a CNAME: the name behind it first",
	  true,
	  { "+mx.test CNAME real.test", "+real.test A 192.0.2.7", TLSA("real.test"), TLSA("mx.test") },
	  "ok secure there 192.0.2.7 3/1/1/32 at real.test",
	  NULL },
	{ "then the name before it",
	  true,
	  { "+mx.test CNAME real.test", "+real.test A 192.0.2.7", TLSA("mx.test") },
	  "ok secure there 192.0.2.7 3/1/1/32 at mx.test",
	  "mx.test AAAA, mx.test A, _25._tcp.real.test TLSA, _25._tcp.mx.test TLSA, " },
	{ "what is behind it is not proved, but the CNAME is: the name before it",
	  true,
	  { "+mx.test CNAME real.test", "-real.test A 192.0.2.7", TLSA("real.test"), TLSA("mx.test") },
	  "ok there 192.0.2.7 3/1/1/32 at mx.test",
	  "mx.test AAAA, mx.test A, mx.test CNAME, _25._tcp.mx.test TLSA, " },
	{ "nor is the CNAME: none",
	  true,
	  { "-mx.test CNAME real.test", "+real.test A 192.0.2.7", TLSA("real.test"), TLSA("mx.test") },
	  "ok 192.0.2.7",
	  "mx.test AAAA, mx.test A, mx.test CNAME, " },
	{ "whether it is can't be had",
	  true,
	  { "+mx.test CNAME real.test", "-real.test A 192.0.2.7", "-mx.test CNAME FAILED" },
	  "ok failed 192.0.2.7",
	  NULL },
	{ "ourselves need none",
	  true,
	  { "+mx.test A 192.0.2.1", TLSA("mx.test") },
	  "ok secure self 192.0.2.1",
	  "mx.test AAAA, mx.test A, " },
};

static void test_hosts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct way_host h = { .name = "mx.test", .port = 25, .secure = hosts[i].secure };
		struct dns *d = fake_dns_new(hosts[i].lines);
		struct told t = { .count = 0 };

		unit_case(hosts[i].why, 0);
		t.cancel = way_host_find(d, &self, &h, on_host, &t);
		assert_non_null(t.cancel);
		fake_dns_run(d);
		assert_int_equal(t.count, 1);
		assert_string_equal(t.text, hosts[i].want);
		if (hosts[i].asked != NULL)
			assert_string_equal(fake_dns_asked(d), hosts[i].asked);
		fake_dns_free(d);
	}
}

static void test_literal_host(void **state)
{
	static const char *const none[] = { NULL };
	struct dns *d = fake_dns_new(none);
	struct told t = { .count = 0 };
	struct way_host h;

	(void)state;
	assert_true(way_host_read(&h, span_of("127.0.0.1"), 2525));
	t.cancel = way_host_find(d, &self, &h, on_host, &t);
	assert_int_equal(t.count, 0);
	fake_dns_run(d);
	assert_string_equal(t.text, "ok secure self 127.0.0.1");
	h.port = 25;
	t.cancel = way_host_find(d, &self, &h, on_host, &t);
	fake_dns_run(d);
	assert_string_equal(t.text, "ok secure 127.0.0.1");
	assert_string_equal(fake_dns_asked(d), "");
	fake_dns_free(d);
}

static const struct {
	const char *in, *name;
	bool literal;
} reads[] = {
	{ "smtp.example", "smtp.example", false },
	{ "Smtp.Example.", "smtp.example", false },
	{ "m\xc3\xbcnchen.example", "xn--mnchen-3ya.example", false },
	{ "192.0.2.7", "192.0.2.7", true },
	{ "[192.0.2.7]", "192.0.2.7", true },
	{ "2001:DB8::0:7", "2001:db8::7", true },
	{ "[2001:db8::7]", "2001:db8::7", true },
	{ "[IPv6:2001:db8::7]", "2001:db8::7", true },
	{ "", NULL, false },
	{ "[]", NULL, false },
	{ "[smtp.example]", NULL, false },
	{ "a b", NULL, false },
	{ "2001:db8::x", NULL, false },
	{ "1.0.2.7.", NULL, false },
};

static void test_host_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		struct way_host h;
		bool good = way_host_read(&h, span_of(reads[i].in), 26);

		unit_case(reads[i].in, 0);
		assert_int_equal(good, reads[i].name != NULL);
		if (!good)
			continue;
		assert_string_equal(h.name, reads[i].name);
		assert_int_equal(h.literal, reads[i].literal);
		assert_int_equal(h.port, 26);
		assert_true(h.secure);
	}
}

static void test_cancel(void **state)
{
	static const char *const lines[] = { "+mx.test A 192.0.2.7", NULL };
	struct way_host h = { .name = "mx.test", .port = 25, .secure = true };
	struct dns *d = fake_dns_new(lines);
	struct told t = { .count = 0 };

	(void)state;
	way_cancel(NULL);
	way_cancel(way_find(d, &self, "d.test", 25, on_hosts, &t));
	way_cancel(way_find(d, &self, "[192.0.2.7]", 25, on_hosts, &t));
	way_cancel(way_host_find(d, &self, &h, on_host, &t));
	assert_int_equal(fake_dns_open(d), 0);
	fake_dns_run(d);
	assert_int_equal(t.count, 0);
	fake_dns_free(d);
}

/* The resolver takes no more questions: nothing is left open, and a search that has begun ends. */
static void test_refused(void **state)
{
	static const char *const lines[] = { "+mx.test A 192.0.2.7", NULL };
	struct way_host h = { .name = "mx.test", .port = 25, .secure = true };

	(void)state;
	for (unsigned n = 1; n <= 3; n++) {
		struct dns *d = fake_dns_new(lines);
		struct told t = { .count = 0 };

		unit_case("questions taken", n - 1);
		fake_dns_refuse(d, n);
		t.cancel = way_host_find(d, &self, &h, on_host, &t);
		assert_int_equal(t.cancel != NULL, n == 3);
		fake_dns_run(d);
		assert_int_equal(t.count, n == 3);
		if (n == 3)
			assert_string_equal(t.text, "ok secure failed 192.0.2.7");
		if (n == 1)
			assert_null(way_find(d, &self, "d.test", 25, on_hosts, &t));
		assert_int_equal(fake_dns_open(d), 0);
		fake_dns_free(d);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds),        cmocka_unit_test(test_shuffle),
		cmocka_unit_test(test_many),         cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_literal_host), cmocka_unit_test(test_host_read),
		cmocka_unit_test(test_cancel),       cmocka_unit_test(test_refused),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "way");
}
