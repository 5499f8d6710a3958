/* fuzz_smtp.c - any bytes into the SMTP engine; the first byte chooses port and answers.
 * link: smtpd sasl mime common/base */
#include <stdlib.h>
#include <string.h>

#include "smtpd/engine.h"

static enum smtp_result result(uint8_t seed, const struct smtp_action *a)
{
	if (a->kind == SMTP_BODY && a->bytes.n == 0)
		abort();	/* an empty body would never end */
	if (a->kind == SMTP_CHECK_RECIPIENT && strstr(a->address, "far") != NULL)
		return SMTP_NOT_LOCAL;
	return (seed & 3) == 3 ? (enum smtp_result)((seed >> 2 & 15) % (SMTP_LOOP + 1)) : SMTP_DONE;
}

/* What the rules promise, whatever was said. */
static void check(const struct smtp_server *e, const struct smtp_config *config, const struct smtp_action *a,
		  bool logged_in)
{
	if (a->kind == SMTP_ADD_REMOTE && (!config->submission || !logged_in || !path_is_routable(a->address)))
		abort();
	if (a->kind == SMTP_CHECK_FROM && strchr(a->address, '@') == NULL)
		abort();
	if (strlen(smtp_server_envid(e)) > SMTP_ENVID_MAX || strlen(smtp_server_orcpt(e)) > SMTP_ORCPT_MAX)
		abort();
	if (a->kind == SMTP_COMMIT && smtp_server_recipients(e) == 0)
		abort();
}

/* Answers every action; false once the engine has closed. */
static bool pump(struct smtp_server *e, const struct smtp_config *config, uint8_t seed, bool *logged_in)
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
		check(e, config, &a, *logged_in);
		if (a.kind == SMTP_AUTHENTICATE)
			*logged_in = result(seed, &a) == SMTP_DONE;
		if (a.number != 0)
			smtp_server_done(e, a.number, result(seed, &a), "ID");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_config config = {
		.hostname = "h", .mechanisms = "PLAIN,LOGIN,EXTERNAL", .clear_mechanisms = "PLAIN", .message_limit = 5000,
		.recipient_limit = 5, .line_limit = 512, .output_limit = 16384, .received_limit = 5, .error_limit = 50,
		.login_ms = 1000, .idle_ms = 1000, .data_ms = 1000, .answer_ms = 3000, .commit_ms = 9000, .may_start_tls = true,
	};
	struct smtp_server *e;
	struct span in;
	bool logged_in = false;
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
	while (in.n > 0 && pump(e, &config, seed, &logged_in)) {
		struct span piece = { in.p, in.n < step ? in.n : step };
		size_t before = piece.n;

		smtp_server_feed(e, &piece);
		span_take(&in, before - piece.n);
		if (before == piece.n && !pump(e, &config, seed, &logged_in))
			break;
	}
	pump(e, &config, seed, &logged_in);
	smtp_server_free(e);
	return 0;
}
