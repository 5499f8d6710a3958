/* engine.c - the POP3 engine's life, feed, next, done and time; the contract is in engine.h. */
#include "pop3d/engine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pop3d/state.h"

enum { REPLY_PIECES = 52 };	/* a piece of nothing but dots, or of a header that its surrogate blows up */

int pop3_server_new(struct pop3_server **out, const struct pop3_config *config, uint64_t now_ms,
		    struct error *err)
{
	struct pop3_server *e = calloc(1, sizeof(*e));
	int r;

	*out = NULL;
	if (e == NULL)
		return error_set(err, -ENOMEM, "no memory for a POP3 session");
	r = line_reader_new(&e->lines, config->line_limit, err);
	if (r < 0) {
		free(e);
		return r;
	}
	e->config = *config;
	buf_init(&e->replies, config->output_limit + REPLY_PIECES * POP3_PIECE);
	buf_init(&e->note, 4096);
	buf_init(&e->secret, POP3_AUTH_LINE_MAX);
	e->now_ms = now_ms;
	e->login_deadline = now_ms + config->login_ms;
	e->deadline = now_ms + config->idle_ms;
	pop3_replyf(e, "+OK %s Yubin POP3", config->hostname);
	*out = e;
	return 0;
}

void pop3_server_free(struct pop3_server *e)
{
	if (e == NULL)
		return;
	buf_wipe(&e->secret);
	exchange_clear(&e->exchange);
	line_reader_free(e->lines);
	buf_clear(&e->replies);
	buf_clear(&e->note);
	maildrop_clear(&e->drop);
	mime_surrogate_clear(&e->surrogate);
	free(e);
}

void pop3_reply(struct pop3_server *e, const char *line)
{
	buf_put_text(&e->replies, line);
	buf_put_text(&e->replies, "\r\n");
}

void pop3_replyf(struct pop3_server *e, const char *format, ...)
{
	char line[512];		/* RFC 1939 3: responses are short */
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line) - 2, format, args);
	va_end(args);
	pop3_reply(e, line);
}

void pop3_note(struct pop3_server *e, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (e->note.n > 0)
		buf_put_text(&e->note, "; ");
	buf_put_text(&e->note, text);
}

void pop3_bad(struct pop3_server *e, const char *line)
{
	pop3_reply(e, line);
	if (++e->errors < e->config.error_limit)
		return;
	pop3_reply(e, "-ERR too many errors, closing");
	pop3_note(e, "closing: too many bad commands errors=%u last=\"%s\"", e->errors, line);
	e->phase = PHASE_CLOSED;
}

void pop3_open(struct pop3_server *e, enum pop3_action_kind kind)
{
	e->open = (struct pop3_action){ .kind = kind, .number = ++e->last_number };
	e->open_given = false;
	e->open_until_ms = e->now_ms + (kind == POP3_UPDATE ? e->config.commit_ms : e->config.answer_ms);
}

static void feed_line(struct pop3_server *e, struct span *in)
{
	struct span line;
	enum line_status st;

	line_reader_limit(e->lines, e->phase == PHASE_AUTH ? POP3_AUTH_LINE_MAX : e->config.line_limit);
	st = line_feed(e->lines, in, &line);
	if (st == LINE_MORE)
		return;
	e->deadline = e->now_ms + e->config.idle_ms;
	if (st == LINE_OK && span_find(line, 0) >= 0)
		st = LINE_BARE;
	if (st != LINE_OK && e->phase == PHASE_AUTH) {
		exchange_clear(&e->exchange);
		e->phase = PHASE_AUTHORIZATION;
	}
	if (st == LINE_TOO_LONG)
		pop3_bad(e, "-ERR line too long");
	else if (st == LINE_BARE)
		pop3_bad(e, "-ERR a lone CR, LF or NUL in a command: lines end in CRLF");
	else if (e->phase == PHASE_AUTH)
		pop3_auth_line(e, line);
	else
		pop3_command(e, line);
	line_reader_wipe(e->lines);
}

static bool may_feed(const struct pop3_server *e)
{
	return e->open.number == 0 && !e->cancel && e->running == LONG_NONE && e->note.n == 0 &&
	       e->replies.n - e->reply_sent <= e->config.output_limit &&
	       (e->phase == PHASE_AUTHORIZATION || e->phase == PHASE_AUTH || e->phase == PHASE_TRANSACTION);
}

static void take_back(struct pop3_server *e)
{
	buf_drop(&e->replies, e->reply_sent);
	if (e->replies.n == 0)
		buf_clear(&e->replies);	/* an idle session keeps nothing */
	if (e->note_given)
		buf_clear(&e->note);
	e->reply_sent = 0;
	e->note_given = false;
}

void pop3_server_feed(struct pop3_server *e, struct span *in)
{
	while (in->n > 0 && may_feed(e))
		feed_line(e, in);
}

/* Goes on with a long answer, as far as there is room for output. */
static void run_on(struct pop3_server *e)
{
	if (e->open.number != 0 || e->replies.n > e->config.output_limit || e->phase == PHASE_CLOSED)
		return;
	if (e->running == LONG_BODY)
		pop3_body_go(e);
	else if (e->running != LONG_NONE)
		pop3_listing_go(e);
}

static void next_silent(struct pop3_server *e, struct pop3_action *a)
{
	if (e->phase == PHASE_TLS && !e->tls_given) {
		e->tls_given = true;
		a->kind = POP3_START_TLS;
	} else if (e->phase == PHASE_CLOSED && !e->close_given) {
		e->close_given = true;
		a->kind = POP3_CLOSE;
	}
}

