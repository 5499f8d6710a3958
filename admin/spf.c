/* spf.c - the contract is in spf.h. */
#include "admin/spf.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "common/base/escape.h"

struct client {
	enum dns_type type;	/* DNS_A, DNS_AAAA */
	uint8_t bytes[16];
};

/* What stands in a term behind its name: ":domain/24//64". */
struct term {
	struct span name, domain;
	unsigned bits4, bits6;
	char sign;
};

static enum spf_result eval(struct spf *s, const char *domain, const struct client *c, unsigned depth);

static enum spf_result wrong(struct spf *s, const char *words, struct span what)
{
	char shown[100];

	if (*s->words == '\0')
		snprintf(s->words, sizeof(s->words), "%s: %s", words, escape_text(shown, sizeof(shown), what));
	return SPF_PERMERROR;
}

/* --- networks -------------------------------------------------------------- */

static bool same_network(const struct client *c, const uint8_t *network, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return memcmp(c->bytes, network, whole) == 0 && (rest == 0 || (c->bytes[whole] ^ network[whole]) >> (8 - rest) == 0);
}

static bool take_bits(struct span text, unsigned most, unsigned *out)
{
	uint64_t n;

	if (!span_number(text, most, &n))
		return false;
	*out = (unsigned)n;
	return true;
}

/* RFC 7208 5.6: "192.0.2.0/24" */
static int match_network(const struct term *t, const struct client *c, enum dns_type type)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t network[16];

	if (t->domain.n == 0 || t->domain.n >= sizeof(text))
		return -1;
	memcpy(text, t->domain.p, t->domain.n);
	text[t->domain.n] = '\0';
	if (inet_pton(type == DNS_A ? AF_INET : AF_INET6, text, network) != 1)
		return -1;
	return c->type == type && same_network(c, network, type == DNS_A ? t->bits4 : t->bits6);
}

/* --- hosts ----------------------------------------------------------------- */

static bool match_host(struct spf *s, const struct term *t, const struct client *c, const char *host)
{
	const struct dns_answer *a = s->look->ask(s->look, host, c->type);

	for (size_t i = 0; i < a->count && a->status == DNS_OK; i++)
		if (same_network(c, a->records[i].address, c->type == DNS_A ? t->bits4 : t->bits6))
			return true;
	return false;
}

static bool match_mx(struct spf *s, const struct term *t, const struct client *c, const char *domain)
{
	const struct dns_answer *a = s->look->ask(s->look, domain, DNS_MX);

	for (size_t i = 0; i < a->count && i < SPF_LOOKUPS && a->status == DNS_OK; i++)
		if (match_host(s, t, c, a->records[i].name))
			return true;
	return false;
}

/* --- terms ----------------------------------------------------------------- */

/* False: it can't be. */
static bool cut_term(struct span in, struct term *t)
{
	size_t n = 0;
	struct span bits;

	*t = (struct term){ .sign = '+', .bits4 = 32, .bits6 = 128 };
	if (in.n > 0 && strchr("+-~?", in.p[0]) != NULL)
		t->sign = (char)*span_take(&in, 1).p;
	while (n < in.n && in.p[n] != ':' && in.p[n] != '/' && in.p[n] != '=')
		n++;
	t->name = span_take(&in, n);
	if (in.n > 0 && in.p[0] != '/')
		span_take(&in, 1);
	if (span_is_nocase(t->name, "ip6")) {
		t->domain = span_take_until(&in, '/');
		return t->name.n > 0 && (in.n == 0 || take_bits(in, 128, &t->bits6));
	}
	t->domain = span_take_until(&in, '/');
	bits = span_take_until(&in, '/');
	if (bits.n > 0 && !take_bits(bits, 32, &t->bits4))
		return false;
	if (in.n > 0 && in.p[0] == '/')
		span_take(&in, 1);
	return t->name.n > 0 && (in.n == 0 || take_bits(in, 128, &t->bits6));
}

/* The domain of a term, or the record's own. False: it has macros, or is too long. */
static bool domain_of(struct spf *s, const struct term *t, const char *own, char out[DNS_NAME_MAX])
{
	if (span_find(t->domain, '%') >= 0 || t->domain.n >= DNS_NAME_MAX) {
		s->macros = true;
		return false;
	}
	if (t->domain.n > 0)
		snprintf(out, DNS_NAME_MAX, "%.*s", (int)t->domain.n, (const char *)t->domain.p);
	else
		snprintf(out, DNS_NAME_MAX, "%s", own);
	return true;
}

/* 1: it matches; 0: not; -1: an error, *result says which. */
static int match_asking(struct spf *s, const struct term *t, const char *own, const struct client *c, unsigned depth,
			enum spf_result *result)
{
	char domain[DNS_NAME_MAX];

