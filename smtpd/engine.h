/*
 * engine.h - the SMTP and LMTP server as an engine (RFC 5321, RFC 2033, RFC 6409, RFC 3461, RFC 6531, RFC 8689): bytes in,
 * actions out.
 *
 * Pure: no socket, clock, file, log or global.
 * Shape   feed takes what it can use; next says what is wanted, one action at a time, until
 *         SMTP_NONE; those with a number are answered by done with that number, whenever
 *         (a number that is not open meets nothing). feed leaves bytes while an answer
 *         is open or output waits: that is the back-pressure.
 * Relay   Nobody sends to another server but on a submission port and logged in: SMTP_ADD_REMOTE comes
 *         there alone, for a recipient that SMTP_CHECK_RECIPIENT has found not to be ours.
 * Order   SMTP_BODY_BEGIN, SMTP_BODY..., then (submission) SMTP_CHECK_FROM..., then SMTP_COMMIT, or SMTP_ABANDON at any point: the
 *         recipients and the body of the transaction are void. A COMMIT that is done ends the
 *         transaction too.
 * Memory  Lines up to line_limit, recipients up to recipient_limit, and for submission the
 *         message's header up to SMTP_HEADER_MAX bytes.
 */
#ifndef SMTPD_ENGINE_H
#define SMTPD_ENGINE_H

#include "common/base/error.h"
#include "common/base/span.h"
#include "sasl/sasl.h"
#include "smtpd/path.h"
#include "storage/store.h"

struct smtp_server;		/* opaque */

enum {
	SMTP_AUTH_LINE_MAX = 12288,	/* RFC 4954 4: an AUTH answer, without CRLF */
	SMTP_PIECE = 32 * 1024,		/* bytes of a body in one action */
	SMTP_HEADER_MAX = 256 * 1024,	/* of a submitted message */
	SMTP_ENVID_MAX = 100,		/* RFC 3461 5.4: bytes of xtext */
	SMTP_ORCPT_MAX = 500
};

struct smtp_config {		/* copied, but for the strings, which must outlive the engine */
	const char *hostname;
	const char *mechanisms;		/* offered, in order: "PLAIN,LOGIN,EXTERNAL" */
	const char *clear_mechanisms;	/* those that may be used without TLS: "none" */
	bool submission;		/* RFC 6409: authentication required */
	bool lmtp;			/* RFC 2033: a message is answered once for each recipient */
	bool require_tls;		/* no mail and no credentials before it */
	bool may_start_tls;		/* STARTTLS is offered */
	bool tls;			/* TLS is up already (implicit) */
	bool certificate;		/* the client's may name an account */
	unsigned scram;			/* as sasl_offer's */
	uint64_t message_limit;		/* bytes */
	size_t recipient_limit, line_limit, output_limit, received_limit, error_limit;
	uint64_t login_ms, idle_ms, data_ms;
	uint64_t answer_ms, commit_ms;	/* how long an action may be open, and COMMIT: then it counts as SMTP_TRY_LATER */
};

enum { SMTP_LMTP_RECIPIENTS = 500 };	/* of a message over LMTP: all of the replies have to fit into the output at once */

enum smtp_action_kind {
	SMTP_NONE,		/* nothing until there is input, an answer or the deadline */
	SMTP_REPLY,		/* bytes to send */
	SMTP_START_TLS,		/* behind the replies; smtp_server_secured when it is up */
	SMTP_CLOSE,
	SMTP_NOTE,		/* text for the log: one line, escaped */
	SMTP_CANCEL,		/* what was asked last is not waited for any more: its answer must not come */
	SMTP_ABANDON,		/* forget the transaction */
	/* these carry a number and want smtp_server_done */
	SMTP_AUTHENTICATE,	/* credentials */
	SMTP_CHECK_SENDER,	/* address of the envelope: may who is logged in send as it? */
	SMTP_CHECK_FROM,	/* address of the header: the same */
	SMTP_CHECK_RATE,	/* may who is logged in send one more message, to size recipients? */
	SMTP_ADD_REMOTE,	/* address: on another server; takes it into the transaction */
	SMTP_CHECK_ROOM,	/* size: bytes announced, 0: unknown */
	SMTP_CHECK_RECIPIENT,	/* address */
	SMTP_BODY_BEGIN,	/* make room for a body */
	SMTP_BODY,		/* bytes of it, in order, at most SMTP_PIECE */
	SMTP_COMMIT		/* deliver; answered when it is on disk */
};

