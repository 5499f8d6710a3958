/* shell.c - the engine as common/net/conn.h wants a protocol. */
#include "imapd/shell.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"

enum { TURN_PLAIN = 64 * 1024 };	/* a turn uncompresses so many bytes: then it is the others' turn */

static struct imap_settings settings_of(struct conn *c)
{
	const struct config_scope *scope = conn_config(c);

	return (struct imap_settings){
		.line_limit = config_line_limit(scope, CONFIG_IMAPD),
		.message_limit = (uint64_t)config_number(scope, CONFIG_MESSAGE_LIMIT),
		.error_limit = (unsigned)config_number(scope, CONFIG_ERROR_LIMIT),
		.login_ms = (uint64_t)config_number(scope, CONFIG_LOGIN_TIME),
		.idle_ms = (uint64_t)config_idle_ms(scope, CONFIG_IMAPD),
		.answer_ms = (uint64_t)config_number(scope, CONFIG_ANSWER_TIME),
		.commit_ms = (uint64_t)config_number(scope, CONFIG_COMMIT_TIME),
		.hostname = conn_hostname(c),
		.scram = auth_scram_hashes(((struct service *)conn_daemon(c))->auth),
		.mechanisms = config_text(scope, CONFIG_MECHANISMS),
		.without_tls = config_text(scope, CONFIG_AUTH_WITHOUT_TLS),
		.secure = conn_listen(c)->mode == CONFIG_MODE_IMPLICIT,
		.require_tls = config_require_tls(scope, CONFIG_IMAPD, CONFIG_SERVICE_NONE),
		.may_start_tls = conn_may_start_tls(c),
	};
}

static int shell_open(void **session, struct conn *c, struct error *err)
{
	struct imap_settings settings = settings_of(c);
	struct shell *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return error_set(err, -ENOMEM, "no memory for a session");
	s->conn = c;
	s->service = conn_daemon(c);
	s->body = s->meta = -1;
	r = imap_server_new(&s->engine, &settings, clock_mono_ms(), err);
	if (r < 0) {
		free(s);
		return r;
	}
	*session = s;
	return 0;
}

static void shell_close(void *session)
{
	struct shell *s = session;

	if (s->user != NULL)
		log_info("ICID %llu logout user=%s in=%llu out=%llu", (unsigned long long)conn_id(s->conn), s->user,
			 (unsigned long long)s->in_bytes, (unsigned long long)s->out_bytes);
	shell_clear(s);
	imap_server_free(s->engine);
	imap_deflate_free(s->deflate);
	free(s->user);
	free(s);
}

/* --- plain, or through the streams of COMPRESS ----------------------------- */

static void used(struct shell *s)
{
	s->rest_ms = s->now_ms + IMAP_DEFLATE_REST_MS;
}

/* Uncompressed bytes into the engine. False: it took none. */
static bool pump(struct shell *s, struct span *in)
{
	struct span *plain = imap_deflate_plain(s->deflate);
	size_t before;
	int r;

	if (in->n > 0)
		used(s);
	r = imap_deflate_take(s->deflate, in);
	if (r != 0) {
		span_take(in, in->n);
		imap_server_end(s->engine, r == -EBADMSG ? "What came is not compressed as COMPRESS has it" :
							   "The server has no memory for that now");
		return true;
	}
	before = plain->n;
	imap_server_feed(s->engine, plain);
	s->turn_plain += before - plain->n;
	return plain->n < before;
}

static bool turn_is_over(const struct shell *s)
{
	return s->turn_plain >= TURN_PLAIN;
}

static void shell_feed(void *session, struct span *in)
{
	struct shell *s = session;
	size_t before = in->n;

	if (s->deflate == NULL)
		imap_server_feed(s->engine, in);
	else if (!turn_is_over(s))
		pump(s, in);
	s->in_bytes += before - in->n;
}

/* The engine wants input: what has come already may have more of it. */
static bool more_input(struct shell *s)
{
	struct span none = { NULL, 0 };

	if (s->deflate == NULL)
		return false;
	if (turn_is_over(s)) {
		conn_wake(s->conn);
		return false;
	}
	return pump(s, &none);
}

/* What is compressed of the reply at hand; with nothing at hand, all that was kept back.
 * False: there is no more. */
