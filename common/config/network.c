/* network.c - networks as prefixes, and whether an address lies in one. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/config/scope.h"

enum { MAPPED_BITS = 96 }; /* of ::ffff:0:0/96 */
static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* An address as a network of its own; IPv4-mapped IPv6 becomes IPv4. */
static bool parse_address(struct config_network *n, const char *text)
{
	if (inet_pton(AF_INET, text, n->address) == 1) {
		n->v6 = false;
		n->bits = 32;
		return true;
	}
	n->v6 = true;
	n->bits = 128;
	return inet_pton(AF_INET6, text, n->address) == 1;
}

static bool parse_network(struct config_network *n, struct span text)
{
	struct span host = span_take_until(&text, '/');
	bool with_bits = host.p + host.n != text.p || text.n > 0;
	char address[INET6_ADDRSTRLEN];
	uint64_t bits;

	if (host.n == 0 || host.n >= sizeof(address))
		return false;
	memcpy(address, host.p, host.n);
	address[host.n] = '\0';
	if (!parse_address(n, address))
		return false;
	if (with_bits) {
		if (!span_number(text, n->bits, &bits))
			return false;
		n->bits = (unsigned)bits;
	}
	if (n->v6 && n->bits >= MAPPED_BITS && memcmp(n->address, mapped, sizeof(mapped)) == 0) {
		memmove(n->address, n->address + sizeof(mapped), 4);
		n->v6 = false;
		n->bits -= MAPPED_BITS;
	}
	return true;
}

static bool is_between(uint8_t c)
{
	return c == ' ' || c == '\t' || c == ',';
}

/* The next word of a list, empty at its end. */
static struct span take_word(struct span *in)
{
	size_t n = 0;

	while (in->n > 0 && is_between(in->p[0]))
		span_take(in, 1);
	while (n < in->n && !is_between(in->p[n]))
		n++;
	return span_take(in, n);
}

static size_t count_words(struct span in)
{
	size_t n = 0;

	while (take_word(&in).n > 0)
		n++;
	return n;
}

int config_networks_parse(struct config_value *v, struct arena *a, struct span text, struct error *err)
{
	size_t count = count_words(text), i = 0;
	struct config_network *list = arena_array(a, count, sizeof(*list));
	char shown[80];

	if (list == NULL && count > 0)
		return error_set(err, -ENOMEM, "no memory for the configuration");
	for (struct span word = take_word(&text); word.n > 0; word = take_word(&text))
		if (!parse_network(&list[i++], word))
			return error_set(
			    err, -EINVAL,
			    "\"%s\" is no network: write ADDRESS or ADDRESS/BITS, like 192.0.2.0/24 or "
			    "2001:db8::/32, several with spaces or commas between",
			    escape_text(shown, sizeof(shown), word));
	v->networks = list;
	v->network_count = count;
	return 0;
}

static bool same_prefix(const struct config_network *n, const uint8_t *address)
{
	unsigned whole = n->bits / 8, rest = n->bits % 8;

	if (memcmp(n->address, address, whole) != 0)
		return false;
	return rest == 0 || (n->address[whole] ^ address[whole]) >> (8 - rest) == 0;
}

bool config_network_holds(const struct config_value *v, const char *address)
{
	struct span text = span_of(address);
	struct config_network one;

	if (!parse_network(&one, span_take_until(&text, '%'))) /* fe80::1%eth0 */
		return false;
	for (; v != NULL; v = v->next)
		for (size_t i = 0; i < v->network_count; i++)
			if (v->networks[i].v6 == one.v6 && same_prefix(&v->networks[i], one.address))
				return true;
	return false;
}