/* What came of an action. */
enum smtp_result {
	SMTP_DONE,
	SMTP_WRONG,		/* AUTHENTICATE: user or password; CHECK_SENDER, CHECK_FROM: not theirs */
	SMTP_DISABLED,		/* AUTHENTICATE */
	SMTP_SCOPE,		/* AUTHENTICATE: an app password for something else */
	SMTP_EXPIRED,		/* AUTHENTICATE: an app password past its date */
	SMTP_AUTHZID,		/* AUTHENTICATE: may not act for the authzid */
	SMTP_NO_USER,		/* CHECK_RECIPIENT: our domain, nobody of that name */
	SMTP_NOT_LOCAL,		/* CHECK_RECIPIENT: another server's domain */
	SMTP_OVER_QUOTA,
	SMTP_FULL,		/* no room on the disk */
	SMTP_TOO_MANY,		/* sessions of the account; accounts behind the recipients */
	SMTP_TRY_LATER,
	SMTP_TOO_LARGE,
	SMTP_OVER_RATE,		/* CHECK_RATE: words say which; CHECK_RECIPIENT: refused, and too many were: the session ends */
	SMTP_LOOP,		/* COMMIT: an address that it is forwarded for has had it before */
	SMTP_GO_ON		/* AUTHENTICATE: no verdict yet, but a challenge (sasl_tell) */
};

struct smtp_action {
	enum smtp_action_kind kind;
	uint64_t number;		/* 0: no answer is wanted */
	struct span bytes;		/* REPLY, BODY, NOTE: lent until the next call */
	const char *address;		/* CHECK_SENDER, CHECK_FROM, CHECK_RECIPIENT, ADD_REMOTE: lent until done */
	uint64_t size;
	const struct sasl_credentials *credentials;	/* lent until done */
};

/* Strings in config are lent for the engine's life. */
int smtp_server_new(struct smtp_server **out, const struct smtp_config *config, uint64_t now_ms,
		    struct error *err);
void smtp_server_free(struct smtp_server *e);

void smtp_server_feed(struct smtp_server *e, struct span *in);
void smtp_server_next(struct smtp_server *e, struct smtp_action *action);
/* words: put into the reply where it has room for them (the id of a message). NULL: none. */
void smtp_server_done(struct smtp_server *e, uint64_t number, enum smtp_result result, const char *words);

/* LMTP, before COMMIT is answered with SMTP_DONE: the i-th recipient that was accepted, from 0 on, has no room and
 * did not get it (RFC 2033 4.2). */
void smtp_server_refused(struct smtp_server *e, size_t i);

/* The client's certificate may name an account: EXTERNAL is offered. Before _secured. */
void smtp_server_certificate(struct smtp_server *e);
/* TLS is up: everything that the client said before is forgotten (RFC 3207 4.2). */
void smtp_server_secured(struct smtp_server *e);
/* Time passes; a deadline that is over ends the session with 421. */
void smtp_server_tick(struct smtp_server *e, uint64_t now_ms);
uint64_t smtp_server_deadline(const struct smtp_server *e);
/* The server ends the session: 421, once no command is in hand. */
void smtp_server_end(struct smtp_server *e, const char *why);
/* The account was changed: 421 at once, whatever is in hand; but a message that is being
 * committed is answered first. */
void smtp_server_revoke(struct smtp_server *e, const char *why);
bool smtp_server_idle(const struct smtp_server *e);
/* The client has sent all that it will: half a message is none, and nothing waits for its rest. */
void smtp_server_finished(struct smtp_server *e);

/* The transaction, for trace lines and the log; lent until the next call. */
const char *smtp_server_helo(const struct smtp_server *e);
bool smtp_server_is_esmtp(const struct smtp_server *e);
const char *smtp_server_sender(const struct smtp_server *e);
/* The address that was last given to be checked. */
const char *smtp_server_address(const struct smtp_server *e);
/* Its NOTIFY, bits of enum store_notify, and ORCPT; 0 and "": not given (RFC 3461 4.1, 4.2). */
unsigned smtp_server_notify(const struct smtp_server *e);
const char *smtp_server_orcpt(const struct smtp_server *e);
/* ENVID as it was given; "": none (RFC 3461 4.4). */
const char *smtp_server_envid(const struct smtp_server *e);
/* SMTPUTF8 was asked for (RFC 6531 3.4). */
bool smtp_server_is_utf8(const struct smtp_server *e);
/* Bits of enum store_envelope_flag: as the client asked and, once COMMIT is given, as the message is. */
unsigned smtp_server_flags(const struct smtp_server *e);
/* Of the message that is to be committed: its Message-ID ("" : none), and what its Delivered-To lines
 * say, one a line. False: there were too many of them. */
const char *smtp_server_message_id(const struct smtp_server *e);
bool smtp_server_delivered(const struct smtp_server *e, struct span *out);
size_t smtp_server_recipients(const struct smtp_server *e);
/* Messages accepted so far, and bad commands. */
unsigned smtp_server_accepted(const struct smtp_server *e);
unsigned smtp_server_errors(const struct smtp_server *e);

/* Submission: what a message lacks is put in front of its header (RFC 6409 8.1, 8.2). The shell
 * gives both, whole lines with CRLF, in answer to BODY_BEGIN. Lent until the body ends. */
void smtp_server_defaults(struct smtp_server *e, const char *date_line, const char *message_id_line);

#endif
