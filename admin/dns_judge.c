/* dns_judge.c - the contract is in dns_judge.h: findings; where mail comes to, and from which host. */
#include "admin/dns_judge.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- findings -------------------------------------------------------------- */

void dns_judge_say(struct dns_judge *j, enum dns_finding_state state, const char *topic, const char *format, ...)
{
	struct dns_finding *f = &j->findings[j->count < DNS_FINDINGS ? j->count++ : DNS_FINDINGS - 1];
	va_list args;

	*f = (struct dns_finding){ .state = state, .topic = topic };
	va_start(args, format);
	vsnprintf(f->words, sizeof(f->words), format, args);
	va_end(args);
}

void dns_judge_todo(struct dns_judge *j, const char *format, ...)
{
	struct dns_finding *f = &j->findings[j->count - 1];
	va_list args;

	va_start(args, format);
	vsnprintf(f->todo, sizeof(f->todo), format, args);
	va_end(args);
}

bool dns_judge_empty(struct dns_judge *j, const char *topic, const char *name, const char *type,
		     const struct dns_answer *a, enum dns_finding_state missing)
{
	switch (a->status) {
	case DNS_OK:
		return false;
	case DNS_NO_DATA:
	case DNS_NO_NAME:
		dns_judge_say(j, missing, topic, "%s has no %s record", name, type);
		return true;
	case DNS_BOGUS:
		dns_judge_say(j, DNS_FINDING_WRONG, topic, "%s %s: DNSSEC says that the answer is forged or badly signed: %s", name, type,
			      a->words);
		dns_judge_todo(j, "sign the zone anew; until then others get no answer at all");
		return true;
	case DNS_FAILED:
	case DNS_INVALID:
		break;
	}
	dns_judge_say(j, DNS_FINDING_WRONG, topic, "%s %s: the DNS gives no answer: %s", name, type, a->words);
	dns_judge_todo(j, "see whether the zone's name servers answer, and whether Resolver in deliverd.conf does; then again");
	return true;
}

struct span dns_judge_text(const struct dns_answer *a, const char *begin, size_t *count)
{
	struct span found = { NULL, 0 };
	size_t n = strlen(begin);

	*count = 0;
	for (size_t i = 0; i < a->count && a->status == DNS_OK; i++) {
		struct span text = a->records[i].text;

		if (!span_starts_nocase(text, begin) || (text.n > n && text.p[n] != ' ' && text.p[n] != ';'))
			continue;
		found = text;
		(*count)++;
	}
	return found;
}

/* --- MX -------------------------------------------------------------------- */

static bool has_address(struct dns_judge *j, const char *host)
{
	return j->look->ask(j->look, host, DNS_A)->status == DNS_OK || j->look->ask(j->look, host, DNS_AAAA)->status == DNS_OK;
}

static void judge_mx_host(struct dns_judge *j, const char *host)
{
	const struct dns_answer *a = j->look->ask(j->look, host, DNS_A);

	if (!has_address(j, host)) {
		dns_judge_say(j, DNS_FINDING_WRONG, "mx", "the MX record names %s, and that name has no address", host);
		dns_judge_todo(j, "give it an A or AAAA record, or take it out of the MX records");
	} else if (strcasecmp(a->name, host) != 0 && a->status == DNS_OK) {
		dns_judge_say(j, DNS_FINDING_WRONG, "mx", "the MX record names %s, which is an alias (CNAME) of %s", host, a->name);
		dns_judge_todo(j, "name the host itself: an MX record must not name an alias (RFC 2181 10.3)");
	}
}

/* The best preference that is not ours, and ours; UINT16_MAX + 1: none. */
static void find_best(const struct dns_judge *j, const struct dns_answer *a, unsigned *ours, unsigned *others)
{
	*ours = *others = UINT16_MAX + 1U;
	for (size_t i = 0; i < a->count; i++) {
		unsigned *best = strcasecmp(a->records[i].name, j->site->hostname) == 0 ? ours : others;

		if (a->records[i].preference < *best)
			*best = a->records[i].preference;
	}
}

static void judge_mx_list(struct dns_judge *j, const struct dns_answer *a)
{
	unsigned ours, others;

	find_best(j, a, &ours, &others);
	if (ours > UINT16_MAX) {
		dns_judge_say(j, DNS_FINDING_WRONG, "mx", "mail for %s goes to %s, and not to %s (Hostname)", j->site->domain,
			      a->records[0].name, j->site->hostname);
		dns_judge_todo(j, "publish: %s. MX 10 %s.", j->site->domain, j->site->hostname);
	} else if (others < ours) {
		dns_judge_say(j, DNS_FINDING_ADVICE, "mx", "%s is among the MX hosts, but others are tried before it", j->site->hostname);
		dns_judge_todo(j, "that is right if those take mail first and hand it on; else give %s the lowest number", j->site->hostname);
	} else {
		dns_judge_say(j, DNS_FINDING_GOOD, "mx", "mail for %s comes to %s", j->site->domain, j->site->hostname);
	}
}

