/* auth.c - AUTH and its exchange (RFC 4954). */
#include "common/base/base64.h"
#include "smtpd/state.h"

bool smtp_mechanism_usable(const struct smtp_server *e, struct span name)
{
	if (!e->config.submission || !sasl_known(name) || !sasl_listed(e->config.mechanisms, name))
		return false;
	return e->config.tls || (!e->config.require_tls && sasl_listed(e->config.clear_mechanisms, name));
}

static void leave(struct smtp_server *e)
{
	sasl_free(e->sasl);
	e->sasl = NULL;
	e->phase = PHASE_COMMAND;
}

static void go_on(struct smtp_server *e, enum sasl_status st, struct span challenge)
{
	struct buf text;

	if (st == SASL_BAD) {
		leave(e);
		smtp_bad(e, "501 5.5.2 that is no answer of this mechanism");
		return;
	}
	if (st == SASL_VERIFY) {
		smtp_open(e, SMTP_AUTHENTICATE);
		e->open.credentials = sasl_credentials(e->sasl);
		return;
	}
	buf_init(&text, 1024);
	base64_encode(&text, challenge);
	smtp_replyf(e, "334 %.*s", (int)text.n, (const char *)text.p);
	buf_clear(&text);
	e->phase = PHASE_AUTH;
}

/* The initial response: "=" stands for an empty one (RFC 4954 4). */
static bool decode(struct span text, struct buf *out)
{
	if (span_is(text, "="))
		return true;
	return text.n > 0 && base64_decode(out, text);
}

static void start(struct smtp_server *e, struct span initial)
{
	struct span challenge = { NULL, 0 };
	struct buf text;

	if (initial.n == 0) {
		go_on(e, sasl_start(e->sasl, (struct span){ NULL, 0 }, &challenge), challenge);
		return;
	}
	buf_init(&text, SMTP_AUTH_LINE_MAX);
	if (decode(initial, &text)) {
		struct span s = { text.p != NULL ? text.p : (const uint8_t *)"", text.n };

		go_on(e, sasl_start(e->sasl, s, &challenge), challenge);
	} else {
		leave(e);
		smtp_bad(e, "501 5.5.2 the initial response is no base64");
	}
	buf_clear(&text);
}

void smtp_run_auth(struct smtp_server *e, struct span args)
{
	struct span mechanism = span_take_until(&args, ' ');

	if (!e->config.submission)
		smtp_bad(e, "502 5.5.1 this port takes mail from other servers; log in on 587 or 465");
	else if (e->authenticated)
		smtp_bad(e, "503 5.5.1 you are logged in");
	else if (e->has_sender)
		smtp_bad(e, "503 5.5.1 not inside a mail transaction");
	else if (mechanism.n == 0)
		smtp_bad(e, "501 5.5.4 AUTH wants a mechanism");
	else if (!e->config.tls && !smtp_mechanism_usable(e, mechanism))
		smtp_bad(e, "530 5.7.0 no passwords in clear: issue a STARTTLS command first");
	else if (!smtp_mechanism_usable(e, mechanism) || sasl_new(&e->sasl, mechanism, NULL) < 0)
		smtp_bad(e, "504 5.5.4 this mechanism is not offered");
	else
		start(e, span_trim(args));
}

void smtp_auth_line(struct smtp_server *e, struct span line)
{
	struct span challenge = { NULL, 0 };
	struct buf text;

	e->phase = PHASE_COMMAND;
	if (span_is(line, "*")) {	/* RFC 4954 4: the client gives up */
		leave(e);
		smtp_bad(e, "501 5.7.0 cancelled");
		return;
	}
	buf_init(&text, SMTP_AUTH_LINE_MAX);
	if (base64_decode(&text, line)) {
		struct span answer = { text.p != NULL ? text.p : (const uint8_t *)"", text.n };

		go_on(e, sasl_step(e->sasl, answer, &challenge), challenge);
	} else {
		leave(e);
		smtp_bad(e, "501 5.5.2 that is no base64");
	}
	buf_clear(&text);
}

void smtp_auth_done(struct smtp_server *e, enum smtp_result result)
{
	leave(e);
	switch (result) {
	case SMTP_DONE:
		e->authenticated = true;
		smtp_reply(e, "235 2.7.0 logged in");
		break;
	case SMTP_WRONG:
		smtp_bad(e, "535 5.7.8 wrong user name or password");
		break;
	case SMTP_DISABLED:
		smtp_bad(e, "535 5.7.13 this account is disabled");
		break;
	case SMTP_TOO_MANY:
		smtp_bad(e, "454 4.7.0 too many sessions of this account");
		break;
	default:
		smtp_reply(e, "454 4.7.0 can't check passwords right now, try again later");
	}
}
