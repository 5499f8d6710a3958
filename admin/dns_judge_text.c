/* dns_judge_text.c - the TXT records: SPF, DKIM, DMARC, reports of TLS. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "admin/dkim_parts.h"
#include "admin/dns_judge.h"
#include "admin/spf.h"
#include "common/base/escape.h"

/* --- SPF ------------------------------------------------------------------- */

/* Of a block that was never given out: a record that lets it send lets everybody. */
#define NOBODY "240.0.0.1"

static const char *const spf_words[] = {
	[SPF_NONE] = "says nothing of it",	   [SPF_PASS] = "lets it",
	[SPF_NEUTRAL] = "says neither yes nor no (neutral)", [SPF_SOFTFAIL] = "says that it rather may not (softfail)",
	[SPF_FAIL] = "forbids it (fail)",	   [SPF_PERMERROR] = "can't be used (permerror)",
	[SPF_TEMPERROR] = "can't be looked up now (temperror)",
};

/* True if the address is good, or the record as a whole is bad, which is then said. */
static bool judge_spf_address(struct dns_judge *j, const char *address)
{
	struct spf s = { .look = j->look };
	enum spf_result result = spf_check(&s, j->site->domain, address);

	if (result == SPF_PASS)
		return true;
	if (result == SPF_PERMERROR || result == SPF_TEMPERROR) {
		dns_judge_say(j, DNS_FINDING_WRONG, "spf", "the SPF record of %s %s: %s", j->site->domain, spf_words[result], s.words);
		dns_judge_todo(j, "others take a record that can't be used for none, or refuse mail. Terms that ask the DNS are a, mx, include, "
				  "exists, ptr and redirect: at most 10, those of includes counted");
		return false;
	}
	if (s.macros && result != SPF_FAIL) {
		dns_judge_say(j, DNS_FINDING_ADVICE, "spf", "whether %s may send can't be seen: the record has macros, which hang on the message",
			      address);
		return true;
	}
	dns_judge_say(j, DNS_FINDING_WRONG, "spf", "mail leaves from %s, and the SPF record of %s %s", address, j->site->domain,
		      spf_words[result]);
	dns_judge_todo(j, "add %s%s, or mx if it is the address of an MX host, in front of the all", strchr(address, ':') != NULL ? "ip6:" : "ip4:",
		       address);
	return false;
}

static bool judge_spf_addresses(struct dns_judge *j, enum dns_type type)
{
	const struct dns_answer *a = j->look->ask(j->look, j->site->hostname, type);
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < a->count && a->status == DNS_OK; i++) {
		inet_ntop(type == DNS_A ? AF_INET : AF_INET6, a->records[i].address, text, sizeof(text));
		if (!judge_spf_address(j, text))
			return false;
	}
	return true;
}

static void judge_spf_record(struct dns_judge *j)
{
	struct spf s = { .look = j->look };
	enum spf_result result = spf_check(&s, j->site->domain, NOBODY);

	if (result == SPF_PASS) {
		dns_judge_say(j, DNS_FINDING_WRONG, "spf", "the SPF record of %s lets everybody send (+all)", j->site->domain);
		dns_judge_todo(j, "end it with ~all or -all");
	} else if (*j->site->smarthost != '\0') {
		dns_judge_say(j, DNS_FINDING_ADVICE, "spf", "mail leaves by %s: see whether the record includes what its owner asks for",
			      j->site->smarthost);
	} else if (judge_spf_addresses(j, DNS_A) && judge_spf_addresses(j, DNS_AAAA)) {
		dns_judge_say(j, DNS_FINDING_GOOD, "spf", "the SPF record of %s lets this server send", j->site->domain);
		if (result == SPF_NEUTRAL) {
			dns_judge_say(j, DNS_FINDING_ADVICE, "spf", "the SPF record says nothing of all others");
			dns_judge_todo(j, "end it with ~all or -all");
		}
	}
}

