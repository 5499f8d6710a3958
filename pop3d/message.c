/*
 * message.c - RETR and TOP: a body, piece by piece, dots stuffed (RFC 1939 5, 7).
 *
 * Without UTF8 a header in UTF-8 goes out as its surrogate (RFC 6856 2.1): refusing the message would leave it
 * in the mailbox for good, for most programs that fetch by POP3 have no other way to read it.
 * RFC 6856 2.1 not done: LIST tells the size of the message, not of its surrogate, which is known when it was made.
 */
#include "pop3d/state.h"

enum { SURROGATE_OUT = 12 * (SURROGATE_FIELD + POP3_PIECE) + 1024 };

static void begin(struct pop3_server *e, struct maildrop_message *m, uint64_t lines)
{
	e->message = m;
	e->lines_left = lines;
	e->in_header = e->line_empty = true;
	e->body_over = false;
	dot_encoder_init(&e->dots);
	mime_surrogate_clear(&e->surrogate);
	mime_surrogate_init(&e->surrogate);
	pop3_open(e, POP3_OPEN_BODY);
	e->open.uid = m->uid;
}

void pop3_run_retr(struct pop3_server *e, struct span args)
{
	struct maildrop_message *m = pop3_take_message(e, &args);

	if (m != NULL)
		begin(e, m, UINT64_MAX);
}

void pop3_run_top(struct pop3_server *e, struct span args)
{
	struct maildrop_message *m = pop3_take_message(e, &args);
	uint64_t lines;

	if (m == NULL)
		return;
	if (!span_number(args, UINT32_MAX, &lines))
		pop3_bad(e, "-ERR write TOP MESSAGE LINES");
	else
		begin(e, m, lines);
}

void pop3_body_opened(struct pop3_server *e, enum pop3_result result)
{
	if (result == POP3_GONE) {
		pop3_reply(e, "-ERR this message was deleted by another program meanwhile");
		return;
	}
	if (result != POP3_DONE) {
		pop3_reply(e, "-ERR [SYS/TEMP] can't read the message right now, try again later");
		return;
	}
	if (e->lines_left == UINT64_MAX)
		pop3_replyf(e, "+OK %u octets", e->message->size);
	else
		pop3_reply(e, "+OK top of message follows");
	e->body_open = true;
	e->running = LONG_BODY;
}

void pop3_body_go(struct pop3_server *e)
{
	if (!e->body_over) {
		pop3_open(e, POP3_READ);
		e->open.size = POP3_PIECE;
		return;
	}
	dot_encode_end(&e->dots, &e->replies);
	if (e->lines_left == UINT64_MAX) {
		e->message->seen = 1;
		e->retrieved++;
	}
	e->close_body = e->body_open;
	e->body_open = false;
	e->running = LONG_NONE;
	e->deadline = e->now_ms + e->config.idle_ms;
}

/* How much of in TOP still sends: to the end of its last line. RFC 1939 7 */
static size_t top_part(struct pop3_server *e, struct span in)
{
	for (size_t i = 0; i < in.n; i++) {
		if (!e->in_header && e->lines_left == 0)
			return i;
		if (in.p[i] != '\n') {
			e->line_empty &= in.p[i] == '\r';
			continue;
		}
		if (e->in_header)
			e->in_header = !e->line_empty;
		else
			e->lines_left--;
		e->line_empty = true;
	}
	return in.n;
}

static void put_bytes(struct pop3_server *e, struct span bytes)
{
	size_t n = e->lines_left == UINT64_MAX ? bytes.n : top_part(e, bytes);

	if (n < bytes.n)
		e->body_over = true;
	bytes.n = n;
	dot_encode(&e->dots, bytes, &e->replies);
}

/* The header's bytes off *in, as this client can read them. */
static void put_header(struct pop3_server *e, struct span *in)
{
	struct buf out;

	buf_init(&out, SURROGATE_OUT);
	if (in->n > 0)
		mime_surrogate_feed(&e->surrogate, in, &out);
	else
		mime_surrogate_end(&e->surrogate, &out);
	e->replies.failed |= out.failed;
	put_bytes(e, buf_span(&out));
	buf_clear(&out);
}

void pop3_server_bytes(struct pop3_server *e, struct span bytes)
{
	bool last = bytes.n == 0;

	if (!e->utf8 && !e->surrogate.over)
		put_header(e, &bytes);
	put_bytes(e, bytes);
	e->body_over |= last;
}

void pop3_read_done(struct pop3_server *e, enum pop3_result result)
{
	if (result == POP3_DONE && !e->replies.failed)
		return;
	/* Half a message was sent: only a broken connection tells the client so. */
	pop3_note(e, "closing: a message could not be read uid=%u", e->message->uid);
	e->phase = PHASE_CLOSED;
	e->running = LONG_NONE;
}
