/* commands.c - what pop3d knows, and when it may run. */
#include "pop3d/state.h"

enum {
	IN_AUTHORIZATION = 1,
	IN_TRANSACTION = 2,
	NO_ARGUMENT = 4
};

struct command {
	const char *name;
	void (*run)(struct pop3_server *e, struct span args);
	unsigned flags;
};

/* RFC 2449 5: what is offered now, in this state, on this connection. */
static void run_capa(struct pop3_server *e, struct span args)
{
	struct sasl_offer offer = pop3_offer(e);
	struct span name;

	(void)args;
	pop3_reply(e, "+OK");
	pop3_reply(e, "TOP");
	pop3_reply(e, "UIDL");
	pop3_reply(e, "RESP-CODES");
	pop3_reply(e, "PIPELINING");
	pop3_reply(e, "AUTH-RESP-CODE");	/* RFC 3206 6 */
	pop3_reply(e, "EXPIRE NEVER");		/* RFC 2449 6.7 */
	pop3_reply(e, "UTF8 USER");		/* RFC 6856 2 */
	pop3_reply(e, "LANG");			/* RFC 6856 3 */
	if (e->config.may_start_tls)
		pop3_reply(e, "STLS");				/* RFC 2595 4 */
	if (sasl_offer_allows(&offer, span_of("USER")))
		pop3_reply(e, "USER");
	for (size_t i = 0; sasl_offer_mechanism(&offer, i, &name); i++) {
		buf_put_text(&e->replies, i == 0 ? "SASL " : " ");	/* RFC 5034 3 */
		buf_put(&e->replies, name);
	}
	if (sasl_offer_mechanism(&offer, 0, &name))
		pop3_reply(e, "");
	pop3_reply(e, "IMPLEMENTATION Yubin");
	pop3_reply(e, ".");
}

static void run_stls(struct pop3_server *e, struct span args)
{
	(void)args;
	if (e->config.tls) {
		pop3_bad(e, "-ERR TLS is up already");
	} else if (!e->config.may_start_tls) {
		pop3_bad(e, "-ERR this port offers no STLS");
	} else if (e->utf8) {		/* RFC 6856 2.1 */
		pop3_bad(e, "-ERR STLS goes before UTF8");
	} else {
		pop3_reply(e, "+OK begin TLS");
		e->phase = PHASE_TLS;
	}
}

static void say_bye(struct pop3_server *e)
{
	pop3_reply(e, "+OK bye");
	e->phase = PHASE_CLOSED;
}

/* RFC 1939 6: QUIT in TRANSACTION enters UPDATE. */
static void run_quit(struct pop3_server *e, struct span args)
{
	size_t deleted = 0, seen = 0;

	(void)args;
	if (e->phase == PHASE_TRANSACTION &&
	    (pop3_server_deleted(e, &deleted) != 0 || pop3_server_seen(e, &seen) != 0)) {
		e->phase = PHASE_UPDATE;
		pop3_open(e, POP3_UPDATE);
		return;
	}
	say_bye(e);
}

void pop3_update_done(struct pop3_server *e, enum pop3_result result)
{
	size_t at = 0;

	if (result == POP3_DONE || pop3_server_deleted(e, &at) == 0) {
		say_bye(e);
		return;
	}
	pop3_reply(e, e->late ? "-ERR [SYS/TEMP] the deleted messages may not be removed yet" :
				"-ERR [SYS/TEMP] the deleted messages could not be removed; none was");
	e->phase = PHASE_CLOSED;
}

static void run_stat(struct pop3_server *e, struct span args)
{
	(void)args;
	pop3_replyf(e, "+OK %zu %llu", e->drop.left, (unsigned long long)e->drop.octets);
}

static void run_dele(struct pop3_server *e, struct span args)
{
	struct maildrop_message *m = pop3_take_message(e, &args);

	if (m == NULL)
		return;
	maildrop_delete(&e->drop, m);
	pop3_reply(e, "+OK marked as deleted");
}

static void run_rset(struct pop3_server *e, struct span args)
{
	(void)args;
	maildrop_undelete(&e->drop);
	run_stat(e, args);
}

static void run_noop(struct pop3_server *e, struct span args)
{
	(void)args;
	pop3_reply(e, "+OK");
}

static const struct command commands[] = {
	/* name  run            flags                              RFC 1939 unless said */
	{ "AUTH", pop3_run_auth, IN_AUTHORIZATION },			/* RFC 5034 4 */
	{ "CAPA", run_capa, IN_AUTHORIZATION | IN_TRANSACTION | NO_ARGUMENT },	/* RFC 2449 5 */
	{ "DELE", run_dele, IN_TRANSACTION },				/* 5 */
	{ "LANG", pop3_run_lang, IN_AUTHORIZATION | IN_TRANSACTION },	/* RFC 6856 3 */
	{ "LIST", pop3_run_list, IN_TRANSACTION },			/* 5 */
	{ "NOOP", run_noop, IN_TRANSACTION | NO_ARGUMENT },		/* 5 */
	{ "PASS", pop3_run_pass, IN_AUTHORIZATION },			/* 7 */
	{ "QUIT", run_quit, IN_AUTHORIZATION | IN_TRANSACTION },	/* 4, 6 */
	{ "RETR", pop3_run_retr, IN_TRANSACTION },			/* 5 */
	{ "RSET", run_rset, IN_TRANSACTION | NO_ARGUMENT },		/* 5 */
	{ "STAT", run_stat, IN_TRANSACTION | NO_ARGUMENT },		/* 5 */
	{ "STLS", run_stls, IN_AUTHORIZATION | NO_ARGUMENT },		/* RFC 2595 4 */
	{ "TOP", pop3_run_top, IN_TRANSACTION },			/* 7 */
	{ "UIDL", pop3_run_uidl, IN_TRANSACTION },			/* 7 */
	{ "USER", pop3_run_user, IN_AUTHORIZATION },			/* 7 */
	{ "UTF8", pop3_run_utf8, IN_AUTHORIZATION | NO_ARGUMENT },	/* RFC 6856 2.1 */
};

static const struct command *find(struct span verb)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (span_is_nocase(verb, commands[i].name))
			return &commands[i];
	return NULL;
}

void pop3_command(struct pop3_server *e, struct span line)
{
	struct span args = line, verb = span_take_until(&args, ' ');
	const struct command *c = find(verb);
	unsigned here = e->phase == PHASE_TRANSACTION ? IN_TRANSACTION : IN_AUTHORIZATION;

	if (c == NULL) {
		/* never its text: behind an AUTH that was refused the next lines are user and password */
		pop3_note(e, "unknown command bytes=%zu", verb.n);
		pop3_bad(e, "-ERR unknown command");
	} else if ((c->flags & here) == 0) {
		pop3_bad(e, here == IN_TRANSACTION ? "-ERR you are logged in" : "-ERR log in first");
	} else if ((c->flags & NO_ARGUMENT) && span_trim(args).n > 0) {
		pop3_bad(e, "-ERR this command takes no argument");
	} else {
		c->run(e, args);
	}
}
