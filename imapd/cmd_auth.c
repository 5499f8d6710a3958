/* cmd_auth.c - AUTHENTICATE (RFC 3501 6.2.2, RFC 4959) and LOGIN (6.2.3). */
#include "imapd/session.h"

enum { ANSWER_MAX = 16384 };	/* bytes of a line behind "+": Kerberos-sized, whatever LineLimit is */

struct authenticate {
	struct span mechanism, initial;
	struct exchange exchange;
};

static const char *wrong_words(const struct imap_server *e)
{
	return span_is(span_of(e->ask.login.mechanism), "EXTERNAL") ?
		       "NO [AUTHENTICATIONFAILED] This client certificate does not log in here, or not by that name" :
		       "NO [AUTHENTICATIONFAILED] The user name or the password is wrong";
}

static enum imap_run login_done(struct imap_server *e)
{
	switch (e->result->login) {
	case IMAP_LOGIN_OK:
		break;
	case IMAP_LOGIN_WRONG:
		imap_count_error(e);
		return imap_done(e, "%s", wrong_words(e));
	case IMAP_LOGIN_DISABLED:
		return imap_done(e, "NO [CONTACTADMIN] This account is disabled");
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

static enum imap_run verify(struct imap_server *e, const struct sasl_credentials *c)
{
	struct imap_action *a = imap_ask(e, IMAP_LOGIN, login_done);

	a->login.mechanism = c->mechanism;
	a->login.authzid = c->authzid;
	a->login.user = c->user;
	a->login.password = c->password;
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
	return verify(e, e->data);
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

static enum imap_run go_on(struct imap_server *e, enum exchange_status status, struct span challenge)
{
	struct authenticate *d = e->data;

	switch (status) {
	case EXCHANGE_CHALLENGE:
		imap_text(e, "+ ");
		buf_put(&e->out, challenge);
		imap_text(e, "\r\n");
		imap_reader_limit(e->reader, ANSWER_MAX);
		return imap_wait_line(e, answer_line);
	case EXCHANGE_VERIFY:
		return verify(e, exchange_credentials(&d->exchange));
	case EXCHANGE_CANCELLED:
		return imap_done(e, "BAD AUTHENTICATE was given up");
	case EXCHANGE_BAD:
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
	status = exchange_start(&d->exchange, d->mechanism, d->initial, &challenge);
	return go_on(e, status, challenge);
}
