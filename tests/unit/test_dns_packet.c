/* test_dns_packet.c - what an answer says: records of each type, CNAMEs, and packets that are none.
 * link: tests/unit/dns_packet_kit.o common/dns common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/unit/dns_kit.h"

enum { MEMORY = 256 << 10, LINES = 12 };

static const struct {
	const char *why, *asked;
	enum dns_type type;
	unsigned rcode;
	const char *lines[LINES];
	enum dns_status status;
	const char *name, *text; /* as describe() has it */
} cases[] = {
	{ "an address", "mx.test", DNS_A, 0, { "mx.test A 192.0.2.7" }, DNS_OK, "mx.test", "192.0.2.7;" },
	{ "two of them",
	  "mx.test",
	  DNS_A,
	  0,
	  { "mx.test A 192.0.2.7", "mx.test A 192.0.2.8" },
	  DNS_OK,
	  "mx.test",
	  "192.0.2.7;192.0.2.8;" },
	{ "capitals in the answer",
	  "mx.test",
	  DNS_A,
	  0,
	  { "MX.Test A 192.0.2.7" },
	  DNS_OK,
	  "mx.test",
	  "192.0.2.7;" },
	{ "IPv6", "mx.test", DNS_AAAA, 0, { "mx.test AAAA 2001:db8::1" }, DNS_OK, "mx.test", "2001:0db8;" },
	{ "MX",
	  "d.test",
	  DNS_MX,
	  0,
	  { "d.test MX 10 MX.d.test", "d.test MX 65535 b" },
	  DNS_OK,
	  "d.test",
	  "10 mx.d.test;65535 b;" },
	{ "a null MX", "d.test", DNS_MX, 0, { "d.test MX 0 ." }, DNS_OK, "d.test", "0 ;" },
	{ "SRV",
	  "_s._tcp.d.test",
	  DNS_SRV,
	  0,
	  { "_s._tcp.d.test SRV 1 2 443 h.test" },
	  DNS_OK,
	  "_s._tcp.d.test",
	  "1 2 443 h.test;" },
	{ "PTR",
	  "7.2.0.192.in-addr.arpa",
	  DNS_PTR,
	  0,
	  { "7.2.0.192.in-addr.arpa PTR h.test" },
	  DNS_OK,
	  "7.2.0.192.in-addr.arpa",
	  "0 h.test;" },
	{ "PTR by way of RFC 2317's slash",
	  "7.2.0.192.in-addr.arpa",
	  DNS_PTR,
	  0,
	  { "7.2.0.192.in-addr.arpa CNAME 7.0/25.2.0.192.in-addr.arpa",
	    "7.0/25.2.0.192.in-addr.arpa PTR h.test" },
	  DNS_OK,
	  "7.0/25.2.0.192.in-addr.arpa",
	  "0 h.test;" },
	{ "the strings of TXT are one",
	  "d.test",
	  DNS_TXT,
	  0,
	  { "d.test TXT v=STSv1;| id=1" },
	  DNS_OK,
	  "d.test",
	  "v=STSv1; id=1;" },
	{ "TLSA",
	  "_25._tcp.mx.test",
	  DNS_TLSA,
	  0,
	  { "_25._tcp.mx.test TLSA 3 1 1 414243" },
	  DNS_OK,
	  "_25._tcp.mx.test",
	  "\3\1\1ABC;" },
	{ "TLSA without data is left out",
	  "_25._tcp.mx.test",
	  DNS_TLSA,
	  0,
	  { "_25._tcp.mx.test TLSA 3 1 1 ", "_25._tcp.mx.test TLSA 3 1 1 41" },
	  DNS_OK,
	  "_25._tcp.mx.test",
	  "\3\1\1A;" },
	{ "others' records are not ours",
	  "mx.test",
	  DNS_A,
	  0,
	  { "evil.test A 192.0.2.9", "mx.test A 192.0.2.7" },
	  DNS_OK,
	  "mx.test",
	  "192.0.2.7;" },
	{ "other types neither",
	  "mx.test",
	  DNS_A,
	  0,
	  { "mx.test TXT x", "mx.test A 192.0.2.7" },
	  DNS_OK,
	  "mx.test",
	  "192.0.2.7;" },
	{ "a CNAME",
	  "w.test",
	  DNS_A,
	  0,
	  { "w.test CNAME mx.test", "mx.test A 192.0.2.7" },
	  DNS_OK,
	  "mx.test",
	  "192.0.2.7;" },
	{ "a chain in the wrong order",
	  "w.test",
	  DNS_A,
	  0,
	  { "mx.test A 192.0.2.7", "v.test CNAME mx.test", "w.test CNAME v.test" },
	  DNS_OK,
	  "mx.test",
	  "192.0.2.7;" },
	{ "a CNAME to what is not there",
	  "w.test",
	  DNS_A,
	  3,
	  { "w.test CNAME gone.test" },
	  DNS_NO_NAME,
	  "gone.test",
	  "" },
	{ "a CNAME to a name without it",
	  "w.test",
	  DNS_A,
	  0,
	  { "w.test CNAME mx.test" },
	  DNS_NO_DATA,
	  "mx.test",
	  "" },
	{ "eight CNAMEs",
	  "a.test",
	  DNS_A,
	  0,
	  { "a.test CNAME b.test", "b.test CNAME c.test", "c.test CNAME d.test", "d.test CNAME e.test",
	    "e.test CNAME f.test", "f.test CNAME g.test", "g.test CNAME h.test", "h.test CNAME i.test",
	    "i.test A 192.0.2.7" },
	  DNS_OK,
	  "i.test",
	  "192.0.2.7;" },
	{ "nine",
	  "a.test",
	  DNS_A,
	  0,
	  { "a.test CNAME b.test", "b.test CNAME c.test", "c.test CNAME d.test", "d.test CNAME e.test",
	    "e.test CNAME f.test", "f.test CNAME g.test", "g.test CNAME h.test", "h.test CNAME i.test",
	    "i.test CNAME j.test", "j.test A 192.0.2.7" },
	  DNS_FAILED,
	  "j.test",
	  "" },
	{ "a ring of them",
	  "a.test",
	  DNS_A,
	  0,
	  { "a.test CNAME b.test", "b.test CNAME a.test" },
	  DNS_FAILED,
	  NULL,
	  "" },
	{ "a CNAME that was asked for",
	  "w.test",
	  DNS_CNAME,
	  0,
	  { "w.test CNAME mx.test", "mx.test CNAME x.test" },
	  DNS_OK,
	  "w.test",
	  "0 mx.test;" },
	{ "no such record", "mx.test", DNS_MX, 0, { NULL }, DNS_NO_DATA, "mx.test", "" },
	{ "no such name", "mx.test", DNS_MX, 3, { NULL }, DNS_NO_NAME, "mx.test", "" },
	{ "SERVFAIL", "mx.test", DNS_MX, 2, { NULL }, DNS_FAILED, "mx.test", "" },
	{ "REFUSED with records", "mx.test", DNS_A, 5, { "mx.test A 192.0.2.7" }, DNS_FAILED, "mx.test", "" },
};

