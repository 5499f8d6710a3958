/* engine.c - the SMTP client's life, feed, next and time; the contract is in engine.h. */
#include "deliverd/engine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "deliverd/engine_state.h"

static void deadline_set(struct smtp_client *e);

int smtp_client_new(struct smtp_client **out, const struct client_config *config, uint64_t now_ms,
		    struct error *err)
{
	struct smtp_client *e = *out = calloc(1, sizeof(*e));

	if (e == NULL)
		return error_set(err, -ENOMEM, "no memory for an SMTP connection");
	e->config = *config;
	e->tls = config->tls;
	reply_reader_init(&e->reader);
	buf_init(&e->out, OUT_MAX);
	buf_init(&e->lent, OUT_MAX);
	buf_init(&e->chunk, OUT_MAX);
	e->now_ms = now_ms;
	deadline_set(e);
	return 0;
}

void smtp_client_free(struct smtp_client *e)
{
	if (e == NULL)
		return;
	sasl_client_free(e->sasl);
	buf_wipe(&e->out);	/* AUTH's answers went through both */
	buf_wipe(&e->lent);
	buf_clear(&e->chunk);
	free(e->mails[0].fates);
	free(e->mails[1].fates);
	free(e);
}

void client_sayf(struct smtp_client *e, const char *format, ...)
{
	char line[COMMAND_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	buf_put_text(&e->out, line);
	buf_put_text(&e->out, "\r\n");
}

const struct client_offers *smtp_client_offers(const struct smtp_client *e)
{
	return &e->offers;
}

/* --- how it fails ----------------------------------------------------------- */

static void mail_lose(struct transaction *t, const struct client_reply *why)
{
	if (!t->open)
		return;
	t->lost = true;
	t->maybe = t->ends > 0 && why->code == 0;
	t->say = SAY_NOTHING;
	t->await_rset = t->await_mail = t->await_data = false;
	t->heard_rcpt = t->said_rcpt;
	t->chunks = t->ends = 0;
}

void client_fail(struct smtp_client *e, const struct client_reply *why, enum client_manner manner)
{
	if (e->phase == PHASE_QUIT)	/* nothing is open any more */
		e->phase = PHASE_CLOSED;
	if (e->phase == PHASE_CLOSED)
		return;
	buf_wipe(&e->out);
	e->body_asked = false;
	e->broken = true;
	e->polite = manner == FAIL_POLITE && why->code != 421;
	e->why = *why;
	mail_lose(&e->mails[0], why);
	mail_lose(&e->mails[1], why);
	sasl_client_free(e->sasl);
	e->sasl = NULL;
	e->phase = PHASE_CLOSED;
	if (!e->polite)
		return;
	client_sayf(e, "QUIT");		/* RFC 5321 4.1.1.10 */
	e->phase = PHASE_QUIT;
	deadline_set(e);
}

void client_failf(struct smtp_client *e, enum client_step step, const char *status, enum client_manner manner,
		  const char *format, ...)
{
	struct client_reply why;
	char words[CLIENT_WORDS];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	reply_made(&why, step, status, words);
	client_fail(e, &why, manner);
}

void client_fail_reply(struct smtp_client *e, enum client_step step, enum client_manner manner)
{
	struct client_reply why;

	reply_fill(&e->reader, step, &why);
	client_fail(e, &why, manner);
}

static enum client_step step_of(struct smtp_client *e)
{
	switch (e->phase) {
	case PHASE_GREETING:
		return CLIENT_AT_GREETING;
	case PHASE_HELLO:
		return CLIENT_AT_HELLO;
	case PHASE_START_TLS:
	case PHASE_SHAKE:
		return CLIENT_AT_START_TLS;
	case PHASE_AUTH:
		return CLIENT_AT_AUTH;
	case PHASE_MAIL:
		return client_mail_step(client_first(e));
	default:
		return CLIENT_AT_QUIT;
	}
}

void smtp_client_ended(struct smtp_client *e, const char *words)
{
	client_failf(e, step_of(e), "4.4.2", FAIL_CUT, "%s", words);
	e->phase = PHASE_CLOSED;
	buf_wipe(&e->out);
}

/* --- input ------------------------------------------------------------------ */

/* A whole reply. rest: what came behind it. */
static void heard(struct smtp_client *e, struct span rest)
{
	if (e->reader.code == 421 && e->phase != PHASE_QUIT) {	/* RFC 5321 3.8: anywhere */
		client_fail_reply(e, step_of(e), FAIL_CUT);
		return;
	}
	switch (e->phase) {
	case PHASE_GREETING:
		client_greeting_heard(e);
		break;
	case PHASE_HELLO:
		client_hello_heard(e);
		break;
	case PHASE_START_TLS:
		client_start_tls_heard(e, rest);
		break;
	case PHASE_AUTH:
		client_auth_heard(e);
		break;
	case PHASE_MAIL:
		client_mail_heard(e);
		break;
	default:
		e->phase = PHASE_CLOSED;
	}
	deadline_set(e);
}

/* While something is to be told its reply stands in the transaction: no other may come. */
static bool may_feed(struct smtp_client *e)
{
	struct transaction *t = client_first(e);

	return !t->open || (t->tell_at >= t->tell_end && !client_mail_over(t));
}

static void feed_line(struct smtp_client *e, struct span *in)
{
	struct client_reply why;

	switch (reply_feed(&e->reader, in)) {
	case REPLY_MORE:
		break;
	case REPLY_LINE:
		if (e->phase == PHASE_HELLO)
			client_hello_line(e);
		break;
	case REPLY_END:
		if (e->phase == PHASE_HELLO)
			client_hello_line(e);
		heard(e, *in);
		break;
	case REPLY_BAD:
		reply_wrong(&e->reader, step_of(e), &why);
		client_fail(e, &why, FAIL_CUT);
	}
}

void smtp_client_feed(struct smtp_client *e, struct span *in)
{
	while (in->n > 0 && may_feed(e)) {
		if (e->phase == PHASE_CLOSED)
			span_take(in, in->n);
		else if (e->phase == PHASE_SHAKE)	/* RFC 3207 4.2: nothing in clear counts any more */
			client_failf(e, CLIENT_AT_START_TLS, "4.7.0", FAIL_CUT,
				     "the server went on in clear behind its answer to STARTTLS");
		else
			feed_line(e, in);
	}
}

/* --- what is wanted --------------------------------------------------------- */

/* What was not told yet when the session failed. */
static void tell_lost(struct smtp_client *e, struct transaction *t)
{
	t->lost = false;
	t->reply = e->why;
	t->reply.verdict = CLIENT_TRY_LATER;
	t->reply.status[0] = '4';
	if (t->maybe)
		snprintf(t->reply.words, sizeof(t->reply.words), "%.400s; the message may have arrived all the same",
			 e->why.words);
	client_tell(t, FATE_ANY);
}

static bool tell_next(struct transaction *t, struct client_action *a)
{
	for (; t->tell_at < t->tell_end; t->tell_at++) {
		unsigned fate = t->fates[t->tell_at];

		if ((fate & FATE_TOLD) != 0 || (fate & t->tell) == 0)
			continue;
		t->fates[t->tell_at] |= FATE_TOLD;
		*a = (struct client_action){ .kind = CLIENT_RCPT_DONE, .index = t->tell_at++, .reply = &t->reply };
		return true;
	}
	return false;
}

/* What is known of the older transaction. */
static bool next_told(struct smtp_client *e, struct client_action *a)
{
	struct transaction *t = client_first(e);

	if (!t->open)
		return false;
	if (tell_next(t, a))
		return true;
	if (t->lost) {
		tell_lost(e, t);
		if (tell_next(t, a))
			return true;
	}
	if (!client_mail_over(t))
		return false;
	t->open = false;
	e->first = 1 - e->first;
	e->ready_given = e->early_given = false;
	if (e->quit_said && !e->broken)
		e->phase = PHASE_QUIT;
	deadline_set(e);
	a->kind = CLIENT_MAIL_DONE;
	return true;
}

static bool full(const struct smtp_client *e)
{
	return e->offers.mail_max > 0 && e->begun >= e->offers.mail_max;	/* RFC 9422 4.1 */
}

static bool may_early(struct smtp_client *e)
{
	struct transaction *t = client_first(e);

	return e->phase == PHASE_MAIL && e->offers.pipelining && t->open && t->ends > 0 && t->taken > 0 &&
	       !t->refused && t->say == SAY_NOTHING && !client_second(e)->open && !e->quit_said && !full(e);
}

static bool may_ready(struct smtp_client *e)
{
	return e->phase == PHASE_MAIL && !client_first(e)->open && !e->quit_said && !full(e);
}

bool client_may_begin(struct smtp_client *e)
{
	return may_ready(e) || may_early(e);
}

/* What the shell may or must do now. */
static bool next_asked(struct smtp_client *e, struct client_action *a)
{
	if (may_early(e) && !e->early_given) {
		e->early_given = true;
		a->kind = CLIENT_EARLY;
	} else if (client_body_wanted(e)) {
		e->body_asked = true;
		a->kind = CLIENT_WANT_BODY;
	} else if (may_ready(e) && !e->ready_given) {
		e->ready_given = true;
		a->kind = CLIENT_READY;
	} else {
		return false;
	}
	return true;
}

static bool next_send(struct smtp_client *e, struct client_action *a)
{
	struct buf sent;

	if (e->phase == PHASE_MAIL && !client_first(e)->open && full(e))
		smtp_client_quit(e);
	else if (e->phase == PHASE_MAIL)
		client_say_mail(e);
	if (e->out.failed && !e->broken)
		client_failf(e, CLIENT_AT_REST, "4.3.0", FAIL_CUT, "no memory for a command");
	if (e->out.n == 0)
		return false;
	sent = e->out;
	e->out = e->lent;
	e->lent = sent;
	*a = (struct client_action){ .kind = CLIENT_SEND, .bytes = buf_span(&e->lent) };
	deadline_set(e);
	return true;
}

/* Drops what the last call lent; an idle connection keeps nothing. */
static void take_back(struct smtp_client *e)
{
	if (e->phase == PHASE_AUTH || e->lent.cap > OUT_MARK || !client_first(e)->open)
		buf_wipe(&e->lent);
	else
		buf_reset(&e->lent);
}

void smtp_client_next(struct smtp_client *e, struct client_action *a)
{
	*a = (struct client_action){ .kind = CLIENT_NONE };
	take_back(e);
	if (next_told(e, a))
		return;
	if (e->broken && !e->unusable_given) {
		e->unusable_given = true;
		*a = (struct client_action){ .kind = CLIENT_UNUSABLE, .reply = &e->why };
	} else if (next_asked(e, a) || next_send(e, a)) {
		return;
	} else if (e->phase == PHASE_SHAKE && !e->shake_given) {
		e->shake_given = true;
		a->kind = CLIENT_START_TLS;
	} else if (e->phase == PHASE_CLOSED && !e->close_given) {
		e->close_given = true;
		a->kind = CLIENT_CLOSE;
	}
}

void smtp_client_quit(struct smtp_client *e)
{
	bool early = may_early(e);

	if (e->phase == PHASE_QUIT || e->phase == PHASE_CLOSED || e->quit_said)
		return;
	if (e->phase != PHASE_MAIL || (client_first(e)->open && !early)) {
		client_failf(e, CLIENT_AT_REST, "4.3.2", FAIL_CUT, "the connection was given up");
		return;
	}
	client_sayf(e, "QUIT");
	e->quit_said = true;
	if (!early)
		e->phase = PHASE_QUIT;
	deadline_set(e);
}

/* --- time ------------------------------------------------------------------- */

/* RFC 5321 4.5.3.2, by what is answered next. */
static uint64_t time_of(const struct client_times *t, enum client_step step)
{
	switch (step) {
	case CLIENT_AT_GREETING:
		return t->greeting;	/* RFC 5321 4.5.3.2.1 */
	case CLIENT_AT_MAIL:
		return t->mail;		/* RFC 5321 4.5.3.2.2 */
	case CLIENT_AT_RCPT:
		return t->rcpt;		/* RFC 5321 4.5.3.2.3 */
	case CLIENT_AT_DATA:
		return t->data_begin;	/* RFC 5321 4.5.3.2.4 */
	case CLIENT_AT_REST:
		return t->data_block;	/* RFC 5321 4.5.3.2.5 */
	case CLIENT_AT_END:
		return t->data_end;	/* RFC 5321 4.5.3.2.6 */
	case CLIENT_AT_QUIT:
		return t->quit;
	default:
		return t->command;
	}
}

static void deadline_set(struct smtp_client *e)
{
	bool idle = e->phase == PHASE_SHAKE || (e->phase == PHASE_MAIL && !client_first(e)->open);

	e->deadline = idle ? UINT64_MAX : e->now_ms + time_of(&e->config.times, step_of(e));
}

/* While the shell is at the next piece of the body, and the server owes nothing, time stands still. */
uint64_t smtp_client_deadline(const struct smtp_client *e)
{
	if (e->phase == PHASE_CLOSED || (e->body_asked && !client_mail_awaits(&e->mails[e->first])))
		return UINT64_MAX;
	return e->deadline;
}

void smtp_client_tick(struct smtp_client *e, uint64_t now_ms)
{
	static const char *const steps[] = {
		[CLIENT_AT_GREETING] = "no greeting",	     [CLIENT_AT_HELLO] = "no answer to EHLO",
		[CLIENT_AT_START_TLS] = "no answer to STARTTLS", [CLIENT_AT_AUTH] = "no answer to AUTH",
		[CLIENT_AT_RSET] = "no answer to RSET",	     [CLIENT_AT_MAIL] = "no answer to MAIL",
		[CLIENT_AT_RCPT] = "no answer to RCPT",	     [CLIENT_AT_DATA] = "no answer to DATA",
		[CLIENT_AT_END] = "no answer to the message", [CLIENT_AT_QUIT] = "no answer to QUIT",
		[CLIENT_AT_REST] = "the server takes no more of the message",
	};
	enum client_step step = step_of(e);

	e->now_ms = now_ms;
	if (now_ms < smtp_client_deadline(e))
		return;
	client_failf(e, step, "4.4.2", FAIL_CUT, "%s within %llu seconds", steps[step],
		     (unsigned long long)(time_of(&e->config.times, step) / 1000));
}

void smtp_client_secured(struct smtp_client *e)
{
	e->tls = true;
	if (e->phase == PHASE_SHAKE)
		client_say_hello(e);	/* RFC 3207 4.2: what it offered in clear is forgotten */
	deadline_set(e);
}