	if (++s->lookups > SPF_LOOKUPS) {	/* RFC 7208 4.6.4 */
		*result = wrong(s, "more than 10 terms ask the DNS, the last is", t->name);
		return -1;
	}
	if (!domain_of(s, t, own, domain))
		return 0;
	if (span_is_nocase(t->name, "a"))
		return match_host(s, t, c, domain);
	if (span_is_nocase(t->name, "mx"))
		return match_mx(s, t, c, domain);
	if (span_is_nocase(t->name, "exists"))
		return s->look->ask(s->look, domain, DNS_A)->status == DNS_OK;
	if (span_is_nocase(t->name, "ptr"))
		return 0;
	*result = eval(s, domain, c, depth + 1);	/* RFC 7208 5.2: include */
	if (*result == SPF_NONE)
		*result = wrong(s, "this include has no SPF record", span_of(domain));
	return *result == SPF_PASS ? 1 : *result == SPF_PERMERROR || *result == SPF_TEMPERROR ? -1 : 0;
}

static int match(struct spf *s, const struct term *t, const char *own, const struct client *c, unsigned depth,
		 enum spf_result *result)
{
	static const char *const asking[] = { "a", "mx", "include", "exists", "ptr" };
	int rc = -1;

	if (span_is_nocase(t->name, "all"))
		return 1;
	for (unsigned i = 0; i < sizeof(asking) / sizeof(asking[0]); i++)
		if (span_is_nocase(t->name, asking[i]))
			return match_asking(s, t, own, c, depth, result);
	if (span_is_nocase(t->name, "ip4"))
		rc = match_network(t, c, DNS_A);
	else if (span_is_nocase(t->name, "ip6"))
		rc = match_network(t, c, DNS_AAAA);
	if (rc < 0)
		*result = wrong(s, "this term can't be", t->name);
	return rc;
}

static enum spf_result sign_result(char sign)
{
	switch (sign) {
	case '-':
		return SPF_FAIL;
	case '~':
		return SPF_SOFTFAIL;
	case '?':
		return SPF_NEUTRAL;
	default:
		return SPF_PASS;
	}
}

/* "redirect=domain", "exp=...", anything with = before : and /. */
static bool is_modifier(struct span word)
{
	for (size_t i = 0; i < word.n; i++) {
		if (word.p[i] == '=')
			return i > 0;
		if (word.p[i] == ':' || word.p[i] == '/')
			return false;
	}
	return false;
}

static enum spf_result redirect(struct spf *s, struct span domain, const struct client *c, unsigned depth)
{
	enum spf_result result;
	char name[DNS_NAME_MAX];
	struct term t = { .domain = domain };

	if (++s->lookups > SPF_LOOKUPS)
		return wrong(s, "more than 10 terms ask the DNS, the last is", span_of("redirect"));
	if (!domain_of(s, &t, "", name))
		return SPF_NEUTRAL;
	result = eval(s, name, c, depth + 1);
	return result == SPF_NONE ? wrong(s, "this redirect has no SPF record", domain) : result;
}

/* All terms of a record, the first that matches decides (RFC 7208 4.6.2). */
static enum spf_result eval_record(struct spf *s, struct span record, const char *domain, const struct client *c, unsigned depth)
{
	struct span elsewhere = { NULL, 0 };

	span_take_until(&record, ' ');
	while (record.n > 0) {
		struct span word = span_take_until(&record, ' ');
		enum spf_result result = SPF_PERMERROR;
		struct term t;
		int rc;

		if (word.n == 0)
			continue;
		if (is_modifier(word)) {
			if (span_is_nocase(span_take_until(&word, '='), "redirect"))
				elsewhere = word;
			continue;
		}
		if (!cut_term(word, &t))
			return wrong(s, "this term can't be", word);
		rc = match(s, &t, domain, c, depth, &result);
		if (rc < 0)
			return result;
		if (rc > 0)
			return sign_result(t.sign);
	}
	return elsewhere.n > 0 ? redirect(s, elsewhere, c, depth) : SPF_NEUTRAL;
}

static enum spf_result eval(struct spf *s, const char *domain, const struct client *c, unsigned depth)
{
	const struct dns_answer *a = s->look->ask(s->look, domain, DNS_TXT);
	struct span record = { NULL, 0 };
	size_t count = 0;

	if (depth > SPF_DEPTH)
		return wrong(s, "records include each other without end", span_of(domain));
	if (a->status == DNS_FAILED || a->status == DNS_BOGUS) {
		snprintf(s->words, sizeof(s->words), "the DNS does not answer for %.200s", domain);
		return SPF_TEMPERROR;
	}
	for (size_t i = 0; i < a->count && a->status == DNS_OK; i++)
		if (span_is_nocase(a->records[i].text, "v=spf1") || span_starts_nocase(a->records[i].text, "v=spf1 ")) {
			record = a->records[i].text;
			count++;
		}
	if (count > 1)
		return wrong(s, "there are several SPF records", span_of(domain));
	return count == 0 ? SPF_NONE : eval_record(s, record, domain, c, depth);
}

enum spf_result spf_check(struct spf *s, const char *domain, const char *address)
{
	struct client c = { .type = strchr(address, ':') != NULL ? DNS_AAAA : DNS_A };

	if (inet_pton(c.type == DNS_A ? AF_INET : AF_INET6, address, c.bytes) != 1)
		return SPF_NEUTRAL;
	return eval(s, domain, &c, 0);
}
