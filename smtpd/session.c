/*
 * session.c - one connection: the engine's actions done with the store and authd.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "smtpd/session.h"
#include "smtpd/session_parts.h"

enum { ROOM_MS = 1000 };	/* an answer about the disk is as good as a new one */

void session_answer(struct session *s, enum smtp_result result, const char *words)
{
	smtp_server_done(s->engine, s->number, result, words);
	conn_wake(s->conn);
}

/* auth.h: a question that has no number is never answered. */
static void auth_asked(struct session *s, uint64_t op)
{
	s->auth_op = op;
	if (op == 0)
		session_answer(s, SMTP_TRY_LATER, NULL);
}

static void store_asked(struct session *s, uint64_t op)
{
	s->store_op = op;
	if (op == 0)
		session_answer(s, SMTP_TRY_LATER, NULL);
}

/* --- logging in ------------------------------------------------------------ */

static enum smtp_result from_login(enum service_login_status st)
{
	switch (st) {
	case SERVICE_LOGIN_OK:
		return SMTP_DONE;
	case SERVICE_LOGIN_WRONG:
		return SMTP_WRONG;
	case SERVICE_LOGIN_DISABLED:
		return SMTP_DISABLED;
	case SERVICE_LOGIN_SCOPE:
		return SMTP_SCOPE;
	case SERVICE_LOGIN_EXPIRED:
		return SMTP_EXPIRED;
	case SERVICE_LOGIN_AUTHZID:
		return SMTP_AUTHZID;
	case SERVICE_LOGIN_TOO_MANY:
		return SMTP_TOO_MANY;
	case SERVICE_LOGIN_GO_ON:
		return SMTP_GO_ON;
	default:
		return SMTP_TRY_LATER;
	}
}

static void login_done(void *arg, enum service_login_status st, const struct auth_grant *grant)
{
	struct session *s = arg;

	if (st == SERVICE_LOGIN_OK)
		memcpy(s->account, grant->account, sizeof(s->account));
	session_answer(s, from_login(st), NULL);
}

/* --- the envelope ---------------------------------------------------------- */

static void owns_done(void *arg, enum auth_status st)
{
	struct session *s = arg;

	s->auth_op = 0;
	session_answer(s, st == AUTH_OK ? SMTP_DONE : st == AUTH_TRY_LATER ? SMTP_TRY_LATER : SMTP_WRONG, NULL);
}

static void room_done(void *arg, enum store_status st, struct store_set over)
{
	struct session *s = arg;
	struct service *d = s->daemon;

	(void)over;
	s->store_op = 0;
	if (st == STORE_OK) {
		d->room_bytes = s->announced;
		d->room_until_ms = clock_mono_ms() + ROOM_MS;
	}
	session_answer(s, session_from_store(st), NULL);
}

/* storaged itself measures no oftener; and when the message is there, it looks again. */
static void check_room(struct session *s, uint64_t size)
{
	const struct service *d = s->daemon;

	s->announced = size;
	if (size <= d->room_bytes && clock_mono_ms() < d->room_until_ms)
		session_answer(s, SMTP_DONE, NULL);
	else
		store_asked(s, store_room(d->store, size, NULL, 0, room_done, s));
}

static enum smtp_result from_resolve(enum auth_status st)
{
	switch (st) {
	case AUTH_NO_USER:
		return SMTP_NO_USER;
	case AUTH_NOT_LOCAL:
		return SMTP_NOT_LOCAL;
	default:
		return SMTP_TRY_LATER;
	}
}

/* The recipient that is being checked. */
static struct transaction_recipient session_recipient(const struct session *s)
{
	return (struct transaction_recipient){ .address = smtp_server_address(s->engine),
					       .notify = smtp_server_notify(s->engine),
					       .orcpt = smtp_server_orcpt(s->engine),
					       .seated = session_is_lmtp(s),
					       .number = (unsigned)smtp_server_recipients(s->engine) };
}

bool session_is_lmtp(const struct session *s)
{
	return conn_listen(s->conn)->service == CONFIG_SERVICE_LMTP;
}

static enum smtp_result from_add(int code)
{
	return code == 0 ? SMTP_DONE : code == -ENOSPC ? SMTP_TOO_MANY : SMTP_TRY_LATER;
}

/* Who guesses names is not listened to for long. */
static enum smtp_result no_recipient(struct session *s, enum auth_status st)
{
	bool blamed = (st == AUTH_NO_USER || st == AUTH_NOT_LOCAL) && !conn_blame(s->conn);

	return blamed ? SMTP_OVER_RATE : from_resolve(st);
}

/* All who are behind the recipient have room for the message, as far as it was announced, or none gets it. */
static void guests_done(void *arg, enum store_status st, struct store_set over)
{
	struct session *s = arg;

	(void)over;
	s->store_op = 0;
	if (st != STORE_OK)
		transaction_cut(&s->t, &s->mark);
	session_answer(s, session_from_store(st), NULL);
}

