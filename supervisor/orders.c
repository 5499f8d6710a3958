/* orders.c - the contract is in orders.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/ipc/wire.h"
#include "supervisor/job.h"
#include "supervisor/orders_inside.h"
#include "supervisor/stop.h"
#include "supervisor/watch.h"

enum { ASK_MS = 3000 };

/* --- answers --------------------------------------------------------------- */

void order_say(struct order *o, const char *kind, const char *words)
{
	struct buf body;

	if (o == NULL)
		return;
	buf_init(&body, 4096);
	wire_put_text(&body, kind);
	wire_put_text(&body, words);
	ipc_send(o->ipc, ORDER_SAY, 0, buf_span(&body), NULL, 0);
	buf_clear(&body);
}

void order_done(struct order *o, unsigned code, const char *text)
{
	struct buf body;

	if (o == NULL)
		return;
	o->wait = WAIT_NOTHING;
	buf_init(&body, ORDERS_TEXT_MAX + 16);
	wire_put_u8(&body, (uint8_t)code);
	wire_put_text(&body, text);
	ipc_send(o->ipc, ORDER_DONE, 0, buf_span(&body), NULL, 0);
	buf_clear(&body);
}

static void done_text(struct order *o, void (*write)(const struct supervisor *s, struct buf *out))
{
	struct buf text;

	buf_init(&text, ORDERS_TEXT_MAX);
	write(o->s, &text);
	buf_put_byte(&text, '\0');
	order_done(o, text.failed ? 1 : 0, text.failed ? "no memory for the answer" : (const char *)text.p);
	buf_clear(&text);
}

static bool anybody_asked(const struct supervisor *s, enum child_question what)
{
	for (const struct child *c = s->children; c != NULL; c = c->next)
		if (c->answers[what].asked != 0)
			return true;
	return false;
}

static const struct {
	enum order_wait wait;
	enum child_question what;
	void (*write)(const struct supervisor *s, struct buf *out); /* NULL: to know is enough */
} questions[] = {
	{ WAIT_STATUS, CHILD_STATUS, status_write },
	{ WAIT_STATUS_JSON, CHILD_STATUS, status_write_json },
	{ WAIT_SETTLED, CHILD_STATUS, NULL },
	{ WAIT_TLS, CHILD_TLS, answers_write_tls },
	{ WAIT_SESSIONS, CHILD_SESSIONS, answers_write_sessions },
	{ WAIT_KICK, CHILD_KICK, answers_write_kicked },
};

static void order_answer(struct order *o)
{
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		if (o->wait != questions[i].wait || anybody_asked(o->s, questions[i].what))
			continue;
		if (questions[i].write != NULL)
			done_text(o, questions[i].write);
		else
			order_done(o, 0, "");
		return;
	}
}

static bool anybody_waits(const struct supervisor *s, enum order_wait wait)
{
	for (const struct order *o = s->orders->first; o != NULL; o = o->next)
		if (o->wait == wait)
			return true;
	return false;
}

/* All have answered the newest question of a kind, and so each older one. Then the oldest of those that are asked
 * one after the other has its turn. */
void orders_answered(struct supervisor *s)
{
	struct order *oldest = NULL;

	for (struct order *o = s->orders != NULL ? s->orders->first : NULL; o != NULL; o = o->next) {
		order_answer(o);
		if (o->wait == WAIT_WORDS)
			oldest = o;
	}
	if (oldest != NULL)
		order_run(oldest);
}

static void on_late(uv_timer_t *t)
{
	struct supervisor *s = t->data;
	ptrdiff_t what = t - s->orders->late;

	for (struct child *c = s->children; c != NULL; c = c->next)
		c->answers[what].asked = 0;
	orders_answered(s);
}

/* Those that have such an answer. */
static bool is_asked(const struct child *c, enum child_question what)
{
	return (c->state == CHILD_READY || c->state == CHILD_DRAINING) &&
	       (what == CHILD_STATUS || daemon_rows[c->daemon].net);
}

static void ask_all_with(struct supervisor *s, enum child_question what, const char *words)
{
	uint64_t number = ++s->last_number;

	for (struct child *c = s->children; c != NULL; c = c->next)
		if (is_asked(c, what))
			talk_ask(c, what, words, number);
	uv_timer_start(&s->orders->late[what], on_late, ASK_MS, 0);
	orders_answered(s);
}

static void ask_all(struct supervisor *s, enum child_question what)
{
	ask_all_with(s, what, "");
}

/* --- the orders ------------------------------------------------------------ */

static void order_status(struct order *o, char *rest)
{
	o->wait = strcmp(rest, "json") == 0 ? WAIT_STATUS_JSON : WAIT_STATUS;
	ask_all(o->s, CHILD_STATUS);
}

static void order_tls(struct order *o, char *rest)
{
	(void)rest;
	o->wait = WAIT_TLS;
	ask_all(o->s, CHILD_TLS);
}

/* One after the other: the answer to a question with words of its own is nobody else's. */
static void ask_alone(struct order *o, enum order_wait wait, enum child_question what, const char *words)
{
	if (anybody_waits(o->s, WAIT_SESSIONS) || anybody_waits(o->s, WAIT_KICK)) {
		o->wait = WAIT_WORDS;
		return;
	}
	o->wait = wait;
	ask_all_with(o->s, what, words);
}

/* "BEFORE" */
static void order_sessions(struct order *o, char *rest)
{
	ask_alone(o, WAIT_SESSIONS, CHILD_SESSIONS, rest);
}

/* "ID ACCOUNT", ID 0: all of them. */
static void order_kick(struct order *o, char *rest)
{
	ask_alone(o, WAIT_KICK, CHILD_KICK, rest);
}

