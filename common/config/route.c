/* route.c - the contract is in route.h. */
#include "common/config/route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/escape.h"
#include "common/config/scope.h"

static const char form[] = "write Route WHO HOST:PORT[,HOST:PORT...]|mx [tls=WORD] [auth=FILE] [cert=FILE] [lmtp] "
			   "[implicit]";

static struct span take_word(struct span *in)
{
	size_t n = 0;

	*in = span_trim(*in);
	while (n < in->n && in->p[n] != ' ' && in->p[n] != '\t')
		n++;
	return span_take(in, n);
}

static bool keep(char *out, size_t size, struct span text)
{
	if (text.n >= size)
		return false;
	memcpy(out, text.p, text.n);
	out[text.n] = '\0';
	return true;
}

static void lower(char *text)
{
	for (; *text != '\0'; text++)
		*text = (char)ascii_lower((uint8_t)*text);
}

/* The last c in a, or -1. */
static ptrdiff_t find_last(struct span a, uint8_t c)
{
	ptrdiff_t at = (ptrdiff_t)a.n - 1;

	while (at >= 0 && a.p[at] != c)
		at--;
	return at;
}

/* Labels of letters, digits, hyphens, underscores and anything beyond ASCII, dots between. */
static bool is_domain(struct span name)
{
	uint8_t before = '.';

	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];

		if (c == '.' ? before == '.' : !ascii_alnum(c) && c != '-' && c != '_' && c < 0x80)
			return false;
		before = c;
	}
	return name.n > 0 && name.n < ROUTE_NAME_MAX && before != '.';
}

/* --- hosts ----------------------------------------------------------------- */

static bool read_address(struct route_host *h, struct span text, int family)
{
	unsigned char bytes[16];

	if (!keep(h->name, INET6_ADDRSTRLEN, text) || inet_pton(family, h->name, bytes) != 1)
		return false;
	inet_ntop(family, bytes, h->name, sizeof(h->name));
	h->address = true;
	return true;
}

int route_host_parse(struct route_host *out, struct span text, struct error *err)
{
	ptrdiff_t colon = find_last(text, ':');
	struct span host = { text.p, colon > 0 ? (size_t)colon : 0 };
	char shown[100];
	uint64_t port;

	*out = (struct route_host){ .address = false };
	escape_text(shown, sizeof(shown), text);
	if (host.n == 0)
		return error_set(err, -EINVAL, "\"%s\" is not HOST:PORT", shown);
	if (!span_number((struct span){ host.p + host.n + 1, text.n - host.n - 1 }, 65535, &port) || port == 0)
		return error_set(err, -EINVAL, "\"%s\": the port must be a number from 1 to 65535", shown);
	out->port = (uint16_t)port;
	if (host.p[0] == '[') {
		struct span inside = { host.p + 1, host.n > 2 ? host.n - 2 : 0 };

		if (host.p[host.n - 1] == ']' && read_address(out, inside, AF_INET6))
			return 0;
		return error_set(err, -EINVAL, "\"%s\": in [] stands an IPv6 address", shown);
	}
	if (read_address(out, host, AF_INET))
		return 0;
	if (!is_domain(host) || !keep(out->name, sizeof(out->name), host))
		return error_set(err, -EINVAL, "\"%s\": the host must be a name, an IPv4 address or an IPv6 address in []",
				 shown);
	lower(out->name);
	return 0;
}

static int parse_hosts(struct route *r, struct span text, struct error *err)
{
	char shown[100];

	if (span_is_nocase(text, "mx"))
		return 0;
	while (text.n > 0) {
		struct span one = span_take_until(&text, ',');
		int rc;

		if (r->count == ROUTE_HOSTS)
			return error_set(err, -EINVAL, "a Route has %d hosts at most", ROUTE_HOSTS);
		rc = route_host_parse(&r->hosts[r->count], one, err);
		if (rc < 0)
			return rc;
		r->count++;
	}
	return r->count > 0 ? 0 : error_set(err, -EINVAL, "\"%s\" names no host; %s",
					    escape_text(shown, sizeof(shown), text), form);
}

