/* conn.c - the turns of a connection, as conn.h and inside.h have them. */
#include "common/net/conn.h"

#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/net/inside.h"

enum {
	TURN_OUTPUT = 256 << 10, /* bytes that one turn may say: then it is the others' turn */
	FINISH_MS = 10000,       /* for answers to a peer that has sent all it will */
	AGAIN_MS = 50            /* a deadline that stays in the past does not spin the loop */
};

/* --- output --------------------------------------------------------------- */

void conn_close_when_flushed(struct conn *c)
{
	c->state = CONN_FLUSHING;
	c->step = STEP_CLOSE;
	c->shell_ms = NEVER;
}

/* The socket is of no use any more. A handshake that dies with it has its line too, and the
 * alert that says why may have come before the reset. */
static void broken(struct conn *c, const char *by)
{
	uint8_t *room = c->server->room;
	ssize_t n = c->state == CONN_SHAKING ? stream_receive(&c->stream, room, ROOM) : 0;

	if (n > 0)
		conn_take(c, (struct span){ room, (size_t)n });
	if (c->state == CONN_SHAKING)
		conn_shake_cut(c, TLS_CUT_EOF);
	else if (c->state != CONN_GONE)
		conn_cut(c, by);
}

/* Gives the turn's output to the stream and the kernel. False: c is gone. */
static bool flush(struct conn *c)
{
	struct buf *said = &c->server->said;
	uint64_t before = c->stream.out_bytes;
	int code = said->n > 0 ? stream_put(&c->stream, buf_span(said)) : 0;
	size_t waiting;

	buf_reset(said);
	if (code == 0)
		code = stream_send(&c->stream);
	if (code < 0) {
		broken(c, code == -EPIPE || code == -ECONNRESET ? "client" : strerror(-code));
		return false;
	}
	waiting = stream_waiting(&c->stream);
	if (c->blocked && waiting <= c->ports->output_limit / 2) {
		c->blocked = false;
		conn_wake(c); /* whoever flushed may not ask next any more in this turn */
	}
	if (waiting == 0)
		c->write_ms = NEVER;
	else if (c->write_ms == NEVER || c->stream.out_bytes != before)
		c->write_ms = clock_mono_ms() + c->ports->write_ms;
	return true;
}

bool conn_say(struct conn *c, struct span what)
{
	struct buf *said = &c->server->said;

	while (what.n > 0) {
		buf_put(said, span_take(&what, ROOM - said->n));
		if (said->failed) {
			conn_cut(c, "no memory");
			return false;
		}
		if (said->n == ROOM && !flush(c))
			return false;
	}
	return true;
}

/* More may be said: what waits is under the limit, at once or after a try. */
static bool may_say(struct conn *c)
{
	size_t limit = c->ports->output_limit;

	if (c->blocked)
		return false;
	if (c->server->said.n + stream_waiting(&c->stream) <= limit)
		return true;
	if (!flush(c))
		return false;
	c->blocked = stream_waiting(&c->stream) > limit;
	return !c->blocked;
}

/* --- the session's turn --------------------------------------------------- */

/* Feeds what there is. False: nothing was used, so that more of the same is of no use. */
static bool feed(struct conn *c, struct span *in)
{
	size_t before = in->n;

	if (in->n > 0)
		c->server->protocol->feed(c->session, in);
	return in->n < before;
}

/* Asks next and feeds until the session wants more than there is, or must wait. */
static void converse(struct conn *c, struct span *in)
{
	const struct conn_protocol *p = c->server->protocol;
	size_t output = 0;
	bool more = true;

	while (c->state == CONN_OPEN && may_say(c)) {
		struct span out = { NULL, 0 };

		if (output > TURN_OUTPUT) {
			conn_wake(c);
			return;
		}
		switch (p->next(c->session, &out)) {
		case CONN_WANT_OUTPUT:
			output += out.n;
			more = conn_say(c, out);
			break;
		case CONN_WANT_INPUT:
			if (!more)
				return;
			more = feed(c, in);
			break;
		case CONN_WANT_TLS:
			c->state = CONN_FLUSHING;
			c->step = STEP_TLS;
			break;
		case CONN_WANT_CLOSE:
			conn_close_when_flushed(c);
			break;
		}
	}
}

