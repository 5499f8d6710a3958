/* external.c - EXTERNAL (RFC 4422 A): who it is was settled outside, by the client's
 * certificate; the one message says as whom it wants to act, or nothing. */
#include "sasl/mechanism.h"

/* The challenge is empty: the client speaks first. */
enum sasl_status sasl_external_start(struct sasl *s, struct span *out)
{
	*out = span_of("");
	s->state = SASL_STATE_MESSAGE;
	return SASL_CHALLENGE;
}

enum sasl_status sasl_external_step(struct sasl *s, struct span answer, struct span *out)
{
	*out = span_of("");
	s->state = SASL_STATE_OVER;
	if (answer.n > 0 && !sasl_user_fit(answer))
		return SASL_BAD;
	return sasl_keep(s, answer, &s->credentials.authzid) ? SASL_VERIFY : SASL_BAD;
}
