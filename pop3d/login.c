/* login.c - USER, PASS, AUTH, and opening the maildrop (RFC 1939 7, RFC 5034). */
#include <stdio.h>
#include <string.h>

#include "pop3d/state.h"

static const char clear_refused[] =
	"-ERR [SYS/PERM] no passwords in clear: start TLS first (STLS, or the port for SSL/TLS)";

struct sasl_offer pop3_offer(const struct pop3_server *e)
{
	return (struct sasl_offer){ e->config.mechanisms, e->config.clear_mechanisms, e->config.tls,
				    e->config.require_tls, e->config.certificate, e->config.scram };
}

static const char no_text[] = "-ERR [AUTH] names and passwords are UTF-8, without control characters";

static bool may_user(const struct pop3_server *e)
{
	struct sasl_offer offer = pop3_offer(e);

	return sasl_offer_allows(&offer, span_of("USER"));
}

void pop3_run_user(struct pop3_server *e, struct span args)
{
	if (!may_user(e)) {
		pop3_bad(e, clear_refused);
	} else if (args.n == 0 || args.n >= sizeof(e->user)) {
		pop3_bad(e, "-ERR USER wants a name");
	} else if (!pop3_may_log_in(args)) {
		pop3_bad(e, no_text);
	} else {
		memcpy(e->user, args.p, args.n);
		e->user[args.n] = '\0';
		pop3_reply(e, "+OK and the password?");
	}
}

void pop3_run_pass(struct pop3_server *e, struct span args)
{
	if (!may_user(e)) {
		pop3_bad(e, clear_refused);
	} else if (e->user[0] == '\0') {
		pop3_bad(e, "-ERR USER first");
	} else if (!pop3_may_log_in(args)) {
		pop3_bad(e, no_text);
	} else {
		buf_reset(&e->secret);
		buf_put_secret(&e->secret, args);	/* RFC 1939 7: spaces belong to it */
		pop3_open(e, POP3_AUTHENTICATE);
		e->pass = (struct sasl_credentials){ .mechanism = "USER", .user = span_of(e->user),
						     .password = buf_span(&e->secret) };
		e->open.credentials = &e->pass;
	}
}

static void forget_secrets(struct pop3_server *e)
{
	exchange_clear(&e->exchange);
	buf_wipe(&e->secret);
	e->pass = (struct sasl_credentials){ 0 };
	e->user[0] = '\0';
}

static void auth_end(struct pop3_server *e, enum pop3_result result)
{
	char wrong[160];

	snprintf(wrong, sizeof(wrong), "-ERR [AUTH] %s", exchange_wrong(&e->exchange));
	forget_secrets(e);
	switch (result) {
	case POP3_DONE:
		pop3_open(e, POP3_OPEN);
		break;
	case POP3_WRONG:
		pop3_bad(e, wrong);
		break;
	case POP3_DISABLED:
		pop3_bad(e, "-ERR [SYS/PERM] this account is disabled");
		break;
	case POP3_SCOPE:
		pop3_bad(e, "-ERR [AUTH] this app password is not for POP3");
		break;
	case POP3_EXPIRED:
		pop3_bad(e, "-ERR [AUTH] this app password has expired: make a new one");
		break;
	case POP3_AUTHZID:
		pop3_bad(e, "-ERR [AUTH] you may not log in for somebody else");
		break;
	case POP3_TOO_MANY:
		pop3_bad(e, "-ERR [SYS/TEMP] too many sessions of this account");
		break;
	default:
		pop3_reply(e, "-ERR [SYS/TEMP] can't check logins right now, try again later");
	}
}

/* The account's session was counted: who does not go on now does not believe us, and is let go. */
static void leave_or_close(struct pop3_server *e)
{
	exchange_clear(&e->exchange);
	if (e->verdict == POP3_DONE)
		e->phase = PHASE_CLOSED;
}

