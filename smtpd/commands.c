/* commands.c - what smtpd knows, and when it may run. */
#include <string.h>

#include "common/base/ascii.h"
#include "smtpd/state.h"

enum {
	C_HELLO = 1,		/* EHLO or HELO must have been said (RFC 5321 4.1.4) */
	C_TLS = 2,		/* under RequireTLS: not before TLS (RFC 3207 4) */
	C_LOGIN = 4,		/* on submission: not before AUTH (RFC 6409 4.3) */
	C_NO_ARGUMENT = 8,
	C_BYTES = 16,		/* bytes follow it, whether it may run or not */
	C_LMTP = 32,		/* over LMTP alone */
	C_SMTP = 64		/* over SMTP alone */
};

struct command {
	const char *name;
	void (*run)(struct smtp_server *e, struct span args);
	unsigned flags;
	const char *help;
};

static void put_mechanisms(struct smtp_server *e)
{
	struct sasl_offer offer = smtp_offer(e);
	struct span name;

	for (size_t i = 0; sasl_offer_mechanism(&offer, i, &name); i++) {
		buf_put_text(&e->replies, i == 0 ? "250-AUTH " : " ");
		buf_put(&e->replies, name);
	}
	if (sasl_offer_mechanism(&offer, 0, &name))
		buf_put_text(&e->replies, "\r\n");
}

static bool take_name(struct smtp_server *e, struct span args)
{
	struct span name = span_trim(args);

	if (!path_helo_valid(name)) {
		smtp_bad(e, "501 5.5.4 give the name of your machine: EHLO mail.example.org");
		return false;
	}
	memcpy(e->helo, name.p, name.n);
	e->helo[name.n] = '\0';
	e->said_hello = true;
	smtp_reset(e);		/* RFC 5321 4.1.4 */
	return true;
}

/* RFC 5321 4.1.1.1 */
static void run_ehlo(struct smtp_server *e, struct span args)
{
	if (!take_name(e, args))
		return;
	e->esmtp = true;
	smtp_replyf(e, "250-%s greets %s", e->config.hostname, e->helo);
	smtp_reply(e, "250-PIPELINING");		/* RFC 2920 */
	smtp_replyf(e, "250-SIZE %llu", (unsigned long long)e->config.message_limit);	/* RFC 1870 */
	if (e->config.may_start_tls && !e->authenticated)
		smtp_reply(e, "250-STARTTLS");		/* RFC 3207 */
	if (!e->authenticated)
		put_mechanisms(e);			/* RFC 4954 */
	smtp_replyf(e, "250-LIMITS RCPTMAX=%zu", e->config.recipient_limit);	/* RFC 9422 4.2 */
	smtp_reply(e, "250-8BITMIME");			/* RFC 6152 */
	if (!e->config.lmtp) {
		smtp_reply(e, "250-CHUNKING");		/* RFC 3030 2 */
		smtp_reply(e, "250-BINARYMIME");	/* RFC 3030 3 */
	}
	smtp_reply(e, "250-DSN");			/* RFC 3461 3 */
	smtp_reply(e, "250-SMTPUTF8");			/* RFC 6531 3.1 */
	if (e->config.tls)
		smtp_reply(e, "250-REQUIRETLS");	/* RFC 8689 2 */
	smtp_reply(e, "250 ENHANCEDSTATUSCODES");	/* RFC 2034 */
}

static void run_helo(struct smtp_server *e, struct span args)
{
	if (!take_name(e, args))
		return;
	e->esmtp = false;
	smtp_replyf(e, "250 %s", e->config.hostname);
}

/* RFC 3207 4 */
static void run_starttls(struct smtp_server *e, struct span args)
{
	(void)args;
	if (e->config.tls) {
		smtp_bad(e, "503 5.5.1 TLS is up already");
	} else if (!e->config.may_start_tls) {
		smtp_bad(e, "502 5.5.1 this port offers no STARTTLS");
	} else if (e->authenticated) {
		/* RFC 3207 4.2: a login in clear, perhaps slipped in, must not live on behind TLS */
		smtp_bad(e, "503 5.5.1 STARTTLS comes before the login");
	} else {
		smtp_reply(e, "220 2.0.0 ready to start TLS");
		e->phase = PHASE_TLS;
	}
}