static bool compressed(struct shell *s, struct span *out)
{
	uint8_t *room = s->service->piece;
	size_t n;

	if (imap_deflate_put(s->deflate, &s->plain, room, sizeof(s->service->piece), &n) != 0) {
		s->broken = true;
		return false;
	}
	if (n > 0)
		used(s);
	*out = (struct span){ room, n };
	s->out_bytes += n;
	return n > 0;
}

static bool flush(struct shell *s, struct span *out)
{
	return s->deflate != NULL && compressed(s, out);
}

static bool start_compression(struct shell *s)
{
	return imap_deflate_new(&s->deflate, NULL) == 0;
}

static bool put_reply(struct shell *s, struct span bytes, struct span *out)
{
	if (s->deflate == NULL) {
		*out = bytes;
		s->out_bytes += bytes.n;
		return true;
	}
	s->plain = bytes;
	return compressed(s, out);
}

static enum conn_want shell_next(void *session, struct span *out)
{
	struct shell *s = session;
	struct imap_action a;

	while (!s->broken) {
		if (s->plain.n > 0 && compressed(s, out))
			return CONN_WANT_OUTPUT;
		switch (imap_server_next(s->engine, &a)) {
		case IMAP_WANT_INPUT:
			if (imap_server_idle(s->engine) && s->number == 0) {	/* news in IDLE may be on their way */
				shell_look_cancel(s);
				shell_meta_rest(s);
				shell_body_rest(s);
			}
			if (more_input(s))
				break;
			return flush(s, out) ? CONN_WANT_OUTPUT : CONN_WANT_INPUT;
		case IMAP_YIELD:
			conn_wake(s->conn);
			return CONN_WANT_INPUT;
		case IMAP_REPLY:
			if (put_reply(s, a.bytes, out))
				return CONN_WANT_OUTPUT;
			break;
		case IMAP_START_TLS:
			return CONN_WANT_TLS;
		case IMAP_COMPRESS:
			s->broken = !start_compression(s);
			break;
		case IMAP_CLOSE:
			return flush(s, out) ? CONN_WANT_OUTPUT : CONN_WANT_CLOSE;
		default:
			shell_act(s, &a);
		}
	}
	return CONN_WANT_CLOSE;
}

static void shell_secured(void *session)
{
	struct shell *s = session;

	if (conn_client_known(s->conn))
		imap_server_certificate(s->engine);
	imap_server_secured(s->engine);
}

static void shell_finished(void *session)
{
	imap_server_ended(((struct shell *)session)->engine);
}

static void shell_tick(void *session, uint64_t now_ms)
{
	struct shell *s = session;

	s->now_ms = now_ms;
	s->turn_plain = 0;
	if (s->rest_ms != 0 && now_ms >= s->rest_ms) {
		imap_deflate_rest(s->deflate);
		s->rest_ms = 0;
	}
	shell_match_tick(s);
	shell_look_tick(s);
	imap_server_tick(s->engine, now_ms);
}

static uint64_t shell_deadline(void *session)
{
	struct shell *s = session;
	uint64_t end = imap_server_deadline(s->engine), match = shell_match_deadline(s), look = shell_look_deadline(s);

	if (match < end)
		end = match;
	if (look < end)
		end = look;
	return s->rest_ms != 0 && s->rest_ms < end ? s->rest_ms : end;
}

static void shell_end(void *session, enum conn_end why)
{
	struct shell *s = session;

	imap_server_end(s->engine, conn_end_words(why));
	conn_wake(s->conn);
}

static bool shell_idle(void *session)
{
	return imap_server_idle(((struct shell *)session)->engine);
}

static const char *shell_mailbox(void *session)
{
	return imap_server_mailbox(((struct shell *)session)->engine);
}

const struct conn_protocol imap_protocol = {
	.name = "imap",
	.which = CONFIG_IMAPD,
	.wrong_mode = "* BYE ",
	.refusal = "* BYE ",
	.full = "* BYE [UNAVAILABLE] Too many connections, try again later\r\n",
	.start_tls = "STARTTLS",
	.open = shell_open,
	.close = shell_close,
	.feed = shell_feed,
	.next = shell_next,
	.secured = shell_secured,
	.finished = shell_finished,
	.tick = shell_tick,
	.deadline = shell_deadline,
	.end = shell_end,
	.idle = shell_idle,
	.mailbox = shell_mailbox,
};
