/*
 * opening.h - how a connection comes to be: one host after another, each with the TLS that
 * word.h asks of it.
 *
 * Order   As the way has them; those that failed a moment ago come last.
 * Refused A host that greets with 4xx or 5xx, whose TLS fails or is missing, that does not let us in:
 *         the next one. Behind the last: later. Only what no host could ever do fails for good.
 * Lower   A host that drops our ClientHello is tried once more with the next lower version alone.
 */
#ifndef DELIVERD_OPENING_H
#define DELIVERD_OPENING_H

#include "deliverd/connection.h"

/* Begins; nothing is called before it returned. False: no memory. */
bool opening_begin(struct connection *c);
/* NULL is allowed. */
void opening_free(struct opening *o);

/* What the connection's callbacks tell while it is OPENING. */
void opening_connected(struct opening *o);
void opening_secured(struct opening *o);
void opening_ready(struct opening *o);
void opening_unusable(struct opening *o, const struct client_reply *reply);
void opening_ended(struct opening *o, enum remote_end why, const char *words);

#endif
