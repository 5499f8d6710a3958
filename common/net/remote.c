/* remote.c - the turns of a connection that we made; the contract is in remote.h. */
#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/net/remote_inside.h"

enum {
	TURN_OUTPUT = 256 << 10, /* bytes that one turn may say: then it is the others' turn */
	AGAIN_MS = 50,           /* a deadline that stays in the past does not spin the loop */
	TLS_TEXT = 1200
};

/* --- the end ------------------------------------------------------------------ */

static void shake_ended(struct remote *r, enum tls_cut cut)
{
	bool heard = r->stream.in_bytes > r->shake_in_bytes;
	char words[TLS_TEXT];

	tls_outbound_failure_text(r->stream.tls, cut, words, sizeof(words));
	remote_end(r, cut != TLS_CUT_NO && !heard ? REMOTE_TLS_DROPPED : REMOTE_TLS_FAILED, words);
}

/* What came before the break is the session's: an answer may be in it. */
static void feed_last(struct remote *r)
{
	struct span in = buf_span(&r->left);
	size_t before;

	do {
		before = in.n;
		if (in.n > 0 && r->state == REMOTE_OPEN)
			r->protocol->feed(r->session, &in);
	} while (in.n < before);
}

static void broken(struct remote *r, const char *words)
{
	if (r->state == REMOTE_SHAKING) {
		shake_ended(r, TLS_CUT_EOF);
		return;
	}
	feed_last(r);
	remote_end(r, r->state == REMOTE_FLUSHING && r->step != STEP_TLS ? REMOTE_CLOSED : REMOTE_BROKEN,
		   words);
}

/* --- output ----------------------------------------------------------------- */

static void input(struct remote *r);

/* No more can be sent: what has come is heard first, an alert or an answer. */
static void refused(struct remote *r, const char *words)
{
	uint8_t state = r->state;

	r->blocked = true; /* next is not asked any more */
	input(r);
	if (r->state == state)
		broken(r, words);
}

/* Gives the turn's output to the stream and the kernel. False: it is over. */
static bool flush(struct remote *r)
{
	uint64_t before = r->stream.out_bytes;
	bool waited = r->blocked;
	int code = r->said.n > 0 ? stream_put(&r->stream, buf_span(&r->said)) : 0;

	buf_clear(&r->said);
	if (code == 0)
		code = stream_send(&r->stream);
	if (code < 0) {
		refused(r, strerror(-code));
		return false;
	}
	r->blocked = stream_waiting(&r->stream) > 0;
	if (waited && !r->blocked)
		remote_wake(r); /* whoever flushed may not ask next any more in this turn */
	if (!r->blocked)
		r->write_due_ms = REMOTE_NEVER;
	else if (r->write_due_ms == REMOTE_NEVER || r->stream.out_bytes != before)
		r->write_due_ms = clock_mono_ms() + r->write_ms;
	return true;
}

/* False: it is over. */
static bool say(struct remote *r, struct span what)
{
	while (what.n > 0) {
		buf_put(&r->said, span_take(&what, REMOTE_SAY_MAX - r->said.n));
		if (r->said.failed) {
			remote_end(r, REMOTE_BROKEN, "no memory for what is to be sent");
			return false;
		}
		if (r->said.n == REMOTE_SAY_MAX && !flush(r))
			return false;
	}
	return true;
}

/* --- the session's turn ------------------------------------------------------- */

static bool feed(struct remote *r, struct span *in)
{
	size_t before = in->n;

	if (in->n > 0)
		r->protocol->feed(r->session, in);
	return in->n < before;
}

static void flush_for(struct remote *r, enum remote_step step)
{
	r->state = REMOTE_FLUSHING;
	r->step = step;
}

/* Asks next and feeds until the session wants more than there is, or must wait. */
static void converse(struct remote *r, struct span *in)
{
	size_t output = 0;
	bool more = true;

	while (r->state == REMOTE_OPEN && !r->blocked) {
		struct span out = { NULL, 0 };
		enum conn_want want;

		if (output > TURN_OUTPUT) {
			remote_wake(r);
			return;
		}
		want = r->protocol->next(r->session, &out);
		if (r->state != REMOTE_OPEN) /* it freed us */
			return;
		switch (want) {
		case CONN_WANT_OUTPUT:
			output += out.n;
			more = say(r, out);
			break;
		case CONN_WANT_INPUT:
			if (!more)
				return;
			more = feed(r, in);
			break;
		case CONN_WANT_TLS:
			flush_for(r, STEP_TLS);
			break;
		case CONN_WANT_CLOSE:
			flush_for(r, STEP_CLOSE);
			break;
		}
	}
}

