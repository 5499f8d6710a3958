/* fuzz_scram.c - any challenges into the SASL client; each line is one, the first byte chooses
 * the mechanism.
 * link: sasl common/base */
#include <stdlib.h>

#include "sasl/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "SCRAM-SHA-256", "SCRAM-SHA-256", "SCRAM-SHA-256", "PLAIN", "LOGIN", "EXTERNAL" };
	static const uint8_t nonce[18] = "abcdefghijklmnopqr";
	enum sasl_client_status st = SASL_CLIENT_ANSWER;
	struct sasl_client *c;
	struct span in, out;
	size_t answers = 0;

	if (size < 1)
		return 0;
	in = (struct span){ data + 1, size - 1 };
	sasl_client_choose("SCRAM-SHA-256,PLAIN", in);
	if (sasl_client_new(&c, span_of(names[data[0] % 6]), span_of("us,er"), span_of("pencil"),
			    (struct span){ nonce, 18 }, NULL) < 0)
		return 0;
	if ((data[0] & 128) != 0)
		sasl_client_initial(c, &out);
	while (in.n > 0 && st == SASL_CLIENT_ANSWER) {
		st = sasl_client_step(c, span_take_until(&in, '\n'), &out);
		answers += st == SASL_CLIENT_ANSWER;
	}
	if (answers > 4)
		abort();	/* no server can ask for ever */
	if (data[0] % 6 < 3 && sasl_client_trusts(c) && st != SASL_CLIENT_DONE)
		abort();	/* trusted without a proof */
	sasl_client_free(c);
	return 0;
}
