/* dns_kit.c - the server; the contract is in dns_kit.h. */
#include "tests/unit/dns_kit.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "common/base/ascii.h"
#include "tests/unit/unit.h"

enum { NXDOMAIN = 3, SERVFAIL = 2, TRUNCATED = 0x200, LINES = 64 };

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

static bool has_word(struct span line, const char *word)
{
	return span_is(span_take_until(&line, ' '), word);
}

/* The answer into k->out; 0: silence. */
static size_t answer(struct dns_kit *k, struct span in, bool tcp)
{
	const char *lines[LINES + 1] = { NULL };
	unsigned type, count = 0, flags = NXDOMAIN;
	char name[DNS_NAME_MAX];
	size_t n;

	assert_true(read_question(in, name, &type));
	k->asked++;
	k->asked_tcp += tcp;
	for (size_t i = 0; k->lines[i] != NULL && count < LINES; i++) {
		struct span line = span_of(k->lines[i]), owner = span_take_until(&line, ' ');

		if (!span_is(owner, name))
			continue;
		flags = flags == NXDOMAIN ? 0 : flags;
		if (has_word(line, "SILENT"))
			return 0;
		if (has_word(line, "SERVFAIL"))
			flags = SERVFAIL;
		else if (has_word(line, "TRUNCATED"))
			flags = tcp ? 0 : TRUNCATED;
		else if (has_word(line, dns_kit_type(type)) || has_word(line, "CNAME"))
			lines[count++] = k->lines[i];
	}
	n = dns_kit_packet(k->out, name, type, flags, lines);
	memcpy(k->out, in.p, 2);
	return n;
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
	struct dns_options o = { servers, 1, false, span_of(anchors != NULL ? anchors : none) };
	struct dns *d = NULL;
	struct error err = { .words = "" };

	if (dns_new(&d, loop, &o, &err) < 0)
		fail_msg("%s", err.words);
	return d;
}
