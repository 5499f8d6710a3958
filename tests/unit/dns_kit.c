/* dns_kit.c - the contract is in dns_kit.h. */
#include "tests/unit/dns_kit.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "common/base/ascii.h"
#include "tests/unit/unit.h"

enum { SOA = 6, NXDOMAIN = 3, SERVFAIL = 2, TRUNCATED = 2 /* in the high byte of the flags */ };

static const struct {
	const char *name;
	unsigned type;
} types[] = {
	{ "A", DNS_A },     { "CNAME", DNS_CNAME }, { "PTR", DNS_PTR },
	{ "MX", DNS_MX },   { "TXT", DNS_TXT },     { "AAAA", DNS_AAAA },
	{ "SRV", DNS_SRV }, { "TLSA", DNS_TLSA },   { "SOA", SOA },
};

struct dns_kit {
	uv_udp_t udp;
	uv_tcp_t tcp;
	const char *const *lines;
	char resolver[32];
	unsigned asked, asked_tcp, handles;
	uint8_t in[4096], out[DNS_KIT_PACKET + 2];
};

struct client {
	uv_tcp_t tcp;
	uv_write_t write;
	struct dns_kit *kit;
	size_t n;
	uint8_t in[4096];
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
	out[6] = (uint8_t)(count >> 8);
	out[7] = (uint8_t)count;
	return o.n;
}

/* --- the server --------------------------------------------------------------- */

static bool read_question(struct span in, char name[DNS_NAME_MAX], unsigned *type)
{
	size_t at = 12, n = 0;

	while (at < in.n && in.p[at] != 0) {
		for (size_t i = 0; i < in.p[at]; i++)
			name[n++] = (char)ascii_lower(in.p[at + 1 + i]);
		name[n++] = '.';
		at += 1 + (size_t)in.p[at];
	}
	name[n > 0 ? n - 1 : 0] = '\0';
	if (at + 3 > in.n)
		return false;
	*type = (unsigned)in.p[at + 1] << 8 | in.p[at + 2];
	return true;
}

/* The answer into k->out; 0: silence. */
static size_t answer(struct dns_kit *k, struct span in, bool tcp)
{
	unsigned type, count = 0, flags = NXDOMAIN;
	struct put o = { k->out, 0 };
	char name[DNS_NAME_MAX];

	assert_true(read_question(in, name, &type));
	k->asked++;
	k->asked_tcp += tcp;
	put_head(&o, (unsigned)in.p[0] << 8 | in.p[1], 0, name, type);
	for (size_t i = 0; k->lines[i] != NULL; i++) {
		struct span line = span_of(k->lines[i]), owner = span_take_until(&line, ' '), what = line;

		what = span_take_until(&what, ' ');
		if (!span_is(owner, name))
			continue;
		flags = flags == NXDOMAIN ? 0 : flags;
		if (span_is(what, "SILENT"))
			return 0;
		if (span_is(what, "SERVFAIL"))
			flags = SERVFAIL;
		else if (span_is(what, "TRUNCATED"))
			flags = tcp ? 0 : TRUNCATED << 8;
		else if (type_of(what) == type || type_of(what) == DNS_CNAME) {
			put_record(&o, span_of(k->lines[i]));
			count++;
		}
	}
	k->out[2] |= (uint8_t)(flags >> 8);
	k->out[3] |= (uint8_t)flags;
	k->out[7] = (uint8_t)count;
	if (count == 0 && flags != SERVFAIL) {
		put_soa(&o, (struct span){ NULL, 0 });
		k->out[9] = 1;
	}
	return o.n;
}

static void on_room(uv_handle_t *h, size_t n, uv_buf_t *out)
{
	struct dns_kit *k = h->data;

	(void)n;
	*out = uv_buf_init((char *)k->in, sizeof(k->in));
}

static void on_packet(uv_udp_t *u, ssize_t n, const uv_buf_t *b, const struct sockaddr *from, unsigned flags)
{
	struct dns_kit *k = u->data;
	uv_buf_t out;
	size_t size;

	(void)flags;
	if (n <= 0)
		return;
	size = answer(k, (struct span){ (const uint8_t *)b->base, (size_t)n }, false);
	out = uv_buf_init((char *)k->out, (unsigned)size);
	if (size > 0)
		uv_udp_try_send(u, &out, 1, from);
}

