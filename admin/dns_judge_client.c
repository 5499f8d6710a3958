/* dns_judge_client.c - what mail programs find of the ports by themselves: SRV, and pages of settings. */
#include <stdio.h>
#include <string.h>

#include "admin/dns_judge.h"
#include "common/base/buf.h"

/* --- SRV ------------------------------------------------------------------- */

enum srv_state { SRV_GOOD, SRV_MISSING, SRV_DENIED, SRV_PORT, SRV_ELSEWHERE, SRV_NO_ANSWER };

static enum srv_state srv_state(const struct dns_judge *j, const struct dns_site_service *s, const struct dns_answer *a)
{
	enum srv_state found = SRV_ELSEWHERE;

	if (a->status == DNS_NO_DATA || a->status == DNS_NO_NAME)
		return SRV_MISSING;
	if (a->status != DNS_OK)
		return SRV_NO_ANSWER;
	if (a->count == 1 && *a->records[0].name == '\0')
		return SRV_DENIED;
	for (size_t i = 0; i < a->count; i++) {
		if (strcasecmp(a->records[i].name, j->site->hostname) != 0)
			continue;
		if (a->records[i].port == s->port)
			return SRV_GOOD;
		found = SRV_PORT;
	}
	return found;
}

/* One that leads programs astray, or that the DNS does not answer for. */
static void judge_service(struct dns_judge *j, const struct dns_site_service *s, const char *name, const struct dns_answer *a,
			  enum srv_state state)
{
	const char *domain = j->site->domain, *hostname = j->site->hostname;

	switch (state) {
	case SRV_DENIED:	/* RFC 6186 3.4 */
		dns_judge_say(j, DNS_FINDING_WRONG, "srv", "%s says that there is no such service, and port %u of %s has it", name, s->port, hostname);
		dns_judge_todo(j, "publish: %s. SRV 0 1 %u %s.", name, s->port, hostname);
		break;
	case SRV_PORT:
		dns_judge_say(j, DNS_FINDING_WRONG, "srv", "%s sends programs to another port of %s than %u", name, hostname, s->port);
		dns_judge_todo(j, "publish: %s. SRV 0 1 %u %s.", name, s->port, hostname);
		break;
	case SRV_ELSEWHERE:
		dns_judge_say(j, DNS_FINDING_ADVICE, "srv", "%s sends programs to %s port %u, not here", name, a->records[0].name,
			      (unsigned)a->records[0].port);
		dns_judge_todo(j, "that is right if the mailboxes of %s are there; else publish: %s. SRV 0 1 %u %s.", domain, name, s->port,
			       hostname);
		break;
	case SRV_NO_ANSWER:
		dns_judge_empty(j, "srv", name, "SRV", a, DNS_FINDING_ADVICE);
		break;
	case SRV_GOOD:
	case SRV_MISSING:
		break;
	}
}

void dns_judge_srv(struct dns_judge *j)
{
	char name[DNS_NAME_MAX + 32];
	struct buf good, missing;

	buf_init(&good, DNS_FINDING_WORDS);
	buf_init(&missing, DNS_FINDING_WORDS);
	for (size_t i = 0; i < j->site->service_count; i++) {
		const struct dns_site_service *s = &j->site->services[i];
		const struct dns_answer *a;
		enum srv_state state;
		struct buf *list;

		snprintf(name, sizeof(name), "%s.%s", s->name, j->site->domain);
		a = j->look->ask(j->look, name, DNS_SRV);
		state = srv_state(j, s, a);
		judge_service(j, s, name, a, state);
		list = state == SRV_GOOD ? &good : &missing;
		if (state == SRV_GOOD || state == SRV_MISSING)
			buf_printf(list, "%s%s", list->n > 0 ? ", " : "", s->name);
	}
	if (good.n > 0)
		dns_judge_say(j, DNS_FINDING_GOOD, "srv", "programs that look find %.*s", (int)good.n, (const char *)good.p);
	if (missing.n > 0) {
		dns_judge_say(j, DNS_FINDING_ADVICE, "srv", "there is no SRV record for %.*s: programs that look there must be told host and port",
			      (int)missing.n, (const char *)missing.p);
		dns_judge_todo(j, "publish those that `yubin dns records %s` prints", j->site->domain);
	}
	buf_clear(&good);
	buf_clear(&missing);
}

/* --- pages of settings ------------------------------------------------------ */

static bool body_names(struct span body, const char *host)
{
	return memmem(body.p, body.n, host, strlen(host)) != NULL;
}

void dns_judge_autoconfig(struct dns_judge *j)
{
	char name[DNS_NAME_MAX + 16], url[DNS_NAME_MAX + 64];
	const struct lookup_page *page;
	const struct dns_answer *a;

	snprintf(name, sizeof(name), "autoconfig.%s", j->site->domain);
	a = j->look->ask(j->look, name, DNS_A);
	if (a->status == DNS_NO_DATA || a->status == DNS_NO_NAME)
		a = j->look->ask(j->look, name, DNS_AAAA);
	if (a->status == DNS_NO_DATA || a->status == DNS_NO_NAME) {
		dns_judge_say(j, DNS_FINDING_ADVICE, "autoconfig", "%s is not there: Thunderbird and others guess the ports, or ask", name);
		dns_judge_todo(j, "of use with a web server alone: it has the settings at https://%s/mail/config-v1.1.xml", name);
		return;
	}
	if (dns_judge_empty(j, "autoconfig", name, "A", a, DNS_FINDING_ADVICE))
		return;
	snprintf(url, sizeof(url), "https://%s/mail/config-v1.1.xml", name);
	page = j->look->page(j->look, url);
	if (page->status == 200 && body_names(page->body, j->site->hostname)) {
		dns_judge_say(j, DNS_FINDING_GOOD, "autoconfig", "%s names %s", url, j->site->hostname);
	} else if (page->status == 200) {
		dns_judge_say(j, DNS_FINDING_WRONG, "autoconfig", "%s does not name %s: programs are set up for another server", url, j->site->hostname);
		dns_judge_todo(j, "change it, or take %s out of the DNS", name);
	} else {
		if (page->status == 0)
			dns_judge_say(j, DNS_FINDING_ADVICE, "autoconfig", "%s is there, and %s can't be fetched: %s", name, url, page->words);
		else
			dns_judge_say(j, DNS_FINDING_ADVICE, "autoconfig", "%s is there, and %s is answered with %d", name, url, page->status);
		dns_judge_todo(j, "without a web server for it the name is of no use; programs go on without");
	}
}
