/*
 * way_rules.h - what follows from DNS's answers: the rules of way.h without the asking. Pure.
 */
#ifndef DELIVERD_WAY_RULES_H
#define DELIVERD_WAY_RULES_H

#include "deliverd/way.h"

enum { WAY_WORDS = 400 };

/* A number below `below`. */
typedef uint32_t (*way_random)(uint32_t below);

/* The hosts for a domain, in their order, or why there are none. */
struct way_choice {
	enum way_fate fate;
	struct way_host hosts[WAY_HOSTS];
	size_t count;
	bool mx;
	const char *status; /* "" for WAY_FOUND */
	char words[WAY_WORDS];
};
/* answer: that of MX; lends nothing to out. */
void way_choose(const struct dns_answer *answer, const struct way_self *self, const char *domain, uint16_t port,
		way_random random, struct way_choice *out);

/* "[192.0.2.7]", "[IPv6:2001:db8::7]" (RFC 5321 4.1.3) as a host. False: brackets, and no address in them. */
bool way_literal(const char *domain, uint16_t port, struct way_host *out);

/* The addresses of both answers, IPv6 and IPv4 in turns, IPv6 first; at most WAY_ADDRESSES: the count. */
size_t way_addresses(const struct dns_answer *a, const struct dns_answer *aaaa, uint16_t port,
		     struct address out[WAY_ADDRESSES]);
/* What both say together: DNS_OK if there is an address. */
enum dns_status way_status(const struct dns_answer *a, const struct dns_answer *aaaa);

/* One of the addresses is ours. */
bool way_is_self(const struct way_self *self, const struct address *addresses, size_t count);

/* Those records that can be used (RFC 7672 3.1), at most WAY_TLSA: the count. They lend from the answer. */
size_t way_usable(const struct dns_answer *tlsa, struct tls_tlsa out[WAY_TLSA]);

#endif
