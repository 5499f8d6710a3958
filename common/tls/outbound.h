/*
 * outbound.h - TLS as a client: the same policy, for deliveries to other servers.
 *
 * A mask with a hole makes an OpenSSL client fall to the lowest block of versions: the
 * context gets the block that holds the highest allowed one. Static RSA is offered under
 * the profile epost alone.
 * Sandbox  The authorities of the system may be a folder that OpenSSL looks into while it
 *          verifies: who can't open files then hands them over as PEM.
 */
#ifndef TLS_OUTBOUND_H
#define TLS_OUTBOUND_H

#include "common/tls/context.h"
#include "common/tls/session.h"

enum tls_outbound_verify {
	TLS_OUTBOUND_NOTE,	/* whatever the peer shows is taken; facts say what is wrong with it */
	TLS_OUTBOUND_REQUIRE	/* it must verify against authorities, for the host's name */
};

struct tls_outbound_material {
	const struct tls_pair *pair;	/* our own certificate; NULL: none */
	struct span authorities;	/* PEM; empty: those of the system, as OpenSSL finds them */
};

/* One TLSA record that can be used (RFC 7672 3.1): DANE-TA(2) or DANE-EE(3). */
struct tls_tlsa {
	uint8_t usage, selector, matching;
	struct span data;	/* lent, not empty: a hash, or a whole certificate or key */
};
/* One allocation for the records, at least one, and their data: free() it. NULL: no memory. */
struct tls_tlsa *tls_tlsa_copy(const struct tls_tlsa *records, size_t count);

struct tls_outbound_dane {	/* copied by tls_outbound_session_dane */
	const struct tls_tlsa *records;
	size_t count;
	const char *base;	/* the name that the records were found under */
	const char *const *names;	/* further names that count for DANE-TA: the host's, the domain's */
	size_t name_count;
};

/* Gives a context for tls_outbound_session. A hole in the mask goes to warn, which may be NULL. */
int tls_outbound_new(struct tls_context **out, const struct tls_policy *p, enum tls_outbound_verify verify,
		     const struct tls_outbound_material *m, tls_warn warn, void *arg, struct error *err);

/* A session that begins with our ClientHello (in tls_session_out). host, a name or an address:
 * for SNI (a name) and for the name in the certificate; NULL: neither.
 * The calls of session.h serve it. In its facts client_subject, client_fingerprint and
 * client_verify are the server's; its texts are those below. */
int tls_outbound_session(struct tls_session **out, struct tls_context *c, const char *host, struct error *err);

/* The same, and the server must match one of the records (RFC 7672 3): no authority is asked, for
 * DANE-EE no name and no date either. From TLS_UP on it has. */
int tls_outbound_session_dane(struct tls_session **out, struct tls_context *c, const struct tls_outbound_dane *dane,
			      struct error *err);
/* "3 1 1 9f86d0..": the record that matched; "" without DANE. */
const char *tls_outbound_dane_matched(const struct tls_session *s);

/* Both in one, and with a single version: a server that drops our ClientHello is tried again so.
 * No fallback signal (TLS_FALLBACK_SCSV) is sent: what the policy allows is good enough, and a box in front
 * of the server that chokes on the newer version would have it refuse us for good. */
struct tls_outbound_wish {
	const char *host;	/* as for tls_outbound_session; not used where there is dane */
	const struct tls_outbound_dane *dane;	/* NULL: none */
	unsigned version;	/* TLS_1_2...: this one alone; 0, or one that c does not offer: all */
};
int tls_outbound_begin(struct tls_session **out, struct tls_context *c, const struct tls_outbound_wish *wish,
		       struct error *err);
/* The next version below `version` that c offers; 0 stands for the first try, with all of them.
 * Gives 0 where none is left. */
unsigned tls_outbound_lower(const struct tls_context *c, unsigned version);

/* What is wrong with the peer's certificates, though nobody asked: "it does not verify
 * (self-signed certificate)", "RSA-1024 in the chain is below SecureLevel 2", "SHA1 signs in the
 * chain", with "; " between; "" if nothing is. Measured by the policy's level, but by level 2
 * (RSA-2048, SHA-224) at least. Lent as long as the session lives; from TLS_UP on, and after a
 * failure for what was seen until then. */
const char *tls_outbound_peer_trouble(const struct tls_session *s);

/* The name of the cause (cause.h) for which its certificates would not do where they must verify;
 * NULL: they would. For MTA-STS in testing mode. From TLS_UP on. */
const char *tls_outbound_peer_cause(const struct tls_session *s);

/* The lines behind "DCID n ": "TLS success protocol ..." and
 * "TLS deferring: (number, 'text') words". The peer's bytes are escaped. */
void tls_outbound_success_text(const struct tls_session *s, char *out, size_t size);
void tls_outbound_failure_text(const struct tls_session *s, enum tls_cut cut, char *out, size_t size);

/* The name of a failure's cause in the catalogue (cause.h): "peer-cert-expired". */
const char *tls_outbound_cause(const struct tls_session *s, enum tls_cut cut);
/* The failure's line where no handshake was begun. cause: "peer-no-starttls", "peer-refuses-starttls",
 * "peer-no-requiretls", "requiretls-without-tls", "name-not-proved", "dane-no-records", "dane-unusable",
 * "dane-lookup-failed", "sts-host-not-listed", "sts-fetch-failed", "sts-policy-bad", "sts-https-cert-bad";
 * said: the server's own words, escaped; NULL or "": none. */
void tls_outbound_cause_text(const char *cause, const char *said, char *out, size_t size);

#endif
