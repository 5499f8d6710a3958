/*
 * engine.h - the SMTP client as an engine (RFC 5321, RFC 2033 for LMTP): replies in, commands out.
 *
 * Pure: no socket, clock, file, log or global.
 * Shape   One engine is one connection: greeting, EHLO (HELO where that is refused; LHLO), STARTTLS,
 *         AUTH, then transactions one after another, QUIT. feed takes the server's bytes, and leaves
 *         some while there is something to be told; next says what is wanted until CLIENT_NONE;
 *         actions are done in their order.
 * Trust   Whatever comes before TLS is up is forgotten when it is: bytes behind the 220 to
 *         STARTTLS end the connection, a second EHLO follows (RFC 3207 4.2).
 * Pipeline MAIL, all RCPT and DATA go out together where PIPELINING is offered (RFC 2920), the
 *         next MAIL with the end of the message before (CLIENT_EARLY). The body is asked for only
 *         when at least one recipient was taken.
 * Body    Line ends are made CRLF, and the last line gets one; nothing else is changed: NUL, 8-bit bytes and long
 *         lines go as they are. BDAT where CHUNKING and PIPELINING are offered, else DATA.
 * Bounds  A reply has CLIENT_REPLY_LINES lines and a line CLIENT_REPLY_LINE bytes that count; what is
 *         above is read, counted and dropped, to CLIENT_REPLY_BYTES; then the reply is one that
 *         can't be understood. Memory is the same whatever comes.
 * Time    RFC 5321 4.5.3.2, each a setting; tick brings it, deadline says when next.
 */
#ifndef DELIVERD_ENGINE_H
#define DELIVERD_ENGINE_H

#include "common/base/error.h"
#include "common/base/span.h"

struct smtp_client;		/* opaque */

enum {
	CLIENT_REPLY_LINES = 100,
	CLIENT_REPLY_LINE = 512,	/* bytes of a line that are kept */
	CLIENT_REPLY_BYTES = 1 << 20,	/* of one reply, kept or not */
	CLIENT_PIECE = 32 * 1024,	/* bytes of a body in one client_body */
	CLIENT_WORDS = 512
};

struct client_times {		/* milliseconds (RFC 5321 4.5.3.2) */
	uint64_t greeting, command, mail, rcpt, data_begin, data_block, data_end, quit;
};

struct client_config {		/* copied, but for the strings, which must outlive the engine */
	const char *hostname;	/* for EHLO */
	bool lmtp;
	bool tls;		/* TLS is up already (implicit) */
	bool start_tls;		/* to be used if it is offered */
	struct client_times times;
	/* AUTH; mechanisms NULL: none. They stand in the order of preference. Without TLS nothing
	 * is sent, and the session is unusable, unless auth_in_clear. user is "" for EXTERNAL. */
	const char *user, *password, *mechanisms;
	bool auth_in_clear;
	struct span nonce;	/* random bytes for SCRAM, at least 18 */
};

/* What the server can do; from its last EHLO. */
struct client_offers {
	bool esmtp, pipelining, eightbit, smtputf8, chunking, binary, dsn, start_tls, require_tls, size, auth;
	bool enhanced;		/* RFC 2034 */
	uint64_t size_limit;	/* bytes; 0: none told */
	unsigned rcpt_max, mail_max, rcpt_domain_max;	/* LIMITS (RFC 9422); 0: none told */
	char hostname[256];	/* what it calls itself, escaped */
};

struct client_rcpt {		/* spans are lent until the transaction is over */
	struct span address;
	struct span orcpt;	/* "rfc822;..." as it was given, xtext; or empty */
	unsigned notify;	/* bits of enum store_notify; 0: none */
};

struct client_mail {		/* lent until the transaction is over */
	struct span sender;	/* empty: <> */
	uint64_t size;		/* of the body as it will be sent; 0: unknown */
	bool eightbit, utf8, require_tls;
	bool binary;		/* the body goes out as it is; smtp_client_takes_binary */
	unsigned ret;		/* 0, 'F' or 'H' (RFC 3461 4.3) */
	struct span envid;	/* xtext, or empty */
	const struct client_rcpt *rcpts;
	size_t count;
};

enum client_verdict { CLIENT_OK, CLIENT_TRY_LATER, CLIENT_NEVER };

