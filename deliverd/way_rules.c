/* way_rules.c - the contract is in way_rules.h. */
#include "deliverd/way_rules.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- MX ----------------------------------------------------------------------- */

static void never(struct way_choice *out, const char *status, const char *domain, const char *words)
{
	out->fate = WAY_NEVER;
	out->status = status;
	snprintf(out->words, sizeof(out->words), "%s %s", domain, words);
}

static void later(struct way_choice *out, const char *status, const char *domain, const struct dns_answer *a)
{
	out->fate = WAY_LATER;
	out->status = status;
	snprintf(out->words, sizeof(out->words), "the mail hosts of %s are not known now: %s", domain,
		 a->words);
}

/* RFC 7505 3: a null MX is the only one. Beside others it says nothing. */
static bool is_null_mx(const struct dns_answer *a)
{
	return a->count == 1 && a->records[0].name[0] == '\0';
}

static struct way_host *find_host(struct way_choice *out, const char *name)
{
	for (size_t i = 0; i < out->count; i++)
		if (strcmp(out->hosts[i].name, name) == 0)
			return &out->hosts[i];
	return NULL;
}

/* Where one more must go when there are too many: the worst, if it is worse than the new one. */
static struct way_host *place_for(struct way_choice *out, uint16_t preference)
{
	struct way_host *worst = &out->hosts[0];

	if (out->count < WAY_HOSTS)
		return &out->hosts[out->count++];
	for (size_t i = 1; i < out->count; i++)
		if (out->hosts[i].preference > worst->preference)
			worst = &out->hosts[i];
	return worst->preference > preference ? worst : NULL;
}

static void add_host(struct way_choice *out, const struct dns_record *r, uint16_t port, bool secure)
{
	struct way_host *h = find_host(out, r->name);

	if (h != NULL) {
		if (r->preference < h->preference)
			h->preference = r->preference;
		return;
	}
	h = place_for(out, r->preference);
	if (h == NULL)
		return;
	*h = (struct way_host){ .preference = r->preference, .port = port, .secure = secure };
	snprintf(h->name, sizeof(h->name), "%s", r->name);
}

/* RFC 5321 5.1: equal ones in any order, so that the load is shared. */
static void order(struct way_choice *out, way_random random)
{
	for (size_t i = out->count; i > 1; i--) {
		size_t j = random((uint32_t)i);
		struct way_host h = out->hosts[i - 1];

		out->hosts[i - 1] = out->hosts[j];
		out->hosts[j] = h;
	}
	for (size_t i = 1; i < out->count; i++) { /* what is equal stays as it was shuffled */
		struct way_host h = out->hosts[i];
		size_t j = i;

		for (; j > 0 && out->hosts[j - 1].preference > h.preference; j--)
			out->hosts[j] = out->hosts[j - 1];
		out->hosts[j] = h;
	}
}

/* RFC 5321 5.1: ours, and all that are no better, are left out. */
static void cut_at_self(struct way_choice *out, const char *hostname)
{
	for (size_t i = 0; i < out->count; i++) {
		if (strcasecmp(out->hosts[i].name, hostname) != 0)
			continue;
		while (i > 0 && out->hosts[i - 1].preference == out->hosts[i].preference)
			i--;
		out->count = i;
	}
}

static void choose_mx(const struct dns_answer *a, const struct way_self *self, const char *domain,
		      uint16_t port, way_random random, struct way_choice *out)
{
	out->mx = true;
	for (size_t i = 0; i < a->count; i++)
		if (a->records[i].name[0] != '\0')
			add_host(out, &a->records[i], port, a->secure);
	if (out->count == 0) {
		never(out, "5.1.10", domain, "takes no mail (null MX)");
		return;
	}
	order(out, random);
	cut_at_self(out, self->hostname);
	if (out->count == 0)
		never(
		    out, "5.4.6", domain,
		    "has this server as its best mail host, and this server does not take its mail: a loop");
}

/* RFC 5321 5.1: without MX the domain itself is the host. */
static void choose_domain(const struct dns_answer *a, const struct way_self *self, const char *domain,
			  uint16_t port, struct way_choice *out)
{
	out->hosts[0] = (struct way_host){ .port = port, .secure = a->secure };
	snprintf(out->hosts[0].name, sizeof(out->hosts[0].name), "%s", domain);
	out->count = 1;
	if (strcasecmp(domain, self->hostname) == 0)
		never(out, "5.4.6", domain, "is this server, and this server does not take its mail: a loop");
}

void way_choose(const struct dns_answer *a, const struct way_self *self, const char *domain, uint16_t port,
		way_random random, struct way_choice *out)
{
	*out = (struct way_choice){ .fate = WAY_FOUND, .status = "" };
	switch (a->status) {
	case DNS_OK:
		if (is_null_mx(a)) /* RFC 7505 4.2 */
			never(out, "5.1.10", domain, "takes no mail (null MX)");
		else
			choose_mx(a, self, domain, port, random, out);
		break;
	case DNS_NO_DATA:
		choose_domain(a, self, domain, port, out);
		break;
	case DNS_NO_NAME:
		never(out, "5.1.2", domain, "does not exist: there is no such domain");
		break;
	case DNS_INVALID:
		never(out, "5.1.2", domain, "is no name of a domain");
		break;
	case DNS_BOGUS:
		later(out, "4.7.0", domain, a);
		break;
	case DNS_FAILED:
		later(out, "4.4.3", domain, a);
		break;
	}
}

/* --- addresses ------------------------------------------------------------------ */