/* What feed did not use waits here. */
static void keep(struct conn *c, struct span in)
{
	buf_put_secret(&c->left, in);
	if (c->left.failed)
		conn_cut(c, "no memory");
}

/* One step of the conversation, with what has come (maybe nothing). */
static void talk(struct conn *c, struct span in)
{
	bool waited = c->left.n > 0;

	if (c->state != CONN_OPEN)
		return;
	if (c->server->protocol->tick != NULL)
		c->server->protocol->tick(c->session, clock_mono_ms());
	if (waited) {
		keep(c, in);
		in = buf_span(&c->left);
	}
	converse(c, &in);
	if (c->state == CONN_GONE)
		return;
	if (waited)
		buf_drop(&c->left, c->left.n - in.n);
	else
		keep(c, in);
	if (c->state == CONN_GONE)
		return;
	/* RFC 3207 4.2, RFC 9051 6.2.1: what came in clear behind STARTTLS is not looked at */
	if (c->left.n == 0 || c->state == CONN_FLUSHING)
		buf_wipe(&c->left);
}

/* --- input ---------------------------------------------------------------- */

static void take_cipher(struct conn *c, struct span cipher)
{
	struct tls_session *tls = c->stream.tls;
	uint8_t *plain = c->server->plain;
	enum tls_status status = tls_session_feed(tls, &cipher);
	size_t n;

	if (c->state == CONN_SHAKING && status == TLS_UP)
		conn_shake_up(c);
	if (c->state == CONN_OPEN)
		talk(c, (struct span){ NULL, 0 }); /* the greeting goes with the session tickets */
	while (c->state == CONN_OPEN && (n = tls_session_read(tls, plain, ROOM)) > 0) {
		talk(c, (struct span){ plain, n });
		explicit_bzero(plain, n); /* passwords come this way */
	}
	if (c->state != CONN_OPEN && c->state != CONN_SHAKING)
		return;
	status = tls_session_status(tls);
	if (status == TLS_FAILED)
		conn_shake_failed(c);
	else if (status == TLS_CLOSED)
		c->ended = true;
}

static void input_ended(struct conn *c)
{
	c->ended = true;
	if (c->state == CONN_SHAKING)
		conn_shake_cut(c, TLS_CUT_EOF);
	else if (c->state == CONN_PROXY)
		conn_proxy_failed(c, "is missing, the connection ended");
	else if (c->state == CONN_LINGERING)
		conn_cut(c, "server");
}

static void take(struct conn *c, struct span in)
{
	if (c->stream.tls != NULL)
		take_cipher(c, in);
	else
		talk(c, in);
}

void conn_take(struct conn *c, struct span in)
{
	struct span held;

	if (!conn_first(c, &in, &held))
		return;
	if (held.n > 0)
		take(c, held);
	if (c->state != CONN_GONE)
		take(c, in);
}

static void input(struct conn *c)
{
	uint8_t *room = c->server->room;
	ssize_t n = stream_receive(&c->stream, room, ROOM);

	if (n == -EAGAIN || (n > 0 && c->state == CONN_LINGERING))
		return;
	if (n < 0)
		broken(c, "client");
	else if (n == 0)
		input_ended(c);
	else if (c->state == CONN_PROXY)
		conn_proxy_take(c, (struct span){ room, (size_t)n });
	else
		conn_take(c, (struct span){ room, (size_t)n });
	if (n > 0)
		explicit_bzero(room, (size_t)n);
}

/* --- between two turns ---------------------------------------------------- */

/* The peer will send no more: all that is left has been fed, the session has been told
 * and asked once more, and has nothing in hand that an answer is still due to. */
