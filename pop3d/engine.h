/*
 * engine.h - the POP3 server as an engine (RFC 1939): bytes in, actions out.
 *
 * Pure: no socket, clock, file, log or global.
 * Shape   As smtpd/engine.h: feed, next, done by number. After POP3_AUTHENTICATE comes
 *         POP3_OPEN: the shell locks the maildrop and hands over its messages by
 *         pop3_server_message, in order, before done. RETR and TOP open a body, read it
 *         piece by piece (POP3_READ, answered by pop3_server_bytes) and close it: no more
 *         is asked for while OutputLimit waits for the client.
 * Memory  12 bytes for each message of the maildrop, lines up to line_limit, output up
 *         to output_limit.
 */
#ifndef POP3D_ENGINE_H
#define POP3D_ENGINE_H

#include "common/base/error.h"
#include "common/base/span.h"
#include "sasl/sasl.h"

struct pop3_server;		/* opaque */

enum {
	POP3_AUTH_LINE_MAX = 12288,	/* RFC 5034 4 */
	POP3_PIECE = 32 * 1024		/* bytes of a body that are asked for at a time */
};

struct pop3_config {		/* copied, but for the strings, which must outlive the engine */
	const char *hostname;
	const char *mechanisms, *clear_mechanisms;
	bool require_tls, may_start_tls, tls;
	bool certificate;		/* the client's may name an account */
	unsigned scram;			/* as sasl_offer's */
	size_t line_limit, output_limit, error_limit;
	uint64_t login_ms, idle_ms;
	uint64_t answer_ms, commit_ms;	/* how long an action may be open, and UPDATE: then it counts as POP3_TRY_LATER */
};

enum pop3_action_kind {
	POP3_NONE,
	POP3_REPLY,		/* bytes to send */
	POP3_START_TLS,
	POP3_CLOSE,
	POP3_NOTE,		/* text for the log */
	POP3_CANCEL,		/* what was asked last is not waited for any more: its answer must not come */
	POP3_CLOSE_BODY,	/* the body that is open is not needed any more */
	/* these carry a number and want pop3_server_done */
	POP3_AUTHENTICATE,	/* credentials */
	POP3_OPEN,		/* lock and list the maildrop */
	POP3_OPEN_BODY,		/* uid */
	POP3_READ,		/* the next size bytes of the body: pop3_server_bytes, then done */
	POP3_UPDATE		/* at QUIT: expunge and mark, all or nothing (pop3_server_deleted, _seen) */
};

enum pop3_result {
	POP3_DONE,
	POP3_WRONG,		/* AUTHENTICATE */
	POP3_DISABLED,
	POP3_SCOPE,		/* an app password for something else */
	POP3_EXPIRED,		/* an app password past its date */
	POP3_AUTHZID,		/* AUTHENTICATE: may not act for the authzid */
	POP3_IN_USE,		/* OPEN: another session has the maildrop */
	POP3_TOO_MANY,		/* sessions of the account */
	POP3_GONE,		/* OPEN_BODY: expunged meanwhile */
	POP3_TRY_LATER,
	POP3_GO_ON		/* AUTHENTICATE: no verdict yet, but a challenge (sasl_tell) */
};

struct pop3_action {
	enum pop3_action_kind kind;
	uint64_t number;
	struct span bytes;		/* REPLY, NOTE: lent until the next call */
	uint32_t uid;
	size_t size;
	const struct sasl_credentials *credentials;
};

int pop3_server_new(struct pop3_server **out, const struct pop3_config *config, uint64_t now_ms,
		    struct error *err);
void pop3_server_free(struct pop3_server *e);

void pop3_server_feed(struct pop3_server *e, struct span *in);
void pop3_server_next(struct pop3_server *e, struct pop3_action *action);
void pop3_server_done(struct pop3_server *e, uint64_t number, enum pop3_result result);

/* While POP3_OPEN is open: one message, ascending UIDs. -ENOMEM. */
int pop3_server_message(struct pop3_server *e, uint32_t uid, uint64_t size);
void pop3_server_uidvalidity(struct pop3_server *e, uint32_t uidvalidity);
/* While POP3_READ is open: at most the size asked for; an empty span: the body has ended. */
void pop3_server_bytes(struct pop3_server *e, struct span bytes);

/* The UIDs that UPDATE is about, ascending: start with *at = 0; 0 at the end. */
uint32_t pop3_server_deleted(const struct pop3_server *e, size_t *at);
uint32_t pop3_server_seen(const struct pop3_server *e, size_t *at);

/* The client's certificate may name an account: EXTERNAL is offered. Before _secured. */
void pop3_server_certificate(struct pop3_server *e);
void pop3_server_secured(struct pop3_server *e);
void pop3_server_tick(struct pop3_server *e, uint64_t now_ms);
uint64_t pop3_server_deadline(const struct pop3_server *e);
/* The server ends the session: nothing is deleted (RFC 1939 6). */
void pop3_server_end(struct pop3_server *e, const char *why);
bool pop3_server_idle(const struct pop3_server *e);
unsigned pop3_server_retrieved(const struct pop3_server *e);

#endif