void pop3_server_next(struct pop3_server *e, struct pop3_action *a)
{
	*a = (struct pop3_action){ .kind = POP3_NONE };
	take_back(e);
	run_on(e);
	if (e->note.n > 0) {
		e->note_given = true;
		*a = (struct pop3_action){ .kind = POP3_NOTE, .bytes = buf_span(&e->note) };
	} else if (e->cancel) {
		e->cancel = false;
		a->kind = POP3_CANCEL;
	} else if (e->close_body) {
		e->close_body = false;
		a->kind = POP3_CLOSE_BODY;
	} else if (e->open.number != 0 && !e->open_given) {
		e->open_given = true;
		*a = e->open;
	} else if (e->replies.n > 0 && (e->open.number == 0 || e->replies.n > e->config.output_limit / 2)) {
		e->reply_sent = e->replies.n;
		*a = (struct pop3_action){ .kind = POP3_REPLY, .bytes = buf_span(&e->replies) };
	} else {
		next_silent(e, a);
	}
}

void pop3_server_done(struct pop3_server *e, uint64_t number, enum pop3_result result)
{
	enum pop3_action_kind kind = e->open.kind;

	if (number == 0 || number != e->open.number)
		return;
	e->open = (struct pop3_action){ 0 };
	e->deadline = e->now_ms + e->config.idle_ms;
	if (e->phase == PHASE_CLOSED)
		return;
	switch (kind) {
	case POP3_AUTHENTICATE:
		pop3_auth_done(e, result);
		break;
	case POP3_OPEN:
		pop3_open_done(e, result);
		break;
	case POP3_OPEN_BODY:
		pop3_body_opened(e, result);
		break;
	case POP3_READ:
		pop3_read_done(e, result);
		break;
	default:
		pop3_update_done(e, result);
	}
}

int pop3_server_message(struct pop3_server *e, uint32_t uid, uint64_t size)
{
	return maildrop_add(&e->drop, uid, size);
}

void pop3_server_uidvalidity(struct pop3_server *e, uint32_t uidvalidity)
{
	e->drop.uidvalidity = uidvalidity;
}

uint32_t pop3_server_deleted(const struct pop3_server *e, size_t *at)
{
	while (*at < e->drop.count)
		if (e->drop.messages[(*at)++].deleted)
			return e->drop.messages[*at - 1].uid;
	return 0;
}

uint32_t pop3_server_seen(const struct pop3_server *e, size_t *at)
{
	while (*at < e->drop.count) {
		const struct maildrop_message *m = &e->drop.messages[(*at)++];

		if (m->seen && !m->deleted)
			return m->uid;
	}
	return 0;
}

void pop3_server_certificate(struct pop3_server *e)
{
	e->config.certificate = true;
}

void pop3_server_secured(struct pop3_server *e)
{
	e->config.tls = true;
	e->config.may_start_tls = false;
	if (e->phase != PHASE_TLS)
		return;
	e->user[0] = '\0';	/* RFC 2595 4: what was said in clear is forgotten */
	e->tls_given = false;
	e->phase = PHASE_AUTHORIZATION;
	e->deadline = e->now_ms + e->config.idle_ms;
}

static bool login_is_due(const struct pop3_server *e)
{
	return e->phase < PHASE_TRANSACTION;
}

uint64_t pop3_server_deadline(const struct pop3_server *e)
{
	if (e->phase != PHASE_CLOSED && e->open.number != 0)
		return e->open_until_ms;
	if (e->phase == PHASE_CLOSED || e->running != LONG_NONE)
		return UINT64_MAX;
	return login_is_due(e) && e->login_deadline < e->deadline ? e->login_deadline : e->deadline;
}

/* Whoever should have answered is stuck, or has too much to do. */
static void give_up_waiting(struct pop3_server *e)
{
	pop3_note(e, "no answer in time waited_for=%s", login_is_due(e) ? "login" :
		  e->open.kind == POP3_UPDATE ? "update" : "message");
	e->cancel = true;
	e->late = e->open.kind == POP3_UPDATE;
	pop3_server_done(e, e->open.number, POP3_TRY_LATER);
}

void pop3_server_tick(struct pop3_server *e, uint64_t now_ms)
{
	e->now_ms = now_ms;
	if (now_ms < pop3_server_deadline(e))
		return;
	if (e->open.number != 0) {
		give_up_waiting(e);
		return;
	}
	/* RFC 1939 3: the session ends without UPDATE */
	pop3_reply(e, "-ERR waited too long, closing");
	pop3_note(e, "timed out phase=%s", login_is_due(e) ? "login" : "idle");
	e->phase = PHASE_CLOSED;
}

bool pop3_server_idle(const struct pop3_server *e)
{
	return e->open.number == 0 && e->running == LONG_NONE;
}

void pop3_server_end(struct pop3_server *e, const char *why)
{
	if (e->phase == PHASE_CLOSED || e->phase == PHASE_UPDATE)
		return;
	if (e->running == LONG_NONE)
		pop3_replyf(e, "-ERR [SYS/TEMP] %s", why);
	e->running = LONG_NONE;
	e->phase = PHASE_CLOSED;
}

unsigned pop3_server_retrieved(const struct pop3_server *e)
{
	return e->retrieved;
}