static void describe(enum dns_type type, const struct dns_answer *a, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < a->count && n < size; i++) {
		const struct dns_record *r = &a->records[i];
		const uint8_t *b = r->address;

		if (type == DNS_A)
			n += (size_t)snprintf(out + n, size - n, "%u.%u.%u.%u;", b[0], b[1], b[2], b[3]);
		else if (type == DNS_AAAA)
			n +=
			    (size_t)snprintf(out + n, size - n, "%02x%02x:%02x%02x;", b[0], b[1], b[2], b[3]);
		else if (type == DNS_SRV)
			n += (size_t)snprintf(out + n, size - n, "%u %u %u %s;", r->preference, r->weight,
					      r->port, r->name);
		else if (type == DNS_TXT || type == DNS_TLSA)
			n += (size_t)snprintf(out + n, size - n, "%.*s;", (int)r->text.n,
					      (const char *)r->text.p);
		else
			n += (size_t)snprintf(out + n, size - n, "%u %s;", r->preference, r->name);
	}
}

static uint8_t packet[DNS_KIT_PACKET];

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n =
		    dns_kit_packet(packet, cases[i].asked, cases[i].type, cases[i].rcode, cases[i].lines);
		struct dns_answer a;
		struct buf memory;
		char text[1000];

		unit_case(cases[i].why, 0);
		buf_init(&memory, MEMORY);
		assert_int_equal(
		    dns_parse((struct span){ packet, n }, cases[i].type, cases[i].asked, &memory, &a), 0);
		describe(cases[i].type, &a, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
		assert_int_equal(a.status, cases[i].status);
		if (cases[i].name != NULL)
			assert_string_equal(a.name, cases[i].name);
		if (a.status == DNS_OK)
			assert_int_equal(a.ttl_s, DNS_KIT_TTL);
		buf_clear(&memory);
	}
}

/* A packet that is cut anywhere in its answers is no answer; whole, with rubbish behind it, it is. */
static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = dns_kit_packet(packet, cases[i].asked, cases[i].type, 0, cases[i].lines);

		for (size_t cut = 0; cut < n; cut++) {
			uint8_t *exact = malloc(cut + 1); /* so that a look behind it is seen */
			struct dns_answer a;
			struct buf memory;
			int code;

			unit_case(cases[i].why, cut);
			buf_init(&memory, MEMORY);
			memcpy(exact, packet, cut);
			code = dns_parse((struct span){ exact, cut }, cases[i].type, cases[i].asked, &memory,
					 &a);
			assert_int_equal(code == 0 && a.status == DNS_OK, 0);
			buf_clear(&memory);
			free(exact);
		}
	}
}