void dns_judge_spf(struct dns_judge *j)
{
	const struct dns_answer *a = j->look->ask(j->look, j->site->domain, DNS_TXT);
	size_t count;

	if (a->status != DNS_OK && a->status != DNS_NO_DATA && a->status != DNS_NO_NAME) {
		dns_judge_empty(j, "spf", j->site->domain, "TXT", a, DNS_FINDING_WRONG);
		return;
	}
	dns_judge_text(a, "v=spf1", &count);
	if (count == 0) {
		dns_judge_say(j, DNS_FINDING_WRONG, "spf", "%s has no SPF record", j->site->domain);
		dns_judge_todo(j, "publish: %s. TXT \"v=spf1 mx ~all\"", j->site->domain);
	} else if (count > 1) {
		dns_judge_say(j, DNS_FINDING_WRONG, "spf", "%s has %zu SPF records: with more than one none counts", j->site->domain, count);
		dns_judge_todo(j, "make one of them, that has the terms of all");
	} else {
		judge_spf_record(j);
	}
}

/* --- DKIM ------------------------------------------------------------------ */

static void judge_key(struct dns_judge *j, size_t i)
{
	const struct dkim_entry *e = &j->site->keys.entries[i];
	char words[DKIM_WORDS], name[KEYRING_NAME_MAX];
	bool good = dkim_is_published(&j->site->keys, i, j->look, words);

	keyring_name(&j->site->keys, i, name);
	if (good && e->state == DKIM_ACTIVE) {
		dns_judge_say(j, DNS_FINDING_GOOD, "dkim", "%s has the key that signs", name);
	} else if (good) {
		dns_judge_say(j, DNS_FINDING_ADVICE, "dkim", "%s has the next key", name);
		dns_judge_todo(j, "let it sign: yubin dkim rotate %s", j->site->domain);
	} else {
		dns_judge_say(j, e->state == DKIM_ACTIVE ? DNS_FINDING_WRONG : DNS_FINDING_ADVICE, "dkim", "%s: %s", name, words);
		dns_judge_todo(j, "publish what `yubin dns records %s` prints, all of it in one TXT record", j->site->domain);
	}
}

void dns_judge_dkim(struct dns_judge *j)
{
	bool signs = keyring_has(&j->site->keys, DKIM_ACTIVE);

	if (!signs) {
		dns_judge_say(j, DNS_FINDING_WRONG, "dkim", "there is no key that signs the mail of %s", j->site->domain);
		dns_judge_todo(j, "make one: yubin dkim new %s", j->site->domain);
	}
	for (size_t i = 0; i < j->site->keys.count; i++)
		if (j->site->keys.entries[i].state != DKIM_OLD)
			judge_key(j, i);
}

/* --- DMARC ----------------------------------------------------------------- */

/* The value of a tag, "" if it is not there. */
static struct span tag_of(struct span record, const char *name)
{
	while (record.n > 0) {
		struct span tag = span_trim(span_take_until(&record, ';'));

		if (span_is_nocase(span_trim(span_take_until(&tag, '=')), name))
			return span_trim(tag);
	}
	return (struct span){ NULL, 0 };
}

/* The domain's record, or that of one above it; a tree walk (RFC 7489 6.6.3, without its list of suffixes). */
static struct span find_dmarc(struct dns_judge *j, char name[DNS_NAME_MAX + 8], size_t *count, const struct dns_answer **last)
{
	const char *domain = j->site->domain;
	struct span found = { NULL, 0 };

	*count = 0;
	for (; domain != NULL && strchr(domain, '.') != NULL && *count == 0; domain = strchr(domain, '.') + 1) {
		snprintf(name, DNS_NAME_MAX + 8, "_dmarc.%s", domain);
		*last = j->look->ask(j->look, name, DNS_TXT);
		if ((*last)->status == DNS_FAILED || (*last)->status == DNS_BOGUS)
			return found;
		found = dns_judge_text(*last, "v=DMARC1", count);
	}
	return found;
}

