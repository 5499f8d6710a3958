/* engine_body.c - the message itself: CRLF at every line's end, dots stuffed, or chunks. */
#include <string.h>

#include "deliverd/engine_state.h"

void client_body_start(struct smtp_client *e)
{
	dot_encoder_init(&e->dots);
	buf_clear(&e->chunk);
	e->body_asked = e->after_cr = e->in_line = false;
}

/* The next piece is asked for until a good write has come together. */
bool client_body_wanted(const struct smtp_client *e)
{
	const struct transaction *t = &e->mails[e->first];

	return t->open && t->say == SAY_BODY && !e->body_asked && e->out.n < OUT_MARK && t->chunks < CHUNKS_MAX;
}

/* --- line ends -------------------------------------------------------------- */

static void put(struct smtp_client *e, struct span s)
{
	if (s.n == 0)
		return;
	e->in_line = s.p[s.n - 1] != '\n';
	if (client_first(e)->bdat)
		buf_put(&e->chunk, s);
	else
		dot_encode(&e->dots, s, &e->out);	/* RFC 5321 4.5.2 */
}

/* The bytes of s up to the first CR or LF that stands alone. */
static size_t good_run(struct span s)
{
	size_t at = 0;

	while (at < s.n) {
		const uint8_t *from = s.p + at, *lf = memchr(from, '\n', s.n - at);
		const uint8_t *cr = memchr(from, '\r', lf != NULL ? (size_t)(lf - from) : s.n - at);

		if (lf == NULL)
			return cr != NULL ? (size_t)(cr - s.p) : s.n;
		if (cr == NULL || cr + 1 != lf)
			return (size_t)((cr != NULL ? cr : lf) - s.p);
		at = (size_t)(lf - s.p) + 1;
	}
	return at;
}

/* RFC 5321 2.3.8: no CR or LF goes out alone. A CR is a line's end at once, and an LF behind it
 * is dropped: so a cut between them makes no difference. */
static void put_lines(struct smtp_client *e, struct span s)
{
	while (s.n > 0) {
		if (e->after_cr && s.p[0] == '\n')
			span_take(&s, 1);
		e->after_cr = false;
		put(e, span_take(&s, good_run(s)));
		if (s.n == 0)
			break;
		e->after_cr = span_take(&s, 1).p[0] == '\r';
		put(e, span_of("\r\n"));
	}
}

/* --- chunks (RFC 3030 2) ---------------------------------------------------- */

static void say_chunk(struct smtp_client *e, const char *last)
{
	buf_printf(&e->out, "BDAT %zu%s\r\n", e->chunk.n, last);
	buf_put(&e->out, buf_span(&e->chunk));
	e->out.failed |= e->chunk.failed;	/* half a chunk is none */
	buf_clear(&e->chunk);
}

static bool is_asked(struct smtp_client *e)
{
	bool asked = e->body_asked;

	e->body_asked = false;
	return asked;
}

void smtp_client_body(struct smtp_client *e, struct span piece)
{
	struct transaction *t = client_first(e);

	if (!is_asked(e))
		return;
	if (t->mail.binary)
		put(e, span_take(&piece, CLIENT_PIECE));
	else
		put_lines(e, span_take(&piece, CLIENT_PIECE));
	if (t->bdat && e->chunk.n >= CLIENT_PIECE) {
		say_chunk(e, "");
		t->chunks++;
	}
}

void smtp_client_body_end(struct smtp_client *e)
{
	struct transaction *t = client_first(e);

	if (!is_asked(e))
		return;
	if (e->in_line && !t->mail.binary)
		put(e, span_of("\r\n"));
	if (t->bdat)
		say_chunk(e, " LAST");
	else
		dot_encode_end(&e->dots, &e->out);
	t->ends = e->config.lmtp ? t->taken : 1;
	t->say = SAY_NOTHING;
}

void smtp_client_body_failed(struct smtp_client *e)
{
	if (is_asked(e))
		client_failf(e, CLIENT_AT_REST, "4.3.0", FAIL_CUT, "the message can't be read to its end");
}
