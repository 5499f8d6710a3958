/* name.c - names, addresses and servers as text: the parts of dns.h that ask nobody. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/idn.h"
#include "common/dns/dns.h"

enum { LABEL_MAX = 63, TEXT_MAX = 253 }; /* RFC 1035 2.3.4, as text without the last dot */

/* Letters, digits, hyphens; underscores too, for names of services. */
static bool is_name_byte(uint8_t c)
{
	return ascii_alnum(c) || c == '-' || c == '_';
}

static bool is_ascii(struct span in)
{
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] >= 0x80)
			return false;
	return true;
}

static bool put_label(struct span label, char out[DNS_NAME_MAX], size_t *n)
{
	if (label.n == 0 || label.n > LABEL_MAX || *n + label.n + 1 > TEXT_MAX)
		return false;
	if (*n > 0)
		out[(*n)++] = '.';
	for (size_t i = 0; i < label.n; i++) {
		if (!is_name_byte(label.p[i]))
			return false;
		out[(*n)++] = (char)ascii_lower(label.p[i]);
	}
	out[*n] = '\0';
	return true;
}

static bool read_ascii(struct span in, char out[DNS_NAME_MAX])
{
	size_t n = 0;

	if (in.n > 0 && in.p[in.n - 1] == '.')
		in.n--;
	for (;;) {
		bool last = span_find(in, '.') < 0;

		if (!put_label(span_take_until(&in, '.'), out, &n))
			return false;
		if (last)
			return true;
	}
}

/* RFC 5891 4: what people write becomes A-labels. */
static bool read_utf8(struct span in, char out[DNS_NAME_MAX])
{
	char ascii[IDN_MAX];

	return idn_ascii(in, ascii) && read_ascii(span_of(ascii), out);
}

bool dns_name(struct span in, char out[DNS_NAME_MAX])
{
	bool good = is_ascii(in) ? read_ascii(in, out) : read_utf8(in, out);

	if (!good)
		out[0] = '\0';
	return good;
}

bool dns_reverse(const char *address, char out[DNS_NAME_MAX])
{
	uint8_t a[16];
	size_t n = 0;

	out[0] = '\0';
	if (inet_pton(AF_INET, address, a) == 1) {
		snprintf(out, DNS_NAME_MAX, "%u.%u.%u.%u.in-addr.arpa", a[3], a[2], a[1], a[0]);
		return true;
	}
	if (inet_pton(AF_INET6, address, a) != 1)
		return false;
	for (size_t i = sizeof(a); i-- > 0;)
		n += (size_t)snprintf(out + n, DNS_NAME_MAX - n, "%x.%x.", a[i] & 15, a[i] >> 4);
	snprintf(out + n, DNS_NAME_MAX - n, "ip6.arpa");
	return true;
}

static struct span word(struct span *line)
{
	size_t n = 0;

	while (line->n > 0 && (line->p[0] == ' ' || line->p[0] == '\t'))
		span_take(line, 1);
	while (n < line->n && line->p[n] != ' ' && line->p[n] != '\t' && line->p[n] != '\r')
		n++;
	return span_take(line, n);
}

/* "fe80::1%eth0" is one too. */
static bool is_address(const char *text)
{
	char plain[64];
	uint8_t a[16];

	snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(text, "%"), text);
	return inet_pton(AF_INET, plain, a) == 1 || inet_pton(AF_INET6, plain, a) == 1;
}

size_t dns_servers(struct span resolv_conf, char servers[][64], size_t max)
{
	size_t count = 0;

	while (resolv_conf.n > 0 && count < max) {
		struct span line = span_take_until(&resolv_conf, '\n'), server;

		if (!span_is(word(&line), "nameserver"))
			continue;
		server = word(&line);
		if (server.n == 0 || server.n >= sizeof(servers[0]))
			continue;
		memcpy(servers[count], server.p, server.n);
		servers[count][server.n] = '\0';
		count += is_address(servers[count]);
	}
	return count;
}
