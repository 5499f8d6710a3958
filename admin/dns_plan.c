/* dns_plan.c - the contract is in dns_plan.h: which records. */
#include "admin/dns_plan.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MEMORY_MAX = 1 << 20, TEXT_MAX = 2048 };

static const struct {
	const char *name, *words;
	bool optional;
} topics[DNS_TOPICS] = {
	[DNS_TOPIC_MX] = { "mx", "Mail for the domain comes to this server", false },
	[DNS_TOPIC_HOST] = { "host", "The server's name leads to its addresses", false },
	[DNS_TOPIC_PTR] = { "ptr", "Its addresses lead back to the name: the provider of the address sets this, ask there", false },
	[DNS_TOPIC_SPF] = { "spf", "This server may send mail for the domain", false },
	[DNS_TOPIC_DKIM] = { "dkim", "Mail is signed with these keys", false },
	[DNS_TOPIC_DMARC] = { "dmarc", "What others do with mail that is only said to be from the domain", false },
	[DNS_TOPIC_MTA_STS] = { "mta-sts", "Others may not be talked out of TLS; needs a web server that has the text at the address", true },
	[DNS_TOPIC_TLSRPT] = { "tlsrpt", "Others tell how TLS went when they brought mail", true },
	[DNS_TOPIC_TLSA] = { "tlsa", "The certificate that others must find (DANE); counts where the zone is signed (DNSSEC)", true },
	[DNS_TOPIC_SRV] = { "srv", "Mail programs find the ports", true },
	[DNS_TOPIC_AUTOCONFIG] = { "autoconfig", "Mail programs look for settings here; of use with a web server that has them", true },
};

const char *dns_topic_name(enum dns_topic t)
{
	return topics[t].name;
}

const char *dns_topic_words(enum dns_topic t)
{
	return topics[t].words;
}

bool dns_topic_is_optional(enum dns_topic t)
{
	return topics[t].optional;
}

/* --- building -------------------------------------------------------------- */

static const char *keep(struct dns_plan *p, const char *text)
{
	const char *copy = arena_text(p->arena, span_of(text));

	p->failed |= copy == NULL;
	return copy != NULL ? copy : "";
}

__attribute__((format(printf, 6, 7))) static void
add(struct dns_plan *p, enum dns_topic topic, const char *name, const char *type, const char *words, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (p->count == DNS_PLAN_RECORDS) {
		p->failed = true;
		return;
	}
	p->records[p->count++] = (struct dns_plan_record){ topic, keep(p, name), type, keep(p, text), keep(p, words) };
}

static const char *under(const char *label, const char *domain, char out[DNS_NAME_MAX + 64])
{
	snprintf(out, DNS_NAME_MAX + 64, "%s.%s", label, domain);
	return out;
}

/* --- by topic -------------------------------------------------------------- */

static void add_host(struct dns_plan *p, const struct dns_site *d)
{
	char name[DNS_NAME_MAX];

	for (size_t i = 0; i < d->address_count; i++)
		add(p, DNS_TOPIC_HOST, d->hostname, strchr(d->addresses[i], ':') != NULL ? "AAAA" : "A", "", "%s", d->addresses[i]);
	if (d->address_count == 0)
		add(p, DNS_TOPIC_HOST, d->hostname, "A", "the public address of this server, which can't be seen from here", "%s", "");
	for (size_t i = 0; i < d->address_count; i++)
		if (dns_reverse(d->addresses[i], name))
			add(p, DNS_TOPIC_PTR, name, "PTR", "", "%s.", d->hostname);
	if (d->address_count == 0)
		add(p, DNS_TOPIC_PTR, "of each address", "PTR", "", "%s.", d->hostname);
}

/* RFC 7208 5.4: mx, so that a new address needs no other change. */
static void add_spf(struct dns_plan *p, const struct dns_site *d)
{
	char words[DNS_NAME_MAX + 100] = "";

	if (*d->smarthost != '\0')
		snprintf(words, sizeof(words), "all mail leaves by %s: add what its owner says (include:...), in front of ~all", d->smarthost);
	add(p, DNS_TOPIC_SPF, d->domain, "TXT", words, "v=spf1 mx ~all");
}

