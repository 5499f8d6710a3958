/* engine_hello.c - greeting, EHLO and what it offers, STARTTLS. */
#include <string.h>

#include "common/base/escape.h"
#include "deliverd/engine_state.h"

void client_say_hello(struct smtp_client *e)
{
	e->offers = (struct client_offers){ 0 };
	e->mechanisms[0] = '\0';
	e->phase = PHASE_HELLO;
	/* RFC 2033 4.1; RFC 5321 4.1.1.1 */
	client_sayf(e, "%s %s", e->config.lmtp ? "LHLO" : e->helo ? "HELO" : "EHLO", e->config.hostname);
}

void client_greeting_heard(struct smtp_client *e)
{
	if (e->reader.code / 100 == 2)
		client_say_hello(e);
	else	/* RFC 5321 3.1: who is refused by 554 says QUIT */
		client_fail_reply(e, CLIENT_AT_GREETING, FAIL_POLITE);
}

/* --- what EHLO offers ------------------------------------------------------- */

static void offer_pipelining(struct smtp_client *e, struct span args)
{
	(void)args;
	e->offers.pipelining = true;
}

static void offer_eightbit(struct smtp_client *e, struct span args)
{
	(void)args;
	e->offers.eightbit = true;
}

static void offer_smtputf8(struct smtp_client *e, struct span args)
{
	(void)args;
	e->offers.smtputf8 = true;
}

static void offer_chunking(struct smtp_client *e, struct span args)
{
	(void)args;
	e->offers.chunking = true;
}

static void offer_binary(struct smtp_client *e, struct span args)
{
	(void)args;
	e->offers.binary = true;
}

static void offer_dsn(struct smtp_client *e, struct span args)
{
	(void)args;
	e->offers.dsn = true;
}

static void offer_enhanced(struct smtp_client *e, struct span args)
{
	(void)args;
	e->offers.enhanced = true;
}

static void offer_start_tls(struct smtp_client *e, struct span args)
{
	(void)args;
	e->offers.start_tls = !e->tls;	/* RFC 3207 4.2 */
}

/* RFC 8689 4.2.1: only what is offered within TLS counts. */
static void offer_require_tls(struct smtp_client *e, struct span args)
{
	(void)args;
	e->offers.require_tls = e->tls;
}

/* RFC 1870 4: no number, or 0, is no limit. */
static void offer_size(struct smtp_client *e, struct span args)
{
	e->offers.size = true;
	if (!span_number(span_trim(args), UINT64_MAX, &e->offers.size_limit))
		e->offers.size_limit = 0;
}

/* More than one line may name some: "AUTH=LOGIN" is an old form, which some offer beside the new. */
static void offer_auth(struct smtp_client *e, struct span args)
{
	size_t used = strlen(e->mechanisms), room = sizeof(e->mechanisms) - used;

	if (args.n == 0 || args.n + 2 > room)
		return;
	e->offers.auth = true;
	e->mechanisms[used++] = ' ';
	for (size_t i = 0; i < args.n; i++)
		e->mechanisms[used++] = (char)(args.p[i] > ' ' && args.p[i] < 0x7f ? args.p[i] : ' ');
	e->mechanisms[used] = '\0';
}

/* RFC 9422 3: NAME=NUMBER, up to six digits; unknown names are passed over. */
static void offer_limits(struct smtp_client *e, struct span args)
{
	while (args.n > 0) {
		struct span value = span_take_until(&args, ' ');
		struct span name = span_take_until(&value, '=');
		uint64_t n;

		if (value.n > 6 || !span_number(value, 999999, &n))
			continue;
		if (span_is_nocase(name, "RCPTMAX"))
			e->offers.rcpt_max = (unsigned)n;
		else if (span_is_nocase(name, "MAILMAX"))
			e->offers.mail_max = (unsigned)n;
		else if (span_is_nocase(name, "RCPTDOMAINMAX"))
			e->offers.rcpt_domain_max = (unsigned)n;
	}
}

static const struct offer_row {
	const char *keyword;
	void (*take)(struct smtp_client *e, struct span args);
} rows[] = {
	{ "PIPELINING", offer_pipelining },		/* RFC 2920 3 */
	{ "8BITMIME", offer_eightbit },			/* RFC 6152 2 */
	{ "SMTPUTF8", offer_smtputf8 },			/* RFC 6531 3.1 */
	{ "CHUNKING", offer_chunking },			/* RFC 3030 2 */
	{ "BINARYMIME", offer_binary },			/* RFC 3030 3 */
	{ "DSN", offer_dsn },				/* RFC 3461 4 */
	{ "ENHANCEDSTATUSCODES", offer_enhanced },	/* RFC 2034 3 */
	{ "STARTTLS", offer_start_tls },
	{ "REQUIRETLS", offer_require_tls },
	{ "SIZE", offer_size },
	{ "AUTH", offer_auth },				/* RFC 4954 3 */
	{ "LIMITS", offer_limits },
};

/* The first line is the server's name (RFC 5321 4.1.1.1), the others a keyword each. */
void client_hello_line(struct smtp_client *e)
{
	struct span args = e->reader.line_text, word;

	if (e->reader.code / 100 != 2 || e->reader.lines > CLIENT_REPLY_LINES)
		return;
	word = span_take_until(&args, ' ');
	if (e->reader.lines == 1) {
		escape_text(e->offers.hostname, sizeof(e->offers.hostname), word);
		return;
	}
	if (e->helo)
		return;
	if (span_starts_nocase(word, "AUTH=")) {
		span_take(&word, strlen("AUTH="));
		offer_auth(e, word);
		offer_auth(e, args);
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (span_is_nocase(word, rows[i].keyword))
			rows[i].take(e, args);
}

void client_hello_heard(struct smtp_client *e)
{
	unsigned kind = e->reader.code / 100;

	if (kind == 5 && !e->helo && !e->config.lmtp) {	/* RFC 5321 3.2 */
		e->helo = true;
		client_say_hello(e);
		return;
	}
	if (kind != 2) {
		client_fail_reply(e, CLIENT_AT_HELLO, FAIL_POLITE);
		return;
	}
	e->offers.esmtp = !e->helo;
	if (e->config.start_tls && e->offers.start_tls) {
		client_sayf(e, "STARTTLS");
		e->phase = PHASE_START_TLS;
	} else {
		client_say_auth(e);
	}
}

void client_start_tls_heard(struct smtp_client *e, struct span rest)
{
	if (e->reader.code / 100 != 2) {	/* RFC 3207 4: going on in clear is not for us to choose */
		client_fail_reply(e, CLIENT_AT_START_TLS, FAIL_POLITE);
		return;
	}
	e->phase = PHASE_SHAKE;
	e->helo = e->shake_given = false;
	if (rest.n > 0)		/* RFC 3207 4.2: said in clear, to be taken as said within TLS */
		client_failf(e, CLIENT_AT_START_TLS, "4.7.0", FAIL_CUT,
			     "the server went on in clear behind its answer to STARTTLS");
}
