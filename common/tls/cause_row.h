/*
 * cause_row.h - what explain.c and outbound_text.c need of the catalogue beyond cause.h: when a row fits.
 *
 * For the files of common/tls/ alone.
 */
#ifndef TLS_CAUSE_ROW_H
#define TLS_CAUSE_ROW_H

#include "common/tls/cause.h"

/* In the place of a reason. */
enum {
	CAUSE_NONE = 0,		/* OpenSSL has no error */
	CAUSE_ANY = -1,		/* whatever it has */
	CAUSE_MODE = -2		/* no handshake at all: found by the first bytes (common/net/mode.h) */
};

/* What else must hold; the functions are in explain.c, those of WHEN_PEER_... in outbound_text.c. */
enum cause_when {
	WHEN_ALWAYS,
	WHEN_LEVEL_BARS,	/* the level, not the mask, forbids what the client offers */
	WHEN_TOO_NEW,		/* all that it offers is above what the port takes */
	WHEN_HOLE,		/* some is above, some below */
	WHEN_STATIC_ONLY,	/* ciphers without ECDHE */
	WHEN_NO_GROUP,
	WHEN_CBC_ONLY,
	WHEN_WANTS_RSA,
	WHEN_WANTS_ECDSA,
	WHEN_OURS_EXPIRED,	/* the certificate that we showed */
	WHEN_STRANGER,		/* the client's certificate: of an authority that we don't know */
	WHEN_EXPIRED,
	WHEN_REVOKED,
	WHEN_LIST_STALE,
	WHEN_PLAIN_TEXT,	/* the first bytes are letters */
	WHEN_AFTER_HELLO,	/* its ClientHello was one */
	WHEN_ALERT,		/* the reason is an alert of the client's */
	WHEN_SENT_ALERT,	/* we answered with one */
	WHEN_RENEGOTIATION,
	WHEN_TROUBLE,		/* our own words tell */
	WHEN_EOF_SILENT,	/* the connection ended without a byte, */
	WHEN_EOF_EARLY,		/* within the ClientHello, */
	WHEN_EOF_RETRY,		/* after our HelloRetryRequest, */
	WHEN_EOF_EXPIRED,	/* after our certificate, which is expired, */
	WHEN_EOF_LATE,		/* later */
	WHEN_TIME_SILENT,	/* the same of HandshakeTime */
	WHEN_TIME_PLAIN,
	WHEN_TIME_EARLY,
	WHEN_TIME_LATE,
	WHEN_CLOSED,		/* by a close_notify */
	WHEN_PEER_NO_RECORD,	/* another server's certificate: no TLSA record matches, */
	WHEN_PEER_NAME,		/* it is for other names, */
	WHEN_PEER_EXPIRED,
	WHEN_PEER_EARLY,
	WHEN_PEER_OWN,		/* signed by itself, */
	WHEN_PEER_STRANGER,	/* of an authority that we don't know, */
	WHEN_PEER_WEAK,		/* below the level */
	WHEN_PEER_TROUBLE,	/* our own words tell */
	WHEN_PEER_DROPPED,	/* it hung up behind our ClientHello, */
	WHEN_PEER_SILENT,	/* or said nothing; */
	WHEN_PEER_SLOW,		/* the same, later */
	WHEN_PEER_GONE,
	WHEN_COUNT
};

struct cause_row {
	struct tls_cause cause;
	int reason;		/* SSL_R_..., or one of the above */
	enum cause_when when;
};

/* Lends the row; the first that fits is the cause. Rows from tls_cause_outbound() on are those
 * of our own deliveries. */
const struct cause_row *tls_cause_row(size_t number);
size_t tls_cause_outbound(void);

#endif
