/*
 * chunk.c - the message in chunks, BDAT (RFC 3030 2), instead of DATA.
 *
 * The bytes of a chunk follow its command whatever the answer will be: they are read before
 * anything is said, kept or thrown away. A transaction that is refused at a chunk is over; what else was
 * pipelined behind it is thrown away chunk by chunk, each with its 503: CHUNKS_PIPELINED of them are no fault of the
 * client's, the rest counts like any other error.
 */
#include "smtpd/state.h"

enum { CHUNKS_PIPELINED = 100 };

/* "SIZE" or "SIZE LAST". False: nobody knows where the next command begins. */
static bool take_arguments(struct span args, uint64_t *size, bool *last)
{
	struct span word;

	args = span_trim(args);
	word = span_take_until(&args, ' ');
	args = span_trim(args);
	*last = span_is_nocase(args, "LAST");
	return word.n <= 20 && span_number(word, UINT64_MAX, size) && (args.n == 0 || *last);
}

/* Why not one byte of it is kept, or NULL. */
static const char *out_of_order(const struct smtp_server *e)
{
	if (e->config.lmtp)	/* RFC 2033 says nothing of replies to chunks */
		return "502 5.5.1 no BDAT over LMTP";
	if (!e->esmtp)
		return "503 5.5.1 BDAT needs EHLO";
	if (!e->has_sender)
		return "503 5.5.1 MAIL first";
	return e->recipients == 0 ? "554 5.5.1 no valid recipients" : NULL;
}

static bool is_too_large(const struct smtp_server *e)
{
	return e->body_size > e->config.message_limit || e->chunk_left > e->config.message_limit - e->body_size;
}

void smtp_run_bdat(struct smtp_server *e, struct span args, const char *refusal)
{
	uint64_t size;

	if (!take_arguments(args, &size, &e->chunk_last)) {
		smtp_bad(e, "501 5.5.4 write BDAT SIZE or BDAT SIZE LAST; closing, for what follows can't be read");
		smtp_close(e);
		return;
	}
	e->phase = PHASE_CHUNK;
	e->chunk_left = e->chunk_size = size;
	if (refusal == NULL)
		refusal = out_of_order(e);
	if (refusal != NULL) {
		smtp_refuse_body(e, refusal);
	} else if (!e->bdat) {
		e->bdat = true;
		smtp_open(e, e->config.submission ? SMTP_CHECK_RATE : SMTP_BODY_BEGIN);
	} else if (is_too_large(e)) {
		smtp_body_fault(e, SMTP_TOO_LARGE);
	}
}

void smtp_refuse_body(struct smtp_server *e, const char *line)
{
	if (e->phase == PHASE_CHUNK)
		buf_put_text(&e->chunk_refusal, line);	/* said behind the chunk */
	else
		smtp_reply(e, line);
	smtp_reset(e);
}

void smtp_chunk_begun(struct smtp_server *e)
{
	e->chunk_cr = false;
	if (is_too_large(e))
		smtp_body_fault(e, SMTP_TOO_LARGE);
}

/* RFC 5321 2.3.8: lines end in CRLF, whatever carries them. RFC 3030 3: but not those of a binary body. */
void smtp_chunk_lines(struct smtp_server *e, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		e->bare |= e->chunk_cr != (s.p[i] == '\n');
		e->chunk_cr = s.p[i] == '\r';
	}
}

void smtp_chunk_feed(struct smtp_server *e, struct span *in)
{
	uint64_t most = e->chunk_left < SMTP_PIECE ? e->chunk_left : SMTP_PIECE;
	struct span piece = span_take(in, in->n < most ? in->n : (size_t)most);

	e->chunk_left -= piece.n;
	e->deadline = e->now_ms + e->config.data_ms;
	if (e->chunk_refusal.n == 0)
		smtp_body_take(e, piece);
}

/* A chunk was refused. Goes down to 1, where it stays: what follows was sent in spite of the refusals. */
static void note_void(struct smtp_server *e)
{
	if (e->phase == PHASE_CLOSED)
		e->bdat_void = 0;
	else if (e->bdat_void == 0)
		e->bdat_void = 1 + CHUNKS_PIPELINED;
	else if (e->bdat_void > 1)
		e->bdat_void--;
}

/* What was refused before the first of its bytes came. */
static void say_refusal(struct smtp_server *e)
{
	buf_put_byte(&e->chunk_refusal, 0);
	e->phase = PHASE_COMMAND;
	/* the client had sent it before it knew, or we can't: no fault of its own */
	if (e->bdat_void > 1 || e->chunk_refusal.p[0] == '4')
		smtp_reply(e, (const char *)e->chunk_refusal.p);
	else
		smtp_bad(e, (const char *)e->chunk_refusal.p);
	buf_clear(&e->chunk_refusal);
	note_void(e);
}

void smtp_chunk_end(struct smtp_server *e)
{
	if (e->chunk_refusal.n > 0) {
		say_refusal(e);
	} else if (e->chunk_last) {
		e->bare |= e->chunk_cr && (e->flags & STORE_MAIL_BINARY) == 0;
		smtp_body_end(e);
	} else if (e->body_fault != SMTP_DONE) {
		smtp_body_refused(e);
		note_void(e);
	} else {
		e->phase = PHASE_COMMAND;
		e->deadline = e->now_ms + e->config.idle_ms;
		smtp_replyf(e, "250 2.0.0 %llu bytes taken", (unsigned long long)e->chunk_size);
	}
}
