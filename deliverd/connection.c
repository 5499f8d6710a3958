/* connection.c - the contract is in connection.h. */
#include "deliverd/connection.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "deliverd/delivery.h"
#include "deliverd/opening.h"
#include "deliverd/outcome.h"
#include "deliverd/schedule.h"

static const uint64_t never = UINT64_MAX;

/* --- life ------------------------------------------------------------------ */

static struct connection *connection_new(struct destination *dest)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->d = dest->d;
	c->destination = dest;
	c->conf = conf_hold(dest->conf);
	c->route = dest->route;
	c->idle_until_ms = never;
	link_init(&c->idle);
	link_init(&c->link);
	link_append(&dest->connections, &c->link);
	dest->connection_count++;
	dest->opening++;
	c->d->opening++;
	return c;
}

struct connection *connection_open(struct destination *dest)
{
	struct connection *c = connection_new(dest);

	if (c != NULL && !opening_begin(c)) {
		connection_free(c);
		return NULL;
	}
	return c;
}

/* Its destination counts it no more. */
static void leave_destination(struct connection *c)
{
	struct destination *dest = c->destination;

	if (dest == NULL)
		return;
	link_remove(&c->link);
	dest->connection_count--;
	if (c->state == CONNECTION_OPENING) {
		dest->opening--;
		c->d->opening--;
	} else {
		dest->up--;
		c->d->up--;
	}
	c->destination = NULL;
	c->state = CONNECTION_LEAVING;
}

void connection_reset(struct connection *c)
{
	remote_free(c->remote);
	smtp_client_free(c->engine);
	c->remote = NULL;
	c->engine = NULL;
	c->secured = c->may_begin = c->wants_body = false;
	memcpy(c->tls, "none", 5);
	c->id = 0;
}

void connection_free(struct connection *c)
{
	leave_destination(c);
	link_remove(&c->link);
	link_remove(&c->idle);
	opening_free(c->opening);
	delivery_free(c->ready);
	delivery_free(c->next);
	delivery_free(c->current);
	connection_reset(c);
	conf_drop(c->conf);
	free(c);
}

static void enter(struct connection *c)
{
	c->depth++;
}

static void leave(struct connection *c)
{
	if (--c->depth == 0 && c->over)
		connection_free(c);
}

void connection_end(struct connection *c)
{
	c->over = true;
	if (c->depth == 0)
		connection_free(c);
}

struct connection *connection_replace(struct connection *c)
{
	struct connection *fresh = connection_new(c->destination);

	if (fresh == NULL)
		return NULL;
	fresh->opening = c->opening;
	c->opening = NULL;
	leave_destination(c);
	link_append(&fresh->d->leaving, &c->link);
	smtp_client_quit(c->engine);
	remote_wake(c->remote);
	return fresh;
}

void connection_up(struct connection *c)
{
	opening_free(c->opening);
	c->opening = NULL;
	c->destination->opening--;
	c->d->opening--;
	c->destination->up++;
	c->d->up++;
	c->state = CONNECTION_UP;
	destination_up(c->destination, c);
}

/* --- work ------------------------------------------------------------------ */

static void idle_no_more(struct connection *c)
{
	c->idle_until_ms = never;
	link_remove(&c->idle);
}

static void job_over(struct deliverd *d, struct destination *dest, struct job *j)
{
	if (j->open == 0)
		outcome_report(d, j);
	else
		destination_return(dest, j);
}

/* A transaction is over, or never began; its job goes on, or is done. */
static void put_down(struct connection *c, struct delivery *v)
{
	struct job *j;

	if (v == NULL)
		return;
	j = delivery_job(v);
	delivery_free(v);
	job_over(c->d, c->destination, j);
}

/* It was up, and can't be used any more. */
static void connection_lost(struct connection *c)
{
	struct destination *dest = c->destination;

	if (dest == NULL)
		return;
	put_down(c, c->ready);
	put_down(c, c->next);
	put_down(c, c->current);
	c->ready = c->next = c->current = NULL;
	c->may_begin = c->wants_body = false;
	idle_no_more(c);
	leave_destination(c);
	link_append(&c->d->leaving, &c->link);
	destination_gone(dest, c);
}

void connection_quit(struct connection *c)
{
	smtp_client_quit(c->engine);
	remote_wake(c->remote);
	connection_lost(c);
}

static bool used_up(const struct connection *c)
{
	return c->sent >= c->conf->per_connection || c->d->stopping;
}

/* The next transaction that may begin; NULL: none now. */
static struct delivery *find_work(struct connection *c)
{
	for (;;) {
		struct job *j;
		int r;

		if (c->ready == NULL) {
			j = used_up(c) ? NULL : destination_take(c->destination);
			if (j == NULL)
				return NULL;
			c->ready = delivery_new(c, j);
			if (c->ready == NULL) {
				destination_return(c->destination, j);
				return NULL;
			}
		}
		r = delivery_prepare(c->ready);
		if (r < 0)
			return NULL;
		if (r == 1)
			return c->ready;
		put_down(c, c->ready);
		c->ready = NULL;
	}
}

/* Begins one if there is one. */
static struct delivery *begin(struct connection *c)
{
	struct delivery *v;

	while ((v = find_work(c)) != NULL) {
		c->ready = NULL;
		if (delivery_begin(v)) {
			c->sent++;
			c->may_begin = false;
			idle_no_more(c);
			return v;
		}
		put_down(c, v);
	}
	return NULL;
}

