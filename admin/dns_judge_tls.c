/* dns_judge_tls.c - what others must find before they hand over mail: MTA-STS and DANE. */
#include <stdio.h>
#include <string.h>

#include "admin/dns_judge.h"
#include "common/base/escape.h"

/* --- MTA-STS --------------------------------------------------------------- */

/* The value behind "key:" in the policy; the i-th, for mx. */
static struct span line_of(struct span policy, const char *key, size_t i)
{
	while (policy.n > 0) {
		struct span line = span_take_until(&policy, '\n');

		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (span_is(span_trim(span_take_until(&line, ':')), key) && i-- == 0)
			return span_trim(line);
	}
	return (struct span){ NULL, 0 };
}

/* RFC 8461 4.1: "*.example.org" is for one label. */
static bool names_host(struct span pattern, const char *host)
{
	const char *dot = strchr(host, '.');

	if (span_starts(pattern, "*.") && dot != NULL)
		return span_is_nocase((struct span){ pattern.p + 2, pattern.n - 2 }, dot + 1);
	return span_is_nocase(pattern, host);
}

static bool policy_names(struct span policy, const char *host)
{
	struct span mx;

	for (size_t i = 0; (mx = line_of(policy, "mx", i)).n > 0; i++)
		if (names_host(mx, host))
			return true;
	return false;
}

/* Every host of the domain that the policy leaves out gets no mail from those who obey it. */
static bool judge_policy_hosts(struct dns_judge *j, struct span policy)
{
	const struct dns_answer *mx = j->look->ask(j->look, j->site->domain, DNS_MX);

	for (size_t i = 0; i < mx->count && mx->status == DNS_OK; i++)
		if (!policy_names(policy, mx->records[i].name)) {
			dns_judge_say(j, DNS_FINDING_WRONG, "mta-sts", "the policy does not name the MX host %s: others will not bring mail there",
				      mx->records[i].name);
			dns_judge_todo(j, "add a line mx: %s to the policy, and change its id in the DNS", mx->records[i].name);
			return false;
		}
	return true;
}

static void judge_policy(struct dns_judge *j, struct span policy)
{
	struct span mode = line_of(policy, "mode", 0);
	char shown[40];

	if (!span_is(line_of(policy, "version", 0), "STSv1") || line_of(policy, "max_age", 0).n == 0 ||
	    (!span_is(mode, "enforce") && !span_is(mode, "testing") && !span_is(mode, "none"))) {
		dns_judge_say(j, DNS_FINDING_WRONG, "mta-sts", "the policy can't be used: version, mode or max_age is missing or wrong");
		dns_judge_todo(j, "serve the text that `yubin dns records %s` prints", j->site->domain);
		return;
	}
	if (!span_is(mode, "none") && !judge_policy_hosts(j, policy))
		return;
	dns_judge_say(j, DNS_FINDING_GOOD, "mta-sts", "the policy is there, mode %s", escape_text(shown, sizeof(shown), mode));
	if (!span_is(mode, "enforce")) {
		dns_judge_say(j, DNS_FINDING_ADVICE, "mta-sts", "mode %s keeps nobody from sending in clear", shown);
		dns_judge_todo(j, "when TLS has been good for some weeks, mode: enforce, and another id in the DNS");
	}
}

static void judge_page(struct dns_judge *j)
{
	char url[DNS_NAME_MAX + 64];
	const struct lookup_page *page;

	snprintf(url, sizeof(url), "https://mta-sts.%s/.well-known/mta-sts.txt", j->site->domain);
	page = j->look->page(j->look, url);
	if (page->status == 200) {
		judge_policy(j, page->body);
		return;
	}
	if (page->status == 0)
		dns_judge_say(j, DNS_FINDING_WRONG, "mta-sts", "%s can't be fetched: %s", url, page->words);
	else
		dns_judge_say(j, DNS_FINDING_WRONG, "mta-sts", "%s is answered with %d", url, page->status);
	dns_judge_todo(j, "a web server for mta-sts.%s must have the text that `yubin dns records` prints there, with a certificate that everybody "
			  "trusts; or take the TXT record _mta-sts.%s away", j->site->domain, j->site->domain);
}

void dns_judge_mta_sts(struct dns_judge *j)
{
	char name[DNS_NAME_MAX + 16];
	const struct dns_answer *a;
	size_t count;

	snprintf(name, sizeof(name), "_mta-sts.%s", j->site->domain);
	a = j->look->ask(j->look, name, DNS_TXT);
	dns_judge_text(a, "v=STSv1", &count);
	if (a->status == DNS_FAILED || a->status == DNS_BOGUS) {
		dns_judge_empty(j, "mta-sts", name, "TXT", a, DNS_FINDING_ADVICE);
	} else if (count == 0) {
		dns_judge_say(j, DNS_FINDING_ADVICE, "mta-sts", "there is no MTA-STS policy: somebody in between can talk others out of TLS");
		dns_judge_todo(j, "with a web server: what `yubin dns records %s` prints; with DNSSEC: TLSA records do the same", j->site->domain);
	} else if (count > 1) {
		dns_judge_say(j, DNS_FINDING_WRONG, "mta-sts", "%s has %zu records: with more than one none counts", name, count);
		dns_judge_todo(j, "leave one of them");
	} else {
		judge_page(j);
	}
}