static void keep(struct remote *r, struct span in)
{
	buf_put_secret(&r->left, in);
	if (r->left.failed)
		remote_end(r, REMOTE_BROKEN, "the server says more than it is asked for");
}

/* One step of the conversation, with what has come (maybe nothing). */
static void talk(struct remote *r, struct span in)
{
	bool waited = r->left.n > 0;

	if (r->state == REMOTE_OPEN && r->protocol->tick != NULL)
		r->protocol->tick(r->session, clock_mono_ms());
	if (r->state != REMOTE_OPEN)
		return;
	if (waited) {
		keep(r, in);
		if (r->state != REMOTE_OPEN)
			return;
		in = buf_span(&r->left);
	}
	converse(r, &in);
	if (r->state >= REMOTE_ENDED)
		return;
	if (waited)
		buf_drop(&r->left, r->left.n - in.n);
	else
		keep(r, in);
	/* RFC 3207 4.2: what came in clear behind the answer to STARTTLS is not looked at */
	if (r->state < REMOTE_ENDED && (r->left.n == 0 || r->state == REMOTE_FLUSHING))
		buf_wipe(&r->left);
}

/* --- TLS ---------------------------------------------------------------------- */

static void shake(struct remote *r)
{
	struct error err = { .words = "there is no TLS to begin, or it is up already" };
	int code = -EINVAL;

	if (r->tls != NULL && r->stream.tls == NULL)
		code = tls_outbound_begin(&r->stream.tls, r->tls, wish_lend(r->wish), &err);
	if (code < 0) {
		remote_end(r, REMOTE_TLS_FAILED, err.words);
		return;
	}
	r->state = REMOTE_SHAKING;
	r->shake_in_bytes = r->stream.in_bytes;
	r->shake_due_ms = clock_mono_ms() + r->handshake_ms;
}

static void shaken(struct remote *r)
{
	r->state = REMOTE_OPEN;
	r->shake_due_ms = REMOTE_NEVER;
	wish_free(r->wish);
	r->wish = NULL;
	if (r->protocol->secured != NULL)
		r->protocol->secured(r->session);
}

/* The alert that says why goes out first. */
static void tls_failed(struct remote *r)
{
	char words[TLS_TEXT];

	stream_send(&r->stream);
	if (r->state == REMOTE_SHAKING) {
		shake_ended(r, TLS_CUT_NO);
		return;
	}
	tls_outbound_failure_text(r->stream.tls, TLS_CUT_NO, words, sizeof(words));
	broken(r, words);
}

static void take_cipher(struct remote *r, struct span cipher)
{
	struct tls_session *tls = r->stream.tls;
	enum tls_status status = tls_session_feed(tls, &cipher);
	uint8_t plain[REMOTE_ROOM];
	size_t n;

	if (r->state == REMOTE_SHAKING && status == TLS_UP)
		shaken(r);
	if (r->state == REMOTE_OPEN)
		talk(r, (struct span){ NULL, 0 });
	while (r->state == REMOTE_OPEN && (n = tls_session_read(tls, plain, sizeof(plain))) > 0) {
		talk(r, (struct span){ plain, n });
		explicit_bzero(plain, n);
	}
	if (r->state != REMOTE_OPEN && r->state != REMOTE_SHAKING)
		return;
	status = tls_session_status(tls);
	if (status == TLS_FAILED)
		tls_failed(r);
	else if (status == TLS_CLOSED)
		r->peer_ended = true;
}

/* --- input -------------------------------------------------------------------- */

static void input(struct remote *r)
{
	uint8_t room[REMOTE_ROOM];
	ssize_t n = stream_receive(&r->stream, room, sizeof(room));

	if (n == 0)
		r->peer_ended = true;
	else if (n < 0 && n != -EAGAIN)
		broken(r, strerror((int)-n));
	else if (n > 0 && r->stream.tls != NULL)
		take_cipher(r, (struct span){ room, (size_t)n });
	else if (n > 0)
		talk(r, (struct span){ room, (size_t)n });
	if (n > 0)
		explicit_bzero(room, (size_t)n);
}