/* The engine takes a message now. */
static void go_on(struct connection *c)
{
	if (!c->may_begin || c->destination == NULL)
		return;
	c->current = begin(c);
	if (c->current != NULL || c->ready != NULL)
		return;
	if (used_up(c) || schedule_wants_room(c->d->schedule))
		connection_quit(c);
	else if (c->idle_until_ms == never) {
		c->idle_until_ms = clock_mono_ms() + c->conf->idle_ms;
		link_append(&c->d->idlers, &c->idle);
	}
}

bool connection_idle(const struct connection *c)
{
	return c->state == CONNECTION_UP && c->may_begin && c->ready == NULL;
}

void connection_work(struct connection *c)
{
	enter(c);
	go_on(c);
	if (c->remote != NULL)
		remote_wake(c->remote);
	leave(c);
}

void connection_prepared(struct connection *c)
{
	connection_work(c);
}

void connection_body(struct connection *c)
{
	if (!c->wants_body || c->current == NULL)
		return;
	c->wants_body = false;
	delivery_want_body(c->current);
	remote_wake(c->remote);
}

/* --- the engine's actions -------------------------------------------------- */

static void on_ready(struct connection *c)
{
	c->may_begin = true;
	if (c->state == CONNECTION_OPENING)
		opening_ready(c->opening);
	if (c->state == CONNECTION_UP)
		go_on(c);
}

static void on_early(struct connection *c)
{
	if (c->state == CONNECTION_UP && c->next == NULL)
		c->next = begin(c);
}

static void on_mail_done(struct connection *c)
{
	struct delivery *v = c->current;

	c->current = c->next;
	c->next = NULL;
	c->wants_body = false;
	if (v != NULL)
		delivery_over(v);
	put_down(c, v);
}

static void on_unusable(struct connection *c, const struct client_reply *reply)
{
	if (c->state == CONNECTION_OPENING) {
		opening_unusable(c->opening, reply);
	} else if (c->state == CONNECTION_UP) {
		log_info("DCID %llu ended host=%s reason=\"%s\"", (unsigned long long)c->id, c->host, reply->words);
		connection_lost(c);
	}
}

static void act(struct connection *c, const struct client_action *a)
{
	switch (a->kind) {
	case CLIENT_READY:
		on_ready(c);
		break;
	case CLIENT_EARLY:
		on_early(c);
		break;
	case CLIENT_WANT_BODY:
		if (c->current != NULL)
			delivery_want_body(c->current);
		break;
	case CLIENT_RCPT_DONE:
		if (c->current != NULL)
			delivery_rcpt_done(c->current, a->index, a->reply);
		break;
	case CLIENT_MAIL_DONE:
		on_mail_done(c);
		break;
	case CLIENT_UNUSABLE:
		on_unusable(c, a->reply);
		break;
	default:
		break;
	}
}

static enum conn_want ask_engine(struct connection *c, struct span *out)
{
	struct smtp_client *e = c->engine;
	struct client_action a;

	while (e != NULL && c->engine == e) {	/* another host may be tried, and this one be gone */
		smtp_client_next(e, &a);
		switch (a.kind) {
		case CLIENT_NONE:
			return CONN_WANT_INPUT;
		case CLIENT_SEND:
			*out = a.bytes;
			return CONN_WANT_OUTPUT;
		case CLIENT_START_TLS:
			return CONN_WANT_TLS;
		case CLIENT_CLOSE:
			connection_lost(c);
			return CONN_WANT_CLOSE;
		default:
			act(c, &a);
		}
	}
	return CONN_WANT_INPUT;
}

/* --- the shell's callbacks -------------------------------------------------- */

static void on_connected(void *session, const char *address)
{
	struct connection *c = session;

	(void)address;
	enter(c);
	opening_connected(c->opening);
	leave(c);
}

static void on_feed(void *session, struct span *in)
{
	struct connection *c = session;

	if (c->engine != NULL)
		smtp_client_feed(c->engine, in);
	else
		span_take(in, in->n);
}

static enum conn_want on_next(void *session, struct span *out)
{
	struct connection *c = session;
	enum conn_want want;

	enter(c);
	want = ask_engine(c, out);
	leave(c);
	return want;
}

static void on_secured(void *session)
{
	struct connection *c = session;

	enter(c);
	c->secured = true;
	if (c->opening != NULL)
		opening_secured(c->opening);
	if (c->engine != NULL)
		smtp_client_secured(c->engine);
	leave(c);
}

/* The engine tells what was open; nothing of what it wants to send goes anywhere. */
static void drain(struct connection *c, const char *words)
{
	struct span out;

	if (c->engine == NULL)
		return;
	smtp_client_ended(c->engine, words);
	while (ask_engine(c, &out) == CONN_WANT_OUTPUT)
		;
}

static void on_ended(void *session, enum remote_end why, const char *words)
{
	struct connection *c = session;

	enter(c);
	if (c->state == CONNECTION_OPENING) {
		opening_ended(c->opening, why, words);
	} else {
		drain(c, words);
		connection_lost(c);
		connection_end(c);
	}
	leave(c);
}

static void on_tick(void *session, uint64_t now_ms)
{
	struct connection *c = session;

	enter(c);
	if (c->engine != NULL)
		smtp_client_tick(c->engine, now_ms);
	if (now_ms >= c->idle_until_ms && connection_idle(c))
		connection_quit(c);
	leave(c);
}

static uint64_t on_deadline(void *session)
{
	const struct connection *c = session;
	uint64_t at = c->engine != NULL ? smtp_client_deadline(c->engine) : never;

	return at < c->idle_until_ms ? at : c->idle_until_ms;
}

const struct remote_protocol connection_protocol = {
	.connected = on_connected,
	.feed = on_feed,
	.next = on_next,
	.secured = on_secured,
	.ended = on_ended,
	.tick = on_tick,
	.deadline = on_deadline,
};
