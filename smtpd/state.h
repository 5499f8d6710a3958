/*
 * state.h - the inside of the SMTP engine, shared by its files; nobody else includes it.
 *
 * engine.c     life, feed, next, done, time
 * commands.c   the table of commands, and those that only talk
 * mail.c       MAIL, RCPT, RSET, DATA
 * parameters.c what stands behind the addresses of MAIL and RCPT
 * submitted.c  the header of a submitted message: Bcc, From
 * auth.c       AUTH and its exchange
 * body.c       the message itself, up to the final dot
 * chunk.c      the same in chunks
 */
#ifndef SMTPD_STATE_H
#define SMTPD_STATE_H

#include "common/base/buf.h"
#include "common/base/dot.h"
#include "common/base/line.h"
#include "sasl/exchange.h"
#include "smtpd/engine.h"
#include "smtpd/header_watch.h"

#define SMTP_NO_ROOM "452 4.3.1 no room on this server right now, try again later"

enum smtp_phase {
	PHASE_COMMAND,
	PHASE_AUTH,		/* the next line is an answer of the AUTH exchange */
	PHASE_TLS,		/* 220 was said to STARTTLS */
	PHASE_BODY,
	PHASE_CHUNK,		/* the bytes of one chunk are to be read */
	PHASE_CLOSED
};

struct smtp_server {
	struct smtp_config config;
	enum smtp_phase phase;
	struct line_reader *lines;
	struct buf replies;		/* waiting to be sent */
	size_t reply_sent;		/* of it, lent by the last next */
	struct buf note;		/* a line for the log */
	bool note_given, close_given, tls_given, abandon;

	/* the action that is open, and the one that waits to be given */
	struct smtp_action open;	/* open.number 0: none */
	bool open_given;
	uint64_t open_until_ms;		/* then it counts as answered: try later */
	bool cancel;
	uint64_t last_number;

	char helo[PATH_DOMAIN_MAX + 1];
	bool said_hello, esmtp, authenticated;
	struct exchange exchange;
	enum smtp_result verdict;	/* of the exchange, which the client is to hear first */
	unsigned errors, accepted;

	/* the transaction */
	bool has_sender;
	char sender[PATH_ADDRESS_MAX];
	char address[PATH_ADDRESS_MAX];		/* that is being checked */
	size_t recipients;
	bool refused[SMTP_LMTP_RECIPIENTS];	/* of them: has no room after all */
	uint64_t announced;		/* SIZE= of MAIL, 0: none */
	unsigned flags;			/* enum store_envelope_flag, of MAIL */
	bool utf8;			/* SMTPUTF8 of MAIL */
	bool utf8_address;		/* an address of the envelope needs it */
	char envid[SMTP_ENVID_MAX + 1];
	unsigned notify;		/* of the recipient that is being checked */
	char orcpt[SMTP_ORCPT_MAX + 1];

	/* the body */
	struct dot_decoder dots;
	struct header_watch header;
	struct buf held;		/* a submitted message's header, until it is whole */
	struct buf body;		/* decoded, waiting to be given */
	size_t body_sent;		/* of it, given and answered */
	bool body_ended, body_room;	/* final dot seen; BODY_BEGIN was answered */
	bool bare, held_over;
	bool eight_bit;			/* behind the header */
	struct buf authors;		/* addresses that must be the sender's, a NUL behind each */
	size_t author;			/* of it, those that are found good */
	const char *from_fault;		/* why the header is refused, or NULL */
	uint64_t body_size;
	enum smtp_result body_fault;	/* SMTP_DONE: none */
	const char *date_line, *message_id_line;

	/* in chunks (RFC 3030) */
	bool bdat;			/* the body has begun with one */
	unsigned bdat_void;		/* one was refused: so many that follow at once may have been sent before that was known */
	bool chunk_last, chunk_cr;	/* the last byte taken was a CR */
	uint64_t chunk_left, chunk_size;	/* bytes of the one at hand */
	struct buf chunk_refusal;	/* said when it was read and thrown away */

