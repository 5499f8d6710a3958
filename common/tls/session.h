/*
 * session.h - TLS as an engine: cipher bytes in and out, plain bytes in and out.
 *
 * No socket. A whole session can run inside a unit test.
 * Memory  What OpenSSL needs (14 kB idle, SSL_MODE_RELEASE_BUFFERS), what waits to be
 *         sent, and a record of which a part has come; 400 bytes of our own when idle.
 */
#ifndef TLS_SESSION_H
#define TLS_SESSION_H

#include "common/base/error.h"
#include "common/base/span.h"

struct tls_context;
struct tls_session;		/* opaque */

/* What a handshake came to. Texts are lent as long as the session lives; never NULL. */
struct tls_facts {
	const char *protocol;		/* "TLSv1.3" */
	const char *cipher;		/* "TLS_AES_256_GCM_SHA384" */
	const char *group;		/* "x25519"; "none" for static RSA and where TLS 1.2 is resumed */
	const char *sni;		/* escaped; "" if none was sent */
	bool resumed;
	const char *client_subject;	/* one line, escaped; "" without a certificate */
	const char *client_fingerprint;	/* SHA-256, hexadecimal; "" without. Means nothing
					 * unless client_verify is "ok" */
	const char *client_verify;	/* "ok", or why it does not verify; "" without */
	const char *client_names;	/* whom a good certificate names: "email:a@b.c", "upn:...",
					 * "cn:...", one a line, UTF-8 without controls; "" in every
					 * other case, and for one that signed itself */
};

enum tls_status {
	TLS_MORE,		/* wants bytes from the peer */
	TLS_UP,			/* the handshake is done, plain bytes may flow */
	TLS_CLOSED,		/* the peer said close_notify */
	TLS_FAILED		/* tls_session_failure has the words */
};

int tls_session_new(struct tls_session **out, struct tls_context *c, struct error *err);
void tls_session_free(struct tls_session *s);

/* Takes all of *in (cipher bytes, copied) and goes on with the handshake. What is plain
 * is then read with tls_session_read until it gives 0; at most 1 MB may wait to be
 * read. After TLS_FAILED and TLS_CLOSED bytes are dropped. */
enum tls_status tls_session_feed(struct tls_session *s, struct span *in);

/* Plain bytes into p[n]; 0: no more for now (look at tls_session_status). */
size_t tls_session_read(struct tls_session *s, uint8_t *p, size_t n);

/* Encrypts all of in; the cipher bytes wait in tls_session_out. False: failed, not up
 * yet, or closed by us. After the peer's close_notify it still works. */
bool tls_session_write(struct tls_session *s, struct span in);

/* Cipher bytes to be sent, lent until the next call; _sent drops n of them. After a
 * failure an alert is among them: the peer should get it. */
struct span tls_session_out(const struct tls_session *s);
void tls_session_sent(struct tls_session *s, size_t n);

/* Queues close_notify (RFC 8446 6.1), once; nothing before TLS is up. */
void tls_session_close(struct tls_session *s);

/* ExplainRefusal: TLS is up, against the policy, only so that the client can read why it
 * is refused: tls_session_refusal gives the words for it ("this server takes TLS 1.2 and
 * up, your program offers TLS 1.0 at most"). Nothing that it sends may be used. */
bool tls_session_refused(const struct tls_session *s);
void tls_session_refusal(const struct tls_session *s, char *out, size_t size);

/* The client's certificate of a session that is up, held against the authorities and
 * revocation lists of another context (a reload's): true if it is still good there, or if
 * there is none and none is required. *why is static words otherwise. */
bool tls_session_client_holds(const struct tls_session *s, const struct tls_context *now, const char **why);

/* What binds a login to this connection (RFC 5056), of a session that is up, by type: "tls-exporter" (RFC 9266),
 * "tls-server-end-point" (RFC 5929 4), "tls-unique" (RFC 5929 3). Bytes; 0: there is none. */
enum { TLS_BINDING = 64 };
size_t tls_session_binding(const struct tls_session *s, const char *type, uint8_t out[TLS_BINDING]);

enum tls_status tls_session_status(const struct tls_session *s);
/* From TLS_UP on. */
const struct tls_facts *tls_session_facts(const struct tls_session *s);

/* The lines of CONTRACT.md behind "ICID n ": "TLS success protocol ..." and
 * "TLS failed: (number, 'text') words". The peer's bytes are escaped. daemon:
 * "imapd", for the name of the conf file in the advice. eof: the peer closed the
 * connection; timed out: so did the clock. */
enum tls_cut { TLS_CUT_NO, TLS_CUT_EOF, TLS_CUT_TIME };
void tls_session_success_text(const struct tls_session *s, char *out, size_t size);
void tls_session_failure_text(const struct tls_session *s, enum tls_cut cut, const char *daemon, char *out,
			      size_t size);
/* The number of that failure's cause (cause.h). */
unsigned tls_session_cause(const struct tls_session *s, enum tls_cut cut);

/* The same line for a connection whose first bytes tell that there will be no handshake. */
void tls_cause_failure_text(unsigned cause, struct span first, const char *daemon, char *out, size_t size);

#endif
