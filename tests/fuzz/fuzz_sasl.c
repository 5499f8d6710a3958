/* fuzz_sasl.c - any answers in any order: what is to be verified is well formed.
 * link: sasl/sasl.o sasl/plain.o sasl/login.o sasl/external.o sasl/scram_server.o common/base/base64.o common/base/buf.o common/base/arena.o common/base/utf8.o
 * link: common/base/span.o common/base/error.o
 *
 * Input: one byte (bit 0: LOGIN, bit 1: an initial response, bit 2: EXTERNAL), then answers, each
 * behind two bytes of length. */
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
	check(c->user.n > 0 && c->user.n <= 320 && utf8_valid(c->user) && span_find(c->user, 0) < 0);
	check(c->password.n > 0 && c->password.n <= 4096 && span_find(c->password, 0) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { data, size }, out, first = { NULL, 0 };
	uint8_t how = size > 0 ? data[0] : 0;
	enum sasl_status got;
	struct sasl *s;

	span_take(&in, 1);
	if (sasl_new(&s, span_of((how & 4) != 0 ? "EXTERNAL" : (how & 1) != 0 ? "LOGIN" : "PLAIN"), NULL) < 0)
		return 0;
	if ((how & 2) != 0)
		first = answer_take(&in);
	got = sasl_start(s, first, &out);
	for (unsigned steps = 0; got == SASL_CHALLENGE; steps++) {
		check(steps < 2);
		got = sasl_step(s, answer_take(&in), &out);
	}
	if (got == SASL_VERIFY)
		check_credentials(sasl_credentials(s));
	check(sasl_step(s, in, &out) == SASL_BAD);
	sasl_free(s);
	return 0;
}
