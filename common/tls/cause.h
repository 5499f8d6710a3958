/*
 * cause.h - the catalogue of causes: why a handshake fails, who must act, what to do.
 *
 * One table (cause.c) serves the log, the counters, `yubin tls causes` and the guide. A cause
 * has a stable short name: people script against it.
 */
#ifndef TLS_CAUSE_H
#define TLS_CAUSE_H

#include <stddef.h>

#include "common/base/span.h"

struct tls_cause {
	const char *name;	/* "version-too-old" */
	const char *who;	/* who must act: "client", "server", "either", "nobody"; of our own
				 * deliveries we are the client */
	const char *words;	/* what happened; {names} in braces are filled in for the log */
	const char *advice;	/* the setting or command that helps; "" where nothing does */
};

/* Two numbers may share a name: they differ in words. Clients' causes come first, those of
 * our own deliveries (their names begin with peer-, dane-, sts-...) behind them. */
size_t tls_cause_count(void);
const struct tls_cause *tls_cause_at(size_t number);

/* The last number of that name, which is the most general; tls_cause_count() for a name that
 * none has. */
size_t tls_cause_find(struct span name);

#endif
