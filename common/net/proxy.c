/* proxy.c - the contract is in proxy.h. */
#include "common/net/proxy.h"

#include <arpa/inet.h>
#include <string.h>

#include "common/base/ascii.h"

enum {
	LINE_MAX = 107,		/* bytes of a version 1 header, CRLF and all */
	FIXED = 16,		/* of version 2: signature, command, family, length */
	PAIR_V4 = 12, PAIR_V6 = 36	/* two addresses, two ports */
};

static const uint8_t signature[12] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };

/* in begins with word, as far as it goes. */
static bool begins(struct span in, const void *word, size_t n)
{
	return memcmp(in.p, word, in.n < n ? in.n : n) == 0;
}

/* --- version 1: a line ----------------------------------------------------- */

/* Decimal, as it is written by machines: no sign, no leading zero. */
static bool read_port(struct span word, in_port_t *port)
{
	uint64_t n;

	if (word.n > 5 || (word.n > 1 && word.p[0] == '0') || !span_number(word, 65535, &n))
		return false;
	*port = htons((uint16_t)n);
	return true;
}

static bool read_address(struct address *a, int family, struct span host, struct span port)
{
	struct sockaddr_storage s = { .ss_family = (sa_family_t)family };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&s;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&s;
	char text[INET6_ADDRSTRLEN] = "";

	if (host.n >= sizeof(text) || !read_port(port, family == AF_INET ? &v4->sin_port : &v6->sin6_port))
		return false;
	memcpy(text, host.p, host.n);
	if (inet_pton(family, text, family == AF_INET ? (void *)&v4->sin_addr : (void *)&v6->sin6_addr) != 1)
		return false;
	address_read(a, &s);
	return true;
}

static enum proxy_status read_line(struct span line, struct proxy_header *h)
{
	struct span word[5];
	int family;

	span_take(&line, strlen("PROXY "));
	for (size_t i = 0; i < 5; i++)
		word[i] = span_take_until(&line, ' ');
	if (span_is(word[0], "UNKNOWN"))
		return PROXY_OWN;
	family = span_is(word[0], "TCP4") ? AF_INET : span_is(word[0], "TCP6") ? AF_INET6 : AF_UNSPEC;
	if (family == AF_UNSPEC || line.n > 0 || !read_address(&h->peer, family, word[1], word[3]) ||
	    !read_address(&h->local, family, word[2], word[4]))
		return PROXY_BAD;
	return PROXY_CLIENT;
}

static enum proxy_status parse_line(struct span in, struct proxy_header *h)
{
	ptrdiff_t cr = span_find(in, '\r');

	if (cr < 0 || (size_t)cr + 1 >= in.n)
		return (cr < 0 ? in.n + 1 : (size_t)cr + 1) >= LINE_MAX ? PROXY_BAD : PROXY_MORE;
	if (in.p[cr + 1] != '\n' || cr + 2 > LINE_MAX)
		return PROXY_BAD;
	h->used = (size_t)cr + 2;
	return read_line((struct span){ in.p, (size_t)cr }, h);
}

/* --- version 2: binary ------------------------------------------------------- */

static void read_v4(struct address *a, const uint8_t *host, const uint8_t *port)
{
	struct sockaddr_storage s = { .ss_family = AF_INET };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&s;

	memcpy(&v4->sin_addr, host, 4);
	memcpy(&v4->sin_port, port, 2);
	address_read(a, &s);
}

static void read_v6(struct address *a, const uint8_t *host, const uint8_t *port)
{
	struct sockaddr_storage s = { .ss_family = AF_INET6 };
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&s;

	memcpy(&v6->sin6_addr, host, 16);
	memcpy(&v6->sin6_port, port, 2);
	address_read(a, &s);
}

/* All of it is there; n bytes stand behind the fixed part. What follows the addresses (TLVs) is passed over. */
static enum proxy_status read_binary(const uint8_t *p, size_t n, struct proxy_header *h)
{
	const uint8_t *at = p + FIXED;

	if (p[12] == 0x20)	/* LOCAL: the proxy looks whether we are there */
		return PROXY_OWN;
	switch (p[13]) {
	case 0x00:		/* UNSPEC */
	case 0x31:		/* a Unix socket */
		return PROXY_OWN;
	case 0x11:
		if (n < PAIR_V4)
			return PROXY_BAD;
		read_v4(&h->peer, at, at + 8);
		read_v4(&h->local, at + 4, at + 10);
		return PROXY_CLIENT;
	case 0x21:
		if (n < PAIR_V6)
			return PROXY_BAD;
		read_v6(&h->peer, at, at + 32);
		read_v6(&h->local, at + 16, at + 34);
		return PROXY_CLIENT;
	default:		/* not a stream */
		return PROXY_BAD;
	}
}

static enum proxy_status parse_binary(struct span in, struct proxy_header *h)
{
	size_t n;

	if (in.n > 12 && in.p[12] != 0x20 && in.p[12] != 0x21)
		return PROXY_BAD;
	if (in.n < FIXED)
		return PROXY_MORE;
	n = (size_t)in.p[14] << 8 | in.p[15];
	if (FIXED + n > PROXY_MAX)
		return PROXY_BAD;
	if (in.n < FIXED + n)
		return PROXY_MORE;
	h->used = FIXED + n;
	return read_binary(in.p, n, h);
}

enum proxy_status proxy_parse(struct span in, struct proxy_header *h)
{
	static const char word[] = "PROXY ";

	*h = (struct proxy_header){ .used = 0 };
	if (in.n == 0)
		return PROXY_MORE;
	if (begins(in, signature, sizeof(signature)))
		return parse_binary(in, h);
	if (begins(in, word, sizeof(word) - 1))
		return in.n < sizeof(word) - 1 ? PROXY_MORE : parse_line(in, h);
	return PROXY_BAD;
}
