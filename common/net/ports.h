/*
 * ports.h - what the settings say of each Listen, made ready to use: one generation.
 *
 * A reload makes a new one; connections keep that which they began with.
 */
#ifndef NET_PORTS_H
#define NET_PORTS_H

#include "common/proc/settings.h"
#include "common/tls/context.h"

struct census; /* common/tls/census.h */

struct port {
	const struct config_listen *listen;
	const struct config_scope *scope;
	struct tls_context *tls; /* NULL: no TLS here */
	bool start_tls;          /* STARTTLS may be offered */
	struct census *census;   /* the server's: how handshakes go here */
	size_t per_minute;       /* ConnectionsPerMinute; 0: no limit */
	size_t refused_per_hour; /* RefusedRecipientsPerHour; 0: no limit */
};

struct ports {
	unsigned holders;
	struct settings *settings;
	size_t max_connections, per_address, per_user, output_limit;
	uint64_t handshake_ms, silence_ms, write_ms;
	size_t count;
	struct port port[];
};

/* Builds every Listen's context. alpn: the protocol's name; tickets: the keys in
 * force, empty if there are none yet. */
int ports_new(struct ports **out, struct settings *s, enum config_file which, const char *alpn,
	      struct span tickets, struct error *err);
struct ports *ports_hold(struct ports *p);
void ports_drop(struct ports *p);

/* New ticket keys for all of them. */
void ports_tickets(struct ports *p, struct span keys);

#endif
