/*
 * rules.h - what a context demands of its clients, on one line: to be held against another's.
 *
 *     rules LISTEN VERSIONS VERIFY AUTHORITIES CIPHERS
 *
 * A running daemon says it of each port (order.h, "tls"); `yubin config check` holds what is in
 * etc/ against it.
 */
#ifndef TLS_RULES_H
#define TLS_RULES_H

#include "common/base/buf.h"
#include "common/tls/context.h"

struct tls_rules {		/* spans lend from the line */
	struct span listen;
	unsigned versions;	/* bits of enum tls_version */
	enum tls_verify verify;
	struct span authorities;	/* a hash of their subjects */
	struct span ciphers;	/* their names in order, ":" between them */
};

/* Appends the line, with its line end. c is a server's. */
void tls_rules_write(const struct tls_context *c, const char *listen, struct buf *out);

/* False for a line that is none. */
bool tls_rules_read(struct tls_rules *out, struct span line);

/* The names in a that b has not, separated by ", "; those that do not fit are counted. */
void tls_rules_lost(struct span a, struct span b, char *out, size_t size);

#endif
