/*
 * session_parts.h - what session.c and session_message.c share. Nobody else includes it.
 */
#ifndef SMTPD_SESSION_PARTS_H
#define SMTPD_SESSION_PARTS_H

#include "common/base/clock.h"
#include "service/login.h"
#include "smtpd/engine.h"
#include "smtpd/transaction.h"

struct session {
	struct conn *conn;
	struct service *daemon;
	struct smtp_server *engine;
	char account[STORE_ACCOUNT_MAX];	/* "": nobody has logged in */
	struct service_login login;
	struct transaction t;
	struct transaction_mark mark;		/* before the recipient in hand */
	uint64_t number;			/* of the action in hand */
	enum smtp_action_kind kind;		/* its kind */
	uint64_t announced, size;		/* of the message in hand */
	uint64_t auth_op, store_op;
	char date_line[CLOCK_TEXT + 16], message_id_line[320];
	char own_message_id[300];		/* for a message that has none; "" : it gets none */
};

/* The action in hand is done. */
void session_answer(struct session *s, enum smtp_result result, const char *words);

/* --- session_message.c */
enum smtp_result session_from_store(enum store_status st);
void session_body_begin(struct session *s);
void session_body(struct session *s, const struct smtp_action *a);
void session_commit(struct session *s, const struct smtp_action *a);

/* Each recipient of a message is answered for itself (RFC 2033). */
bool session_is_lmtp(const struct session *s);

#endif
