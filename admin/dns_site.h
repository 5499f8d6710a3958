/*
 * dns_site.h - what the DNS has to say of this server and one of its domains: the facts, out of etc/.
 */
#ifndef ADMIN_DNS_SITE_H
#define ADMIN_DNS_SITE_H

#include "admin/keyring.h"

enum {
	DNS_SITE_ADDRESSES = 16,
	DNS_SITE_SERVICES = 8,
	DNS_SITE_PAPERS = 16,
	DNS_SITE_ADDRESS_MAX = 46,
	DNS_SITE_HASH = 64
};

struct dns_site_service {	/* RFC 6186 3, RFC 8314 5.1 */
	const char *name;	/* "_submissions._tcp" */
	unsigned port;
};

/* A certificate of the ports that other servers come to, as TLSA records tell it. */
struct dns_site_paper {
	uint8_t hash[2][3][DNS_SITE_HASH];	/* [selector][matching]; matching 1: 32 bytes, 2: 64 */
	bool leaf;		/* the server's own, not an authority of its chain */
};

struct dns_site {
	char domain[DNS_NAME_MAX], hostname[DNS_NAME_MAX];	/* as DNS has them */
	struct keyring keys;
	char addresses[DNS_SITE_ADDRESSES][DNS_SITE_ADDRESS_MAX];	/* public ones that mail leaves from */
	size_t address_count;	/* 0: they can't be seen from here */
	struct dns_site_service services[DNS_SITE_SERVICES];
	size_t service_count;
	struct dns_site_paper papers[DNS_SITE_PAPERS];
	size_t paper_count;
	char smarthost[DNS_NAME_MAX];	/* all mail leaves by it; "" */
};

/* Reads etc/; domain as a person writes it. */
int dns_site_read(struct dns_site *d, const struct site *s, const char *domain, struct error *err);

/* The certificates of a PEM text, appended; and an address that may stand in public DNS. */
void dns_site_papers(struct dns_site *d, struct span pem);
bool dns_site_is_public(const char *address);

#endif