/* --- who ------------------------------------------------------------------- */

static int parse_sender(struct route *r, struct span text, size_t at, struct error *err)
{
	struct span domain = { text.p + at + 1, text.n - at - 1 };
	char shown[100];

	if (!is_domain(domain) || !keep(r->who, sizeof(r->who), at == 0 ? domain : text))
		return error_set(err, -EINVAL, "\"%s\" is no sender: write user@DOMAIN or @DOMAIN",
				 escape_text(shown, sizeof(shown), text));
	r->kind = at == 0 ? ROUTE_SENDER_DOMAIN : ROUTE_SENDER;
	lower(at == 0 ? r->who : r->who + at);
	return 0;
}

static int parse_who(struct route *r, struct span text, struct error *err)
{
	ptrdiff_t at = find_last(text, '@');
	char shown[100];

	if (span_is(text, "*")) {
		r->kind = ROUTE_ALL;
		return 0;
	}
	if (at >= 0)
		return parse_sender(r, text, (size_t)at, err);
	r->kind = ROUTE_DOMAIN;
	if (text.n > 0 && text.p[0] == '.') {
		r->kind = ROUTE_SUBDOMAINS;
		span_take(&text, 1);
	}
	if (!is_domain(text) || !keep(r->who, sizeof(r->who), text))
		return error_set(err, -EINVAL, "\"%s\" is no domain; WHO is DOMAIN, .DOMAIN, @SENDERDOMAIN, user@SENDERDOMAIN or *",
				 escape_text(shown, sizeof(shown), text));
	lower(r->who);
	return 0;
}

/* --- options --------------------------------------------------------------- */

static int parse_tls(struct route *r, struct span value, struct error *err)
{
	struct span words = span_of(config_rows[CONFIG_DELIVER_TLS].most);
	char shown[40];

	while (words.n > 0) {
		struct span word = span_take_until(&words, ' ');

		if (span_equal_nocase(word, value) && keep(r->tls, sizeof(r->tls), word))
			return 0;
	}
	return error_set(err, -EINVAL, "tls= must be one of %s, not \"%s\"", config_rows[CONFIG_DELIVER_TLS].most,
			 escape_text(shown, sizeof(shown), value));
}

static int parse_file(char out[ROUTE_FILE_MAX], struct span value, const char *name, struct error *err)
{
	return value.n > 0 && keep(out, ROUTE_FILE_MAX, value)
		       ? 0 : error_set(err, -EINVAL, "%s= names a file, relative to etc/", name);
}

static int parse_option(struct route *r, struct span word, struct error *err)
{
	struct span value = word, name = span_take_until(&value, '=');
	char shown[60];

	if (span_is_nocase(name, "tls") && r->tls[0] == '\0')
		return parse_tls(r, value, err);
	if (span_is_nocase(name, "auth") && r->auth[0] == '\0')
		return parse_file(r->auth, value, "auth", err);
	if (span_is_nocase(name, "cert") && r->cert[0] == '\0')
		return parse_file(r->cert, value, "cert", err);
	if (span_is_nocase(word, "lmtp") && !r->lmtp)
		r->lmtp = true;
	else if (span_is_nocase(word, "implicit") && !r->implicit)
		r->implicit = true;
	else
		return error_set(err, -EINVAL, "\"%s\" can't stand here; %s", escape_text(shown, sizeof(shown), word), form);
	return 0;
}

static int check_route(const struct route *r, struct error *err)
{
	if (r->count == 0 && (r->auth[0] != '\0' || r->cert[0] != '\0' || r->lmtp || r->implicit))
		return error_set(err, -EINVAL, "behind mx only tls= may stand");
	if (r->implicit && strcmp(r->tls, "off") == 0)
		return error_set(err, -EINVAL, "implicit is TLS from the first byte: tls=off can't stand beside it");
	return 0;
}

