/*
 * engine_state.h - the inside of the SMTP client engine, shared by its files; nobody else includes it.
 *
 * engine.c        life, feed, next, time, and how a session fails
 * engine_hello.c  greeting, EHLO and what it offers, STARTTLS
 * engine_auth.c   AUTH
 * engine_mail.c   a transaction: MAIL, RCPT, DATA, and what is answered
 * engine_check.c  what may stand in a command
 * engine_body.c   the message itself
 */
#ifndef DELIVERD_ENGINE_STATE_H
#define DELIVERD_ENGINE_STATE_H

#include "common/base/buf.h"
#include "common/base/dot.h"
#include "deliverd/engine.h"
#include "deliverd/reply.h"
#include "sasl/client.h"

enum {
	OUT_MARK = 16 * 1024,	/* bytes that wait: no more commands are made, no more body is asked for */
	OUT_MAX = 256 * 1024,
	CHUNKS_MAX = 16,	/* BDAT that were not answered yet */
	COMMAND_MAX = 512,	/* RFC 5321 4.5.3.1.4, with CRLF */
	ADDRESS_MAX = 512	/* RFC 5321 4.5.3.1 has 320, in UTF-8 it may be more */
};

enum client_phase {
	PHASE_GREETING,
	PHASE_HELLO,
	PHASE_START_TLS,	/* STARTTLS was said */
	PHASE_SHAKE,		/* and answered by 220 */
	PHASE_AUTH,
	PHASE_MAIL,		/* transactions */
	PHASE_QUIT,		/* QUIT was said */
	PHASE_CLOSED
};

enum mail_say {			/* what is to be sent next */
	SAY_RSET,
	SAY_MAIL,
	SAY_RCPT,
	SAY_DATA,
	SAY_WAIT,		/* replies decide */
	SAY_BODY,
	SAY_NOTHING
};

enum mail_fate {		/* of a recipient: bits, to be looked for several at once */
	FATE_OPEN = 1,
	FATE_SKIPPED = 2,	/* one too many for the server (LIMITS): not sent */
	FATE_TAKEN = 4,
	FATE_ANY = 7,
	FATE_TOLD = 8		/* with one of the others */
};

/* A transaction. What was said and not answered yet is known by these counts; replies
 * come in the order rset, mail, recipients, data, chunks, ends. */
struct transaction {
	bool open;
	struct client_mail mail;
	uint8_t *fates;		/* mail.count of them */
	size_t fates_room;
	enum mail_say say;
	size_t said_rcpt, heard_rcpt;	/* recipients before these: their command was sent, answered */
	size_t taken;
	bool await_rset, await_mail, await_data;
	size_t chunks, ends;
	bool bdat, refused;	/* refused: no recipient can have it any more */
	bool lost, maybe;	/* the session failed; and the message may have arrived */
	/* what is to be told: reply, to those of [tell_at, tell_end) whose fate is in tell */
	struct client_reply reply;
	size_t tell_at, tell_end;
	unsigned tell;
};

struct smtp_client {
	struct client_config config;
	struct client_offers offers;
	enum client_phase phase;
	struct reply_reader reader;
	struct buf out;		/* waits to be sent */
	struct buf lent;	/* what the last SEND lent */
	bool tls, helo, shake_given, ready_given, early_given, quit_said, unusable_given, close_given;
	bool broken;		/* unusable: why */
	bool polite;		/* and QUIT is said before it is closed */
	struct client_reply why;

	struct sasl_client *sasl;
	char mechanisms[256];	/* that the server offers */

	struct transaction mails[2];
	size_t first;		/* the older of the two */
	uint64_t begun;
	bool need_rset;		/* the server still has a transaction that came to nothing */

	/* the body of the one that speaks */
	struct dot_encoder dots;
	struct buf chunk;
	bool body_asked, after_cr, in_line;

	uint64_t now_ms, deadline;
};

enum client_manner { FAIL_POLITE, FAIL_CUT };

/* engine.c */
void client_sayf(struct smtp_client *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The session can't go on: all that is open is told, then why. */
void client_fail(struct smtp_client *e, const struct client_reply *why, enum client_manner manner);
void client_failf(struct smtp_client *e, enum client_step step, const char *status, enum client_manner manner,
		  const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same with the reply that was just read. */
void client_fail_reply(struct smtp_client *e, enum client_step step, enum client_manner manner);
/* smtp_client_begin may be called: nothing is open, or the message before is said to its end. */
bool client_may_begin(struct smtp_client *e);
static inline struct transaction *client_first(struct smtp_client *e)
{
	return &e->mails[e->first];
}
static inline struct transaction *client_second(struct smtp_client *e)
{
	return &e->mails[1 - e->first];
}

/* engine_hello.c */
void client_say_hello(struct smtp_client *e);
void client_hello_line(struct smtp_client *e);
void client_greeting_heard(struct smtp_client *e);
void client_hello_heard(struct smtp_client *e);
void client_start_tls_heard(struct smtp_client *e, struct span rest);

/* engine_auth.c */
void client_say_auth(struct smtp_client *e);
void client_auth_heard(struct smtp_client *e);

/* engine_check.c: -EINVAL for what can't be said to this server. */
int client_check_mail(const struct smtp_client *e, const struct client_mail *mail, struct error *err);

/* engine_mail.c */
void client_say_mail(struct smtp_client *e);	/* as much as may be said now */
void client_mail_heard(struct smtp_client *e);
bool client_mail_awaits(const struct transaction *t);
enum client_step client_mail_step(const struct transaction *t);	/* that is answered next */
bool client_mail_over(const struct transaction *t);
void client_tell(struct transaction *t, unsigned fates);	/* t->reply, to all that have one of fates */

/* engine_body.c */
void client_body_start(struct smtp_client *e);
bool client_body_wanted(const struct smtp_client *e);

#endif
