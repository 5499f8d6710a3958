/* orders_one.c - a question that one process alone can answer: storaged, about the queue or an account's small files. */
#include "common/base/clock.h"
#include "supervisor/orders_inside.h"

enum { ONE_MS = 10000 }; /* a storaged that looks through a large queue may be busy */

/* Looks again when the oldest that still waits is due. */
static void watch_late(struct supervisor *s)
{
	uint64_t now_ms = clock_mono_ms(), first_ms = UINT64_MAX;

	for (const struct order *o = s->orders->first; o != NULL; o = o->next)
		if (o->wait == WAIT_ONE && o->asked_ms + ONE_MS < first_ms)
			first_ms = o->asked_ms + ONE_MS;
	if (first_ms == UINT64_MAX)
		uv_timer_stop(&s->orders->late_one);
	else
		uv_timer_start(&s->orders->late_one, orders_one_late,
			       first_ms > now_ms ? first_ms - now_ms : 1, 0);
}

void orders_one_late(uv_timer_t *t)
{
	struct supervisor *s = t->data;
	uint64_t now_ms = clock_mono_ms();

	for (struct order *o = s->orders->first; o != NULL; o = o->next)
		if (o->wait == WAIT_ONE && o->asked_ms + ONE_MS <= now_ms)
			order_done(o, 1, "storaged does not answer; see `yubin log`");
	watch_late(s);
}

void order_storaged(struct order *o, char *rest)
{
	struct child *storaged = child_of(o->s, DAEMON_STORAGED);

	(void)rest;
	if (storaged == NULL || storaged->state != CHILD_READY) {
		order_done(o, 1, "storaged is being started; try again");
		return;
	}
	o->wait = WAIT_ONE;
	o->number = ++o->s->last_number;
	o->asked_ms = clock_mono_ms();
	if (talk_ask_one(storaged, o->words, o->number) != 0)
		order_done(o, 1, "storaged is being restarted; try again");
	watch_late(o->s);
}

/* The text is the process's word: a NUL in it would end it. */
void orders_one_answered(const struct child *c, uint64_t number, struct span text)
{
	struct buf words;

	for (struct order *o = c->s->orders != NULL ? c->s->orders->first : NULL; o != NULL; o = o->next) {
		if (o->wait != WAIT_ONE || o->number != number || c->daemon != DAEMON_STORAGED)
			continue;
		buf_init(&words, ORDERS_TEXT_MAX);
		buf_put(&words, text);
		buf_put_byte(&words, '\0');
		if (words.failed)
			order_done(o, 1, "storaged's answer is too long");
		else
			order_done(o, 0, (const char *)words.p);
		buf_clear(&words);
		return;
	}
}