int route_parse(struct route *out, struct span text, struct error *err)
{
	struct span who = take_word(&text), hosts = take_word(&text);
	int rc;

	*out = (struct route){ .count = 0 };
	if (hosts.n == 0)
		return error_set(err, -EINVAL, "%s", form);
	rc = parse_who(out, who, err);
	if (rc == 0)
		rc = parse_hosts(out, hosts, err);
	while (rc == 0) {
		struct span word = take_word(&text);

		if (word.n == 0)
			break;
		rc = parse_option(out, word, err);
	}
	return rc == 0 ? check_route(out, err) : rc;
}

/* --- use ------------------------------------------------------------------- */

static struct span domain_of(struct span address)
{
	ptrdiff_t at = find_last(address, '@');

	return at < 0 ? (struct span){ NULL, 0 } : (struct span){ address.p + at + 1, address.n - (size_t)at - 1 };
}

static bool lies_under(struct span domain, struct span suffix)
{
	return domain.n > suffix.n + 1 && domain.p[domain.n - suffix.n - 1] == '.' &&
	       span_equal_nocase((struct span){ domain.p + domain.n - suffix.n, suffix.n }, suffix);
}

unsigned route_fits(const struct route *r, struct span domain, struct span sender)
{
	/* a suffix's length decides among its kind, and stays below the next kind */
	static const unsigned rank[] = { [ROUTE_DOMAIN] = 2000, [ROUTE_SUBDOMAINS] = 1000, [ROUTE_SENDER] = 3,
					 [ROUTE_SENDER_DOMAIN] = 2, [ROUTE_ALL] = 1 };
	struct span who = span_of(r->who);
	bool fits = true;

	switch (r->kind) {
	case ROUTE_DOMAIN:
		fits = span_equal_nocase(domain, who);
		break;
	case ROUTE_SUBDOMAINS:
		fits = lies_under(domain, who);
		break;
	case ROUTE_SENDER:
		fits = span_equal_nocase(sender, who);
		break;
	case ROUTE_SENDER_DOMAIN:
		fits = span_equal_nocase(domain_of(sender), who);
		break;
	case ROUTE_ALL:
		break;
	}
	return fits ? rank[r->kind] + (r->kind == ROUTE_SUBDOMAINS ? (unsigned)who.n : 0) : 0;
}

/* --- the other texts ------------------------------------------------------- */

static int parse_secret(char out[ROUTE_SECRET_MAX], struct span value, const char *name, struct error *err)
{
	if (out[0] != '\0')
		return error_set(err, -EINVAL, "%s stands twice", name);
	if (value.n == 0 || memchr(value.p, '\0', value.n) != NULL || !keep(out, ROUTE_SECRET_MAX, value))
		return error_set(err, -EINVAL, "%s must have 1 to %d bytes", name, ROUTE_SECRET_MAX - 1);
	return 0;
}

int route_auth_parse(struct route_auth *out, struct span text, struct error *err)
{
	bool user, password;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	while (rc == 0 && text.n > 0) {
		struct span line = span_take_until(&text, '\n'), name;

		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (span_trim(line).n == 0 || line.p[0] == '#')
			continue;
		name = span_take_until(&line, ' ');
		if (span_is_nocase(name, "user"))
			rc = parse_secret(out->user, line, "user", err);
		else if (span_is_nocase(name, "password"))
			rc = parse_secret(out->password, line, "password", err);
		else if (span_is_nocase(name, "external") && line.n == 0)
			out->external = true;
		else
			rc = error_set(err, -EINVAL, "a line must be `user NAME`, `password TEXT` or `external`");
	}
	user = out->user[0] != '\0';
	password = out->password[0] != '\0';
	if (rc == 0 && (out->external ? user || password : !user || !password))
		rc = error_set(err, -EINVAL, "`user NAME` and `password TEXT` must both be there, or `external` alone");
	return rc;
}
