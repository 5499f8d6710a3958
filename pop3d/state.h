/*
 * state.h - the inside of the POP3 engine, shared by its files; nobody else includes it.
 *
 * engine.c     life, feed, next, done, time
 * commands.c   the table of commands, and the small ones
 * login.c      USER, PASS, AUTH, and opening the maildrop
 * listing.c    LIST and UIDL of everything, row by row
 * message.c    RETR and TOP
 * utf8.c       UTF8 and LANG
 */
#ifndef POP3D_STATE_H
#define POP3D_STATE_H

#include "common/base/buf.h"
#include "common/base/dot.h"
#include "common/base/line.h"
#include "mime/surrogate.h"
#include "pop3d/engine.h"
#include "pop3d/maildrop.h"
#include "sasl/exchange.h"

enum pop3_phase {		/* RFC 1939 3 */
	PHASE_AUTHORIZATION,
	PHASE_AUTH,		/* the next line is an answer of an AUTH exchange */
	PHASE_TLS,
	PHASE_TRANSACTION,
	PHASE_UPDATE,
	PHASE_CLOSED
};

/* What a long answer is being made of; nothing is fed meanwhile. */
enum pop3_long {
	LONG_NONE,
	LONG_LIST,
	LONG_UIDL,
	LONG_BODY
};

struct pop3_server {
	struct pop3_config config;
	enum pop3_phase phase;
	struct line_reader *lines;
	struct buf replies;		/* waiting to be sent */
	size_t reply_sent;		/* of it, lent by the last next */
	struct buf note;
	bool note_given, tls_given, close_given;

	struct pop3_action open;	/* number 0: none */
	bool open_given;
	uint64_t open_until_ms;		/* then it counts as answered: try later */
	bool cancel, late;		/* late: what was given up was UPDATE */
	uint64_t last_number;

	struct exchange exchange;
	enum pop3_result verdict;	/* of the exchange, which the client is to hear first */
	char user[321];			/* of USER, "" without */
	struct sasl_credentials pass;	/* of USER and PASS */
	struct buf secret;		/* the password of PASS; wiped */
	struct maildrop drop;
	unsigned errors, retrieved;
	bool utf8;			/* the client knows headers in UTF-8 (RFC 6856 2.1) */

	enum pop3_long running;
	size_t row;			/* of a listing */
	struct maildrop_message *message;	/* of a body */
	struct dot_encoder dots;
	struct mime_surrogate surrogate;	/* of its header, without UTF8 */
	bool body_open, body_over, close_body;
	bool in_header, line_empty;	/* TOP: where in the message */
	uint64_t lines_left;		/* TOP: lines of the body still to be sent; UINT64_MAX: RETR */

	uint64_t now_ms, login_deadline, deadline;
};

void pop3_reply(struct pop3_server *e, const char *line);
void pop3_replyf(struct pop3_server *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
void pop3_bad(struct pop3_server *e, const char *line);		/* counts as an error */
void pop3_note(struct pop3_server *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
void pop3_open(struct pop3_server *e, enum pop3_action_kind kind);

/* commands.c */
void pop3_command(struct pop3_server *e, struct span line);
void pop3_update_done(struct pop3_server *e, enum pop3_result result);

/* login.c */
struct sasl_offer pop3_offer(const struct pop3_server *e);
void pop3_run_user(struct pop3_server *e, struct span args);
void pop3_run_pass(struct pop3_server *e, struct span args);
void pop3_run_auth(struct pop3_server *e, struct span args);
void pop3_auth_line(struct pop3_server *e, struct span line);
void pop3_auth_done(struct pop3_server *e, enum pop3_result result);
void pop3_open_done(struct pop3_server *e, enum pop3_result result);

/* listing.c */
void pop3_run_list(struct pop3_server *e, struct span args);
void pop3_run_uidl(struct pop3_server *e, struct span args);
void pop3_listing_go(struct pop3_server *e);

/* message.c */
void pop3_run_retr(struct pop3_server *e, struct span args);
void pop3_run_top(struct pop3_server *e, struct span args);
void pop3_body_opened(struct pop3_server *e, enum pop3_result result);
void pop3_body_go(struct pop3_server *e);	/* opens POP3_READ when there is room */
void pop3_read_done(struct pop3_server *e, enum pop3_result result);

/* utf8.c */
void pop3_run_utf8(struct pop3_server *e, struct span args);
void pop3_run_lang(struct pop3_server *e, struct span args);
/* A name or a password that USER and PASS take. */
bool pop3_may_log_in(struct span text);

/* A message number at *args; NULL after -ERR was said. */
struct maildrop_message *pop3_take_message(struct pop3_server *e, struct span *args);

#endif
