/*
 * tls_port.h - a port that asks clients for certificates, for tests of common/tls.
 */
#ifndef TESTS_TLS_PORT_H
#define TESTS_TLS_PORT_H

#include "tests/unit/tls_peer.h"

extern const int port_versions[2];	/* TLS 1.2, TLS 1.3 */

/* What it is made from; the rest is the same for all. */
struct tls_port {
	enum tls_verify verify;
	struct span ca, crl;
	unsigned depth;		/* 0: 5 */
	bool self_signed;
	struct span prints;
	unsigned level;		/* 0: 2 */
	const struct peer_pair *server;	/* NULL: some P-256 of peer_ca */
};

/* Warnings, one a line. */
struct port_heard {
	char text[4096];
};

/* Gives a context, or NULL with err filled. */
struct tls_context *port_context(const struct tls_port *port, struct error *err);
struct tls_context *port_heard(const struct tls_port *port, struct port_heard *h, struct error *err);
/* One with ticket keys that all of these share, as those of one site. */
struct tls_context *port_of_site(const struct tls_port *port);

/* Gives the client a certificate with whatever chain stands in the text. */
void port_carry(struct tls_peer *p, struct peer_pair own);

/* One client (own NULL: without certificate) at one port, in both versions: what becomes
 * of it in tls_facts; verify NULL: it is refused. */
void port_check(const char *why, const struct tls_port *port, const struct peer_pair *own, const char *subject,
		const char *verify);

#endif