void dns_judge_mx(struct dns_judge *j)
{
	const struct dns_answer *a = j->look->ask(j->look, j->site->domain, DNS_MX);

	if (a->status == DNS_NO_NAME) {
		dns_judge_say(j, DNS_FINDING_WRONG, "mx", "the domain %s does not exist in the DNS", j->site->domain);
		dns_judge_todo(j, "register it, or see whether its name servers are the ones that you edit");
		return;
	}
	if (dns_judge_empty(j, "mx", j->site->domain, "MX", a, DNS_FINDING_WRONG)) {
		if (a->status == DNS_NO_DATA)
			dns_judge_todo(j, "publish: %s. MX 10 %s.", j->site->domain, j->site->hostname);
		return;
	}
	if (a->count == 1 && *a->records[0].name == '\0') {
		dns_judge_say(j, DNS_FINDING_WRONG, "mx", "the MX record says that %s takes no mail (null MX, RFC 7505 3)", j->site->domain);
		dns_judge_todo(j, "publish instead: %s. MX 10 %s.", j->site->domain, j->site->hostname);
		return;
	}
	judge_mx_list(j, a);
	for (size_t i = 0; i < a->count; i++)
		judge_mx_host(j, a->records[i].name);
}

/* --- the host -------------------------------------------------------------- */

static bool leads_to(struct dns_judge *j, const char *name, const struct dns_record *address, enum dns_type type)
{
	const struct dns_answer *a = j->look->ask(j->look, name, type);

	for (size_t i = 0; i < a->count && a->status == DNS_OK; i++)
		if (memcmp(a->records[i].address, address->address, type == DNS_A ? 4 : 16) == 0)
			return true;
	return false;
}

static void judge_back(struct dns_judge *j, const struct dns_record *address, enum dns_type type, const char *text,
		       const struct dns_answer *ptr)
{
	const char *hostname = j->site->hostname;

	for (size_t i = 0; i < ptr->count; i++)
		if (strcasecmp(ptr->records[i].name, hostname) == 0) {
			dns_judge_say(j, DNS_FINDING_GOOD, "ptr", "%s leads back to %s", text, hostname);
			return;
		}
	if (leads_to(j, ptr->records[0].name, address, type)) {
		dns_judge_say(j, DNS_FINDING_ADVICE, "ptr", "%s leads back to %s, not to %s (Hostname), and that one leads to it", text,
			      ptr->records[0].name, hostname);
		dns_judge_todo(j, "most take that; better let the provider set it to %s", hostname);
		return;
	}
	dns_judge_say(j, DNS_FINDING_WRONG, "ptr", "%s leads back to %s, and that name does not lead to it", text, ptr->records[0].name);
	dns_judge_todo(j, "ask the provider of the address to set its PTR record (reverse DNS) to %s; many refuse mail without", hostname);
}

static void judge_ptr(struct dns_judge *j, const struct dns_record *address, enum dns_type type)
{
	char text[INET6_ADDRSTRLEN], name[DNS_NAME_MAX];
	const struct dns_answer *ptr;

	inet_ntop(type == DNS_A ? AF_INET : AF_INET6, address->address, text, sizeof(text));
	if (!dns_reverse(text, name))
		return;
	ptr = j->look->ask(j->look, name, DNS_PTR);
	if (!dns_judge_empty(j, "ptr", text, "PTR", ptr, DNS_FINDING_WRONG))
		judge_back(j, address, type, text, ptr);
	else if (ptr->status != DNS_BOGUS)
		dns_judge_todo(j, "ask the provider of the address to set its PTR record (reverse DNS) to %s; many refuse mail without",
			       j->site->hostname);
}

static size_t judge_addresses(struct dns_judge *j, enum dns_type type)
{
	const struct dns_answer *a = j->look->ask(j->look, j->site->hostname, type);

	if (a->status != DNS_OK)
		return 0;
	if (strcasecmp(a->name, j->site->hostname) != 0) {
		dns_judge_say(j, DNS_FINDING_WRONG, "host", "%s (Hostname) is an alias (CNAME) of %s", j->site->hostname, a->name);
		dns_judge_todo(j, "give it A and AAAA records of its own, or set Hostname in yubin.conf to %s", a->name);
	}
	for (size_t i = 0; i < a->count; i++)
		judge_ptr(j, &a->records[i], type);
	return a->count;
}

/* One of the machine's own public addresses that the name does not lead to. */
static void judge_own(struct dns_judge *j)
{
	for (size_t i = 0; i < j->site->address_count; i++) {
		const char *text = j->site->addresses[i];
		struct dns_record own = { .preference = 0 };
		enum dns_type type = strchr(text, ':') != NULL ? DNS_AAAA : DNS_A;

		if (inet_pton(type == DNS_A ? AF_INET : AF_INET6, text, own.address) != 1 || leads_to(j, j->site->hostname, &own, type))
			continue;
		dns_judge_say(j, DNS_FINDING_ADVICE, "host", "mail may leave from %s, and %s does not lead to it", text, j->site->hostname);
		dns_judge_todo(j, "publish: %s. %s %s; or let mail leave from another address (BindAddress in deliverd.conf)",
			       j->site->hostname, type == DNS_A ? "A" : "AAAA", text);
	}
}