	uint64_t now_ms, login_deadline, deadline;
	const char *ending;		/* the server ends the session: why */
	bool finished;			/* the client has sent all that it will */
};

/* reply.c: `code enhanced text`, one line or several. */
void smtp_reply(struct smtp_server *e, const char *line);
void smtp_replyf(struct smtp_server *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
void smtp_bad(struct smtp_server *e, const char *line);		/* counts as an error */
/* Of a message that has come in: over LMTP once for each of so many recipients. */
void smtp_reply_each(struct smtp_server *e, size_t recipients, const char *line);
void smtp_note(struct smtp_server *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
void smtp_close(struct smtp_server *e);

/* engine.c: opens an action that wants an answer. */
void smtp_open(struct smtp_server *e, enum smtp_action_kind kind);
void smtp_reset(struct smtp_server *e);		/* ends the transaction */
void smtp_forget_body(struct smtp_server *e);

/* commands.c */
void smtp_command(struct smtp_server *e, struct span line);

/* auth.c */
void smtp_run_auth(struct smtp_server *e, struct span args);
void smtp_auth_line(struct smtp_server *e, struct span line);
void smtp_auth_done(struct smtp_server *e, enum smtp_result result);
struct sasl_offer smtp_offer(const struct smtp_server *e);

/* mail.c */
void smtp_run_mail(struct smtp_server *e, struct span args);
void smtp_run_rcpt(struct smtp_server *e, struct span args);
void smtp_run_rset(struct smtp_server *e, struct span args);
void smtp_run_data(struct smtp_server *e, struct span args);
void smtp_sender_done(struct smtp_server *e, enum smtp_result result);
void smtp_rate_done(struct smtp_server *e, enum smtp_result result, const char *words);
void smtp_remote_done(struct smtp_server *e, enum smtp_result result);
void smtp_room_done(struct smtp_server *e, enum smtp_result result);
void smtp_recipient_done(struct smtp_server *e, enum smtp_result result);

/* parameters.c: read rest into e. Return NULL, or the reply. */
const char *smtp_mail_parameters(struct smtp_server *e, struct span rest);
const char *smtp_rcpt_parameters(struct smtp_server *e, struct span rest);

/* submitted.c: e->held is whole. Puts it into e->body without its Bcc, and its authors into e->authors. */
void smtp_submitted_header(struct smtp_server *e);
void smtp_from_done(struct smtp_server *e, enum smtp_result result);

/* body.c */
void smtp_body_take(struct smtp_server *e, struct span piece);
void smtp_body_end(struct smtp_server *e);		/* all of it was taken */
void smtp_body_fault(struct smtp_server *e, enum smtp_result why);
void smtp_body_refused(struct smtp_server *e);		/* for its fault; ends the transaction */
void smtp_body_begin_done(struct smtp_server *e, enum smtp_result result);
void smtp_body_feed(struct smtp_server *e, struct span *in);
/* What is to be given next of the body: true if *action was filled. */
bool smtp_body_next(struct smtp_server *e, struct smtp_action *action);
void smtp_body_done(struct smtp_server *e, size_t given, enum smtp_result result);
void smtp_commit_done(struct smtp_server *e, enum smtp_result result, const char *words);

/* chunk.c. refusal: why its bytes are not wanted, or NULL. */
void smtp_run_bdat(struct smtp_server *e, struct span args, const char *refusal);
void smtp_refuse_body(struct smtp_server *e, const char *line);	/* before it begins, of DATA too */
void smtp_chunk_begun(struct smtp_server *e);			/* the first: there is room for the body */
void smtp_chunk_lines(struct smtp_server *e, struct span s);
void smtp_chunk_feed(struct smtp_server *e, struct span *in);
void smtp_chunk_end(struct smtp_server *e);			/* chunk_left is 0, and nothing waits to be given */

#endif
