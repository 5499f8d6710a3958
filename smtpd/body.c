/*
 * body.c - the message, from 354 to the final dot, or in chunks.
 *
 * What the client sends goes out as it comes, undotted. A submitted message's header is held
 * until it is whole, for a missing Date or Message-ID goes in front of it. A message that turns
 * out to be refused is read to its end and thrown away (RFC 5321 4.2.5): only then is the answer heard.
 */
#include <stdio.h>

#include "common/base/escape.h"
#include "smtpd/state.h"

void smtp_body_begin_done(struct smtp_server *e, enum smtp_result result)
{
	if (result == SMTP_FULL) {
		smtp_refuse_body(e, SMTP_NO_ROOM);
		return;
	}
	if (result != SMTP_DONE) {
		smtp_refuse_body(e, "451 4.3.0 can't take mail right now, try again later");
		return;
	}
	header_watch_init(&e->header);
	e->body_room = true;
	if (e->phase == PHASE_CHUNK) {
		smtp_chunk_begun(e);
		return;
	}
	dot_decoder_init(&e->dots);
	e->phase = PHASE_BODY;
	smtp_reply(e, "354 go ahead, end with a dot on a line of its own");
}

/* The first reason stands; nothing more of the body is kept. */
void smtp_body_fault(struct smtp_server *e, enum smtp_result why)
{
	if (e->body_fault == SMTP_DONE)
		e->body_fault = why;
	buf_clear(&e->body);
	buf_clear(&e->held);
	e->body_sent = 0;
}

static bool holds_eight_bit(struct span s)
{
	uint8_t all = 0;

	for (size_t i = 0; i < s.n; i++)
		all |= s.p[i];
	return all >= 0x80;
}

static void put_default(struct smtp_server *e, bool present, const char *line)
{
	if (!present && line != NULL)
		buf_put_text(&e->body, line);
}

/* The submitted header is whole: out with it, and with what it lacks. */
static void release_header(struct smtp_server *e)
{
	put_default(e, e->header.date, e->date_line);			/* RFC 6409 8.2 */
	put_default(e, e->header.has_message_id, e->message_id_line);	/* RFC 6409 8.3 */
	smtp_submitted_header(e);
	buf_clear(&e->held);
}

/* What came with DATA has had its line ends looked at. */
static void watch_lines(struct smtp_server *e, struct span header, struct span rest)
{
	if (e->bdat)
		smtp_chunk_lines(e, header);
	if (e->bdat && (e->flags & STORE_MAIL_BINARY) == 0)
		smtp_chunk_lines(e, rest);
}

void smtp_body_take(struct smtp_server *e, struct span piece)
{
	bool was_over = e->header.over;
	struct span header;

	e->body_size += piece.n;
	if (e->body_size > e->config.message_limit)
		smtp_body_fault(e, SMTP_TOO_LARGE);
	header = span_take(&piece, header_watch_feed(&e->header, piece));
	e->eight_bit |= holds_eight_bit(piece);
	watch_lines(e, header, piece);
	if (e->body_fault != SMTP_DONE)
		return;
	if (!e->config.submission) {
		buf_put(&e->body, header);
	} else {
		buf_put(&e->held, header);
		if (e->held.failed)
			e->held_over = true;
		if (e->header.over && !was_over)
			release_header(e);
	}
	buf_put(&e->body, piece);
	if (e->held_over || e->body.failed)
		smtp_body_fault(e, SMTP_TOO_LARGE);
}

void smtp_body_feed(struct smtp_server *e, struct span *in)
{
	struct span part = { in->p, in->n < SMTP_PIECE ? in->n : SMTP_PIECE };
	size_t had = part.n;
	struct buf plain;
	bool ended;

	if (e->body_ended)
		return;
	buf_init(&plain, SMTP_PIECE + 8);
	ended = dot_decode(&e->dots, &part, &plain);
	span_take(in, had - part.n);
	e->bare |= e->dots.bare;
	smtp_body_take(e, buf_span(&plain));
	buf_clear(&plain);
	e->deadline = e->now_ms + e->config.data_ms;
	if (ended)
		smtp_body_end(e);
}

void smtp_body_end(struct smtp_server *e)
{
	header_watch_end(&e->header);
	if (e->config.submission && !e->header.over && e->body_fault == SMTP_DONE)
		release_header(e);	/* a message that is all header */
	e->body_ended = true;
}