/* --- between two turns ---------------------------------------------------------- */

/* All output is with the kernel: what it was waited for may be done. */
static void flushed(struct remote *r)
{
	switch ((enum remote_step)r->step) {
	case STEP_TLS:
		shake(r);
		if (r->state == REMOTE_SHAKING)
			flush(r);
		break;
	case STEP_CLOSE:
		r->step = STEP_SHUT;
		if (r->stream.tls != NULL)
			tls_session_close(r->stream.tls);
		if (!flush(r) || r->blocked)
			break;
		remote_end(r, REMOTE_CLOSED, "");
		break;
	case STEP_SHUT:
		remote_end(r, REMOTE_CLOSED, "");
		break;
	}
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct remote *r)
{
	int events = stream_waiting(&r->stream) > 0 ? UV_WRITABLE : 0;

	/* Blocked or not: a server that gives up says so in the middle of what we send. */
	if (!r->peer_ended && r->left.n < REMOTE_LEFT_MAX)
		events |= UV_READABLE;
	if (events == r->watching || r->watch == NULL)
		return;
	r->watching = events;
	if (events == 0)
		uv_poll_stop(&r->watch->poll);
	else
		uv_poll_start(&r->watch->poll, events, on_poll);
}

static void on_timer(uv_timer_t *timer);

/* The timer is moved only to come earlier; where it comes too early it is set again. */
static void arm(struct remote *r)
{
	uint64_t due_ms = r->write_due_ms < r->shake_due_ms ? r->write_due_ms : r->shake_due_ms;
	uint64_t own_ms = REMOTE_NEVER, now_ms = clock_mono_ms();

	if (r->state == REMOTE_OPEN && r->protocol->deadline != NULL)
		own_ms = r->protocol->deadline(r->session);
	if (own_ms < due_ms)
		due_ms = own_ms;
	if (due_ms <= now_ms)
		due_ms = now_ms + AGAIN_MS;
	if (due_ms >= r->armed_ms)
		return;
	r->armed_ms = due_ms;
	uv_timer_start(&r->timer, on_timer, due_ms - now_ms, 0);
}

/* The end of each turn. */
static void settle(struct remote *r)
{
	if (r->state == REMOTE_RACING || r->state >= REMOTE_ENDED)
		return;
	if (!flush(r))
		return;
	if (r->state == REMOTE_FLUSHING && !r->blocked)
		flushed(r);
	/* All that it said has been fed; for what still waits there is no hurry. */
	if (r->state < REMOTE_ENDED && r->peer_ended && (r->left.n == 0 || r->blocked))
		broken(r, "the server closed the connection");
	if (r->state >= REMOTE_ENDED)
		return;
	watch(r);
	arm(r);
}

static void turn(struct remote *r)
{
	talk(r, (struct span){ NULL, 0 });
	settle(r);
}

static void on_idle(uv_idle_t *idle)
{
	uv_idle_stop(idle);
	turn(idle->data);
}

void remote_wake(struct remote *r)
{
	if (r->state > REMOTE_RACING && r->state < REMOTE_ENDED)
		uv_idle_start(&r->idle, on_idle);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct remote *r = poll->data;

	if (status < 0) {
		refused(r, strerror(ECONNABORTED)); /* unless the socket has a better word */
		return;
	}
	if ((events & UV_WRITABLE) != 0 && !flush(r))
		return;
	if ((events & UV_READABLE) != 0)
		input(r);
	settle(r);
}

static void on_timer(uv_timer_t *timer)
{
	struct remote *r = timer->data;
	uint64_t now_ms = clock_mono_ms();

	r->armed_ms = REMOTE_NEVER;
	if (r->state == REMOTE_SHAKING && now_ms >= r->shake_due_ms)
		shake_ended(r, TLS_CUT_TIME);
	else if (now_ms >= r->write_due_ms)
		refused(r, "the server takes nothing any more");
	else
		turn(r);
}

void remote_begin(struct remote *r)
{
	r->state = REMOTE_OPEN;
	r->protocol->connected(r->session, r->address.host);
	if (r->state == REMOTE_OPEN && r->implicit)
		flush_for(r, STEP_TLS);
	turn(r);
}
