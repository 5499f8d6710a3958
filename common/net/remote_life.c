/* remote_life.c - how a connection that we make begins and ends, and what its session may ask of it. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/net/remote_inside.h"

/* --- the end ---------------------------------------------------------------- */

static void on_watch_closed(uv_handle_t *h)
{
	free(h->data);
}

/* What TLS knows stays for the session to ask. */
static void hang_up(struct remote *r)
{
	race_free(r->race);
	r->race = NULL;
	if (r->watch != NULL) {
		r->watch->poll.data = r->watch;
		uv_close((uv_handle_t *)&r->watch->poll,
			 on_watch_closed); /* before its descriptor is closed */
	}
	r->watch = NULL;
	if (r->stream.fd >= 0)
		close(r->stream.fd);
	r->stream.fd = -1;
	buf_clear(&r->stream.out);
	buf_clear(&r->said);
	buf_wipe(&r->left);
	uv_timer_stop(&r->timer);
	uv_idle_stop(&r->idle);
}

void remote_end(struct remote *r, enum remote_end why, const char *words)
{
	if (r->state >= REMOTE_ENDED)
		return;
	r->state = REMOTE_ENDED;
	hang_up(r);
	r->protocol->ended(r->session, why, words);
}

/* --- the beginning ---------------------------------------------------------------- */

static int watch_new(struct remote *r)
{
	struct remote_watch *w = malloc(sizeof(*w));
	int code, on = 1;

	if (w == NULL)
		return -ENOMEM;
	code = uv_poll_init(r->timer.loop, &w->poll, r->stream.fd);
	if (code < 0) {
		free(w);
		return code;
	}
	w->remote = r;
	w->poll.data = r;
	r->watch = w;
	setsockopt(r->stream.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return 0;
}

static void note_local(struct remote *r)
{
	struct sockaddr_storage from = { 0 };
	socklen_t size = sizeof(from);

	if (getsockname(r->stream.fd, (struct sockaddr *)&from, &size) == 0)
		address_read(&r->local, &from);
}

static void won(struct remote *r, int fd, size_t index)
{
	int code;

	r->stream.fd = fd;
	r->address = r->addresses[index];
	address_text(&r->address, r->peer);
	note_local(r);
	free(r->addresses);
	r->addresses = NULL;
	code = watch_new(r);
	if (code < 0) {
		remote_end(r, REMOTE_NO_CONNECTION, uv_strerror(code));
		return;
	}
	remote_begin(r);
}

static void on_race(void *arg, int fd, size_t index, const char *words)
{
	struct remote *r = arg;

	if (fd < 0) {
		remote_end(r, REMOTE_NO_CONNECTION, words);
		return;
	}
	race_free(r->race);
	r->race = NULL;
	won(r, fd, index);
}

static void on_closed(uv_handle_t *h)
{
	struct remote *r = h->data;

	if (--r->handles == 0)
		free(r);
}

void remote_free(struct remote *r)
{
	if (r == NULL || r->state == REMOTE_GONE)
		return;
	r->state = REMOTE_GONE;
	hang_up(r);
	stream_clear(&r->stream);
	wish_free(r->wish);
	tls_context_drop(r->tls);
	free(r->addresses);
	uv_close((uv_handle_t *)&r->timer, on_closed);
	uv_close((uv_handle_t *)&r->idle, on_closed);
}

static int begin_race(struct remote *r, uv_loop_t *loop, const struct remote_options *o, struct error *err)
{
	struct race_options race = { o->addresses, o->count, o->lead_ms, o->connect_ms, o->bind4, o->bind6 };

	r->addresses = calloc(o->count > 0 ? o->count : 1, sizeof(r->addresses[0]));
	if (r->addresses == NULL)
		return error_set(err, -ENOMEM, "no memory for a connection");
	for (size_t i = 0; i < o->count; i++)
		r->addresses[i] = o->addresses[i];
	return race_new(&r->race, loop, &race, on_race, r, err);
}

static int keep_tls(struct remote *r, const struct remote_options *o, struct error *err)
{
	struct tls_outbound_wish wish = { o->tls_host, o->dane, o->tls_version };

	if (o->tls == NULL)
		return 0;
	r->tls = tls_context_hold(o->tls);
	return wish_new(&r->wish, &wish, err);
}

int remote_new(struct remote **out, uv_loop_t *loop, const struct remote_options *o,
	       const struct remote_protocol *p, void *session, struct error *err)
{
	struct remote *r = calloc(1, sizeof(*r));
	int code;

	*out = NULL;
	if (r == NULL)
		return error_set(err, -ENOMEM, "no memory for a connection");
	*r = (struct remote){ .protocol = p,
			      .session = session,
			      .implicit = o->implicit,
			      .handshake_ms = o->handshake_ms,
			      .write_ms = o->write_ms,
			      .armed_ms = REMOTE_NEVER,
			      .shake_due_ms = REMOTE_NEVER,
			      .write_due_ms = REMOTE_NEVER,
			      .handles = 2 };
	stream_init(&r->stream, -1);
	buf_init(&r->said, REMOTE_SAY_MAX);
	/* TLS may give more than one read had. */
	buf_init(&r->left, REMOTE_LEFT_MAX + 2 * REMOTE_ROOM);
	uv_timer_init(loop, &r->timer);
	uv_idle_init(loop, &r->idle);
	r->timer.data = r->idle.data = r;
	code = keep_tls(r, o, err);
	if (code == 0)
		code = begin_race(r, loop, o, err);
	if (code == 0)
		*out = r;
	else
		remote_free(r);
	return code;
}

/* --- what the session may ask ------------------------------------------------------ */

const char *remote_address(const struct remote *r)
{
	return r->address.host;
}

const char *remote_peer(const struct remote *r)
{
	return r->peer;
}

const char *remote_local(const struct remote *r)
{
	return r->local.host;
}

const struct tls_session *remote_tls(const struct remote *r)
{
	return r->stream.tls;
}

uint64_t remote_in_bytes(const struct remote *r)
{
	return r->stream.in_bytes;
}

uint64_t remote_out_bytes(const struct remote *r)
{
	return r->stream.out_bytes;
}