void dns_judge_host(struct dns_judge *j)
{
	size_t before = j->count, count = judge_addresses(j, DNS_A) + judge_addresses(j, DNS_AAAA);

	if (count == 0) {
		dns_judge_say(j, DNS_FINDING_WRONG, "host", "%s (Hostname in yubin.conf) has no address in the DNS: %s", j->site->hostname,
			      j->look->ask(j->look, j->site->hostname, DNS_A)->words);
		dns_judge_todo(j, "publish: %s. A, and the address of this server", j->site->hostname);
		return;
	}
	judge_own(j);
	for (size_t i = before; i < j->count; i++)
		if (strcmp(j->findings[i].topic, "host") == 0)
			return;
	dns_judge_say(j, DNS_FINDING_GOOD, "host", "%s has %zu address%s", j->site->hostname, count, count == 1 ? "" : "es");
}

/* --- the way out ----------------------------------------------------------- */

void dns_judge_port25(struct dns_judge *j, const char *host)
{
	const struct lookup_port *p;

	if (*j->site->smarthost != '\0') {
		dns_judge_say(j, DNS_FINDING_GOOD, "port25", "mail leaves by %s (Route *): port 25 is not needed", j->site->smarthost);
		return;
	}
	p = j->look->port(j->look, host, 25);
	if (p->open && strncmp(p->greeting, "220", 3) == 0) {
		dns_judge_say(j, DNS_FINDING_GOOD, "port25", "%s answers at port 25", host);
	} else if (p->open) {
		dns_judge_say(j, DNS_FINDING_WRONG, "port25", "port 25 of %s is answered, but not by its mail server: \"%s\"", host, p->greeting);
		dns_judge_todo(j, "somebody between takes the connection (the provider, a firewall): ask them to let port 25 out, or send by a "
				  "smarthost: Route * in deliverd.conf");
	} else {
		dns_judge_say(j, DNS_FINDING_WRONG, "port25", "port 25 of %s can't be reached: %s", host, p->words);
		dns_judge_todo(j, "many providers block port 25 outward until they are asked: ask; or send by a smarthost at port 587: "
				  "Route * HOST:587 auth=FILE in deliverd.conf. A firewall of your own may do it too");
	}
}

/* --- all of it ------------------------------------------------------------- */

static void ask_soon(struct dns_judge *j)
{
	static const struct {
		const char *before;
		enum dns_type type;
	} rows[] = { { "", DNS_MX }, { "", DNS_TXT }, { "_dmarc.", DNS_TXT }, { "_mta-sts.", DNS_TXT }, { "_smtp._tls.", DNS_TXT } };
	char name[DNS_NAME_MAX + 32];

	j->look->soon(j->look, j->site->hostname, DNS_A);
	j->look->soon(j->look, j->site->hostname, DNS_AAAA);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", rows[i].before, j->site->domain);
		j->look->soon(j->look, name, rows[i].type);
	}
	snprintf(name, sizeof(name), "_25._tcp.%s", j->site->hostname);
	j->look->soon(j->look, name, DNS_TLSA);
	for (size_t i = 0; i < j->site->service_count; i++) {
		snprintf(name, sizeof(name), "%s.%s", j->site->services[i].name, j->site->domain);
		j->look->soon(j->look, name, DNS_SRV);
	}
	snprintf(name, sizeof(name), "autoconfig.%s", j->site->domain);
	j->look->soon(j->look, name, DNS_A);
	for (size_t i = 0; i < j->site->keys.count; i++) {
		char key[KEYRING_NAME_MAX];

		keyring_name(&j->site->keys, i, key);
		j->look->soon(j->look, key, DNS_TXT);
	}
}

/* Nothing answers at all: that is one finding, and not one for each record. */
static bool is_mute(struct dns_judge *j)
{
	const struct dns_answer *mx = j->look->ask(j->look, j->site->domain, DNS_MX);

	if (mx->status != DNS_FAILED || j->look->ask(j->look, j->site->hostname, DNS_A)->status != DNS_FAILED)
		return false;
	dns_judge_say(j, DNS_FINDING_WRONG, "dns", "the DNS gives no answers: %s", mx->words);
	dns_judge_todo(j, "see whether the server that Resolver in deliverd.conf names, or /etc/resolv.conf, answers; or set Resolver root");
	return true;
}

void dns_judge_all(struct dns_judge *j)
{
	ask_soon(j);
	if (is_mute(j))
		return;
	dns_judge_mx(j);
	dns_judge_host(j);
	dns_judge_spf(j);
	dns_judge_dkim(j);
	dns_judge_dmarc(j);
	dns_judge_mta_sts(j);
	dns_judge_tlsrpt(j);
	dns_judge_tlsa(j);
	dns_judge_srv(j);
	dns_judge_autoconfig(j);
}
