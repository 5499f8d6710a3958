/*
 * wish.h - which TLS a connection is to begin, kept until it does.
 */
#ifndef NET_WISH_H
#define NET_WISH_H

#include "common/tls/outbound.h"

struct wish; /* opaque */

/* Gives a copy of all that w lends. */
int wish_new(struct wish **out, const struct tls_outbound_wish *w, struct error *err);
void wish_free(struct wish *w);
const struct tls_outbound_wish *wish_lend(const struct wish *w);

#endif