/* Has any of those that just came a limit at all? */
static bool guests_have_limits(const struct session *s)
{
	for (size_t i = s->mark.count; i < s->t.count; i++)
		if (s->t.quotas[i] != STORE_QUOTA_NONE)
			return true;
	return false;
}

static void check_guests(struct session *s)
{
	struct store_recipient *to = guests_have_limits(s) ? transaction_recipients(&s->t, s->mark.count) : NULL;

	if (to == NULL)
		session_answer(s, SMTP_DONE, NULL);
	else
		store_asked(s, store_room(s->daemon->store, s->announced, to, s->t.count - s->mark.count, guests_done, s));
	free(to);
}

static void resolve_done(void *arg, enum auth_status st, const struct auth_resolved *r)
{
	struct transaction_recipient to;
	struct session *s = arg;
	int code;

	s->auth_op = 0;
	if (st != AUTH_OK) {
		session_answer(s, no_recipient(s, st), NULL);
		return;
	}
	to = session_recipient(s);
	s->mark = transaction_mark(&s->t);
	code = transaction_add(&s->t, &to, smtp_server_sender(s->engine), r);
	if (code == 0)
		check_guests(s);
	else
		session_answer(s, from_add(code), NULL);
}

static void add_remote(struct session *s)
{
	struct transaction_recipient to = session_recipient(s);

	session_answer(s, from_add(transaction_add_remote(&s->t, &to, smtp_server_sender(s->engine))), NULL);
}

static void rate_done(void *arg, enum auth_status st, const char *words)
{
	struct session *s = arg;

	s->auth_op = 0;
	session_answer(s, st == AUTH_OK ? SMTP_DONE : st == AUTH_OVER_RATE ? SMTP_OVER_RATE : SMTP_TRY_LATER, words);
}


/* --- the engine's actions -------------------------------------------------- */

/* A stage whose answer is late is written to no more, nor is a delivery that may still happen kept. */
static void cancel(struct session *s)
{
	service_login_cancel(&s->login);
	auth_cancel(s->daemon->auth, s->auth_op);
	store_cancel(s->daemon->store, s->store_op);
	if (s->kind == SMTP_CHECK_RECIPIENT && s->store_op != 0)
		transaction_cut(&s->t, &s->mark);	/* it is refused, after all */
	s->auth_op = s->store_op = 0;
	if (s->kind == SMTP_BODY_BEGIN || s->kind == SMTP_BODY || s->kind == SMTP_COMMIT)
		transaction_clear(&s->t);
}

static void act(struct session *s, const struct smtp_action *a)
{
	s->number = a->number;
	if (a->number != 0)
		s->kind = a->kind;
	switch (a->kind) {
	case SMTP_AUTHENTICATE:
		service_login_begin(&s->login, s->daemon, s->conn, "smtp", a->credentials, login_done, s);
		break;
	case SMTP_CHECK_SENDER:
	case SMTP_CHECK_FROM:
		auth_asked(s, auth_owns(s->daemon->auth, s->account, span_of(a->address), owns_done, s));
		break;
	case SMTP_CHECK_RATE:
		auth_asked(s, auth_rate(s->daemon->auth, s->account, (unsigned)a->size, rate_done, s));
		break;
	case SMTP_ADD_REMOTE:
		add_remote(s);
		break;
	case SMTP_CHECK_ROOM:
		check_room(s, a->size);
		break;
	case SMTP_CHECK_RECIPIENT:
		s->announced = a->size;
		auth_asked(s, auth_resolve(s->daemon->auth, span_of(a->address),
					    span_of(smtp_server_sender(s->engine)), resolve_done, s));
		break;
	case SMTP_BODY_BEGIN:
		session_body_begin(s);
		break;
	case SMTP_BODY:
		session_body(s, a);
		break;
	case SMTP_COMMIT:
		session_commit(s, a);
		break;
	case SMTP_CANCEL:
		cancel(s);
		break;
	case SMTP_ABANDON:
		transaction_clear(&s->t);
		break;
	default:
		log_info("ICID %llu %.*s", (unsigned long long)conn_id(s->conn), (int)a->bytes.n,
			 (const char *)a->bytes.p);
	}
}

static enum conn_want session_next(void *session, struct span *out)
{
	struct session *s = session;
	struct smtp_action a;

	for (;;) {
		smtp_server_next(s->engine, &a);
		switch (a.kind) {
		case SMTP_NONE:
			return CONN_WANT_INPUT;
		case SMTP_REPLY:
			*out = a.bytes;
			return CONN_WANT_OUTPUT;
		case SMTP_START_TLS:
			return CONN_WANT_TLS;
		case SMTP_CLOSE:
			return CONN_WANT_CLOSE;
		default:
			act(s, &a);
		}
	}
}

