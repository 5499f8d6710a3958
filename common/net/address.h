/*
 * address.h - a socket's address as people read it; IPv4 in IPv6's clothes is IPv4.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "common/base/span.h"

enum { ADDRESS_PORT_TEXT = INET6_ADDRSTRLEN + 9 }; /* "[...]:65535" and a NUL */

#define ADDRESS_LOCAL "unix" /* the host at the other end of a Unix socket */

struct address {
	char host[INET6_ADDRSTRLEN]; /* "192.0.2.7", "2001:db8::1", ADDRESS_LOCAL; "?" for what is neither */
	unsigned port;
};

void address_read(struct address *a, const struct sockaddr_storage *from);

/* "192.0.2.7:50112", "[2001:db8::1]:50112", "unix". Returns out. */
const char *address_text(const struct address *a, char out[ADDRESS_PORT_TEXT]);

#endif
