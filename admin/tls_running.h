/*
 * tls_running.h - what the running daemons say of their TLS (order.h, "tls"), put together
 * by port.
 *
 * Pure. The workers of a daemon share its ports: their counts are added, the newest of
 * their clients kept. Lines that are not understood are passed over: another version's.
 */
#ifndef ADMIN_TLS_RUNNING_H
#define ADMIN_TLS_RUNNING_H

#include "common/base/error.h"
#include "common/base/span.h"
#include "common/tls/census.h"
#include "common/tls/rules.h"

struct tls_running;		/* opaque; holds a copy of the answer */

int tls_running_read(struct tls_running **out, struct span answer, struct error *err);
void tls_running_free(struct tls_running *r);

/* The i-th of the different OpenSSLs that processes have loaded; NULL behind the last. */
const char *tls_running_openssl(const struct tls_running *r, size_t i);

/* Bytes of their lines that did not fit into the answer: what is told is not all. */
uint64_t tls_running_cut(const struct tls_running *r);

/* The i-th of the different ports that anything was said of: the daemon's name and the Listen.
 * False behind the last. */
bool tls_running_port(const struct tls_running *r, size_t i, struct span *daemon, struct span *listen);

enum { TLS_TALLY_VERSIONS = 8, TLS_TALLY_CAUSES = 64, TLS_TALLY_CLIENTS = 64, TLS_TALLY_SERVED = 32 };

/* One port's sum; or that of several, each added to what is there. Zeros at first; spans are lent
 * by the answer that was read. */
struct tls_tally {
	unsigned processes;	/* that serve TLS here */
	struct tls_tally_version {
		struct span protocol;	/* "TLSv1.3" */
		uint64_t count, resumed;
	} versions[TLS_TALLY_VERSIONS];	/* the newest first */
	size_t version_count;
	struct tls_tally_cause {
		struct span name;
		uint64_t count;
	} causes[TLS_TALLY_CAUSES];	/* the most frequent first */
	size_t cause_count;
	struct tls_tally_client {
		struct span protocol, who;
		int64_t when_s;
	} clients[TLS_TALLY_CLIENTS];	/* the last first; each once for a version */
	size_t client_count;
	struct tls_tally_served {
		struct span fingerprint;
		unsigned processes;
	} served[TLS_TALLY_SERVED];
	size_t served_count;
	bool has_rules;
	struct tls_rules rules;	/* of the first process that told them */
};

void tls_running_add(const struct tls_running *r, const char *daemon, const char *listen, struct tls_tally *t);

/* Sums over its versions and its causes. */
uint64_t tls_tally_handshakes(const struct tls_tally *t);
uint64_t tls_tally_failures(const struct tls_tally *t);

enum tls_tally_state { TLS_TALLY_NONE, TLS_TALLY_SOME, TLS_TALLY_ALL };

/* How many of the processes that serve TLS here have the certificate of that fingerprint. */
enum tls_tally_state tls_tally_serves(const struct tls_tally *t, const char *fingerprint);

#endif