static void judge_dmarc_record(struct dns_judge *j, const char *name, struct span record)
{
	struct span policy = tag_of(record, "p");
	char shown[40];

	if (!span_is_nocase(policy, "none") && !span_is_nocase(policy, "quarantine") && !span_is_nocase(policy, "reject")) {
		dns_judge_say(j, DNS_FINDING_WRONG, "dmarc", "%s: p=%s is no policy", name, escape_text(shown, sizeof(shown), policy));
		dns_judge_todo(j, "write p=none, p=quarantine or p=reject behind v=DMARC1;");
		return;
	}
	dns_judge_say(j, DNS_FINDING_GOOD, "dmarc", "%s says p=%s", name, escape_text(shown, sizeof(shown), policy));
	if (span_is_nocase(policy, "none")) {
		dns_judge_say(j, DNS_FINDING_ADVICE, "dmarc", "p=none only watches: mail that others write in your name still arrives");
		dns_judge_todo(j, "when SPF and DKIM have been good for some weeks, p=quarantine, then p=reject");
	}
	if (tag_of(record, "rua").n == 0) {
		dns_judge_say(j, DNS_FINDING_ADVICE, "dmarc", "nobody gets the reports of others");
		dns_judge_todo(j, "add rua=mailto:postmaster@%s", j->site->domain);
	}
}

void dns_judge_dmarc(struct dns_judge *j)
{
	char name[DNS_NAME_MAX + 8];
	const struct dns_answer *last = NULL;
	size_t count;
	struct span record = find_dmarc(j, name, &count, &last);

	if (last != NULL && (last->status == DNS_FAILED || last->status == DNS_BOGUS)) {
		dns_judge_empty(j, "dmarc", name, "TXT", last, DNS_FINDING_WRONG);
	} else if (count == 0) {
		dns_judge_say(j, DNS_FINDING_WRONG, "dmarc", "%s has no DMARC record; the big providers want one", j->site->domain);
		dns_judge_todo(j, "publish: _dmarc.%s. TXT \"v=DMARC1; p=none; rua=mailto:postmaster@%s\"", j->site->domain, j->site->domain);
	} else if (count > 1) {
		dns_judge_say(j, DNS_FINDING_WRONG, "dmarc", "%s has %zu DMARC records: with more than one none counts", name, count);
		dns_judge_todo(j, "leave one of them");
	} else {
		judge_dmarc_record(j, name, record);
	}
}

/* --- TLSRPT ---------------------------------------------------------------- */

void dns_judge_tlsrpt(struct dns_judge *j)
{
	char name[DNS_NAME_MAX + 16];
	const struct dns_answer *a;
	struct span record;
	size_t count;

	snprintf(name, sizeof(name), "_smtp._tls.%s", j->site->domain);
	a = j->look->ask(j->look, name, DNS_TXT);
	record = dns_judge_text(a, "v=TLSRPTv1", &count);
	if (a->status == DNS_FAILED || a->status == DNS_BOGUS) {
		dns_judge_empty(j, "tlsrpt", name, "TXT", a, DNS_FINDING_ADVICE);
	} else if (count == 0) {
		dns_judge_say(j, DNS_FINDING_ADVICE, "tlsrpt", "nobody asks others how TLS went when they brought mail (RFC 8460 3)");
		dns_judge_todo(j, "publish: %s. TXT \"v=TLSRPTv1; rua=mailto:postmaster@%s\"", name, j->site->domain);
	} else if (count > 1 || tag_of(record, "rua").n == 0) {
		dns_judge_say(j, DNS_FINDING_WRONG, "tlsrpt", "%s must be one record with a rua=", name);
		dns_judge_todo(j, "publish: %s. TXT \"v=TLSRPTv1; rua=mailto:postmaster@%s\"", name, j->site->domain);
	} else {
		dns_judge_say(j, DNS_FINDING_GOOD, "tlsrpt", "others tell how TLS went");
	}
}