/* Over LMTP all of their replies have to fit into the output at once. */
static size_t recipient_limit(const struct config_scope *scope, enum config_service service)
{
	size_t n = (size_t)config_number(scope, CONFIG_RECIPIENT_LIMIT);

	return service == CONFIG_SERVICE_LMTP && n > SMTP_LMTP_RECIPIENTS ? SMTP_LMTP_RECIPIENTS : n;
}

static struct smtp_config session_config(struct conn *c)
{
	const struct config_scope *scope = conn_config(c);
	const struct config_listen *l = conn_listen(c);

	return (struct smtp_config){
		.hostname = conn_hostname(c),
		.scram = auth_scram_hashes(((struct service *)conn_daemon(c))->auth),
		.mechanisms = config_text(scope, CONFIG_MECHANISMS),
		.clear_mechanisms = config_text(scope, CONFIG_AUTH_WITHOUT_TLS),
		.submission = l->service == CONFIG_SERVICE_SUBMISSION,
		.lmtp = l->service == CONFIG_SERVICE_LMTP,
		.require_tls = config_require_tls(scope, CONFIG_SMTPD, l->service),
		.may_start_tls = conn_may_start_tls(c),
		.tls = l->mode == CONFIG_MODE_IMPLICIT,
		.message_limit = (uint64_t)config_number(scope, CONFIG_MESSAGE_LIMIT),
		.recipient_limit = recipient_limit(scope, l->service),
		.line_limit = config_line_limit(scope, CONFIG_SMTPD),
		.output_limit = (size_t)config_number(scope, CONFIG_OUTPUT_LIMIT),
		.received_limit = (size_t)config_number(scope, CONFIG_RECEIVED_LIMIT),
		.error_limit = (size_t)config_number(scope, CONFIG_ERROR_LIMIT),
		.login_ms = (uint64_t)config_number(scope, CONFIG_LOGIN_TIME),
		.idle_ms = (uint64_t)config_idle_ms(scope, CONFIG_SMTPD),
		.data_ms = (uint64_t)config_number(scope, CONFIG_DATA_TIME),
		.answer_ms = (uint64_t)config_number(scope, CONFIG_ANSWER_TIME),
		.commit_ms = (uint64_t)config_number(scope, CONFIG_COMMIT_TIME),
	};
}

static int session_open(void **session, struct conn *c, struct error *err)
{
	struct session *s = calloc(1, sizeof(*s));
	struct smtp_config config = session_config(c);
	int r;

	if (s == NULL)
		return error_set(err, -ENOMEM, "no memory for a session");
	s->conn = c;
	s->daemon = conn_daemon(c);
	r = smtp_server_new(&s->engine, &config, clock_mono_ms(), err);
	if (r < 0) {
		free(s);
		return r;
	}
	*session = s;
	return 0;
}

static void session_close(void *session)
{
	struct session *s = session;

	log_info("ICID %llu session ended user=%s accepted=%u errors=%u", (unsigned long long)conn_id(s->conn),
		 *s->account != '\0' ? s->account : "-", smtp_server_accepted(s->engine),
		 smtp_server_errors(s->engine));
	s->number = 0;
	cancel(s);
	transaction_clear(&s->t);
	smtp_server_free(s->engine);
	free(s);
}

static void session_feed(void *session, struct span *in)
{
	smtp_server_feed(((struct session *)session)->engine, in);
}

static void session_secured(void *session)
{
	struct session *s = session;

	if (conn_client_known(s->conn))
		smtp_server_certificate(s->engine);
	smtp_server_secured(s->engine);
}

static void session_finished(void *session)
{
	smtp_server_finished(((struct session *)session)->engine);
}

static void session_tick(void *session, uint64_t now_ms)
{
	smtp_server_tick(((struct session *)session)->engine, now_ms);
}

static uint64_t session_deadline(void *session)
{
	return smtp_server_deadline(((struct session *)session)->engine);
}

static void session_end(void *session, enum conn_end why)
{
	struct smtp_server *e = ((struct session *)session)->engine;

	if (why == CONN_END_STOP)
		smtp_server_end(e, conn_end_words(why));
	else
		smtp_server_revoke(e, conn_end_words(why));
}

static bool session_idle(void *session)
{
	return smtp_server_idle(((struct session *)session)->engine);
}

const struct conn_protocol smtpd_protocol = {
	.name = "smtp",
	.which = CONFIG_SMTPD,
	.wrong_mode = "500 5.5.1 ",
	.refusal = "421 4.7.66 ",
	.full = "421 4.3.2 too many connections, try again later\r\n",
	.start_tls = "STARTTLS",
	.open = session_open,
	.close = session_close,
	.feed = session_feed,
	.next = session_next,
	.secured = session_secured,
	.finished = session_finished,
	.tick = session_tick,
	.deadline = session_deadline,
	.end = session_end,
	.idle = session_idle,
};