/* One answer for a.test, A; its owner's name, type, class and length are the row's bytes. */
static const struct {
	const char *why;
	size_t n;
	const char *bytes;
	int code;
	enum dns_status status;
} raw[] = {
	{ "a compressed owner", 16, "\xc0\x0c\0\1\0\1\0\0\1\0\0\4\300\0\2\7", 0, DNS_OK },
	{ "a pointer to itself", 16, "\xc0\x18\0\1\0\1\0\0\1\0\0\4\300\0\2\7", -EPROTO, DNS_FAILED },
	{ "a pointer forward", 16, "\xc0\x1a\0\1\0\1\0\0\1\0\0\4\300\0\2\7", -EPROTO, DNS_FAILED },
	{ "half a pointer behind the end", 1, "\xc0", -EPROTO, DNS_FAILED },
	{ "a label of 64 bytes", 16, "\x40\x0c\0\1\0\1\0\0\1\0\0\4\300\0\2\7", -EPROTO, DNS_FAILED },
	{ "another class", 16, "\xc0\x0c\0\1\0\3\0\0\1\0\0\4\300\0\2\7", 0, DNS_NO_DATA },
	{ "an address of five bytes", 17, "\xc0\x0c\0\1\0\1\0\0\1\0\0\5\300\0\2\7\7", 0, DNS_FAILED },
	{ "longer than the packet", 16, "\xc0\x0c\0\1\0\1\0\0\1\0\0\5\300\0\2\7", -EPROTO, DNS_FAILED },
	{ "a CNAME whose name is shorter than its data", 15, "\xc0\x0c\0\5\0\1\0\0\1\0\0\3\1x\0", 0,
	  DNS_NO_DATA },
	{ "a CNAME with bytes behind its name", 16, "\xc0\x0c\0\5\0\1\0\0\1\0\0\4\1x\0\0", -EPROTO,
	  DNS_FAILED },
	{ "a CNAME to a name with a NUL", 15, "\xc0\x0c\0\5\0\1\0\0\1\0\0\3\1\0\0", -EPROTO, DNS_FAILED },
	{ "an owner with a dot in its label", 20, "\3a.b\0\0\1\0\1\0\0\1\0\0\4\300\0\2\7\0", 0, DNS_NO_DATA },
};

/* Without a SOA, so that what follows is an answer. */
static size_t put_head(const char *name)
{
	static const char *const none[] = { NULL };
	size_t n = dns_kit_packet(packet, name, DNS_A, 2, none);

	packet[3] &= 0xf0;
	return n;
}

static void test_raw(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(raw) / sizeof(raw[0]); i++) {
		size_t n = put_head("a.test");
		struct dns_answer a;
		struct buf memory;

		unit_case(raw[i].why, 0);
		buf_init(&memory, MEMORY);
		packet[7] = 1;
		memcpy(packet + n, raw[i].bytes, raw[i].n);
		assert_int_equal(
		    dns_parse((struct span){ packet, n + raw[i].n }, DNS_A, "a.test", &memory, &a),
		    raw[i].code);
		assert_int_equal(a.status, raw[i].status);
		buf_clear(&memory);
	}
}

static void test_odd(void **state)
{
	struct dns_answer a;
	struct buf memory;
	size_t n = put_head("a.test");

	(void)state;
	buf_init(&memory, MEMORY);
	packet[2] &= 0x7f; /* a question */
	assert_int_equal(dns_parse((struct span){ packet, n }, DNS_A, "a.test", &memory, &a), -EPROTO);
	packet[2] |= 0x80;
	packet[7] = 1; /* a record that is not there */
	assert_int_equal(dns_parse((struct span){ packet, n }, DNS_A, "a.test", &memory, &a), -EPROTO);
	buf_clear(&memory);
	buf_init(&memory, 300); /* no room for the answer */
	n = dns_kit_packet(packet, "mx.test", DNS_A, 0, cases[0].lines);
	assert_int_equal(dns_parse((struct span){ packet, n }, DNS_A, "mx.test", &memory, &a), -ENOMEM);
	buf_clear(&memory);
}

/* DNS_RECORDS of them, however many come. */
static void test_many(void **state)
{
	static char text[DNS_RECORDS + 44][32];
	const char *lines[DNS_RECORDS + 45] = { NULL };
	struct dns_answer a;
	struct buf memory;
	size_t n;

	(void)state;
	for (unsigned i = 0; i < DNS_RECORDS + 44; i++) {
		snprintf(text[i], sizeof(text[i]), "mx.test A 192.0.%u.%u", i / 256, i % 256);
		lines[i] = text[i];
	}
	n = dns_kit_packet(packet, "mx.test", DNS_A, 0, lines);
	buf_init(&memory, MEMORY);
	assert_int_equal(dns_parse((struct span){ packet, n }, DNS_A, "mx.test", &memory, &a), 0);
	assert_int_equal(a.count, DNS_RECORDS);
	assert_int_equal(a.records[255].address[3], 255);
	buf_clear(&memory);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers), cmocka_unit_test(test_cut),  cmocka_unit_test(test_raw),
		cmocka_unit_test(test_odd),     cmocka_unit_test(test_many),
	};

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "dns packets");
}
