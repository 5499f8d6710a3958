/* engine_auth.c - AUTH from the client's side (RFC 4954). */
#include "common/base/base64.h"
#include "deliverd/engine_state.h"

enum { AUTH_LINE_MAX = 12288 };		/* RFC 4954 4 */

static void usable(struct smtp_client *e)
{
	sasl_client_free(e->sasl);
	e->sasl = NULL;
	e->phase = PHASE_MAIL;
}

/* The initial answer goes with the command where both fit (RFC 4954 4); an empty one is "=". */
static void say_command(struct smtp_client *e, struct span mechanism)
{
	struct span answer;
	struct buf text;

	buf_init(&text, AUTH_LINE_MAX);
	if (sasl_client_initial(e->sasl, &answer)) {
		base64_encode(&text, answer);
		if (answer.n == 0)
			buf_put_text(&text, "=");
		if (text.failed || mechanism.n + text.n + sizeof("AUTH  \r\n") > COMMAND_MAX)
			buf_wipe(&text);
	}
	buf_put_text(&e->out, "AUTH ");
	buf_put(&e->out, mechanism);
	if (text.n > 0)
		buf_put_text(&e->out, " ");
	buf_put_secret(&e->out, buf_span(&text));
	buf_put_text(&e->out, "\r\n");
	buf_wipe(&text);
}

void client_say_auth(struct smtp_client *e)
{
	const struct client_config *c = &e->config;
	struct span mechanism;
	struct error err;

	if (c->mechanisms == NULL) {
		usable(e);
		return;
	}
	if (!e->tls && !c->auth_in_clear) {
		client_failf(e, CLIENT_AT_AUTH, "4.7.0", FAIL_POLITE,
			     "the server offers no TLS, and no password is sent without it");
		return;
	}
	mechanism = sasl_client_choose(c->mechanisms, span_of(e->mechanisms));
	if (mechanism.n == 0) {
		client_failf(e, CLIENT_AT_AUTH, "4.7.0", FAIL_POLITE,
			     "the server offers none of our ways to log in (ours: %s; its:%.200s)", c->mechanisms,
			     e->mechanisms[0] != '\0' ? e->mechanisms : " none");
		return;
	}
	e->phase = PHASE_AUTH;
	if (sasl_client_new(&e->sasl, mechanism, span_of(c->user), span_of(c->password), c->nonce, &err) < 0) {
		client_failf(e, CLIENT_AT_AUTH, "4.7.0", FAIL_POLITE, "%s", err.words);
		return;
	}
	say_command(e, mechanism);
}

/* The answer to a challenge; "*" gives up (RFC 4954 4), and the server's 501 then says so. */
static void say_answer(struct smtp_client *e)
{
	enum sasl_client_status st = SASL_CLIENT_BAD;
	struct span answer = { NULL, 0 };
	struct buf challenge;

	buf_init(&challenge, CLIENT_REPLY_LINE);
	if (!e->reader.cut && base64_decode(&challenge, span_trim(e->reader.line_text)))
		st = sasl_client_step(e->sasl, buf_span(&challenge), &answer);
	buf_clear(&challenge);
	if (st == SASL_CLIENT_BAD) {
		client_failf(e, CLIENT_AT_AUTH, "4.7.0", FAIL_CUT,
			     "the server's part in AUTH is wrong: it does not know the password, or is not what it seems");
		return;
	}
	if (st == SASL_CLIENT_ANSWER) {
		struct buf text;

		buf_init(&text, AUTH_LINE_MAX);
		base64_encode(&text, answer);
		buf_put_secret(&e->out, buf_span(&text));
		e->out.failed |= text.failed;
		buf_wipe(&text);
	}
	buf_put_text(&e->out, "\r\n");
}

void client_auth_heard(struct smtp_client *e)
{
	if (e->reader.code == 334)
		say_answer(e);
	else if (e->reader.code / 100 == 3)
		client_failf(e, CLIENT_AT_AUTH, "4.5.0", FAIL_CUT, "the answer %u to AUTH can't be understood",
			     e->reader.code);
	else if (e->reader.code / 100 != 2)
		client_fail_reply(e, CLIENT_AT_AUTH, FAIL_POLITE);
	else if (sasl_client_trusts(e->sasl))
		usable(e);
	else	/* RFC 5802 5: a yes without the proof */
		client_failf(e, CLIENT_AT_AUTH, "4.7.0", FAIL_CUT,
			     "the server says yes, but has not proved that it knows the password");
}