static void run_noop(struct smtp_server *e, struct span args)
{
	(void)args;
	smtp_reply(e, "250 2.0.0 OK");
}

static void run_quit(struct smtp_server *e, struct span args)
{
	(void)args;
	smtp_replyf(e, "221 2.0.0 %s closing", e->config.hostname);
	smtp_close(e);
}

/* RFC 5321 3.5.3: nobody is told who is here. */
static void run_vrfy(struct smtp_server *e, struct span args)
{
	if (span_trim(args).n == 0)
		smtp_bad(e, "501 5.5.4 write VRFY address");
	else
		smtp_reply(e, "252 2.5.0 can't tell; send the message and see");
}

/* RFC 5321 7.3: nor who is on a list. */
static void run_expn(struct smtp_server *e, struct span args)
{
	(void)args;
	smtp_reply(e, "502 5.7.0 who is on a list is not told; send the message and see");
}

static void run_help(struct smtp_server *e, struct span args);

/* Sorted by name: the lookup is a binary search. */
static const struct command commands[] = {
	/* name       run            flags                            RFC 5321 unless said */
	{ "AUTH",     smtp_run_auth, C_HELLO | C_TLS,			/* RFC 4954 4 */
	  "AUTH MECHANISM [answer in base64]: logs in; EHLO names the mechanisms" },
	{ "BDAT",     NULL,          C_HELLO | C_TLS | C_LOGIN | C_BYTES,	/* RFC 3030 2 */
	  "BDAT SIZE [LAST]: so many bytes of the message follow at once; the last chunk says LAST" },
	{ "DATA",     smtp_run_data, C_HELLO | C_TLS | C_LOGIN | C_NO_ARGUMENT,	/* 4.1.1.4 */
	  "DATA: the message follows, lines that end in CRLF, behind them a dot on a line of its own" },
	{ "EHLO",     run_ehlo,      C_SMTP,				/* 4.1.1.1 */
	  "EHLO NAME: greets with the name of your machine; the answer says what this server can do" },
	{ "EXPN",     run_expn,      C_HELLO | C_TLS,			/* 4.1.1.7 */
	  "EXPN LIST: is not answered here" },
	{ "HELO",     run_helo,      C_SMTP, "HELO NAME: greets, for programs that know no EHLO" },
	{ "HELP",     run_help,      0,				/* 4.1.1.8 */
	  "HELP [COMMAND]: this text" },
	{ "LHLO",     run_ehlo,      C_LMTP,			/* RFC 2033 4.1 */
	  "LHLO NAME: greets over LMTP, as EHLO does over SMTP" },
	{ "MAIL",     smtp_run_mail, C_HELLO | C_TLS | C_LOGIN,	/* 4.1.1.2 */
	  "MAIL FROM:<address> [SIZE=n] [BODY=7BIT|8BITMIME|BINARYMIME] [SMTPUTF8] [REQUIRETLS] [RET=FULL|HDRS] [ENVID=xtext]: begins a message" },
	{ "NOOP",     run_noop,      0,				/* 4.1.1.9 */
	  "NOOP [anything]: does nothing" },
	{ "QUIT",     run_quit,      C_NO_ARGUMENT,			/* 4.1.1.10 */
	  "QUIT: ends the session" },
	{ "RCPT",     smtp_run_rcpt, C_HELLO | C_TLS | C_LOGIN,	/* 4.1.1.3 */
	  "RCPT TO:<address> [NOTIFY=NEVER|SUCCESS,FAILURE,DELAY] [ORCPT=rfc822;xtext]: one who gets the message" },
	{ "RSET",     smtp_run_rset, C_NO_ARGUMENT,			/* 4.1.1.5 */
	  "RSET: forgets the message that was begun" },
	{ "STARTTLS", run_starttls,  C_HELLO | C_NO_ARGUMENT,		/* RFC 3207 4 */
	  "STARTTLS: TLS from here on; say EHLO again behind it" },
	{ "VRFY",     run_vrfy,      C_HELLO | C_TLS,			/* 4.1.1.6 */
	  "VRFY address: is answered by sending a message to it" },
};

