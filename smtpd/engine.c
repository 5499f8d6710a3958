/* engine.c - the SMTP engine's life, feed, next, done and time; the contract is in engine.h. */
#include "smtpd/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smtpd/state.h"

enum { REPLIES_ROOM = 64 * 1024 };	/* above output_limit, where feed stops: more than one command says */

int smtp_server_new(struct smtp_server **out, const struct smtp_config *config, uint64_t now_ms,
		    struct error *err)
{
	struct smtp_server *e = calloc(1, sizeof(*e));
	int r;

	*out = NULL;
	if (e == NULL)
		return error_set(err, -ENOMEM, "no memory for an SMTP session");
	r = line_reader_new(&e->lines, config->line_limit, err);
	if (r < 0) {
		free(e);
		return r;
	}
	e->config = *config;
	buf_init(&e->replies, config->output_limit + REPLIES_ROOM);
	buf_init(&e->note, 4096);
	buf_init(&e->held, SMTP_HEADER_MAX);
	buf_init(&e->authors, SMTP_HEADER_MAX);
	buf_init(&e->chunk_refusal, 1024);
	buf_init(&e->body, 4 * SMTP_PIECE + SMTP_HEADER_MAX);
	e->now_ms = now_ms;
	e->login_deadline = now_ms + config->login_ms;
	e->deadline = now_ms + config->idle_ms;
	smtp_replyf(e, "220 %s %s Yubin", config->hostname, config->lmtp ? "LMTP" : "ESMTP");
	*out = e;
	return 0;
}

void smtp_server_free(struct smtp_server *e)
{
	if (e == NULL)
		return;
	exchange_clear(&e->exchange);
	line_reader_free(e->lines);
	buf_clear(&e->replies);
	buf_clear(&e->note);
	buf_clear(&e->held);
	buf_clear(&e->body);
	buf_clear(&e->authors);
	buf_clear(&e->chunk_refusal);
	header_watch_clear(&e->header);
	free(e);
}

void smtp_open(struct smtp_server *e, enum smtp_action_kind kind)
{
	e->open = (struct smtp_action){ .kind = kind,
					.number = ++e->last_number,
					.address = e->address,
					.size = kind == SMTP_CHECK_RATE ? e->recipients : e->announced };
	e->open_given = false;
	e->open_until_ms = e->now_ms + (kind == SMTP_COMMIT ? e->config.commit_ms : e->config.answer_ms);
}

void smtp_forget_body(struct smtp_server *e)
{
	buf_clear(&e->held);
	buf_clear(&e->body);
	e->body_ended = e->body_room = e->bare = e->held_over = false;
	e->body_sent = 0;
	e->bdat = false;
	e->body_size = 0;
	e->body_fault = SMTP_DONE;
	e->eight_bit = false;
	e->author = 0;
	e->from_fault = NULL;
	buf_clear(&e->authors);
	header_watch_clear(&e->header);
	e->date_line = e->message_id_line = NULL;
}

void smtp_reset(struct smtp_server *e)
{
	if (e->has_sender || e->phase == PHASE_BODY)
		e->abandon = true;
	e->has_sender = false;
	e->sender[0] = '\0';
	e->recipients = 0;
	memset(e->refused, 0, sizeof(e->refused));
	e->flags = e->notify = 0;
	e->utf8 = e->utf8_address = false;
	e->envid[0] = e->orcpt[0] = '\0';
	smtp_forget_body(e);
}

static void feed_line(struct smtp_server *e, struct span *in)
{
	struct span line;
	enum line_status st;

	line_reader_limit(e->lines, e->phase == PHASE_AUTH ? SMTP_AUTH_LINE_MAX : e->config.line_limit);
	st = line_feed(e->lines, in, &line);
	if (st == LINE_MORE)
		return;
	e->deadline = e->now_ms + e->config.idle_ms;
	if (st != LINE_OK) {
		exchange_clear(&e->exchange);
		e->phase = PHASE_COMMAND;
	}
	if (st == LINE_TOO_LONG) {
		smtp_bad(e, "500 5.5.2 line too long");	/* RFC 5321 4.5.3.1.9 */
	} else if (st == LINE_BARE) {
		smtp_bad(e, "500 5.5.2 a lone CR or LF in a command: lines end in CRLF");
	} else if (e->phase == PHASE_AUTH) {
		smtp_auth_line(e, line);
	} else {
		smtp_command(e, line);
	}
	line_reader_wipe(e->lines);
}

static bool may_feed(const struct smtp_server *e)
{
	if (e->open.number != 0 || e->cancel || e->abandon || e->note.n > 0 ||
	    e->replies.n - e->reply_sent > e->config.output_limit)
		return false;
	if (e->phase == PHASE_BODY)
		return e->body.n == 0 && !e->body_ended;
	if (e->phase == PHASE_CHUNK)
		return e->body.n == 0 && e->chunk_left > 0;
	return e->phase == PHASE_COMMAND || e->phase == PHASE_AUTH;
}