/* Why a message that has come in whole is refused, or NULL. */
static const char *refusal(const struct smtp_server *e)
{
	if (e->bare)
		return "550 5.5.2 the message holds a lone CR or LF; lines end in CRLF";	/* RFC 5321 2.3.8 */
	if (e->held_over)
		return "552 5.3.4 the message's header is too large";
	if (e->body_fault == SMTP_TOO_LARGE)
		return "552 5.3.4 the message is larger than this server takes";
	if (e->body_fault == SMTP_FULL)
		return SMTP_NO_ROOM;
	if (e->body_fault != SMTP_DONE)
		return "451 4.3.0 can't take mail right now, try again later";
	if (e->header.received > e->config.received_limit)
		return "554 5.4.6 the message has passed too many servers: a loop";	/* RFC 5321 6.3 */
	return e->from_fault;
}

void smtp_body_refused(struct smtp_server *e)
{
	const char *reply = refusal(e);
	char shown[PATH_ADDRESS_MAX + 8];
	size_t recipients = e->recipients;

	smtp_note(e, "message refused from=<%s> size=%llu reply=\"%s\"",
		  escape_text(shown, sizeof(shown), span_of(e->sender)), (unsigned long long)e->body_size, reply);
	e->phase = PHASE_COMMAND;
	smtp_reset(e);
	if (e->config.lmtp)
		smtp_reply_each(e, recipients, reply);
	else
		smtp_bad(e, reply);
}

static bool finish(struct smtp_server *e, struct smtp_action *a)
{
	const char *reply = refusal(e);

	if (reply == NULL && e->author < e->authors.n) {	/* one of them after the other */
		smtp_open(e, SMTP_CHECK_FROM);
		e->open.address = (const char *)e->authors.p + e->author;
		*a = e->open;
		return true;
	}
	if (reply == NULL) {
		smtp_open(e, SMTP_COMMIT);
		e->open.size = e->body_size;
		*a = e->open;
		return true;
	}
	smtp_body_refused(e);
	return false;
}

static bool give_piece(struct smtp_server *e, struct smtp_action *a)
{
	smtp_open(e, SMTP_BODY);
	e->open.bytes = buf_span(&e->body);
	span_take(&e->open.bytes, e->body_sent);
	if (e->open.bytes.n > SMTP_PIECE)	/* a header that was held */
		e->open.bytes.n = SMTP_PIECE;
	*a = e->open;
	return true;
}

bool smtp_body_next(struct smtp_server *e, struct smtp_action *a)
{
	if (e->body.n == 0 && e->phase == PHASE_CHUNK && e->chunk_left == 0 && !e->body_ended)
		smtp_chunk_end(e);
	if (e->body.n > 0)
		return give_piece(e, a);
	return e->body_ended && finish(e, a);
}

void smtp_body_done(struct smtp_server *e, size_t given, enum smtp_result result)
{
	e->body_sent += given;
	if (e->body_sent >= e->body.n) {
		buf_clear(&e->body);
		e->body_sent = 0;
	}
	if (result != SMTP_DONE)
		smtp_body_fault(e, result);
}

static const char *commit_reply(enum smtp_result result)
{
	switch (result) {
	case SMTP_FULL:
		return SMTP_NO_ROOM;
	case SMTP_OVER_QUOTA:
		return "452 4.2.2 the mailbox is full";
	case SMTP_TOO_LARGE:
		return "552 5.3.4 the message is larger than this server takes";
	case SMTP_LOOP:		/* RFC 5321 6.3 */
		return "554 5.4.6 the message was here before and would go the same way again: a loop";
	default:
		return "451 4.3.0 the message could not be stored, try again later";
	}
}

void smtp_server_refused(struct smtp_server *e, size_t i)
{
	if (i < SMTP_LMTP_RECIPIENTS)
		e->refused[i] = true;
}

/* RFC 2033 4.2: those who have no room hear that. */
static void reply_accepted(struct smtp_server *e, const char *accepted)
{
	size_t n = e->config.lmtp ? e->recipients : 1;

	for (size_t i = 0; i < n; i++)
		smtp_reply(e, i < SMTP_LMTP_RECIPIENTS && e->refused[i] ? commit_reply(SMTP_OVER_QUOTA) : accepted);
}

void smtp_commit_done(struct smtp_server *e, enum smtp_result result, const char *words)
{
	char accepted[100];

	e->phase = PHASE_COMMAND;
	e->has_sender = false;
	if (result == SMTP_DONE) {
		e->accepted++;
		snprintf(accepted, sizeof(accepted), "250 2.0.0 accepted%s%s", words != NULL ? " as " : "",
			 words != NULL ? words : "");
		reply_accepted(e, accepted);
	} else if (result == SMTP_LOOP && !e->config.lmtp) {
		smtp_bad(e, commit_reply(result));
	} else {
		smtp_reply_each(e, e->recipients, commit_reply(result));
	}
	smtp_reset(e);
	if (e->ending != NULL)
		smtp_server_end(e, e->ending);
}
