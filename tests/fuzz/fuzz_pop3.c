/* fuzz_pop3.c - any bytes into the POP3 engine; the first byte chooses port and answers.
 * link: pop3d sasl mime common/base */
#include <stdlib.h>

#include "pop3d/engine.h"

static const char text[] = "To: \303\244@b, c\r\nSubject: \303\244\r\n\r\n.one\r\ntwo\r\n";

static void answer(struct pop3_server *e, const struct pop3_action *a, uint8_t seed, size_t *at)
{
	size_t n = sizeof(text) - 1 - *at;

	if (a->kind == POP3_OPEN) {
		for (uint32_t uid = 1; uid < 4; uid++)
			pop3_server_message(e, uid * 2, sizeof(text) - 1);
		pop3_server_uidvalidity(e, 1);
	} else if (a->kind == POP3_OPEN_BODY) {
		*at = 0;
	} else if (a->kind == POP3_READ) {
		n = n < (size_t)(seed & 15) + 1 ? n : (size_t)(seed & 15) + 1;
		pop3_server_bytes(e, (struct span){ (const uint8_t *)text + *at, n });
		*at += n;
	}
	pop3_server_done(e, a->number, (seed & 48) == 48 ? POP3_GONE : POP3_DONE);
}

static bool pump(struct pop3_server *e, uint8_t seed, size_t *at)
{
	struct pop3_action a;

	for (unsigned steps = 0;; steps++) {
		if (steps > 100000)
			abort();
		pop3_server_next(e, &a);
		if (a.kind == POP3_NONE)
			return true;
		if (a.kind == POP3_CLOSE)
			return false;
		if (a.kind == POP3_START_TLS)
			pop3_server_secured(e);
		if (a.number != 0)
			answer(e, &a, seed, at);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pop3_config config = {
		.hostname = "h", .mechanisms = "PLAIN,LOGIN,EXTERNAL", .clear_mechanisms = "none", .require_tls = true,
		.may_start_tls = true, .line_limit = 512, .output_limit = 16384, .error_limit = 50, .login_ms = 1000,
		.idle_ms = 1000, .answer_ms = 3000, .commit_ms = 9000,
	};
	struct pop3_server *e;
	struct span in;
	size_t at = 0;

	if (size < 1)
		return 0;
	config.tls = (data[0] & 128) != 0;
	config.certificate = (data[0] & 64) != 0;
	in = (struct span){ data + 1, size - 1 };
	if (pop3_server_new(&e, &config, 0, NULL) < 0)
		return 0;
	while (in.n > 0 && pump(e, data[0], &at)) {
		size_t before = in.n;

		pop3_server_feed(e, &in);
		if (in.n == before && !pump(e, data[0], &at))
			break;
	}
	pump(e, data[0], &at);
	pop3_server_free(e);
	return 0;
}