static void after_the_end(struct conn *c)
{
	c->shell_ms = c->blocked || c->ready ? NEVER : clock_mono_ms() + FINISH_MS;
	if (c->left.n > 0 || c->blocked)
		return;
	if (!c->told_finished) {
		c->told_finished = true;
		if (c->server->protocol->finished != NULL)
			c->server->protocol->finished(c->session);
		talk(c, (struct span){ NULL, 0 });
	}
	if (c->state == CONN_OPEN && !c->blocked && !c->ready && conn_is_idle(c))
		conn_close_when_flushed(c);
}

/* All output is with the kernel: what it was waited for may be done. */
static void flushed(struct conn *c)
{
	switch ((enum conn_step)c->step) {
	case STEP_TLS:
		conn_shake(c);
		break;
	case STEP_CLOSE:
		c->step = STEP_SHUT;
		if (c->stream.tls != NULL)
			tls_session_close(c->stream.tls);
		if (flush(c) && stream_waiting(&c->stream) == 0)
			conn_linger(c);
		break;
	case STEP_SHUT:
		conn_linger(c);
		break;
	}
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct conn *c)
{
	int events = 0;

	if (c->state == CONN_PROXY || c->state == CONN_SHAKING || c->state == CONN_LINGERING ||
	    (c->state == CONN_OPEN && !c->ended && !c->blocked && c->left.n == 0))
		events |= UV_READABLE;
	if (stream_waiting(&c->stream) > 0)
		events |= UV_WRITABLE;
	if (events == c->watching)
		return;
	c->watching = events;
	if (events == 0)
		uv_poll_stop(&c->poll);
	else
		uv_poll_start(&c->poll, events, on_poll);
}

static uint64_t deadline(const struct conn *c)
{
	uint64_t d = c->write_ms < c->shell_ms ? c->write_ms : c->shell_ms;
	uint64_t own = NEVER;

	if (c->state == CONN_OPEN && c->server->protocol->deadline != NULL)
		own = c->server->protocol->deadline(c->session);
	return own < d ? own : d;
}

static void on_timer(uv_timer_t *timer);

/* The timer is moved only to come earlier; where it comes too early it is set again. */
static void arm(struct conn *c)
{
	uint64_t d = deadline(c), now_ms = clock_mono_ms();

	if (d <= now_ms)
		d = now_ms + AGAIN_MS;
	if (d >= c->armed_ms)
		return;
	c->armed_ms = d;
	uv_timer_start(&c->timer, on_timer, d - now_ms, 0);
}

/* The end of each turn. */
void conn_settle(struct conn *c)
{
	if (c->state == CONN_OPEN && c->ended)
		after_the_end(c);
	if (c->state == CONN_OPEN && c->server->ending)
		conn_stop(c);
	if (c->state != CONN_GONE && c->state != CONN_LINGERING)
		flush(c);
	if (c->state == CONN_FLUSHING && stream_waiting(&c->stream) == 0)
		flushed(c);
	if (c->state == CONN_GONE)
		return;
	watch(c);
	arm(c);
}

void conn_turn(struct conn *c)
{
	talk(c, (struct span){ NULL, 0 });
	conn_settle(c);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct conn *c = poll->data;

	if (status < 0) {
		broken(c, "client");
		return;
	}
	if ((events & UV_WRITABLE) != 0 && !flush(c))
		return;
	if ((events & UV_READABLE) != 0)
		input(c);
	conn_settle(c);
}

static void on_timer(uv_timer_t *timer)
{
	struct conn *c = timer->data;
	uint64_t now_ms = clock_mono_ms();

	c->armed_ms = NEVER;
	if (now_ms >= c->write_ms) {
		conn_cut(c, "WriteTime");
	} else if (now_ms < c->shell_ms) {
		conn_turn(c);
	} else if (c->state == CONN_SHAKING) {
		conn_shake_late(c);
	} else if (c->state == CONN_PROXY) {
		conn_proxy_failed(c, "did not come in HandshakeTime");
	} else if (c->state == CONN_OPEN) {
		conn_close_when_flushed(c);
		conn_settle(c);
	} else {
		conn_cut(c, "server");
	}
}
