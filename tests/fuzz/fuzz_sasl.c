/* fuzz_sasl.c - any answers in any order: what is to be verified is well formed.
 * link: sasl common/base
 *
 * Input: one byte (bit 0: LOGIN, bit 1: an initial response, bit 2: EXTERNAL, bit 3: SCRAM, -PLUS with bit 0; bit
 * 4: -PLUS is offered), then answers, each behind two bytes of length. */
#include <stdlib.h>

#include "common/base/utf8.h"
#include "sasl/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool fits)
{
	if (!fits)
		abort();
}

static struct span answer_take(struct span *in)
{
	size_t n = in->n >= 2 ? (size_t)in->p[0] << 8 | in->p[1] : 0;

	span_take(in, 2);
	return span_take(in, n);
}

static void check_credentials(const struct sasl_credentials *c)
{
	check(c->authzid.n <= 320 && utf8_valid(c->authzid) && span_find(c->authzid, 0) < 0);
	if (span_is(span_of(c->mechanism), "EXTERNAL")) {
		check(c->user.n == 0 && c->password.n == 0);
		return;
	}
	if (c->scram != NULL) {
		check(c->scram->bare.n > 0 && c->scram->nonce.n >= 8 && c->scram->nonce.n <= 256);
		check(c->scram->proof.n == 0 || (c->scram->final.n > 0 && c->scram->proof.n <= 64));
		check(c->scram->proof.n == 0 || (*c->scram->binding != '\0') == (c->scram->bound.n > 0));
		check(c->user.n > 0 && c->user.n <= 320 && utf8_valid(c->user) && c->password.n == 0);
		return;
	}
	check(c->user.n > 0 && c->user.n <= 320 && utf8_valid(c->user) && span_find(c->user, 0) < 0);
	check(c->password.n > 0 && c->password.n <= 4096 && span_find(c->password, 0) < 0);
}

static const char *name_of(uint8_t how)
{
	if ((how & 8) != 0)
		return (how & 1) != 0 ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-1";
	return (how & 4) != 0 ? "EXTERNAL" : (how & 1) != 0 ? "LOGIN" : "PLAIN";
}

/* What is verified is answered as by who has the keys; the client goes on. */
static enum sasl_status verified(struct sasl *s, struct span *in)
{
	const struct sasl_credentials *c = sasl_credentials(s);
	struct span out;

	check_credentials(c);
	if (c->scram == NULL)
		return SASL_VERIFY;
	sasl_tell(s, span_of(c->scram->proof.n == 0 ? "r=abcdefgh,s=AAAA,i=4096" : "v=AAAA"));
	check(sasl_told(s, &out) && !sasl_told(s, &out));
	return sasl_step(s, answer_take(in), &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { data, size }, out, first = { NULL, 0 };
	uint8_t how = size > 0 ? data[0] : 0;
	enum sasl_status got;
	struct sasl *s;

	span_take(&in, 1);
	if (sasl_new(&s, span_of(name_of(how)), NULL) < 0)
		return 0;
	if ((how & 2) != 0)
		first = answer_take(&in);
	if ((how & 16) != 0)
		sasl_binding_offered(s);
	got = sasl_start(s, first, &out);
	for (unsigned steps = 0; got == SASL_CHALLENGE || got == SASL_VERIFY; steps++) {
		check(steps < 4);
		if (got == SASL_VERIFY && sasl_credentials(s)->scram == NULL)
			break;
		got = got == SASL_VERIFY ? verified(s, &in) : sasl_step(s, answer_take(&in), &out);
	}
	if (got == SASL_VERIFY)
		check_credentials(sasl_credentials(s));
	check(sasl_step(s, in, &out) == SASL_BAD);
	sasl_free(s);
	return 0;
}
