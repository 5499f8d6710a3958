/*
 * shell.h - one IMAP connection: the engine's actions done with the store and authd.
 */
#ifndef IMAPD_SHELL_H
#define IMAPD_SHELL_H

#include "common/net/conn.h"
#include "common/proc/body.h"
#include "imapd/deflate.h"
#include "imapd/server.h"
#include "service/login.h"

struct shell_match;
struct shell_page;

extern const struct conn_protocol imap_protocol;

struct shell {
	struct conn *conn;
	struct service *service;
	struct imap_server *engine;
	uint64_t number;		/* of the engine's open action */
	struct service_login login;
	uint64_t store_op;		/* what works on it */
	struct store_account *account;
	struct store_stage **stages;	/* of the APPEND in hand, IMAP_MUTATIONS of room; NULL: none */
	size_t stage_n;
	struct body_read *reading;
	struct shell_match *match;	/* the job that is away */
	int body;			/* the message that is open, or -1 */
	uint64_t body_mailbox;		/* the one that is being opened */
	uint32_t body_uid;
	struct ahead *ahead;		/* those behind it, as long as the command runs, or NULL */
	int meta;			/* the account's derived file, or -1 */
	struct shell_page *page;	/* the next of a walk over a mailbox, or NULL */
	bool meta_fresh;		/* opened anew and still of no use: not to be asked for again */
	struct store_record record;	/* whose metadata are asked for */
	struct shell_window *window;	/* what was read ahead of the derived file, or NULL */
	struct body_read *meta_reading;
	uint64_t meta_next;		/* where the entry behind the last one would lie; 0: none was read */
	char *user;			/* "user@domain", NULL before the login */
	uint64_t in_bytes, out_bytes;	/* as they cross the wire, TLS apart */
	struct imap_deflate *deflate;	/* NULL: COMPRESS is not on */
	struct span plain;		/* the engine's reply, as far as it is not compressed yet */
	bool broken;			/* no memory to compress it */
	size_t turn_plain;		/* bytes that this turn has uncompressed */
	uint64_t now_ms, rest_ms;	/* when the streams give memory back; 0: they have */
};

/* shell_store.c: does what the engine asks. */
void shell_act(struct shell *s, const struct imap_action *a);
/* Cancels what is open and closes what was opened. */
void shell_clear(struct shell *s);

/* shell_look.c: answers with that page, and asks for the one behind it. */
void shell_look_ahead(struct shell *s, const struct store_look *look);
/* The engine will ask for it when the commit that was just asked for is there. */
void shell_look_behind(struct shell *s, const struct store_look *look);
/* The walk is over: nobody waits for its page. */
void shell_look_cancel(struct shell *s);
/* A page that nobody has come for in a while goes. */
void shell_look_tick(struct shell *s);
uint64_t shell_look_deadline(const struct shell *s);

/* shell_body.c */
void shell_body_open(struct shell *s, const struct imap_action *a);
void shell_body_read(struct shell *s, const struct imap_action *a);
void shell_body_close(struct shell *s);
void shell_body_rest(struct shell *s);

/* shell_meta.c */
void shell_meta(struct shell *s, const struct imap_action *a);
/* The command is over: what was read ahead is of no more use. */
void shell_meta_rest(struct shell *s);
/* The answer is not waited for any more. */
void shell_meta_cancel(struct shell *s);
void shell_meta_close(struct shell *s);

/* shell_match.c */
void shell_match(struct shell *s, const struct imap_action *a);
/* The time has come on: bodies that storaged has not opened by now can't be looked at. */
void shell_match_tick(struct shell *s);
uint64_t shell_match_deadline(const struct shell *s);
/* The session ends. */
void shell_match_cancel(struct shell *s);

/* Hands a result to the engine. */
void shell_answer(struct shell *s, const struct imap_result *result);
void shell_answer_status(struct shell *s, enum store_status status);
/* op: what a call of the store gave; 0, and nothing will complete: answered as TRY_LATER. */
void shell_asked(struct shell *s, uint64_t op);

#endif