static void on_client_closed(uv_handle_t *h)
{
	free(h->data);
}

static void on_client_room(uv_handle_t *h, size_t n, uv_buf_t *out)
{
	struct client *c = h->data;

	(void)n;
	*out = uv_buf_init((char *)c->in + c->n, (unsigned)(sizeof(c->in) - c->n));
}

static void on_client_bytes(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct client *c = s->data;
	size_t want, size;
	uv_buf_t out[2];
	uint8_t head[2];

	(void)b;
	if (n < 0) {
		uv_close((uv_handle_t *)s, on_client_closed);
		return;
	}
	c->n += (size_t)n;
	want = c->n >= 2 ? 2 + ((size_t)c->in[0] << 8 | c->in[1]) : SIZE_MAX;
	if (c->n < want)
		return;
	size = answer(c->kit, (struct span){ c->in + 2, want - 2 }, true);
	head[0] = (uint8_t)(size >> 8);
	head[1] = (uint8_t)size;
	out[0] = uv_buf_init((char *)head, 2);
	out[1] = uv_buf_init((char *)c->kit->out, (unsigned)size);
	assert_int_equal(uv_try_write(s, out, 2), size + 2);
	memmove(c->in, c->in + want, c->n - want);
	c->n -= want;
}

static void on_client(uv_stream_t *s, int status)
{
	struct client *c = calloc(1, sizeof(*c));

	assert_int_equal(status, 0);
	c->kit = s->data;
	uv_tcp_init(s->loop, &c->tcp);
	c->tcp.data = c;
	assert_int_equal(uv_accept(s, (uv_stream_t *)&c->tcp), 0);
	uv_read_start((uv_stream_t *)&c->tcp, on_client_room, on_client_bytes);
}

struct dns_kit *dns_kit_new(uv_loop_t *loop, const char *const *lines)
{
	struct dns_kit *k = calloc(1, sizeof(*k));
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int size = sizeof(at);

	assert_non_null(k);
	k->lines = lines;
	uv_udp_init(loop, &k->udp);
	uv_tcp_init(loop, &k->tcp);
	k->udp.data = k->tcp.data = k;
	k->handles = 2;
	assert_int_equal(uv_udp_bind(&k->udp, (const struct sockaddr *)&at, 0), 0);
	uv_udp_getsockname(&k->udp, (struct sockaddr *)&at, &size);
	assert_int_equal(uv_tcp_bind(&k->tcp, (const struct sockaddr *)&at, 0), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&k->tcp, 10, on_client), 0);
	uv_udp_recv_start(&k->udp, on_room, on_packet);
	snprintf(k->resolver, sizeof(k->resolver), "127.0.0.1:%u", ntohs(at.sin_port));
	return k;
}

static void on_closed(uv_handle_t *h)
{
	struct dns_kit *k = h->data;

	if (--k->handles == 0)
		free(k);
}

void dns_kit_free(struct dns_kit *k)
{
	uv_close((uv_handle_t *)&k->udp, on_closed);
	uv_close((uv_handle_t *)&k->tcp, on_closed);
}

const char *dns_kit_resolver(const struct dns_kit *k)
{
	return k->resolver;
}

unsigned dns_kit_asked(const struct dns_kit *k)
{
	return k->asked;
}

unsigned dns_kit_asked_tcp(const struct dns_kit *k)
{
	return k->asked_tcp;
}

struct dns *dns_kit_resolve(const struct dns_kit *k, uv_loop_t *loop, const char *anchors)
{
	static const char none[] =
	    "unused.invalid. IN DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000\n";
	const char *servers[] = { k->resolver };
	struct dns_options o = { servers, 1, span_of(anchors != NULL ? anchors : none) };
	struct dns *d = NULL;
	struct error err = { .words = "" };

	if (dns_new(&d, loop, &o, &err) < 0)
		fail_msg("%s", err.words);
	return d;
}
