/* cmd_auth.c - AUTHENTICATE (RFC 3501 6.2.2, RFC 4959) and LOGIN (6.2.3). */
#include "common/base/ascii.h"
#include "imapd/session.h"

enum { ANSWER_MAX = 16384 };	/* bytes of a line behind "+": Kerberos-sized, whatever LineLimit is */

struct authenticate {
	struct span mechanism, initial;
	struct exchange exchange;
	enum imap_login verdict;	/* of the exchange, which the client is to hear first */
};

static enum imap_run refused(struct imap_server *e, const char *why)
{
	return imap_done(e, "NO [AUTHENTICATIONFAILED] %c%s", ascii_upper((uint8_t)*why), why + 1);
}

/* x: NULL for LOGIN. */
static enum imap_run end_login(struct imap_server *e, enum imap_login verdict, const struct exchange *x)
{
	switch (verdict) {
	case IMAP_LOGIN_OK:
		break;
	case IMAP_LOGIN_WRONG:
		imap_count_error(e);
		return x == NULL ? imap_done(e, "NO [AUTHENTICATIONFAILED] The user name or the password is wrong")
				 : refused(e, exchange_wrong(x));
	case IMAP_LOGIN_DISABLED:
		return imap_done(e, "NO [CONTACTADMIN] This account is disabled");
	case IMAP_LOGIN_SCOPE:	/* RFC 5530 3 */
		imap_count_error(e);
		return imap_done(e, "NO [AUTHORIZATIONFAILED] This app password is not for IMAP");
	case IMAP_LOGIN_EXPIRED:
		imap_count_error(e);
		return imap_done(e, "NO [EXPIRED] This app password has expired: make a new one");
	case IMAP_LOGIN_AUTHZID:
		imap_count_error(e);
		return imap_done(e, "NO [AUTHORIZATIONFAILED] Who you are may not log in as whom you ask for");
	case IMAP_LOGIN_LIMIT:
		return imap_done(e, "NO [LIMIT] This account has too many sessions open");
	default:
		return imap_done(e, "NO [UNAVAILABLE] The login can't be checked now, try again later");
	}
	e->state = IMAP_AUTH;
	e->errors = 0;
	buf_put_text(&e->final, "OK [CAPABILITY ");
	imap_put_capabilities(e, &e->final);
	buf_put_text(&e->final, "] Logged in\r\n");
	return IMAP_RUN_DONE;
}

static enum imap_run login_done(struct imap_server *e)
{
	return end_login(e, e->result->login, NULL);
}

static enum imap_run verify(struct imap_server *e, const struct sasl_credentials *c,
			    enum imap_run (*done)(struct imap_server *e))
{
	struct imap_action *a = imap_ask(e, IMAP_LOGIN, done);

	a->login.mechanism = c->mechanism;
	a->login.authzid = c->authzid;
	a->login.user = c->user;
	a->login.password = c->password;
	a->login.scram = c->scram;
	a->login.exchange = c->exchange;
	return IMAP_RUN_WAIT;
}

bool imap_parse_login(struct imap_server *e, struct imap_parse *p)
{
	struct sasl_credentials *c = arena_alloc(e->arena, sizeof(*c));

	e->data = c;
	if (c == NULL || !imap_parse_astring(p, &c->user) || !imap_parse_space(p) ||
	    !imap_parse_astring(p, &c->password))
		return false;
	c->mechanism = "LOGIN";
	return imap_parse_end(p);
}

enum imap_run imap_run_login(struct imap_server *e)
{
	return verify(e, e->data, login_done);
}

static void clear_exchange(struct imap_server *e)
{
	struct authenticate *d = e->data;

	exchange_clear(&d->exchange);
}

bool imap_parse_authenticate(struct imap_server *e, struct imap_parse *p)
{
	struct authenticate *d = arena_alloc(e->arena, sizeof(*d));

	e->data = d;
	if (d == NULL || !imap_parse_atom(p, &d->mechanism))
		return false;
	if (imap_parse_try(p, ' '))	/* RFC 4959 3: an initial response */
		d->initial = span_take(&p->in, p->in.n);
	return imap_parse_end(p);
}

static enum imap_run answer_line(struct imap_server *e);

static enum imap_run put_challenge(struct imap_server *e, struct span challenge)
{
	imap_text(e, "+ ");
	buf_put(&e->out, challenge);
	imap_text(e, "\r\n");
	imap_reader_limit(e->reader, ANSWER_MAX);
	return imap_wait_line(e, answer_line);
}

static enum imap_run authenticate_done(struct imap_server *e)
{
	struct authenticate *d = e->data;
	struct span challenge;

	d->verdict = e->result->login != IMAP_LOGIN_GO_ON ? e->result->login : IMAP_LOGIN_WRONG;
	return exchange_told(&d->exchange, &challenge) ? put_challenge(e, challenge)
						       : end_login(e, e->result->login, &d->exchange);
}

/* The account's session was counted: who does not go on now does not believe us, and is let go. */
static void give_up(struct imap_server *e)
{
	struct authenticate *d = e->data;

	if (d->verdict == IMAP_LOGIN_OK)
		imap_bye(e, "You gave up a login that was good");
}

static enum imap_run go_on(struct imap_server *e, enum exchange_status status, struct span challenge)
{
	struct authenticate *d = e->data;

	switch (status) {
	case EXCHANGE_CHALLENGE:
		return put_challenge(e, challenge);
	case EXCHANGE_VERIFY:
		return verify(e, exchange_credentials(&d->exchange), authenticate_done);
	case EXCHANGE_REFUSED:
		return end_login(e, IMAP_LOGIN_WRONG, &d->exchange);
	case EXCHANGE_HEARD:
		return end_login(e, d->verdict, &d->exchange);
	case EXCHANGE_CANCELLED:
		give_up(e);
		return imap_done(e, "BAD AUTHENTICATE was given up");
	case EXCHANGE_BAD:
		give_up(e);
		return imap_bad(e, "AUTHENTICATE: the answer is malformed");
	case EXCHANGE_UNKNOWN:
		break;
	}
	return imap_done(e, "NO [CANNOT] That mechanism is not offered");
}

static enum imap_run answer_line(struct imap_server *e)
{
	struct authenticate *d = e->data;
	struct span challenge;
	enum exchange_status status = exchange_line(&d->exchange, e->line, &challenge);

	return go_on(e, status, challenge);
}

enum imap_run imap_run_authenticate(struct imap_server *e)
{
	struct authenticate *d = e->data;
	struct sasl_offer offer = imap_offer(e);
	struct span challenge;
	enum exchange_status status;

	switch (sasl_offer_may(&offer, d->mechanism)) {
	case SASL_MAY:
		break;
	case SASL_NOT_OFFERED:
		return imap_done(e, "NO [CANNOT] That mechanism is not offered");
	case SASL_NOT_IN_CLEAR:
		return imap_done(e, "NO [PRIVACYREQUIRED] This server takes passwords over TLS only: STARTTLS first");
	case SASL_NO_CERTIFICATE:
		return imap_done(e, "NO [AUTHENTICATIONFAILED] EXTERNAL takes a client certificate that is good here");
	}
	e->clear = clear_exchange;
	d->verdict = IMAP_LOGIN_WRONG;
	status = exchange_start(&d->exchange, &offer, d->mechanism, d->initial, &challenge);
	return go_on(e, status, challenge);
}