enum client_step {		/* what was answered */
	CLIENT_AT_GREETING,
	CLIENT_AT_HELLO,
	CLIENT_AT_START_TLS,
	CLIENT_AT_AUTH,
	CLIENT_AT_RSET,
	CLIENT_AT_MAIL,
	CLIENT_AT_RCPT,
	CLIENT_AT_DATA,		/* DATA itself, or one chunk */
	CLIENT_AT_END,		/* the message */
	CLIENT_AT_QUIT,
	CLIENT_AT_REST		/* nothing was: the server spoke by itself, or the connection ended */
};

/* A reply, or what stands for one. Lent until the next call. */
struct client_reply {
	enum client_verdict verdict;
	enum client_step step;
	unsigned code;		/* 0: there was none (time, end of the connection) */
	char status[16];	/* "5.1.1"; made from the code and the step where the server gave none */
	char words[CLIENT_WORDS];	/* one line, escaped: code and text; or what went wrong */
};

enum client_action_kind {
	CLIENT_NONE,		/* nothing until there is input or the deadline */
	CLIENT_SEND,		/* bytes; lent until the next call */
	CLIENT_START_TLS,	/* behind what was sent: smtp_client_secured, or smtp_client_ended */
	CLIENT_READY,		/* offers are known and AUTH is done: client_begin, client_quit. Told each time
				 * that no transaction is open any more, too */
	CLIENT_EARLY,		/* the end of the message waits to be sent: client_begin and client_quit may be called
				 * now, and then go out with it (RFC 2920); else READY comes in its time. What is
				 * told until the next MAIL_DONE is about the older of the two */
	CLIENT_WANT_BODY,	/* more of it: client_body, client_body_end or client_body_failed, once; now or later.
				 * If MAIL_DONE comes before, the body is wanted no more */
	CLIENT_RCPT_DONE,	/* the recipient `index` has its verdict: at RCPT if it was refused, else at
				 * the end of the message (LMTP: each its own). Status 4.5.3: too many for one
				 * transaction; it may be in the next at once */
	CLIENT_MAIL_DONE,	/* all recipients have theirs */
	CLIENT_UNUSABLE,	/* the session can't be used (greeting, EHLO, STARTTLS, AUTH, a broken reply, the
				 * connection's end): reply says why; what was open is told first. The verdict
				 * is that of the code: it is about this server, not about a message */
	CLIENT_CLOSE		/* behind what was sent. Behind QUIT or UNUSABLE; or the server takes no more
				 * messages in one session (LIMITS MAILMAX) */
};

struct client_action {
	enum client_action_kind kind;
	struct span bytes;
	size_t index;
	const struct client_reply *reply;
};

int smtp_client_new(struct smtp_client **out, const struct client_config *config, uint64_t now_ms,
		    struct error *err);
void smtp_client_free(struct smtp_client *e);

void smtp_client_feed(struct smtp_client *e, struct span *in);
void smtp_client_next(struct smtp_client *e, struct client_action *action);
void smtp_client_tick(struct smtp_client *e, uint64_t now_ms);
uint64_t smtp_client_deadline(const struct smtp_client *e);

/* The handshake is done, behind START_TLS or of an implicit port. */
void smtp_client_secured(struct smtp_client *e);
/* The peer closed, or the connection broke: words for the reply of what was open. */
void smtp_client_ended(struct smtp_client *e, const char *words);

/* READY or EARLY: the next transaction. -EINVAL for what the server can't take (the caller asks the
 * offers first), for addresses and parameters that no command can hold, and at any other time. */
int smtp_client_begin(struct smtp_client *e, const struct client_mail *mail, struct error *err);
/* The body, with any line ends and no dots stuffed; what goes out has CRLF at each (a binary one is not
 * touched) and dots stuffed, or BDAT chunks. At most CLIENT_PIECE bytes, copied. */
void smtp_client_body(struct smtp_client *e, struct span piece);
void smtp_client_body_end(struct smtp_client *e);
/* It can't be read to its end: the connection is cut, so that no half of it counts. */
void smtp_client_body_failed(struct smtp_client *e);
/* READY or EARLY: QUIT, then CLOSE. At any other time the connection is cut. */
void smtp_client_quit(struct smtp_client *e);

/* RFC 3030 3: a message in chunks with any bytes in it. */
bool smtp_client_takes_binary(const struct smtp_client *e);

const struct client_offers *smtp_client_offers(const struct smtp_client *e);

#endif
