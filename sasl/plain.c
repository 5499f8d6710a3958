/* plain.c - PLAIN (RFC 4616): authzid NUL user NUL password in one message. */
#include "sasl/mechanism.h"

#include "common/base/utf8.h"

/* The challenge is empty: the client speaks first (RFC 4616 2). */
enum sasl_status sasl_plain_start(struct sasl *s, struct span *out)
{
	*out = span_of("");
	s->state = SASL_STATE_MESSAGE;
	return SASL_CHALLENGE;
}

/* RFC 4616 2: passwd = 1*SAFE, and SAFE is UTF-8 without NUL. */
static bool plain_password_fit(struct span password)
{
	return password.n > 0 && password.n <= SASL_PASSWORD_MAX && span_find(password, 0) < 0 &&
	       utf8_valid(password);
}

enum sasl_status sasl_plain_step(struct sasl *s, struct span answer, struct span *out)
{
	struct sasl_credentials *c = &s->credentials;
	struct span authzid, user;

	*out = span_of("");
	s->state = SASL_STATE_OVER;
	if (span_find(answer, 0) < 0)
		return SASL_BAD;
	authzid = span_take_until(&answer, 0);
	if (span_find(answer, 0) < 0)
		return SASL_BAD;
	user = span_take_until(&answer, 0);
	if ((authzid.n > 0 && !sasl_user_fit(authzid)) || !sasl_user_fit(user) || !plain_password_fit(answer))
		return SASL_BAD;
	if (!sasl_keep(s, authzid, &c->authzid) || !sasl_keep(s, user, &c->user) ||
	    !sasl_keep(s, answer, &c->password))
		return SASL_BAD;
	return SASL_VERIFY;
}
