/* fuzz_smtp.c - any bytes into the SMTP engine; the first byte chooses port and answers.
 * link: smtpd/engine.o smtpd/commands.o smtpd/mail.o smtpd/auth.o smtpd/body.o smtpd/reply.o
 * link: smtpd/path.o smtpd/header_watch.o sasl/exchange.o sasl/sasl.o sasl/plain.o sasl/login.o
 * link: sasl/external.o common/base/line.o common/base/dot.o common/base/buf.o common/base/span.o
 * link: common/base/error.o common/base/base64.o common/base/escape.o common/base/utf8.o
 * link: common/base/arena.o */
#include <stdlib.h>

#include "smtpd/engine.h"

static enum smtp_result result(uint8_t seed, const struct smtp_action *a)
{
	if (a->kind == SMTP_BODY && a->bytes.n == 0)
		abort();	/* an empty body would never end */
	return (seed & 3) == 3 ? (enum smtp_result)(seed >> 2 & 7) : SMTP_DONE;
}

/* Answers every action; false once the engine has closed. */
static bool pump(struct smtp_server *e, uint8_t seed)
{
	struct smtp_action a;

	for (unsigned steps = 0;; steps++) {
		if (steps > 100000)
			abort();
		smtp_server_next(e, &a);
		if (a.kind == SMTP_NONE)
			return true;
		if (a.kind == SMTP_CLOSE)
			return false;
		if (a.kind == SMTP_START_TLS)
			smtp_server_secured(e);
		if (a.kind == SMTP_BODY_BEGIN)
			smtp_server_defaults(e, "Date: x\r\n", "Message-ID: <x>\r\n");
		if (a.number != 0)
			smtp_server_done(e, a.number, result(seed, &a), "ID");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_config config = {
		.hostname = "h", .mechanisms = "PLAIN,LOGIN,EXTERNAL", .clear_mechanisms = "PLAIN", .message_limit = 5000,
		.recipient_limit = 5, .line_limit = 512, .output_limit = 16384, .received_limit = 5, .error_limit = 50,
		.login_ms = 1000, .idle_ms = 1000, .data_ms = 1000, .may_start_tls = true,
	};
	struct smtp_server *e;
	struct span in;
	uint8_t seed;
	size_t step;

	if (size < 2)
		return 0;
	seed = data[0];
	config.submission = (seed & 128) != 0;
	config.certificate = (seed & 64) != 0;
	step = (size_t)data[1] + 1;
	in = (struct span){ data + 2, size - 2 };
	if (smtp_server_new(&e, &config, 0, NULL) < 0)
		return 0;
	while (in.n > 0 && pump(e, seed)) {
		struct span piece = { in.p, in.n < step ? in.n : step };
		size_t before = piece.n;

		smtp_server_feed(e, &piece);
		span_take(&in, before - piece.n);
		if (before == piece.n && !pump(e, seed))
			break;
	}
	pump(e, seed);
	smtp_server_free(e);
	return 0;
}
