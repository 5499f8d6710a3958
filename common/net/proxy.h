/*
 * proxy.h - the PROXY protocol's header, versions 1 and 2 (HAProxy, doc/proxy-protocol.txt): what a proxy in front of us
 * says of the client whose bytes follow.
 *
 * Pure. Who may send one is the caller's to know: from anybody else it would be a lie for free.
 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include "common/net/address.h"

enum { PROXY_MAX = 4096 };	/* bytes of a header; above it is refused */

enum proxy_status {
	PROXY_MORE,	/* not whole yet */
	PROXY_BAD,	/* can't become one */
	PROXY_OWN,	/* whole; the proxy speaks for itself, or knows no address: that of the connection holds */
	PROXY_CLIENT	/* whole; peer and local are the client's */
};

struct proxy_header {
	struct address peer, local;
	size_t used;	/* bytes of the header, when it is whole */
};

/* in: all that has come so far, from the first byte on. */
enum proxy_status proxy_parse(struct span in, struct proxy_header *h);

#endif
