/* login.c - LOGIN (draft-murchison-sasl-login): two questions, two answers.
 *
 * The prompts are those that the draft allows for the sake of old clients; some
 * compare them byte by byte. */
#include "sasl/mechanism.h"

enum sasl_status sasl_login_start(struct sasl *s, struct span *out)
{
	*out = span_of("Username:");
	s->state = SASL_STATE_USER;
	return SASL_CHALLENGE;
}

static enum sasl_status login_user(struct sasl *s, struct span answer, struct span *out)
{
	if (!sasl_user_fit(answer) || !sasl_keep(s, answer, &s->credentials.user))
		return SASL_BAD;
	*out = span_of("Password:");
	s->state = SASL_STATE_PASSWORD;
	return SASL_CHALLENGE;
}

/* The draft's section 2: any bytes but NUL, CR and LF. */
static bool login_password_fit(struct span password)
{
	return password.n > 0 && password.n <= SASL_PASSWORD_MAX && span_find(password, 0) < 0 &&
	       span_find(password, '\r') < 0 && span_find(password, '\n') < 0;
}

enum sasl_status sasl_login_step(struct sasl *s, struct span answer, struct span *out)
{
	enum sasl_state state = s->state;

	*out = span_of("");
	s->state = SASL_STATE_OVER;
	if (state == SASL_STATE_USER)
		return login_user(s, answer, out);
	if (!login_password_fit(answer) || !sasl_keep(s, answer, &s->credentials.password))
		return SASL_BAD;
	return SASL_VERIFY;
}