static void order_rotate(struct order *o, char *rest)
{
	(void)rest;
	supervisor_rotate_tickets(o->s);
	order_done(o, 0, "");
}

static void tell_authd(struct order *o)
{
	struct child *authd = child_of(o->s, DAEMON_AUTHD);

	o->wait = WAIT_AUTHD;
	if (authd == NULL || authd->state != CHILD_READY)
		return;
	o->wait = WAIT_APPLIED;
	o->number = ++o->s->last_number;
	if (talk_settings(authd, authd->setup, o->number) != 0)
		o->wait = WAIT_AUTHD;	/* it is about to leave */
}

static void order_accounts(struct order *o, char *rest)
{
	(void)rest;
	tell_authd(o);
}

void orders_authd_gone(struct supervisor *s)
{
	for (struct order *o = s->orders != NULL ? s->orders->first : NULL; o != NULL; o = o->next)
		if (o->wait == WAIT_APPLIED)
			o->wait = WAIT_AUTHD;
}

void orders_authd_ready(struct supervisor *s)
{
	for (struct order *o = s->orders != NULL ? s->orders->first : NULL; o != NULL; o = o->next)
		if (o->wait == WAIT_AUTHD)
			tell_authd(o);
}

/* The revocations were sent on before this answer: who answers a question now has them. */
void orders_applied(struct supervisor *s, const struct child *c, uint64_t number, const char *words)
{
	bool settle = false;

	if (s->orders == NULL || c->daemon != DAEMON_AUTHD)
		return;
	for (struct order *o = s->orders->first; o != NULL; o = o->next) {
		if (o->wait != WAIT_APPLIED || o->number != number)
			continue;
		if (*words != '\0') {
			order_done(o, 1, words);
			continue;
		}
		o->wait = WAIT_SETTLED;
		settle = true;
	}
	if (!settle)
		return;
	watch_accounts(s);
	ask_all(s, CHILD_STATUS);
}

static void order_stop(struct order *o, char *rest)
{
	(void)rest;
	o->wait = WAIT_END;
	stop_begin(o->s);
}

/* All of it: yubind too, with its program as it now is. */
static void restart_all(struct order *o)
{
	struct supervisor *s = o->s;

	if (s->again_fd < 0)
		s->again_fd = fcntl(o->fd, F_DUPFD, 3);
	if (s->again_fd < 0) {
		order_done(o, 1, "no descriptor is left");
		return;
	}
	o->wait = WAIT_END;
	stop_begin(s);
}

static void on_check(void *arg, enum report_kind kind, const char *words)
{
	order_say(arg, kind == REPORT_ERROR ? "error" : "warning", words);
}

static bool check_first(struct order *o)
{
	struct report report = { .sink = on_check, .arg = o };
	const struct setup_source source = { .paths = &o->s->paths,
					     .flags = o->s->flags,
					     .root = o->s->root };
	struct setup *setup;

	if (setup_read(&setup, &source, &report) != 0)
		return false;
	setup_drop(setup);
	return true;
}

static void order_restart(struct order *o, char *rest)
{
	bool daemons[DAEMON_COUNT] = { false };
	struct span in = span_of(rest);
	char name[16];

	if (in.n == 0) {
		if (check_first(o))
			restart_all(o);
		else
			order_done(o, 1, "nothing was changed: the server goes on as it was");
		return;
	}
	while (in.n > 0) {
		struct span word = span_take_until(&in, ' ');
		enum daemon d;

		snprintf(name, sizeof(name), "%.*s", (int)word.n, (const char *)word.p);
		d = daemon_find(name);
		if (d == DAEMON_COUNT) {
			order_done(o, 2,
				   "there is no such daemon; there are storaged, authd, smtpd, pop3d, imapd");
			return;
		}
		daemons[d] = true;
	}
	o->wait = WAIT_JOB;
	job_restart(o->s, o, daemons);
}

static void order_reload(struct order *o, char *rest)
{
	(void)rest;
	o->wait = WAIT_JOB;
	logfile_look(o->s->log);
	job_reload(o->s, o);
}

static const struct {
	const char *name;
	void (*run)(struct order *o, char *rest);
	bool needs_turn; /* waits until no job is in hand */
} rows[] = {
	{ "status", order_status, false }, { "accounts", order_accounts, false },
	{ "stop", order_stop, false },     { "restart", order_restart, true },
	{ "reload", order_reload, true },  { "tls", order_tls, false },
	{ "rotate-tickets", order_rotate, false }, { "queue", order_storaged, false },
	{ "store-account", order_store_account, false }, { "sessions", order_sessions, false },
	{ "kick", order_kick, false },     { "settle", order_storaged, false },
};

void order_run(struct order *o)
{
	char *rest = strchr(o->words, ' ');
	size_t n = rest != NULL ? (size_t)(rest - o->words) : strlen(o->words);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strncmp(o->words, rows[i].name, n) != 0 || rows[i].name[n] != '\0')
			continue;
		if (rows[i].needs_turn && o->s->job != NULL)
			o->wait = WAIT_TURN;
		else
			rows[i].run(o, rest != NULL ? rest + 1 : o->words + n);
		return;
	}
	order_done(o, 2, "this yubind does not know the order; is it of another version?");
}

void orders_next(struct supervisor *s)
{
	struct order *o = s->orders != NULL ? s->orders->first : NULL;

	while (o != NULL && o->wait != WAIT_TURN)
		o = o->next;
	if (o != NULL && s->job == NULL && s->stop == STOP_NOT)
		order_run(o);
}