/* An address as text, in its usual form; IPv4 in IPv6's clothes is IPv4. */
static bool read_address(const char *text, char out[INET6_ADDRSTRLEN])
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		return inet_ntop(AF_INET, bytes, out, INET6_ADDRSTRLEN) != NULL;
	return inet_pton(AF_INET6, text, bytes) == 1 &&
	       inet_ntop(AF_INET6, bytes, out, INET6_ADDRSTRLEN) != NULL;
}

static bool set_literal(struct way_host *out, const char *text, uint16_t port)
{
	char address[INET6_ADDRSTRLEN];

	*out = (struct way_host){ .port = port };
	if (!read_address(text, address))
		return false;
	out->literal = out->secure = true;
	snprintf(out->name, sizeof(out->name), "%s", address);
	return true;
}

/* What stands between brackets, if it fits. */
static bool unbracket(struct span in, char *out, size_t size)
{
	if (in.n < 3 || in.p[0] != '[' || in.p[in.n - 1] != ']' || in.n - 2 >= size ||
	    memchr(in.p, '\0', in.n) != NULL)
		return false;
	snprintf(out, size, "%.*s", (int)(in.n - 2), (const char *)in.p + 1);
	return true;
}

bool way_literal(const char *domain, uint16_t port, struct way_host *out)
{
	char text[INET6_ADDRSTRLEN + 5];
	uint8_t bytes[4];

	*out = (struct way_host){ .port = port };
	if (!unbracket(span_of(domain), text, sizeof(text)))
		return false;
	if (strncasecmp(text, "IPv6:", 5) == 0)
		return strchr(text + 5, ':') != NULL && set_literal(out, text + 5, port);
	return inet_pton(AF_INET, text, bytes) == 1 && set_literal(out, text, port);
}

/* "192.0.2.7." is an address to whoever reads it next, and no name. */
static bool set_name(struct way_host *out, struct span text, uint16_t port)
{
	struct way_host literal;

	*out = (struct way_host){ .port = port, .secure = true };
	return dns_name(text, out->name) && !set_literal(&literal, out->name, port);
}

bool way_host_read(struct way_host *out, struct span text, uint16_t port)
{
	char plain[DNS_NAME_MAX];

	*out = (struct way_host){ .port = port, .secure = true };
	if (unbracket(text, plain, sizeof(plain)))
		return set_literal(out, strncasecmp(plain, "IPv6:", 5) == 0 ? plain + 5 : plain, port);
	if (text.n >= sizeof(plain) || memchr(text.p, '\0', text.n) != NULL)
		return set_name(out, text, port);
	snprintf(plain, sizeof(plain), "%.*s", (int)text.n, (const char *)text.p);
	return set_literal(out, plain, port) || set_name(out, text, port);
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= bytes[i];
	return any == 0;
}

/* An address that says nothing (0.0.0.0, ::) would be this host: false. */
static bool write_address(int family, const uint8_t *bytes, uint16_t port, struct address *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (family == AF_INET6 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		family = AF_INET;
		bytes += sizeof(mapped);
	}
	*out = (struct address){ .port = port };
	return !is_zero(bytes, family == AF_INET ? 4 : 16) &&
	       inet_ntop(family, bytes, out->host, sizeof(out->host)) != NULL;
}

size_t way_addresses(const struct dns_answer *a, const struct dns_answer *aaaa, uint16_t port,
		     struct address out[WAY_ADDRESSES])
{
	size_t v4 = a->status == DNS_OK ? a->count : 0, v6 = aaaa->status == DNS_OK ? aaaa->count : 0, n = 0;

	for (size_t i = 0; i < v4 || i < v6; i++) {
		if (i < v6 && n < WAY_ADDRESSES)
			n += write_address(AF_INET6, aaaa->records[i].address, port, &out[n]);
		if (i < v4 && n < WAY_ADDRESSES)
			n += write_address(AF_INET, a->records[i].address, port, &out[n]);
	}
	return n;
}

enum dns_status way_status(const struct dns_answer *a, const struct dns_answer *aaaa)
{
	/* The one that is worst for the sender to know decides, but one address is enough. */
	static const enum dns_status order[] = { DNS_OK,      DNS_BOGUS,   DNS_FAILED,
						 DNS_NO_NAME, DNS_INVALID, DNS_NO_DATA };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (a->status == order[i] || aaaa->status == order[i])
			return order[i];
	return DNS_FAILED;
}

bool way_is_self(const struct way_self *self, const struct address *addresses, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < self->count; j++)
			if (addresses[i].port == self->listens[j].port &&
			    strcmp(addresses[i].host, self->listens[j].host) == 0)
				return true;
	return false;
}

/* --- TLSA ----------------------------------------------------------------------- */

/* RFC 7672 3.1.3: PKIX-TA(0) and PKIX-EE(1) can't be used; nor what is cut, or unknown. */
static bool is_usable(const struct span t)
{
	size_t n = t.n - 3;

	if (t.n <= 3 || (t.p[0] != 2 && t.p[0] != 3) || t.p[1] > 1)
		return false;
	return t.p[2] == 0 || (t.p[2] == 1 && n == 32) || (t.p[2] == 2 && n == 64);
}

size_t way_usable(const struct dns_answer *tlsa, struct tls_tlsa out[WAY_TLSA])
{
	size_t count = 0;

	for (size_t i = 0; i < tlsa->count && count < WAY_TLSA; i++) {
		struct span t = tlsa->records[i].text;
		struct tls_tlsa *r = &out[count];

		if (!is_usable(t))
			continue;
		*r = (struct tls_tlsa){ .usage = t.p[0], .selector = t.p[1], .matching = t.p[2], .data = { t.p + 3, t.n - 3 } };
		count++;
	}
	return count;
}
