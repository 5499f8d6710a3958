/* shell.c - the engine as common/net/conn.h wants a protocol. */
#include "imapd/shell.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"

static struct imap_settings settings_of(struct conn *c)
{
	const struct config_scope *scope = conn_config(c);

	return (struct imap_settings){
		.line_limit = config_line_limit(scope, CONFIG_IMAPD),
		.message_limit = (uint64_t)config_number(scope, CONFIG_MESSAGE_LIMIT),
		.error_limit = (unsigned)config_number(scope, CONFIG_ERROR_LIMIT),
		.login_ms = (uint64_t)config_number(scope, CONFIG_LOGIN_TIME),
		.idle_ms = (uint64_t)config_idle_ms(scope, CONFIG_IMAPD),
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
	free(s->user);
	free(s);
}

static void shell_feed(void *session, struct span *in)
{
	struct shell *s = session;
	size_t before = in->n;

	imap_server_feed(s->engine, in);
	s->in_bytes += before - in->n;
}

static enum conn_want shell_next(void *session, struct span *out)
{
	struct shell *s = session;
	struct imap_action a;

	for (;;) {
		switch (imap_server_next(s->engine, &a)) {
		case IMAP_WANT_INPUT:
			return CONN_WANT_INPUT;
		case IMAP_YIELD:
			conn_wake(s->conn);
			return CONN_WANT_INPUT;
		case IMAP_REPLY:
			*out = a.bytes;
			s->out_bytes += a.bytes.n;
			return CONN_WANT_OUTPUT;
		case IMAP_START_TLS:
			return CONN_WANT_TLS;
		case IMAP_CLOSE:
			return CONN_WANT_CLOSE;
		default:
			shell_act(s, &a);
		}
	}
}

static void shell_secured(void *session)
{
	struct shell *s = session;

	if (conn_client_known(s->conn))
		imap_server_certificate(s->engine);
	imap_server_secured(s->engine);
}

static void shell_tick(void *session, uint64_t now_ms)
{
	imap_server_tick(((struct shell *)session)->engine, now_ms);
}

static uint64_t shell_deadline(void *session)
{
	return imap_server_deadline(((struct shell *)session)->engine);
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
	.tick = shell_tick,
	.deadline = shell_deadline,
	.end = shell_end,
	.idle = shell_idle,
};
