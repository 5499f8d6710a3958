/* address.c - the contract is in address.h. */
#include "common/net/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

void address_read(struct address *a, const struct sockaddr_storage *from)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;

	*a = (struct address){ .host = "?" };
	if (from->ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, a->host, sizeof(a->host));
		a->port = ntohs(v4->sin_port);
	} else if (from->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, a->host, sizeof(a->host));
		a->port = ntohs(v6->sin6_port);
	} else if (from->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, a->host, sizeof(a->host));
		a->port = ntohs(v6->sin6_port);
	} else if (from->ss_family == AF_UNIX) {
		snprintf(a->host, sizeof(a->host), "%s", ADDRESS_LOCAL);
	}
}

const char *address_text(const struct address *a, char out[ADDRESS_PORT_TEXT])
{
	if (strcmp(a->host, ADDRESS_LOCAL) == 0)
		snprintf(out, ADDRESS_PORT_TEXT, "%s", a->host);
	else if (strchr(a->host, ':') != NULL)
		snprintf(out, ADDRESS_PORT_TEXT, "[%s]:%u", a->host, a->port);
	else
		snprintf(out, ADDRESS_PORT_TEXT, "%s:%u", a->host, a->port);
	return out;
}
