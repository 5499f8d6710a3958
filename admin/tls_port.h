/*
 * tls_port.h - the Listens of a site with the TLS that etc/ gives them.
 */
#ifndef ADMIN_TLS_PORT_H
#define ADMIN_TLS_PORT_H

#include "common/tls/view.h"
#include "setup/material.h"

struct tls_port {
	enum daemon daemon;
	size_t index;		/* of the Listen in its daemon */
	const struct config_listen *listen;
	const struct config_scope *scope;
	char off[160];		/* why there is no TLS here, in words; "": there is */
	size_t like;		/* place of the first port with the same settings: it has what stands
				 * below for both; the own place: it is that */
	struct tls_policy policy;
	struct setup_material material;
	struct tls_context *context;
	struct tls_view view;
};

struct tls_ports {
	const struct setup *setup;
	size_t count;
	struct tls_port port[];
};

/* Looks at the ports of the daemons for which daemons[d] is true. setup must outlive it. */
int tls_ports_new(struct tls_ports **out, const struct setup *setup, const bool daemons[DAEMON_COUNT],
		  struct error *err);
void tls_ports_free(struct tls_ports *p);

/* "implicit"; "mx", "submission" or "". */
const char *tls_port_mode(const struct config_listen *l);
const char *tls_port_service(const struct config_listen *l);

#endif
