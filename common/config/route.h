/*
 * route.h - Route's values: mail that goes to hosts of the administrator's choice.
 *
 *     Route WHO HOST:PORT[,HOST:PORT...]|mx [tls=WORD] [auth=FILE] [cert=FILE] [lmtp] [implicit]
 *
 * Who     example.org (that domain), .example.org (what lies under it), user@our.example or
 *         @our.example (what these send), * (everything). The first kind that fits wins, in
 *         that order, recipients before senders; of several .suffixes the longest.
 * Hosts   Tried in their order, without a search for MX: names, IPv4, [IPv6]. mx: the domain's own
 *         hosts; then tls= is all that may follow.
 * Auth    Credentials never leave without a certificate that verifies, unless tls= says so: the
 *         word is verify where auth= stands and tls= does not.
 * Pure    Text in, values out; the files are the reader's business.
 */
#ifndef CONFIG_ROUTE_H
#define CONFIG_ROUTE_H

#include "common/config/config.h"

enum { ROUTE_HOSTS = 8, ROUTE_NAME_MAX = 256, ROUTE_WHO_MAX = 320, ROUTE_FILE_MAX = 512, ROUTE_SECRET_MAX = 512 };

enum route_kind {		/* in the order in which they win */
	ROUTE_DOMAIN,
	ROUTE_SUBDOMAINS,	/* who is "example.org" for .example.org */
	ROUTE_SENDER,
	ROUTE_SENDER_DOMAIN,	/* who is "our.example" for @our.example */
	ROUTE_ALL		/* who is "" */
};

struct route_host {
	char name[ROUTE_NAME_MAX];	/* lower case; an address without brackets */
	bool address;
	uint16_t port;
};

struct route {
	enum route_kind kind;
	char who[ROUTE_WHO_MAX];	/* domains in lower case, not converted to A-labels */
	struct route_host hosts[ROUTE_HOSTS];
	size_t count;		/* 0: mx */
	char tls[12];		/* a word of DeliverTLS; "": not given */
	char auth[ROUTE_FILE_MAX], cert[ROUTE_FILE_MAX];	/* as written; "": none */
	bool lmtp, implicit;
};

/* -EINVAL with what is allowed. */
int route_parse(struct route *out, struct span text, struct error *err);

/* "HOST:PORT" alone. */
int route_host_parse(struct route_host *out, struct span text, struct error *err);

/* How well r fits a recipient's domain and a sender, both with domains as in `who`: 0 not at
 * all, else the highest wins. */
unsigned route_fits(const struct route *r, struct span domain, struct span sender);

/* An auth= file: lines `user NAME` and `password TEXT`, the rest of the line each; `#` begins a
 * comment line. Both must be there, once; or else `external` alone: AUTH EXTERNAL, by the
 * certificate of cert=. For the caller to wipe. */
struct route_auth {
	char user[ROUTE_SECRET_MAX], password[ROUTE_SECRET_MAX];
	bool external;
};
int route_auth_parse(struct route_auth *out, struct span text, struct error *err);

#endif