static void challenge_put(struct pop3_server *e, struct span challenge)
{
	pop3_replyf(e, "+ %.*s", (int)challenge.n, challenge.n > 0 ? (const char *)challenge.p : "");
	e->phase = PHASE_AUTH;
}

static void go_on(struct pop3_server *e, enum exchange_status st, struct span challenge)
{
	e->phase = PHASE_AUTHORIZATION;
	switch (st) {
	case EXCHANGE_CHALLENGE:
		challenge_put(e, challenge);
		return;
	case EXCHANGE_VERIFY:
		pop3_open(e, POP3_AUTHENTICATE);
		e->open.credentials = exchange_credentials(&e->exchange);
		return;
	case EXCHANGE_CANCELLED:
		pop3_bad(e, "-ERR cancelled");
		break;
	case EXCHANGE_BAD:
		pop3_bad(e, "-ERR that is no base64, or no answer of this mechanism");
		break;
	case EXCHANGE_REFUSED:
		auth_end(e, POP3_WRONG);
		return;
	case EXCHANGE_HEARD:
		auth_end(e, e->verdict);
		return;
	case EXCHANGE_UNKNOWN:
		pop3_bad(e, "-ERR this mechanism is not offered");
		break;
	}
	leave_or_close(e);
}

/* AUTH alone lists, as old clients of Microsoft's ask it. */
static void list_mechanisms(struct pop3_server *e, const struct sasl_offer *offer)
{
	struct span name;

	pop3_reply(e, "+OK");
	for (size_t i = 0; sasl_offer_mechanism(offer, i, &name); i++)
		pop3_replyf(e, "%.*s", (int)name.n, (const char *)name.p);
	pop3_reply(e, ".");
}

void pop3_run_auth(struct pop3_server *e, struct span args)
{
	struct sasl_offer offer = pop3_offer(e);
	struct span mechanism = span_take_until(&args, ' '), challenge;
	enum sasl_may may = sasl_offer_may(&offer, mechanism);
	enum exchange_status st;

	if (mechanism.n == 0) {
		list_mechanisms(e, &offer);
	} else if (!e->config.tls && !sasl_offer_allows(&offer, mechanism)) {
		pop3_bad(e, clear_refused);
	} else if (may == SASL_NO_CERTIFICATE) {
		pop3_bad(e, "-ERR EXTERNAL takes a client certificate that is good here");
	} else if (may != SASL_MAY) {
		pop3_bad(e, "-ERR this mechanism is not offered");
	} else {
		args = span_trim(args);
		if (args.n == 0)
			args.p = NULL;
		e->verdict = POP3_WRONG;
		st = exchange_start(&e->exchange, &offer, mechanism, args, &challenge);
		go_on(e, st, challenge);
	}
}

void pop3_auth_line(struct pop3_server *e, struct span line)
{
	struct span challenge;
	enum exchange_status st = exchange_line(&e->exchange, line, &challenge);

	go_on(e, st, challenge);
}

void pop3_auth_done(struct pop3_server *e, enum pop3_result result)
{
	struct span challenge;

	e->verdict = result != POP3_GO_ON ? result : POP3_WRONG;
	if (exchange_told(&e->exchange, &challenge))
		challenge_put(e, challenge);
	else
		auth_end(e, result);
}

void pop3_open_done(struct pop3_server *e, enum pop3_result result)
{
	if (result == POP3_DONE) {
		e->phase = PHASE_TRANSACTION;
		pop3_replyf(e, "+OK %zu messages (%llu octets)", e->drop.left, (unsigned long long)e->drop.octets);
		return;
	}
	maildrop_clear(&e->drop);
	if (result == POP3_IN_USE)	/* RFC 2449 8.1.2 */
		pop3_bad(e, "-ERR [IN-USE] another session has this mailbox open");
	else
		pop3_reply(e, "-ERR [SYS/TEMP] can't open the mailbox right now, try again later");
}