static int add_dkim(struct dns_plan *p, const struct dns_site *d, struct error *err)
{
	static const char *const words[] = { [DKIM_ACTIVE] = "", [DKIM_NEXT] = "the next key", [DKIM_OLD] = "" };
	int rc = 0;

	for (size_t i = 0; i < d->keys.count && rc == 0; i++) {
		char name[KEYRING_NAME_MAX];
		struct buf record;

		if (d->keys.entries[i].state == DKIM_OLD)
			continue;
		buf_init(&record, TEXT_MAX);
		rc = keyring_record(&d->keys, i, &record, err);
		keyring_name(&d->keys, i, name);
		add(p, DNS_TOPIC_DKIM, name, "TXT", words[d->keys.entries[i].state], "%.*s", (int)record.n, (const char *)record.p);
		buf_clear(&record);
	}
	if (d->keys.count == 0)
		add(p, DNS_TOPIC_DKIM, d->domain, "TXT", "there is no key yet: yubin dkim new", "%s", "");
	return rc;
}

void dns_plan_policy(const struct dns_site *d, char out[DNS_PLAN_POLICY_MAX])
{
	snprintf(out, DNS_PLAN_POLICY_MAX, "version: STSv1\r\nmode: enforce\r\nmx: %s\r\nmax_age: 604800\r\n", d->hostname);
}

void dns_plan_policy_id(const struct dns_site *d, char out[DNS_PLAN_ID])
{
	char policy[DNS_PLAN_POLICY_MAX];
	uint8_t hash[SHA256_DIGEST_LENGTH];

	dns_plan_policy(d, policy);
	SHA256((const uint8_t *)policy, strlen(policy), hash);
	for (unsigned i = 0; i + 1 < DNS_PLAN_ID; i += 2)
		snprintf(out + i, 3, "%02x", hash[i / 2]);
}

static void add_tls(struct dns_plan *p, const struct dns_site *d)
{
	char name[DNS_NAME_MAX + 64], policy[DNS_PLAN_POLICY_MAX], id[DNS_PLAN_ID];

	dns_plan_policy(d, policy);
	dns_plan_policy_id(d, id);
	add(p, DNS_TOPIC_MTA_STS, under("_mta-sts", d->domain, name), "TXT", "another id whenever the text changes", "v=STSv1; id=%s", id);
	snprintf(name, sizeof(name), "https://mta-sts.%s/.well-known/mta-sts.txt", d->domain);
	add(p, DNS_TOPIC_MTA_STS, name, "PAGE", "", "%s", policy);
	add(p, DNS_TOPIC_TLSRPT, under("_smtp._tls", d->domain, name), "TXT", "", "v=TLSRPTv1; rua=mailto:postmaster@%s", d->domain);
	for (size_t i = 0; i < d->paper_count; i++) {
		char hex[2 * SHA256_DIGEST_LENGTH + 1];

		if (!d->papers[i].leaf)
			continue;
		for (unsigned k = 0; k < SHA256_DIGEST_LENGTH; k++)
			snprintf(hex + 2 * k, 3, "%02x", d->papers[i].hash[1][1][k]);
		add(p, DNS_TOPIC_TLSA, under("_25._tcp", d->hostname, name), "TLSA", "", "3 1 1 %s", hex);	/* RFC 7672 3.1.1 */
	}
}

static void add_clients(struct dns_plan *p, const struct dns_site *d)
{
	char name[DNS_NAME_MAX + 64];

	for (size_t i = 0; i < d->service_count; i++)
		add(p, DNS_TOPIC_SRV, under(d->services[i].name, d->domain, name), "SRV", "", "0 1 %u %s.", d->services[i].port, d->hostname);
	add(p, DNS_TOPIC_AUTOCONFIG, under("autoconfig", d->domain, name), "CNAME", "Thunderbird and others", "%s.", d->hostname);
	add(p, DNS_TOPIC_AUTOCONFIG, under("autodiscover", d->domain, name), "CNAME", "Outlook and others", "%s.", d->hostname);
}

int dns_plan_make(struct dns_plan *p, const struct dns_site *d, struct error *err)
{
	char name[DNS_NAME_MAX + 64];
	int rc;

	*p = (struct dns_plan){ .count = 0 };
	rc = arena_new(&p->arena, MEMORY_MAX, ARENA_PLAIN, err);
	if (rc != 0)
		return rc;
	add(p, DNS_TOPIC_MX, d->domain, "MX", "", "10 %s.", d->hostname);
	add_host(p, d);
	add_spf(p, d);
	rc = add_dkim(p, d, err);
	add(p, DNS_TOPIC_DMARC, under("_dmarc", d->domain, name), "TXT", "once SPF and DKIM hold, p=quarantine or p=reject",
	    "v=DMARC1; p=none; rua=mailto:postmaster@%s", d->domain);
	add_tls(p, d);
	add_clients(p, d);
	if (rc == 0 && p->failed)
		rc = error_set(err, -ENOMEM, "no memory for the records of %s", d->domain);
	return rc;
}

void dns_plan_clear(struct dns_plan *p)
{
	arena_free(p->arena);
	p->arena = NULL;
}