/* --- DANE ------------------------------------------------------------------ */

/* RFC 7672 3.1: usages 2 and 3 count; the record is of one of our certificates. Of usage 2 the
 * authority may be one that is not in our files: then it can't be said. */
static bool fits(const struct dns_site *d, struct span tlsa)
{
	static const size_t sizes[] = { 0, 32, 64 };

	if (tlsa.n < 3 || tlsa.p[1] > 1 || tlsa.p[2] < 1 || tlsa.p[2] > 2 || tlsa.n != 3 + sizes[tlsa.p[2]])
		return false;
	for (size_t i = 0; i < d->paper_count; i++) {
		bool right = tlsa.p[0] == 3 ? d->papers[i].leaf : tlsa.p[0] == 2 && !d->papers[i].leaf;

		if (right && memcmp(d->papers[i].hash[tlsa.p[1]][tlsa.p[2]], tlsa.p + 3, tlsa.n - 3) == 0)
			return true;
	}
	return false;
}

/* The i-th certificate is named by a record of usage 3; or one of usage 2 fits. */
static bool is_named(const struct dns_site *d, size_t paper, const struct dns_answer *a)
{
	struct dns_site one = { .paper_count = 1 };

	one.papers[0] = d->papers[paper];
	for (size_t i = 0; i < a->count; i++)
		if (fits(&one, a->records[i].text) || (a->records[i].text.n > 0 && a->records[i].text.p[0] == 2 && fits(d, a->records[i].text)))
			return true;
	return false;
}

static void judge_records(struct dns_judge *j, const char *name, const struct dns_answer *a)
{
	size_t fit = 0, leaves = 0, named = 0;

	for (size_t i = 0; i < a->count; i++)
		fit += fits(j->site, a->records[i].text);
	for (size_t i = 0; i < j->site->paper_count; i++)
		if (j->site->papers[i].leaf) {
			leaves++;
			named += is_named(j->site, i, a);
		}
	if (fit == 0) {
		dns_judge_say(j, DNS_FINDING_WRONG, "tlsa", "%s has %zu TLSA record%s, and none is of a certificate that port 25 shows: those who obey "
			      "DANE bring no mail", name, a->count, a->count == 1 ? "" : "s");
		dns_judge_todo(j, "publish what `yubin dns records %s` prints, at once", j->site->domain);
	} else if (named < leaves) {
		dns_judge_say(j, DNS_FINDING_WRONG, "tlsa", "port 25 has %zu certificates, and %zu of them %s no TLSA record: which one is shown hangs "
			      "on the other side", leaves, leaves - named, leaves - named == 1 ? "has" : "have");
		dns_judge_todo(j, "publish all that `yubin dns records %s` prints", j->site->domain);
	} else {
		dns_judge_say(j, DNS_FINDING_GOOD, "tlsa", "%s names the certificates of port 25", name);
	}
	if (fit < a->count && fit > 0) {
		dns_judge_say(j, DNS_FINDING_ADVICE, "tlsa", "%zu of the TLSA records are of no certificate in use", a->count - fit);
		dns_judge_todo(j, "that is right for a next certificate; else take them away");
	}
}

void dns_judge_tlsa(struct dns_judge *j)
{
	char name[DNS_NAME_MAX + 16];
	const struct dns_answer *a, *zone = j->look->ask(j->look, j->site->hostname, DNS_A);

	snprintf(name, sizeof(name), "_25._tcp.%s", j->site->hostname);
	a = j->look->ask(j->look, name, DNS_TLSA);
	if (a->status == DNS_NO_NAME || a->status == DNS_NO_DATA) {
		dns_judge_say(j, DNS_FINDING_ADVICE, "tlsa", "%s has no TLSA record%s", name,
			      zone->secure ? ", though its zone is signed (DNSSEC)" : "; it would count in a signed zone (DNSSEC) alone");
		dns_judge_todo(j, zone->secure ? "publish what `yubin dns records %s` prints, and again before each change of keys"
					       : "with DNSSEC for the zone of %s others can be sure of the server's certificate",
			       zone->secure ? j->site->domain : j->site->hostname);
	} else if (!dns_judge_empty(j, "tlsa", name, "TLSA", a, DNS_FINDING_ADVICE)) {
		if (!a->secure) {
			dns_judge_say(j, DNS_FINDING_ADVICE, "tlsa", "%s has TLSA records, but its zone is not signed (DNSSEC): nobody uses them", name);
			dns_judge_todo(j, "sign the zone, or take them away");
		}
		judge_records(j, name, a);
	}
}