void smtp_server_feed(struct smtp_server *e, struct span *in)
{
	while (in->n > 0 && may_feed(e)) {
		if (e->phase == PHASE_BODY)
			smtp_body_feed(e, in);
		else if (e->phase == PHASE_CHUNK)
			smtp_chunk_feed(e, in);
		else
			feed_line(e, in);
		if (e->ending != NULL && smtp_server_idle(e))
			smtp_server_end(e, e->ending);
	}
}

static bool in_body(const struct smtp_server *e)
{
	return e->phase == PHASE_BODY || e->phase == PHASE_CHUNK;
}

/* Drops what the last call of next lent. */
static void take_back(struct smtp_server *e)
{
	buf_drop(&e->replies, e->reply_sent);
	if (e->replies.n == 0)
		buf_clear(&e->replies);	/* an idle session keeps nothing */
	e->reply_sent = 0;
	if (e->note_given)
		buf_clear(&e->note);
	e->note_given = false;
}

/* What is wanted once nothing waits to be said. */
static void next_silent(struct smtp_server *e, struct smtp_action *a)
{
	if (e->phase == PHASE_TLS && !e->tls_given) {
		e->tls_given = true;
		a->kind = SMTP_START_TLS;
	} else if (e->phase == PHASE_CLOSED && !e->close_given) {
		e->close_given = true;
		a->kind = SMTP_CLOSE;
	}
}

/* In this order: the log's line, what voids an action or a transaction, actions, replies. Replies wait
 * while an action is open: pipelined commands are answered in one write (RFC 2920 3.2). */
void smtp_server_next(struct smtp_server *e, struct smtp_action *a)
{
	*a = (struct smtp_action){ .kind = SMTP_NONE };
	take_back(e);
	if (e->note.n > 0) {
		e->note_given = true;
		*a = (struct smtp_action){ .kind = SMTP_NOTE, .bytes = buf_span(&e->note) };
	} else if (e->cancel) {
		e->cancel = false;
		a->kind = SMTP_CANCEL;
	} else if (e->abandon) {
		e->abandon = false;
		a->kind = SMTP_ABANDON;
	} else if (e->open.number != 0 && !e->open_given) {
		e->open_given = true;
		*a = e->open;
	} else if (e->open.number == 0 && in_body(e) && smtp_body_next(e, a)) {
		e->open_given = true;
	} else if (e->replies.n > 0 && (e->open.number == 0 || e->replies.n > e->config.output_limit)) {
		e->reply_sent = e->replies.n;
		*a = (struct smtp_action){ .kind = SMTP_REPLY, .bytes = buf_span(&e->replies) };
	} else {
		next_silent(e, a);
	}
}

void smtp_server_done(struct smtp_server *e, uint64_t number, enum smtp_result result, const char *words)
{
	enum smtp_action_kind kind = e->open.kind;
	size_t given = e->open.bytes.n;

	if (number == 0 || number != e->open.number)
		return;
	e->open = (struct smtp_action){ 0 };
	if (e->phase == PHASE_CLOSED)
		return;
	e->deadline = e->now_ms + (in_body(e) ? e->config.data_ms : e->config.idle_ms);
	switch (kind) {
	case SMTP_AUTHENTICATE:
		smtp_auth_done(e, result);
		break;
	case SMTP_CHECK_SENDER:
		smtp_sender_done(e, result);
		break;
	case SMTP_CHECK_FROM:
		smtp_from_done(e, result);
		break;
	case SMTP_CHECK_RATE:
		smtp_rate_done(e, result, words);
		break;
	case SMTP_ADD_REMOTE:
		smtp_remote_done(e, result);
		break;
	case SMTP_CHECK_ROOM:
		smtp_room_done(e, result);
		break;
	case SMTP_CHECK_RECIPIENT:
		smtp_recipient_done(e, result);
		break;
	case SMTP_BODY_BEGIN:
		smtp_body_begin_done(e, result);
		break;
	case SMTP_BODY:
		smtp_body_done(e, given, result);
		break;
	default:
		smtp_commit_done(e, result, words);
	}
}

void smtp_server_certificate(struct smtp_server *e)
{
	e->config.certificate = true;
}

void smtp_server_secured(struct smtp_server *e)
{
	e->config.tls = true;
	e->config.may_start_tls = false;
	if (e->phase != PHASE_TLS)
		return;
	smtp_reset(e);		/* RFC 3207 4.2 */
	e->helo[0] = '\0';
	e->said_hello = e->esmtp = false;
	e->tls_given = false;
	e->phase = PHASE_COMMAND;
	e->deadline = e->now_ms + e->config.idle_ms;
}

static bool login_is_due(const struct smtp_server *e)
{
	return e->config.submission ? !e->authenticated : !e->said_hello;
}