static int compare(struct span verb, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < verb.n && i < n; i++)
		if (ascii_upper(verb.p[i]) != (uint8_t)name[i])
			return ascii_upper(verb.p[i]) < (uint8_t)name[i] ? -1 : 1;
	return verb.n < n ? -1 : verb.n > n;
}

static const struct command *find(struct span verb)
{
	size_t low = 0, high = sizeof(commands) / sizeof(commands[0]);

	while (low < high) {
		size_t middle = (low + high) / 2;
		int c = compare(verb, commands[middle].name);

		if (c == 0)
			return &commands[middle];
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* RFC 5321 4.1.1.8 */
static void run_help(struct smtp_server *e, struct span args)
{
	const struct command *topic = find(span_trim(args));

	if (topic != NULL) {
		smtp_replyf(e, "214 2.0.0 %s", topic->help);
		return;
	}
	if (span_trim(args).n > 0) {
		smtp_reply(e, "504 5.5.4 no help for that; HELP alone names the commands");
		return;
	}
	buf_put_text(&e->replies, "214-2.0.0");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		buf_printf(&e->replies, " %s", commands[i].name);
	buf_put_text(&e->replies, "\r\n");
	smtp_reply(e, "214-2.0.0 HELP COMMAND tells of one of them; RFC 5321 of all");
	smtp_replyf(e, "214 2.0.0 who looks after this server reads postmaster@%s", e->config.hostname);
}

/* A browser or a form that was led here must not get a word further. */
static bool is_http(struct span verb)
{
	return span_is_nocase(verb, "GET") || span_is_nocase(verb, "POST") || span_is_nocase(verb, "CONNECT") ||
	       span_is_nocase(verb, "Host:");
}

static void unknown(struct smtp_server *e, struct span verb)
{
	if (is_http(verb)) {
		smtp_replyf(e, "421 4.7.0 %s speaks SMTP, not HTTP", e->config.hostname);
		smtp_note(e, "closing: the client speaks HTTP");
		smtp_close(e);
		return;
	}
	/* never its text: behind an AUTH that was refused the next lines are user and password */
	smtp_note(e, "unknown command bytes=%zu", verb.n);
	smtp_bad(e, "500 5.5.1 unknown command");
}

/* Why it may not run, or NULL. */
static const char *refusal(const struct smtp_server *e, const struct command *c, struct span args)
{
	if ((c->flags & C_TLS) && e->config.require_tls && !e->config.tls)
		return "530 5.7.0 must issue a STARTTLS command first";
	if ((c->flags & C_HELLO) && !e->said_hello)
		return e->config.lmtp ? "503 5.5.1 say LHLO first" : "503 5.5.1 say EHLO first";
	if (c->flags & (e->config.lmtp ? C_SMTP : C_LMTP))
		return e->config.lmtp ? "500 5.5.1 this port speaks LMTP: LHLO" : "500 5.5.1 this port speaks SMTP: EHLO";
	if ((c->flags & C_LOGIN) && e->config.submission && !e->authenticated)
		return "530 5.7.0 authentication required: log in with your address and password";
	if ((c->flags & C_NO_ARGUMENT) && span_trim(args).n > 0)
		return "501 5.5.4 this command takes no argument";
	return NULL;
}

static void run(struct smtp_server *e, const struct command *c, struct span args)
{
	const char *why = refusal(e, c, args);

	if (c->flags & C_BYTES) {
		smtp_run_bdat(e, args, why);
		return;
	}
	e->bdat_void = 0;
	if (why != NULL)
		smtp_bad(e, why);
	else
		c->run(e, args);
}

void smtp_command(struct smtp_server *e, struct span line)
{
	struct span args = line, verb;
	const struct command *c;

	if (span_find(line, 0) >= 0) {
		smtp_bad(e, "500 5.5.2 a NUL in a command");
		return;
	}
	verb = span_take_until(&args, ' ');
	c = find(verb);
	if (c == NULL)
		unknown(e, verb);
	else
		run(e, c, args);
}
