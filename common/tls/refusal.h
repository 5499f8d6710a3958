/*
 * refusal.h - ExplainRefusal: a handshake against the policy, so that the client can read why.
 *
 * For the files of common/tls/ alone. When a ClientHello is refused because of the policy
 * and nothing but our alert would go out, the alert is taken back and the same bytes go to
 * an SSL of a context that takes everything. What the client sends on that connection is
 * never decrypted.
 */
#ifndef TLS_REFUSAL_H
#define TLS_REFUSAL_H

#include "common/tls/identity.h"

struct tls_refusal;		/* opaque; a context's: certificates, without the policy */
struct tls_second;		/* opaque; a session's: its ClientHello, and what became of it */
struct tls_session;

/* Gives what serves the clients that are refused, from all identities, weak ones too (not
 * kept; `used` stays as it was). */
int tls_refusal_new(struct tls_refusal **out, struct tls_identity *identities, size_t count,
		    struct error *err);
void tls_refusal_free(struct tls_refusal *r);

/* NULL: no memory, then it is refused as always. */
struct tls_second *tls_second_new(void);
void tls_second_free(struct tls_second *t);

/* Keeps what the client sends, as long as nothing was answered. */
void tls_second_keep(struct tls_session *s, struct span in);

/* After a failure. True: the handshake begins anew, s is as if its ClientHello had just come. */
bool tls_second_begin(struct tls_session *s);

/* The second handshake failed too: the first one's alert is what the client gets. */
void tls_second_undo(struct tls_session *s);

/* The cause of the first failure, or -1 if there was no second handshake. */
int tls_second_cause(const struct tls_session *s);

#endif
