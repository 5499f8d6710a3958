/*
 * dns.h - DNS and DNSSEC in the loop, by libunbound.
 *
 * Shape   One resolver a loop. Each question completes exactly once, never before the call has
 *         returned; its number may be cancelled. Nothing blocks; no thread, no file once made.
 * Names   UTF-8 or A-labels in (libidn2, RFC 5891), lower-case A-labels without the last dot out.
 *         CNAMEs are followed, DNS_CHAIN of them at most.
 * Secure  Answers say whether DNSSEC proved them. A bogus one is no answer: DNS_BOGUS.
 * Found   Many a machine was given a resolver that keeps DNSSEC back. Where the servers were found and
 *         not chosen (options.found) that is no reason to have no names at all: the root's servers
 *         are asked then, and where those can't be reached the resolver is believed without proof.
 * Limits  DNS_OPEN questions open, DNS_RECORDS of an answer, DNS_WAIT_MS.
 */
#ifndef DNS_DNS_H
#define DNS_DNS_H

#include <uv.h>

#include "common/base/buf.h"
#include "common/base/error.h"

enum {
	DNS_OPEN = 8192,
	DNS_RECORDS = 256,
	DNS_CHAIN = 8,
	DNS_NAME_MAX = 256,	/* bytes of a name and its NUL */
	DNS_WAIT_MS = 30000,
	DNS_REST_MS = 600000	/* without a question: then what was learned is forgotten, and its memory given back */
};

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28, DNS_SRV = 33, DNS_TLSA = 52 };

enum dns_status {
	DNS_OK,			/* at least one record */
	DNS_NO_DATA,		/* the name is there, no such record */
	DNS_NO_NAME,		/* NXDOMAIN */
	DNS_FAILED,		/* no server answered in time, or they could not: later */
	DNS_BOGUS,		/* DNSSEC says it is forged, or badly signed */
	DNS_INVALID		/* what was asked is no name */
};

struct dns_record {
	uint16_t preference;	/* MX; SRV: priority */
	uint16_t weight, port;	/* SRV */
	char name[DNS_NAME_MAX];	/* MX, SRV, PTR; "" is the root: a null MX (RFC 7505) */
	uint8_t address[16];	/* A: 4, AAAA: 16 */
	struct span text;	/* TXT: its strings as one; TLSA: usage, selector, matching, data */
};

struct dns_answer {		/* lent until the callback returns */
	enum dns_status status;
	bool secure;		/* DNSSEC proved it, or proved that there is none; CNAMEs too */
	const char *name;	/* behind the CNAMEs */
	const struct dns_record *records;
	size_t count;
	uint32_t ttl_s;		/* the lowest */
	const char *words;	/* for a person: why not; "" for DNS_OK */
};

struct dns_options {
	const char *const *servers;	/* "ADDRESS" or "ADDRESS:PORT"; none: ask from the root down */
	size_t server_count;
	bool found;		/* nobody chose them: resolv.conf's */
	struct span anchors;	/* DS or DNSKEY lines; empty: the root's, as it was when this was built */
};

struct dns;			/* opaque */

/* Tries whether a resolver can be made of what somebody chose; the first question makes it. No file is
 * needed then. */
int dns_new(struct dns **out, uv_loop_t *loop, const struct dns_options *o, struct error *err);
/* Open questions are forgotten. The loop must run once more. NULL is allowed. */
void dns_free(struct dns *d);

typedef void (*dns_done)(void *arg, const struct dns_answer *answer);
/* 0 without memory, or over DNS_OPEN: then nothing completes. */
uint64_t dns_ask(struct dns *d, const char *name, enum dns_type type, dns_done done, void *arg);
void dns_cancel(struct dns *d, uint64_t number);

/* "192.0.2.7" as "7.2.0.192.in-addr.arpa". False: no address. */
bool dns_reverse(const char *address, char out[DNS_NAME_MAX]);
/* A domain as DNS has it: A-labels, lower case. False: it can't be one. */
bool dns_name(struct span in, char out[DNS_NAME_MAX]);

/* The servers of resolv.conf's text, as options want them: at most max; the count. */
size_t dns_servers(struct span resolv_conf, char servers[][64], size_t max);

/* The answer in a DNS packet, for tests and fuzzing: what dns_ask makes of it. memory, of which 256 kB
 * are always enough, holds what the answer lends. -EPROTO: it is none. Pure. */
int dns_parse(struct span packet, enum dns_type type, const char *asked, struct buf *memory,
	      struct dns_answer *out);

#endif
