/*
 * dns_judge.h - what the DNS says of a domain, held against what it should: one finding after another.
 *
 * Pure but for the lookup, which a test plays.
 */
#ifndef ADMIN_DNS_JUDGE_H
#define ADMIN_DNS_JUDGE_H

#include "admin/dns_plan.h"
#include "admin/lookup.h"

enum { DNS_FINDINGS = 128, DNS_FINDING_WORDS = 700 };

enum dns_finding_state {
	DNS_FINDING_GOOD,
	DNS_FINDING_ADVICE,	/* mail flows, and could be better looked after */
	DNS_FINDING_WRONG
};

struct dns_finding {
	enum dns_finding_state state;
	const char *topic;	/* "mx", "port25" */
	char words[DNS_FINDING_WORDS];	/* what is so */
	char todo[DNS_FINDING_WORDS];	/* what to do; "" */
};

struct dns_judge {
	const struct dns_site *site;
	struct lookup *look;
	struct dns_finding findings[DNS_FINDINGS];
	size_t count;
};

/* One more finding; and what to do about it. */
void dns_judge_say(struct dns_judge *j, enum dns_finding_state state, const char *topic, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void dns_judge_todo(struct dns_judge *j, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What is no answer, as a finding: true if there is nothing to look at. missing: it is wrong, or
 * only worth advice, that there is no such record. */
bool dns_judge_empty(struct dns_judge *j, const char *topic, const char *name, const char *type,
		     const struct dns_answer *a, enum dns_finding_state missing);

/* The only record among those of a TXT answer that begins so ("v=spf1"), behind which a word
 * ends; count: how many there are. Lent. */
struct span dns_judge_text(const struct dns_answer *a, const char *begin, size_t *count);

/* dns_judge.c */
void dns_judge_mx(struct dns_judge *j);
void dns_judge_host(struct dns_judge *j);
void dns_judge_port25(struct dns_judge *j, const char *host);
/* dns_judge_text.c */
void dns_judge_spf(struct dns_judge *j);
void dns_judge_dkim(struct dns_judge *j);
void dns_judge_dmarc(struct dns_judge *j);
void dns_judge_tlsrpt(struct dns_judge *j);
/* dns_judge_tls.c */
void dns_judge_mta_sts(struct dns_judge *j);
void dns_judge_tlsa(struct dns_judge *j);
/* dns_judge_client.c */
void dns_judge_srv(struct dns_judge *j);
void dns_judge_autoconfig(struct dns_judge *j);

/* All but port 25; questions go out at once. */
void dns_judge_all(struct dns_judge *j);

#endif
