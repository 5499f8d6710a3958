/* auth.c - AUTH and its exchange (RFC 4954). */
#include <stdio.h>

#include "smtpd/state.h"

struct sasl_offer smtp_offer(const struct smtp_server *e)
{
	return (struct sasl_offer){ e->config.submission ? e->config.mechanisms : "", e->config.clear_mechanisms,
				    e->config.tls, e->config.require_tls, e->config.certificate, e->config.scram };
}

static void leave(struct smtp_server *e)
{
	exchange_clear(&e->exchange);
	e->phase = PHASE_COMMAND;
}

/* The account's session was counted: who does not go on now does not believe us, and is let go. */
static void leave_or_close(struct smtp_server *e)
{
	leave(e);
	if (e->verdict == SMTP_DONE)
		smtp_close(e);
}

static void challenge_put(struct smtp_server *e, struct span challenge)
{
	smtp_replyf(e, "334 %.*s", (int)challenge.n, challenge.n > 0 ? (const char *)challenge.p : "");
	e->phase = PHASE_AUTH;
}

static void auth_end(struct smtp_server *e, enum smtp_result result)
{
	char wrong[160];

	snprintf(wrong, sizeof(wrong), "535 5.7.8 %s", exchange_wrong(&e->exchange));
	leave(e);
	switch (result) {
	case SMTP_DONE:
		e->authenticated = true;
		smtp_reply(e, "235 2.7.0 logged in");
		break;
	case SMTP_WRONG:
		smtp_bad(e, wrong);
		break;
	case SMTP_DISABLED:
		smtp_bad(e, "535 5.7.13 this account is disabled");
		break;
	case SMTP_SCOPE:
		smtp_bad(e, "535 5.7.8 this app password is not for sending mail");
		break;
	case SMTP_EXPIRED:
		smtp_bad(e, "535 5.7.8 this app password has expired: make a new one");
		break;
	case SMTP_AUTHZID:
		smtp_bad(e, "535 5.7.8 you may not log in for somebody else");
		break;
	case SMTP_TOO_MANY:
		smtp_bad(e, "454 4.7.0 too many sessions of this account");
		break;
	default:
		smtp_reply(e, "454 4.7.0 can't check logins right now, try again later");
	}
}

static void go_on(struct smtp_server *e, enum exchange_status st, struct span challenge)
{
	e->phase = PHASE_COMMAND;
	switch (st) {
	case EXCHANGE_CHALLENGE:
		challenge_put(e, challenge);
		return;
	case EXCHANGE_VERIFY:
		smtp_open(e, SMTP_AUTHENTICATE);
		e->open.credentials = exchange_credentials(&e->exchange);
		return;
	case EXCHANGE_CANCELLED:
		smtp_bad(e, "501 5.7.0 cancelled");
		break;
	case EXCHANGE_BAD:
		smtp_bad(e, "501 5.5.2 that is no base64, or no answer of this mechanism");
		break;
	case EXCHANGE_REFUSED:
		auth_end(e, SMTP_WRONG);
		return;
	case EXCHANGE_HEARD:
		auth_end(e, e->verdict);
		return;
	case EXCHANGE_UNKNOWN:
		smtp_bad(e, "504 5.5.4 this mechanism is not offered");
		break;
	}
	leave_or_close(e);
}

static void begin(struct smtp_server *e, struct span mechanism, struct span initial)
{
	struct sasl_offer offer = smtp_offer(e);
	struct span challenge;
	enum exchange_status st;

	if (initial.n == 0)
		initial.p = NULL;
	e->verdict = SMTP_WRONG;
	st = exchange_start(&e->exchange, &offer, mechanism, initial, &challenge);
	go_on(e, st, challenge);
}

void smtp_run_auth(struct smtp_server *e, struct span args)
{
	struct sasl_offer offer = smtp_offer(e);
	struct span mechanism = span_take_until(&args, ' ');
	struct span initial = span_trim(args);
	enum sasl_may may = sasl_offer_may(&offer, mechanism);

	if (!e->config.submission)
		smtp_bad(e, "502 5.5.1 this port takes mail from other servers; log in on 587 or 465");
	else if (e->authenticated)
		smtp_bad(e, "503 5.5.1 you are logged in");
	else if (e->has_sender)
		smtp_bad(e, "503 5.5.1 not inside a mail transaction");
	else if (mechanism.n == 0)
		smtp_bad(e, "501 5.5.4 AUTH wants a mechanism");
	else if (!e->config.tls && may != SASL_MAY)
		smtp_bad(e, "530 5.7.0 no passwords in clear: issue a STARTTLS command first");
	else if (may == SASL_NO_CERTIFICATE)
		smtp_bad(e, "504 5.5.4 EXTERNAL takes a client certificate that is good here");
	else if (may != SASL_MAY)
		smtp_bad(e, "504 5.5.4 this mechanism is not offered");
	else
		begin(e, mechanism, initial);
}

void smtp_auth_line(struct smtp_server *e, struct span line)
{
	struct span challenge;
	enum exchange_status st = exchange_line(&e->exchange, line, &challenge);

	go_on(e, st, challenge);
}

void smtp_auth_done(struct smtp_server *e, enum smtp_result result)
{
	struct span challenge;

	e->verdict = result != SMTP_GO_ON ? result : SMTP_WRONG;
	if (exchange_told(&e->exchange, &challenge))
		challenge_put(e, challenge);
	else
		auth_end(e, result);
}
