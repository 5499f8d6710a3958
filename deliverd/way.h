/*
 * way.h - which hosts take mail for a domain, in which order (RFC 5321 5.1, RFC 7505).
 *
 * Shape   One search: MX, or what stands for it; then the addresses, and the TLSA records, of
 *         one host after another, as they are needed. Asks common/dns and nothing else.
 * Rules   MX by preference, equal ones shuffled; without MX the domain's own A and AAAA; a null
 *         MX and a name that is not there fail for good (556 5.1.10, 5.1.2); a resolver that
 *         fails or a forged answer is later (4.4.3, 4.7.0: never "no MX"). Ourselves among
 *         the hosts: those of the same and of a worse preference are left out; nobody left is a loop (5.4.6).
 *         Address literals, and routes, need no search for MX.
 * Secure  DNSSEC's word on the MX answer, and on each host's addresses, is kept: DANE hangs on it
 *         (RFC 7672 2.2).
 */
#ifndef DELIVERD_WAY_H
#define DELIVERD_WAY_H

#include "common/dns/dns.h"
#include "common/net/address.h"
#include "common/tls/outbound.h"

enum { WAY_HOSTS = 32, WAY_ADDRESSES = 16, WAY_TLSA = 16 };

struct way_host {
	char name[DNS_NAME_MAX];	/* A-labels; an address as it is written, for a literal */
	uint16_t preference, port;
	bool literal;		/* name is an address: nothing is looked up, no name is to be verified */
	bool secure;		/* the answer that named it was proved (a route counts as proved) */
};

enum way_fate { WAY_FOUND, WAY_NEVER, WAY_LATER };

struct way_answer {		/* lent until the callback returns */
	enum way_fate fate;
	const struct way_host *hosts;	/* in the order in which they are to be tried */
	size_t count;
	bool mx;		/* they come from MX records */
	bool secure;		/* the MX answer was proved */
	uint32_t ttl_s;
	const char *status;	/* not found: "5.1.10"; and words for the sender */
	const char *words;
};
typedef void (*way_done)(void *arg, const struct way_answer *a);

/* A route's host: a name (UTF-8 too), "192.0.2.7", "2001:db8::7", with or without brackets.
 * False: it is none of them. */
bool way_host_read(struct way_host *out, struct span text, uint16_t port);

/* Who we are: a host with one of these names, or an address and port that we listen at, is us. */
struct way_self {
	const char *hostname;
	const struct address *listens;	/* with ports; loopback counts only where it is listed */
	size_t count;
};

struct way;			/* opaque; one search */

/* domain: A-labels, or a literal with its brackets. NULL without memory. */
struct way *way_find(struct dns *dns, const struct way_self *self, const char *domain, uint16_t port,
		     way_done done, void *arg);
/* The callback is not called. NULL is allowed. A search frees itself behind its callback. */
void way_cancel(struct way *w);

struct way_host_answer {	/* lent until the callback returns */
	enum dns_status status;
	const struct address *addresses;	/* IPv6 and IPv4 in turns, IPv6 first; with the port */
	size_t count;
	bool secure;		/* all of it was proved */
	bool self;		/* it is us: neither it nor one of the same or a worse preference may be sent to */
	const struct tls_tlsa *tlsa;	/* usable records; only where the addresses were proved */
	size_t tlsa_count;
	bool tlsa_there;	/* there are records, usable or not: TLS is a must (RFC 7672 2.2) */
	bool tlsa_failed;	/* the question for them failed: this host can't be used now (RFC 7672 2.1.2) */
	const char *tlsa_base;	/* the name that they were found under: it counts as a name of the host */
	const char *words;
};
typedef void (*way_host_done)(void *arg, const struct way_host_answer *a);
struct way *way_host_find(struct dns *dns, const struct way_self *self, const struct way_host *host,
			  way_host_done done, void *arg);

#endif
