/*
 * path.h - reverse-path and forward-path of MAIL and RCPT (RFC 5321 4.1.2).
 *
 * Pure. Every disguise of an address comes out as the one address that it means, or
 * as none: source routes are dropped (RFC 5321 appendix C), quoted local parts lose
 * quotes and backslashes that they do not need, the domain becomes lower case and A-labels (RFC 5891), an
 * address literal is written as such addresses are.
 * UTF-8 is taken on both sides of the @ (RFC 6531 3.3); who did not ask for it is the caller's to refuse.
 * RFC 5321 4.1.2 not done: a quoted local part with nothing in it. Nobody has that address.
 */
#ifndef SMTPD_PATH_H
#define SMTPD_PATH_H

#include "common/base/span.h"

enum {
	PATH_LOCAL_MAX = 64,	/* bytes; RFC 5321 4.5.3.1.1 */
	PATH_DOMAIN_MAX = 255,	/* RFC 5321 4.5.3.1.2 */
	PATH_ADDRESS_MAX = 320		/* an address and its NUL */
};

enum path_status {
	PATH_OK,
	PATH_NULL,		/* <> */
	PATH_BARE,		/* a local part alone: <postmaster> */
	PATH_BAD
};

/* Takes a path in angle brackets off *in, what follows stays. address: "local@domain", the
 * local part quoted only if it must be; "" for PATH_NULL; the local part for PATH_BARE. */
enum path_status path_take(struct span *in, char address[PATH_ADDRESS_MAX]);

/* Does it hold anything but ASCII? */
bool path_is_utf8(struct span path);

/* May mail to it be sent on? Its domain has dots where they belong and labels that can be in the DNS or is the literal of an IPv4 or IPv6 address. */
bool path_is_routable(const char *address);

/* A name that HELO or EHLO may give: a domain or an address literal (RFC 5321 4.1.1.1),
 * with underscores, as machines have them. */
bool path_helo_valid(struct span name);

#endif