uint64_t smtp_server_deadline(const struct smtp_server *e)
{
	if (e->phase == PHASE_CLOSED)
		return UINT64_MAX;
	if (e->open.number != 0)
		return e->open_until_ms;
	return login_is_due(e) && e->login_deadline < e->deadline ? e->login_deadline : e->deadline;
}

static const char *waits_for(enum smtp_action_kind kind)
{
	switch (kind) {
	case SMTP_AUTHENTICATE:
		return "login";
	case SMTP_CHECK_ROOM:
		return "room";
	case SMTP_CHECK_RECIPIENT:
	case SMTP_ADD_REMOTE:
		return "recipient";
	case SMTP_BODY_BEGIN:
	case SMTP_BODY:
		return "body";
	case SMTP_COMMIT:
		return "commit";
	default:
		return "sender";
	}
}

/* Whoever should have answered is stuck, or has too much to do. Nothing was promised yet. */
static void give_up_waiting(struct smtp_server *e)
{
	smtp_note(e, "no answer in time waited_for=%s", waits_for(e->open.kind));
	e->cancel = true;
	smtp_server_done(e, e->open.number, SMTP_TRY_LATER, NULL);
}

void smtp_server_tick(struct smtp_server *e, uint64_t now_ms)
{
	e->now_ms = now_ms;
	if (now_ms < smtp_server_deadline(e))
		return;
	if (e->open.number != 0) {
		give_up_waiting(e);
		return;
	}
	/* RFC 5321 4.5.3.2 */
	smtp_replyf(e, "421 4.4.2 %s waited too long, closing", e->config.hostname);
	smtp_note(e, "timed out phase=%s", in_body(e) || e->bdat ? "data" : login_is_due(e) ? "login" : "idle");
	smtp_close(e);
}

bool smtp_server_idle(const struct smtp_server *e)
{
	return e->open.number == 0 && ((!in_body(e) && !e->bdat) || e->finished);
}

void smtp_server_finished(struct smtp_server *e)
{
	e->finished = true;
}

void smtp_server_end(struct smtp_server *e, const char *why)
{
	if (e->phase == PHASE_CLOSED)
		return;
	if (!smtp_server_idle(e)) {
		e->ending = why;
		return;
	}
	smtp_replyf(e, "421 4.3.2 %s %s", e->config.hostname, why);	/* RFC 5321 3.8 */
	smtp_close(e);
}

void smtp_server_revoke(struct smtp_server *e, const char *why)
{
	if (e->open.kind == SMTP_COMMIT) {	/* its answer is a promise that is being kept */
		e->ending = why;
		return;
	}
	if (e->phase == PHASE_CLOSED)
		return;
	e->open = (struct smtp_action){ 0 };
	smtp_reset(e);
	e->phase = PHASE_COMMAND;
	smtp_server_end(e, why);
}

const char *smtp_server_helo(const struct smtp_server *e)
{
	return e->helo;
}

bool smtp_server_is_esmtp(const struct smtp_server *e)
{
	return e->esmtp;
}

const char *smtp_server_sender(const struct smtp_server *e)
{
	return e->sender;
}

const char *smtp_server_address(const struct smtp_server *e)
{
	return e->address;
}

unsigned smtp_server_notify(const struct smtp_server *e)
{
	return e->notify;
}

const char *smtp_server_orcpt(const struct smtp_server *e)
{
	return e->orcpt;
}

const char *smtp_server_envid(const struct smtp_server *e)
{
	return e->envid;
}

bool smtp_server_is_utf8(const struct smtp_server *e)
{
	return e->utf8;
}

unsigned smtp_server_flags(const struct smtp_server *e)
{
	unsigned flags = e->flags;

	if (e->header.eight_bit || e->eight_bit)
		flags |= STORE_MAIL_8BIT;
	if (e->utf8 && (e->utf8_address || e->header.eight_bit))
		flags |= STORE_MAIL_UTF8;
	/* RFC 8689 5: where both are there REQUIRETLS holds */
	if (e->header.tls_optional && (flags & STORE_MAIL_REQUIRE_TLS) == 0)
		flags |= STORE_MAIL_TLS_OPTIONAL;
	return flags;
}

const char *smtp_server_message_id(const struct smtp_server *e)
{
	return e->header.message_id;
}

bool smtp_server_delivered(const struct smtp_server *e, struct span *out)
{
	*out = buf_span(&e->header.delivered);
	return !e->header.delivered.failed;
}

size_t smtp_server_recipients(const struct smtp_server *e)
{
	return e->recipients;
}

unsigned smtp_server_accepted(const struct smtp_server *e)
{
	return e->accepted;
}

unsigned smtp_server_errors(const struct smtp_server *e)
{
	return e->errors;
}

void smtp_server_defaults(struct smtp_server *e, const char *date_line, const char *message_id_line)
{
	e->date_line = date_line;
	e->message_id_line = message_id_line;
}
