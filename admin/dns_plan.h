/*
 * dns_plan.h - the records that a domain should have, from the facts of its site.
 */
#ifndef ADMIN_DNS_PLAN_H
#define ADMIN_DNS_PLAN_H

#include "admin/dns_site.h"
#include "common/base/arena.h"

enum { DNS_PLAN_RECORDS = 96 };

enum dns_topic {
	DNS_TOPIC_MX, DNS_TOPIC_HOST, DNS_TOPIC_PTR, DNS_TOPIC_SPF, DNS_TOPIC_DKIM, DNS_TOPIC_DMARC,
	DNS_TOPIC_MTA_STS, DNS_TOPIC_TLSRPT, DNS_TOPIC_TLSA, DNS_TOPIC_SRV, DNS_TOPIC_AUTOCONFIG, DNS_TOPICS
};

struct dns_plan_record {
	enum dns_topic topic;
	const char *name;	/* "example.org"; of a page its address */
	const char *type;	/* "TXT"; "PAGE": a text to be served over HTTPS */
	const char *value;	/* as in a master file, TXT without quotes; "": only its owner knows */
	const char *words;	/* what there is to say of this one; "" */
};

struct dns_plan {
	struct arena *arena;
	struct dns_plan_record records[DNS_PLAN_RECORDS];
	size_t count;
	bool failed;		/* no memory, or more records than fit */
};

/* "mta-sts", and what it is for: "Others may not be talked out of TLS". */
const char *dns_topic_name(enum dns_topic t);
const char *dns_topic_words(enum dns_topic t);
/* Mail comes and goes without it. */
bool dns_topic_is_optional(enum dns_topic t);

int dns_plan_make(struct dns_plan *p, const struct dns_site *d, struct error *err);
void dns_plan_clear(struct dns_plan *p);

/* The policy at https://mta-sts.DOMAIN/.well-known/mta-sts.txt (RFC 8461 3.2), and the id that
 * changes with it. */
enum { DNS_PLAN_POLICY_MAX = 512, DNS_PLAN_ID = 17 };
void dns_plan_policy(const struct dns_site *d, char out[DNS_PLAN_POLICY_MAX]);
void dns_plan_policy_id(const struct dns_site *d, char out[DNS_PLAN_ID]);

/* For people, for programs, for a name server. */
void dns_plan_write(const struct dns_plan *p, const struct dns_site *d, struct buf *out);
void dns_plan_write_json(const struct dns_plan *p, struct buf *out);
void dns_plan_write_zone(const struct dns_plan *p, const struct dns_site *d, struct buf *out);

#endif
