/*
 * outbound_rig.h - a server of OpenSSL's that takes everything, and our client (outbound.h).
 *
 * Link    tests/unit/outbound_rig.o and what test_tls_outbound links
 */
#ifndef UNIT_OUTBOUND_RIG_H
#define UNIT_OUTBOUND_RIG_H

#include <openssl/ssl.h>

#include "common/tls/outbound.h"
#include "tests/unit/tls_peer.h"

struct rig {
	SSL_CTX *ctx;
	SSL *ssl;
	struct tls_context *context;
	struct tls_session *client;
	char warned[256];
	char words[2048];
};

struct tls_policy rig_policy(const char *profile, unsigned forbidden, unsigned level);

/* The server shows these papers. */
void rig_init(struct rig *r, struct peer_pair papers);
void rig_client(struct rig *r, const struct tls_policy *p, enum tls_outbound_verify verify, struct span authorities,
		const struct tls_pair *pair);
void rig_clear(struct rig *r);

/* A whole handshake. */
enum tls_status rig_begin(struct rig *r, const struct tls_outbound_wish *wish);
enum tls_status rig_try(struct rig *r, const char *host);
const char *rig_failure(struct rig *r, enum tls_cut cut);

/* Some bytes; false: there were none. */
bool rig_to_server(struct rig *r);
bool rig_to_client(struct rig *r);

#endif
