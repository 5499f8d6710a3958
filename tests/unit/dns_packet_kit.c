/* dns_packet_kit.c - DNS packets from text; the contract is in dns_kit.h. */
#include "tests/unit/dns_kit.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "common/base/ascii.h"
#include "tests/unit/unit.h"

enum { SOA = 6, SERVFAIL = 2 };

static const struct {
	const char *name;
	unsigned type;
} types[] = {
	{ "A", DNS_A },     { "CNAME", DNS_CNAME }, { "PTR", DNS_PTR },
	{ "MX", DNS_MX },   { "TXT", DNS_TXT },     { "AAAA", DNS_AAAA },
	{ "SRV", DNS_SRV }, { "TLSA", DNS_TLSA },   { "SOA", SOA },
};

/* --- packets ---------------------------------------------------------------- */

struct put {
	uint8_t *p;
	size_t n;
};

static void put16(struct put *o, unsigned v)
{
	o->p[o->n++] = (uint8_t)(v >> 8);
	o->p[o->n++] = (uint8_t)v;
}

static void put32(struct put *o, uint32_t v)
{
	put16(o, v >> 16);
	put16(o, v & 0xffff);
}

static void put_name(struct put *o, struct span name)
{
	while (name.n > 0 && !span_is(name, ".")) {
		struct span label = span_take_until(&name, '.');

		o->p[o->n++] = (uint8_t)label.n;
		memcpy(o->p + o->n, label.p, label.n);
		o->n += label.n;
	}
	o->p[o->n++] = 0;
}

static uint64_t number(struct span *in)
{
	uint64_t v = 0;

	assert_true(span_number(span_take_until(in, ' '), UINT32_MAX, &v));
	return v;
}

static void put_hex(struct put *o, struct span hex)
{
	for (size_t i = 0; i + 1 < hex.n; i += 2)
		o->p[o->n++] = (uint8_t)(ascii_hex(hex.p[i]) << 4 | ascii_hex(hex.p[i + 1]));
}

static void put_data(struct put *o, unsigned type, struct span data)
{
	char text[64] = "";

	if (type == DNS_A || type == DNS_AAAA) {
		memcpy(text, data.p, data.n);
		assert_int_equal(inet_pton(type == DNS_A ? AF_INET : AF_INET6, text, o->p + o->n), 1);
		o->n += type == DNS_A ? 4 : 16;
	} else if (type == DNS_TXT) {
		while (data.n > 0) {
			struct span s = span_take_until(&data, '|');

			o->p[o->n++] = (uint8_t)s.n;
			memcpy(o->p + o->n, s.p, s.n);
			o->n += s.n;
		}
	} else if (type == DNS_TLSA) {
		for (int i = 0; i < 3; i++)
			o->p[o->n++] = (uint8_t)number(&data);
		put_hex(o, data);
	} else {
		for (int i = type == DNS_SRV ? 3 : type == DNS_MX; i > 0; i--)
			put16(o, (unsigned)number(&data));
		put_name(o, data);
	}
}

static unsigned type_of(struct span text)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (span_is(text, types[i].name))
			return types[i].type;
	return 0;
}

const char *dns_kit_type(unsigned type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].name;
	return "?";
}

static void put_record(struct put *o, struct span line)
{
	struct span owner = span_take_until(&line, ' ');
	unsigned type = type_of(span_take_until(&line, ' '));
	size_t size;

	assert_int_not_equal(type, 0);
	put_name(o, owner);
	put16(o, type);
	put16(o, 1);
	put32(o, DNS_KIT_TTL);
	size = o->n;
	o->n += 2;
	put_data(o, type, line);
	o->p[size] = (uint8_t)((o->n - size - 2) >> 8);
	o->p[size + 1] = (uint8_t)(o->n - size - 2);
}

static void put_soa(struct put *o, struct span owner)
{
	static const uint8_t rest[22] = { [20] = 0, [21] = 60 }; /* two root names, numbers, minimum 60 s */

	put_name(o, owner);
	put16(o, SOA);
	put16(o, 1);
	put32(o, DNS_KIT_TTL);
	put16(o, sizeof(rest));
	memcpy(o->p + o->n, rest, sizeof(rest));
	o->n += sizeof(rest);
}

static void put_head(struct put *o, unsigned id, unsigned flags, const char *name, unsigned type)
{
	put16(o, id);
	put16(o, 0x8580 | flags); /* response, authoritative, recursion available */
	put16(o, 1);
	put16(o, 0);
	put32(o, 0);
	put_name(o, span_of(name));
	put16(o, type);
	put16(o, 1);
}

size_t dns_kit_packet(uint8_t out[DNS_KIT_PACKET], const char *name, unsigned type, unsigned flags,
		      const char *const *lines)
{
	struct put o = { out, 0 };
	unsigned count = 0;

	put_head(&o, 0x1234, flags, name, type);
	for (; lines[count] != NULL; count++)
		put_record(&o, span_of(lines[count]));
	if (count == 0 && flags % 16 != SERVFAIL)
		put_soa(&o, (struct span){ NULL, 0 });
	out[9] = count == 0 && flags % 16 != SERVFAIL;
	out[6] = (uint8_t)(count >> 8);
	out[7] = (uint8_t)count;
	return o.n;
}
